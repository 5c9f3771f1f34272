"""Tables and paragraphs: what a terminal of some width shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

from medmnist_np._text import CONTROL
from medmnist_np.cli import _COMMANDS, jobs, main, output
from medmnist_np.cli.output import fitted, say, say_lines, say_paragraph, say_table

ROWS = [
    ["name", "task", "n", "sizes"],
    ["pathmnist", "multi-class", "9", "28 64 128 224"],
    ["chestmnist", "multi-label, binary-class", "14", "28 64 128 224"],
]


HOSTILE = "\x1b]52;c;eA==\x07\x9b2J\r\u202e"
SHOWN = r"\x1b]52;c;eA==\x07\x9b2J\r\u202e"


def test_control_characters_in_tables_are_shown_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    say_table([[f"a{HOSTILE}", "b\nLicense: CC BY"]], head=["name", "text"])
    assert [rf"a{SHOWN}  b\nLicense: CC BY"] == capsys.readouterr().out.splitlines()[1:]


@pytest.mark.parametrize("write", [say, say_lines, say_paragraph])
def test_control_characters_in_texts_are_shown_as_escapes(
    write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write(f"a{HOSTILE}b")
    assert f"a{SHOWN}b\n" == capsys.readouterr().out


def test_only_text_with_its_own_colours_is_not_escaped() -> None:
    folder = Path(output.__file__).parent
    writers = {
        file.name for file in folder.glob("*.py") if re.search(r"(?<!\w)(click\.echo|print)\(", file.read_text("utf-8"))
    }
    assert writers == {"output.py", "doctor.py", "verify.py"}


def test_control_characters_in_errors_warnings_and_log_messages_are_shown_as_escapes(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import logging, warnings\n"
        "from medmnist_np import registry\n"
        "from medmnist_np.cli import main\n"
        "from medmnist_np.errors import ArchiveError\n"
        f"text = {HOSTILE!r}\n"
        "def fail(*args, **options):\n"
        "    warnings.warn(f'warning {text}')\n"
        "    logging.getLogger('medmnist_np').warning('log %s', text)\n"
        "    raise ArchiveError(f'error {text}')\n"
        "registry.cite = fail\n"
        "main(['cite', 'pathmnist'])\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, check=False, timeout=120)  # noqa: S603
    said = done.stderr.decode("utf-8")
    assert all(f"{kind} {SHOWN}" in said for kind in ("Error: error", "warning", "log"))
    assert CONTROL.sub("", said) == said.replace("\n", "").replace("\r", "")


def test_a_file_name_with_control_characters_is_escaped_in_errors(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["import", str(tmp_path / f"a{HOSTILE}.npz")])
    assert SHOWN in done.output
    assert "\x1b" not in done.output


def test_a_task_with_control_characters_is_escaped_in_progress_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_LINES_EVERY_S", 0)
    with jobs.Lines(threading.Event()).progress(f"a{HOSTILE}", 10) as bar:
        bar.update(5)
    assert f"a{SHOWN}: 5 bytes of 10" in capsys.readouterr().err


def test_a_task_with_control_characters_is_escaped_in_bars(capsys: pytest.CaptureFixture[str]) -> None:
    with jobs.Bars(threading.Event(), {}).progress(f"a{HOSTILE}", 10) as bar:
        bar.update(5)
    assert SHOWN in (said := capsys.readouterr().err)
    assert "\x07" not in said


def test_rows_that_fit_are_one_line() -> None:
    assert list(fitted(ROWS, [2], 80)) == [
        "name        task                        n  sizes",
        "pathmnist   multi-class                 9  28 64 128 224",
        "chestmnist  multi-label, binary-class  14  28 64 128 224",
    ]


def test_cells_that_do_not_fit_are_wrapped() -> None:
    assert list(fitted(ROWS, [2], 40)) == [
        "name       task          n sizes",
        "pathmnist  multi-class   9 28 64 128 224",
        "chestmnist multi-label, 14 28 64 128 224\n           binary-class",
    ]


def test_a_terminal_narrower_than_the_words_gets_a_line_for_each_cell() -> None:
    assert list(fitted(ROWS, [2], 20))[:2] == ["", "name  pathmnist\ntask  multi-class\nn     9\nsizes 28 64 128 224"]


def test_output_that_is_not_a_terminal_gets_whole_lines() -> None:
    row = ["x" * 300, "y"]
    assert ["  ".join(row)] == list(fitted([row], [], None))


@given(
    st.lists(st.lists(st.text("ab ", max_size=12), min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(len("head ") + 12, 60),  # no room for the longest word would be another matter
)
def test_no_word_is_lost_and_no_line_is_too_long(rows: list[list[str]], width: int) -> None:
    lines = "\n".join(fitted([["head", "of", "it"], *rows], [], width)).splitlines()
    words = sorted(word for row in rows for cell in row for word in cell.split())
    assert words == sorted(word for word in " ".join(lines).split() if word not in ("head", "of", "it"))
    assert max(map(len, lines)) <= width


def test_the_list_of_data_sets_fits_80_columns() -> None:
    lines = run_in_terminal(80, "list")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("pathmnist ") and line.endswith("28 64 128 224") for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_catalog_fits_the_terminal_and_no_cell_is_cut(width: int) -> None:
    lines = run_in_terminal(width, "catalog", "brain")
    assert [line for line in lines if len(line) > width and not line.startswith("    ")] == []
    assert [line for line in lines if "\N{HORIZONTAL ELLIPSIS}" in line] == []


@pytest.mark.parametrize("width", [30, 60])
def test_the_list_of_data_sets_is_readable_in_a_narrow_terminal(width: int) -> None:
    lines = run_in_terminal(width, "list")
    table = lines[: next(number for number, line in enumerate(lines) if line.startswith("*"))]
    assert max(map(len, table)) <= width


def test_an_address_that_is_wider_than_the_terminal_stays_in_one_piece() -> None:
    address = " " * 17 + "https://www.cancerimagingarchive.net/collection/lidc-idri/"
    assert address in run_in_terminal(40, "catalog", "--name", "lidc")


@pytest.mark.parametrize("command", [name for name in _COMMANDS if name not in ("available", "download")])
def test_help_has_a_one_line_summary_and_an_example(command: str) -> None:
    text = CliRunner().invoke(main, [command, "--help"], prog_name="medmnist-np", terminal_width=80).output
    summary = text.splitlines()[2]
    examples = [line for line in text.splitlines() if line.startswith(f"    medmnist-np {command}")]
    assert summary.endswith(".")
    assert bool(examples) is True


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_fits_80_columns_and_no_option_shows_a_type_of_the_parser(command: str) -> None:
    text = CliRunner().invoke(main, [command, "--help"], prog_name="medmnist-np", terminal_width=80).output
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert [word for word in ("INTEGER", "FLOAT", "BOOLEAN", "RANGE", "[default:") if word in text] == []


def test_no_line_about_a_command_is_cut_in_80_columns() -> None:
    text = CliRunner().invoke(main, ["--help"], prog_name="medmnist-np", terminal_width=80).output
    about = [line for line in text.partition("\nData:\n")[2].splitlines() if line.startswith("  ")]
    assert [line for line in about if line.endswith("...") or not line.endswith(".")] == []


# A process whose output is a terminal of a width.
IN_TERMINAL = """
import fcntl, os, pty, struct, sys, termios
width, *arguments = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(width), 0, 0))
    os.execv(sys.executable, [sys.executable, "-m", "medmnist_np", *arguments])
while True:
    try:
        chunk = os.read(terminal, 65536)
    except OSError:
        break
    if not chunk:
        break
    sys.stdout.buffer.write(chunk)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run_in_terminal(width: int, *arguments: str, **environment: str) -> list[str]:
    pytest.importorskip("pty", reason="a terminal of one's own is POSIX")
    variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", IN_TERMINAL, str(width), *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env={**variables, "TERM": "xterm", **environment},
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    "arguments", [["info", "pathmnist"], ["info", "msd/liver"], ["catalog", "--name", "medsegbench"]], ids=" ".join
)
def test_info_fits_a_terminal(width: int, arguments: list[str]) -> None:
    lines = run_in_terminal(width, *arguments)
    too_long = [line.strip() for line in lines if len(line) > width]
    assert [] == [line for line in too_long if " " in line]  # an address is not broken
    whole = CliRunner().invoke(main, arguments).output
    assert whole.split() == " ".join(lines).split()


def test_a_wrapped_line_continues_below_its_text() -> None:
    assert [line for line in run_in_terminal(40, "info", "pathmnist") if re.search(r"89,996|10,004|107,180", line)] == [
        "    Samples:     train 89,996, val",
        "                 10,004, test 7,180;",
        "                 107,180 in all",
    ]


def test_colours_are_used_only_on_a_terminal() -> None:
    assert any("\x1b[3" in line for line in run_in_terminal(80, "doctor", "--offline"))
    assert "\x1b" not in CliRunner().invoke(main, ["doctor", "--offline"]).output


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_turned_off(variable: str, value: str) -> None:
    assert not any("\x1b" in line for line in run_in_terminal(80, "doctor", "--offline", **{variable: value}))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full device is Linux")
def test_output_that_cannot_be_written_is_one_message() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "medmnist_np", "list"], check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "Error: the output cannot be read or written: No space left on device."


@pytest.mark.parametrize("command", [["list"], ["info", "chestmnist"], ["cite", "chestmnist"], ["--help"]])
def test_a_closed_pipe_ends_the_program_quietly(command: list[str]) -> None:
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "medmnist_np", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""
    assert process.returncode in (0, 1)


@pytest.mark.parametrize("width", [50, 80])
def test_an_error_is_wrapped_at_the_width_of_the_terminal(width: int) -> None:
    lines = run_in_terminal(width, "fetch", "breastmnist", "--all")
    lines += run_in_terminal(width, "fetch", "breastmnist", "--offline", "--quiet")
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []
