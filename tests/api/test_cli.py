"""The command line: results, JSON, and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tollkeeper import __version__
from tollkeeper.cli import COMMANDS, app
from tollkeeper.cli.options import global_options_first

CATALOG = """\
currency = "EUR"
[meters.cv_parse]
unit = "CV"
[prices.cv_parse]
model = "unit"
amount = "0.50"
"""


class Ran:
    """What a command has printed, and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def toll(database_url: str) -> Callable[..., Ran]:
    """Runs a command on a fresh database."""

    def run(*line: str, stdin: bytes = b"") -> Ran:
        result = CliRunner().invoke(app, [*line, "--database-url", database_url], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.mark.parametrize("line", [[], *([name] for name in COMMANDS)])
def test_every_command_explains_itself(line: list[str]) -> None:
    result = CliRunner().invoke(app, [*line, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_names_the_commands_as_they_are_called() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for name in COMMANDS:
        assert f"│ {name} " in shown


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"tollkeeper {__version__}\n"


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("keys list --json", "--json keys list"),
        ("serve --data x --port 1", "--data x serve --port 1"),
        ("serve --data=x", "--data=x serve"),
        ("customers put a --name -- --json", "customers put a --name -- --json"),
        ("keys list --data", "--data keys list"),
    ],
)
def test_global_options_stand_anywhere(line: str, meaning: str) -> None:
    assert global_options_first(line.split()) == meaning.split()


def test_keys(toll: Callable[..., Ran]) -> None:
    assert "keys create" in toll("keys", "list").out
    secret = toll("keys", "create", "backend", "--scope", "read", "--scope", "write").out.strip()
    [key] = toll("keys", "list", "--json").json
    assert (key["name"], key["scopes"], key["prefix"]) == ("backend", ["read", "write"], secret[:12])
    assert secret not in toll("keys", "list").out
    assert "Revoked" in toll("keys", "revoke", key["prefix"]).out
    assert toll("keys", "list", "--json").json[0]["revoked_at"].endswith("Z")


def test_customers(toll: Callable[..., Ran]) -> None:
    made = toll("customers", "put", "acme", "--name", "Acme", "--metadata", '{"plan": "gold"}', "--json").json
    assert made | {"key": "acme", "name": "Acme", "currency": "USD", "metadata": {"plan": "gold"}} == made
    assert "customer_id" not in made
    assert toll("customers", "show", "acme", "--json").json == made
    assert "Acme" in toll("customers", "list", "--search", "ACM").out
    assert "archived" in toll("customers", "archive", "acme").out
    assert toll("customers", "list", "--active", "--json").json == []
    assert "active again" in toll("customers", "archive", "acme", "--undo").out


def test_catalog(toll: Callable[..., Ran], tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(CATALOG)
    assert "valid" in toll("catalog", "check", str(file)).out
    assert "Not applied" in toll("catalog", "plan", str(file)).out
    assert "version 1" in toll("catalog", "apply", str(file)).out
    assert "Nothing would change" in toll("catalog", "plan", "-", stdin=CATALOG.encode()).out
    assert toll("catalog", "show").out == CATALOG
    assert toll("catalog", "show", "--json").json["currency"] == "EUR"
    assert toll("catalog", "history", "--json").json[0]["version"] == 1
    assert "cv_parse" in toll("catalog", "history").out


def test_errors_go_to_stderr_with_status_1(toll: Callable[..., Ran], tmp_path: Path) -> None:
    for_people = toll("customers", "show", "nobody")
    assert (for_people.status, for_people.out) == (1, "")
    assert "There is no customer 'nobody'." in for_people.err
    for_programs = toll("customers", "show", "nobody", "--json")
    assert for_programs.status == 1
    assert json.loads(for_programs.err)["code"] == "unknown_customer"
    assert toll("customers", "archive", "nobody").status == 1

    file = tmp_path / "catalog.toml"
    file.write_bytes(CATALOG.replace("EUR", "EURO").replace('"unit"', '"unti"').encode())
    refused = toll("catalog", "check", str(file))
    assert refused.status == 1
    assert "line 1" in refused.err
    assert "line 5" in refused.err
    file.write_bytes(b"\xff")
    assert "UTF-8" in toll("catalog", "check", str(file)).err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("usage --customer a b --json", "unexpected extra argument"),
        ("usage --json", "--customer"),
        ("--json usage --customer", "--customer"),
        ("--json --nope", "--nope"),
        ("nope --json", "nope"),
        ("customers --json", "Missing command"),
        ("customers members --json", "Missing command"),
        ("customers list --limit x --json", "--limit"),
        ("customers members put a --json", "Missing argument"),
    ],
)
def test_a_wrong_line_is_told_to_programs_as_json(line: str, told: str) -> None:
    for_programs = CliRunner().invoke(app, line.split())
    assert (for_programs.exit_code, for_programs.stdout) == (2, "")
    error = json.loads(for_programs.stderr)
    assert error["code"] == "usage_error"
    assert told in error["detail"]
    for_people = CliRunner().invoke(app, [word for word in line.split() if word != "--json"])
    assert for_people.exit_code == 2
    assert "usage_error" not in for_people.output


def test_json_behind_two_dashes_is_no_option() -> None:
    ran = CliRunner().invoke(app, ["usage", "--customer", "a", "--", "--json"])
    assert ran.exit_code == 2
    assert "usage_error" not in ran.output


def test_members(toll: Callable[..., Ran]) -> None:
    toll("customers", "put", "acme")
    assert toll("customers", "members", "list", "acme").out == "No members.\n"
    put = ("customers", "members", "put", "acme", "ann")
    made = toll(*put, "--name", "Ann", "--metadata", '{"team": 1}', "--json").json
    assert made | {"key": "ann", "name": "Ann", "metadata": {"team": 1}, "archived_at": None} == made
    assert "customer_id" not in made
    assert toll("customers", "members", "show", "acme", "ann", "--json").json == made
    toll("customers", "members", "put", "acme", "bob")
    listed = toll("customers", "members", "list", "acme", "--after", "ann", "--json").json
    assert [member["key"] for member in listed] == ["bob"]
    assert "Ann" in toll("customers", "members", "list", "acme", "--limit", "1").out
    assert toll(*put, "--archived", "--json").json["archived_at"].endswith("Z")
    assert toll(*put, "--active", "--json").json["archived_at"] is None
    assert "name         Ann" in toll("customers", "members", "show", "acme", "ann").out
    for line, code in {
        ("show", "acme", "cid"): "unknown_member",
        ("list", "nobody"): "unknown_customer",
        ("put", "nobody", "ann"): "unknown_customer",
        ("put", "acme", "ann", "--metadata", "[]"): "invalid_metadata",
    }.items():
        ran = toll("customers", "members", *line, "--json")
        assert (ran.status, json.loads(ran.err)["code"]) == (1, code)


def test_settings_that_cannot_be_used_are_told(monkeypatch: pytest.MonkeyPatch, toll: Callable[..., Ran]) -> None:
    monkeypatch.setenv("TOLLKEEPER_POOL_SIZE", "none")
    failed = toll("keys", "list")
    assert failed.status == 1
    assert "pool_size" in failed.err
