"""Pictures of a data set: ``montage``."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from medmnist_np.cli.output import root_option
from medmnist_np.dataset import Dataset
from medmnist_np.errors import MedMNISTError
from medmnist_np.images import VIEWS
from medmnist_np.images.grid import needed_columns

_COMMANDLINE = ParameterSource.COMMANDLINE

# Options that say which samples are shown and where, and mean nothing for one.
_OF_SEVERAL = ("rows", "columns", "seed", "by_class")


@click.command
@click.argument("name")
@click.option(
    "-o",
    "--output",
    "output",
    required=True,
    metavar="FILE",
    help="A .png, .jpg, .tiff, .gif, .npy or, without colour, .nii; the last four may be animated.",
)
@click.option("--split", default="train", show_default=True, help="Or several as one: train+val.")
@click.option("--size", type=int, help="Image size; 28 if not given.")
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--columns", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other images.")
@click.option("--by-class", is_flag=True, help="Share the rows out between the classes, at least one for each.")
@click.option("--labels", "with_labels", is_flag=True, help="Write the class below each image, and what it means.")
@click.option("--index", type=click.IntRange(min=0), help="Only the sample of this number.")
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
    index: int | None,
    view: str | None,
    root: str | None,
) -> None:
    """Draw samples of the data set NAME, chosen at random, side by side.

    Volumes are animated in a .gif. Elsewhere each is shown by its middle slice, and one alone (--index) by all slices;
    --view chooses "orthogonal" middle slices, the maximum "projection" or the "sheet" of all slices.

    \b
      medmnist-np montage pathmnist -o pathmnist.png --by-class --labels
      medmnist-np montage organmnist3d -o organ.gif --rows 4 --columns 6
      medmnist-np montage organmnist3d -o one.png --index 5 --view orthogonal
    """
    ctx = click.get_current_context()
    given = [f"--{one}".replace("_", "-") for one in _OF_SEVERAL if ctx.get_parameter_source(one) == _COMMANDLINE]
    if index is not None and given:
        raise click.UsageError(f"--index shows one sample: leave {' and '.join(given)} out.")
    dataset = Dataset(name, split, size=size, root=root)
    if index is not None:
        if index >= len(dataset):
            raise click.UsageError(
                f"There is no sample {index}: {dataset.record.name} {dataset.split} has {len(dataset):,}."
            )
        dataset, rows, columns = dataset[[index]], 1, 1
    if dataset.record.ndim == 3 and view is None:
        still = "middle" if index is None else "sheet"
        view = "animated" if Path(output).suffix.lower() == ".gif" else still
    try:
        columns = _needed_columns(dataset, rows, columns, by_class=by_class)
        picture = dataset.montage(rows, columns, seed=seed, by_class=by_class, labels=with_labels, view=view)
        path = picture.save(output)
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{output} could not be written: {error.strerror}.") from error
    click.echo(path)


def _needed_columns(dataset: Dataset, rows: int, columns: int, *, by_class: bool) -> int:
    if not by_class:
        return needed_columns(len(dataset), rows, columns)
    counts = [count for count in dataset.class_counts().values() if count]
    return needed_columns(max(counts, default=1), max(1, rows // max(1, len(counts))), columns)
