"""``audit``: find duplicates, leaks and wrong labels in a data set."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from medmnist_np.cli import options
from medmnist_np.cli.output import n_processors, say, say_json, say_lines, value_errors, writing


@click.command
@click.argument("source", metavar="NAME|FILE.npz", shell_complete=options.names_or_files)
@options.size_option("Image size of NAME in pixels; default: 28.")
@click.option("--ids", type=options.FILE, metavar="CSV", help="Image ids and groups; default: the imported ones.")
@click.option(
    "--near",
    type=click.IntRange(0, 16),
    default=4,
    metavar="BITS",
    help="Largest distance between the hashes of near duplicates, an even number; default: 4.",
)
@click.option("--exact", is_flag=True, help="Do not search for near duplicates.")
@options.page_option("Write a page with pictures too.")
@click.option(
    "--scheme",
    type=click.Path(dir_okay=False),
    metavar="CSV",
    help="Write corrected splits without the leaks to this file, for Dataset(..., scheme=CSV).",
)
@options.download_option
@options.workers_option()
@options.root_option
@options.json_option
def audit(
    source: str,
    size: int | None,
    ids: str | None,
    near: int,
    exact: bool,
    page: Path | None,
    scheme: str | None,
    download: bool,
    workers: int | None,
    root: str | None,
    as_json: bool,
) -> None:
    """Find duplicates, leaks, wrong labels and blank images.

    NAME is a data set; FILE.npz is any archive of images and labels by split. A leak is a sample that also occurs in
    a later split, as an exact duplicate or by its group. Labels are contradictory if duplicates have different ones.
    Near duplicates are listed for you to look at. The file of --ids has the columns split, index, image_id and, if
    known, group (such as the patient). The exit code is 0 even if there are findings.

    \b
      medmnist-np audit breastmnist
      medmnist-np audit mine.npz -o audit.html --ids ids.csv
      medmnist-np audit dermamnist --scheme corrected.csv
    """
    from medmnist_np._parallel import threads
    from medmnist_np._progress import bars, silent
    from medmnist_np.audits import audit as audit_of
    from medmnist_np.audits.source import is_path
    from medmnist_np.reports import write_page

    ctx = click.get_current_context()
    if exact and ctx.get_parameter_source("near") == ParameterSource.COMMANDLINE:
        raise click.UsageError("--exact turns off the search for near duplicates. Leave out --near.")
    if near % 2:
        raise click.UsageError(f"Hashes differ in an even number of bits. Use --near {near - 1} or {near + 1}.")
    if scheme is not None:
        _check_scheme(scheme, ids)
    if is_path(source) and not Path(source).expanduser().is_file():
        raise click.UsageError(f"File not found: {source}.")
    if size is not None and Path(source).suffix == ".npz":
        raise click.UsageError(f"{source} is a file, which has one size. Leave out --size.")
    with value_errors(click.ClickException), threads(workers or n_processors()) as executor:
        found = audit_of(
            source,
            size=size,
            ids=ids,
            max_distance=None if exact else near,
            root=root,
            download=download,
            executor=executor,
            progress=silent if as_json else bars,
        )
    if scheme is not None:
        with writing(scheme):
            found.scheme.write(scheme)
    if page is not None:
        with writing(page):
            write_page(page, found.page())
    if as_json:
        say_json(found.to_dict())
        return
    say_lines(found.in_words())
    if found.grouped_by != "group":
        say_lines("Use --ids CSV to check whether a patient is in several splits.")
    if scheme is None and any(map(len, found.leaks.values())):
        say_lines("Use --scheme CSV to write corrected splits without the leaks.")
    for written in filter(None, (scheme, page)):
        say(f"Written: {written}")


def _check_scheme(scheme: str, ids: str | None) -> None:
    """Raise a usage error for a mistyped path, since a scheme replaces an existing file."""
    if Path(scheme).suffix.lower() != ".csv":
        raise click.UsageError(f"--scheme {scheme} must end in .csv, so that no other file is replaced by mistake.")
    if ids is not None and Path(scheme).resolve() == Path(ids).resolve():
        raise click.UsageError(f"--scheme would replace {ids}, the file of --ids. Choose another path.")
