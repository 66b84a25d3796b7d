"""The demo as a newcomer runs it, and the comparison that its status depends on."""

from __future__ import annotations

import io
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from demo.cast import COMPANIES, INCLUDED, TIERED, role_of
from demo.compare import Answers, Figure, alert_figures, figures_of, gate_figures, mismatches
from demo.errors import DemoFailed
from demo.events import trace_events
from demo.expect import (
    KNOWN,
    UNKNOWN,
    Expected,
    calls_that_fit,
    charge_of_calls,
    cost_of_usage,
    expect,
    next_midnight,
    owed_by,
    percents_reached,
)
from demo.place import fresh_folder, remove_folder
from demo.report import Report, WithoutTrailingBlanks, money
from demo.server import check_port, environment
from demo.trace import SPAN, Request, read_trace
from examples.running.children import own_port
from rich.console import Console

ROOT = Path(__file__).parents[2]
END = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder directly under /tmp that other accounts may enter: as root, PostgreSQL runs as one of them."""
    made = Path(tempfile.mkdtemp(prefix="toll-demo-", dir="/tmp"))
    made.chmod(0o755)
    yield made / "demo"
    shutil.rmtree(made)


def run_demo(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "demo", "--once", "--port", str(port), "--data", str(folder)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=200)


@pytest.mark.slow
def test_every_figure_comes_out_and_a_second_run_starts_afresh(folder: Path) -> None:
    port = own_port()
    first = run_demo(folder, port)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "= 12.51" in " ".join(first.stdout.split())
    assert "38,732 events accepted" in first.stdout
    assert "1,000 duplicates, 0 accepted" in first.stdout
    assert re.search(r"all 40 +38,749 +(\S+) +\1$", first.stdout, re.MULTILINE)
    assert "5 interviews begin at once: 3 may, 2 are refused" in first.stdout
    for told in ("insufficient_credits: ", "80 % of 'Daily tokens'", "100 % of 'Daily tokens'", "It resets at 20"):
        assert told in " ".join(first.stdout.split())
    for told in ("cost unknown, not 0", "call_unpriced: gpt-nova", "price_gap 0.0001", "(no longer the fallback)"):
        assert told in " ".join(first.stdout.split())
    assert "verify passed" in first.stdout
    assert "Everything came out." in first.stdout
    assert f"make clean-demo ARGS='--data {folder}'" in first.stdout
    assert not [line for line in first.stdout.splitlines() if line.endswith(" ")]
    check_port(port)  # the server is gone

    with serving_demo(folder, port) as printed:
        assert "38,732 events accepted" in printed
        link = re.search(r"http\S+/billing#link=(\S+)", printed)
        assert link is not None
        with open_page(f"http://127.0.0.1:{port}", link[1]) as page:
            assert page.get("/v1/portal/session").json()["name"] == "Brightline"
            assert page.get("/v1/portal/overview").json()["plan"]["key"] == "growth"
            assert page.get("/billing").status_code == page.get("/console").status_code == 200
            wait_for_traffic(page)
    check_port(port)  # ended by SIGTERM, with its server


@contextmanager
def serving_demo(folder: Path, port: int) -> Iterator[str]:
    """A demo that goes on serving, and what it had printed by then."""
    line = [sys.executable, "-u", "-m", "demo", "--port", str(port), "--data", str(folder)]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = ""
        try:
            for each in process.stdout:
                printed += each
                if "Ctrl-C" in each:
                    break
            yield printed
        finally:
            process.terminate()
            assert process.wait(60) == 128 + signal.SIGTERM, printed


def open_page(url: str, link: str) -> httpx.Client:
    """The billing page's calls, with the token that its link is exchanged for."""
    token = httpx.post(f"{url}/v1/portal-sessions/exchange", json={"link": link}).json()["token"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def wait_for_traffic(page: httpx.Client) -> None:
    """The trickle's events arrive."""
    for _ in range(60):
        latest = page.get("/v1/portal/events", params={"limit": 1}).json()["data"]
        if latest[0]["id"].startswith("live-"):
            return
        time.sleep(0.5)
    raise AssertionError(latest)


def test_a_port_that_is_taken_is_told_and_nothing_is_deleted(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = run_demo(folder, port := listener.getsockname()[1])
    assert done.returncode == 1
    assert f"Port {port} can't be used" in done.stderr
    assert "Traceback" not in done.stderr
    assert not folder.exists()


def test_a_folder_that_is_not_the_demos_is_left_alone(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "books").write_text("ours")
    with pytest.raises(DemoFailed, match="aren't the demo's"), fresh_folder(folder):
        pass
    assert (folder / "data" / "books").read_text() == "ours"


def test_only_a_folder_that_is_the_demos_is_removed(folder: Path) -> None:
    assert not remove_folder(folder)
    folder.mkdir()
    (folder / "data").mkdir()
    assert not remove_folder(folder)
    assert (folder / "data").is_dir()
    (folder / "data").rmdir()
    with fresh_folder(folder) as place:
        (place / "data").mkdir()
        (place / "server.log").touch()
        with pytest.raises(DemoFailed, match="Another demo is running"):
            remove_folder(folder)
    (folder / "letter.txt").write_text("dear")
    assert remove_folder(folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    (folder / "letter.txt").unlink()
    with fresh_folder(folder):
        pass
    assert remove_folder(folder)
    assert not folder.exists()


@pytest.mark.parametrize(("width", "gone"), [(110, []), (80, ["Europe/Berlin"]), (60, ["Europe/Berlin", "recruiting"])])
def test_what_is_owed_is_never_cut(width: int, gone: list[str]) -> None:
    drawn = io.StringIO()
    report = Report(Console(file=WithoutTrailingBlanks(drawn), width=width))
    report.customers(expect(read_trace(END), END), {company.key: "0" for company in COMPANIES})
    lines = drawn.getvalue().splitlines()
    assert not [line for line in lines if line.endswith(" ") or "…" in line]
    assert max(map(len, lines)) <= width
    assert [name for name in ("Europe/Berlin", "recruiting") if name not in drawn.getvalue()] == gone
    assert sum("lanternfish" in line for line in lines) == 1


def test_two_demos_do_not_share_a_folder(folder: Path) -> None:
    with (
        fresh_folder(folder) as place,
        pytest.raises(DemoFailed, match="Another demo is running"),
        fresh_folder(place),
    ):
        pass


def answers(expected: dict[str, Expected], **differently: Any) -> Answers:
    """A server's answers about a UTC customer, right unless told otherwise."""
    owed = str(sum((money_of(one) for one in expected.values()), start=0))
    rows = [
        {"meter": meter, "events": one.events, "quantity": str(one.quantity), "charge": str(money_of(one))}
        for meter, one in expected.items()
    ]
    days = [
        {"meter": meter, "start": f"{day}T00:00:00Z", "quantity": str(quantity)}
        for meter, one in expected.items()
        for day, quantity in one.by_day.items()
    ]
    overview = {name: [{"unit": "USD", "amount": owed}] for name in ("owed", "total_spent")}
    right = Answers(rows, days, overview, {"receivable": owed, "revenue": f"-{owed}"})
    return replace(right, **differently)


def money_of(one: Expected) -> int:
    assert one.charge.denominator == 1
    return one.charge.numerator


EXPECTED = {"input_tokens": Expected(2, 700, Fraction(7), {date(2026, 6, 1): 300, date(2026, 6, 2): 400})}
PLAINSONG = next(company for company in COMPANIES if company.timezone == "UTC")


def wrong(found: Answers) -> list[str]:
    return [figure.what for figure in mismatches(figures_of(PLAINSONG, EXPECTED, found))]


def test_right_answers_have_no_mismatch() -> None:
    assert wrong(answers(EXPECTED)) == []


@pytest.mark.parametrize(
    ("differently", "told"),
    [
        ({"balance": {"receivable": "7.000000000001", "revenue": "-7"}}, ["ledger: receivable"]),
        ({"balance": {}}, ["ledger: receivable", "ledger: revenue"]),
        ({"days": []}, ["usage: input_tokens on 2026-06-01", "usage: input_tokens on 2026-06-02"]),
        (
            {"overview": {"owed": [{"unit": "USD", "amount": "7"}], "total_spent": [{"unit": "EUR", "amount": "7"}]}},
            ["overview: total_spent"],
        ),
        (
            {"total": [{"meter": "input_tokens", "events": 3, "quantity": "700", "charge": "7"}]},
            ["usage: events of input_tokens"],
        ),
    ],
)
def test_the_smallest_difference_is_found(differently: dict[str, Any], told: list[str]) -> None:
    assert wrong(answers(EXPECTED, **differently)) == told


def test_usage_that_nobody_expects_is_found() -> None:
    more = {"meter": "images", "events": 1, "quantity": "1", "charge": "0"}
    found = answers(EXPECTED)
    assert wrong(replace(found, total=[*found.total, more])) == ["usage: events of images", "usage: quantity of images"]


def test_one_credit_too_many_is_found() -> None:
    found = {"balance": "3", "held": "4", "available": "-1"}
    expected = {"balance": 3, "held": 3, "available": 0}
    figures = gate_figures(PLAINSONG, "wallet", expected, found)
    assert [figure.what for figure in mismatches(figures)] == ["wallet: held", "wallet: available"]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (["limit_threshold 80"], []),
        ([], ["alert: limit_threshold 80"]),
        (["limit_threshold 80", "limit_threshold 80"], ["alert: limit_threshold 80"]),
        (["limit_threshold 80", "balance_low"], ["alert: balance_low"]),
    ],
)
def test_an_alert_is_told_once_and_no_other(told: list[str], wrong: list[str]) -> None:
    alerts = [dict(zip(("topic", "percent"), text.split(), strict=False)) for text in told]
    assert [one.what for one in mismatches(alert_figures(PLAINSONG, ["limit_threshold 80"], alerts))] == wrong


def test_the_gate_by_hand() -> None:
    assert calls_that_fit() == 5
    assert [percents_reached(used) for used in (7_999, 8_000, 10_000)] == [[], [80], [80, 100]]
    assert charge_of_calls(5) == Fraction("0.0525")
    before_spring = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Berlin, half an hour before the clock changes
    assert next_midnight(before_spring, "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_a_call_by_hand() -> None:
    usage = {"prompt_tokens": 1500, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 1000}}
    assert cost_of_usage(KNOWN, usage) == Fraction("0.00125") + Fraction("0.00125") + Fraction("0.005")
    assert cost_of_usage(UNKNOWN, usage) == Fraction("0.004")


def test_your_own_books_and_bills_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOLLKEEPER_DATABASE_URL", "PGHOST", "OPENAI_ADMIN_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "yours")
    assert "yours" not in environment().values()
    assert environment()["PATH"]


def test_a_wrong_expectation_is_a_mismatch() -> None:
    figure = Figure("brightline", "usage by job", Fraction("12.52"), Fraction("12.51"))
    assert mismatches([figure]) == [figure]


def test_the_trace_fills_the_thirty_days_in_order() -> None:
    requests = read_trace(END)
    times = [request.time for request in requests]
    assert len(requests) == 19_366
    assert (times[0], times[-1]) == (END - SPAN, END)
    assert times == sorted(times)
    assert sum(request.input_tokens for request in requests) == 22_361_870
    assert sum(request.output_tokens for request in requests) == 4_088_665


def test_the_same_events_in_every_run() -> None:
    requests = read_trace(END)[:50]
    first, again = list(trace_events(requests)), list(trace_events(requests))
    assert first == again
    assert len({event["id"] for event in first}) == 100
    assert role_of(1).company.key == "ember"  # BLAKE2b, not Python's hash, which differs from process to process


def row_of(company: object) -> int:
    return next(row for row in range(1, 20_000) if role_of(row).company is company)


def test_the_expectation_by_hand() -> None:
    halfway = END - SPAN / 2
    plain, tiered, included = row_of(PLAINSONG), row_of(TIERED), row_of(INCLUDED)
    requests = [
        Request(plain, halfway - timedelta(seconds=1), 1_000_000, 1_000_000),
        Request(plain, halfway, 0, 1_000_000),
        Request(tiered, halfway, 0, 250_000),
        Request(included, halfway, 150_000, 0),
        Request(included, END, 150_000, 0),
    ]
    found = expect(requests, halfway)
    assert owed_by(PLAINSONG, found) == 3 + 15 + 12
    assert owed_by(TIERED, found) == Fraction("0.75") + Fraction("1.65") + Fraction("0.40")
    assert owed_by(INCLUDED, found) == Fraction("0.30")  # of 300,000 tokens 200,000 are included


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Fraction("12.51"), "12.510000"),
        (Fraction(0), "0.000000"),
        (Fraction("1234.0000001"), "1,234.0000001"),
        (Fraction(1, 3), "1/3"),
    ],
)
def test_amounts_are_shown_exactly(amount: Fraction, text: str) -> None:
    assert money(amount) == text
