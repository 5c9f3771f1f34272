"""``mirror``: a folder that any static web server can serve as a mirror."""

from __future__ import annotations

from pathlib import Path

import click

from medmnist_np._progress import Progress
from medmnist_np.cache import archives, settings
from medmnist_np.cli import options
from medmnist_np.cli.jobs import Job, raise_failures, run_jobs, wanted_sets
from medmnist_np.cli.output import root_option, say, source_options


@click.command
@click.argument("folder", type=click.Path(file_okay=False, writable=True, path_type=Path), metavar="DIR")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=options.names)
@click.option(
    "--size",
    metavar="28|64|128|224|all",
    help="Image size; 28 if not given.",
    shell_complete=options.sizes_or_all,
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
@source_options
@root_option
def mirror(folder: Path, names: tuple[str, ...], size: str | None, quiet: bool, root: str | None) -> None:
    """Lay out archives in a folder, for a web server of your own.

    Into DIR come all data sets if none is named. Archives that are on this machine are copied, the others downloaded;
    each is checked by its digest, and one that is there already stays. Serve the folder with any web server that does
    Range, and give others its address:

    \b
      medmnist-np mirror /srv/medmnist --size all
      medmnist-np fetch pathmnist --mirror https://data.lab.example/medmnist
    """
    jobs = [Job(record, number) for record, number in wanted_sets(names, size)]
    for job in jobs:
        job.record.archive(job.size)  # refuses what cannot be downloaded, before anything is
    _make(folder)
    places = settings.current(root)

    def bring(job: Job, progress: Progress) -> Path:
        return archives.place(job.archive, folder, places, progress)

    outcomes = run_jobs(jobs, bring, silenced=quiet, new=jobs)
    raise_failures(outcomes)
    if not quiet:
        say(f"{len(jobs)} archive(s) in {folder}. Serve it, and set {settings.MIRRORS_VARIABLE} to its address.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{folder} could not be made: {error.strerror}. Name another folder.") from error
