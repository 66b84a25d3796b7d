"""The embedded server with real processes: started, shared, killed, restarted."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import sleep

import psycopg
import pytest
from tests.database.embedding import ROOT, USE, USE_AND_FORK, Run, ask, postmaster, said, stopped

from tollkeeper.db import embedded


def test_first_start_makes_a_private_durable_database(fresh: Path) -> None:
    with embedded.start(fresh) as server:
        assert server.data == fresh
        assert ask(server.url, "select current_database() || ' ' || current_user") == "tollkeeper tollkeeper"
        assert ask(server.url, "select rolsuper from pg_roles where rolname = current_user") == "True"
        settings = ("fsync", "synchronous_commit", "data_checksums", "server_encoding", "timezone")
        shown = [ask(server.url, f"show {name}") for name in settings]
        assert shown == ["on", "on", "on", "UTF8", "UTC"]
        assert ask(server.url, "show listen_addresses") == ""
        socket = (fresh / ".s.PGSQL.5432").stat()
        assert stat.S_IMODE(socket.st_mode) == 0o700
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
        assert socket.st_uid != 0
    assert stopped(server.url)
    assert {path.name for path in fresh.iterdir()} == {"pg", "server.log", "server.lock", "start.lock", "users.lock"}


def test_data_survives_a_restart_and_the_log_is_rotated(data: Path) -> None:
    with embedded.start(data) as server:
        ask(server.url, "create table kept as select 42 as answer")
    with (data / "server.log").open("a") as log:
        log.truncate(11 * 1024 * 1024)
    with embedded.start(data) as server:
        assert ask(server.url, "select answer from kept") == "42"
    assert (data / "server.log").stat().st_size < 10_000 < (data / "server.log.1").stat().st_size


def test_a_second_start_joins_and_only_the_last_close_stops(data: Path) -> None:
    first = embedded.start(data)
    second = embedded.start(data)
    pid = postmaster(data)
    assert second.url == first.url
    first.close()
    first.close()
    assert postmaster(data) == pid
    assert ask(second.url, "select 1") == "1"
    second.close()
    assert stopped(second.url)


def test_processes_that_start_at_once_share_one_server(fresh: Path, run: Run) -> None:
    users = [run(USE, fresh) for _ in range(4)]
    urls = {said(user) for user in users}
    assert len(urls) == 1
    (url,) = urls
    pid = postmaster(fresh)
    for user in users[:-1]:
        user.communicate()
        assert ask(url, "select 1") == "1"
        assert postmaster(fresh) == pid
    users[-1].communicate()
    assert stopped(url)


def test_a_forked_child_leaves_the_server_running(data: Path, run: Run) -> None:
    user = run(USE_AND_FORK, data)
    url = said(user)
    assert ask(url, "select 1") == "1"
    user.communicate()  # the parent closes at its exit
    assert stopped(url)


def test_the_server_outlives_a_killed_user_and_is_found_again(data: Path, run: Run) -> None:
    user = run(USE, data)
    url = said(user)
    pid = postmaster(data)
    user.kill()
    user.wait()
    assert ask(url, "select 1") == "1"
    with embedded.start(data) as server:
        assert server.url == url
        assert postmaster(data) == pid
    assert stopped(url)


def test_a_first_start_that_was_killed_halfway_is_done_again(fresh: Path, run: Run) -> None:
    user = run(USE, fresh)
    while not (fresh / "pg.new" / "base").exists():
        sleep(0.01)
    user.kill()
    user.wait()
    with embedded.start(fresh) as server:
        assert ask(server.url, "select 1") == "1"
    assert not (fresh / "pg.new").exists()


def test_a_killed_server_is_started_again(data: Path) -> None:
    with embedded.start(data) as first, closing(psycopg.connect(first.url)) as busy:
        ask(first.url, "create table kept as select 42 as answer")
        busy.pgconn.send_query(b"select pg_sleep(60)")
        pid = postmaster(data)
        os.kill(pid, signal.SIGKILL)
        with embedded.start(data) as server:
            assert postmaster(data) != pid
            assert ask(server.url, "select answer from kept") == "42"
        assert ask(server.url, "select 1") == "1"  # `first` uses it still
    assert stopped(first.url)


def test_start_waits_for_processes_of_a_killed_server(data: Path) -> None:
    with embedded.start(data) as first, closing(psycopg.connect(first.url)) as busy:
        # Computing without a pause, so that it doesn't notice the death of the server.
        busy.pgconn.send_query(b"select count(*) from generate_series(1, 4000) a, generate_series(1, 4000) b")
        sleep(0.2)
        os.kill(postmaster(data), signal.SIGKILL)
        with embedded.start(data) as server:
            assert ask(server.url, "select 1") == "1"


@pytest.mark.parametrize("killed", [True, False])
def test_a_pid_file_that_names_an_unrelated_process_is_ignored(data: Path, killed: bool) -> None:
    with embedded.start(data) as server:
        owner = data.stat().st_uid
        left = (data / "pg" / "postmaster.pid").read_text().split("\n", 1)[1]
        if killed:
            os.kill(postmaster(data), signal.SIGKILL)
            while not stopped(server.url):
                sleep(0.01)
    unrelated = subprocess.Popen(["sleep", "60"], user=owner if ROOT else None)
    try:
        for pid in (unrelated.pid, os.getpid()):
            for file, rest in ((data / "pg" / "postmaster.pid", left), (data / ".s.PGSQL.5432.lock", "")):
                file.write_text(f"{pid}\n{rest}")
                file.chmod(0o600)
                if ROOT:
                    os.chown(file, owner, -1)
            with embedded.start(data) as server:
                assert ask(server.url, "select 1") == "1"
            assert unrelated.poll() is None
    finally:
        unrelated.kill()
        unrelated.wait()


def test_closing_never_signals_an_unrelated_process(data: Path) -> None:
    server = embedded.start(data)
    with subprocess.Popen(["sleep", "60"], user=data.stat().st_uid if ROOT else None) as unrelated:
        try:
            file = data / "pg" / "postmaster.pid"
            truth = file.read_text()
            file.write_text(f"{unrelated.pid}\n" + truth.partition("\n")[2])
            server.close()
            assert unrelated.poll() is None
            file.write_text(truth)
        finally:
            unrelated.kill()


@pytest.mark.parametrize("name", ["x" * 120, "a 'b' \"c\" $HOME `id`, d"])
def test_any_path_will_do(fresh: Path, name: str) -> None:
    with embedded.start(fresh / name) as server:
        assert ask(server.url, "show data_directory") == str(fresh / name / "pg")
        sockets = Path(ask(server.url, "show unix_socket_directories"))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert sockets.stat().st_uid == (fresh / name).stat().st_uid
    assert stopped(server.url)
    assert not sockets.exists()


def test_the_usual_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert embedded.default_data_dir() == Path("/var/lib/tollkeeper")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert embedded.default_data_dir() == Path("/somewhere/tollkeeper")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(sys, "platform", "linux")
    assert embedded.default_data_dir() == Path("/home/ada/.local/share/tollkeeper")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert embedded.default_data_dir() == Path("/home/ada/Library/Application Support/tollkeeper")
