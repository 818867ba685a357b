"""Conditions that ask for a redacted column are refused, wherever a person types them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from storage.errors import UsageError
from storage.logs.predicate_text import parse

if TYPE_CHECKING:
    from storage.records.logs import Kind
    from storage.records.slices import Predicate


def refuse_redacted(columns: Iterable[str], redact: Sequence[str]) -> None:
    """Refuse to ask for a redacted column, be it for a value or for a missing one: the count of rows would tell.

    Raises:
        UsageError: one of the columns is redacted.
    """
    secret = next((column for column in columns if column in redact), None)
    if secret is not None:
        raise UsageError(f"the column {secret!r} is redacted", "no condition can ask for its values")


def read_condition(text: str, kinds: Mapping[str, Kind], redact: Sequence[str]) -> tuple[Predicate, ...]:
    """The predicates of a person's condition over columns of these kinds.

    Raises:
        UsageError: the condition can't be read, or asks for a redacted column.
    """
    predicates = parse(text, dict(kinds))
    refuse_redacted((predicate.column for predicate in predicates), redact)
    return predicates
