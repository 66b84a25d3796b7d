"""The report of the benchmarks: a section that is measured again replaces its own figures, and nothing else."""

from __future__ import annotations

from bench.report import report

ABOUT = "What is measured.\n\n## Gate\n\nHow the gate is measured.\n\n## Live\n\nWords.\n"
PRESENT = """# Benchmarks

Old words.

## Ingest

Measured on Monday.

| what | figure | compared |
|---|---|---|
| ingest | 5 | |

## Gate

Old words of the gate.

Measured on Monday.

| what | figure | compared |
|---|---|---|
| gate | 7 | |
"""


def test_a_section_that_is_measured_replaces_its_own_figures_alone() -> None:
    found = report(PRESENT, ABOUT, {"Gate": [("gate", "8", "better")]}, "Measured on Tuesday.")
    assert found == report(found, ABOUT, {}, "Measured later.")
    ingest, gate = found.split("\n## ")[1:]
    assert found.startswith("# Benchmarks\n\nWhat is measured.\n\n## Ingest\n\nMeasured on Monday.\n")
    assert "| ingest | 5 | |" in ingest
    assert gate.startswith("Gate\n\nHow the gate is measured.\n\nMeasured on Tuesday.\n\n| what |")
    assert "| gate | 8 | better |" in gate
    assert "| gate | 7 |" not in found


def test_a_section_that_was_never_measured_comes_in_its_place() -> None:
    found = report(PRESENT, ABOUT, {"Live": [("live", "9", "")], "Start": [("start", "1", "")]}, "Measured on Tuesday.")
    assert [each.partition("\n")[0] for each in found.split("\n## ")[1:]] == ["Ingest", "Start", "Gate", "Live"]
