"""``fetch`` data sets, ``import`` archives, ``mirror`` archives, and the ``download`` of other programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from medmnist_np import _files, registry
from medmnist_np._progress import Progress
from medmnist_np.cache import settings
from medmnist_np.cli import options
from medmnist_np.cli.jobs import MOST_AT_ONCE, Job, raise_failures, run_jobs, wanted_sets
from medmnist_np.cli.output import say, say_json, say_lines, say_table, value_errors, writing
from medmnist_np.corruptions.published import adopt_published
from medmnist_np.data.arrays import adopt, bring, members_of
from medmnist_np.errors import DigestError, MedMNISTError, NoSpaceError, unknown
from medmnist_np.registry import Record, bundled_records
from medmnist_np.registry.user_records import LOCAL


@click.command
@click.argument("names", nargs=-1, metavar="NAME...", shell_complete=options.names)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="PIXELS|all",
    help="Image size: 28 (default), 64, 128 or 224; MedSegBench: 128, 256 or 512; repeatable.",
    shell_complete=options.sizes_or_all,
)
@click.option("--all", "everything", is_flag=True, help="All data sets of MedMNIST.")
@options.splits_option
@click.option("--labels-only", is_flag=True, help="Only the labels, at most 2 MB.")
@click.option("--dry-run", is_flag=True, help="Show what would be downloaded, and stop.")
@click.option("--keep-archive", is_flag=True, help="Keep the .npz files too.")
@click.option("--skip", is_flag=True, help="Volumes: leave out cases that are damaged or incomplete.")
@options.quiet_option
@options.source_options
@options.root_option
@options.json_option
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
    """Download, verify and unpack data sets.

    Interrupted downloads resume. Archives are verified against their published checksum. With --split or
    --labels-only, only these parts of the archive are downloaded if the server supports Range requests; they are
    verified by the CRC-32 in the archive instead of its checksum.

    \b
      medmnist-np fetch pathmnist --size 224
      medmnist-np fetch pathmnist --size 224 --split test
      medmnist-np fetch --all --size all --dry-run
      medmnist-np fetch medsegbench/kvasir --size 256
      medmnist-np fetch msd/liver
    """
    if names and everything:
        raise click.UsageError("Use either NAME or --all, not both.")
    if not names and not everything:
        raise click.UsageError("Name the data sets to download, or use --all. `medmnist-np list` lists them.")
    part_only = bool(splits) or labels_only
    if part_only and keep_archive:
        raise click.UsageError("--keep-archive needs the whole archive. Leave out --split and --labels-only.")
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
    if not silenced and (dry_run or not (missing and places.offline)):
        _say_plan(wanted, missing, places)
    if dry_run and as_json:
        say_json([_described(job, None) for job in missing])
    if missing and not part_only:
        _require_space(missing, places, dry_run=dry_run)
    if dry_run:
        return

    bring_one = partial(bring, root=root, keep_archive=keep_archive, skip=skip)

    def work(job: Job, progress: Progress) -> Path:
        return bring_one(job.record, job.size, members=job.members, progress=progress)

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
    "--ids", "name", metavar="NAME", help="FILE is a CSV file with source ids for NAME.", shell_complete=options.names
)
@click.option(
    "--as",
    "volumes",
    metavar="NAME",
    help="FILE is a folder or archive of volumes: brats2021, msd/liver, ..., or local/NAME for your own.",
    shell_complete=options.names,
)
@click.option("--skip", is_flag=True, help="With --as: leave out cases that are damaged or incomplete.")
@options.root_option
def import_(files: tuple[Path, ...], name: str | None, volumes: str | None, skip: bool, root: str | None) -> None:
    """Import archives that you already have.

    FILE... are official archives of data sets, or the .zip files of corrupted images published by MedMNIST-C. They are
    recognised by their checksum, unpacked into the cache and left where they are.

    With --ids, FILE has the columns split, index, image_id and, if known, group (such as the patient).

    \b
      medmnist-np import ~/Downloads/pathmnist_224.npz
      medmnist-np import --ids breastmnist ids.csv
      medmnist-np import --as brats2021 ~/RSNA_ASNR_MICCAI_BraTS2021_TrainingData
      medmnist-np import --as local/mine ~/nnUNet_raw/Dataset501_Mine
    """
    if name is not None and volumes is not None:
        raise click.UsageError("Use either --ids or --as, not both.")
    if skip and volumes is None:
        raise click.UsageError("Use --skip only with --as.")
    if volumes is not None:
        _take_volumes(volumes, files, skip=skip, root=root)
        return
    for file in files:
        if file.is_dir() and name is not None:
            raise click.UsageError(f"{file} is a folder, but --ids needs a CSV file.")
        if file.is_dir():
            raise click.UsageError(f"{file} is a folder. Say which data set it holds with --as NAME.")
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
        raise click.UsageError("Use --ids with one file.")
    with value_errors(click.ClickException):
        path = attach_ids(name, files[0])
    say(f"Source ids of {name}: {path}")


def _taken(file: Path, root: str | None) -> str:
    """Import an archive, and return what it is and where its arrays are."""
    try:
        record, size, folder = adopt(file, root=root)
    except DigestError:
        if file.suffix != ".zip":
            raise
        record, folder = adopt_published(file, root=root)
        return f"{record.name} corrupted, as published: ready, {folder}"
    at_size = f" at size {size}" if size else ""
    return f"{record.qualified_name}{at_size}: ready, {folder}"


def _take_volumes(name: str, files: tuple[Path, ...], *, skip: bool, root: str | None) -> None:
    from medmnist_np.volumes.publish import adopt as adopt_volumes, adopt_own

    if len(files) != 1:
        raise click.UsageError("Use --as with one folder or archive.")
    if name.startswith(f"{LOCAL.name}/"):
        record, arrays = adopt_own(files[0], name.partition("/")[2], root=root, skip=skip)
        say(f"{record.qualified_name}: ready, {arrays.path}")
        _say_left_out(record, arrays.path)
        return
    if registry.info(name).same_shape:
        raise click.UsageError(f"--as needs a set of volumes that differ in size. Leave it out for {name}.")
    record = registry.volume_info(name)
    folder = adopt_volumes(files[0], record, root=root, skip=skip).path
    say(f"{record.qualified_name}: ready, {folder}")
    _say_left_out(record, folder)


def _say_left_out(record: Record, folder: Path) -> None:
    """Print a note if the arrays in a folder lack some cases, left out now or in an earlier run."""
    from medmnist_np.volumes.layouts import REPORT, read_report

    if left_out := read_report(folder):
        say(f"{record.qualified_name}: {len(left_out)} case(s) left out; {folder / REPORT} lists them.")


@click.command(hidden=True)
@click.option("--dataset", metavar="COLLECTION", help="medmnist, medsegbench, msd, amos or brats.")
@click.option("--task", metavar="NAME", help="Data set: liver, Task03_Liver, pathmnist; default: all of MedMNIST.")
@click.option("--size", metavar="PIXELS", help="Image size.")
@click.option("--output", type=click.Path(file_okay=False), metavar="DIR", help="The same as --root.")
@click.option("--list", "listing", is_flag=True, help="List the data sets, and stop.")
@options.root_option
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
    """Download with the options of other programs.

    Without options, this downloads all of MedMNIST, as the official program does.

    \b
      medmnist-np download --dataset msd --task liver --output DIR
      medmnist-np download --dataset medmnist --task pathmnist
      medmnist-np download --list
    """
    known = bundled_records.COLLECTIONS
    dataset = None if dataset is None else dataset.lower()
    if dataset is not None and dataset not in known:
        raise click.UsageError(unknown("collection", dataset, known))
    if listing:
        _say_collections([dataset] if dataset else list(known))
        return
    if output is not None and root is not None:
        raise click.UsageError("--output and --root mean the same. Use one of them.")
    if task is None and dataset not in (None, "medmnist"):
        raise click.UsageError(f"Name a data set of {dataset} with --task. --list lists them.")
    names = () if task is None else (f"{dataset or 'medmnist'}/{task}",)
    sizes = () if size in (None, "None") else (str(size),)
    ctx.invoke(fetch, names=names, sizes=sizes, everything=not names, root=output or root)


def _say_collections(collections: list[str]) -> None:
    rows = []
    for collection in collections:
        others: dict[str, list[str]] = {}
        for alias, name in bundled_records.collection(collection).aliases.items():
            others.setdefault(name, []).append(alias)
        # Users' sets are listed with those of MedMNIST.
        records = [one for one in registry.datasets(collection=collection) if one.collection.name == collection]
        rows += [[collection, one.name, ", ".join(others.get(one.name, ())), one.description] for one in records]
    say_table(rows, head=["--dataset", "--task", "or", "description"])


def _say_plan(wanted: list[Job], missing: list[Job], places: settings.Settings) -> None:
    if len(wanted) > len(missing):
        say(f"{len(wanted) - len(missing)} of {len(wanted)} are already on this machine.")
    if not missing:
        return
    rows = []
    for job in missing:
        known = "" if job.download_bytes is not None else "at most "
        most = _files.readable(job.most_download_bytes)
        about = "" if job.size else "about "
        unpacked = f"{about}{_files.readable(job.array_bytes)}"
        rows.append([job.record.qualified_name, job.size or "", f"{known}{most}", unpacked, job.record.license])
    say_table(rows, head=["name", "size", "download", "unpacked", "license"], right=[1, 2, 3])
    download = _files.readable(sum(job.most_download_bytes for job in missing))
    unpacked = _files.readable(sum(job.array_bytes for job in missing))
    say_lines(f"At most {download} to download, {unpacked} unpacked, into {places.cache}")


def _require_space(missing: list[Job], places: settings.Settings, *, dry_run: bool) -> None:
    """Check the free space for all arrays, and for the largest archives while they are unpacked."""
    archives = sorted((job.archive.bytes or 0 for job in missing), reverse=True)[:MOST_AT_ONCE]
    needed = sum(job.array_bytes for job in missing) + sum(archives)
    try:
        _files.require_space(places.cache, needed, f"fetch {len(missing)} archive(s)")
    except NoSpaceError:
        if not dry_run:
            raise
        free = _files.readable(_files.free_bytes(places.cache))
        say(f"Not enough space: {_files.readable(needed)} needed, {free} free.", err=True)


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


@click.command
@click.argument("folder", type=click.Path(file_okay=False, writable=True, path_type=Path), metavar="DIR")
@options.names_argument
@click.option(
    "--size", metavar="28|64|128|224|all", help="Image size; default: 28.", shell_complete=options.sizes_or_all
)
@options.quiet_option
@options.source_options
@options.root_option
def mirror(folder: Path, names: tuple[str, ...], size: str | None, quiet: bool, root: str | None) -> None:
    """Prepare a folder of archives for your own web server.

    DIR receives the archives of NAME..., or of all data sets. Archives on this machine are copied, others are
    downloaded; each is verified against its checksum. Serve the folder with any web server that supports Range
    requests, and give others its URL:

    \b
      medmnist-np mirror /srv/medmnist --size all
      medmnist-np fetch pathmnist --mirror https://data.lab.example/medmnist
    """
    jobs = [Job(record, number) for record, number in wanted_sets(names, size)]
    for job in jobs:
        job.record.archive(job.size)  # refuses what cannot be downloaded, before anything is
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    places = settings.current(root)

    from medmnist_np.cache.archive_pooch import ArchivePooch  # loads Pooch

    def place(job: Job, progress: Progress) -> Path:
        known = {job.record.storage_key(job.size): job.archive}
        return Path(ArchivePooch(known, places, folder=folder, progress=progress).fetch(job.archive.file_name))

    outcomes = run_jobs(jobs, place, silenced=quiet, new=jobs)
    raise_failures(outcomes)
    if not quiet:
        say(f"{len(jobs)} archive(s) in {folder}. Serve it, and set {settings.MIRRORS_VARIABLE} to its URL.")
