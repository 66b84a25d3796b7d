"""The command, as somebody starts it in a terminal; and the page's examples, run as they stand there."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tollkeeper.errors import InvalidInput
from tollkeeper.simulator import Discrepancy
from tollkeeper.simulator.script import Step, step_of

PAGE = (Path(__file__).parents[2] / "docs/reference/simulator.md").read_text()


def test_it_serves_until_it_is_stopped(hello: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "tollkeeper", "simulate-provider", "--port", "0", "--seed", "5", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            assert told["url"].startswith("http://127.0.0.1:")
            assert told["seed"] == 5
            with OpenAI(base_url=told["openai_base_url"], api_key="sk-proj-acme-1") as client:
                assert client.chat.completions.create(**hello).choices
        finally:
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    "options", [["--error-rate", "2"], ["--error-rate", "x"], ["--discrepancy", "price:x"], ["--discrepancy", "late:1"]]
)
def test_options_that_mean_nothing_are_refused(options: list[str]) -> None:
    command = [sys.executable, "-m", "tollkeeper", "simulate-provider", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, json.loads(done.stderr)["code"]) == (1, "invalid_option")


def test_discrepancies_are_read() -> None:
    found = Discrepancy.parse(["price:gpt-4o:1.02", "price:gpt-4o-mini:0.5", "unreported:2", "phantom:3"])
    assert (found.unreported, found.phantom) == (2, 3)
    names = ("gpt-4o-2024-08-06", "gpt-4o-mini", "o3")
    assert [found.factor(name) for name in names] == [Decimal("1.02"), Decimal("0.5"), 1]
    with pytest.raises(InvalidInput):
        Discrepancy.parse(["phantom"])


def test_the_pages_example_runs() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(code, "simulator.md", "exec"), {})


def test_the_page_tells_every_field_of_a_step() -> None:
    for name in Step.__dataclass_fields__:
        assert f"`{name}`" in PAGE
    (steps,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len([step_of(each) for each in json.loads(steps)]) == 3
