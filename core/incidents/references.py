"""References: how a person or a report names a row of the store."""

from __future__ import annotations

import difflib
import sqlite3

from storage.errors import UsageError
from storage.tables import incident_facts

WORDS: dict[str, str] = {
    "alert": "alerts",
    "batch": "batches",
    "change": "changes",
    "finding": "check_results",
    "deployment": "deployments",
    "note": "incident_events",
    "metric": "metric_values",
    "quarantine": "quarantine",
    "rollback": "rollbacks",
    "version": "versions",
}
"""The word a person types, and the table it means; the table's own name is understood too."""


def parse_reference(db: sqlite3.Connection, text: str) -> tuple[str, str]:
    """``alert:7`` as table and id.

    Raises:
        UsageError: not of that form, an unknown word, or no such row.
    """
    word, colon, number = text.strip().partition(":")
    if not colon or not number.isascii() or not number.isdigit():
        raise UsageError(f"{text!r} is not a reference", "write WORD:ID, as in alert:7 or metric:812")
    table = WORDS.get(word.lower(), word.lower())
    if table not in incident_facts.REFERENCES:
        near = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(WORDS)}"
        raise UsageError(f"{text!r}: nothing is called {word!r}", hint)
    if not incident_facts.exists(db, table, int(number)):
        raise UsageError(f"there is no {word} {number} in this store", "see midwatch changes list, alerts list")
    return table, str(int(number))
