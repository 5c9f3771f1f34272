"""Pictures of a data set: ``montage``."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from medmnist_np import registry
from medmnist_np.cli.output import root_option
from medmnist_np.errors import MedMNISTError
from medmnist_np.images import VIEWS, choose, draw
from medmnist_np.images.encoders import VOLUME, kind_of
from medmnist_np.loading import load


@click.command
@click.argument("name")
@click.option(
    "-o", "--output", "output", required=True, metavar="FILE", help="A .png, .jpg, .tiff, .npy or, if animated, .gif."
)
@click.option("--split", default="train", show_default=True)
@click.option("--size", type=int, help="Image size; 28 if not given.")
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--columns", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other images.")
@click.option("--by-class", is_flag=True, help="Share the rows out between the classes.")
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
    record, size = registry.resolve_size(name, size)
    images, labels = load(record, split, size=size, root=root)
    kind = kind_of(record.ndim, record.n_channels)
    if index is not None and index >= len(images):
        raise click.UsageError(f"There is no sample {index}: {record.name} {split} has {len(images):,}.")
    if kind == VOLUME and view is None:
        still = "middle" if index is None else "sheet"
        view = "animated" if Path(output).suffix.lower() == ".gif" else still
    try:
        if index is None:
            places = choose(range(len(images)), rows, columns, seed=seed, labels=labels if by_class else None)
        else:
            places = np.array([[index]])
        picture = draw(
            np.asarray(images),
            places,
            kind,
            view=view,
            labels=labels if with_labels else None,
            class_names=record.class_names,
        )
        path = picture.save(output)
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"Could not write {output}: {error.strerror}.") from error
    click.echo(f"{picture!r} {path}")
