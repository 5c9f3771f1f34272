"""Pictures of a data set: ``montage``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from medmnist_np import registry
from medmnist_np.cli import options
from medmnist_np.cli.output import root_option, say, writing
from medmnist_np.data.dataset import Dataset
from medmnist_np.errors import MedMNISTError
from medmnist_np.images import VIEWS, Picture
from medmnist_np.images.grid import needed_columns
from medmnist_np.volumes.volume_dataset import VolumeDataset

_COMMANDLINE = ParameterSource.COMMANDLINE

# Options that say which samples are shown and where, and mean nothing for one.
_OF_SEVERAL = ("rows", "columns", "seed", "by_class")


@click.command
@click.argument("name", shell_complete=options.names)
@click.option(
    "-o",
    "--output",
    "output",
    required=True,
    metavar="FILE",
    help="A .png, .jpg, .tiff, .gif, .npy or, without colour, .nii; the last four may be animated.",
)
@click.option(
    "--split",
    default="train",
    metavar="SPLIT",
    help="Or several as one: train+val. Default: train.",
    shell_complete=options.splits,
)
@click.option(
    "--size",
    type=int,
    metavar="N",
    help="Image size; if not given 28, of MedSegBench 512.",
    shell_complete=options.sizes,
)
@click.option("--rows", type=click.IntRange(1), metavar="N", default=20, help="Of the picture. Default: 20.")
@click.option("--columns", type=click.IntRange(1), metavar="N", default=20, help="Of the picture. Default: 20.")
@click.option("--seed", type=click.IntRange(0), metavar="N", default=0, help="Another seed, other images. Default: 0.")
@click.option("--by-class", is_flag=True, help="Share the rows out between the classes, at least one for each.")
@click.option("--labels", "with_labels", is_flag=True, help="Write the class below each image, and what it means.")
@click.option("--masks/--no-masks", default=True, help="Whether masks are drawn over images. Default: they are.")
@click.option("--index", type=click.IntRange(0), metavar="N", help="Only the sample of this number.")
@click.option("--view", type=click.Choice(VIEWS), help="Of volumes. If not given: animated in a .gif, else slices.")
@root_option
def montage(
    name: str,
    output: str,
    split: str,
    size: int | None,
    rows: int,
    columns: int,
    seed: int,
    by_class: bool,
    with_labels: bool,
    masks: bool,
    index: int | None,
    view: str | None,
    root: str | None,
) -> None:
    """Draw samples of a data set side by side.

    They are chosen from NAME at random, the same for the same seed. Volumes are animated in a .gif. Elsewhere each is
    shown by its middle slice, and one alone (--index) by all slices; --view chooses "orthogonal" middle slices, the
    maximum "projection" or the "sheet" of all slices. Masks are drawn over their images; --labels then says what their
    colours mean. Of volumes that differ in size the slice with the largest mask is shown, 4 x 6 if not said otherwise.

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
        raise click.UsageError(f"--index shows one sample: leave {' and '.join(given)} out.")
    record = registry.info(name)
    if not record.same_shape:
        if by_class or view is not None or size is not None:
            raise click.UsageError(
                f"{record.qualified_name} holds volumes that differ in size: leave --by-class, --view and --size out."
            )
        sides: dict[str, Any] = {
            one: value
            for one, value in (("rows", rows), ("columns", columns))
            if ctx.get_parameter_source(one) == _COMMANDLINE
        }
        volumes = VolumeDataset(record, split, root=root)
        if index is not None:
            volumes = volumes[[_checked(index, volumes)]]
        _write(lambda: volumes.montage(**sides, seed=seed, labels=with_labels, masks=masks), output)
        return
    dataset = Dataset(name, split, size=size, root=root)
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
    try:
        picture = draw()
        with writing(output):
            path = picture.save(output)
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    say(path)


def _checked(index: int, dataset: Dataset | VolumeDataset) -> int:
    if index >= len(dataset):
        raise click.UsageError(
            f"There is no sample {index}: {dataset.record.name} {dataset.split} has {len(dataset):,}."
        )
    return index


def _needed_columns(dataset: Dataset, rows: int, columns: int, *, by_class: bool) -> int:
    if not by_class or dataset.record.target == "masks":
        return needed_columns(len(dataset), rows, columns)
    counts = [count for count in dataset.class_counts().values() if count]
    return needed_columns(max(counts, default=1), max(1, rows // max(1, len(counts))), columns)
