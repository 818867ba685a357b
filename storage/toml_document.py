"""A TOML document that is walked key by key: an error names the key, its line and the nearest right key."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from storage.duration import duration
from storage.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """One document; knows its text so that errors can name lines, and ``source``, which they name first."""

    text: str
    source: str

    def keys(
        self,
        table: object,
        known: Mapping[str, type],
        section: str,
        required: tuple[str, ...] = (),
        index: int = 0,
    ) -> None:
        """Every key is known and of the right type, and the required ones are there."""
        if not isinstance(table, Mapping):
            self.fail(section, "", f"must be a table, as in [{section}]")
        for key, value in table.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                right = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                self.fail(key, section, f"there is no such key; {right}", index)
            wanted = known[key]
            numeric = wanted is float and isinstance(value, int | float) and not isinstance(value, bool)
            if not numeric and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
                self.fail(key, section, f"must be {_WORDS[wanted]}, not {value!r}", index)
        for key in required:
            if key not in table:
                self.fail(section or key, "", f"{key!r} is required here", index)

    def tables(self, document: Mapping[str, Any], key: str) -> list[Any]:
        """A list of tables, empty when there is none."""
        values = document.get(key, [])
        if not all(isinstance(value, Mapping) for value in values):
            self.fail(key, "", f"must be a list of tables, as in [[{key}]]")
        return list(values)

    def texts(self, table: Mapping[str, Any], key: str, section: str, index: int = 0) -> tuple[str, ...]:
        """A list of texts, empty when there is none."""
        values = table.get(key, [])
        if not all(isinstance(value, str) for value in values):
            self.fail(key, section, "must be a list of texts", index)
        return tuple(values)

    def number(
        self, table: Mapping[str, Any], key: str, section: str, least: float, most: float, index: int = 0
    ) -> float | None:
        """A number strictly between ``least`` and ``most``, None when there is none."""
        if key not in table:
            return None
        value = float(table[key])
        if not least < value < most:
            bound = f"above {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
            self.fail(key, section, f"must be {bound}, not {value:g}", index)
        return value

    def at_least(
        self, table: Mapping[str, Any], keys: Iterable[str], section: str, least: float, index: int = 0
    ) -> None:
        """Every number of these keys that is there is ``least`` or more, and finite."""
        for key in keys:
            if not least <= float(table.get(key, least)) < math.inf:
                self.fail(key, section, f"must be at least {least:g}", index)

    def duration(
        self, table: Mapping[str, Any], key: str, section: str, default: timedelta | None, index: int = 0
    ) -> timedelta | None:
        """A text such as 3h as a span of time."""
        if key not in table:
            return default
        try:
            return duration(table[key])
        except ValueError as error:
            self.fail(key, section, str(error), index)

    def one_of(self, value: object, known: tuple[str, ...], key: str, section: str, index: int = 0) -> None:
        """The value is one of those known."""
        if value not in known:
            near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
            right = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
            self.fail(key, section, f"{value!r} is not known; {right}", index)

    def unique(self, names: list[str], section: str) -> None:
        """No name stands there twice."""
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            self.fail("name", section, f"{twice!r} stands there twice", names.index(twice))

    def fail(self, key: str, section: str, what: str, index: int = 0) -> NoReturn:
        """Raise what is wrong, with line and key."""
        where = f"[{section}] {key}" if section else key
        raise ModelFileError(f"{self.source}, line {self.line(key, section, index)}, key {where}: {what}")

    def line(self, key: str, section: str, index: int) -> int:
        """The line of ``key`` in the ``index``-th table named ``section``, or that table's own line."""
        start, seen, found = 1, -1, section == ""
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}", line)
            if header:
                if found and section:
                    break
                name = header[1].strip("\"'")
                seen += name == section
                found = bool(section) and name == section and seen == index
                start = number if found or (not section and name == key) else start
                if not section and name == key:
                    return number
            elif found and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return start


_WORDS = {
    str: "a text in quotes", bool: "true or false", int: "a whole number", float: "a number",
    list: "a list in brackets", dict: "a table",
}  # fmt: skip
