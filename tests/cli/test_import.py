"""Importing files: what each format means, what is refused, and the summary."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Toll

Write = Callable[[str, str | bytes], Path]

CSV = """\
id,customer,meter,quantity,time,member,dimensions.job,metadata.note
a-1,acme,cv_parse,1,2026-03-01T10:00:00Z,ada,"Cook, sous",
a-2,acme,cv_parse,2.5,2026-03-02T10:00:00+02:00,,,"said ""hi"", twice"
b-1,globex,token,1500,2026-03-03T10:00:00Z,,,
"""


def test_csv(toll: Toll, write: Write) -> None:
    ran = toll("import", write("usage.csv", CSV), "--json")
    assert ran.status == 0
    expected = {"rows": 3, "accepted": 3, "duplicates": 0, "conflicts": 0, "rejected": 0, "unpriced": 0}
    assert ran.json | expected == ran.json
    # 3.5 × 0.50; 1000 × 0.01 + 500 × 0.005
    assert ran.json["charges"] == {"USD": "14.25"}
    [second, first] = toll("events", "list", "--customer", "acme", "--json").json
    assert (first["member"], first["dimensions"], first["metadata"]) == ("ada", {"job": "Cook, sous"}, None)
    assert (second["quantity"], second["time"]) == ("2.5", "2026-03-02T08:00:00Z")
    assert (second["member"], second["dimensions"], second["metadata"]) == (None, {}, {"note": 'said "hi", twice'})


def test_summary_for_people(toll: Toll, write: Write) -> None:
    ran = toll("import", write("usage.csv", CSV))
    assert "accepted    3\n" in ran.out
    assert "14.25 USD" in ran.out
    assert "events/s" in ran.out
    again = toll("import", write("usage.csv", CSV))
    assert again.status == 0
    assert "--restart" in again.out


def test_importing_again_changes_nothing(toll: Toll, write: Write) -> None:
    file = write("usage.csv", CSV)
    toll("import", file)
    elsewhere = toll("import", write("renamed.csv", CSV), "--json").json
    assert (elsewhere["rows"], elsewhere["earlier"]) == (0, {"rows": 3, "refused": 0})
    assert elsewhere["finished_before"]
    restarted = toll("import", file, "--restart", "--json").json
    assert (restarted["rows"], restarted["duplicates"], restarted["charges"]) == (3, 3, {})
    read_otherwise = toll("import", file, "--ignore", "metadata.note", "--json").json
    assert (read_otherwise["duplicates"], read_otherwise["conflicts"]) == (2, 1)
    assert toll("verify").status == 0


def test_ndjson_keeps_every_digit(toll: Toll, write: Write) -> None:
    lines = [
        '{"id": "1", "customer": "acme", "meter": "cv_parse", "quantity": 100000000000000.000001}',
        "",
        '{"id": "2", "customer": "acme", "meter": "token", "quantity": "3", "dimensions": {"model": "m"}}',
    ]
    file = write("usage.jsonl", b"\xef\xbb\xbf" + "\n".join(lines).encode())
    assert toll("import", file, "--json").json["accepted"] == 2
    assert toll("events", "show", "1", "--customer", "acme", "--json").json["quantity"] == "100000000000000.000001"


def test_ndjson_with_mapping(toll: Toll, write: Write) -> None:
    line = {
        "request_id": "r1",
        "tokens": "<number>",
        "at": "2026-07-01T09:30:00",
        "model": "m-1",
        "metadata": {"trace": "t"},
        "host": "h",
        "member": None,
        "internal": 1,
    }
    text = json.dumps(line).replace('"<number>"', "100000000000000.000001")
    ran = toll(
        *("import", write("usage.ndjson", text), "--map", "request_id=id", "--map", "tokens=quantity"),
        *("--map", "at=time", "--map", "model=dimensions.model", "--map", "host=metadata.host"),
        *("--set", "customer=acme", "--set", "meter=token", "--set", "metadata.source=logs", "--ignore", "internal"),
        *("--timezone", "Europe/Berlin", "--json"),
    )
    assert ran.json["accepted"] == 1, ran.out
    event = toll("events", "show", "r1", "--customer", "acme", "--json").json
    assert event["quantity"] == "100000000000000.000001"
    assert event["time"] == "2026-07-01T07:30:00Z"
    assert event["dimensions"] == {"model": "m-1"}
    assert event["metadata"] == {"trace": "t", "host": "h", "source": "logs"}


def test_gzip_whatever_it_is_called(toll: Toll, write: Write) -> None:
    assert toll("import", write("usage.csv.gz", gzip.compress(CSV.encode())), "--json").json["accepted"] == 3
    assert toll("import", write("usage.csv", gzip.compress(CSV.encode(), 1)), "--json").json["duplicates"] == 3


def test_gzip_that_breaks_off_keeps_what_came_before(toll: Toll, write: Write) -> None:
    rows = "".join(f"{n},acme,cv_parse,1\n" for n in range(12_000))
    whole = gzip.compress(f"id,customer,meter,quantity\n{rows}".encode())
    ran = toll("import", write("usage.csv.gz", whole[:-5000]), "--json")
    assert (ran.status, ran.error) == (1, "file_unreadable")
    assert len(toll("events", "list", "--customer", "acme", "--limit", 20_000, "--json").json) % 5000 == 0


def test_standard_input(toll: Toll) -> None:
    assert toll("import", "-", "--format", "csv", "--json", stdin=CSV.encode()).json["accepted"] == 3
    assert toll("import", "-", "--format", "csv", "--json", stdin=CSV.encode()).json["duplicates"] == 3
    assert toll("import", "-", "--json").error == "unknown_format"
    assert toll("import", "-", "--format", "parquet", "--json").error == "file_unreadable"
    assert toll("import", "-", "--format", "csv", "--number-rows", "--json").error == "id_prefix_missing"


def test_rows_without_an_id(toll: Toll, write: Write) -> None:
    file = write("usage.csv", "customer,meter,quantity\nacme,cv_parse,1\nacme,cv_parse,1\n")
    refused = toll("import", file, "--json")
    assert refused.status == 2
    assert refused.json["rejected_by_code"] == {"missing_field": 2}
    numbered = toll("import", file, "--number-rows", "--json").json
    assert (numbered["accepted"], numbered["charges"]) == (2, {"USD": "1"})
    ids = sorted(event["id"] for event in toll("events", "list", "--customer", "acme", "--json").json)
    assert [each[-2:] for each in ids] == ["-1", "-2"]
    # The ids follow from the file, so another way of reading it finds the same events.
    assert toll("import", file, "--number-rows", "--ignore", "quantity", "--set", "quantity=1", "--json").json[
        "duplicates"
    ] == 2  # fmt: skip
    assert toll("import", file, "--number-rows", "--id-prefix", "march/", "--json").json["accepted"] == 2
    assert toll("events", "show", "march/2", "--customer", "acme").status == 0


def test_times_without_a_zone(toll: Toll, write: Write) -> None:
    file = write("usage.csv", "id,customer,meter,quantity,time\n1,acme,cv_parse,1,2026-07-01 00:30:00\n")
    assert toll("import", file, "--json").json["rejected_by_code"] == {"time_without_zone": 1}
    assert toll("import", file, "--timezone", "Europe/Berlin", "--json").json["accepted"] == 1
    assert toll("events", "show", "1", "--customer", "acme", "--json").json["time"] == "2026-06-30T22:30:00Z"
    assert toll("import", file, "--timezone", "Mars/Base", "--json").error == "unknown_timezone"


def test_refused_rows_wait_in_quarantine_and_are_replayed(toll: Toll, write: Write) -> None:
    text = (
        "id,customer,meter,quantity\n1,newcomer,cv_parse,2\n2,acme,nonsense,1\n3,acme,cv_parse,x\n4,acme,cv_parse,1\n"
    )
    ran = toll("import", write("usage.csv", text))
    assert ran.status == 2
    assert "rejected    3  (" in ran.out
    assert "tollkeeper quarantine list" in ran.out
    codes = {item["event_id"]: item["code"] for item in toll("quarantine", "list", "--json").json}
    assert codes == {"1": "unknown_customer", "2": "unknown_meter", "3": "invalid_quantity"}

    toll("customers", "put", "newcomer")
    replayed = toll("quarantine", "replay", "--all", "--code", "unknown_customer", "--json")
    assert replayed.status == 0
    assert [(one["id"], one["status"], one["charge"]) for one in replayed.json] == [("1", "accepted", "1")]
    assert toll("verify").status == 0


def test_a_bad_row_takes_no_other_with_it(toll: Toll, write: Write) -> None:
    bad = {
        b"1,acme,cv_parse": "wrong_number_of_cells",
        b"2,acme,cv_parse,1,": "wrong_number_of_cells",
        b"3,acme,cv_parse\xff,1": "invalid_utf8",
        b"4,acme,cv_\x00parse,1": "invalid_text",
        b"5,acme,cv_parse,NaN": "invalid_quantity",
        b'6,acme,cv_parse,"1,5"': "invalid_quantity",
        b"7,acme,cv_parse,": "missing_field",
    }
    rows = [row for each in bad for row in (each, each[:1] + b"-good,acme,cv_parse,1")]
    ran = toll("import", write("usage.csv", b"\n".join([b"id,customer,meter,quantity", *rows])), "--json")
    assert ran.status == 2
    assert ran.json["accepted"] == len(bad)
    assert ran.json["rejected_by_code"] == Counter(bad.values())
    assert Counter(item["code"] for item in toll("quarantine", "list", "--json").json) == Counter(bad.values())


def test_a_bad_line_takes_no_other_with_it(toll: Toll, write: Write) -> None:
    good = b'{"rid": "%d", "customer": "acme", "meter": "cv_parse", "quantity": 1}'
    bad = {
        b"[1]": "invalid_event",
        b"{": "invalid_json",
        b'{"id": "1\xff"}': "invalid_utf8",
        b'{"rid": "1", "id": "2", "customer": "acme", "meter": "cv_parse", "quantity": 1}': "field_given_twice",
        b'{"rid": "1", "customer": "acme", "meter": "cv_parse", "quantity": 1, "colour": 2}': "unknown_field",
    }
    lines = [line for n, each in enumerate(bad) for line in (each, good % n)]
    ran = toll("import", write("usage.ndjson", b"\n".join(lines)), "--map", "rid=id", "--json")
    assert (ran.status, ran.json["accepted"]) == (2, len(bad))
    assert ran.json["rejected_by_code"] == Counter(bad.values())


def test_files_that_cannot_be_understood(toll: Toll, write: Write) -> None:
    cases = [
        ("id,customer,colour\n", [], "unknown_column"),
        ("id,customer\n", ["--map", "nowhere=meter"], "unknown_column"),
        ("id,customer\n", ["--map", "id=colour"], "unknown_field"),
        ("id,customer,customer\n", [], "field_given_twice"),
        ("id,customer\n", ["--set", "customer=acme"], "field_given_twice"),
        ("id,customer\n", ["--set", "colour=red"], "unknown_field"),
        ("id\n", ["--set", "customer"], "invalid_option"),
        ("id\n", ["--map", "id=id", "--map", "id=member"], "invalid_option"),
        ("id\n", ["--id-prefix", "x"], "invalid_option"),
        ('id,customer,meter,quantity\n1,"acme,cv_parse,1\n', [], "invalid_csv"),
    ]
    for text, options, code in cases:
        ran = toll("import", write("usage.csv", text), *options, "--json")
        assert (ran.status, ran.error) == (1, code), (text, options)


def test_a_column_of_calls_is_told_where_calls_go(toll: Toll, write: Write) -> None:
    ran = toll("import", write("usage.csv", "id,customer,calls\n"), "--json")
    assert (ran.status, ran.error) == (1, "unknown_column")
    assert "NDJSON" in ran.out + ran.err
    assert "metadata" not in ran.out + ran.err


def test_files_that_are_not_there(toll: Toll, tmp_path: Path) -> None:
    assert toll("import", tmp_path / "none.csv", "--json").error == "file_unreadable"
    assert toll("import", tmp_path, "--format", "csv", "--json").error == "file_unreadable"
    (tmp_path / "usage.txt").touch()
    assert toll("import", tmp_path / "usage.txt", "--json").error == "unknown_format"
    assert toll("import", tmp_path / "usage.txt", "--format", "csv", "--json").json["rows"] == 0
    assert toll("import", tmp_path / "usage.txt", "--format", "parquet", "--json").error == "invalid_parquet"
