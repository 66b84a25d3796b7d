"""What the models say where a JSON schema is to be kept: what the prompt says of a field, else words of the prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tollkeeper.simulator.prompted import Prompted, words_of
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
_WORDS_AT_MOST = 25
"""Of what is quoted."""
_SENTENCES = 3
"""Of a summary."""

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
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SUMMARIES = frozenset({"summary", "abstract", "assessment", "feedback", "conclusion"})
_REPLIES = frozenset({"reply", "answer", "response"})
_QUESTIONS = (
    "what does that mean to you?",
    "when have you done that, and what came of it?",
    "what is the hardest part of that?",
    "what would you do first?",
    "how do you notice that it goes wrong?",
    "how would you explain that to somebody new?",
    "what would you ask us about that?",
)


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
        self._text = prompt
        self._prompt = Prompted(prompt)
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
        """The first that the prompt names, or shares most words with; else the first."""
        said = {*re.findall(r"\w+", self._prompt.text.lower())}
        named = [sum(word in said for word in words_of(str(each))) for each in values]
        return values[named.index(max(named))]

    def _object(self, schema: Schema, name: str, path: str, depth: int) -> dict[str, Any]:
        parts: Schema = schema.get("properties", {})
        return {key: self.value(each, key, f"{path}/{key}", depth) for key, each in parts.items()}

    def _array(self, schema: Schema, name: str, path: str, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        items = self._referred(schema.get("items", {"type": "string"}))
        listed: list[str] = []
        if items.get("type") == "string" and not items.get("enum"):
            listed = [_kept(part, items) for part in self._prompt.items(name)]
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
            return least + number_of(self._seed, self._text, path) % (int(most) - int(least) + 1)
        return least

    def _string(self, schema: Schema, name: str, path: str, depth: int) -> str:
        form, words = schema.get("format"), words_of(name)
        last = words[-1] if words else ""
        if found := self._prompt.found(form, last):
            return _kept(found, schema)
        if form in _FORMATS:
            return _FORMATS[form]
        return _kept(self._told(name) or self._made_up(last, path), schema)

    def _made_up(self, last: str, path: str) -> str:
        """What the prompt doesn't say, from its words: `last` is the last word of the field's name."""
        prompt, heading = self._prompt, path.count("/") == 1
        if last == "name":
            return next((line for line in prompt.lines if line), "")[:60] or self._phrase(path)
        if last in ("headline", "title") and heading:
            return next((line.split("|")[0].strip() for line in [*filter(None, prompt.lines)][1:2]), self._phrase(path))
        if last.startswith("question"):
            return self._question(path)
        if last in _SUMMARIES and not prompt.text.strip():
            return "Nothing was said."
        if last in _SUMMARIES and prompt.sentences:
            return " ".join(prompt.sentences[:_SENTENCES])
        if last in _REPLIES:
            said = " ".join(prompt.text.split())
            return f"“{said}” " + ("Let me look that up." if said.endswith("?") else "Noted. Is that all?")
        return self._phrase(path)

    def _phrase(self, path: str) -> str:
        """One of the prompt's; the items of an array have different ones, as long as there are some."""
        phrases = self._prompt.phrases
        first, index = self._place(path)
        told = _cut(phrases[(first + index) % len(phrases)])
        return told[:1].upper() + told[1:]

    def _question(self, path: str) -> str:
        """A question about one of the prompt's phrases; no two of an array are alike, as long as there are some."""
        phrases = self._prompt.phrases
        first, index = self._place(path)
        rounds, index = divmod(index, len(phrases))
        asked = _QUESTIONS[(first + index + 2 * rounds) % len(_QUESTIONS)]
        return f"“{_cut(phrases[index])}”: {asked}"

    def _place(self, path: str) -> tuple[int, int]:
        """A number that follows from the field and the prompt; and which item of its arrays it is."""
        steps = path.split("/")
        first = number_of(self._seed, self._text, *(step for step in steps if not step.isdecimal()))
        return first, sum(int(step) for step in steps if step.isdecimal())

    def _told(self, name: str) -> str:
        """What the prompt says of a field."""
        return " ".join(self._prompt.of(name))[:400].strip()


def _cut(text: str) -> str:
    """At most some words of it."""
    words = text.split()
    return text if len(words) <= _WORDS_AT_MOST else " ".join(words[:_WORDS_AT_MOST]) + " …"


def _kept(text: str, schema: Schema) -> str:
    """The text, as short and as long as the schema wants it."""
    text = text[: schema.get("maxLength", len(text))]
    return text.ljust(schema.get("minLength", 0), ".")
