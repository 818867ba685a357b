"""What SQLite itself says of a store's health."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def problems(db: sqlite3.Connection, limit: int = 10) -> list[str]:
    """Damage and dangling references, in SQLite's own words; empty when all is well."""
    found = [row[0] for row in db.execute(f"PRAGMA quick_check({int(limit)})") if row[0] != "ok"]
    dangling = db.execute("PRAGMA foreign_key_check").fetchmany(limit)
    return found + [f"{row[0]} row {row[1]} refers to a row of {row[2]} that is not there" for row in dangling]


def journal_left(path: Path) -> bool:
    """Whether a rollback journal lies beside the store: a writer is at work, or was killed."""
    journal = path.with_name(path.name + "-journal")
    return journal.exists() and journal.stat().st_size > 0


def versions() -> dict[str, str]:
    """Versions of what the program stands on."""
    import platform
    from importlib import metadata

    names = (
        "textual",
        "rich",
        "duckdb",
        "numpy",
        "pandas",
        "scikit-learn",
        "sqlite-utils",
        "httpx",
        "plotext",
        "click",
    )
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: metadata.version(name) for name in names},
    }
