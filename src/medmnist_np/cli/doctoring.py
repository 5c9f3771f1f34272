"""``doctor``: what a report of a bug needs to say of a machine, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from medmnist_np import _files
from medmnist_np._controls import escaped_line
from medmnist_np.cache import settings
from medmnist_np.cli import reaching
from medmnist_np.cli.doctor import Examination, examine, shown
from medmnist_np.cli.output import json_option, root_option, say, say_json, say_lines, source_options
from medmnist_np.cli.reaching import Reached
from medmnist_np.errors import CacheError


@click.command
@source_options
@root_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, root: str | None, as_json: bool) -> None:
    """Say what a bug report needs, and what is wrong here.

    That is versions, extras, variables, the cache, and whether the servers of the data answer: one byte is asked of
    each, nothing with --offline or MEDMNIST_NP_OFFLINE. Nothing is written. The text can be shown in public: the home
    folder is ~, mirrors and proxies are not named. Exit code 1 if there is a problem.

    \b
      medmnist-np doctor
      medmnist-np doctor --offline
    """
    places, unsettled = _settings(root)
    found = examine(places)
    found.problems[:0] = unsettled
    offline = places is not None and places.offline
    reached = [] if places is None or places.offline else reaching.reach(reaching.servers(places.mirrors))
    found.problems += _unreachable(reached)
    if as_json:
        problems = [{"problem": problem, "advice": advice} for problem, advice in found.problems]
        asked = None if offline or places is None else [asdict(one) for one in reached]
        say_json({**found.tables, "network": asked, "problems": problems})
    else:
        _say(found, reached, offline=offline)
    ctx.exit(1 if found.problems else 0)


def _settings(root: str | None) -> tuple[settings.Settings | None, list[tuple[str, str]]]:
    try:
        return settings.current(root), []
    except CacheError as error:
        return None, [(shown(error), "Until then neither the cache nor the network can be looked at.")]


def _unreachable(reached: Sequence[Reached]) -> Iterator[tuple[str, str]]:
    for one in reached:
        if not one.reached:
            advice = (
                "Check the network, and HTTPS_PROXY if you need a proxy. Without a network, bring archives by hand: "
                "`medmnist-np import FILE`."
            )
            if one.is_mirror:
                advice = f"Correct {settings.MIRRORS_VARIABLE} or --mirror; the other servers are tried after it."
            yield f"{one.name} cannot be reached: {one.reason}.", advice


def _say(found: Examination, reached: Sequence[Reached], *, offline: bool) -> None:
    for title, table in found.tables.items():
        if table:
            say(f"{title.capitalize()}")
            width = max(map(len, table))
            for name, value in table.items():
                say(f"  {name.ljust(width)}  {_in_words(value)}".rstrip())
            say()
    say("Network")
    if offline:
        say("  not asked: this is offline")
    width = max((len(one.name) for one in reached), default=0)
    for one in reached:
        click.echo(f"{escaped_line(f'  {one.name.ljust(width)}  ')}{_answer(one)}")
    say()
    if not found.problems:
        click.echo(click.style("No problems found.", fg="green") + (" The servers were not asked." if offline else ""))
    for number, (problem, advice) in enumerate(found.problems, 1):
        title = f"Problem {number}:"
        say_lines(f"{title} {problem}\n    {advice}", red=title)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping) and "version" in value:
        return f"{value['version'] or '-'}".ljust(12) + f"  {value['for']}"
    if isinstance(value, Mapping):
        words = [_files.readable(amount) if unit == "bytes" else str(amount) for unit, amount in value.items()]
        return ", ".join(words) + (" days" if "days" in value else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _answer(one: Reached) -> str:
    way = " through a proxy" if one.through_proxy else ""
    if not one.reached:
        return click.style("not reached", fg="red") + way
    said = one.reason if one.does_range or one.reason else "it does no Range, which downloads need to go on"
    return f"answers in {one.seconds:.2f} s{way}{f': {escaped_line(said)}' if said else ''}"
