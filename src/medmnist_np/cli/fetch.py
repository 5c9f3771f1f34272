"""Get data onto this machine: ``fetch``, ``import`` and the official ``download``."""

from __future__ import annotations

from pathlib import Path

import click

from medmnist_np import _files, registry
from medmnist_np._progress import Progress
from medmnist_np.cache import settings
from medmnist_np.cli import options
from medmnist_np.cli.jobs import MOST_AT_ONCE, Job, raise_failures, run_jobs, wanted_sets
from medmnist_np.cli.output import json_option, root_option, say, say_json, say_table, source_options
from medmnist_np.corruptions.published import adopt_published
from medmnist_np.data.arrays import adopt, bring, members_of
from medmnist_np.errors import DigestError, MedMNISTError, NoSpaceError, nearest
from medmnist_np.registry import Record, bundled_records


@click.command
@click.argument("names", nargs=-1, metavar="NAME...", shell_complete=options.names)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="PIXELS|all",
    help="Image size: 28 (if not given), 64, 128 or 224; in MedSegBench 128, 256 or 512. May be given again.",
    shell_complete=options.sizes_or_all,
)
@click.option("--all", "everything", is_flag=True, help="All data sets of MedMNIST.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="SPLIT",
    help="Only this split; may be given again.",
    shell_complete=options.splits,
)
@click.option("--labels-only", is_flag=True, help="Only the labels, at most 2 MB.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and how large it is, and stop.")
@click.option("--keep-archive", is_flag=True, help="Keep the .npz files too.")
@click.option("--skip", is_flag=True, help="Of sets of volumes: leave out cases that are damaged or lack a file.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
@source_options
@root_option
@json_option
def fetch(
    names: tuple[str, ...],
    sizes: tuple[str, ...],
    everything: bool,
    splits: tuple[str, ...],
    labels_only: bool,
    dry_run: bool,
    keep_archive: bool,
    skip: bool,
    quiet: bool,
    root: str | None,
    as_json: bool,
) -> None:
    """Download, check and unpack data sets.

    An interrupted download goes on where it stopped. Archives are checked against their published digest.
    With --split or --labels-only, only these members are taken out of the remote archive, where the server does
    Range; they are checked by the CRC-32 in the archive, not by the digest of the whole.

    \b
      medmnist-np fetch pathmnist --size 224
      medmnist-np fetch pathmnist --size 224 --split test
      medmnist-np fetch --all --size all --dry-run
      medmnist-np fetch medsegbench/kvasir --size 256
      medmnist-np fetch msd/liver
    """
    if names and everything:
        raise click.UsageError("NAME and --all mean different things: leave one out.")
    if not names and not everything:
        raise click.UsageError("Name the data sets to fetch, or give --all. `medmnist-np list` lists them.")
    part_only = bool(splits) or labels_only
    if part_only and keep_archive:
        raise click.UsageError("--keep-archive keeps whole archives: leave --split and --labels-only out.")
    chosen = {
        (record.qualified_name, size): record for one in sizes or (None,) for record, size in wanted_sets(names, one)
    }
    wanted = [
        Job(record, size, members_of(record, splits or None, labels_only=labels_only))
        for (_, size), record in chosen.items()
    ]
    places = settings.current(root, make=True)
    missing = [job for job in wanted if not job.is_there(places)]
    silenced = quiet or as_json
    if not silenced:
        _say_plan(wanted, missing, places)
    if dry_run and as_json:
        say_json([_described(job, None) for job in missing])
    if missing and not part_only:
        _require_space(missing, places, dry_run=dry_run)
    if dry_run:
        return

    def work(job: Job, progress: Progress) -> Path:
        return bring(
            job.record,
            job.size,
            root=root,
            keep_archive=keep_archive,
            members=job.members,
            skip=skip,
            progress=progress,
        )

    outcomes = run_jobs(wanted, work, silenced=silenced, new=missing)
    for job, outcome in outcomes:
        if not silenced and not job.record.same_shape and isinstance(outcome, Path):
            _say_left_out(job.record, outcome)
    if as_json:
        say_json([_described(job, outcome) for job, outcome in outcomes])
    raise_failures(outcomes)


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--ids",
    "name",
    metavar="NAME",
    help="FILE is a CSV file with the source ids of the samples of NAME.",
    shell_complete=options.names,
)
@click.option(
    "--as",
    "volumes",
    metavar="NAME",
    help="FILE is the unpacked folder, or the archive, of NAME: brats2021, msd/liver...",
    shell_complete=options.names,
)
@click.option(
    "--skip", is_flag=True, help="With --as: take a folder that is not complete, and leave out what is damaged."
)
@root_option
def import_(files: tuple[Path, ...], name: str | None, volumes: str | None, skip: bool, root: str | None) -> None:
    """Take official archives that you have into the cache.

    FILE... stay where they are. They are those of data sets, and the .zip files of corrupted images that MedMNIST-C
    published.

    With --ids, FILE has the columns split, index, image_id and perhaps group, as of patients.

    \b
      medmnist-np import ~/Downloads/pathmnist_224.npz
      medmnist-np import --ids breastmnist ids.csv
      medmnist-np import --as brats2021 ~/RSNA_ASNR_MICCAI_BraTS2021_TrainingData
    """
    if name is not None and volumes is not None:
        raise click.UsageError("--ids and --as mean different things: leave one out.")
    if skip and volumes is None:
        raise click.UsageError("--skip goes with --as.")
    if volumes is not None:
        _take_volumes(volumes, files, skip=skip, root=root)
        return
    for file in files:
        if file.is_dir() and name is not None:
            raise click.UsageError(f"{file} is a folder, and --ids takes a CSV file.")
        if file.is_dir():
            raise click.UsageError(f"{file} is a folder: say what is in it with --as NAME.")
    if name is not None:
        _take_ids(name, files)
        return
    failed = 0
    for file in files:
        try:
            say(f"{file} is {_taken(file, root)}")
        except MedMNISTError as error:
            failed += 1
            say(f"{error}", err=True)
    if failed:
        raise click.ClickException(f"{failed} of {len(files)} could not be imported.")


def _take_ids(name: str, files: tuple[Path, ...]) -> None:
    from medmnist_np.data.identifiers import attach_ids

    if len(files) != 1:
        raise click.UsageError("--ids goes with one file.")
    try:
        path = attach_ids(name, files[0])
    except MedMNISTError:
        raise
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    say(f"The ids of {name} are kept in {path}.")


def _taken(file: Path, root: str | None) -> str:
    """Take an archive over, and say what it is and where its arrays are."""
    try:
        record, size, folder = adopt(file, root=root)
    except DigestError:
        if file.suffix != ".zip":
            raise
        record, folder = adopt_published(file, root=root)
        return f"what MedMNIST-C published of {record.name}: ready, {folder}"
    at_size = f" at size {size}" if size else ""
    return f"{record.qualified_name}{at_size}: ready, {folder}"


def _take_volumes(name: str, files: tuple[Path, ...], *, skip: bool, root: str | None) -> None:
    from medmnist_np.volumes.publish import adopt as adopt_volumes

    if len(files) != 1:
        raise click.UsageError("--as goes with one folder.")
    if registry.info(name).same_shape:
        raise click.UsageError(f"The images of {name} all have one shape. Import its archives without --as.")
    record = registry.volume_info(name)
    folder = adopt_volumes(files[0], record, root=root, skip=skip).path
    say(f"{record.qualified_name}: ready, {folder}")
    _say_left_out(record, folder)


def _say_left_out(record: Record, folder: Path) -> None:
    """Say so if the arrays in a folder were made without some cases, now or in an earlier run."""
    from medmnist_np.volumes.layouts import REPORT, read_report

    if left_out := read_report(folder):
        say(f"{record.qualified_name}: {len(left_out)} left out: {folder / REPORT} says which and why.")


@click.command(hidden=True)
@click.option("--dataset", metavar="COLLECTION", help="medmnist, medsegbench, msd, amos or brats.")
@click.option(
    "--task", metavar="NAME", help="The set, as liver, Task03_Liver or pathmnist; all of MedMNIST if not given."
)
@click.option("--size", metavar="PIXELS", help="Image size.")
@click.option("--output", type=click.Path(file_okay=False), metavar="DIR", help="The same as --root.")
@click.option("--list", "listing", is_flag=True, help="List the sets that there are, and stop.")
@root_option
@click.pass_context
def download(
    ctx: click.Context,
    dataset: str | None,
    task: str | None,
    size: str | None,
    output: str | None,
    listing: bool,
    root: str | None,
) -> None:
    """Download by the words of other programs.

    Without any, all of MedMNIST, as the official program does.

    \b
      medmnist-np download --dataset msd --task liver --output DIR
      medmnist-np download --dataset medmnist --task pathmnist
      medmnist-np download --list
    """
    known = bundled_records.COLLECTIONS
    dataset = None if dataset is None else dataset.lower()
    if dataset is not None and dataset not in known:
        raise click.UsageError(
            f"There is no collection {dataset!r}.{nearest(dataset, known)} They are: {', '.join(known)}."
        )
    if listing:
        _say_collections([dataset] if dataset else list(known))
        return
    if output is not None and root is not None:
        raise click.UsageError("--output and --root mean the same: leave one out.")
    if task is None and dataset not in (None, "medmnist"):
        raise click.UsageError(f"Which set of {dataset}? Name it with --task; --list lists them.")
    names = () if task is None else (f"{dataset or 'medmnist'}/{task}",)
    sizes = () if size in (None, "None") else (str(size),)
    ctx.invoke(fetch, names=names, sizes=sizes, everything=not names, root=output or root)


def _say_collections(collections: list[str]) -> None:
    rows = []
    for collection in collections:
        others: dict[str, list[str]] = {}
        for alias, name in bundled_records.collection(collection).aliases.items():
            others.setdefault(name, []).append(alias)
        # Sets of users stand among those of MedMNIST.
        records = [one for one in registry.datasets(collection=collection) if one.collection.name == collection]
        rows += [[collection, one.name, ", ".join(others.get(one.name, ())), one.description] for one in records]
    say_table(rows, head=["--dataset", "--task", "or", "what it is"])


def _say_plan(wanted: list[Job], missing: list[Job], places: settings.Settings) -> None:
    if len(wanted) > len(missing):
        say(f"{len(wanted) - len(missing)} of {len(wanted)} are on this machine already.")
    if not missing:
        return
    rows = []
    for job in missing:
        known = "" if job.download_bytes is not None else "at most "
        most = _files.readable(job.most_download_bytes)
        about = "" if job.size else "about "
        unpacked = f"{about}{_files.readable(job.array_bytes)}"
        rows.append([job.record.qualified_name, job.size or "", f"{known}{most}", unpacked, job.record.license])
    say_table(rows, head=["name", "size", "download", "unpacked", "licence"], right=[1, 2, 3])
    download = _files.readable(sum(job.most_download_bytes for job in missing))
    unpacked = _files.readable(sum(job.array_bytes for job in missing))
    say(f"At most {download} to download, {unpacked} unpacked, into {places.cache}")


def _require_space(missing: list[Job], places: settings.Settings, *, dry_run: bool) -> None:
    """Check the space for everything at once: all arrays, and the largest archives while they are unpacked."""
    archives = sorted((job.archive.bytes or 0 for job in missing), reverse=True)[:MOST_AT_ONCE]
    needed = sum(job.array_bytes for job in missing) + sum(archives)
    try:
        _files.require_space(places.cache, needed, f"fetch {len(missing)} archive(s)")
    except NoSpaceError:
        if not dry_run:
            raise
        free = _files.readable(_files.free_bytes(places.cache))
        say(f"Not enough space for this: {_files.readable(needed)} are needed and {free} are free.", err=True)


def _described(job: Job, outcome: Path | MedMNISTError | None) -> dict[str, object]:
    failed = isinstance(outcome, MedMNISTError)
    return {
        "name": job.record.qualified_name,
        "size": job.size or None,
        "members": list(job.members) or None,
        "download_bytes": job.download_bytes,
        "most_download_bytes": job.most_download_bytes,
        "array_bytes": job.array_bytes,
        "folder": None if outcome is None or failed else str(outcome),
        "error": str(outcome) if failed else None,
    }
