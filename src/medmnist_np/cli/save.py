"""``save``: write images to files for other tools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import click

from medmnist_np import registry
from medmnist_np._progress import Progress, bars, silent
from medmnist_np.cli import options
from medmnist_np.cli.options import quiet_option, root_option, size_option, splits_option, workers_option
from medmnist_np.cli.output import end_interrupted, say, value_errors
from medmnist_np.data.arrays import load
from medmnist_np.errors import NotCachedError
from medmnist_np.export import LAYOUTS, Layout, PairPlan, Plan, Saved, save as save_files, save_pairs
from medmnist_np.images import FORMATS
from medmnist_np.registry import DatasetInfo, Record
from medmnist_np.volumes.saved_cases import FolderLayout
from medmnist_np.volumes.volume_dataset import VolumeDataset

# Layouts of volumes that differ in size.
_OF_VOLUMES = ("decathlon", "nnunet")


@click.command
@click.argument("name", required=False, metavar="NAME", shell_complete=options.names)
@click.argument("folder", required=False, metavar="FOLDER", type=click.Path(file_okay=False))
@click.option("--flag", help="The same as NAME; the official option.", hidden=True)
@click.option("--folder", "named_folder", type=click.Path(file_okay=False), hidden=True)
@click.option("--layout", type=click.Choice((*LAYOUTS, *_OF_VOLUMES)), help="Arrangement of the files.")
@click.option("--format", "--postfix", "format_", metavar="|".join(FORMATS), help="Default: png, or gif for volumes.")
@size_option()
@splits_option
@workers_option("Number of threads; default: 1.", default=1)
@click.option(
    "--download",
    type=bool,
    metavar="true|false",
    is_flag=False,
    flag_value=True,  # of --download alone
    default=True,
    help="Whether to download a data set that is not on this machine; default: true.",
)
@quiet_option
@root_option
def save(
    name: str | None,
    folder: str | None,
    flag: str | None,
    named_folder: str | None,
    layout: str | None,
    format_: str | None,
    size: int | None,
    splits: tuple[str, ...],
    workers: int,
    download: bool,
    quiet: bool,
    root: str | None,
) -> None:
    """Save each image as a file, and the labels as a table.

    Files are written below FOLDER, arranged by --layout:

    \b
      automl       NAME/train0_1.png (index_label) and NAME.csv, as official;
                   the default
      imagefolder  NAME/train/1_class_name/train0.png
      csv          NAME/train/train0.png and NAME/train/metadata.csv

    For segmentation sets, images are NAME/train/images/train0.png and masks NAME/train/masks/train0.png, whose gray
    values are the class numbers in NAME/classes.csv. Volumes that differ in size are saved in the same two folders, as
    NIfTI files, or arranged for other programs:

    \b
      decathlon    NAME/imagesTr, labelsTr, imagesTs and dataset.json
      nnunet       the raw format of nnU-Net 2, a file for each channel

    Existing files are not written again: run the same command again to resume after an interruption. A file with other
    content is never replaced.

    \b
      medmnist-np save breastmnist exported
      medmnist-np save organmnist3d exported --layout csv --format nii
      medmnist-np save msd/hippocampus nnUNet_raw --layout nnunet
    """
    name, folder = _name_and_folder([one for one in (name, folder) if one is not None], flag, named_folder)
    for split in splits:
        if "+" in split:
            again = " ".join(f"--split {one}" for one in split.split("+"))
            raise click.UsageError(f"Splits are saved one by one. Use {again} instead of --split {split}.")
    progress = silent if quiet else bars
    if not (record := registry.info(name)).same_shape:
        if layout in LAYOUTS or size is not None or format_ not in (None, "nii"):
            raise click.UsageError(
                f"{record.qualified_name} has volumes that differ in size, which are saved as NIfTI. Leave out --size "
                f"and --format, and use --layout {' or '.join(_OF_VOLUMES)} or none."
            )
        chosen = cast("FolderLayout", layout or "plain")
        saved = _save_volumes(record, splits, folder, chosen, root=root, download=download, progress=progress)
        say("" if quiet else f"Volumes  {saved}\n", nl=False)
        return
    record, size = registry.resolve_dataset(name, size)
    if layout in _OF_VOLUMES:
        raise click.UsageError(f"--layout {layout} is for volumes that differ in size, and those of {name} do not.")
    with value_errors():
        plans = [_plan(record, size, split, layout, format_) for split in splits or record.splits]
    done = []
    with _interruptible():
        for plan in plans:
            images, labels = load(record, plan.split, size=size, root=root, download=download)
            if isinstance(plan, PairPlan):
                done.append(save_pairs(plan, images, labels, folder, workers=workers, progress=progress))
            else:
                done.append(save_files(plan, images, labels, folder, workers=workers, progress=progress))
            if not quiet:
                things = "pairs of files" if isinstance(plan, PairPlan) else "files"
                say(f"{plan.split}: {done[-1].n_files:,} {things}, {done[-1].n_written:,} of them new")
    if not quiet:
        _say_where(plans, done)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        end_interrupted("Interrupted. The files written so far are complete. Run the same command again to resume.")


def _save_volumes(
    record: Record,
    splits: Sequence[str],
    folder: str,
    layout: FolderLayout,
    *,
    root: str | None,
    download: bool,
    progress: Progress,
) -> Path:
    """Save the named splits, or all that exist, since a user's folder may have only some."""
    saved = missing = None
    with _interruptible():
        for split in splits or record.splits:
            try:
                ds = VolumeDataset(record, split, root=root, download=download)
            except NotCachedError as error:
                if splits:
                    raise
                missing = missing or error
            else:
                saved = ds.save(folder, layout=layout, progress=progress)
    if saved is None and missing is not None:
        raise missing
    return Path(folder) if saved is None else saved


def _plan(record: DatasetInfo, size: int, split: str, layout: str | None, format_: str | None) -> Plan | PairPlan:
    if record.target != "masks":
        return Plan(record, size, split, cast("Layout", layout or "automl"), format_)
    if layout is not None:
        raise click.UsageError(f"--layout arranges labels, but {record.qualified_name} has masks. Leave it out.")
    return PairPlan(record, size, split, format_)


def _name_and_folder(given: Sequence[str], flag: str | None, folder: str | None) -> tuple[str, str]:
    """Return the data set and the folder: from --flag and --folder if given, else from the arguments."""
    options = {"NAME": flag, "FOLDER": folder}
    missing = [word for word, option in options.items() if option is None]
    if len(given) > len(missing):
        named = " and ".join(
            f"--{option} {value}" for option, value in (("flag", flag), ("folder", folder)) if value is not None
        )
        raise click.UsageError(f"{' '.join(given)!r} and {named} name the data set or folder twice. Use one of them.")
    if len(given) < len(missing):
        words = " and ".join(missing[len(given) :])
        raise click.UsageError(f"Missing: {words}. `medmnist-np save NAME FOLDER`")
    found = options | dict(zip(missing, given, strict=True))
    return str(found["NAME"]), str(found["FOLDER"])


def _say_where(plans: Sequence[Plan | PairPlan], done: Sequence[Saved]) -> None:
    say(f"Images  {done[0].folder}")
    for table in dict.fromkeys(saved.table for saved in done if saved.table is not None):
        say(f"Table   {table}")
    if not plans[0].is_lossless:
        say(f"Note: {plans[0].ending} is lossy for {plans[0].kind}.")
