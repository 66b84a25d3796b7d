"""Which rows of both sides are about the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.providers import undated
from tollkeeper.reconciliation.model import Origin
from tollkeeper.reconciliation.origins import grains_of


@pytest.mark.parametrize(
    ("dated", "name"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-3-5-haiku@20241022", "claude-3-5-haiku"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("gpt-4o", "gpt-4o"),
        ("o3-mini", "o3-mini"),
        ("web_searches", "web_searches"),
    ],
)
def test_dates_of_versions_are_known(dated: str, name: str) -> None:
    assert undated(dated) == name


def grains(*origins: tuple[str, str | None, str | None]) -> list[tuple[str, str | None, str | None]]:
    found = grains_of({Origin(*one) for one in origins})
    return [(one.model, one.project, one.api_key) for one in (found[Origin(*each)] for each in origins)]


def test_what_both_sides_tell_stays_apart() -> None:
    same = [("gpt-4o", "p1", "k1"), ("gpt-4o", "p1", "k2"), ("gpt-4o", "p2", "k1"), ("o3", "p1", "k1")]
    assert grains(*same) == same


def test_an_alias_goes_with_the_only_version() -> None:
    versions = ("gpt-4o", None, None), ("gpt-4o-2024-08-06", None, None)
    assert grains(*versions) == [("gpt-4o-2024-08-06", None, None)] * 2


def test_an_alias_goes_with_all_versions() -> None:
    versions = ("gpt-4o", None, None), ("gpt-4o-2024-08-06", None, None), ("gpt-4o-2024-05-13", None, None)
    assert grains(*versions) == [("gpt-4o", None, None)] * 3


def test_versions_without_an_alias_stay_apart() -> None:
    versions = [("gpt-4o-2024-08-06", None, None), ("gpt-4o-2024-05-13", None, None)]
    assert grains(*versions) == versions


def test_calls_that_do_not_tell_their_project_are_compared_with_all_of_the_model() -> None:
    told = ("gpt-4o", "p1", "k1"), ("gpt-4o", "p2", "k2"), ("gpt-4o", None, None)
    assert grains(*told, ("o3", "p1", "k1")) == [("gpt-4o", None, None)] * 3 + [("o3", "p1", "k1")]


def test_the_only_project_and_key_lend_their_names() -> None:
    assert grains(("gpt-4o", "p1", "k1"), ("gpt-4o", None, None)) == [("gpt-4o", "p1", "k1")] * 2


def test_costs_that_are_not_told_by_key_join_the_keys_of_their_project() -> None:
    told = ("claude", "w1", None), ("claude", "w1", "k1"), ("claude", "w1", "k2"), ("claude", "w2", "k3")
    assert grains(*told) == [("claude", "w1", None)] * 3 + [("claude", "w2", "k3")]


NAMES = st.sampled_from([None, "a", "b"])
MODELS = st.sampled_from(["m", "m-2024-01-01", "m-2025-01-01", "n-2024-01-01", "n-2025-01-01"])
ORIGINS = st.sets(st.builds(Origin, MODELS, NAMES, NAMES), max_size=12)


@given(ORIGINS, st.data())
def test_every_origin_has_one_grain_whatever_the_order(origins: set[Origin], data: st.DataObject) -> None:
    found = grains_of(origins)
    assert found.keys() == origins
    assert grains_of(data.draw(st.permutations(sorted(origins, key=str)))) == found
    # What is apart differs in something that both tell.
    assert all(undated(origin.model) == undated(grain.model) for origin, grain in found.items())
    for origin, grain in found.items():
        assert grain.project in (None, origin.project) or origin.project is None
        assert grain.api_key in (None, origin.api_key) or origin.api_key is None
