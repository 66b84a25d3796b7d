"""Attribution in the catalog: what can be written, what is refused, and how a change of it is told."""

from __future__ import annotations

import pytest

from tollkeeper.catalog import TokenClass, check
from tollkeeper.catalog.changes import declaration_changes
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

BASE = """
currency = "USD"
[meters.cv]
unit = "CV"
[meters.question]
unit = "question"
"""
RULES = """
[attribution.rules.cv_project]
provider = "openai"
project = "proj_cv"
meter = "cv"
[attribution.classes]
above_5000 = "cv"
others = "question"
"""


def test_rules_and_classes_are_read() -> None:
    found = check(BASE + RULES, models=MODELS).declared.attribution
    rule = found.rules["cv_project"]
    assert (rule.provider, rule.project, rule.api_key, rule.model, rule.meter) == (
        "openai",
        "proj_cv",
        None,
        None,
        "cv",
    )
    assert found.classes == {TokenClass.ABOVE_5000: "cv", TokenClass.OTHERS: "question"}
    assert found.meters == {"cv", "question"}
    assert check(BASE, models=MODELS).declared.attribution.meters == frozenset()


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        (
            '[attribution.rules.a]\nprovider = "openai"\nmeter = "questions"',
            "attribution.rules.a.meter",
            "did you mean",
        ),
        ('[attribution.rules.a]\nmeter = "cv"', "attribution.rules.a.provider", "missing"),
        ('[attribution.rules.a]\nprovider = "openai"', "attribution.rules.a.meter", "missing"),
        ('[attribution.rules.A]\nprovider = "openai"\nmeter = "cv"', "attribution.rules.A", "can't be a key"),
        ('[attribution.classes]\nabove_9 = "cv"', "attribution.classes.above_9", "isn't a key here"),
        ('[attribution.classes]\nothers = "x"', "attribution.classes.others", "No meter is called `x`"),
        ('[attribution]\nrule = "x"', "attribution.rule", "isn't a key here"),
        (
            '[attribution.rules.a]\nprovider = "openai"\nmeter = "cv"\n'
            '[attribution.rules.b]\nprovider = "openai"\nmeter = "question"',
            "attribution.rules.b",
            "which of them should count?",
        ),
    ],
)
def test_what_is_wrong_is_told(text: str, key: str, told: str) -> None:
    with pytest.raises(CatalogInvalid) as caught:
        check(BASE + text, models=MODELS)
    [problem] = caught.value.extra["problems"]
    assert (problem["key"], told in problem["message"]) == (key, True), problem


def test_changes_are_told() -> None:
    before, after = (check(text, models=MODELS).declared for text in (BASE, BASE + RULES))
    other = check(BASE + RULES.replace("proj_cv", "proj_2").replace('above_5000 = "cv"', ""), models=MODELS).declared

    def told(old: object, new: object) -> list[str]:
        return [change.text for change in declaration_changes(old, new, first=False)]  # type: ignore[arg-type]

    assert told(before, after) == [
        "attribution cv_project: provider openai, project proj_cv, meter cv",
        "attribution by tokens for a request: none → above_5000 cv, others question",
    ]
    assert told(after, other) == [
        "attribution cv_project: project proj_cv → proj_2",
        "attribution by tokens for a request: above_5000 cv, others question → others question",
    ]
    assert told(after, before) == [
        "attribution cv_project: removed",
        "attribution by tokens for a request: above_5000 cv, others question → none",
    ]
