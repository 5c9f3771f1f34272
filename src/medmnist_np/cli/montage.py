"""``montage``: draw samples of a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from medmnist_np import registry
from medmnist_np.cli import options
from medmnist_np.cli.options import name_argument, root_option, seed_option, size_option
from medmnist_np.cli.output import say, value_errors, writing
from medmnist_np.data.dataset import Dataset
from medmnist_np.images import VIEWS, Picture
from medmnist_np.images.grid import needed_columns
from medmnist_np.volumes.volume_dataset import VolumeDataset

_COMMANDLINE = ParameterSource.COMMANDLINE

# Options that select and arrange several samples.
_OF_SEVERAL = ("rows", "columns", "seed", "by_class")


@click.command
@name_argument
@click.option(
    "-o",
    "--output",
    "output",
    required=True,
    metavar="FILE",
    help="A .png, .jpg, .tiff, .gif, .npy or, for gray images, .nii file.",
)
@click.option(
    "--split",
    default="train",
    metavar="SPLIT",
    help="Split, or several joined: train+val; default: train.",
    shell_complete=options.splits,
)
@size_option()
@click.option("--rows", type=click.IntRange(1), metavar="N", help="Rows of the picture; default: 20.")
@click.option("--columns", type=click.IntRange(1), metavar="N", help="Columns of the picture; default: 20.")
@seed_option
@click.option("--by-class", is_flag=True, help="Divide the rows between the classes.")
@click.option("--labels", "with_labels", is_flag=True, help="Write the class below each image, and a legend.")
@click.option("--masks/--no-masks", default=True, help="Draw masks over their images (default), or not.")
@click.option("--index", type=click.IntRange(0), metavar="N", help="Draw only the sample with this index.")
@click.option("--view", type=click.Choice(VIEWS), help="How to draw volumes; default: animated in a .gif, else slices.")
@root_option
def montage(
    name: str,
    output: str,
    split: str,
    size: int | None,
    rows: int | None,
    columns: int | None,
    seed: int,
    by_class: bool,
    with_labels: bool,
    masks: bool,
    index: int | None,
    view: str | None,
    root: str | None,
) -> None:
    """Draw samples of a data set side by side.

    Samples of NAME are drawn at random; the same seed gives the same samples. Volumes are animated in a .gif; in other
    formats each shows its middle slice, or all slices with --index. --view chooses middle slices in three directions
    (orthogonal), the maximum (projection) or all slices (sheet). With --labels, a legend explains the colours of masks.
    Volumes that differ in size show the slice with the largest mask, 4 x 6 by default.

    \b
      medmnist-np montage pathmnist -o pathmnist.png --by-class --labels
      medmnist-np montage organmnist3d -o organ.gif --rows 4 --columns 6
      medmnist-np montage organmnist3d -o one.png --index 5 --view orthogonal
      medmnist-np montage medsegbench/kvasir -o kvasir.png --size 128 --labels
      medmnist-np montage msd/hippocampus -o hippocampus.png --labels
    """
    ctx = click.get_current_context()
    given = [f"--{one}".replace("_", "-") for one in _OF_SEVERAL if ctx.get_parameter_source(one) == _COMMANDLINE]
    if index is not None and given:
        raise click.UsageError(f"--index shows one sample. Leave out {' and '.join(given)}.")
    record = registry.info(name)
    if not record.same_shape:
        if by_class or view is not None or size is not None:
            raise click.UsageError(
                f"{record.qualified_name} has volumes that differ in size. Leave out --by-class, --view and --size."
            )
        sides: dict[str, Any] = {side: n for side, n in (("rows", rows), ("columns", columns)) if n is not None}
        volumes = VolumeDataset(record, split, root=root)
        if index is not None:
            volumes = volumes[[_checked(index, volumes)]]
        _write(lambda: volumes.montage(**sides, seed=seed, labels=with_labels, masks=masks), output)
        return
    dataset = Dataset(name, split, size=size, root=root)
    rows, columns = rows or 20, columns or 20
    if index is not None:
        dataset, rows, columns = dataset[[_checked(index, dataset)]], 1, 1
    if dataset.record.ndim == 3 and view is None:
        still = "middle" if index is None else "sheet"
        view = "animated" if Path(output).suffix.lower() == ".gif" else still

    def draw() -> Picture:
        shown = _needed_columns(dataset, rows, columns, by_class=by_class)
        return dataset.montage(rows, shown, seed=seed, by_class=by_class, labels=with_labels, masks=masks, view=view)

    _write(draw, output)


def _write(draw: Callable[[], Picture], output: str) -> None:
    with value_errors():
        picture = draw()
        with writing(output):
            path = picture.save(output)
    say(path)


def _checked(index: int, dataset: Dataset | VolumeDataset) -> int:
    if index >= len(dataset):
        raise click.UsageError(
            f"--index {index} is too large: {dataset.record.name} {dataset.split} has {len(dataset):,} samples."
        )
    return index


def _needed_columns(dataset: Dataset, rows: int, columns: int, *, by_class: bool) -> int:
    if not by_class or dataset.record.target == "masks":
        return needed_columns(len(dataset), rows, columns)
    counts = [count for count in dataset.class_counts().values() if count]
    return needed_columns(max(counts, default=1), max(1, rows // max(1, len(counts))), columns)
