"""The program as a whole: help, version, exit codes, and as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from medmnist_np import __version__
from medmnist_np.cli import main
from medmnist_np.errors import MedMNISTError

COMMANDS = ["list", "info", "cite", "fetch", "import", "verify", "cache", "clean", "demo"]
MODULE = [sys.executable, "-m", "medmnist_np"]
SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "medmnist-np")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def run_process(command: list[str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [*command, *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",  # of the program; that of the tests may be another
        env={**os.environ, **environment},
    )


def test_help_lists_the_commands_and_hides_the_official_verbs() -> None:
    result = run("--help")
    listed = [line.split()[0] for line in result.stdout.partition("Data:")[2].splitlines() if line.strip()]
    assert result.exit_code == 0
    assert result.stderr == ""
    assert set(COMMANDS) <= set(listed)
    assert {"available", "download"}.isdisjoint(listed)


@pytest.mark.parametrize("command", [*COMMANDS, "available", "download"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(command: str, option: str, monkeypatch) -> None:
    # click keeps the option that the first call made, which may have been that of a test without the program around it.
    monkeypatch.setattr(main.get_command(click.Context(main), command), "_help_option", None)
    result = run(command, option)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: main {command}")


def test_version_prints_the_version() -> None:
    assert f"medmnist-np, version {__version__}\n" == run("--version").stdout


@pytest.mark.parametrize(("typed", "meant"), [("fetsh", "fetch"), ("lst", "list"), ("verfy", "verify")])
def test_a_misspelt_command_suggests_the_nearest(typed: str, meant: str) -> None:
    result = run(typed)
    assert result.exit_code == 2
    assert f"Unknown command '{typed}'. Did you mean '{meant}'?" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--nonsense"], ["nonsense"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_it_runs_as_a_module_and_as_a_script(command: list[str]) -> None:
    done = run_process(command, "info", "breastmnist", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["name"] == "breastmnist"


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_the_usage_shows_the_name_of_the_program(command: list[str]) -> None:
    assert run_process(command, "fetch", "--help").stdout.startswith("Usage: medmnist-np fetch [OPTIONS] NAME...")


def test_wrong_input_is_one_message_without_a_traceback() -> None:
    done = run_process(MODULE, "fetch", "pathmnst")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "Did you mean 'pathmnist'" in done.stderr


def test_a_failure_is_one_message_without_a_traceback() -> None:
    done = run_process(MODULE, "fetch", "breastmnist", MEDMNIST_NP_OFFLINE="1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "MEDMNIST_NP_OFFLINE is set, so nothing was downloaded" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["fetch", "pathmnst"], "fetch [OPTIONS] NAME..."),
        (["fetch", "pathmnist", "--size", "23"], "fetch [OPTIONS] NAME..."),
        (["fetch", "pathmnist", "--split", "tset"], "fetch [OPTIONS] NAME..."),
        (["cite", "pathmnst"], "cite [OPTIONS] NAME"),
        (["verify", "pathmnst"], "verify [OPTIONS] [NAME...]"),
    ],
)
def test_unknown_names_are_answered_with_the_usage_of_the_command(arguments: list[str], usage: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"Usage: main {usage}" == result.stderr.splitlines()[0]


def test_an_unknown_command_is_answered_with_the_usage_of_the_program() -> None:
    assert run("fetsh").stderr.splitlines()[0] == "Usage: main [OPTIONS] COMMAND [ARGS]..."


# A process in which SIGINT arrives when a function is called.
INTERRUPTED = """
import importlib, os, signal, sys
from medmnist_np.cli import main
from medmnist_np.errors import MedMNISTError
module, name = sys.argv[1].split(":")
setattr(importlib.import_module(module), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGINT))
main(sys.argv[2:], prog_name="medmnist-np")
"""


@pytest.mark.skipif(os.name != "posix", reason="a signal to one process is POSIX")
@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ("medmnist_np.registry:datasets", ["list"]),
        ("medmnist_np.cli:import_module", ["list"]),
        ("medmnist_np.cli:import_module", ["--help"]),
    ],
    ids=["in a command", "while its modules are imported", "while help is put together"],
)
def test_ctrl_c_is_one_line_and_exit_code_130(where: str, arguments: list[str]) -> None:
    done = run_process([sys.executable, "-c", INTERRUPTED], where, *arguments)
    assert 128 + signal.SIGINT == done.returncode
    assert done.stdout == ""
    assert done.stderr == "\nInterrupted.\n"


def test_an_invalid_environment_variable_is_one_message_without_a_traceback() -> None:
    done = run_process(MODULE, "list", MEDMNIST_NP_MIRRORS="data.example")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: MEDMNIST_NP_MIRRORS must list URLs")


def test_names_that_are_not_ascii_survive_a_plain_locale(tmp_path: Path) -> None:
    folder = tmp_path / "Gewürz und Bücher"
    done = run_process(MODULE, "cache", "--json", LC_ALL="C", MEDMNIST_NP_CACHE=str(folder))
    assert done.returncode == 0
    assert str(folder) == json.loads(done.stdout)["cache"]


@pytest.mark.skipif(os.name != "posix", reason="the shell closes them")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", [["list"], ["catalog", "brain"], ["cache"], ["--help"]], ids=" ".join)
def test_closed_streams_are_accepted(closed: str, arguments: list[str], tmp_path: Path) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *MODULE]
    done = run_process(shell, *arguments, MEDMNIST_NP_CACHE=str(tmp_path))
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="the shell closes them")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_failure_with_closed_streams_prints_no_traceback(closed: str, tmp_path: Path) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *MODULE]
    done = run_process(shell, "fetch", "breastmnist", "--offline", MEDMNIST_NP_CACHE=str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", ["--help", "--version", "fetch --help", "list", "cite pathmnist"])
def test_a_full_disk_for_the_output_is_one_message(arguments: str) -> None:
    done = run_process(["sh", "-c", 'exec "$@" >/dev/full', "sh", *MODULE], *arguments.split())
    assert done.returncode == 1
    assert done.stderr == "Error: the output cannot be read or written: No space left on device.\n"


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "Error: Not enough memory. Process fewer or smaller images at once.\n"),
        (
            MemoryError("Unable to allocate 9 TiB"),
            "Error: Not enough memory (Unable to allocate 9 TiB). Process fewer or smaller images at once.\n",
        ),
        (
            ModuleNotFoundError("No module named 'pooch'"),
            "Error: No module named 'pooch'\n`medmnist-np doctor` shows what is installed.\n",
        ),
    ],
)
def test_an_unexpected_error_is_one_message(raised: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise raised

    monkeypatch.setattr("medmnist_np.registry.datasets", fail)
    result = run("list")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert said == result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("fetch --all pathmnist", "Use either NAME or --all, not both."),
        ("fetch", "Name the data sets to download, or use --all."),
        ("register nowhere.toml", "File not found: nowhere.toml."),
        ("register ftp://lab.example/mine.toml", "File not found: ftp://lab.example/mine.toml."),
        ("import --ids breastmnist .", ". is a folder, but --ids needs a CSV file."),
    ],
)
def test_wrong_usage_is_explained(arguments: str, said: str) -> None:
    result = run(*arguments.split())
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8:strict"])
@pytest.mark.parametrize("arguments", [["catalog"], ["info", "medsegbench/polypgen"], ["list"]], ids=" ".join)
def test_no_encoding_of_the_output_ends_in_a_traceback(encoding: str, arguments: list[str]) -> None:
    done = subprocess.run(  # noqa: S603
        [*MODULE, *arguments], check=False, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}
    )
    assert done.returncode == 0
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8:strict", "utf-16"])
def test_json_is_complete_in_any_encoding(encoding: str) -> None:
    done = subprocess.run(  # noqa: S603
        [*MODULE, "catalog", "--json"],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    found = json.loads(done.stdout.decode(encoding.partition(":")[0]))
    assert found == json.loads(run("catalog", "--json").stdout)
    assert not json.dumps(found, ensure_ascii=False).isascii()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files that are not UTF-8")
@pytest.mark.parametrize("arguments", [["cache"], ["cache", "--json"]], ids=" ".join)
def test_a_path_that_is_not_unicode_is_shown(arguments: list[str], tmp_path: Path) -> None:
    variables = {**os.environ, "MEDMNIST_NP_CACHE": f"{tmp_path}/c\udcff", "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([*MODULE, *arguments], check=False, capture_output=True, env=variables)  # noqa: S603
    assert b"\\udcff" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "message", "shown"),
    [
        ("build", "Use recipe='crop' or recipe='squeeze'.", "Use --recipe crop or --recipe squeeze."),
        ("build", "Name all classes (class_names=).", "Name all classes (--classes)."),
        ("build", "Use channels='gray' or channels='rgb'.", "Use --gray or --rgb."),
        ("build", "Leave it out (ratio=), or set skip_bad=True.", "Leave it out (--split), or set --skip-bad."),
        ("fetch", "Undo mm.configure(offline=True).", "Undo mm.configure(offline=True)."),
        ("fetch", "Give executor=None.", "Give executor=None."),
    ],
)
def test_messages_name_options_in_place_of_arguments(command: str, message: str, shown: str, monkeypatch) -> None:
    def fail(ctx: click.Context) -> None:
        raise MedMNISTError(message)

    monkeypatch.setattr(main.get_command(click.Context(main), command), "invoke", fail)
    arguments = [".", "--name", "x"] if command == "build" else ["breastmnist"]
    assert f"Error: {shown}\n" == run(command, *arguments).stderr
