"""The spool's file: several processes at once, forks, what is never in it, and what happens where it can't be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tollkeeper import Tollkeeper
from tollkeeper.client import SPOOLED, open_spool
from tollkeeper.client.courier import Courier
from tollkeeper.client.transport import Answer, Request
from tollkeeper.simulator import Simulator

from .conftest import NOWHERE

WRITER = """
import sys
from tollkeeper import Tollkeeper
toll = Tollkeeper("http://127.0.0.1:9", "toll_x", spool=sys.argv[1], on_outage="allow")
for i in range(40):
    toll.record("cv_parse", customer="acme", id=f"{sys.argv[2]}-{i}")
"""

FORKED = """
import os, sys
from tollkeeper import Tollkeeper
toll = Tollkeeper("http://127.0.0.1:9", "toll_x", spool=sys.argv[1], on_outage="allow")
toll.record("cv_parse", customer="acme", id="parent, before")
for child in range(3):
    if os.fork() == 0:
        with toll.operation("cv_parse", customer="acme", id=f"child {child}"):
            assert len(toll.spool.rows("processes")) >= 2
        sys.exit()
for child in range(3):
    assert os.wait()[1] == 0
toll.record("cv_parse", customer="acme", id="parent, after")
"""


def run(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.PIPE)


def ended(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        told = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 0, told
        assert "can't be used" not in told


def test_processes_may_make_and_use_it_at_once(spool: Path) -> None:
    ended([run(WRITER, spool, number) for number in range(4)])
    found = open_spool(spool)
    assert sorted(one.id for one in found.entries()) == sorted(f"{n}-{i}" for n in range(4) for i in range(40))
    assert [row["pid"] for row in found.rows("processes")] == [os.getpid()]  # the others have left in order


def test_a_forked_child_has_its_own_connection_and_thread(spool: Path) -> None:
    ended([run(FORKED, spool)])
    found = open_spool(spool)
    expected = ["child 0", "child 1", "child 2", "parent, after", "parent, before"]
    assert sorted(one.id for one in found.entries()) == expected
    assert found.rows("all_operations") == []


def test_nothing_of_what_was_said_is_written(
    spool: Path, simulator: Simulator, openai: OpenAI, hello: dict[str, Any], lonely: Tollkeeper
) -> None:
    with lonely.operation("cv_parse", customer="acme"):
        answer = lonely.wrap(openai).chat.completions.create(**hello).choices[0].message.content
        list(lonely.wrap(openai).chat.completions.create(**hello, stream=True))
        first = next(lonely.wrap(openai).chat.completions.create(**hello, stream=True))
        assert first.choices
    lonely.close()
    assert answer
    everything = b"".join(file.read_bytes() for file in spool.parent.iterdir())
    assert b"gpt-4o" in everything
    for secret in (hello["messages"][0]["content"], answer, answer[:20], "toll_x", "sk-proj-acme-1"):
        assert secret.encode() not in everything
    assert spool.stat().st_mode & 0o077 == 0


def test_where_the_file_cannot_be_used_usage_is_kept_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").write_bytes(b"this is no database, and it was here before" * 100)
    with Tollkeeper(NOWHERE, "toll_x", spool=tmp_path / "spool", on_outage="allow") as toll:
        assert any("can't be used" in record.getMessage() for record in caplog.records)
        assert toll.record("cv_parse", customer="acme").status == SPOOLED
        with toll.operation("cv_parse", customer="acme"):
            pass
        assert [one.kind for one in toll.spool.entries()] == ["event", "settle"]


class Held:
    """A transport whose answers wait until they're let go."""

    def __init__(self) -> None:
        self.asked, self.may_go = threading.Event(), threading.Event()
        self.requests = 0

    def send(self, request: Request) -> Answer:
        self.requests += 1
        self.asked.set()
        assert self.may_go.wait(20)
        results = [{"id": "e1", "status": "accepted", "charge": "1", "unit": "USD"}]
        counts = {"accepted": 1, "duplicates": 0, "conflicts": 0, "rejected": 0}
        return Answer(200, json.dumps(counts | {"results": results}).encode())

    def close(self) -> None:
        pass


def test_replay_waits_for_what_the_thread_is_sending(tmp_path: Path) -> None:
    """Else it would send it once more, or say that all waits."""
    spool, transport = open_spool(tmp_path / "spool"), Held()
    courier = Courier(spool, "here", transport, lambda: None)
    event = {"id": "e1", "customer": "acme", "meter": "cv_parse", "quantity": "1"}
    spool.put("here", "event", "acme", "e1", event)
    courier.wake()
    assert transport.asked.wait(20)
    threading.Timer(0.3, transport.may_go.set).start()
    assert courier.replay().waiting == 0
    assert transport.requests == 1
    courier.close(5)


def test_without_background_replay_alone_sends(tmp_path: Path) -> None:
    spool, transport = open_spool(tmp_path / "spool"), Held()
    transport.may_go.set()
    courier = Courier(spool, "here", transport, lambda: None, background=False)
    event = {"id": "e1", "customer": "acme", "meter": "cv_parse", "quantity": "1"}
    spool.put("here", "event", "acme", "e1", event)
    courier.wake()
    assert not transport.asked.wait(0.2)
    done = courier.replay()
    assert (done.sent, done.waiting) == (1, 0)
    courier.close(5)
