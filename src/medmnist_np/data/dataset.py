"""A data set as a sequence of samples, with the methods that people use; other modules do the work."""

from __future__ import annotations

import os
import warnings
import zlib
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from medmnist_np._groups import per_sample
from medmnist_np._progress import Progress, bars
from medmnist_np.data.samples import Samples

if TYPE_CHECKING:
    from medmnist_np.batches import Batches, Transform
    from medmnist_np.batches.layout import Channels
    from medmnist_np.batches.order import Last, Shuffle, Uneven
    from medmnist_np.data.statistics import Statistics
    from medmnist_np.images import Picture

# Of the memory that is free; the rest is for what the user does next.
_SHARE_TO_WARM = 0.8


class Dataset(Samples):
    """One split of a data set, as a sequence of ``(image, label)``.

    Parameters
    ----------
    name, size, root, download
        As of :func:`load`.
    split : str
        ``"train"``, ``"val"`` or ``"test"``; or several as one, ``"train+val"``.
    transform : callable, optional
        Applied to each image.
    target_transform : callable, optional
        Applied to each label.
    as_rgb : bool
        Repeat gray images to three channels, last axis: ``(h, w, 3)``, ``(d, h, w, 3)``.
    scheme : Scheme or path, optional
        Corrected splits, see :class:`Scheme`: the samples that ``split`` has by it. ``ds.split`` names the
        published splits that they are taken from.
    mmap_mode : {"r", "c", None}
        See :func:`load`. ``"r"``: images and labels are read-only. ``"c"`` and None: what you write into :attr:`images`
        or :attr:`labels` changes this data set and its selections, in this process. Changed labels go along in a
        pickle, as to worker processes; changed images do not.

    Attributes
    ----------
    split, size, transform, target_transform, as_rgb
        As above.
    folder : Path
        Of the .npy files.

    Notes
    -----
    An int gives an item: the image as a fresh, writable uint8 array, ``(h, w)``, ``(h, w, 3)`` or ``(d, h, w)``,
    and the label as a fresh int64 array ``(l,)``.

    Of a segmentation set, as ``"medsegbench/kvasir"``, masks ``(h, w)`` stand in the place of labels everywhere, in the
    dtype that they are stored in.

    A slice, an array of indices or a boolean mask gives a :class:`Dataset` that is a view; so does ``train + val``.
    If the selection is contiguous, its :attr:`images` are a slice of the map and take no memory, and its :attr:`labels`
    a slice of an array in memory. For any other selection, or one that spans two splits, they are gathered at each
    access into new arrays of ``len(ds) * image bytes``, for example 150,528 bytes for each image of 224 px in RGB.

    It may be shared between threads. It pickles as a path and a selection: under 2 kB for a whole split or a slice,
    plus 8 bytes a sample for any other selection; transforms must pickle themselves.

    Examples
    --------
    >>> import medmnist_np as mm
    >>> ds = mm.Dataset("breastmnist", split="train")  # doctest: +SKIP
    >>> image, label = ds[0]  # doctest: +SKIP
    >>> malignant = ds[ds.labels[:, 0] == 0]  # doctest: +SKIP
    >>> for batch in ds.batches(64, shuffle=True):  # doctest: +SKIP
    ...     batch.images, batch.labels
    """

    @property
    def info(self) -> Any:
        """The record of the data set; of the official classes, the official dict."""
        return self.record

    @property
    def class_names(self) -> tuple[str, ...]:
        """The meaning of class 0, 1, ..., or of each label of a multi-label set."""
        return self.record.class_names

    def class_counts(self) -> dict[str, int]:
        """Count the selected samples of each class; of a multi-label set, the positives of each label.

        Of a segmentation set the pixels of each class are counted, in all masks.
        """
        from medmnist_np.data.statistics import value_counts

        if self.record.multi_label:
            counts = self.labels.sum(axis=0, dtype=np.int64)
        else:
            counts = value_counts(self._source.label_rows, self._positions(), self.record.n_classes)
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    def decode(self, label: npt.ArrayLike) -> str | tuple[str, ...]:
        """Say a label in words.

        Parameters
        ----------
        label : array_like
            One label as items have it: ``(1,)`` or a number; of a multi-label set the ``(l,)`` zeros and ones.

        Returns
        -------
        str or tuple of str
            The class name; of a multi-label set the names of all findings, perhaps none.

        Raises
        ------
        ValueError
            If it is no label of this data set.
        """
        self.record.require_labels("decode")
        values = np.asarray(label).reshape(-1)
        if len(values) != self.record.label_width:
            raise ValueError(
                f"A label of {self.record.name} has {self.record.label_width} value(s), not {len(values)}."
            )
        highest = 1 if self.record.multi_label else self.record.n_classes - 1
        if not np.isin(values, np.arange(highest + 1)).all():
            raise ValueError(f"{label!r} is no label of {self.record.name}: its values are 0 to {highest}.")
        if self.record.multi_label:
            return tuple(name for name, value in zip(self.class_names, values, strict=True) if value)
        return self.class_names[int(values[0])]

    def batches(  # noqa: PLR0913 -- each is one choice, and has a default
        self,
        batch_size: int,
        *,
        shuffle: Shuffle = False,
        seed: int = 0,
        epoch: int = 0,
        last: Last = "keep",
        shard: tuple[int, int] = (0, 1),
        uneven: Uneven = "keep",
        channels: Channels | None = None,
        dtype: npt.DTypeLike | None = None,
        scale: float | None = None,
        weights: npt.ArrayLike | Literal["balanced"] | None = None,
        transform: Transform | None = None,
        prefetch: int = 2,
    ) -> Batches:
        """Return batches as fresh, writable arrays; each pass over them is the next epoch.

        Which samples come when is a pure function of ``seed``, the epoch and ``shard``.

        Parameters
        ----------
        batch_size : int
            Samples of a batch.
        shuffle : bool or "blocks"
            ``"blocks"`` is for files that are larger than memory: it mixes runs of neighbours, of a megabyte each, in
            windows of one to two gigabytes, and reads the next window ahead. How well it mixes:
            :func:`medmnist_np.batches.order.block_order`.
        seed : int
            Of the order and of ``transform``, 0 to 2**32 - 1.
        epoch : int
            Number of the first pass.
        last : {"keep", "drop", "pad"}
            A last batch that is not full is given as it is, left out, or filled up with samples that are masked.
        shard : (int, int)
            ``(which, of_how_many)``: this part of every epoch, for one of several machines. Parts share no sample
            and together are the whole.
        uneven : {"keep", "pad", "drop"}
            Parts that do not all have as many samples stay so, are filled up with samples that are masked, or are cut.
        channels : "first" or "last", optional
            Where the channel axis is: ``(b, c, h, w)`` or ``(b, h, w, c)``, in 3D ``(b, c, d, h, w)`` or
            ``(b, d, h, w, c)``. None leaves images as they are stored: gray images and volumes have none.
        dtype : dtype, optional
            Of the images. None means uint8, or float32 where there is a scale.
        scale : float, optional
            Multiplied with each value, as ``1 / 255``.
        weights : "balanced" or (n,) array_like of float, optional
            Draw ``n`` samples with replacement, in this ratio; ``"balanced"`` makes each class as likely. With
            ``shuffle=True`` only.
        transform : callable, optional
            ``transform(batch, rng)`` gives a :class:`Batch` of as many samples, as ``batch._replace(images=...)``.
            ``rng`` is a generator that depends on seed, epoch, shard and batch alone. Several threads call it.
        prefetch : int
            Batches that are made ahead, each in a thread of its own. 0 makes each when it is asked for; so is done with
            small ones without a transform (below 2 MB), which takes less time than handing them over.

        Returns
        -------
        Batches
            Yields ``(images, labels, indices, mask)``, see :class:`~medmnist_np.batches.Batch`; has ``state_dict()``
            and ``load_state_dict()``.

        Raises
        ------
        ValueError
            If an argument is out of range, or the data set has a transform for single items, which is not applied to
            batches.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> train = mm.Dataset("breastmnist", split="train")
        >>> for batch in train.batches(128, shuffle=True, seed=0, channels="last", scale=1 / 255):
        ...     print(batch.images.shape, batch.images.dtype, batch.labels.shape)
        (128, 28, 28, 1) float32 (128, 1)
        (128, 28, 28, 1) float32 (128, 1)
        (128, 28, 28, 1) float32 (128, 1)
        (128, 28, 28, 1) float32 (128, 1)
        (34, 28, 28, 1) float32 (34, 1)
        """
        from medmnist_np.batches import Batches
        from medmnist_np.batches.layout import Layout
        from medmnist_np.batches.order import Plan, block_length

        if self.transform is not None or self.target_transform is not None:
            raise ValueError(
                "This data set has a transform for single items, which batches would not apply: make the data set "
                "without it and give batches(transform=...) one for whole batches."
            )
        if isinstance(weights, str):
            if weights != "balanced":
                raise ValueError(f"weights is {weights!r}; it is 'balanced' or one number for each sample.")
            weights = self._balanced_weights()
        layout = Layout(
            channel_axis_stored=self._source.has_channel_axis,
            as_rgb=self._repeats_channels,
            channels=channels,
            dtype=dtype,
            scale=scale,
        )
        images = self._source.image_rows
        plan = Plan(
            n_samples=len(self),
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            last=last,
            shard=shard,
            uneven=uneven,
            weights=None if weights is None else per_sample(weights, "weights").astype(np.float64),
            block_length=block_length(images.dtype.itemsize * int(np.prod(images.shape[1:]))),
        )
        return Batches(
            images,
            self._source.label_rows,
            self._selection,
            plan,
            layout,
            epoch=epoch,
            transform=transform,
            prefetch=prefetch,
            label_dtype=self._source.label_dtype,
            identity=self._identity(),
            read_ahead=self._read_ahead,
        )

    def take_per_class(self, n: int, seed: int = 0) -> Self:
        """Return a part with ``n`` samples of each class, chosen at random, in the order of the data set.

        Raises
        ------
        ValueError
            If a class has fewer, or a sample may be of several classes.
        """
        from medmnist_np.data.subsets import some_per_class

        self._require_single_label("take_per_class chooses by class")
        return self._part(some_per_class(self.labels, n, seed, self.class_names))

    def folds(self, k: int, *, seed: int = 0, groups: npt.ArrayLike | None = None) -> list[tuple[Self, Self]]:
        """Divide the samples for a stratified cross-validation.

        Parameters
        ----------
        k : int
            Number of folds.
        seed : int
            Of the division, 0 to 2**32 - 1.
        groups : (n,) array_like, optional
            Samples of one group, such as one patient, stay in the same fold. In the order of the data set.

        Returns
        -------
        list of (Dataset, Dataset)
            For each fold the rest, to train on, and the fold. Classes have about the same shares in each; in a
            multi-label set, findings do. In a segmentation set images are only divided.

        Raises
        ------
        ValueError
            If there are fewer samples or groups than folds, a group is missing or masked, or ``groups`` is a pandas
            series whose index numbers the samples in another order.

        Warns
        -----
        UserWarning
            If a class or finding of the samples is missing from a fold, as there are too few of it: its AUC is not
            defined there.
        """
        from medmnist_np.data.subsets import absent_from, stratified_folds

        masks = self.record.target == "masks"
        labels = np.zeros((len(self), 1), np.uint8) if masks else self.labels
        parts = stratified_folds(labels, k, seed, groups)
        if absent := absent_from(parts, labels, self.class_names):
            listed = ", ".join(f"{name!r} from {n}" for name, n in absent.items())
            warnings.warn(
                f"Missing from some of the {k} folds: {listed}. Their AUC is not defined there. Use fewer folds.",
                stacklevel=2,
            )
        everything = np.arange(len(self))
        rests = (np.setdiff1d(everything, part, assume_unique=True) for part in parts)
        return [(self._part(rest), self._part(part)) for rest, part in zip(rests, parts, strict=True)]

    def warm(self, *, progress: Progress = bars) -> bool:
        """Read the selected images once, in the order of the file, so that what follows comes from memory.

        Worth it before shuffled reading from a disk that is slow to seek or a network. Of images that are computed,
        what they are computed from is read.

        Parameters
        ----------
        progress : Progress
            What to show; a bar, by default.

        Returns
        -------
        bool
            False if they do not fit into four fifths of the memory that is free: then nothing is read, and
            ``batches(shuffle="blocks")`` is the way.
        """
        from medmnist_np.data.warm import available_bytes

        images = self._source.image_files
        if images is None:
            return True
        rows = np.unique(self._positions())
        needed = images.dtype.itemsize * int(np.prod(images.shape[1:])) * len(rows)
        available = available_bytes()
        if available is not None and needed > _SHARE_TO_WARM * available:
            return False
        with progress(f"reading {self.record.name} {self.split}", total=needed) as bar:
            self._read_ahead(rows, bar)
        return True

    def statistics(self, *, executor: Executor | None = None, progress: Progress = bars) -> Statistics:
        """Count how often each value occurs in the selected images; so mean and standard deviation, exactly.

        Of whole splits the counts are kept beside the arrays, where the folder is writable, and taken from there at the
        next call. With another ``mmap_mode`` than ``"r"`` the images are counted anew each time, in this thread.

        Parameters
        ----------
        executor : concurrent.futures.Executor, optional
            Who works: threads, processes, or a cluster (a Dask client's ``get_executor()``) whose machines see the same
            path. None means this thread.
        progress : Progress
            What to show; a bar, by default.

        Returns
        -------
        Statistics
            ``mean`` and ``std`` of each channel, 0 to 255, and ``histogram``. Gray images have one channel, even if
            ``as_rgb``.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> statistics = mm.Dataset("retinamnist", split="train").statistics()
        >>> statistics.mean.shape, statistics.std.shape, statistics.histogram.shape
        ((3,), (3,), (3, 256))
        """
        from medmnist_np._sequences import divided
        from medmnist_np.data.statistics import Statistics, of_mapped, of_rows
        from medmnist_np.images.channels import usual_axes

        channels = self.record.n_channels
        source = self._source
        # What was written into images is not in their files.
        files = source.image_files if source.mmap_mode == "r" and source.corruption is None else None
        if files is None:
            images = source.image_rows
            if isinstance(images, np.ndarray) and self.record.ndim == 2:  # assigned, perhaps in another layout
                images = usual_axes(images)
                channels = images.shape[3] if images.ndim == 4 else 1
            return of_rows(images, self._positions(), channels)
        digests = {stored.file: stored.sha256 for stored in source.folder.manifest.arrays.values()}
        total = Statistics(np.zeros((channels, 256), np.int64))
        for array, rows in divided(files, self._positions()):
            sha256 = digests[Path(array.filename).name]
            total += of_mapped(array, rows, channels, sha256=sha256, executor=executor, progress=progress)
        return total

    def corrupt(self, name: str, severity: int, *, seed: int = 0) -> Self:
        """Return the same samples with corrupted images, which are computed as they are read.

        Parameters
        ----------
        name : str
            A corruption that MedMNIST-C has for the set, as ``"motion_blur"``.
        severity : int
            1 (weakest) to 5 (strongest).
        seed : int
            At least 0. What an image becomes depends on it, the corruption, the severity and the place of the image in
            its split alone. Images that ``medmnist-np corrupt`` stored are read instead; they are the same.

        Raises
        ------
        ValueError
            If MedMNIST-C has no corruptions for the set or not this one, which lists those that it has; if there is no
            such severity; if the seed is no whole number of at least 0; or if the images are corrupted already.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> blurred = mm.Dataset("breastmnist", split="test").corrupt("motion_blur", severity=3)
        >>> blurred[0][0].shape, len(blurred)
        ((28, 28), 156)
        """
        if self.corruption is not None:
            raise ValueError(
                f"The images are corrupted by {self.corruption.name} already: start from images that are not."
            )
        if "images" in self._source.assigned:
            raise ValueError(
                "imgs were assigned, and only the published images are corrupted here: give your array to "
                "medmnist_np.corruptions.corrupt."
            )
        from medmnist_np.corruptions.computed import Corruption

        corrupted = self._copy()
        corrupted._source = self._source.corrupted(Corruption.made_here(name, severity, seed))
        return corrupted

    def montage(
        self,
        rows: int = 20,
        columns: int = 20,
        *,
        seed: int = 0,
        by_class: bool = False,
        labels: bool = False,
        masks: bool = True,
        view: str | None = None,
    ) -> Picture:
        """Show some of the samples side by side.

        Parameters
        ----------
        rows, columns : int
            Places; a set that has fewer samples fills what it can.
        seed : int
            Of the choice.
        by_class : bool
            A row or more for each class.
        labels : bool
            Write the number of the class below each image, and what the numbers mean at the bottom. Of a segmentation
            set, what the colours of the masks mean.
        masks : bool
            Draw the masks of a segmentation set over its images: filled, with contours, in a colour for each class.
        view : str, optional
            How to show volumes: ``"animated"``, which None means too, ``"middle"``, ``"orthogonal"``, ``"sheet"`` or
            ``"projection"``.

        Returns
        -------
        Picture
            Its ``array``, its ``image`` (of Pillow), ``save(path)``; a notebook shows it.

        Raises
        ------
        ValueError
            If an argument is out of range, images are asked for in a view of volumes, or a segmentation set by class.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> mm.Dataset("breastmnist", split="test").montage(4, 8)
        <Picture of 224 x 112 pixels>
        """
        from medmnist_np.images import choose, draw
        from medmnist_np.images.encoders import kind_of

        if by_class:
            self.record.require_labels("by_class")
        segmented = self.record.target == "masks"
        if segmented and labels and not masks:
            raise ValueError("labels=True says what the colours of masks mean, and masks=False leaves them out.")
        return draw(
            self._source.image_rows,
            choose(self._selection, rows, columns, seed=seed, labels=self.labels if by_class else None),
            kind_of(self.record.ndim, self.record.n_channels),
            view=view,
            labels=self._source.label_rows if labels and not segmented else None,
            class_names=self.class_names,
            masks=self._source.label_rows if masks and segmented else None,
            legend=labels,
        )

    def save(
        self,
        folder: str | os.PathLike[str],
        layout: Literal["automl", "imagefolder", "csv"] | None = None,
        format: str | None = None,  # noqa: A002 -- the word that everybody uses
        *,
        write_csv: bool = True,
        workers: int = 1,
        progress: Progress = bars,
    ) -> Path:
        """Write each sample as a file, for tools that want files.

        What is there already and the same is left, what is there and another is refused, and what is missing is
        written: a run that was interrupted goes on, and a second one changes nothing.

        Parameters
        ----------
        folder : path
            Where to make a folder with the name of the set.
        layout : {"automl", "imagefolder", "csv"}, optional
            That of the official package, with a table for Google AutoML, which None means; a folder for each class; or
            one table for each split. A segmentation set has none of them: its images lie in ``<split>/images`` and its
            masks, under the same names, in ``<split>/masks``.
        format : str, optional
            ``"png"``, ``"tiff"``, ``"npy"`` or ``"nii"`` keep every value; ``"jpg"`` and ``"gif"`` do not. None means
            ``"png"``, for volumes ``"gif"``. Masks are never written as JPEG or GIF, but as PNG.
        write_csv : bool
            Write the table; of a segmentation set ``classes.csv``, the meaning of the values of masks.
        workers : int
            Threads.
        progress : Progress
            What to show; a bar, by default.

        Returns
        -------
        Path
            The folder with the files.

        Raises
        ------
        ValueError
            If there is no such layout or format, it does not suit the images, the set has no folder for each class, or
            a layout is asked for of a segmentation set.
        CacheError
            If a file is in the way, or cannot be written.
        """
        from medmnist_np._sequences import divided
        from medmnist_np.export import PairPlan, Plan, save, save_pairs

        segmented = self.record.target == "masks"
        if segmented and layout is not None:
            self.record.require_labels(f"The layout {layout!r}")
        parts = zip(
            self.split.split("+"),
            divided(self._source.image_rows, self._positions()),
            divided(self._source.label_rows, self._positions()),
            strict=True,
        )
        how: Any = {"write_csv": write_csv, "workers": workers, "progress": progress}
        for split, (images, positions), (labels, _) in parts:
            belonging = {split: positions} if self._scheme is None else self._scheme.belonging(split, positions)
            for one, chosen in belonging.items():
                if segmented:
                    pairs = PairPlan(self.record, self.size, split, format, one)
                    saved = save_pairs(pairs, images, labels, folder, positions=chosen, **how)
                else:
                    plan = Plan(self.record, self.size, split, layout or "automl", format, one)
                    saved = save(plan, images, labels, folder, positions=chosen, **how)
        return saved.folder

    def _read_ahead(self, positions: npt.NDArray[np.intp], bar: Any = None) -> None:
        from medmnist_np._sequences import divided
        from medmnist_np.data.warm import read_rows

        if (files := self._source.image_files) is not None:
            for array, rows in divided(files, positions):
                read_rows(array, rows, bar)

    def _balanced_weights(self) -> npt.NDArray[np.float64]:
        from medmnist_np.data.subsets import balanced_weights

        self._require_single_label("weights='balanced' goes by class")
        return balanced_weights(self.labels)

    def _require_single_label(self, what: str) -> None:
        self.record.require_labels(what.partition(" ")[0])
        if self.record.multi_label:
            raise ValueError(
                f"{what}, and a sample of {self.record.name} may have several findings. Choose by ds.labels, "
                f"{self.record.n_classes} zeros and ones a sample, and give indices or weights of your own."
            )

    def _identity(self) -> dict[str, Any]:
        """Return what the states of batches and of Grain record about the data set, wherever it is stored."""
        return {
            **self._source.identity(),
            "selection": None if self._is_whole else zlib.crc32(self._positions().astype("<i8").tobytes()),
            **({"as_rgb": True} if self._repeats_channels else {}),
        }

    def _repr_html_(self) -> str:
        from medmnist_np.data.notebook import dataset_html

        return dataset_html(
            self.record,
            self.split,
            self.size,
            self._source.image_rows,
            self._selection,
            self.class_counts(),
            masks=self._source.label_rows if self.record.target == "masks" else None,
        )

    def __repr__(self) -> str:
        record = self.record
        # In the words of the official package, and its spelling.
        body = {
            "Number of datapoints": len(self),
            "Root location": self.folder,
            "Split": self.split,
            **({} if self.corruption is None else {"Corruption": self.corruption}),
            "Task": record.task,
            "Number of channels": record.n_channels,
            "Meaning of labels": {str(number): name for number, name in enumerate(record.class_names)},
            "Number of samples": dict(record.n_samples),
            "Description": record.description,
            "License": record.license,
        }
        suffix = "" if self.size == 28 else f"_{self.size}"
        head = f"Dataset {record.python_class} of size {self.size} ({record.qualified_name}{suffix})"
        return "\n".join([head, *(f"    {title}: {value}" for title, value in body.items())])
