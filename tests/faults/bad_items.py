"""Items and bodies that can't be accepted, each with the code and field that it must be answered with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tollkeeper import clock

NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
EXTRA = """
[meters.euros]
unit = "thing"
[prices.euros]
model = "unit"
unit = "EUR"
amount = "1"
[meters.by_note]
unit = "thing"
aggregation = "unique_count"
unique_by = "note"
[prices.by_note]
model = "unit"
amount = "1"
"""
LONG = "x" * 201
FUTURE = clock.in_utc(clock.now() + timedelta(days=1))


@dataclass
class Case:
    """An item, and what is answered about it."""

    name: str
    text: bytes
    code: str
    field: str | None
    splits: bool = True
    """Whether an array that holds it can be told apart; if not, the array is refused whole, with the same code."""


def event(**fields: Any) -> dict[str, Any]:
    whole = {"id": "bad", "customer": "acme", "meter": "plain", "quantity": "1"} | fields
    return {name: value for name, value in whole.items() if value is not ...}


def case(code: str, field: str | None, name: str = "", **fields: Any) -> Case:
    label = name or f"{code}:{field}"
    return Case(label, json.dumps(event(id=f"bad {label}"[:150]) | fields).encode(), code, field)


def raw(code: str, field: str | None, text: bytes, *, splits: bool = True) -> Case:
    """Put `text` behind the fields of a good event."""
    start = json.dumps(event(id=f"raw {text[:40]!r}", quantity=...)).encode()[:-1]
    return Case(f"{code}:{text[:40]!r}", start + b", " + text + b"}", code, field, splits)


def call(**fields: Any) -> dict[str, Any]:
    return {"provider": "p", "model": "m"} | fields


def numbers() -> list[Case]:
    """Numbers that aren't, are too many digits, or would break what computes with them."""
    found = [
        raw("quantity_out_of_range", "quantity", b'"quantity": ' + text)
        for text in (b"1e400", b'"1e400"', b"1e15", b"-1e15", b"1" * 5000, b"1e1000000", b'"1e99999999"', b"0e1000000")
    ]
    found += [
        raw("invalid_quantity", "quantity", b'"quantity": ' + text)
        for text in (b'"NaN"', b'"sNaN"', b'"-nan123"', b'"Infinity"', b'"-Infinity"', b'"ten"', b'""', b"true", b"[1]")
    ]
    found += [raw("invalid_json", None, b'"quantity": ' + text, splits=False) for text in (b"NaN", b"-Infinity", b"01")]
    for text in (b"0.0001", b'"1.00001"', b"1e-400", b'"1e-1000000"', b"0." + b"1" * 3000, b"1." + b"0" * 20_000):
        found.append(raw("quantity_too_precise", "quantity", b'"quantity": ' + text))
    return [
        *found,
        case("negative_quantity", "quantity", quantity="-1"),
        case("missing_field", "quantity", quantity=None),
        case("invalid_quantity", "quantity", "count with 2", meter="calls", quantity="2"),
        case("invalid_quantity", "quantity", "count with 0", meter="calls", quantity="0"),
        case("invalid_amount", "amount", meter="taken", amount="NaN"),
        case("invalid_amount", "amount", "amount is a word", meter="taken", amount="much"),
        case("amount_out_of_range", "amount", meter="taken", amount="1e1000000"),
        case("amount_too_precise", "amount", meter="taken", amount="0.0000000000001"),
        case("negative_amount", "amount", meter="taken", amount="-1"),
        case("missing_field", "amount", "percentage without amount", meter="taken"),
        case("invalid_cost", "calls[0].cost", meter="costly", calls=[call(cost="Infinity")]),
        case("negative_cost", "calls[1].cost", meter="costly", calls=[call(cost="1"), call(cost="-1")]),
        case("cost_out_of_range", "calls[0].cost", meter="costly", calls=[call(cost=10**15)]),
        case("cost_too_precise", "calls[0].cost", meter="costly", calls=[call(cost="1e-13")]),
    ]


def texts() -> list[Case]:
    found = [
        case(code, field, f"{field} {value!r:.20}", **{field: value})
        for field in ("id", "customer", "meter", "member", "corrects", "hold")
        for code, value in ((f"invalid_{field}", ""), (f"{field}_too_long", LONG), (f"invalid_{field}", 7))
    ]
    nul = [
        case("invalid_text", field, f"NUL in {field}", **({field: "a\0b"}))
        for field in ("id", "customer", "meter", "member", "corrects", "hold")
    ]
    return [
        *found,
        *nul,
        raw_without("customer"),
        raw_without("id"),
        raw_without("meter"),
        case("invalid_text", "metadata", "NUL in metadata", metadata={"a": ["\0"]}),
        case("invalid_text", "metadata", "NUL in a metadata key", metadata={"\0": 1}),
        case("invalid_text", "dimensions", "NUL in a dimension", dimensions={"job": "\0"}),
        case("invalid_text", "calls", "NUL in a call", calls=[call(usage={"a": "\0"})]),
        raw("invalid_utf8", None, b'"quantity": 1, "member": "\xff"', splits=False),
        raw("invalid_utf8", None, b'"quantity": 1, "member": "\xed\xa0\x80"', splits=False),
        raw("invalid_json", None, b'"quantity": 1, "member": "\\ud800"', splits=False),
        raw("invalid_json", None, b'"quantity": 1, "member": "a\x00b"', splits=False),
        raw("invalid_json", None, b'"quantity": 1, "member": "a', splits=False),
        case("unknown_field", "quantety", quantety=1),
        case("unknown_field", "calls[0].tokens", calls=[call(tokens=1)]),
        Case("NUL in a field's name", json.dumps(event(**{"a\0b": 1})).encode(), "unknown_field", "a�b"),
        case("missing_field", "calls[0].model", calls=[{"provider": "p"}]),
    ]


def raw_without(field: str) -> Case:
    fields = event(id=f"without {field}")
    del fields[field]
    return Case(f"without {field}", json.dumps(fields).encode(), "missing_field", field)


def shapes() -> list[Case]:
    deep = b"[" * 5000 + b"]" * 5000
    found = [Case(f"{text!r}", text, "invalid_event", None) for text in (b'"text"', b"7", b"null", b"[]", b"[1]")]
    return [
        *found,
        Case("a wide object", json.dumps([event()]).encode(), "invalid_event", None),
        raw("invalid_json", None, b'"quantity": 1, "metadata": {"a": ' + deep + b"}", splits=False),
        case("invalid_time", "time", time="yesterday"),
        case("invalid_time", "time", "a number", time=1_700_000_000),
        case("invalid_time", "time", "30 February", time="2026-02-30T00:00:00Z"),
        case("time_without_zone", "time", time="2026-11-01T00:00:00"),
        case("time_without_zone", "calls[0].at", calls=[call(at="2026-11-01T00:00:00")]),
        case("time_in_future", "time", time=FUTURE),
        case("time_in_future", "time", "the last year", time="9999-12-31T23:59:59-12:00"),
        case("time_out_of_range", "time", time="1969-12-31T23:59:59.999999Z"),
        case("time_out_of_range", "time", "the first year", time="0001-01-01T00:00:00+14:00"),
        case("invalid_dimensions", "dimensions", dimensions={"job": 1}),
        case("invalid_dimensions", "dimensions", "a list", dimensions=["job"]),
        case("invalid_dimensions", "dimensions", "an empty name", dimensions={"": "x"}),
        case("dimension_too_long", "dimensions", dimensions={"job": LONG}),
        case("dimension_too_long", "dimensions", "a long name", dimensions={LONG: "x"}),
        case("unknown_dimension", "dimensions.town", dimensions={"job": "1", "town": "x"}),
        case("too_many_dimensions", "dimensions", dimensions={f"d{i}": "x" for i in range(21)}),
        case("invalid_metadata", "metadata", metadata=[1]),
        raw("invalid_metadata", "metadata", b'"quantity": 1, "metadata": {"a": 1e400}'),
        raw("invalid_metadata", "metadata", b'"quantity": 1, "metadata": {"a": ' + b"9" * 5000 + b"}"),
        case("metadata_too_large", "metadata", metadata={"a": "x" * 16 * 1024}),
        case("invalid_calls", "calls", calls={}),
        case("invalid_calls", "calls[0].provider", calls=[call(provider="")]),
        case("invalid_calls", "calls[0].model", "a long model", calls=[call(model=LONG)]),
        case("too_many_calls", "calls", calls=[{"provider": "p", "model": "m"}] * 1001),
    ]


def meanings() -> list[Case]:
    return [
        case("unknown_customer", "customer", customer="nobody"),
        case("unknown_customer", "customer", "blanks", customer=" acme "),
        case("unknown_meter", "meter", meter="nothing"),
        case("customer_archived", "customer", customer="gone"),
        case("currency_mismatch", "customer", meter="euros"),
        case("unknown_hold", "hold", hold="h1"),
        case("unique_value_missing", "member", meter="people", quantity=None),
        case("unique_value_missing", "note", "an object", meter="by_note", quantity=None, metadata={"note": {}}),
        case("unique_value_too_long", "note", meter="by_note", quantity=None, metadata={"note": "é" * 5000}),
        case("unknown_event", "corrects", quantity="-1", corrects="nothing"),
        case("invalid_correction", "corrects", "itself", id="self", quantity="-1", corrects="self"),
        case("invalid_correction", "corrects", "of a correction", quantity="-1", corrects="mended"),
        case("invalid_correction", "meter", "another meter", quantity="-1", corrects="stored", meter="thirds"),
        case("invalid_correction", "time", quantity="-1", corrects="stored", time="2026-11-01T00:00:00Z"),
        case("invalid_correction", "member", quantity="-1", corrects="stored", member="ann"),
        case("invalid_correction", "dimensions", quantity="-1", corrects="stored", dimensions={"job": "1"}),
        case("correction_not_supported", "corrects", meter="peak", quantity="-1", corrects="top"),
        case("correction_exceeds_original", "quantity", quantity="-2.001", corrects="stored"),
        case("correction_exceeds_original", "amount", meter="taken", quantity="0", amount="-9", corrects="paid"),
        case(
            "correction_exceeds_original",
            "calls",
            meter="costly",
            quantity="0",
            corrects="cost",
            calls=[call(cost="-9")],
        ),
        case("event_conflict", "id", id="stored"),
    ]


CASES = [*numbers(), *texts(), *shapes(), *meanings()]
STORED = [
    event(id="stored", quantity="3"),
    event(id="mended", quantity="-1", corrects="stored"),
    event(id="top", meter="peak", quantity="3"),
    event(id="paid", meter="taken", amount="8"),
    event(id="cost", meter="costly", calls=[call(cost="8")]),
]

BODIES = [
    (b"", JSON, 400, "empty_body"),
    (b" \n\t ", JSON, 400, "empty_body"),
    (b"[]", JSON, 400, "empty_batch"),
    (b"", NDJSON, 400, "empty_batch"),
    (b"\n \r\n", NDJSON, 400, "empty_batch"),
    (b"[" + b"1," * 10_000 + b"1]", JSON, 413, "too_many_events"),
    (b"1\n" * 10_001, NDJSON, 413, "too_many_events"),
    (b'"text"', JSON, 400, "invalid_batch"),
    (b"7", JSON, 400, "invalid_batch"),
    (b"nonsense", JSON, 400, "invalid_json"),
    (b"[1, 2", JSON, 400, "invalid_json"),
    (b"[1] 2", JSON, 400, "invalid_json"),
    (b"\xef\xbb\xbf[]", JSON, 400, "invalid_json"),
    (b"[" * 50_000, JSON, 400, "invalid_json"),
    (b"[" * 5_000 + b"]" * 5_000, JSON, 400, "invalid_json"),
    ('[{"id": "a"}]'.encode("utf-16"), JSON, 400, "invalid_utf8"),
    (b'["\xff"]', JSON, 400, "invalid_utf8"),
    (b"{}", {"Content-Type": "text/plain"}, 422, "unsupported_media_type"),
    (b"x" * 10 * 1024 * 1024, JSON, 413, "body_too_large"),
]
