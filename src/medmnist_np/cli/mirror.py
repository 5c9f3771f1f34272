"""``mirror``: prepare a folder that any static web server can serve as a mirror."""

from __future__ import annotations

from pathlib import Path

import click

from medmnist_np._progress import Progress
from medmnist_np.cache import settings
from medmnist_np.cli import options
from medmnist_np.cli.jobs import Job, raise_failures, run_jobs, wanted_sets
from medmnist_np.cli.options import names_argument, quiet_option, root_option, source_options
from medmnist_np.cli.output import say, writing


@click.command
@click.argument("folder", type=click.Path(file_okay=False, writable=True, path_type=Path), metavar="DIR")
@names_argument
@click.option(
    "--size",
    metavar="28|64|128|224|all",
    help="Image size; default: 28.",
    shell_complete=options.sizes_or_all,
)
@quiet_option
@source_options
@root_option
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

    def bring(job: Job, progress: Progress) -> Path:
        known = {job.record.storage_key(job.size): job.archive}
        return Path(ArchivePooch(known, places, folder=folder, progress=progress).fetch(job.archive.file_name))

    outcomes = run_jobs(jobs, bring, silenced=quiet, new=jobs)
    raise_failures(outcomes)
    if not quiet:
        say(f"{len(jobs)} archive(s) in {folder}. Serve it, and set {settings.MIRRORS_VARIABLE} to its URL.")
