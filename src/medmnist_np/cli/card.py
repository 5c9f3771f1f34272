"""``card``: write a page about a data set."""

from __future__ import annotations

from pathlib import Path

import click

from medmnist_np.cli.options import (
    download_option,
    name_argument,
    page_option,
    root_option,
    seed_option,
    size_option,
)
from medmnist_np.cli.output import say, writing


@click.command
@name_argument
@page_option("Where to write the page; replaces an existing page.", required=True)
@size_option("Image size; default: 28, or the smallest on this machine.")
@download_option
@seed_option
@root_option
def card(name: str, page: Path, size: int | None, download: bool, seed: int, root: str | None) -> None:
    """Write a page about a data set: pictures, counts, code.

    The page shows images of each class of NAME, pixel values, how the set was prepared, and code to load it. It is one
    self-contained HTML file. It has no pictures if the data set is not on this machine.

    \b
      medmnist-np card pathmnist -o pathmnist.html --download
      medmnist-np card organmnist3d -o organ.html --size 64
    """
    from medmnist_np.reports import write_page
    from medmnist_np.reports.card_page import card as card_of

    document = card_of(name, size=size, root=root, download=download, seed=seed)
    with writing(page):
        write_page(page, document)
    say(page)
    if "<img " not in document:
        say("The page has no pictures, since the data set is not on this machine. Use --download to get it.", err=True)
