"""What a prediction log is once it has been opened: files, columns, rejected lines, roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "text", "boolean", "time"]
Format = Literal["csv", "jsonl", "parquet"]


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column plays which part; every other column is a feature unless ignored.

    Args:
        time: when the row was scored.
        id: what names the row, unique within a log.
        prediction: the model's output.
        label: the truth, when it is known.
        version: the model version that answered.
        stage: the rollout stage that the row came from.
        ignore: columns left out of profiles and checks.
        redact: columns whose values are never shown or stored.
    """

    time: str | None = None
    id: str | None = None
    prediction: str | None = None
    label: str | None = None
    version: str | None = None
    stage: str | None = None
    ignore: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogColumn:
    """One column as it was read: ``type`` is DuckDB's name of the type, ``retyped`` says why it is text after all."""

    name: str
    kind: Kind
    type: str
    retyped: str = ""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log: ``size`` in bytes and ``sha256`` of the bytes on disk, ``rows`` read, ``rejected`` lines."""

    path: str
    format: Format
    size: int
    sha256: str
    rows: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Reject:
    """One line that could not be read: ``line`` counts from 1, ``text`` is its beginning (at most 500 characters)."""

    path: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row picked from a log.

    ``line`` counts from 1: the line of a text file at which the record begins, the row of a Parquet file; 0
    when it could not be told.
    """

    path: str
    line: int
    values: dict[str, object]
