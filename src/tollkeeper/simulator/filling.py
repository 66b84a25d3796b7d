"""What the models say where a JSON schema is to be kept: what the prompt says of a field, else words of the prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tollkeeper.simulator.tokens import pieces
from tollkeeper.simulator.words import number_of

Schema = Mapping[str, Any]

_ITEMS = 3
"""Of an array that says nothing about it and that the prompt doesn't list."""
_DEEP = 4
"""Arrays within so many others are as short as may be, or recursive schemas would never end."""
_ENDLESS = 30
"""Objects within so many others, and references to references, which no document can satisfy."""
_MOST = 2_000
"""Values in a document; behind them arrays are as short as may be."""
_WORDS_AT_MOST = 8
_READ = 40_000
"""Letters of a prompt that are looked at."""

_FORMATS = {
    "date": "2026-01-31",
    "time": "09:30:00Z",
    "date-time": "2026-01-31T09:30:00Z",
    "duration": "PT15M",
    "email": "keeper@toll.example",
    "hostname": "toll.example",
    "uri": "https://toll.example/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_FOUND = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(r"\+?\d[\d ()/-]{6,18}\d"),
    "url": re.compile(r"https?://[^\s<>\"')]+"),
}
"""What is known by its form, for fields whose name ends so."""
_ADDRESS = re.compile(r"@|://")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-\s]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PART = re.compile(r"[,;•|]|\s·\s")


def shaped(schema: Schema, seed: int, prompt: str) -> list[str]:
    """The tokens of a JSON document that the schema allows."""
    return pieces(json.dumps(filled(schema, seed, prompt), ensure_ascii=False))


def filled(schema: Schema, seed: int, prompt: str) -> Any:
    """A value that the schema allows: always the same to the same prompt and seed."""
    return _Filling(schema, seed, prompt).value(schema, "", "", 0)


class _Filling:
    """One document. Fields are told apart by their path, so that each has words of its own."""

    def __init__(self, whole: Schema, seed: int, prompt: str) -> None:
        self._whole = whole
        self._seed = str(seed)
        self._prompt = prompt
        self._lines = [line.strip(" \t\r#*•-") for line in prompt[:_READ].splitlines()]
        said = (part.strip() for line in self._lines for part in re.split(r"[.,;:!?•|()]\s", f"{line} "))
        phrases = list(dict.fromkeys(part for part in said if " " in part and not _ADDRESS.search(part)))
        self._phrases = [part for part in phrases if part.count(" ") > 1] or phrases or ["the toll keeper"]
        self._made = 0

    def value(self, schema: Schema, name: str, path: str, depth: int) -> Any:
        self._made += 1
        schema = self._referred(schema)
        if path.count("/") > _ENDLESS:
            return None
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if schema.get("enum"):
            return self._one_of(schema["enum"])
        for key in ("anyOf", "oneOf", "allOf"):
            if schema.get(key):
                options = [each for each in schema[key] if self._referred(each).get("type") != "null"] or schema[key]
                return self.value(options[0], name, path, depth)
        kinds = schema.get("type", "object")
        kinds = [kinds] if isinstance(kinds, str) else [each for each in kinds if each != "null"] or ["null"]
        make: dict[str, Callable[[Schema, str, str, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "integer": self._number,
            "number": self._number,
            "string": self._string,
        }
        made = make.get(kinds[0])
        return {"boolean": False}.get(kinds[0]) if made is None else made(schema, name, path, depth)

    def _referred(self, schema: Schema) -> Schema:
        """The schema that a `$ref` stands for."""
        for _ in range(_ENDLESS):
            if not isinstance(schema.get("$ref"), str):
                break
            found: Any = self._whole
            for part in schema["$ref"].removeprefix("#").strip("/").split("/"):
                found = found.get(part, {}) if part else found
            schema = found
        return schema

    def _one_of(self, values: Sequence[Any]) -> Any:
        """The first that the prompt names; else the first."""
        said = self._prompt[:_READ].lower()
        return next((each for each in values if isinstance(each, str) and each and each.lower() in said), values[0])

    def _object(self, schema: Schema, name: str, path: str, depth: int) -> dict[str, Any]:
        parts: Schema = schema.get("properties", {})
        return {key: self.value(each, key, f"{path}/{key}", depth) for key, each in parts.items()}

    def _array(self, schema: Schema, name: str, path: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        items = self._referred(schema.get("items", {"type": "string"}))
        listed: list[str] = []
        if items.get("type") == "string" and not items.get("enum"):
            listed = [_kept(part.strip(" ."), items) for part in _PART.split(self._told(name)) if part.strip(" .")]
        count = len(listed) or _ITEMS
        count = max(count if depth < _DEEP and self._made < _MOST else 0, least)
        count = count if most is None else min(count, most)
        made = [self.value(items, name, f"{path}/{i}", depth + 1) for i in range(len(listed), count)]
        return [*listed[:count], *made]

    def _number(self, schema: Schema, name: str, path: str, depth: int) -> int | float:
        whole = schema.get("type") != "number"
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        most = schema.get("maximum", schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else None)
        if told := _NUMBER.search(self._told(name)):
            said = int(float(told[0])) if whole else float(told[0])
            if least <= said and (most is None or said <= most):
                return said
        if whole and most is not None and most > least:
            return least + number_of(self._seed, self._prompt, path) % (int(most) - int(least) + 1)
        return least

    def _string(self, schema: Schema, name: str, path: str, depth: int) -> str:
        form = schema.get("format")
        words = [word.lower() for word in _HUMP.split(name) if word]
        last = words[-1] if words else ""
        if found := next((_FOUND[key].search(self._prompt[:_READ]) for key in (form, last) if key in _FOUND), None):
            return _kept(found[0], schema)
        if form in _FORMATS:
            return _FORMATS[form]
        told = self._told(name)
        if not told and last == "name":
            told = next((line for line in self._lines if line), "")[:60]
        if not told:
            told = " ".join(self._phrase(path).split()[:_WORDS_AT_MOST])
            told = told[:1].upper() + told[1:] + ("?" if last.startswith("question") else "")
        return _kept(told, schema)

    def _phrase(self, path: str) -> str:
        """One of the prompt's; the items of an array have different ones, as long as there are some."""
        steps = path.split("/")
        first = number_of(self._seed, self._prompt, *(step for step in steps if not step.isdecimal()))
        return self._phrases[(first + sum(int(step) for step in steps if step.isdecimal())) % len(self._phrases)]

    def _told(self, name: str) -> str:
        """What the prompt says of a field: behind its name and a colon, or in the line below it."""
        label = r"\W*".join(re.escape(word) for word in _HUMP.split(name) if word)
        if not label:
            return ""
        labelled = re.compile(rf"{label}\s*(?::\s*(.*))?", re.IGNORECASE)
        for i, line in enumerate(self._lines):
            if found := labelled.fullmatch(line):
                below = next((each for each in self._lines[i + 1 : i + 3] if each), "")
                return (found[1] or below)[:200].strip()
        return ""


def _kept(text: str, schema: Schema) -> str:
    """The text, as short and as long as the schema wants it."""
    text = text[: schema.get("maxLength", len(text))]
    return text.ljust(schema.get("minLength", 0), ".")
