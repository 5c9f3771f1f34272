"""Arguments and options that commands share, and their completion in a shell.

Completions may depend on other words on the line: those of ``--size`` on the data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from medmnist_np import registry
from medmnist_np.cache.settings import configure
from medmnist_np.cli.output import value_errors
from medmnist_np.registry import Record, bundled_records
from medmnist_np.registry.user_records import LOCAL

_Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completer(words: Callable[[click.Context], Iterable[str]]) -> _Completer:
    """Make a completer of a function that returns words. A mistake on the line offers nothing."""

    @wraps(words)
    def completer(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(word) for word in words(ctx) if word.startswith(incomplete.lower())]
        except ValueError:  # such as an unknown name
            return []

    return completer


def names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of data sets; those of other collections only after the first letters, since there are many."""
    collections = (None, *bundled_records.COLLECTIONS[1:]) if incomplete else (None,)
    records = [record for collection in collections for record in registry.datasets(collection=collection)]
    offered = [record for record in records if record.qualified_name.startswith(incomplete.lower())]
    return [CompletionItem(record.qualified_name, help=record.task) for record in offered]


def _sizes(ctx: click.Context) -> list[str]:
    return [str(size) for size in sorted({n for record in _named(ctx) or registry.datasets() for n in record.sizes})]


sizes = _completer(_sizes)


@_completer
def sizes_or_all(ctx: click.Context) -> Iterable[str]:
    """Offer the sizes of the data sets on the line, or of all, and the word ``all``."""
    return [*_sizes(ctx), "all"]


@_completer
def splits(ctx: click.Context) -> Iterable[str]:
    """Offer the splits of the data sets on the line."""
    return dict.fromkeys(split for record in _named(ctx) for split in record.splits) or ("train", "val", "test")


@_completer
def collections(ctx: click.Context) -> Iterable[str]:
    """Offer the collections."""
    return (*bundled_records.COLLECTIONS, LOCAL.name)


@_completer
def tasks(ctx: click.Context) -> Iterable[str]:
    """Offer the tasks of the data sets."""
    return sorted({record.task.partition(",")[0] for record in registry.datasets()})


@_completer
def corruptions(ctx: click.Context) -> Iterable[str]:
    """Offer the corruptions of the data set on the line."""
    from medmnist_np.registry.corruption_facts import corruption_names

    return [kind for record in _named(ctx) for kind in corruption_names(record)]


def names_or_files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of data sets, or files if no name begins with these letters."""
    return names(ctx, parameter, incomplete) or [CompletionItem(incomplete, type="file")]


def _named(ctx: click.Context) -> list[Record]:
    """Return the data sets on the line so far."""
    given = ctx.params.get("name") or ctx.params.get("names") or ctx.params.get("source")
    # If the last word is an option without its value, click has not assigned the arguments yet.
    names = (given,) if isinstance(given, str) else given or ctx.args[:1]
    return [registry.info(name) for name in names]


FILE = click.Path(exists=True, dir_okay=False)
"""A file that must exist."""

SIZE_HELP = "Image size in pixels; default: 28, or 512 for MedSegBench."

name_argument = click.argument("name", shell_complete=names)
names_argument = click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=names)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something fails.")
download_option = click.option(
    "--download", is_flag=True, help="Download the data set first if it is not on this machine."
)
seed_option = click.option("--seed", type=click.IntRange(0), metavar="N", default=0, help="Random seed; default: 0.")
root_option = click.option(
    "--root", type=click.Path(file_okay=False), metavar="DIR", help="Use only this folder instead of the cache."
)
splits_option = click.option(
    "--split", "splits", multiple=True, metavar="SPLIT", help="Only this split; repeatable.", shell_complete=splits
)
undefined_option = click.option(
    "--undefined",
    type=click.Choice(["raise", "skip", "nan", "zero"]),
    default="raise",
    help="If the AUC of a class is undefined: fail (raise; default), leave out the class (skip), or use NaN or 0.",
)


def size_option(help: str = SIZE_HELP) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: A002 -- of click
    """Return the option ``--size`` of commands that take one size."""
    return click.option("--size", type=int, metavar="N", help=help, shell_complete=sizes)


def workers_option(
    help: str = "Number of threads; default: one per processor.",  # noqa: A002 -- of click
    default: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--workers``."""
    return click.option("--workers", type=click.IntRange(1), metavar="N", default=default, help=help)


def page_option(
    help: str,  # noqa: A002 -- of click
    *,
    required: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--output`` for the path of an HTML page."""
    return click.option(
        "-o",
        "--output",
        "page",
        type=click.Path(dir_okay=False),
        metavar="PAGE.html",
        required=required,
        callback=_checked_page,
        help=help,
    )


def _checked_page(ctx: click.Context, parameter: click.Parameter, path: str | None) -> Path | None:
    from medmnist_np.reports import check_page_path

    with value_errors():
        return None if path is None else check_page_path(path)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the sources of downloads, and apply them with :func:`medmnist_np.configure`."""

    @click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Try this base URL first; repeatable.")
    @click.option("--shared", multiple=True, metavar="DIR", help="Look in this read-only cache first; repeatable.")
    @click.option("--offline", is_flag=True, help="Do not use the network.")
    @click.option("--patience", type=float, metavar="MINUTES", help="How long to wait for a busy server; default: 15.")
    @wraps(command)
    def configured(
        mirrors: tuple[str, ...], shared: tuple[str, ...], offline: bool, patience: float | None, **rest: Any
    ) -> Any:
        with value_errors():
            configure(shared=shared or None, mirrors=mirrors or None, offline=offline or None, patience=patience)
        try:
            return command(**rest)
        finally:
            configure()

    return configured
