"""``medmnist-np audit``: what is wrong with a data set."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from medmnist_np.cli import options
from medmnist_np.cli.output import (
    json_option,
    n_processors,
    root_option,
    say,
    say_json,
    say_lines,
    workers_option,
    writing,
)
from medmnist_np.errors import MedMNISTError


@click.command
@click.argument("source", metavar="NAME|FILE.npz", shell_complete=options.names_or_files)
@click.option(
    "--size", type=int, metavar="N", help="Image size of NAME; 28 if not given.", shell_complete=options.sizes
)
@click.option(
    "--ids",
    type=click.Path(exists=True, dir_okay=False),
    metavar="CSV",
    help="Image ids: split, index, image_id and optionally group. Default: the imported ids.",
)
@click.option(
    "--near",
    type=click.IntRange(0, 16),
    default=4,
    metavar="BITS",
    help="Maximum distance of the hashes of near duplicates. Default: 4.",
)
@click.option("--exact", is_flag=True, help="Do not search for near duplicates.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), metavar="PAGE.html", help="Write a page with pictures too."
)
@click.option(
    "--scheme",
    type=click.Path(dir_okay=False),
    metavar="CSV",
    help="Write the splits without the leaks, for Dataset(..., scheme=CSV).",
)
@click.option("--download", is_flag=True, help="Download the data set first if it is not on this machine.")
@workers_option
@root_option
@json_option
def audit(
    source: str,
    size: int | None,
    ids: str | None,
    near: int,
    exact: bool,
    output: str | None,
    scheme: str | None,
    download: bool,
    workers: int | None,
    root: str | None,
    as_json: bool,
) -> None:
    """Find duplicates, leaks, wrong labels and blank images.

    Leaks are duplicates in two splits. Labels contradict if duplicates have different ones. NAME is a data set, and
    FILE.npz an archive with images and labels for each split, published or your own. Findings are properties of the
    data, so the exit code is 0 anyway.

    \b
      medmnist-np audit breastmnist
      medmnist-np audit mine.npz -o audit.html --ids ids.csv
      medmnist-np audit dermamnist --scheme corrected.csv
    """
    from medmnist_np._parallel import threads
    from medmnist_np._progress import bars, silent
    from medmnist_np.audits import audit as audit_of
    from medmnist_np.audits.source import is_path
    from medmnist_np.reports import check_page_path, write_page

    ctx = click.get_current_context()
    if exact and ctx.get_parameter_source("near") == ParameterSource.COMMANDLINE:
        raise click.UsageError("--exact does not search for near duplicates. Leave --near out.")
    if scheme is not None:
        _check_scheme(scheme, ids)
    if is_path(source) and not Path(source).expanduser().is_file():
        raise click.UsageError(f"There is no file {source}.")
    if size is not None and Path(source).suffix == ".npz":
        raise click.UsageError(f"{source} is a file, which has one size: leave --size out.")
    try:
        page = None if output is None else check_page_path(output)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        with threads(workers or n_processors()) as executor:
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
    except MedMNISTError:
        raise
    except ValueError as error:  # ids that are none
        raise click.ClickException(str(error)) from error
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
    for written in filter(None, (scheme, page)):
        say(f"Written: {written}")


def _check_scheme(scheme: str, ids: str | None) -> None:
    """Refuse a name that is mistyped, as a scheme replaces the file of that name."""
    if Path(scheme).suffix.lower() != ".csv":
        raise click.UsageError(
            f"{scheme} is no name of a scheme: it must end in .csv, so that no other file is replaced."
        )
    if ids is not None and Path(scheme).resolve() == Path(ids).resolve():
        raise click.UsageError(f"--scheme would replace {ids}, which has the ids: choose another name.")
