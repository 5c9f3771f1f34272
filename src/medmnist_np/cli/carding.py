"""``medmnist-np card``: a page about a data set."""

from __future__ import annotations

import click

from medmnist_np.cli.output import root_option


@click.command
@click.argument("name")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False),
    metavar="PAGE.html",
    help="Where to write the page. One that is there is replaced.",
)
@click.option("--size", type=int, help="Of the images; 28 if not given, or else the smallest on this machine.")
@click.option("--download", is_flag=True, help="Fetch the data set first, if it is not on this machine.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other images.")
@root_option
def card(name: str, output: str, size: int | None, download: bool, seed: int, root: str | None) -> None:
    """Write a page about the data set NAME: pictures of each class, counts, values, preparation, papers, code.

    The page is one file that opens in any browser and loads nothing. Of a data set that is not on this machine it
    has no pictures, and says so.

    \b
      medmnist-np card pathmnist -o pathmnist.html --download
      medmnist-np card organmnist3d -o organ.html --size 64
    """
    from medmnist_np.cards import card as card_of
    from medmnist_np.pages import check_page_path, write_page

    try:
        page = check_page_path(output)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    document = card_of(name, size=size, root=root, download=download, seed=seed)
    try:
        write_page(page, document)
    except OSError as error:
        raise click.ClickException(f"{page} could not be written: {error.strerror}.") from error
    click.echo(page)
    if "<img " not in document:
        click.echo("Without pictures: the data set is not on this machine, and --download would fetch it.", err=True)
