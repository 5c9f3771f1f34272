"""A set of volumes that differ in size as a sequence of cases, and what people do with one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from medmnist_np._html import card, cautions_of
from medmnist_np._progress import Progress, bars
from medmnist_np.batches.order import checked_seed, whole
from medmnist_np.volumes.cases import Cases
from medmnist_np.volumes.layouts import REPORT, read_report
from medmnist_np.volumes.ragged import labelled_voxel
from medmnist_np.volumes.window_dataset import WindowDataset
from medmnist_np.volumes.windows import Slices, draw_patches

if TYPE_CHECKING:
    from medmnist_np.images import Picture

_SHOWN = 5


class VolumeDataset(Cases):
    """One split of a set of volumes that differ in size, as a sequence of ``(volume, mask)``.

    Parameters
    ----------
    name : str or VolumeInfo
        ``"msd/hippocampus"``.
    split : str
        ``"train"`` or ``"test"``; of some sets ``"val"`` too. The Decathlon has none: see :meth:`split_off`.
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
        With what there is and the nearest name.
    MedMNISTError
        As of :func:`load`.

    Notes
    -----
    An int gives an item: the volume, ``(x, y, z)`` or with several modalities ``(x, y, z, c)``, in the one dtype that
    holds every volume of the set without loss; and the mask, ``(x, y, z)`` uint8, or None where the split has no masks.
    Axes are those of the NIfTI files, as nibabel gives them. A volume may have hundreds of megabytes, so both are
    read-only views of the file, in Fortran order: nothing is read before it is looked at. ``np.array(volume)`` is a
    writable copy; take one before ``torch.from_numpy``. Items of slices and patches are fresh and writable.

    A slice, an array of indices or a boolean mask gives a :class:`VolumeDataset` of these cases.

    It may be shared between threads. It pickles as a path and a selection: under 2 kB for a whole split or a slice,
    plus 8 bytes a case for any other selection; transforms must pickle themselves.

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
        """Divide the cases at random into those to train on and those to validate with.

        Parameters
        ----------
        share : float
            Of the cases that are split off, between 0 and 1; rounded, and at least one case on either side.
        seed : int
            Of the choice, which depends on it and the number of cases alone.

        Returns
        -------
        (VolumeDataset, VolumeDataset)
            The rest and the share, each in the order of the split.

        Raises
        ------
        ValueError
            If there are fewer than two cases, or the share is none.
        """
        if not 0 < share < 1 or len(self) < 2:
            raise ValueError(
                f"{share!r} of {len(self)} cases cannot be split off; a share between 0 and 1 of two or more can."
            )
        n = min(max(round(share * len(self)), 1), len(self) - 1)
        order = np.random.default_rng(checked_seed(seed)).permutation(len(self))
        return self[np.sort(order[n:])], self[np.sort(order[:n])]

    def folds(self, k: int, *, seed: int = 0) -> list[tuple[Self, Self]]:
        """Divide the cases at random for a cross-validation.

        Parameters
        ----------
        k : int
            Number of folds, from 2 to the number of cases. Their sizes differ by one at most.
        seed : int
            Of the division, which depends on it and the number of cases alone.

        Returns
        -------
        list of (VolumeDataset, VolumeDataset)
            For each fold the rest, to train on, and the fold.

        Raises
        ------
        ValueError
            If there are not as many cases as folds.
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
        """Return the slices of all volumes as a 2D data set, without a copy.

        Parameters
        ----------
        axis : int
            What runs from slice to slice: 2 gives ``volume[:, :, k]``, which lies together in the file and is the
            fastest; 0 and 1 read from all over the volume.
        skip_empty : bool
            Leave out slices whose mask is all background. This reads every mask once, at a speed of gigabytes a second
            from memory. Without masks, nothing is left out. A score over a whole volume needs ``skip_empty=False``.
        shape : (int, int), optional
            Cut or pad slices to this size, centred (where a difference is odd, the voxel more is cut at the end and
            padded at the start). None leaves each as it is; batches need one size.
        pad_value : number
            What images are padded with; masks are padded with 0.
        progress : Progress
            What to show; a bar, by default.

        Returns
        -------
        WindowDataset
            ``(image (h, w) or (h, w, c), mask (h, w))``, volume by volume.

        Raises
        ------
        ValueError
            If an argument is out of range, or the data set has a transform, which slices would not show.
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

        Where patch k lies depends on ``seed``, k and its volume alone: not on which are read, when or by whom. Another
        seed gives others; for new patches in each epoch, make them anew with ``seed=epoch``.

        Parameters
        ----------
        shape : (int, int, int)
            Voxels along x, y and z. A volume that is shorter is padded on both sides.
        per_volume : int
            How many of each volume; those of the first volume come first.
        seed : int
            0 to 2**32 - 1.
        foreground : float, optional
            From 0 to 1: the probability with which a patch is centred on a labelled voxel, each as likely, as far as
            it then stays inside the volume. The others, and those of volumes without labels, lie anywhere inside. The
            first call reads every mask once.
        pad_value : number
            What images are padded with, as -1024 in CT; masks are padded with 0.
        progress : Progress
            What to show; a bar, by default.

        Returns
        -------
        WindowDataset
            ``(image (x, y, z) or (x, y, z, c), mask (x, y, z))``, volume by volume.

        Raises
        ------
        ValueError
            If an argument is out of range, ``foreground`` is asked for without masks, or the data set has a transform,
            which patches would not show.
        """
        self._require_no_transform()
        find = self._finder(progress) if foreground else None
        cut = draw_patches(self.images.shapes[:, :3], shape, per_volume, seed, foreground, find)
        return WindowDataset(self, cut, pad_value=pad_value)

    def save(self, folder: str | os.PathLike[str], *, progress: Progress = bars) -> Path:
        """Write each volume and each mask as a NIfTI file, with its dtype, affine and spacing.

        What is there already and the same is left, what is there and another is refused, and what is missing is
        written: a run that was interrupted goes on, and a second one changes nothing.

        Parameters
        ----------
        folder : path
            Where to make a folder with the name of the set; in it ``<split>/images`` and, where there are masks, under
            the same names ``<split>/masks``.
        progress : Progress
            What to show; a bar, by default.

        Returns
        -------
        Path
            The folder with the files.

        Raises
        ------
        CacheError
            If a file is in the way, or cannot be written.
        ModuleNotFoundError
            If NiBabel, the extra ``nifti``, is not installed.
        """
        from medmnist_np.volumes.nifti import save_cases

        target = Path(folder).expanduser() / self.record.name
        names = self.cases.tolist()
        save_cases(target / self.split, names, self.images, self.masks, self.affines, self.spacing_mm, progress)
        return target

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
        """Show one slice of each of some volumes side by side.

        It is the slice with the most labelled voxels, or the middle one where there are none; the masks of the volumes
        that are shown are read for it.

        Parameters
        ----------
        rows, columns : int
            Places; a set that has fewer volumes fills what it can.
        seed : int
            Of the choice.
        axis : int
            0, 1 or 2: what the slices are cut across. Of the axes that remain the first runs to the right in the
            picture and the second upwards: with 2, x and y.
        channel : int
            Which modality, where there are several.
        window : (float, float), optional
            Values that become black and white, as ``(-160, 240)`` for organs in CT. None means those of each slice,
            without the lowest and the highest hundredth.
        labels : bool
            Say at the bottom what the colours of masks mean.
        masks : bool
            Draw masks over the slices, if the split has any.

        Returns
        -------
        Picture
            Its ``array``, its ``image`` (of Pillow), ``save(path)``; a notebook shows it. A voxel is a pixel, also
            where voxels are longer along one axis.

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
                "This data set has a transform for whole volumes, which slices and patches would not show: make it "
                "without, and give batches(transform=...) one for batches."
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
            "Licence": self._record.license,
        }

    def _repr_html_(self) -> str:
        record = self._record
        cautions = cautions_of(
            record.notes, record.license, (), not_for_clinical_use=record.collection.not_for_clinical_use
        )
        return card(f"{record.qualified_name}, {self.split}", self._facts(), cautions)

    def __repr__(self) -> str:
        lines = [f"    {title}: {words}" for title, words in self._facts().items()]
        return "\n".join([f"VolumeDataset {self._record.qualified_name}", *lines])
