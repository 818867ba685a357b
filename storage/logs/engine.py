"""The DuckDB connection that reads logs: one thread, little memory, and errors in words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from storage.errors import MidwatchError, SourceError
from storage.logs.quoting import sql_text

MEMORY_LIMIT = "250MB"


def connect(work_dir: str, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """An in-memory database that spills to ``work_dir`` and loads no extensions from the network."""
    con = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": memory_limit,
            "temp_directory": os.path.join(work_dir, "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "true",
        }
    )
    con.execute("set enable_progress_bar=false")  # it would write on the terminal that is someone's screen
    return con


def file_text(path: str) -> str:
    """A path quoted for SQL, in which the characters of patterns stand for themselves."""
    return sql_text(re.sub(r"([*?\[])", r"[\1]", path))


@contextmanager
def in_words(where: str) -> Iterator[None]:
    """Turn what DuckDB and the system raise into a SourceError of one sentence."""
    try:
        yield
    except MidwatchError:
        raise
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except (duckdb.Error, OSError, UnicodeError) as error:
        said = " ".join(str(error).split())
        if re.search(r"no space left|disk full|file too large|max_temp_directory_size", said, re.IGNORECASE):
            raise SourceError(
                f"{where}: the disk for temporary files is full", "free space, or set TMPDIR to a larger disk"
            ) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise SourceError(f"{where}: needs more memory than is allowed", "read fewer files at once") from error
        if "state machine" in said:
            said = "its quotes and line ends do not fit together"
        first = re.split(r"(?<=[.!]) |Possible fixes|LINE 1:", said.split(": ", 1)[-1])[0]
        raise SourceError(f"{where} can't be read: {first[:300].rstrip('. ')}", "check that it is complete") from error
