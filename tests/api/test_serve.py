"""`tollkeeper serve` as a real process: start, work, logs, stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

TOLLKEEPER = [sys.executable, "-c", "from tollkeeper.cli import main; main()"]
STOP_SECONDS = 60
PATIENCE = 60
"""Seconds that a first answer may take: on a busy machine a process has much to import."""


class Served:
    """A running `tollkeeper serve`."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        assert process.stdout is not None
        self.line = process.stdout.readline()
        found = re.search(r"http://\S+?:\d+", self.line)
        assert found, (self.line, log.read_text())
        self.url = found[0]

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(sign)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def serving(log: Path, *options: str) -> Iterator[Served]:
    """The server, killed in the end should a test fail. One that is killed leaves its metrics beside the log."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*TOLLKEEPER, "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | {"TMPDIR": str(log.parent)},
        )
    try:
        yield Served(process, log)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def tollkeeper(*line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TOLLKEEPER, *line], capture_output=True, text=True, timeout=60)


@pytest.fixture
def key(database_url: str) -> str:
    made = tollkeeper("keys", "create", "first", "--scope", "admin", "--database-url", database_url)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_and_stops_in_order(database_url: str, tmp_path: Path, key: str, workers: str) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    with serving(tmp_path / "log", "--database-url", database_url, "--workers", workers) as served:
        assert "keys create" not in served.line
        for i in range(20):  # each on a connection of its own, so that all workers get some
            answer = httpx.put(f"{served.url}/v1/customers/c{i}", json={}, headers=bearer, timeout=PATIENCE)
            assert answer.status_code == 201
        assert httpx.get(f"{served.url}/readyz", timeout=PATIENCE).status_code == 200
        metrics = httpx.get(f"{served.url}/metrics", timeout=PATIENCE).text
        assert 'tollkeeper_requests_total{method="PUT",route="/v1/customers/{key}",status="201"} 20.0' in metrics
        assert served.stop() == 0
    assert "Traceback" not in served.log.read_text()


def test_a_request_that_has_begun_is_answered(database_url: str, tmp_path: Path, key: str) -> None:
    with serving(tmp_path / "log", "--database-url", database_url) as served:
        assert httpx.get(f"{served.url}/healthz", timeout=PATIENCE).status_code == 200
        address = httpx.URL(served.url)
        with socket.create_connection((address.host, address.port or 0)) as connection:
            head = f"PUT /v1/customers/slow HTTP/1.1\r\nHost: toll\r\nAuthorization: Bearer {key}\r\n"
            connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{".encode())
            until(
                lambda: "tollkeeper_requests_in_flight 2.0" in httpx.get(f"{served.url}/metrics", timeout=PATIENCE).text
            )
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(b"}")
            assert connection.recv(100).startswith(b"HTTP/1.1 201")
        assert served.process.wait(STOP_SECONDS) == 0


def test_ctrl_c_ends_it_without_a_traceback(database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--database-url", database_url) as served:
        assert httpx.get(f"{served.url}/healthz", timeout=PATIENCE).status_code == 200
        assert served.stop(signal.SIGINT) == 0
    assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_while_it_starts_ends_it_at_once(database_url: str, tmp_path: Path, workers: str) -> None:
    # It tells its address first, and then loads the application, for more than a second. Where the machine is so busy
    # that the signal wasn't there by then, it's tried again.
    late = True
    while late:
        with serving(tmp_path / "log", "--database-url", database_url, "--workers", workers) as served:
            began = time.monotonic()
            time.sleep(0.2)
            served.process.send_signal(signal.SIGTERM)
            late = time.monotonic() - began > 0.7
            assert served.process.wait(STOP_SECONDS) == 0
            assert late or "worker started" not in served.log.read_text()


LOADED = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGTERM)
except BaseException:
    print("swallowed")

async def app(scope, receive, send):
    print("started")
"""
LOADS = "import uvicorn; from tollkeeper.cli.serve import _Config; uvicorn.Server(_Config('loaded:app', port=0)).run()"


def test_a_signal_counts_though_what_is_loaded_swallows_its_exception(tmp_path: Path) -> None:
    (tmp_path / "loaded.py").write_text(LOADED)
    done = subprocess.run(
        [sys.executable, "-c", LOADS],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )
    assert (done.returncode, done.stdout) == (0, "swallowed\n"), done.stderr


BEGINS = """
import os, signal, socket
pair = socket.socketpair
def interrupted(*given):
    os.kill(os.getpid(), signal.SIGTERM)
    return pair(*given)
socket.socketpair = interrupted  # which the event loop calls as it begins
from tollkeeper.cli.serve import _serve, _stop
from tollkeeper.settings import Settings
signal.signal(signal.SIGTERM, _stop)
with socket.create_server(("127.0.0.1", 0)) as listener:
    _serve(Settings(database_url="postgresql://127.0.0.1:1/x"), listener)
"""


def test_a_signal_as_the_event_loop_begins_ends_it_in_order() -> None:
    """Fails where its exception leaves a loop that can neither run nor be closed."""
    done = subprocess.run([sys.executable, "-c", BEGINS], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def until(reached: Callable[[], bool]) -> None:
    """Wait for something that a busy machine may take its time over."""
    for _ in range(300):
        if reached():
            return
        time.sleep(0.1)
    pytest.fail("it hasn't come about in half a minute")


def workers_of(served: Served) -> list[int]:
    listed = subprocess.run(
        ["ps", "-ww", "--ppid", str(served.process.pid), "-o", "pid=", "-o", "args="], capture_output=True, text=True
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]


def is_running(pid: int) -> bool:
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0


def test_a_killed_worker_is_replaced(database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--database-url", database_url, "--workers", "2") as served:
        assert httpx.get(f"{served.url}/healthz", timeout=PATIENCE).status_code == 200
        workers = workers_of(served)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: len({*workers_of(served)} - {workers[0]}) == 2)
        for _ in range(10):
            assert httpx.get(f"{served.url}/readyz", timeout=PATIENCE).status_code == 200
        assert "tollkeeper_requests_in_flight 1.0" in httpx.get(f"{served.url}/metrics", timeout=PATIENCE).text
        assert served.stop() == 0


def test_workers_end_when_their_parent_was_killed(database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--database-url", database_url, "--workers", "2") as served:
        assert httpx.get(f"{served.url}/healthz", timeout=PATIENCE).status_code == 200
        workers = workers_of(served)
        served.stop(signal.SIGKILL)
        until(lambda: not any(is_running(pid) for pid in workers))


def test_logs_hold_one_line_per_request_and_no_secrets(
    database_url: str, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLKEEPER_LOG_LEVEL", "debug")
    with serving(tmp_path / "log", "--database-url", database_url) as served:
        with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as client:
            put = client.put(
                "/v1/customers/key-in-path?token=in-query", json={"name": "in-body"}, headers={"X-Request-Id": "r-1"}
            )
            assert put.status_code == 201
            client.get("/v1/customers", headers={"Authorization": "Bearer toll_wrong-secret"})
            made = client.post("/v1/keys", json={"name": "k", "scopes": ["read"]}).json()
        assert served.stop() == 0
    text = served.log.read_text()
    for hidden in [key, "toll_wrong-secret", made["secret"], "key-in-path", "in-query", "in-body"]:
        assert hidden not in text
    lines = [json.loads(line) for line in text.splitlines()]  # those of uvicorn and psycopg too
    assert any("Application startup complete" in line["event"] for line in lines)
    [line] = [line for line in lines if line.get("request_id") == "r-1" and line["event"] == "request"]
    assert line | {"method": "PUT", "route": "/v1/customers/{key}", "status": 201, "level": "info"} == line
    assert line["ms"] > 0
    assert line["timestamp"].endswith("Z")


def test_without_a_key_it_tells_how_to_make_one(database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--database-url", database_url) as served:
        assert "keys create" in served.line
        assert served.stop() == 0


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the embedded server's account may enter, which pytest's own aren't."""
    folder = Path(tempfile.mkdtemp(prefix="tollkeeper-serve-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_embedded_server_comes_and_goes_with_it(tmp_path: Path, data: Path) -> None:
    with serving(tmp_path / "log", "--data", str(data)) as served:
        assert httpx.get(f"{served.url}/readyz", timeout=PATIENCE).status_code == 200
        made = tollkeeper("keys", "create", "first", "--scope", "admin", "--data", str(data))
        assert made.returncode == 0, made.stderr
        bearer = {"Authorization": f"Bearer {made.stdout.strip()}"}
        assert httpx.get(f"{served.url}/v1/keys", headers=bearer, timeout=PATIENCE).status_code == 200
        assert served.stop() == 0
    running = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True).stdout
    assert str(data) not in running


def test_a_port_in_use_is_told_at_once(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = tollkeeper("serve", "--port", port, "--database-url", database_url)
    assert failed.returncode == 1
    assert "address_unusable" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    failed = tollkeeper("serve", "--port", "0", "--database-url", "postgresql://toll:hunter2@127.0.0.1:1/x", "--json")
    assert failed.returncode == 1
    assert json.loads(failed.stderr)["code"] == "database_unavailable"
    assert "hunter2" not in failed.stderr


def test_migrate_brings_a_new_database_up_to_date(server_url: str, database_url: str) -> None:
    again = tollkeeper("migrate", "--database-url", database_url, "--json")
    assert json.loads(again.stdout) == {"applied": []}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop schema public, reports cascade")
        connection.execute("create schema public")
    assert "0001 customers" in tollkeeper("migrate", "--database-url", database_url).stdout
