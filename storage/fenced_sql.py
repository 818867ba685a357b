"""SQL that a person wrote, on a connection without files, network, extensions or settings, within time and memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from storage.errors import SourceError

MEMORY_LIMIT = "256MB"


def query(rows: Path, statements: Sequence[str], what: str, *, time_limit: float) -> list[list[tuple[Any, ...]]]:
    """Results of SELECT statements on the fenced connection: no files, network, extensions or settings.

    Raises:
        SourceError: a statement fails or hits a limit.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": "",
        "threads": "1",
        "lock_configuration": "true",
    }
    connection = duckdb.connect(str(rows), read_only=True, config=config)
    timer = threading.Timer(time_limit, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        return [connection.execute(statement).fetchall() for statement in statements]
    except duckdb.InterruptException as error:
        raise SourceError(
            f"{what} was stopped after {time_limit:g} s", "write a cheaper expression for it in the model file"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise SourceError(
            f"{what} needs more than {MEMORY_LIMIT} of memory", "write a cheaper expression for it in the model file"
        ) from error
    except duckdb.Error as error:
        said = " ".join(str(error).split("LINE 1:")[0].split())
        raise SourceError(f"{what} fails: {said[:300]}", "correct its sql in the model file") from error
    finally:
        timer.cancel()
        connection.close()
