"""`tollkeeper reconcile` against the simulated provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openai
import pytest
from tests.cli.conftest import Toll
from tests.database.gating import Clock

from tollkeeper.simulator.running import Simulator, running

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
YESTERDAY = NOON - timedelta(days=1)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A provider that was called yesterday, by somebody who told nobody. No day ends while a test runs: it's noon."""
    with running() as simulator, Clock(NOON):
        monkeypatch.setenv("TOLLKEEPER_OPENAI_ADMIN_KEY", "sk-admin-1")
        monkeypatch.setenv("TOLLKEEPER_OPENAI_URL", simulator.openai_url)
        simulator.set_clock(at=YESTERDAY, frozen=True)
        with openai.OpenAI(api_key="sk-proj-acme-1", base_url=simulator.openai_url) as client:
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Parse this."}])
        simulator.set_clock()
        yield simulator


def test_a_table_of_what_differs(toll: Toll, provider: Simulator) -> None:
    ran = toll("reconcile", "--dry-run", "--from", f"{YESTERDAY:%Y-%m-%d}")
    assert ran.status == 0, ran.err
    assert "missing_here" in ran.out
    assert "a dry run" in ran.out
    assert "Nothing was reconciled" in toll("reconcile", "--stored").out
    ran = toll("reconcile")
    heading, row, told = ran.out.splitlines()
    assert heading.split() == [
        *(
            "DAY",
            "PROVIDER",
            "PROJECT",
            "API",
            "KEY",
            "MODEL",
            "OURS",
            "THEIRS",
            "DIFFERENCE",
            "FINDING",
            "BOOKED",
            "NOW",
        ),
    ]
    day, name, project, _, model, ours, theirs, difference, finding, booked = row.split()
    assert (day, name, project, model) == (f"{YESTERDAY:%Y-%m-%d}", "openai", "proj_acme", "gpt-4o-2024-08-06")
    assert float(ours) == 0
    assert theirs == difference == booked
    assert finding == "missing_here"
    assert told == "openai: 8 days, 0 closed; 0 costs given to calls."
    assert toll("reconcile").out.splitlines()[1].split()[-1].strip("0.") == ""
    heading, stored, total = toll("reconcile", "--stored").out.splitlines()
    assert total == f"Booked for these days: openai {booked} USD. In all: openai {booked} USD."
    old = toll("reconcile", "--stored", "--from", "2026-01-01", "--to", "2026-01-02").out
    assert old.endswith(f"Booked for these days: nothing. In all: openai {booked} USD.\n")
    assert heading.split()[-1] == "BOOKED"
    assert stored.split()[-1] == booked
    assert toll("verify").status == 0


def test_the_present_day_is_only_shown(toll: Toll, provider: Simulator) -> None:
    provider.set_clock(at=NOON - timedelta(hours=1), frozen=True)
    with openai.OpenAI(api_key="sk-proj-acme-1", base_url=provider.openai_url) as client:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "And this."}])
    today = f"{NOON:%Y-%m-%d}"
    shown = toll("reconcile", "--from", today, "--allocate", "price_gap").out
    assert "openai: 1 day, 0 closed; 0 costs given to calls.\n" in shown
    assert f"{today}  openai" in shown
    assert "The present UTC day is only shown: it's neither kept nor booked until it's over.\n" in shown
    stored = toll("reconcile", "--stored").out
    assert stored == (
        "Nothing was reconciled in these days. What was found of the present UTC day is kept once that is over.\n"
    )


def test_json_says_the_same(toll: Toll, provider: Simulator) -> None:
    [found] = toll("reconcile", "--close", "--json").json
    [grain] = [grain for day in found["days"] for grain in day["grains"]]
    assert (found["provider"], grain["finding"], grain["change"]) == ("openai", "missing_here", grain["difference"])
    [stored] = toll("reconcile", "--stored", "--json").json
    assert (stored["booked"], stored["finding"]) == (grain["change"], "missing_here")
    assert stored["parts"] == grain["parts"]


def test_what_cannot_be(toll: Toll, provider: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toll("reconcile", "--to", "2026-01-01", "--json").error == "missing_field"
    assert toll("reconcile", "--from", "2026-01-02", "--to", "2026-01-01", "--json").error == "invalid_range"
    monkeypatch.setenv("TOLLKEEPER_OPENAI_ADMIN_KEY", "sk-proj-acme-1")
    told = toll("reconcile")
    assert told.status == 1
    assert "https://platform.openai.com/settings/organization/admin-keys" in told.err
    monkeypatch.delenv("TOLLKEEPER_OPENAI_ADMIN_KEY")
    assert toll("reconcile", "--json").error == "no_admin_key"
