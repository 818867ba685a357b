"""Which objects a JSON lines file nests, and so which dotted columns it has: learned piece by piece.

An object is opened into columns when everything ever found in its place is an object (or nothing); anything else beside
it closes it for good, and the place is one column of JSON text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from storage.errors import SourceError
from storage.logs.dialect import MAX_COLUMNS
from storage.logs.quoting import sql_text as text

Way = tuple[str, ...]
DEEPEST = 16


@dataclass(slots=True)
class Structure:
    """Leaves and opened objects, as they were first met.

    Attributes:
        path: of the file, for messages.
        leaves: keys that lead to each column.
        opened: objects that are taken apart; the row itself is the empty way.
        closed: places that hold objects and other values.
        named: the column of each leaf, kept when later keys would have had the name.
    """

    path: str
    leaves: dict[Way, None] = field(default_factory=dict)
    opened: set[Way] = field(default_factory=lambda: {()})
    closed: set[Way] = field(default_factory=set)
    named: dict[Way, str] = field(default_factory=dict)

    def columns(self) -> dict[str, Way]:
        """Dotted column name -> keys that lead there; names that meet, in whatever case, are numbered."""
        seen = {"__line", "__file", "__row", *(column.casefold() for column in self.named.values())}
        ordered = _side_by_side(list(self.leaves), 0)
        for way in ordered:
            if way not in self.named:
                dotted, again = ".".join(way), 2
                column = dotted
                while column.casefold() in seen:
                    column, again = f"{dotted}_{again}", again + 1
                seen.add(column.casefold())
                self.named[way] = column
        return {self.named[way]: way for way in ordered}

    def transform(self, types: dict[Way, str]) -> tuple[str, set[Way]]:
        """Structure for json_transform, quoted for SQL, and leaves it can't hold: keys that differ in case only.

        A leaf of no given type is a text.
        """
        nested: dict[str, object] = {}
        spelled: dict[Way, str] = {}
        aside: set[Way] = set()
        for way in self.leaves:
            folded = tuple(key.casefold() for key in way)
            if any(spelled.setdefault(folded[: i + 1], key) != key for i, key in enumerate(way)):
                aside.add(way)
                continue
            inner = nested
            for key in way[:-1]:
                inner = inner.setdefault(key, {})  # type: ignore[assignment]
            inner[way[-1]] = types.get(way, "VARCHAR")
        return text(json.dumps(nested)), aside

    def add(self, way: Way) -> bool:
        """Take in a key; whether it is new.

        Raises:
            SourceError: it is empty, or there are more than can be read.
        """
        if way in self.leaves or way in self.opened:
            return False
        if not way[-1]:
            raise SourceError(f"{self.path}: an object has an empty key", "give every value a name")
        self.leaves[way] = None
        if len(self.leaves) > MAX_COLUMNS:
            raise SourceError(
                f"{self.path}: {len(self.leaves):,} different keys", f"at most {MAX_COLUMNS:,} columns can be read"
            )
        return True

    def open(self, way: Way) -> None:
        """From now on the object at ``way`` is taken apart."""
        self.opened.add(way)
        self.leaves.pop(way, None)
        self.named.pop(way, None)

    def close(self, way: Way) -> None:
        """The place at ``way`` is one column for good, and nothing below it is."""
        for known in [leaf for leaf in self.leaves if leaf[: len(way)] == way]:
            del self.leaves[known]
        self.opened = {known for known in self.opened if known[: len(way)] != way}
        self.closed.add(way)
        self.leaves[way] = None
        self.named.clear()  # nothing that was read by the old names is kept


def _side_by_side(ways: list[Way], depth: int) -> list[Way]:
    grouped: dict[str, list[Way]] = {}
    for way in ways:
        grouped.setdefault(way[depth], []).append(way)
    return [
        leaf
        for part in grouped.values()
        for leaf in (part if len(part[0]) == depth + 1 else _side_by_side(part, depth + 1))
    ]


def pointer(way: Way) -> str:
    """The JSON pointer (RFC 6901) of a way.

    >>> pointer(("a/b", "c"))
    '/a~1b/c'
    """
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in way)
