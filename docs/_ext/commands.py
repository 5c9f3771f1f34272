"""The page of commands and options, written from the help of each command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from docs._ext.written import Pages
from medmnist_np.cli import main

PROGRAM = "medmnist-np"


def commands() -> dict[str, click.Command]:
    """Return the visible commands, in the order of the help."""
    context = click.Context(main, info_name=PROGRAM)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None and not command.hidden}


def write(pages: Pages) -> None:
    """Write ``command_line.md``."""
    lines = [
        "# Commands and options",
        "",
        f"Look up an option. This page shows the output of `{PROGRAM} COMMAND --help`.",
        "[Command line](/command_line.md) has an overview, exit codes and shell completion.",
        "",
    ]
    for name, command in commands().items():
        lines.append(section(name, command))
    pages.write("command_line.md", "\n".join(lines))


def section(name: str, command: click.Command) -> str:
    """Return the section about one command."""
    return "\n".join(_lines(name, command))


def _lines(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"{PROGRAM} {name}")
    usage = " ".join((f"{PROGRAM} {name}", *command.collect_usage_pieces(context)))
    yield from (f"({PROGRAM}-{name})=", f"## {name}", "", "```text", usage, "```", "")
    yield from _help(command.help or "")
    records = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    for names, text in records:
        if not text or names == "--help":
            continue
        yield from (f"`{names}`", f": {_sentence(text)}", "")


def _help(text: str) -> Iterator[str]:
    r"""Yield paragraphs. A paragraph marked by a backspace, which click must not wrap, becomes a code block."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.lstrip().startswith("\b"):
            yield from ("```console", inspect.cleandoc(paragraph.replace("\b", "", 1).lstrip("\n")), "```", "")
        else:
            yield from (_sentence(" ".join(paragraph.split())), "")


def _sentence(text: str) -> str:
    """Escape prose for Markdown. Options become code, so that two hyphens do not become a dash."""
    return "".join(part if part.startswith("`") else _prose(part) for part in re.split("(`[^`]+`)", text))


def _prose(text: str) -> str:
    escaped = re.sub(r"([\\`*_<>\[\]|$])", r"\\\1", text)
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*", r"`\g<0>`", escaped)
