"""The program ``medmnist-np``: the only place that prints or exits.

A command is loaded when it is called. Exit codes: 0, 1 for a failure, 2 for wrong usage, 130 after Ctrl-C.
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
from medmnist_np.cli.output import end_interrupted, show_what_cannot_be_encoded
from medmnist_np.errors import MedMNISTError, UnknownDatasetError, UnknownSizeError, UnknownSplitError, nearest

# Command -> (module, attribute). In the order of the help text.
_COMMANDS = {
    "list": ("info", "list_"),
    "info": ("info", "info"),
    "card": ("card", "card"),
    "cite": ("info", "cite"),
    "fetch": ("fetch", "fetch"),
    "import": ("fetch", "import_"),
    "verify": ("verify", "verify"),
    "audit": ("audit", "audit"),
    "mirror": ("mirror", "mirror"),
    "cache": ("cache", "cache"),
    "clean": ("clean", "clean"),
    "save": ("save", "save"),
    "montage": ("montage", "montage"),
    "evaluate": ("evaluate", "evaluate"),
    "compare": ("evaluate", "compare"),
    "leaderboard": ("evaluate", "leaderboard"),
    "report": ("report", "report"),
    "corrupt": ("corrupt", "corrupt"),
    "robustness": ("robustness", "robustness"),
    "build": ("build", "build"),
    "register": ("build", "register"),
    "catalog": ("catalog", "catalog"),
    "demo": ("demo", "demo"),
    "doctor": ("doctor", "doctor"),
    # As the official program calls them; hidden.
    "available": ("info", "available"),
    "download": ("fetch", "download"),
}


@contextmanager
def _errors_escaped() -> Iterator[None]:
    """Have control characters in errors, warnings and log messages shown as escapes, as in all other output."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Escaping())
    format_warning = warnings.formatwarning
    warnings.formatwarning = lambda *args, **options: escaped(format_warning(*args, **options))
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = escaped(error.message)  # which newer releases of click declare final
        raise
    finally:
        warnings.formatwarning = format_warning


class _Escaping(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record))


@contextmanager
def _ending_in_words() -> Iterator[None]:
    """Say in one message what can happen to any command: Ctrl-C, a full disk, too little memory, a missing package."""
    try:
        yield
    except KeyboardInterrupt:
        end_interrupted("Interrupted.")
    except click.Abort as error:  # from a question that was not answered: click hides what became of it
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        end_interrupted("Interrupted.")
    except OSError as error:
        if error.errno == errno.EPIPE:  # as of `| head`: click ends quietly
            raise
        where = error.filename or "the output"
        raise click.ClickException(f"{where} cannot be read or written: {error.strerror or error}.") from error
    except MemoryError as error:
        wanted = f" ({error})" if str(error) else ""
        raise click.ClickException(f"There is not enough memory for this{wanted}: ask for less at once.") from error
    except ImportError as error:
        raise click.ClickException(f"{error}\n`medmnist-np doctor` says what is installed.") from error


class _Program(click.Group):
    @_errors_escaped()
    @_ending_in_words()
    def make_context(self, *args: Any, **options: Any) -> click.Context:
        show_what_cannot_be_encoded(sys.stdout)
        ctx = super().make_context(*args, **options)  # --help is answered here, and loads every command
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            ctx.color = False  # elsewhere click looks whether the output is a terminal
        return ctx

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

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
            raise click.UsageError(f"There is no command {args[0]!r}.{nearest(args[0], _COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    @_errors_escaped()
    @_ending_in_words()
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (UnknownDatasetError, UnknownSizeError, UnknownSplitError) as error:
            raise click.UsageError(str(error), self._called(ctx)) from error
        except MedMNISTError as error:
            raise click.ClickException(str(error)) from error

    def _called(self, ctx: click.Context) -> click.Context:
        """Return a context of the command that was called; its own is gone by the time an error gets here."""
        name = str(ctx.invoked_subcommand)
        command = self.get_command(ctx, name)
        return ctx if command is None else click.Context(command, parent=ctx, info_name=name)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="medmnist-np")
def main() -> None:
    """MedMNIST as memory-mapped NumPy arrays: download, check, look after and use the data sets.

    \b
      medmnist-np demo                         try everything, without a network
      medmnist-np fetch breastmnist            get a data set
      medmnist-np fetch pathmnist --size 224   ... at another size
      medmnist-np fetch --help                 options and examples of a command
    """
