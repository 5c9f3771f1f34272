"""The page with the fault table: its rows are read from the tests, its outcomes from a run of them."""

from __future__ import annotations

import ast
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "faults.md"

TEMPLATE = """\
# Download faults

What can go wrong between a server and the arrays on disk, and what happens then. Each row is a test that really
causes the fault: a local server that drops, stalls and lies over real sockets, processes that are killed, full disks,
users without rights. In every row nothing incomplete is published, and downloaded bytes are kept unless they are
wrong. The tests write this page (`make faults`).

{platform}, {date}.

| row | fault | expected | outcome |
| --- | --- | --- | --- |
{rows}

## Simulated

| what | how |
| --- | --- |
| file rules of Windows | `make windows` runs the tests of commands, cache, faults and volumes on Linux with the \
rules of `tests/windows_rules`; tests of signals, rights and file locks still use those of POSIX |

## Not tested

| what | why |
| --- | --- |
| {other} | the tests ran on {system} only; paths, locks, memory maps and antivirus programs differ \
on other systems |
| network file systems (NFS, Lustre, SMB) | none was available to the tests; rows 24 and 25 show what happens \
if a lock is unavailable or does not lock |
| power loss | files and folders are synced before they are renamed, but no power was cut |
"""


@dataclass(frozen=True, order=True)
class Row:
    """One row: its number and its sentence."""

    number: int
    fault: str
    expected: str


def rows_of_the_tests() -> list[Row]:
    """Read the rows from the tests of this folder, without running or importing them."""
    found = []
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                numbers = re.findall(r"pytest\.mark\.fault\((\d+)\)", " ".join(map(ast.unparse, node.decorator_list)))
                found += [Row(int(number), *_sentence(ast.get_docstring(node) or "")) for number in numbers]
    return sorted(found)


def rows_of_the_page(text: str) -> list[Row]:
    """Read the rows of a page, without their outcomes."""
    cells = [line.strip("| ").split(" | ", 3) for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    return [Row(int(number), fault, expected) for number, fault, expected, _ in cells]


def page(outcomes: Mapping[int, str]) -> str:
    """Return the page with an outcome for each row."""
    rows = "\n".join(
        f"| {row.number} | {row.fault} | {row.expected} | {outcomes.get(row.number, 'not shown: it was not run')} |"
        for row in rows_of_the_tests()
    )
    system = platform.system()
    others = [name for name in ("Linux", "macOS", "Windows") if name != {"Darwin": "macOS"}.get(system, system)]
    where = f"{system} {platform.release()} on {platform.machine()}, Python {platform.python_version()}"
    return TEMPLATE.format(
        platform=where, date=datetime.now(UTC).date(), rows=rows, other=" and ".join(others), system=system
    )


@dataclass(eq=False)  # pytest puts plugins into sets
class Outcomes:
    """A plugin that notes what became of each test that shows a row, and writes the page at the end."""

    path: Path
    row_of: dict[str, int] = field(default_factory=dict)
    seen: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.row_of = {item.nodeid: mark.args[0] for item in items if (mark := item.get_closest_marker("fault"))}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid in self.row_of and (report.when == "call" or not report.passed):
            reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
            self.seen.setdefault(self.row_of[report.nodeid], []).append((report.outcome, reason))

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(page({row: _told(results) for row, results in self.seen.items()}), encoding="utf-8")


def _told(results: list[tuple[str, str]]) -> str:
    outcomes = {outcome for outcome, _ in results}
    if "failed" in outcomes:
        return "**failed**"
    reasons = "; ".join(dict.fromkeys(reason.removeprefix("Skipped: ") for _, reason in results if reason))
    missing = f"not shown: {reasons}" if reasons else ""
    return f"passed, in part {missing}" if missing and "passed" in outcomes else missing or "passed"


def _sentence(docstring: str) -> tuple[str, str]:
    fault, _, expected = docstring.partition(":\n")
    return " ".join(fault.split()), " ".join(expected.split())
