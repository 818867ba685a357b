"""Snapshots of the environment that a model runs in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Body = dict[str, dict[str, str]]
"""Values by section and name."""

SECTIONS = ("package", "python", "locale", "time zone", "variable", "file", "code", "system")
"""Sections of a snapshot: packages; interpreter; settings; hashes of variables, files and code; the machine."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One snapshot.

    Attributes:
        host: the machine, or the name it was given.
        model: what it was taken for, None for the machine as such.
        sha256: of the body in canonical JSON: equal exactly where the bodies are.
    """

    id: int
    host: str
    model_id: int | None
    model: str | None
    sha256: str
    body: Body
    by: str
    at: datetime
