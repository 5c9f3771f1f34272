"""What a shell offers when Tab is pressed: data sets, their sizes and splits, tasks, corruptions.

Words that depend on others, as the sizes of a data set, are those of what is on the line so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

import click
from click.shell_completion import CompletionItem

from medmnist_np import registry
from medmnist_np.registry import Record, bundled_records
from medmnist_np.registry.user_records import LOCAL

_Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _quietly(offered: Callable[[click.Context], Iterable[tuple[str, str]]]) -> _Completer:
    """Make a completer of a function that yields words and what they are; a mistake on the line offers nothing."""

    @wraps(offered)
    def completer(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(word, help=of) for word, of in offered(ctx) if word.startswith(incomplete.lower())]
        except ValueError:  # as of a name that there is not
            return []

    return completer


@_quietly
def _names(ctx: click.Context) -> Iterable[tuple[str, str]]:
    for collection in (None, *bundled_records.COLLECTIONS[1:]):
        for record in registry.datasets(collection=collection):
            yield record.qualified_name, record.task


@_quietly
def _common_names(ctx: click.Context) -> Iterable[tuple[str, str]]:
    for record in registry.datasets():
        yield record.qualified_name, record.task


def names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of data sets; of other collections only after the first letters, as they are many."""
    return (_names if incomplete else _common_names)(ctx, parameter, incomplete)


@_quietly
def sizes(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Offer the sizes of the data sets on the line, or of any."""
    return _sizes(ctx)


@_quietly
def sizes_or_all(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Offer the same, and ``all``."""
    return [*_sizes(ctx), ("all", "")]


@_quietly
def splits(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Offer the splits of the data sets on the line."""
    found = {split: "" for record in _named(ctx) for split in record.splits}
    yield from (found or dict.fromkeys(("train", "val", "test"), "")).items()


@_quietly
def collections(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Offer the collections."""
    for collection in (*bundled_records.COLLECTIONS, LOCAL.name):
        yield collection, ""


@_quietly
def tasks(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Offer the tasks that there are data sets for."""
    for task in sorted({record.task.partition(",")[0] for record in registry.datasets()}):
        yield task, ""


@_quietly
def corruptions(ctx: click.Context) -> Iterable[tuple[str, str]]:
    """Offer the corruptions of the data set on the line."""
    from medmnist_np.registry.corruption_facts import corruption_names

    for record in _named(ctx):
        for kind in corruption_names(record):
            yield kind, ""


def names_or_files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of data sets, or files where no name begins so."""
    return names(ctx, parameter, incomplete) or [CompletionItem(incomplete, type="file")]


def _sizes(ctx: click.Context) -> list[tuple[str, str]]:
    numbers = {size for record in _named(ctx) or registry.datasets() for size in record.sizes}
    return [(str(size), "") for size in sorted(numbers)]


def _named(ctx: click.Context) -> list[Record]:
    """Return the data sets on the line so far."""
    given = ctx.params.get("name") or ctx.params.get("names") or ctx.params.get("source")
    # Click has not told arguments apart where the last word is an option without its value.
    names = (given,) if isinstance(given, str) else given or ctx.args[:1]
    return [registry.info(name) for name in names]
