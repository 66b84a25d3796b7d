"""What a prompt says: of a field, as a list, in sentences. Read by its form alone, as no model does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

_READ = 40_000
"""Letters of a prompt that are looked at."""
_WRAPPED = 60
"""A line of so many letters that ends within a sentence goes on in the next one: so PDFs are read."""

_FOUND = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(r"\+?\d[\d ()/-]{6,18}\d"),
    "url": re.compile(r"https?://[^\s<>\"')]+"),
}
"""What is known by its form, for fields whose name ends so."""
_ADDRESS = re.compile(r"@|://")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-\s]+")
_MARK = re.compile(r"^[#*•–-]+\s*")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ENDED = (".", "!", "?", ":", ";")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_LABEL = re.compile(r"^\w+(?: \w+){0,3}:\s+")
_SEPARATOR = re.compile(r"[;•|]|\s·\s")
_HEADINGS = frozenset(
    [
        "about",
        "profile",
        "summary",
        "skills",
        "experience",
        "employment",
        "education",
        "languages",
        "projects",
        "certifications",
        "interests",
    ]
)
"""Where one part of a document ends and the next begins, besides the fields that are asked for."""


def words_of(name: str) -> list[str]:
    """The words of a field's name: ["years", "of", "experience"] for `years_of_experience` and `yearsOfExperience`."""
    return [word.lower() for word in _HUMP.split(name) if word]


class Prompted:
    """A prompt."""

    def __init__(self, text: str) -> None:
        self.text = _in_lines(text[:_READ])
        self.lines = [*_joined(line.strip() for line in self.text.splitlines())]
        said = (part for line in self.lines for part in _SENTENCE.split(_MARK.sub("", line, count=1)))
        several = [one for one in dict.fromkeys(said) if " " in one and not _ADDRESS.search(one)]
        self.sentences = [one for one in several if len(one.split()) > 3 and one[0].isupper() and one[-1] in ".!?"]
        """Whole ones."""
        bare = [one.strip(" .!?") for one in several]
        self.phrases = [one for one in bare if one.count(" ") > 1] or bare or ["the toll keeper"]
        """All that has some words, without its full stop."""

    def found(self, *kinds: str | None) -> str | None:
        """The first thing of one of these kinds that is known by its form: `email`, `phone`, `url`."""
        known = (_FOUND[kind].search(self.text) for kind in kinds if kind in _FOUND)
        return next((found[0] for found in known if found), None)

    def of(self, name: str) -> list[str]:
        """The lines about a field: behind its name and a colon, or below its name as far as the next heading."""
        words = words_of(name)
        if not words:
            return []
        label = re.compile(r"\W*".join(map(re.escape, words)) + r"\s*(?::\s*(.*))?", re.IGNORECASE)
        for i, line in enumerate(self.lines):
            if told := label.fullmatch(_MARK.sub("", line, count=1)):
                return [told[1]] if told[1] else self._below(i)
        longest = max(words, key=len)
        near = (i for i, line in enumerate(self.lines) if longest in _HEADINGS and _heads(line, {longest}))
        return next((self._below(i) for i in near), [])

    def items(self, name: str) -> list[str]:
        """What is listed of a field: parts between empty lines, lines that begin with a year or a mark, or words."""
        lines = self.of(name)
        if "" in lines:
            return ["; ".join(group) for group in _groups(lines, lambda line: not line)]
        if lines and _begins_an_item(lines[0]):
            return [" ".join(group) for group in _groups(lines, _begins_an_item)]
        parts = [part.strip(" .") for line in lines for part in (_SEPARATOR.split(line) if len(lines) == 1 else [line])]
        words = [word.strip(" .") for part in parts for word in _LABEL.sub("", part).split(",") if word.strip(" .")]
        is_list = words and not any(map(_YEAR.search, words)) and sum(map(_length, words)) <= 3 * len(words)
        return words if is_list else [part for part in parts if part]

    def _below(self, heading: int) -> list[str]:
        """As far as the next heading, or another field behind an empty line; else as far as the next empty line."""
        after, before = self.lines[heading + 1 :], self.lines[heading:]
        ends = (i for i, line in enumerate(after) if _heads(line, _HEADINGS) or (not before[i] and _LABEL.match(line)))
        end = next(ends, None)
        text = "\n".join(after[:end]).strip("\n")
        return (text if end is not None else text.partition("\n\n")[0]).split("\n")


def _heads(line: str, headings: set[str] | frozenset[str]) -> bool:
    """Whether it's a heading of few words, one of them among these."""
    words = line.rstrip(":").split()
    return 0 < len(words) <= 3 and not line.endswith((".", ",")) and any(word.lower() in headings for word in words)


def _begins_an_item(line: str) -> bool:
    return bool(_YEAR.match(line) or _MARK.match(line))


def _length(words: str) -> int:
    return len(words.split())


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Lines that were broken to fit a page, whole again."""
    whole: list[str] = []
    for line in lines:
        broken = whole and len(whole[-1]) >= _WRAPPED and not whole[-1].endswith(_ENDED)
        if whole and not (broken and line and not _heads(line, _HEADINGS) and not _begins_an_item(line)):
            yield " ".join(whole)
            whole = []
        whole.append(line)
    yield " ".join(whole)


def _groups(lines: Sequence[str], begins: Callable[[str], bool]) -> Iterator[list[str]]:
    """The lines, without marks and empty ones, in groups that begin so."""
    group: list[str] = []
    for line in lines:
        if begins(line) and group:
            yield group
            group = []
        group += [_MARK.sub("", line, count=1)] if line else []
    yield group


def _in_lines(text: str) -> str:
    """A JSON object as a document with headings; any other text as it is."""
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(told, dict):
        return text
    told = [(key, value) for key, value in told.items() if value]
    parts = ((key, [f"- {each}" for each in value] if isinstance(value, list) else [str(value)]) for key, value in told)
    return "\n".join("\n".join([key, *lines, ""]) for key, lines in parts)
