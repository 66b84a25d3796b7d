"""Where each key of a TOML text stands: `tomllib` gives values without lines, and an error without a line is a search.

Keys are written as people would say them: `prices.cv_parse[1].tiers[0].up_to`, counted from 0, quoted where TOML needs
it. Only for text that `tomllib` has accepted: the scanner finds its way through strings, inline tables and arrays, and
leaves every judgement to the parser.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BASIC, _LITERAL = r'"(?:[^"\\\n]|\\.)*"', r"'[^'\n]*'"
_NAME = re.compile(rf"[A-Za-z0-9_-]+|{_BASIC}|{_LITERAL}")
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# A multi-line string may end in five quotes: two of its own before the three that close it.
_STRING = re.compile(
    rf'"""(?:[^\\]|\\.)*?"{{3,5}}(?!")|\'\'\'.*?\'{{3,5}}(?!\')|{_BASIC}|{_LITERAL}',
    re.DOTALL,
)
_OTHER_VALUE = re.compile(r"[^,\]}#\n]+")


def join(path: str, name: str) -> str:
    """The key `name` inside the table `path`."""
    shown = name if _BARE_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return f"{path}.{shown}" if path else shown


class Lines:
    """The line of each key of one text."""

    def __init__(self, text: str = "") -> None:
        self._found = _Scanner(text).scan()

    def of(self, key: str) -> int:
        """The line of `key`; for a key that is missing, that of the table it should be in; 1 at last."""
        if key in self._found:
            return self._found[key]
        end = len(key)
        while (end := max(key.rfind(".", 0, end), key.rfind("[", 0, end))) > 0:
            if key[:end] in self._found:
                return self._found[key[:end]]
        return 1


class _Scanner:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._found: dict[str, int] = {}
        self._last_of_array: dict[str, int] = {}

    def scan(self) -> dict[str, int]:
        table = ""
        while self._skip_blank():
            if self._take("[["):
                table = self._header(array=True)
                self._take("]]")
            elif self._take("["):
                table = self._header(array=False)
                self._take("]")
            else:
                self._pair(table)
        return self._found

    def _header(self, *, array: bool) -> str:
        """The path that a table header opens; inside an array of tables, that of its last table so far."""
        names = self._names()
        path = ""
        for i, (name, at) in enumerate(names):
            path = join(path, name)
            self._note(path, at)
            if array and i == len(names) - 1:
                self._last_of_array[path] = self._last_of_array.get(path, -1) + 1
            if path in self._last_of_array:
                path = f"{path}[{self._last_of_array[path]}]"
                self._note(path, at)
        return path

    def _pair(self, table: str) -> None:
        path = table
        for name, at in self._names():
            path = join(path, name)
            self._note(path, at)
        self._take("=")
        self._value(path)

    def _names(self) -> list[tuple[str, int]]:
        """A dotted key: its parts, each with its offset."""
        names: list[tuple[str, int]] = []
        while True:
            self._skip_blank()
            at = self._at
            raw = self._match(_NAME)
            quoted = raw[0] in "\"'"
            names.append((tomllib.loads(f"name = {raw}")["name"] if quoted else raw, at))
            self._skip_blank()
            if not self._take("."):
                return names

    def _value(self, path: str) -> None:
        self._skip_blank()
        if self._take("["):
            self._items(path)
        elif self._take("{"):
            while self._more("}"):
                self._pair(path)
        elif self._text[self._at] in "\"'":
            self._match(_STRING)
        else:
            self._match(_OTHER_VALUE)

    def _items(self, path: str) -> None:
        count = 0
        while self._more("]"):
            item = f"{path}[{count}]"
            self._note(item, self._at)
            self._value(item)
            count += 1

    def _more(self, end: str) -> bool:
        """Whether another item follows before `end`; its comma and blanks are passed over."""
        self._skip_blank()
        self._take(",")
        self._skip_blank()
        return not self._take(end)

    def _skip_blank(self) -> bool:
        """Passes over blanks and comments; whether anything is left."""
        self._match(_BLANK)
        return self._at < len(self._text)

    def _take(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"no TOML at offset {self._at}")
        self._at = match.end()
        return match.group()

    def _note(self, path: str, at: int) -> None:
        """The first mention counts: where the reader would look."""
        self._found.setdefault(path, bisect_right(self._newlines, at) + 1)
