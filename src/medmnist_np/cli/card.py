"""``medmnist-np card``: a page about a data set."""

from __future__ import annotations

import click

from medmnist_np.cli import options
from medmnist_np.cli.output import root_option, say, writing


@click.command
@click.argument("name", shell_complete=options.names)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False),
    metavar="PAGE.html",
    help="Where to write the page. One that is there is replaced.",
)
@click.option(
    "--size",
    type=int,
    metavar="N",
    help="Image size; 28 if not given, or else the smallest on this machine.",
    shell_complete=options.sizes,
)
@click.option("--download", is_flag=True, help="Fetch the data set first, if it is not on this machine.")
@click.option("--seed", type=click.IntRange(0), metavar="N", default=0, help="Another seed, other images. Default: 0.")
@root_option
def card(name: str, output: str, size: int | None, download: bool, seed: int, root: str | None) -> None:
    """Write a page about a data set: pictures, counts, code.

    The page shows images of each class of NAME, values of pixels, how the set was prepared, and lines to load it. It is
    one file that opens in any browser and loads nothing. Of a data set that is not on this machine it has no pictures,
    and says so.

    \b
      medmnist-np card pathmnist -o pathmnist.html --download
      medmnist-np card organmnist3d -o organ.html --size 64
    """
    from medmnist_np.reports import check_page_path, write_page
    from medmnist_np.reports.card_page import card as card_of

    try:
        page = check_page_path(output)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    document = card_of(name, size=size, root=root, download=download, seed=seed)
    with writing(page):
        write_page(page, document)
    say(page)
    if "<img " not in document:
        say("Without pictures: the data set is not on this machine, and --download would fetch it.", err=True)
