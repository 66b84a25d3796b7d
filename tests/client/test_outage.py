"""Tollkeeper is away: operations are refused or go on, usage is kept and sent later under the same ids."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tollkeeper import AsyncTollkeeper, Tollkeeper
from tollkeeper.client import SPOOLED, open_spool
from tollkeeper.errors import TollkeeperUnreachable
from tollkeeper.simulator import Simulator

from .conftest import CATALOG
from .serving import Server, wait_for

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server(books_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(books_url, tmp_path_factory.mktemp("server"))
    found.start()
    with Tollkeeper.local(
        catalog=CATALOG, database_url=books_url, spool=tmp_path_factory.mktemp("spool") / "s"
    ) as toll:
        toll.put_customer("acme")
        toll.grant("acme", 1000)
    yield found
    found.kill(signal.SIGTERM)


@pytest.fixture
def present(server: Server) -> Iterator[Server]:
    """The server, there again after the test."""
    yield server
    if server._process is None:
        server.start()


def test_operations_over_http(present: Server, spool: Path, openai: OpenAI, hello: dict[str, Any]) -> None:
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        with toll.operation("cv_parse", customer="acme", id="http") as operation:
            toll.wrap(openai).chat.completions.create(**hello)
        assert operation.charge == Decimal("0.5")
        assert toll.get_hold("http", customer="acme").state == "settled"


async def test_async_operations_over_http(present: Server, spool: Path) -> None:
    async with AsyncTollkeeper(present.url, present.api_key, spool=spool) as toll:
        async with toll.operation("cv_parse", customer="acme", id="async") as operation:
            pass
        assert operation.charge == Decimal("0.5")


def test_what_is_recorded_meanwhile_is_booked_once_it_is_back(
    present: Server, spool: Path, openai: OpenAI, hello: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with Tollkeeper(present.url, present.api_key, on_outage="allow", spool=spool) as toll:
        with toll.operation("cv_parse", customer="acme", id="began before") as before:
            toll.wrap(openai).chat.completions.create(**hello)
            present.kill()
        assert toll.record("cv_parse", customer="acme", id="meanwhile").status == SPOOLED
        with toll.operation("cv_parse", customer="acme", id="without a hold") as without:
            toll.wrap(openai).chat.completions.create(**hello)
        with pytest.raises(ZeroDivisionError), toll.operation("cv_parse", customer="acme", id="failed"):
            raise ZeroDivisionError
        with toll.context(customer="acme", meter="cv_parse"):
            alone = toll.wrap(openai).chat.completions.create(**hello)
        assert (before.charge, without.hold, without.charge) == (None, None, None)
        told = [record.getMessage() for record in caplog.records]
        assert sum("can't be reached" in text and "Usage is kept in" in text for text in told) == 1
        assert any("without a hold of acme goes on without a hold" in text for text in told)
        present.start()
        wait_for(lambda: not toll.spool.entries())
        for id in ("began before", "meanwhile", "without a hold", f"openai:{alone.id}"):
            assert toll.get_event(id, customer="acme").charge == Decimal("0.5"), id
        assert len(toll.get_event("without a hold", customer="acme").calls) == 1
        assert toll.get_hold("began before", customer="acme").state == "settled"


def test_by_default_nothing_begins_without_a_hold(
    present: Server, spool: Path, openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        present.kill()
        with pytest.raises(TollkeeperUnreachable), toll.operation("cv_parse", customer="acme", id="refused"):
            toll.wrap(openai).chat.completions.create(**hello)
        assert simulator.bills() == []
        with toll.operation("cv_parse", customer="acme", id="allowed", on_outage="allow"):
            pass
        assert [(one.kind, one.id) for one in toll.spool.entries()] == [("settle", "allowed")]


def test_the_next_client_sends_what_the_last_could_not(present: Server, spool: Path) -> None:
    present.kill()
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        toll.record("cv_parse", customer="acme", id="left behind")
    present.start()
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        wait_for(lambda: not toll.spool.entries())
        assert toll.get_event("left behind", customer="acme").charge == Decimal("0.5")


def test_what_is_refused_for_good_stays_apart(present: Server, spool: Path) -> None:
    present.kill()
    with Tollkeeper(present.url, present.api_key, spool=spool, on_outage="allow") as toll:
        toll.record("cv_parse", customer="nobody", id="e1")
        toll.record("cv_parse", customer="acme", id="e2")
        with toll.operation("cv_parse", customer="nobody", id="o1"):
            pass
    present.start()
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        wait_for(lambda: all(one.state == "refused" for one in toll.spool.entries()))
        first, second = toll.spool.entries()
        assert first.id == "e1"
        assert (first.error or "").startswith("unknown_customer: There is no customer 'nobody'")
        assert second.id == "o1"
        assert toll.replay().refused == 0  # they aren't tried again by themselves
        toll.put_customer("nobody")
        toll.grant("nobody", 10)
        done = toll.replay(refused=True)
        assert (done.sent, done.refused, toll.spool.entries()) == (2, 0, [])


def test_a_report_may_be_repeated_and_keeps_the_time_when_it_was_made(present: Server, spool: Path) -> None:
    with (
        Tollkeeper(present.url, present.api_key, spool=spool) as toll,
        Tollkeeper(present.url, present.api_key, spool=spool, timeout=0.5) as impatient,
    ):
        assert toll.record("cv_parse", customer="acme", id="repeated").status == "accepted"
        assert toll.record("cv_parse", customer="acme", id="repeated").status == "duplicate"
        with present.frozen():
            before = datetime.now(UTC)
            late = impatient.record("cv_parse", customer="acme", id="perhaps")
            assert late.status == SPOOLED  # it arrives all the same
        wait_for(lambda: not toll.spool.entries())
        present.kill()
        assert toll.record("cv_parse", customer="acme", id="later").status == SPOOLED
        after = datetime.now(UTC)
        time.sleep(1)
        present.start()
        wait_for(lambda: not toll.spool.entries())
        event = toll.get_event("later", customer="acme")
        assert before < event.time < after
        assert toll.get_event("perhaps", customer="acme").charge == Decimal("0.5")


def test_a_wrong_key_loses_nothing(present: Server, spool: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Tollkeeper(present.url, "toll_" + "x" * 43, spool=spool) as toll:
        assert toll.record("cv_parse", customer="acme", id="wrong key").status == SPOOLED
        assert any("API key isn't taken" in record.getMessage() for record in caplog.records)
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        wait_for(lambda: toll.replay().waiting == 0)  # or the first client's thread still has it in hand
        assert toll.get_event("wrong key", customer="acme").charge is not None


WORKER = """
import os, signal, sys
from openai import OpenAI
from tollkeeper import Tollkeeper
url, key, spool, provider, what = sys.argv[1:]
toll = Tollkeeper(url, key, spool=spool)
client = toll.wrap(OpenAI(base_url=provider, api_key="sk-1", max_retries=0))
hello = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}]}
with toll.operation("cv_parse", customer="acme", id=what) as operation:
    if what == "not delivered":
        operation.quantity = 0
    if what in ("billed", "streaming"):
        print(client.chat.completions.create(**hello).id, flush=True)
    if what == "streaming":
        print(next(client.chat.completions.create(**hello, stream=True)).id, flush=True)
    if what in ("sent", "not delivered"):
        step = '{"timeout": true}'
        client.chat.completions.create(**hello, extra_headers={"x-simulator": step}, timeout=60)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("what", "state", "calls"),
    [
        ("nothing", "released", 0),
        ("sent", "in_doubt", 0),
        ("not delivered", "released", 0),
        ("billed", "settled", 1),
        ("streaming", "settled", 2),
    ],
)
def test_the_operation_of_a_killed_process_is_taken_over(
    what: str, state: str, calls: int, present: Server, spool: Path, simulator: Simulator
) -> None:
    line = [sys.executable, "-c", WORKER, present.url, present.api_key, str(spool), simulator.openai_url, what]
    worker = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    if what in ("sent", "not delivered"):
        wait_for(simulator.bills)
        worker.kill()
    seen = worker.communicate(timeout=60)[0].split()
    assert worker.returncode == -signal.SIGKILL
    assert len(open_spool(spool).rows("all_operations")) == 1
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        wait_for(lambda: not toll.spool.rows("all_operations") and not toll.spool.entries())
        assert toll.get_hold(what, customer="acme").state == state
        if calls:
            event = toll.get_event(what, customer="acme")
            assert [call["response_id"] for call in event.calls] == seen
            assert [call.get("estimated", False) for call in event.calls] == [False, True][:calls]
            assert event.charge == Decimal("0.5")


def test_the_command_lists_and_replays(present: Server, spool: Path) -> None:
    def spool_command(*arguments: str) -> tuple[int, str]:
        line = [sys.executable, "-m", "tollkeeper", "spool", *arguments, "--file", str(spool)]
        environment = {
            "TOLLKEEPER_URL": present.url,
            "TOLLKEEPER_API_KEY": present.api_key,
            "PYTHONPATH": ":".join(sys.path),
        }
        done = subprocess.run(line, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout

    present.kill()
    with Tollkeeper(present.url, present.api_key, spool=spool) as toll:
        toll.record("cv_parse", customer="acme", id="by command")
        toll.record("cv_parse", customer="nobody else", id="refused")
    code, shown = spool_command("list")
    assert code == 0
    assert "waiting  event  acme" in shown
    code, shown = spool_command("replay")
    assert (code, shown) == (2, "Sent 0, refused 0, waiting 2, taken over 0.\n")
    present.start()
    code, shown = spool_command("replay")
    assert (code, shown) == (2, "Sent 1, refused 1, waiting 0, taken over 0.\n")
    code, shown = spool_command("list", "--json")
    (entry,) = json.loads(shown)["entries"]
    assert (entry["state"], entry["error"].partition(":")[0]) == ("refused", "unknown_customer")
    code, _ = spool_command("discard", "by command")
    assert code == 1
    code, shown = spool_command("discard", "refused")
    assert (code, shown) == (0, "Discarded 1.\n")
    assert open_spool(spool).entries() == []
