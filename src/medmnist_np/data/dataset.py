"""The public class for data sets: a sequence of samples with many methods, which other modules implement."""

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
from medmnist_np.errors import short, unknown

if TYPE_CHECKING:
    from medmnist_np.batches import Batches, Transform
    from medmnist_np.batches.layout import Channels
    from medmnist_np.batches.order import Last, Shuffle, Uneven
    from medmnist_np.data.statistics import Statistics
    from medmnist_np.data.subsets import Partitions
    from medmnist_np.images import Picture

# Share of the free memory to fill. The rest is for the work of the user.
_SHARE_TO_WARM = 0.8


class Dataset(Samples):
    """One split of a data set, as a sequence of ``(image, label)``.

    Parameters
    ----------
    name, size, root, download, progress
        See :func:`load`.
    split : str
        ``"train"``, ``"val"`` or ``"test"``; ``"train+val"`` joins two.
    transform : callable, optional
        Applied to each image.
    target_transform : callable, optional
        Applied to each label.
    as_rgb : bool
        Whether to repeat gray images to three channels on the last axis: ``(h, w, 3)``, ``(d, h, w, 3)``.
    scheme : Scheme or path, optional
        Corrected splits; see :class:`Scheme`. ``split`` is then the corrected split, and ``ds.split`` names the
        published splits of its samples.
    mmap_mode : {"r", "c", None}
        See :func:`load`. ``"r"``: images and labels are read-only. ``"c"`` and None: you may change :attr:`images` and
        :attr:`labels`. Changes affect this data set and its subsets, and are included in pickles, for example for
        worker processes. If you have used :attr:`images`, pickling compares them with their files, which reads both.

    Attributes
    ----------
    split, size, transform, target_transform, as_rgb
        See the parameters.
    folder : Path
        The folder of the .npy files.

    Notes
    -----
    Indexing with an int returns one sample: the image as a new, writable uint8 array, ``(h, w)``, ``(h, w, 3)`` or
    ``(d, h, w)``, and the label as a new int64 array ``(l,)``.

    In a segmentation set, for example ``"medsegbench/kvasir"``, masks ``(h, w)`` in the dtype of their file replace
    labels everywhere.

    A slice, an array of indices or a boolean mask returns a :class:`Dataset` that is a view; so does ``train + val``.
    For a contiguous selection, :attr:`images` is a slice of the map, which needs no memory, and :attr:`labels` is a
    slice of an array in memory. For any other selection, or one that spans two splits, each access to these attributes
    copies the samples into new arrays, for example 150,528 bytes for each RGB image of 224 px.

    Threads may share a data set. A pickle contains only the path and the selection: less than 2 kB for a whole split or
    a slice, plus 8 bytes per sample for any other selection. Transforms must be picklable.

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
        """The record of the data set; the dict of the official package in the official classes."""
        return self.record

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of classes 0, 1, ..., or of the labels of a multi-label set."""
        return self.record.class_names

    def class_counts(self) -> dict[str, int]:
        """Count the selected samples of each class.

        For a multi-label set, count the positives of each label; for a segmentation set, the pixels of each class.
        """
        from medmnist_np.data.statistics import value_counts

        if self.record.multi_label:
            counts = self.labels.sum(axis=0, dtype=np.int64)
        else:
            counts = value_counts(self._source.label_rows, self._positions(), self.record.n_classes)
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    def decode(self, label: npt.ArrayLike) -> str | tuple[str, ...]:
        """Return the class name of a label.

        Parameters
        ----------
        label : array_like
            One label: ``(1,)`` or a number; for a multi-label set, ``(l,)`` zeros and ones.

        Returns
        -------
        str or tuple of str
            The class name; for a multi-label set, the names of all positive labels, possibly none.

        Raises
        ------
        ValueError
            If this data set has no such label.
        """
        self.record.require_labels("decode")
        values = np.asarray(label).reshape(-1)
        if len(values) != self.record.label_width:
            raise ValueError(
                f"A label of {self.record.name} has {self.record.label_width} value(s), not {len(values)}."
            )
        highest = self.record.highest_label
        if not np.isin(values, np.arange(highest + 1)).all():
            raise ValueError(f"{short(label)} is not a label of {self.record.name}. Its labels are 0 to {highest}.")
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
        """Return batches as new, writable arrays; each iteration over them is the next epoch.

        The order of samples is a pure function of ``seed``, the epoch and ``shard``.

        Parameters
        ----------
        batch_size : int
            Number of samples in a batch.
        shuffle : bool or "blocks"
            Whether to use a random order. ``"blocks"`` is for files larger than memory: it shuffles blocks of one
            megabyte within windows of one to two gigabytes, and reads the next window ahead. For the quality of this
            order, see :func:`medmnist_np.batches.order.block_order`.
        seed : int
            Random seed for the order and ``transform``, 0 to 2**32 - 1.
        epoch : int
            Number of the first epoch.
        last : {"keep", "drop", "pad"}
            Keep a last batch that is not full, drop it, or pad it with masked samples.
        shard : (int, int)
            ``(which, of_how_many)``: take this part of every epoch, for training on several machines. Shards have no
            samples in common, and together contain all samples.
        uneven : {"keep", "pad", "drop"}
            If shards differ in length, keep them, pad them with masked samples, or drop samples.
        channels : "first" or "last", optional
            Position of the channel axis: ``(b, c, h, w)`` or ``(b, h, w, c)``, in 3D ``(b, c, d, h, w)`` or
            ``(b, d, h, w, c)``. None keeps the stored shape; gray images and volumes then have no channel axis.
        dtype : dtype, optional
            Dtype of the images. None means uint8, or float32 if there is a ``scale``.
        scale : float, optional
            Factor for each value, for example ``1 / 255``.
        weights : "balanced" or (n,) array_like of float, optional
            Draw ``n`` samples with replacement, with these relative probabilities. ``"balanced"`` makes all classes
            equally likely. Only with ``shuffle=True``.
        transform : callable, optional
            ``transform(batch, rng)`` returns a :class:`Batch` of the same length, for example
            ``batch._replace(images=...)``. ``rng`` is a generator that depends only on seed, epoch, shard and batch.
            Several threads call it.
        prefetch : int
            Number of batches that threads prepare in advance. 0 prepares each batch when it is needed. Small batches
            (below 2 MB) without a transform are always prepared when needed, because this is faster.

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
                "The transform of this data set is for single samples, and batches do not apply it. Create the data "
                "set without a transform, and pass one for whole batches: batches(transform=...)."
            )
        if isinstance(weights, str):
            if weights != "balanced":
                raise ValueError(f"weights is {short(weights)}. It must be 'balanced' or one number for each sample.")
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
        """Return ``n`` samples of each class, chosen at random, in the order of the data set.

        Raises
        ------
        ValueError
            If a class has fewer samples, or samples can have several classes.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> len(mm.Dataset("breastmnist", split="test").take_per_class(5))
        10
        """
        from medmnist_np.data.subsets import some_per_class

        self._require_single_label("take_per_class chooses by class")
        return self._part(some_per_class(self.labels, n, seed, self.class_names))

    def folds(self, k: int, *, seed: int = 0, groups: npt.ArrayLike | None = None) -> list[tuple[Self, Self]]:
        """Split the samples for stratified cross-validation.

        Parameters
        ----------
        k : int
            Number of folds.
        seed : int
            Random seed for the split, 0 to 2**32 - 1.
        groups : (n,) array_like, optional
            The group of each sample, for example its patient. All samples of a group are in the same fold.

        Returns
        -------
        list of (Dataset, Dataset)
            For each fold, the other samples (to train on) and the fold. All folds have about the same class balance, or
            balance of labels for a multi-label set. Classes are ignored for segmentation sets.

        Raises
        ------
        ValueError
            If there are fewer samples or groups than folds, a group is missing or masked, or ``groups`` is a pandas
            series whose index is not in order.

        Warns
        -----
        UserWarning
            If a class or label is missing from a fold because too few samples have it. Its AUC is not defined there.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> for train, val in mm.Dataset("breastmnist", split="train").folds(3, seed=0):
        ...     print(len(train), len(val))
        364 182
        364 182
        364 182
        """
        from medmnist_np.data.subsets import absent_from, stratified_folds

        masks = self.record.target == "masks"
        labels = np.zeros((len(self), 1), np.uint8) if masks else self.labels
        parts = stratified_folds(labels, k, seed, groups)
        if absent := absent_from(parts, labels, self.class_names):
            listed = ", ".join(f"{short(name)} from {n}" for name, n in absent.items())
            warnings.warn(
                f"Missing from some of the {k} folds: {listed}. Their AUC is not defined there. Use fewer folds.",
                stacklevel=2,
            )
        everything = np.arange(len(self))
        rests = (np.setdiff1d(everything, part, assume_unique=True) for part in parts)
        return [(self._part(rest), self._part(part)) for rest, part in zip(rests, parts, strict=True)]

    def partitions(
        self,
        n: int | None = None,
        by: Literal["iid", "dirichlet", "shards", "groups"] = "dirichlet",
        *,
        alpha: float = 0.5,
        shards: int = 2,
        groups: npt.ArrayLike | None = None,
        min_size: int = 1,
        seed: int = 0,
    ) -> Partitions[Self]:
        """Divide the samples among the clients of a federation, for federated learning.

        Every sample goes to exactly one client, and the result depends only on the arguments.

        Parameters
        ----------
        n : int, optional
            Number of clients. It may be omitted only with ``by="groups"``: each group is then a client.
        by : {"iid", "dirichlet", "shards", "groups"}
            ``"iid"``: at random, in equal sizes. ``"dirichlet"``: each class in proportions drawn from a Dirichlet
            distribution, so that clients differ in class balance and size (Li et al. 2022, arXiv:2102.02079).
            ``"shards"``: sorted by class and cut into equal shards, of which each client gets some (McMahan et al.
            2017, arXiv:1602.05629). ``"groups"``: whole groups, such as patients or hospitals.
        alpha : float
            Concentration of the Dirichlet distribution: 0.1 gives most clients one or two classes, 100 is close to
            equal class balance.
        shards : int
            Number of shards for each client.
        groups : (n,) array_like, optional
            The group of each sample, in the order of the data set, for ``by="groups"``. Default: ``ds.groups``.
        min_size : int
            Dirichlet proportions are drawn again until every client has at least this many samples.
        seed : int
            Random seed, 0 to 2**32 - 1.

        Returns
        -------
        Partitions
            A sequence of ``n`` data sets, which are views. ``print`` shows the class balance of each client, and
            ``class_counts`` is an ``(n, classes)`` int64 array.

        Raises
        ------
        ValueError
            If an argument is out of range, there are too few samples or groups, or ``by`` divides classes and a sample
            can have several classes.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> train = mm.Dataset("breastmnist", split="train")
        >>> clients = train.partitions(3, by="dirichlet", alpha=0.5, seed=0)
        >>> sum(len(client) for client in clients) == len(train)
        True
        """
        from medmnist_np.batches.order import whole
        from medmnist_np.data import subsets

        n_clients = 0 if n is None and by == "groups" else whole("n", n, least=1, most=len(self))
        if groups is not None and by != "groups":
            raise ValueError(f"groups cannot be used with by={short(by)}. Use by='groups', or leave groups out.")
        if by == "iid":
            parts = subsets.iid_parts(len(self), n_clients, seed)
        elif by == "groups":
            parts = subsets.group_parts(self.groups if groups is None else groups, len(self), n_clients, seed)
        elif by in ("dirichlet", "shards"):
            self._require_single_label(f"by={short(by)} divides classes")
            if by == "shards":
                parts = subsets.shard_parts(self.labels, n_clients, shards, seed)
            else:
                parts = subsets.dirichlet_parts(self.labels, n_clients, alpha, min_size, seed)
        else:
            raise ValueError(unknown("value of by:", by, ["iid", "dirichlet", "shards", "groups"]))
        clients = [self._part(part) for part in parts]
        counts = np.array([list(client.class_counts().values()) for client in clients], np.int64)
        return subsets.Partitions(clients, counts, self.class_names)

    def warm(self, *, progress: Progress = bars) -> bool:
        """Read the selected images once, in the order of the file, so that later reads come from memory.

        This is useful before shuffled reading from a network or a hard disk. If images are computed, the files that
        they are computed from are read.

        Parameters
        ----------
        progress : Progress
            What to show (default: a progress bar).

        Returns
        -------
        bool
            False if the images do not fit into 80 % of the free memory. Then nothing is read: use
            ``batches(shuffle="blocks")`` instead.
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
        """Compute the exact mean, standard deviation and histogram of the selected images.

        The counts of whole splits are stored beside the arrays if the folder is writable, and reused by the next call.
        With ``mmap_mode="c"`` or None, the images are read each time, in this thread.

        Parameters
        ----------
        executor : concurrent.futures.Executor, optional
            Threads, processes, or a cluster (a Dask client's ``get_executor()``) whose machines see the same path.
            None means this thread.
        progress : Progress
            What to show (default: a progress bar).

        Returns
        -------
        Statistics
            ``mean`` and ``std`` of each channel, 0 to 255, and ``histogram``. Gray images have one channel, also with
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
        # Changes of images in memory are not in their files.
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
        """Return the same samples with corrupted images, which are computed when they are read.

        Parameters
        ----------
        name : str
            A corruption of MedMNIST-C for this set, for example ``"motion_blur"``, or one with strengths for every set.
        severity : int
            1 (weakest) to 5 (strongest).
        seed : int
            Random seed, at least 0. The result for an image depends only on the seed, the corruption, the severity and
            the position of the image in its split. If ``medmnist-np corrupt`` has stored the same images, they are read
            from disk.

        Raises
        ------
        ValueError
            If the set does not have this corruption (the message lists the available ones), the severity or seed is out
            of range, or the images are already corrupted.

        Examples
        --------
        >>> import medmnist_np as mm
        >>> blurred = mm.Dataset("breastmnist", split="test").corrupt("motion_blur", severity=3)
        >>> blurred[0][0].shape, len(blurred)
        ((28, 28), 156)
        """
        if self.corruption is not None:
            raise ValueError(
                f"The images are already corrupted with {self.corruption.name}. Start with the original data set."
            )
        if "images" in self._source.assigned:
            raise ValueError(
                "imgs were assigned, but this method can only corrupt published images. Use "
                "medmnist_np.corruptions.corrupt for your array."
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
        """Draw some of the samples in a grid.

        Parameters
        ----------
        rows, columns : int
            Size of the grid. If there are fewer samples than cells, the grid has fewer rows.
        seed : int
            Random seed for the choice of samples.
        by_class : bool
            Whether to give each class rows of its own, at least one.
        labels : bool
            Whether to write the class number below each image, and add a legend with the class names; for a
            segmentation set, a legend of the colours.
        masks : bool
            Whether to draw the masks of a segmentation set over its images, with one colour for each class.
        view : str, optional
            View of volumes: ``"animated"`` (default), ``"middle"``, ``"orthogonal"``, ``"sheet"`` or ``"projection"``.

        Returns
        -------
        Picture
            The picture, with ``array``, ``image`` (a Pillow image) and ``save(path)``. A notebook displays it.

        Raises
        ------
        ValueError
            If an argument is out of range, ``view`` is given for 2D images, or ``by_class`` for a segmentation set.

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
            raise ValueError("labels=True adds a legend of the mask colours, so it needs masks=True.")
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
        """Write each sample to a file, for tools that need files.

        Missing files are written, existing files with the same content are kept, and existing files with other content
        raise an error. An interrupted run can therefore be resumed, and a second run changes nothing.

        Parameters
        ----------
        folder : path
            Parent folder. The files go into a folder in it with the name of the data set.
        layout : {"automl", "imagefolder", "csv"}, optional
            ``"automl"`` (default) is the layout of the official package, with a table for Google AutoML;
            ``"imagefolder"`` has one folder for each class; ``"csv"`` has one table for each split. Segmentation sets
            accept no layout: images are written to ``<split>/images`` and masks, under the same names, to
            ``<split>/masks``.
        format : str, optional
            ``"png"``, ``"tiff"``, ``"npy"`` and ``"nii"`` keep every value; ``"jpg"`` and ``"gif"`` may not. None means
            ``"png"``, or ``"gif"`` for volumes. Masks are never written as JPEG or GIF, but as PNG instead.
        write_csv : bool
            Whether to write the table; for a segmentation set, ``classes.csv`` with the class names of the mask values.
        workers : int
            Number of threads.
        progress : Progress
            What to show (default: a progress bar).

        Returns
        -------
        Path
            The folder with the files.

        Raises
        ------
        ValueError
            If the layout or format is unknown or does not suit the data set.
        CacheError
            If a file exists with other content, or cannot be written.
        """
        from medmnist_np._sequences import divided
        from medmnist_np.export import PairPlan, Plan, save, save_pairs

        segmented = self.record.target == "masks"
        if segmented and layout is not None:
            self.record.require_labels(f"The layout {short(layout)}")
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

        self._require_single_label("weights='balanced' uses classes")
        return balanced_weights(self.labels)

    def _require_single_label(self, what: str) -> None:
        self.record.require_labels(what.partition(" ")[0])
        if self.record.multi_label:
            raise ValueError(
                f"{what}, but a sample of {self.record.name} may have several findings. Compute indices or weights "
                f"from ds.labels, which has {self.record.n_classes} zeros and ones per sample."
            )

    def _identity(self) -> dict[str, Any]:
        """Return what identifies the data set in saved states, independently of the location of its files."""
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
        # With the words and the spelling of the official package.
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
