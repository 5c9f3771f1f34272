"""One split of a volume set as a sequence of cases: splitting, slices, patches, export and display."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from medmnist_np._html import card
from medmnist_np._progress import Progress, bars
from medmnist_np.batches.order import checked_seed, whole
from medmnist_np.errors import short
from medmnist_np.volumes.cases import Cases
from medmnist_np.volumes.layouts import REPORT, read_report
from medmnist_np.volumes.ragged import labelled_voxel
from medmnist_np.volumes.window_dataset import WindowDataset
from medmnist_np.volumes.windows import Grid, Slices, draw_patches

if TYPE_CHECKING:
    from medmnist_np.images import Picture
    from medmnist_np.volumes.saved_cases import FolderLayout

_SHOWN = 5


class VolumeDataset(Cases):
    """One split of a set of volumes that differ in size, as a sequence of ``(volume, mask)``.

    Parameters
    ----------
    name : str or VolumeInfo
        ``"msd/hippocampus"``.
    split : str
        ``"train"`` or ``"test"``; some sets also have ``"val"``. The Decathlon does not: see :meth:`split_off`.
    root, download, progress
        See :func:`load`.
    transform : callable, optional
        Applied to each volume.
    target_transform : callable, optional
        Applied to each mask.

    Attributes
    ----------
    split, transform, target_transform
        As above.

    Raises
    ------
    UnknownDatasetError, UnknownSplitError
        If the name or split is unknown. The message lists the choices and suggests the nearest name.
    MedMNISTError
        See :func:`load`.

    Notes
    -----
    Indexing with an int returns ``(volume, mask)``. The volume is ``(x, y, z)``, or ``(x, y, z, c)`` with several
    modalities, in the one dtype that holds every volume of the set without loss. The mask is ``(x, y, z)`` uint8, or
    None if the split has no masks. Axes are those of the NIfTI files, as in nibabel. Both are read-only views of the
    file, in Fortran order: voxels are read when they are accessed. ``np.array(volume)`` makes a writable copy, which
    ``torch.from_numpy`` needs. Slices and patches are fresh, writable arrays.

    Indexing with a slice, an array of indices or a boolean mask returns a :class:`VolumeDataset` of these cases.

    A dataset can be shared between threads. It pickles as a path and a selection: under 2 kB for a whole split or a
    slice, plus 8 bytes a case for any other selection. Transforms must be picklable too.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> ds = mm.VolumeDataset("msd/hippocampus", split="train")
    >>> volume, mask = ds[0]
    >>> volume.shape == mask.shape, mask.dtype
    (True, dtype('uint8'))
    >>> train, val = ds.split_off(0.2, seed=0)
    >>> patches = train.patches((16, 16, 16), per_volume=4, foreground=0.5)
    >>> batch = next(iter(patches.batches(8, shuffle=True, channels="first", dtype="float32")))
    >>> batch.images.shape, batch.masks.shape
    ((8, 1, 16, 16, 16), (8, 16, 16, 16))
    """

    def split_off(self, share: float = 0.2, *, seed: int = 0) -> tuple[Self, Self]:
        """Divide the cases at random into a training part and a validation part.

        Parameters
        ----------
        share : float
            Share of cases in the validation part, between 0 and 1. It is rounded to whole cases; each part has at
            least one.
        seed : int
            Random seed. The result depends only on the share, the seed and the number of cases.

        Returns
        -------
        (VolumeDataset, VolumeDataset)
            The training part and the validation part, each in the order of the split.

        Raises
        ------
        ValueError
            If there are fewer than two cases, or the share is not between 0 and 1.
        """
        if not 0 < share < 1 or len(self) < 2:
            raise ValueError(
                f"{short(share)} of {len(self)} cases cannot be split off. The share must be between 0 and 1, of at "
                "least two cases."
            )
        n = min(max(round(share * len(self)), 1), len(self) - 1)
        order = np.random.default_rng(checked_seed(seed)).permutation(len(self))
        return self[np.sort(order[n:])], self[np.sort(order[:n])]

    def folds(self, k: int, *, seed: int = 0) -> list[tuple[Self, Self]]:
        """Divide the cases at random into folds for cross-validation.

        Parameters
        ----------
        k : int
            Number of folds, from 2 to the number of cases. Their sizes differ by one at most.
        seed : int
            Random seed. The result depends only on ``k``, the seed and the number of cases.

        Returns
        -------
        list of (VolumeDataset, VolumeDataset)
            For each fold, the training cases (all others) and the fold itself.

        Raises
        ------
        ValueError
            If there are fewer cases than folds.
        """
        k = whole("k", k, least=2, most=max(2, len(self)))
        if k > len(self):
            raise ValueError(f"{len(self)} cases cannot be divided into {k} folds.")
        parts = np.array_split(np.random.default_rng(checked_seed(seed)).permutation(len(self)), k)
        return [(self[np.setdiff1d(np.arange(len(self)), part)], self[np.sort(part)]) for part in parts]

    def slices(
        self,
        axis: int = 2,
        *,
        skip_empty: bool = True,
        shape: tuple[int, int] | None = None,
        pad_value: float = 0,
        progress: Progress = bars,
    ) -> WindowDataset:
        """Return the slices of all volumes as a 2D data set, without copying them.

        Parameters
        ----------
        axis : int
            Axis along which to slice. 2 gives ``volume[:, :, k]``, which is contiguous in the file and the fastest;
            0 and 1 read from all over the volume.
        skip_empty : bool
            Leave out slices whose mask is all background. This reads every mask once, at gigabytes per second from
            memory. Without masks, nothing is left out. Use ``skip_empty=False`` to score whole volumes.
        shape : (int, int), optional
            Crop or pad slices to this size around the centre; an odd voxel is cut at the end or padded at the start.
            None keeps the original sizes; batches need one size.
        pad_value : number
            Padding value for images; masks are padded with 0.
        progress : Progress
            How to show progress; a bar by default.

        Returns
        -------
        WindowDataset
            ``(image (h, w) or (h, w, c), mask (h, w))``, volume by volume.

        Raises
        ------
        ValueError
            If an argument is out of range, or the data set has a transform, which slices would ignore.
        """
        self._require_no_transform()
        slices = WindowDataset(self, Slices(axis, shape), pad_value=pad_value)
        if not skip_empty or not self.has_masks:
            return slices
        labelled = self._labelled_along(axis, progress)
        return slices[np.concatenate([np.zeros(0, np.bool_), *(counts > 0 for counts in labelled)])]

    def patches(
        self,
        shape: tuple[int, int, int] = (96, 96, 96),
        *,
        per_volume: int = 4,
        seed: int = 0,
        foreground: float | None = None,
        pad_value: float = 0,
        progress: Progress = bars,
    ) -> WindowDataset:
        """Return random patches of all volumes as a data set.

        The position of patch k depends only on ``seed``, k and its volume, not on the order of reading or the number
        of processes. For new patches in each epoch, call this again with ``seed=epoch``.

        Parameters
        ----------
        shape : (int, int, int)
            Voxels along x, y and z. Shorter volumes are padded on both sides.
        per_volume : int
            Number of patches per volume; those of the first volume come first.
        seed : int
            Random seed, 0 to 2**32 - 1.
        foreground : float, optional
            Probability, from 0 to 1, of centring a patch on a labelled voxel. Every labelled voxel is equally likely,
            and the patch is shifted to stay inside the volume. All other patches lie anywhere inside. The first call
            reads every mask once.
        pad_value : number
            Padding value for images, such as -1024 for CT; masks are padded with 0.
        progress : Progress
            How to show progress; a bar by default.

        Returns
        -------
        WindowDataset
            ``(image (x, y, z) or (x, y, z, c), mask (x, y, z))``, volume by volume.

        Raises
        ------
        ValueError
            If an argument is out of range, ``foreground`` is given without masks, or the data set has a transform,
            which patches would ignore.
        """
        self._require_no_transform()
        find = self._finder(progress) if foreground else None
        cut = draw_patches(self.images.shapes[:, :3], shape, per_volume, seed, foreground, find)
        return WindowDataset(self, cut, pad_value=pad_value)

    def grid_patches(
        self, shape: tuple[int, int, int] = (96, 96, 96), *, overlap: float = 0.25, pad_value: float = 0
    ) -> WindowDataset:
        """Return patches that cover every volume, to score a patch model on whole volumes.

        :meth:`WindowDataset.assemble` combines the predictions for them. The positions are those of MONAI's
        ``sliding_window_inference``.

        Parameters
        ----------
        shape : (int, int, int)
            Voxels along x, y and z. Shorter volumes are padded on both sides.
        overlap : float
            Share of a patch that the next one covers again, from 0 to less than 1; more for the last along an axis.
        pad_value : number
            Padding value for images, such as -1024 for CT; masks are padded with 0.

        Returns
        -------
        WindowDataset
            ``(image (x, y, z) or (x, y, z, c), mask (x, y, z))``, volume by volume.

        Raises
        ------
        ValueError
            If an argument is out of range, or the data set has a transform, which patches would ignore.
        """
        self._require_no_transform()
        return WindowDataset(self, Grid(shape, overlap), pad_value=pad_value)

    def save(
        self, folder: str | os.PathLike[str], *, layout: FolderLayout = "plain", progress: Progress = bars
    ) -> Path:
        """Write each volume and each mask as a NIfTI file, with its dtype, affine and spacing.

        Existing files with the same content are kept, so an interrupted export resumes. Other content is an error.

        Parameters
        ----------
        folder : path
            Parent of the new folder.
        layout : {"plain", "decathlon", "nnunet"}
            ``"plain"`` writes ``<name>/<split>/images`` and ``masks``. ``"decathlon"`` writes ``imagesTr``,
            ``labelsTr`` and ``dataset.json``, which MONAI reads; several channels are the last axis of one file.
            ``"nnunet"`` writes the raw format of nnU-Net 2: a file for each channel, and labels 0, 1, 2, ... In both,
            the test split is in ``imagesTs`` and a validation split in ``imagesVa``.
        progress : Progress
            How to show progress; a bar by default.

        Returns
        -------
        Path
            The folder, which ``medmnist-np import --as`` reads.

        Raises
        ------
        CacheError
            If a file exists with other content, or cannot be written.
        ModuleNotFoundError
            If NiBabel (extra ``nifti``) is not installed.
        ValueError
            If the layout is unknown.
        """
        from medmnist_np.volumes.saved_cases import save_cases

        return save_cases(self, Path(folder).expanduser(), layout, progress)

    def montage(
        self,
        rows: int = 4,
        columns: int = 6,
        *,
        seed: int = 0,
        axis: int = 2,
        channel: int = 0,
        window: tuple[float, float] | None = None,
        labels: bool = False,
        masks: bool = True,
    ) -> Picture:
        """Show one slice each of several volumes side by side.

        The slice shown is the one with the most labelled voxels, or the middle one if the split has no masks. This
        reads the masks of the volumes that are shown.

        Parameters
        ----------
        rows, columns : int
            Size of the grid; a smaller set leaves places empty.
        seed : int
            Random seed for the choice of volumes.
        axis : int
            Axis along which to slice: 0, 1 or 2. The first remaining axis runs to the right in the picture and the
            second upwards; with 2, these are x and y.
        channel : int
            Index of the modality, if there are several.
        window : (float, float), optional
            Values that become black and white, such as ``(-160, 240)`` for organs in CT. None uses the range of each
            slice without its lowest and highest 1 %.
        labels : bool
            Add a legend of the mask colours at the bottom.
        masks : bool
            Draw masks over the slices, if the split has any.

        Returns
        -------
        Picture
            Has ``array``, ``image`` (Pillow) and ``save(path)``; notebooks display it. Each voxel is one pixel, even
            if voxels are longer along one axis.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        from medmnist_np.images.grid import EMPTY, choose
        from medmnist_np.images.montages import draw_slices
        from medmnist_np.images.overlays import foremost_slice

        whole("axis", axis, least=0, most=2)
        whole("channel", channel, least=0, most=len(self.modalities) - 1)
        places = choose(range(len(self)), rows, columns, seed=seed)
        chosen = places[places != EMPTY].tolist()
        every = self.masks
        where = {
            case: self.images[case].shape[axis] // 2 if every is None else foremost_slice(every[case], axis)
            for case in chosen
        }
        images = [np.take(self.images[case], where[case], axis=axis) for case in chosen]
        return draw_slices(
            [image[..., channel] if image.ndim == 3 else image for image in images],
            None if every is None or not masks else [np.take(every[case], where[case], axis=axis) for case in chosen],
            min(len(chosen), places.shape[1]),
            window=window,
            legend=dict(zip(self.label_values, self.class_names, strict=True)) if labels else None,
        )

    def _finder(self, progress: Progress) -> Callable[[int, np.random.Generator], tuple[int, int, int] | None]:
        labelled, masks = self._labelled_along(2, progress), self.masks

        def find(case: int, rng: np.random.Generator) -> tuple[int, int, int] | None:
            n = int(labelled[case].sum())
            if not n or masks is None:
                return None
            return labelled_voxel(masks[case], labelled[case], int(rng.integers(n)))

        return find

    def _require_no_transform(self) -> None:
        if self.transform is not None or self.target_transform is not None:
            raise ValueError(
                "This data set has a transform for whole volumes, which slices and patches do not apply. Open it "
                "without, and use batches(transform=...)."
            )

    def _facts(self) -> dict[str, str]:
        shapes = self.shapes
        spread = ""
        if len(shapes):
            ends = (shapes[:, :3].min(axis=0), shapes[:, :3].max(axis=0))
            spread = " to ".join(dict.fromkeys(" x ".join(map(str, end.tolist())) for end in ends))
        labels = zip(self.label_values, self.class_names, strict=True)
        left_out = [one.case for one in read_report(self.folder)]
        some = ", ".join(left_out[:_SHOWN]) + (", ..." if len(left_out) > _SHOWN else "")
        return {
            "Volumes": f"{len(self)} of {self.split}, {'with' if self.has_masks else 'without'} masks",
            "Voxels": f"{spread}, {self.images.dtype}".removeprefix(", "),
            "Modalities": ", ".join(self.modalities),
            "Labels": "; ".join(f"{value} {name}" for value, name in labels),
            **({"Left out": f"{some}; {REPORT} in the folder says why"} if left_out else {}),
            "Folder": str(self.folder),
            "License": self._record.license,
        }

    def _repr_html_(self) -> str:
        return card(f"{self._record.qualified_name}, {self.split}", self._facts(), self._record.cautions())

    def __repr__(self) -> str:
        lines = [f"    {title}: {words}" for title, words in self._facts().items()]
        return "\n".join([f"VolumeDataset {self._record.qualified_name}", *lines])
