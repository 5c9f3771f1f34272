from __future__ import annotations

from tests.faults.table import PAGE, Row, page, rows_of_the_page, rows_of_the_tests


def test_each_row_is_one_test_and_none_is_missing() -> None:
    numbers = [row.number for row in rows_of_the_tests()]
    assert list(range(1, len(numbers) + 1)) == numbers


def test_each_row_says_what_goes_wrong_and_what_is_expected() -> None:
    assert [row.number for row in rows_of_the_tests() if not row.fault or not row.expected] == []


def test_the_page_has_the_rows_of_the_tests() -> None:
    assert rows_of_the_tests() == rows_of_the_page(PAGE.read_text(encoding="utf-8"))


def test_rows_can_be_read_back_from_a_page_whatever_their_outcomes() -> None:
    written = page({1: "passed", 2: "**failed**", 3: "not shown: no disk | of that kind"})
    assert {Row(1, *_of(1)), Row(2, *_of(2))} <= set(rows_of_the_page(written))


def _of(number: int) -> tuple[str, str]:
    row = rows_of_the_tests()[number - 1]
    return row.fault, row.expected
