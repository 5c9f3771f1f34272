"""Images as files for other tools: ``save``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import click

from medmnist_np import registry
from medmnist_np.cache.progress import bars, silent
from medmnist_np.cli.output import root_option
from medmnist_np.errors import MedMNISTError
from medmnist_np.export import LAYOUTS, Layout, Plan, Saved
from medmnist_np.export import save as save_files
from medmnist_np.images import FORMATS
from medmnist_np.loading import load

_INTERRUPTED = 130  # what shells expect after Ctrl-C


@click.command
@click.argument("name", required=False)
@click.argument("folder", required=False, type=click.Path(file_okay=False))
@click.option("--flag", help="NAME, as the official program takes it.", hidden=True)
@click.option("--folder", "named_folder", type=click.Path(file_okay=False), hidden=True)
@click.option("--layout", type=click.Choice(LAYOUTS), default="automl", show_default=True, help="What goes where.")
@click.option("--format", "--postfix", "format_", metavar="|".join(FORMATS), help="png in 2D, gif in 3D if not given.")
@click.option("--size", type=int, help="Image size; 28 if not given.")
@click.option("--split", "splits", multiple=True, metavar="SPLIT", help="Only this split; may be given again.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Threads that work at once.")
@click.option(
    "--download",
    type=bool,
    is_flag=False,
    flag_value=True,  # of --download alone
    default=True,
    show_default=True,
    help="Whether the network may be used.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
@root_option
def save(
    name: str | None,
    folder: str | None,
    flag: str | None,
    named_folder: str | None,
    layout: str,
    format_: str | None,
    size: int | None,
    splits: tuple[str, ...],
    workers: int,
    download: bool,
    quiet: bool,
    root: str | None,
) -> None:
    """Write each image of the data set NAME to a file in FOLDER, and the labels to a table.

    \b
      automl       NAME/train0_1.png, with the label in the name, and NAME.csv; as the official program
      imagefolder  NAME/train/1_class_name/train0.png
      csv          NAME/train/train0.png, and NAME/train/metadata.csv with a head

    What is there already is not written again, so the same command goes on after an interruption; a file that is
    something else is never replaced.

    \b
      medmnist-np save breastmnist exported
      medmnist-np save organmnist3d exported --layout csv --format nii --split test
    """
    name, folder = _name_and_folder([one for one in (name, folder) if one is not None], flag, named_folder)
    for split in splits:
        if "+" in split:
            again = " ".join(f"--split {one}" for one in split.split("+"))
            raise click.UsageError(f"Each split is saved by its own name: in place of --split {split} write {again}.")
    record, size = registry.resolve_size(name, size)
    try:
        plans = [Plan(record, size, split, cast("Layout", layout), format_) for split in splits or record.splits]
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        done = []
        for plan in plans:
            images, labels = load(record, plan.split, size=size, root=root, download=download)
            progress = silent if quiet else bars
            done.append(save_files(plan, images, labels, folder, workers=workers, progress=progress))
            if not quiet:
                click.echo(f"{plan.split}: {done[-1].n_files:,} files, {done[-1].n_written:,} of them new")
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("\nInterrupted. What is written is complete: run the same again to go on.", err=True)
        sys.exit(_INTERRUPTED)
    if not quiet:
        _say_where(plans, done)


def _name_and_folder(given: Sequence[str], flag: str | None, folder: str | None) -> tuple[str, str]:
    """Return what --flag and --folder name, and for what they do not, the arguments in their order."""
    options = {"NAME": flag, "FOLDER": folder}
    missing = [word for word, option in options.items() if option is None]
    if len(given) > len(missing):
        named = " and ".join(
            f"--{option} {value}" for option, value in (("flag", flag), ("folder", folder)) if value is not None
        )
        raise click.UsageError(f"{' '.join(given)!r} and {named} name the data set or the folder twice: leave one out.")
    if len(given) < len(missing):
        words = " and ".join(missing[len(given) :])
        raise click.UsageError(f"Missing: {words}. `medmnist-np save NAME FOLDER`")
    found = options | dict(zip(missing, given, strict=True))
    return str(found["NAME"]), str(found["FOLDER"])


def _say_where(plans: Sequence[Plan], done: Sequence[Saved]) -> None:
    click.echo(f"Images  {done[0].folder}")
    for table in dict.fromkeys(saved.table for saved in done if saved.table is not None):
        click.echo(f"Table   {table}")
    if not plans[0].is_lossless:
        click.echo(f"Note: {plans[0].ending} does not keep every pixel of {plans[0].kind}.")
