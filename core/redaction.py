"""What must not be told: values of columns that a model file redacts, wherever they were quoted.

Three nets, since words may have been copied: text about a redacted column is withheld; values seen in evidence and in
quarantined lines are masked in every other text; and ``column = value`` in a person's note is masked by its column.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from storage.records.incidents import FindingRow
from storage.records.models import Model
from storage.tables import incident_facts

MASK = "[redacted]"
SHORTEST_SECRET = 3
"""Shorter values are not searched for in other texts: masking every ``1`` would leave nothing to read."""
_SEEN = 2000
"""How many findings and quarantined lines are looked through for values."""
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_STRUCTURE = frozenset({"column", "check", "kind", "name", "type", "unit", "op", "rows_sql", "sql", "predicate"})


@dataclass(frozen=True, slots=True)
class Redactor:
    """Masks texts; without redacted columns it returns them as they are."""

    columns: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()

    def text(self, value: str) -> str:
        """``value`` with every known secret, and every ``column = value`` of a redacted column, masked.

        >>> Redactor(frozenset({"email"}), ("a@b.org",)).text("mail a@b.org, email='x y' came twice")
        'mail [redacted], email=[redacted] came twice'
        """
        if not self.columns:
            return value
        for secret in self.secrets:
            if secret in value:
                value = value.replace(secret, MASK)
        for column in self.columns:
            pattern = rf"(?i)(?<!\w)(\"?'?{re.escape(column)}\"?'?\s*(?:==|=|:|<>|!=)\s*)(?!\[redacted\])"
            value = re.sub(pattern + r"('[^']*'?|\"[^\"]*\"?|[^\s,;)}\]]+)", rf"\1{MASK}", value)
        return value

    def optional(self, value: str | None) -> str | None:
        """:meth:`text`, with nothing for nothing."""
        return None if value is None else self.text(value)

    def about(self, columns: Iterable[str | None]) -> str | None:
        """The first redacted column among ``columns``, None when text about them may be told."""
        return next((c for c in columns if c is not None and c in self.columns), None)

    def told(self, text: str, columns: Iterable[str | None]) -> str:
        """``text`` about ``columns``: withheld when one of them is redacted, else masked."""
        hidden = self.about(columns)
        return f"about column {hidden} (words withheld: the column is redacted)" if hidden else self.text(text)


def redactor_for(db: sqlite3.Connection, model: Model | None, alerts: Collection[int] = ()) -> Redactor:
    """The redactor of a model's policy, with the values of its redacted columns that the store has seen.

    Values come from the latest findings and quarantined lines of the model, and from all those behind ``alerts``.
    """
    columns = frozenset(model.file.columns.redact) if model is not None else frozenset[str]()
    if model is None or not columns:
        return Redactor()
    seen: set[str] = set()
    seen_in = [*incident_facts.findings_of(db, alerts), *incident_facts.findings_on(db, model.id, columns, _SEEN)]
    for finding in seen_in:
        seen.update(secrets_of(finding, columns))
    for text, names in incident_facts.quarantined_lines(db, model.id, alerts, _SEEN):
        seen.update(_in_line(text, names, columns))
    # Longest first: a secret that contains another must not be left in halves.
    kept = sorted((s for s in seen if len(s) >= SHORTEST_SECRET), key=lambda s: (-len(s), s))
    return Redactor(columns, tuple(kept))


def secrets_of(finding: FindingRow, columns: Collection[str]) -> Iterator[str]:
    """Values in a finding's evidence and slice that belong to a redacted column."""
    if finding.column in columns:
        yield from _leaves(finding.evidence)
        yield from (quoted for pair in _QUOTED.findall(finding.message) for quoted in pair if quoted)
    else:
        yield from _under(finding.evidence, columns)


def _leaves(value: Any) -> Iterator[str]:
    """Every value and every key that may be one: counts of categories have values as keys."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, int | float) and key not in _STRUCTURE and not str(key).isidentifier():
                yield str(key)
            if key not in _STRUCTURE:
                yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value


def _under(value: Any, columns: Collection[str]) -> Iterator[str]:
    """Values that stand under a redacted column's name, however deep."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item) if key in columns else _under(item, columns)
    elif isinstance(value, list):
        for item in value:
            yield from _under(item, columns)


def _in_line(text: str, names: tuple[str, ...], columns: Collection[str]) -> Iterator[str]:
    """Values of redacted columns in a raw line: by key in JSON, by place in separated values."""
    try:
        yield from _under(json.loads(text), columns)
        return
    except ValueError:
        pass
    separator = max(",;\t|", key=text.count)
    try:
        fields = next(csv.reader([text.replace("\0", "")], delimiter=separator), [])
    except csv.Error:
        fields = text.split(separator)
    if len(fields) == len(names):
        yield from (field.strip() for name, field in zip(names, fields, strict=True) if name in columns)
    else:
        # The line is broken: any field may be the one. Numbers are left, they would mask half of the report.
        yield from (f.strip() for f in fields if not re.fullmatch(r"\s*[-+.\deE:TZ ]*\s*", f) and len(f.strip()) >= 5)
