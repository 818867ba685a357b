"""A log narrowed to some of its rows: whoever asks for ``log`` sees these alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from storage.logs.engine import in_words
from storage.logs.quoting import sql_name

if TYPE_CHECKING:
    from storage.logs.source import LogSource


@contextmanager
def narrowed(source: LogSource, where: str) -> Iterator[LogSource]:
    """The rows of an open log that fulfil a condition, under the same names, places and lines; the log stays as it is.

    Lines that could not be read stay with it: nobody knows which rows they would have been.

    Args:
        where: SQL over the columns of the log.

    Raises:
        SourceError: the condition can't be asked.
    """
    with in_words("the log"):
        # A temporary view of a connection of its own stands before the log of the same name.
        connection = source.connection.cursor()
        try:
            [(database,)] = connection.execute("select current_database()").fetchall()
            whole = f"{sql_name(str(database))}.main.log"
            connection.execute(f"create temp view log as select * from {whole} where {where}")
            counts = dict(connection.execute('select "__file", count(*) from log group by 1').fetchall())
            files = tuple(replace(file, rows=int(counts.get(i, 0))) for i, file in enumerate(source.files))
            yield replace(source, files=files, rows=sum(file.rows for file in files), connection=connection)
        finally:
            connection.close()
