"""`tollkeeper prices`: rows are listed, files checked, other books compared and taken over. It needs no database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Ran
from typer.testing import CliRunner

from tollkeeper.cli import app
from tollkeeper.providers import load_own

Prices = Callable[..., Ran]

GENAI = [
    {
        "id": "openai",
        "models": [
            {
                "id": "gpt-4o",
                "match": {"or": [{"equals": "gpt-4o"}, {"equals": "gpt-4o-2024-11-20"}]},
                "prices": {"input_mtok": 2.75, "output_mtok": 20, "cache_read_mtok": 1.25},
                "price_variants": [{"when": {"processing": "batch"}, "prices": {"input_mtok": 1.25}}],
            },
            {
                "id": "gpt-9",
                "match": {"or": [{"starts_with": "gpt-9"}, {"regex": r"^gpt-9\.1-\d{4}-\d{2}-\d{2}$"}]},
                "prices": [
                    {"prices": {"input_mtok": {"base": 1, "tiers": [{"start": 200000, "price": 2.5}]}}},
                    {"constraint": {"start_date": "2030-01-01"}, "prices": {"input_mtok": 0.5}},
                ],
            },
        ],
    },
    {"id": "somebody", "models": [{"id": "x", "match": {"equals": "x"}, "prices": {"input_mtok": 1}}]},
]
LITELLM = {
    "sample_spec": {"input_cost_per_token": 0, "litellm_provider": "one of them"},
    "gpt-4o": {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1.2e-05,
        "cache_read_input_token_cost": 1.25e-06,
        "input_cost_per_token_batches": 1.25e-06,
        "input_cost_per_token_priority": 4.25e-06,
        "max_tokens": 16384,
    },
    "gpt-live-1": {"litellm_provider": "openai", "input_cost_per_second": 0.000833333333333},
    "gemini/gemini-9": {
        "litellm_provider": "gemini",
        "input_cost_per_token": 1e-06,
        "input_cost_per_token_above_200k_tokens": 2e-06,
        "output_cost_per_token": 8e-06,
    },
    "global.anthropic.claude-9-v1:0": {"litellm_provider": "bedrock_converse", "input_cost_per_token": 3e-06},
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the operator's own prices are, or shall be."""
    file = tmp_path / "own.toml"
    monkeypatch.setenv("TOLLKEEPER_PRICES", str(file))
    return file


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prices:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.json").write_text(json.dumps(GENAI))
    (tmp_path / "litellm.json").write_text(json.dumps(LITELLM))

    def run(*line: object) -> Ran:
        result = CliRunner().invoke(app, ["prices", *map(str, line)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def changes(ran: Ran) -> dict[str, Any]:
    """What an import would change: by model and unit, with how it's called."""
    return {
        " ".join(
            str(each)
            for each in (
                change["model"],
                change["unit"],
                change["service_tier"] or "",
                "batch" if change["batch"] else "",
                f">{change['input_above']}" if change["input_above"] else "",
            )
            if each
        ): (change["kind"], change["amount"], change["waits"])
        for change in ran.json["changes"]
    }


def test_prices_in_force_are_listed(prices: Prices) -> None:
    ran = prices("list", "--provider", "openai", "--model", "o3", "--at", "2025-06-09", "--json")
    standard = {
        row["unit"]: (row["amount"], row["per"])
        for row in ran.json["rows"]
        if row["service_tier"] == "standard" and not row["batch"]
    }
    assert standard["input_tokens"] == ("10", "1000000")
    assert ran.json["at"] == "2025-06-09T00:00:00Z"
    table = prices("list", "--provider", "deepseek", "--model", "deepseek-flash", "--at", "2026-11-04").out
    assert "01:00-04:00 UTC, on Mon, Tue, Wed, Thu, Fri" in table
    assert prices("list", "--model", "gpt-99").out == "There is no such price.\n"
    assert prices("list", "--at", "soon", "--json").error == "invalid_time"


def test_a_resold_model_is_listed_with_the_prices_it_has(prices: Prices) -> None:
    rows = prices("list", "--provider", "azure", "--model", "gpt-5", "--json").json["rows"]
    assert {row["provider"] for row in rows} == {"openai"}


def test_own_prices_stand_first(prices: Prices, own: Path) -> None:
    own.write_text('[[models]]\nprovider = "openai"\nmatch = "gpt-4o"\nprices = [{ input_tokens = "2" }]')
    first, *rest = prices("list", "--model", "gpt-4o", "--json").json["rows"]
    assert (first["own"], first["amount"]) == (True, "2")
    assert not any(row["own"] for row in rest)


def test_a_file_is_checked(prices: Prices, own: Path) -> None:
    assert prices("check", "--json").error == "prices_unreadable"
    own.write_text('[[models]]\nprovider = "p"\nmatch = ["a", "b"]\nprices = [{ requests = "0.01", images = "0.02" }]')
    assert prices("check").out == f"{own} is a valid price file: rows 4, models 2.\n"
    own.write_text("[[models]]\n")
    ran = prices("check", "--json")
    assert (ran.status, ran.error) == (1, "prices_invalid")
    assert [problem["line"] for problem in json.loads(ran.err)["problems"]] == [1, 1, 1]
    assert "line 1, models[0].match: " in prices("check").err


def test_without_a_file_there_is_nothing_to_check(prices: Prices) -> None:
    assert prices("check", "--json").error == "prices_unset"


def test_an_import_is_shown_first(prices: Prices, own: Path) -> None:
    ran = prices("import", "data.json", "--dry-run", "--json")
    assert ran.status == 0
    assert changes(ran) == {
        "gpt-4o input_tokens": ("changed", "2.75", False),
        "gpt-4o-2024-11-20 input_tokens": ("changed", "2.75", False),
        "gpt-4o output_tokens": ("changed", "20", True),
        "gpt-4o-2024-11-20 output_tokens": ("changed", "20", True),
        "gpt-9* input_tokens": ("new", "0.5", False),
        "gpt-9.1-20* input_tokens": ("new", "0.5", False),
        "gpt-9* input_tokens >200000": ("new", "2.5", False),
        "gpt-9.1-20* input_tokens >200000": ("new", "2.5", False),
    }
    assert {"provider": "openai", "model": "gpt-4.1"} in ran.json["kept"]
    assert ran.json["file"] is None
    assert not own.exists()
    table = prices("import", "data.json", "--dry-run").out
    assert "New 6, changed 4, the same 4." in table
    assert "2 (!) change by more than 30 %: see --accept and --accept-jumps." in table
    assert "Nothing was written." in table


def test_what_jumps_is_left_out_until_it_is_confirmed(prices: Prices, own: Path) -> None:
    own.write_text('# Ours.\n[[models]]\nprovider = "p"\nmatch = "m"\nprices = [{ requests = "1" }]\n')
    ran = prices("import", "data.json")
    assert ran.status == 2
    assert f"Written to {own}: 8 prices." in ran.out
    assert own.read_text().startswith("# Ours.\n")
    assert "2024-11-20" in own.read_text()
    assert "output_tokens" not in own.read_text()
    again = prices("import", "data.json", "--json")
    assert (again.status, set(changes(again))) == (2, {"gpt-4o output_tokens", "gpt-4o-2024-11-20 output_tokens"})
    one = prices("import", "data.json", "--accept", "gpt-4o:output_tokens", "--json")
    assert (one.status, one.json["file"]) == (2, str(own))
    assert prices("import", "data.json", "--accept-jumps").status == 0
    assert prices("import", "data.json").out.startswith("Nothing would change.")
    now = prices("list", "--provider", "openai", "--model", "gpt-4o-2024-11-20", "--json").json["rows"]
    assert next(row["amount"] for row in now if row["unit"] == "output_tokens") == "20"


def test_an_import_leaves_discounts_as_they_are(prices: Prices, own: Path) -> None:
    before = changes(prices("import", "data.json", "--dry-run", "--json"))
    own.write_text('[[discounts]]\nprovider = "openai"\npercent = "10"\n')
    assert changes(prices("import", "data.json", "--dry-run", "--json")) == before
    prices("import", "data.json", "--accept-jumps")
    now = prices("list", "--provider", "openai", "--model", "gpt-4o", "--json").json["rows"]
    kept = {(row["unit"], row["amount"]) for row in now if row["service_tier"] == "standard" and not row["batch"]}
    assert {("input_tokens", "2.475"), ("output_tokens", "18"), ("cached_input_tokens", "1.125")} <= kept
    assert changes(prices("import", "data.json", "--dry-run", "--json")) == {}


def test_history_stays_as_it_was(prices: Prices, own: Path) -> None:
    prices("import", "data.json", "--accept-jumps")
    rows = load_own(own)
    changed = [row for row in rows if row.model == "gpt-4o"]
    assert all(row.start is not None and row.start.year >= 2026 for row in changed)
    scheduled = [str(row.start) for row in rows if row.model == "gpt-9*" and row.start is not None]
    assert scheduled == ["2030-01-01 00:00:00+00:00"]
    assert any(row.start is None for row in rows if row.model == "gpt-9*")


def test_a_threshold_of_ones_own(prices: Prices, own: Path) -> None:
    assert prices("import", "data.json", "--dry-run", "--threshold", "5", "--json").json["changes"][0]["waits"] is True
    assert not any(c["waits"] for c in prices("import", "data.json", "--threshold", "100", "--json").json["changes"])
    for wrong in ("-1", "much", "nan"):
        assert prices("import", "data.json", "--threshold", wrong, "--json").error == "invalid_option"


def test_litellm_is_read_too(prices: Prices) -> None:
    ran = prices("import", "litellm.json", "--from", "litellm", "--dry-run", "--json")
    assert changes(ran) == {
        "gpt-4o output_tokens": ("changed", "12", False),
        "gemini-9 input_tokens": ("new", "1", False),
        "gemini-9 input_tokens >200000": ("new", "2", False),
        "gemini-9 output_tokens": ("new", "8", False),
        "anthropic.claude-9-v1:0 input_tokens": ("new", "3", False),
    }
    assert ran.json["same"] == 5  # A price per second that was cut off after 15 digits is the same.
    only = prices("import", "litellm.json", "--from", "litellm", "--dry-run", "--provider", "gemini", "--json")
    assert {change["provider"] for change in only.json["changes"]} == {"google"}


def test_litellm_becomes_rows(prices: Prices, own: Path) -> None:
    assert prices("import", "litellm.json", "--from", "litellm").status == 0
    told = {
        (r.provider, r.model, r.unit, str(r.amount), r.conditions.region, r.conditions.input_above)
        for r in load_own(own)
    }
    assert told == {
        ("openai", "gpt-4o", "output_tokens", "12.00", None, None),
        ("google", "gemini-9", "input_tokens", "1.00", None, None),
        ("google", "gemini-9", "input_tokens", "2.00", None, 200000),
        ("google", "gemini-9", "output_tokens", "8.00", None, None),
        ("bedrock", "anthropic.claude-9-v1:0", "input_tokens", "3.00", "global", None),
    }


def test_the_installed_book_differs_where_it_is_known_to(prices: Prices) -> None:
    found = prices("import", "--dry-run", "--json").json
    changed = {(c["provider"], c["model"]) for c in found["changes"] if c["kind"] == "changed"}
    assert changed == {
        ("openai", "gpt-4o-transcribe"),
        ("openai", "gpt-4o-transcribe-diarize"),
        ("openai", "gpt-4o-mini-transcribe"),
        *(("azure", name) for name in ("ada", "babbage", "davinci", "text-davinci-002")),
    }
    assert found["same"] > 5000


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("none.json",), "file_unreadable"),
        (("litellm.json",), "invalid_price_file"),
        (("data.json", "--from", "litellm"), "invalid_price_file"),
        (("odd.json",), "invalid_price_file"),
        (("--from", "litellm"), "invalid_option"),
        (("data.json",), "prices_unset"),
    ],
)
def test_what_can_not_be_imported(prices: Prices, tmp_path: Path, line: tuple[str, ...], code: str) -> None:
    (tmp_path / "odd.json").write_text('{"a": NaN}')
    ran = prices("import", *line, "--json")
    assert (ran.status, ran.error) == (1, code)


def test_a_file_that_is_wrong_already_is_not_added_to(prices: Prices, own: Path) -> None:
    own.write_text("[[models]]\n")
    assert prices("import", "data.json", "--json").error == "prices_invalid"
    assert own.read_text() == "[[models]]\n"
