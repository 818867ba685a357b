"""Names and texts quoted for DuckDB, where no value can be bound; imports nothing, so that anyone may use it."""

from __future__ import annotations


def sql_name(identifier: str) -> str:
    """A name, as of a column, quoted for SQL.

    >>> print(sql_name('say "hi" now'))
    "say ""hi"" now"
    """
    return '"' + identifier.replace('"', '""') + '"'


def sql_text(value: str) -> str:
    """A text quoted for SQL.

    >>> sql_text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"
