"""Examples start with all that they need, say what's wrong when they can't, and leave nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path

import httpx
import psycopg
import pytest
from examples.running import ExampleFailed, Running, started
from examples.running.manifest import example_in
from examples.running.prepare import open_books
from playwright.sync_api import Page, expect
from psycopg.conninfo import make_conninfo
from tests.examples.conftest import SignIn, Start

from tollkeeper.db import READER_ROLE, embedded

ROOT = Path(__file__).parents[2]
SMALLEST = example_in(Path(__file__).parent / "smallest")
LINES = """
import sys
from examples.running import __main__ as command
from tests.examples.test_running import SMALLEST
command.example = lambda name: SMALLEST
sys.exit(command.main())
"""
"""The command, for an example that isn't in the folder of the examples."""


@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start(SMALLEST)


def get(running: Running, path: str, key: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key or running.key}"}
    return httpx.get(running.tollkeeper_url + path, headers=headers, trust_env=False, timeout=30)


def test_an_old_sqlite_is_refused_with_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    with pytest.raises(ExampleFailed, match=r"need SQLite 3\.35"), started(SMALLEST):
        pass


def test_what_is_asked_is_charged_and_the_provider_is_simulated(running: Running, sign_in: SignIn) -> None:
    acme = sign_in(running, name="acme")
    assert acme.post("/ask", params={"id": "one"}).json() == {"charge": "0.25"}
    bills = httpx.get(f"{running.simulator_url}/_simulator/bills", trust_env=False).json()["bills"]
    assert len(bills) == 1
    usage = get(running, "/v1/usage?customer=acme").json()["rows"]
    assert [(row["meter"], row["charge"]) for row in usage] == [("question", "0.25")]


def test_the_apps_key_is_no_admins(running: Running) -> None:
    refused = httpx.put(f"{running.tollkeeper_url}/v1/catalog", headers={"Authorization": f"Bearer {running.key}"})
    assert refused.status_code == 403
    assert get(running, "/v1/catalog", running.admin_key).json()["version"] == 1


def test_the_apps_pages_may_use_the_widgets(running: Running) -> None:
    page = httpx.get(f"{running.tollkeeper_url}/billing", trust_env=False)
    assert running.url in page.headers["content-security-policy"]
    asked = {"Origin": running.url, "Access-Control-Request-Method": "GET"}
    allowed = httpx.options(f"{running.tollkeeper_url}/v1/portal/overview", headers=asked, trust_env=False)
    assert allowed.headers["access-control-allow-origin"] == running.url


def test_views_are_in_a_schema_of_the_examples_name(running: Running) -> None:
    with psycopg.connect(make_conninfo(running.database_url, options=f"-c role={READER_ROLE}")) as connection:
        assert connection.execute("select charge from smallest.questions where event = 'one'").fetchall() == [
            (Decimal("0.25"),)
        ]


def test_a_browser_is_signed_in(running: Running, sign_in: SignIn, page: Page) -> None:
    sign_in.in_browser(page, running, name="bluefin")
    page.goto(running.url)
    expect(page.get_by_role("heading", name="Ask")).to_be_visible()
    assert page.context.request.post(f"{running.url}/ask?id=first").json() == {"charge": "0.25"}


def test_what_there_is_not_is_told() -> None:
    with pytest.raises(ExampleFailed, match="There is no example 'nothing'"), started("nothing"):
        pass
    with pytest.raises(ExampleFailed, match="no catalog 'free'"):
        SMALLEST.catalog("free")


def test_a_port_in_use_is_told_before_anything_begins(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with (
            pytest.raises(ExampleFailed, match=f"Port {taken} can't be used"),
            started(SMALLEST, data=tmp_path, port=taken),
        ):
            pass
    assert not list(tmp_path.iterdir())


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Command:
    """`python -m examples.running`, and what it has said."""

    def __init__(self, folder: Path, *line: str) -> None:
        self.said = folder / "said"
        with self.said.open("wb") as output:
            whole = [sys.executable, "-c", LINES, "smallest", "--port", "0", "--simulator", *line]
            self.process = subprocess.Popen(whole, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        wait_until(lambda: self.process.poll() is not None or "Ctrl-C ends it" in self.text())
        assert self.process.poll() is None, self.text()
        self.children = [int(each) for each in subprocess_ids(self.process.pid)]
        (self.url,) = re.findall(r"Smallest +(http://\S+)", self.text())
        assert httpx.get(self.url, trust_env=False).is_success

    def text(self) -> str:
        return self.said.read_text(encoding="utf-8")

    def ends(self) -> int:
        """Its status. None of its processes is left."""
        status = self.process.wait(60)
        wait_until(lambda: not any(lives(each) for each in self.children))
        return status


def subprocess_ids(parent: int) -> list[str]:
    done = subprocess.run(["ps", "-A", "-o", "ppid=,pid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in done.stdout.splitlines()]
    return [pid for ppid, pid in pairs if ppid == str(parent)]


def test_ctrl_c_ends_everything_and_the_data_stays(tmp_path: Path) -> None:
    """With the embedded PostgreSQL, which an account of its own runs where root runs the example."""
    with tempfile.TemporaryDirectory(prefix="tollkeeper-example-") as folder:
        Path(folder).chmod(0o755)
        command = Command(tmp_path, "--data", folder)
        assert len(command.children) >= 3
        command.process.send_signal(signal.SIGINT)
        assert command.ends() == 0, command.text()
        assert "Traceback" not in command.text()
        names = {each.name for each in Path(folder, "smallest").iterdir()}
        assert {"app", "secrets.json", "tollkeeper.log", "smallest.log", "the-simulated-provider.log"} <= names
        assert Path(folder, "smallest", "secrets.json").stat().st_mode & 0o077 == 0
        with embedded.start(Path(folder, "postgresql")) as server, psycopg.connect(server.url) as connection:
            databases = "select datname from pg_database where datname like 'example%'"
            assert connection.execute(databases).fetchall() == [("example_smallest",)]


def test_a_process_that_dies_ends_the_others_and_is_told(database_url: str, tmp_path: Path) -> None:
    command = Command(tmp_path, "--data", str(tmp_path), "--database-url", database_url, "--catalog", "dearer")
    (app,) = (pid for pid in command.children if "uvicorn" in line_of(pid))
    os.kill(app, signal.SIGKILL)
    assert command.ends() == 1
    assert "error: Smallest has ended by itself, with status -9. Its log, " in command.text()
    assert "Traceback" not in command.text()


def line_of(pid: int) -> str:
    done = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return done.stdout


def test_an_app_that_cannot_start_is_told_with_its_log(database_url: str, tmp_path: Path) -> None:
    broken = replace(SMALLEST, folder=SMALLEST.folder / "nowhere")
    with (
        pytest.raises(ExampleFailed, match=r"(?s)Smallest has ended by itself.*No module named"),
        started(broken, data=tmp_path, simulator=True, database_url=database_url),
    ):
        pass


def test_keys_stay_the_same_as_long_as_they_are_valid(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = open_books(database_url, file)
    assert open_books(database_url, file) == first
    file.write_text(json.dumps(asdict(replace(first, key=f"toll_{'x' * 43}"))))
    second = open_books(database_url, file)
    assert {second.key, second.admin_key}.isdisjoint({first.key, first.admin_key})
