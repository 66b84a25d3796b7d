"""Tables as the command line prints them, into a pipe and on a terminal."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from tollkeeper.cli.output import Amount, show_fields, show_table

D = Decimal


def printed(capsys: pytest.CaptureFixture[str], columns: list[str], *rows: tuple[object, ...]) -> list[str]:
    show_table(columns, rows)
    return capsys.readouterr().out.splitlines()


def test_amounts_of_one_unit_have_the_same_number_of_decimals(capsys: pytest.CaptureFixture[str]) -> None:
    amounts = [Amount(D(text), "USD") for text in ("4", "12", "10.5", "-0.1")]
    assert printed(capsys, ["AMOUNT"], *((amount,) for amount in amounts)) == [
        "AMOUNT",
        "  4.00",
        " 12.00",
        " 10.50",
        " -0.10",
    ]


def test_as_many_decimals_as_the_longest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(Amount(D(text), "USD"), "USD") for text in ("4", "0.333333333334", "1.50")]
    assert printed(capsys, ["CHARGE", "UNIT"], *rows) == [
        "        CHARGE  UNIT",
        "4.000000000000  USD",
        "0.333333333334  USD",
        "1.500000000000  USD",
    ]


def test_each_unit_has_its_own_decimals_and_the_points_stand_below_each_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cells = [("4", "USD"), ("1500", "JPY"), ("2.5", "KWD"), ("3", "credit"), ("0.5", "credit")]
    assert printed(capsys, ["A", "UNIT"], *((Amount(D(amount), unit), unit) for amount, unit in cells)) == [
        "       A  UNIT",
        "   4.00   USD",
        "1500      JPY",
        "   2.500  KWD",
        "   3.0    credit",
        "   0.5    credit",
    ]


def test_what_is_not_charged_yet_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [Amount(D("10.5"), "USD"), Amount(None, None), Amount(None, "USD")]
    assert printed(capsys, ["CHARGE", "N"], *((cell, 1) for cell in cells)) == [
        "CHARGE  N",
        " 10.50  1",
        "     -  1",
        "     -  1",
    ]


def test_quantities_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(D(text), "x") for text in ("1500000", "14.7", "-3.00")]
    assert printed(capsys, ["QUANTITY", "OF"], *rows) == [
        " QUANTITY  OF",
        "1500000    x",
        "     14.7  x",
        "     -3    x",
    ]


def test_no_line_ends_in_blanks_and_none_is_folded(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "w" * 500
    lines = printed(capsys, ["NAME", "REASON"], ("a", wide), ("b", ""), ("c", "short"), ("", None))
    assert lines == ["NAME  REASON", f"a     {wide}", "b", "c     short", "      -"]
    show_fields({"note": "", "item": "x"})
    assert capsys.readouterr().out == "note\nitem  x\n"


@pytest.mark.parametrize("forced", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_no_escapes_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, forced: str) -> None:
    monkeypatch.setenv(forced, "1")
    assert printed(capsys, ["NAME"], ("a",)) == ["NAME", "a"]


def test_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, ["NAME"]) == ["Nothing to show."]


ID = UUID("01a1fa0a-412f-7779-aeab-605d53e84ae3")
WHEN = datetime(2026, 11, 20, 17, 38, 58, tzinfo=UTC)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


def drawn(capsys: pytest.CaptureFixture[str], columns: list[str], *rows: tuple[object, ...]) -> list[str]:
    """What a terminal shows, without its colours."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in printed(capsys, columns, *rows)]


def test_on_a_terminal_only_free_text_is_folded(
    capsys: pytest.CaptureFixture[str], terminal: pytest.MonkeyPatch
) -> None:
    reason = "There is no customer 'newcomer'; create it and replay the event."
    lines = drawn(capsys, ["ID", "REASON", "TIMES"], (ID, reason, 1), (ID, "x" * 50, 12))
    assert max(map(len, lines)) <= 80
    assert sum(str(ID) in line for line in lines) == 2
    assert len(lines) > 3
    assert [" ".join(line.split()) for line in lines[1:3]] == [
        f"{ID} There is no customer 'newcomer'; 1",
        "create it and replay the event.",
    ]
    terminal.setenv("COLUMNS", "200")
    assert len(drawn(capsys, ["ID", "REASON", "TIMES"], (ID, reason, 1), (ID, "x" * 50, 12))) == 3


def test_a_table_that_is_too_wide_becomes_one_record_for_each_row(
    capsys: pytest.CaptureFixture[str], terminal: pytest.MonkeyPatch
) -> None:
    rows = [(ID, WHEN, "acme", D("701000"), "r" * 100), (ID, WHEN, "b", D("1.5"), None)]
    assert drawn(capsys, ["ID", "LAST SEEN", "CUSTOMER", "QUANTITY", "REASON"], *rows) == [
        f"id:        {ID}",
        "last seen: 2026-11-20 17:38:58Z",
        "customer:  acme",
        "quantity:  701,000",
        f"reason:    {'r' * 100}",
        "",
        f"id:        {ID}",
        "last seen: 2026-11-20 17:38:58Z",
        "customer:  b",
        "quantity:  1.5",
        "reason:    -",
    ]


def test_numbers_are_grouped_on_a_terminal(capsys: pytest.CaptureFixture[str], terminal: pytest.MonkeyPatch) -> None:
    rows = [(D("1500000"), Amount(D("-1234.5"), "USD"), "USD", 38749), (D("0.5"), Amount(None, "USD"), "USD", 1)]
    assert drawn(capsys, ["QUANTITY", "CHARGE", "UNIT", "EVENTS"], *rows) == [
        "   QUANTITY     CHARGE  UNIT  EVENTS",
        "1,500,000    -1,234.50  USD   38,749",
        "        0.5          -  USD        1",
    ]
