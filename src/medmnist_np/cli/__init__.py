"""The program ``medmnist-np``: the only package that prints or exits.

Commands are loaded when they are called. This file turns errors of the library into messages and exit codes: 0 for
success, 1 for a failure, 2 for wrong usage, 130 after Ctrl-C.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from medmnist_np._text import escaped
from medmnist_np._version import __version__
from medmnist_np.cli.output import end_interrupted, show_what_cannot_be_encoded, with_options, wrapped_message
from medmnist_np.errors import MedMNISTError, UnknownDatasetError, UnknownSizeError, UnknownSplitError, nearest, short

# Command -> (file, attribute), by purpose, in the order of the help text.
_GROUPS = {
    "Data": {
        "list": ("info", "list_"),
        "info": ("info", "info"),
        "cite": ("info", "cite"),
        "catalog": ("info", "catalog"),
        "fetch": ("fetch", "fetch"),
        "import": ("fetch", "import_"),
    },
    "Look": {"card": ("info", "card"), "montage": ("montage", "montage"), "save": ("save", "save")},
    "Evaluate": {
        "evaluate": ("evaluate", "evaluate"),
        "compare": ("evaluate", "compare"),
        "leaderboard": ("evaluate", "leaderboard"),
        "report": ("evaluate", "report"),
    },
    "Build and audit": {"build": ("build", "build"), "register": ("build", "register"), "audit": ("audit", "audit")},
    "Robustness": {"corrupt": ("corrupt", "corrupt"), "robustness": ("corrupt", "robustness")},
    "Maintenance": {
        "verify": ("verify", "verify"),
        "cache": ("clean", "cache"),
        "clean": ("clean", "clean"),
        "mirror": ("fetch", "mirror"),
        "doctor": ("doctor", "doctor"),
        "demo": ("demo", "demo"),
    },
}
_OFFICIAL = {"available": ("info", "available"), "download": ("fetch", "download")}  # hidden
_COMMANDS = {name: place for group in _GROUPS.values() for name, place in group.items()} | _OFFICIAL


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Escape control characters in errors, warnings and log messages, and fit errors to the terminal."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Escaping())
    format_warning = warnings.formatwarning
    warnings.formatwarning = lambda *args, **options: escaped(format_warning(*args, **options))
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = wrapped_message(
            escaped(error.message), "Error: "
        )  # declared final by newer releases of click
        raise
    finally:
        warnings.formatwarning = format_warning


class _Escaping(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record))


@contextmanager
def _ends_with_message() -> Iterator[None]:
    """Exit with one message after Ctrl-C, a full disk, too little memory or a missing package."""
    try:
        yield
    except KeyboardInterrupt:
        end_interrupted("Interrupted.")
    except click.Abort as error:  # from an unanswered question; click hides the reason
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        end_interrupted("Interrupted.")
    except OSError as error:
        if error.errno == errno.EPIPE:  # such as after `| head`: click exits silently
            raise
        where = error.filename or "the output"
        raise click.ClickException(f"{where} cannot be read or written: {error.strerror or error}.") from error
    except MemoryError as error:
        wanted = f" ({error})" if str(error) else ""
        raise click.ClickException(f"Not enough memory{wanted}. Process fewer or smaller images at once.") from error
    except ImportError as error:
        raise click.ClickException(f"{error}\n`medmnist-np doctor` shows what is installed.") from error


class _Program(click.Group):
    @_errors_shown()
    @_ends_with_message()
    def make_context(self, *args: Any, **options: Any) -> click.Context:
        show_what_cannot_be_encoded(sys.stdout)
        ctx = super().make_context(*args, **options)  # --help is answered here, and loads every command
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            ctx.color = False  # otherwise click checks whether the output is a terminal
        return ctx

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _COMMANDS))
        for title, names in _GROUPS.items():
            with formatter.section(title):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                lines = [(name.ljust(width), command.get_short_help_str(100)) for name, command in commands if command]
                formatter.write_dl(lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"medmnist_np.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"Unknown command {short(args[0])}.{nearest(args[0], _COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    @_errors_shown()
    @_ends_with_message()
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = with_options(error.message, self._called(ctx).command)
            raise

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (UnknownDatasetError, UnknownSizeError, UnknownSplitError) as error:
            raise click.UsageError(str(error), self._called(ctx)) from error
        except MedMNISTError as error:
            raise click.ClickException(str(error)) from error

    def _called(self, ctx: click.Context) -> click.Context:
        """Return a context of the called command, since its own context has ended."""
        name = str(ctx.invoked_subcommand)
        command = self.get_command(ctx, name)
        return ctx if command is None else click.Context(command, parent=ctx, info_name=name)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="medmnist-np")
def main() -> None:
    """MedMNIST as memory-mapped NumPy arrays: download, look at, evaluate and build data sets.

    \b
      medmnist-np demo                         try the pipeline, offline
      medmnist-np fetch breastmnist            download a data set
      medmnist-np fetch pathmnist --size 224   download another size
      medmnist-np fetch --help                 show options and examples
    """
