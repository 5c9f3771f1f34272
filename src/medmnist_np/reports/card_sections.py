"""Sections of the card: example images, class balance, shares of mask classes, pixel values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medmnist_np._html import Html, element, join
from medmnist_np.data.dataset import Dataset
from medmnist_np.data.statistics import Statistics
from medmnist_np.images import choose, class_colors, montage, overlay
from medmnist_np.images.captions import add_legend
from medmnist_np.images.grid import EMPTY
from medmnist_np.registry import DatasetInfo
from medmnist_np.registry.records import class_titles, things_of
from medmnist_np.reports.page import aside, figure, gallery, number, picture, share_cell, table

_LEAST_PX = 300  # width of the picture of a class
_SHEET_PX = 512  # pixels, of the images of a class side by side, if that makes a number of them between the next two
_FEWEST, _MOST = 3, 6
_SMALL = 64  # pixels: of images up to this size there are two rows
_SMALL_VOLUME = 32  # voxels: all slices of volumes go into the page

# A slider moves the slices of its figure. Without scripts it stays hidden, and the middle slices are shown.
SCRUBBER_SCRIPT = """
for (const scrubber of document.querySelectorAll(".scrubber")) {
  const slider = scrubber.querySelector("input");
  const show = () => {
    scrubber.style.setProperty("--at", slider.value);
    scrubber.querySelector("output").value = slider.value;
  };
  slider.addEventListener("input", show);
  slider.parentElement.hidden = false;
  show();
}
"""


def examples(ds: Dataset, pixels: NDArray[np.int64] | None, seed: int) -> list[Html]:
    """Return a picture of some samples of each class; for a multi-label set, also of some without a finding.

    Parameters
    ----------
    ds : Dataset
        A split.
    pixels : (n, classes) int64, or None
        For a segmentation set, the pixels of each class in each mask. The pictures show images with masks.
    seed : int
        Random seed of the choice.
    """
    record, things, volumes = ds.record, things_of(ds.record), ds.record.ndim == 3
    content = [aside(f"Random {things} of {ds.split} at size {ds.size}, with their indices.")]
    if record.target == "masks":
        content.append(
            aside(
                "Masks are drawn over the images, in one colour for each class, which is named below. Class 0 is not "
                "drawn. An image may show several classes."
            )
        )
    if volumes:
        depth, *_ = record.image_shape(ds.size)
        first, last = element("code", "volume[0]"), element("code", f"volume[{depth - 1}]")
        where = ". The orientation of the axes in the body is not published."
        content.append(aside("Slices across the first axis, ", first, " to ", last, where))
    titles = class_titles(record)
    if pixels is not None:
        titles, members = titles[1:], (pixels > 0)[:, 1:]
    else:
        members = presence(ds.labels, record)
    if record.multi_label:
        titles, members = (*titles, "no finding"), np.column_stack([members, ~members.any(axis=1)])
    shown = [
        _example(ds, title, np.flatnonzero(of_class), seed) for title, of_class in zip(titles, members.T, strict=True)
    ]
    return [*content, gallery(shown, width_px=_LEAST_PX)]


def _example(ds: Dataset, title: str, members: NDArray[np.intp], seed: int) -> Html:
    """Return a picture of some of the samples ``members``, with their numbers."""
    if not len(members):
        return figure(Html(), title, f"none in {ds.split}")
    volumes = ds.record.ndim == 3
    if volumes:
        rows, columns = (2, 4) if ds.size <= _SMALL_VOLUME else (1, _FEWEST)
    else:
        rows, columns = 2 if ds.size <= _SMALL else 1, min(max(_SHEET_PX // ds.size, _FEWEST), _MOST)
        if ds.record.target == "masks" and ds.record.n_classes == 2:
            rows += 2  # the pictures show one class only, so there is room
    places = choose(members, rows, columns, seed=seed)
    chosen = np.sort(places[places != EMPTY])
    images = ds.gather(chosen)
    alt = f"{len(chosen)} {things_of(ds.record)} of {ds.split}: {title}"
    if volumes:
        slices = np.stack([montage(images[:, number], columns=columns) for number in range(images.shape[1])])
        drawn = _scrubber(slices, alt, title)
    elif ds.record.target == "masks":
        names = ds.class_names
        sheet = montage(overlay(images, ds.gather_labels(chosen)), columns=columns)
        drawn = picture(add_legend(sheet, names, color=True, swatches=class_colors(len(names))), alt)
    else:
        drawn = picture(montage(images, columns=columns), alt)
    return figure(drawn, title, f"{ds.split} {', '.join(map(str, chosen.tolist()))}")


def _scrubber(slices: NDArray[np.uint8], alt: str, title: str) -> Html:
    """Return a window on a sheet with all slices, one below the other, and a slider that moves the sheet."""
    depth, height, width = slices.shape
    # The black line below each slice keeps the next one out where the browser rounds to whole pixels.
    sheet = np.pad(slices, ((0, 0), (0, 1), (0, 0))).reshape(depth * (height + 1), width)
    window = element(
        "div", picture(sheet, alt), class_="slices", style=f"--of: {depth}; aspect-ratio: {width} / {height}"
    )
    middle = depth // 2
    slider = element(
        "label",
        "Slice",
        element(
            "input",
            type="range",
            min="0",
            max=depth - 1,
            value=middle,
            autocomplete="off",
            aria_label=f"Slice of {title}",
        ),
        element("output", middle),
        hidden=True,
    )
    return element("div", window, slider, class_="scrubber", style=f"--at: {middle}")


_MANY = 3  # findings of one sample; more are in the same row


def balance(record: DatasetInfo, labels: Mapping[str, NDArray[np.integer]]) -> list[Html]:
    """Return the class balance of each split; for a multi-label set also how often findings occur together."""
    things = things_of(record)
    columns = {split: presence(table, record) for split, table in labels.items()}
    if len(columns) > 1 and columns.keys() == record.n_samples.keys():
        columns["all"] = np.concatenate(list(columns.values()))
    kind = "finding" if record.multi_label else "class"
    counts = {split: present.sum(axis=0).tolist() for split, present in columns.items()}
    content = [
        _counted_labels(f"{things.capitalize()} of each {kind}, by split", kind, class_titles(record), counts, columns),
        aside("Percentages are of the split. A full bar is the largest percentage in the table."),
    ]
    if record.multi_label:
        content += [_several(columns, things), *_together(columns, record, things)]
    return content


def presence(labels: NDArray[np.integer], record: DatasetInfo) -> NDArray[np.bool_]:
    """Return whether each sample is of each class, or has each finding, ``(n, classes)``."""
    present: NDArray[np.bool_] = labels != 0 if record.multi_label else labels == np.arange(record.n_classes)
    return present


def _counted_labels(
    caption: str,
    kind: str,
    names: Sequence[str],
    counts: Mapping[str, Sequence[int]],
    columns: Mapping[str, NDArray[np.bool_]],
) -> Html:
    """Return a table of counts and of their shares of a split."""
    n_samples = {split: len(present) for split, present in columns.items()}
    full = max((n / n_samples[split] for split in columns for n in counts[split] if n), default=1.0)
    rows = [
        [name, *(share_cell(counts[split][k], n_samples[split], full=full) for split in columns)]
        for k, name in enumerate(names)
    ]
    return table(caption, [kind, *columns], rows)


def _several(columns: Mapping[str, NDArray[np.bool_]], things: str) -> Html:
    """Return how many samples have no finding, one or more."""
    names = ["none", *map(str, range(1, _MANY)), f"{_MANY} or more"]
    counts = {
        split: np.bincount(np.minimum(present.sum(axis=1), _MANY), minlength=len(names)).tolist()
        for split, present in columns.items()
    }
    return _counted_labels(f"{things.capitalize()} by the number of their findings", "findings", names, counts, columns)


def _together(columns: Mapping[str, NDArray[np.bool_]], record: DatasetInfo, things: str) -> list[Html]:
    """Return how many of the samples with one finding also have another."""
    *_, (split, present) = columns.items()
    values = present.astype(np.float64)  # sums of ones are exact, and many times faster than those of integers
    both = (values.T @ values).astype(np.int64)
    rows = []
    for k, row in enumerate(both.tolist()):
        cells = [_together_cell(n, row[k], same=j == k) for j, n in enumerate(row)]
        rows.append([f"{k} {record.class_names[k]}", *cells])
    which = "all splits together" if split == "all" else split
    return [
        element("h3", "Findings that occur together"),
        element(
            "p",
            f"How many {things} with the finding of a row also have the finding of a column ({which}). ",
            f"Framed: the number of {things} with the finding of the row.",
        ),
        table(
            f"{things.capitalize()} with two findings",
            ["finding", *map(str, range(len(both)))],
            rows,
            kind="matrix close",
        ),
    ]


def _together_cell(n: int, total: int, *, same: bool) -> Html:
    if same:
        return element("td", number(n), class_="right")
    share = n / total if total else 0.0
    return element("td", f"{share:.0%}", element("small", number(n)), style=f"--share: {share:.3f}")


def most_frequent(record: DatasetInfo, labels: Mapping[str, NDArray[np.integer]]) -> tuple[str, float] | None:
    """Return the most frequent class of the first split, and the accuracy of always predicting it on the test split.

    For a multi-label set, the findings of more than half of the samples, and the mean accuracy over all findings. None
    if the labels of these splits are not available.
    """
    if not {record.splits[0], "test"} <= labels.keys() or not record.n_samples["test"]:
        return None
    first, test = (presence(labels[split], record).mean(axis=0) for split in (record.splits[0], "test"))
    if not record.multi_label:
        k = int(first.argmax())
        return class_titles(record)[k], float(test[k])
    often = first > 0.5
    names = ", ".join(name for name, is_often in zip(record.class_names, often, strict=True) if is_often)
    return names or "no finding", float(np.where(often, test, 1 - test).mean())


# Ends of the intervals in which masks are counted by the share of their image that is labelled.
_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def shares(record: DatasetInfo, size: int, masks: Mapping[str, NDArray[np.int64]]) -> list[Html]:
    """Return the pixels of each class in each split, the number of images with each class, and the sizes of masks.

    ``masks`` has, by split, the pixels of each class in each mask, ``(n, classes)``.
    """
    columns = dict(masks)
    if len(columns) > 1 and columns.keys() == record.n_samples.keys():
        columns["all"] = np.concatenate(list(columns.values()))
    columns = {split: counts for split, counts in columns.items() if len(counts)}
    things, titles = things_of(record), class_titles(record)
    pixels = {split: counts.sum(axis=0) for split, counts in columns.items()}
    images = {split: (counts > 0).sum(axis=0) for split, counts in columns.items()}
    in_all = {split: int(counts.sum()) for split, counts in columns.items()}
    return [
        _counted("Pixels of each class, by split", titles, pixels, in_all),
        aside(f"All pixels of all masks at size {size}. Percentages are of the split."),
        _counted(
            f"{things.capitalize()} that show a class, by split",
            titles[1:],
            {split: counts[1:] for split, counts in images.items()},
            {split: len(counts) for split, counts in columns.items()},
        ),
        element("h3", "Sizes of masks"),
        element("p", f"The share of pixels of each image that are not class 0, at size {size}."),
        *_sizes(columns, things),
    ]


def _sizes(columns: dict[str, NDArray[np.int64]], things: str) -> list[Html]:
    labelled = {split: counts[:, 1:].sum(axis=1) / counts.sum(axis=1) for split, counts in columns.items()}
    rows = [
        [
            split,
            f"{shares.min():.2%}",
            *(f"{share:.2%}" for share in np.quantile(shares, _QUANTILES)),
            f"{shares.max():.2%}",
        ]
        for split, shares in labelled.items()
    ]
    head = ["split", "smallest", *(f"{share:.0%}" if share != 0.5 else "median" for share in _QUANTILES), "largest"]
    names = ["nothing", *_named_intervals()]
    counts = {split: _binned_sizes(shares) for split, shares in labelled.items()}
    in_all = {split: len(shares) for split, shares in labelled.items()}
    return [
        table("Labelled share of an image: quantiles", head, rows),
        _counted(f"{things.capitalize()} by their labelled share", names, counts, in_all),
    ]


def _named_intervals() -> list[str]:
    starts = (0.0, *_ENDS)
    named = [f"{start:.0%} to {end:.0%}" for start, end in zip(starts, _ENDS, strict=False)]
    return [f"up to {_ENDS[0]:.0%}", *named[1:], f"more than {_ENDS[-1]:.0%}"]


def _binned_sizes(labelled: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count masks without a label, and the others by the interval of their share; its end belongs to it."""
    some = np.bincount(np.searchsorted(_ENDS, labelled[labelled > 0]), minlength=len(_ENDS) + 1)
    return np.concatenate([[(labelled == 0).sum()], some])


def _counted(
    caption: str, names: list[str] | tuple[str, ...], counts: dict[str, NDArray[np.int64]], in_all: dict[str, int]
) -> Html:
    full = max((n / in_all[split] for split, column in counts.items() for n in column.tolist() if n), default=1.0)
    rows = [
        [name, *(share_cell(int(column[k]), in_all[split], full=full) for split, column in counts.items())]
        for k, name in enumerate(names)
    ]
    return table(caption, ["class" if "class" in caption else "share", *counts], rows)


_CHANNELS = ("red", "green", "blue")
_BIN = 4  # values in a bin of a chart
_WIDTH_PX, _HEIGHT_PX = 320, 130  # of a chart; the text in it is 11 px high
_TOP_PX, _BOTTOM_PX, _SIDE_PX = 16, 20, 4
_STYLES = {"area": "filled", "line": "as a line", "dashed": "dashed"}  # of the splits in their order
_TICKS = (0, 64, 128, 192, 255)


def values(record: DatasetInfo, size: int, statistics: Mapping[str, Statistics]) -> list[Html]:
    """Return the mean and standard deviation of each channel and split, and histograms."""
    names = _CHANNELS if record.n_channels == 3 else ("gray",)
    what = "voxels" if record.ndim == 3 else "pixels"
    rows = []
    for split, counted in statistics.items():
        for k, (name, mean, std) in enumerate(zip(names, counted.mean.tolist(), counted.std.tolist(), strict=True)):
            title = f"{split}, {name}" if len(names) > 1 else split
            figures = [f"{mean:.2f}", f"{std:.2f}", f"{mean / 255:.4f}", f"{std / 255:.4f}"]
            rows.append([title, *figures, *(_share(counted.histogram[k], value) for value in (0, 255))])
    head = ["split", "mean", "std", "mean / 255", "std / 255", "value 0", "value 255"]
    return [
        table(f"Values of the {what}", head, rows),
        aside(f"All {what} at size {size} were counted. Values are 0 to 255."),
        *_histograms(statistics, names, what),
    ]


def _histograms(statistics: Mapping[str, Statistics], names: Sequence[str], what: str) -> list[Html]:
    """Return a chart for each channel, or a sentence if there are two values only."""
    if not any(counted.histogram[:, 1:-1].any() for counted in statistics.values()):
        return [aside(f"All {what} are 0 or 255.")]
    charts = [
        figure(_chart({split: counted.histogram[k] for split, counted in statistics.items()}, name), name)
        for k, name in enumerate(names)
    ]
    styles = ", ".join(f"{split} {style}" for split, style in zip(statistics, _STYLES.values(), strict=False))
    return [
        element("h3", "Histograms" if len(names) > 1 else "Histogram"),
        aside(
            f"Share of the {what} in bins of {_BIN} values: {styles}. If the first or the last bin is higher than the "
            "chart, it is cut off."
        ),
        gallery(charts, width_px=_WIDTH_PX),
    ]


def _share(histogram: NDArray[np.int64], value: int) -> str:
    return f"{histogram[value] / histogram.sum():.2%}"


def _chart(histograms: Mapping[str, NDArray[np.int64]], name: str) -> Html:
    """Return the histograms of one channel in one chart: that of the first split filled, the next as lines."""
    shares = {split: _binned(histogram) for split, histogram in histograms.items()}
    # A black background fills the first bin, and would flatten all others.
    inner = max(share[1:-1].max() for share in shares.values())
    full = inner or max(share.max() for share in shares.values())
    base = _HEIGHT_PX - _BOTTOM_PX
    drawn = [
        element("path", d=_steps(share, full, closed=style == "area"), class_=style)
        for share, style in zip(shares.values(), _STYLES, strict=False)
    ]
    ticks = [
        element("text", value, x=f"{_across(value):g}", y=_HEIGHT_PX - 5, text_anchor=_anchor(value))
        for value in _TICKS
    ]
    marks = " ".join(f"M{_across(value):g} {base}v4" for value in _TICKS)
    axis = element("path", d=f"M{_SIDE_PX} {base}H{_WIDTH_PX - _SIDE_PX} {marks}", class_="axis")
    top = element("text", f"top: {full:.1%}", x=_WIDTH_PX - _SIDE_PX, y=_TOP_PX - 5, text_anchor="end")
    (first, histogram), *_ = histograms.items()
    alt = f"Histogram of {name}: half of the values of {first} are at most {_median(histogram)}; {full:.1%} at the top"
    return element(
        "svg",
        join([*drawn, axis, *ticks, top]),
        viewBox=f"0 0 {_WIDTH_PX} {_HEIGHT_PX}",
        role="img",
        aria_label=alt,
        class_="chart plot",
    )


def _binned(histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = histogram.reshape(-1, _BIN).sum(axis=1) / histogram.sum()
    return shares


def _steps(shares: NDArray[np.float64], full: float, *, closed: bool) -> str:
    """Return the outline of bars, each as wide as its bin."""
    base = _HEIGHT_PX - _BOTTOM_PX
    heights = base - (base - _TOP_PX) * np.minimum(shares / full, 1)
    left = [_across(_BIN * k) for k in range(len(shares) + 1)]
    steps = [f"V{height:.1f}H{right:g}" for height, right in zip(heights, left[1:], strict=True)]
    return f"M{left[0]:g} {base}{''.join(steps)}{f'V{base}Z' if closed else ''}"


def _across(value: float) -> float:
    """Return where a value is, in pixels; bins are drawn from their first value to the next bin's."""
    return round(_SIDE_PX + (_WIDTH_PX - 2 * _SIDE_PX) * value / 256, 2)


def _anchor(value: int) -> str:
    return {0: "start", 255: "end"}.get(value, "middle")


def _median(histogram: NDArray[np.int64]) -> int:
    return int(np.searchsorted(histogram.cumsum(), (histogram.sum() + 1) // 2))
