"""Versions of a model and where they were live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["normal", "fallback"]
Action = Literal["enter", "leave", "traffic", "observed"]

PARTS: tuple[str, ...] = ("model", "data", "config", "code", "environment")
"""What a version is made of, besides its seed: one sha256 (or commit id) each."""


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable build of a model.

    Attributes:
        model_sha, data_sha, config_sha, environment_sha: sha256 of the file, or of a directory's listing.
        code_sha: the commit id, or the sha256 of a source tree; None when the reference is a name that can move.
        config_text, environment_text: kept so that a difference needs no file that may be gone by then.
        input_schema: kind of every column the version needs, by name; None when nobody said.
    """

    id: int
    model_id: int
    version: str
    model_path: str | None
    model_sha: str | None
    data_path: str | None
    data_sha: str | None
    config_path: str | None
    config_sha: str | None
    config_text: str | None
    code_ref: str | None
    code_sha: str | None
    environment_path: str | None
    environment_sha: str | None
    environment_text: str | None
    seed: str | None
    role: Role
    input_schema: dict[str, str] | None
    note: str | None
    trained_at: datetime | None
    registered_at: datetime
    registered_by: str

    @property
    def hashes(self) -> dict[str, str | None]:
        """The five hashes by part, None where one is missing."""
        values = (self.model_sha, self.data_sha, self.config_sha, self.code_sha, self.environment_sha)
        return dict(zip(PARTS, values, strict=True))

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts nobody gave, the seed among them; empty when the version is complete."""
        absent = [part for part, value in self.hashes.items() if value is None]
        return (*absent, "seed") if self.seed is None else tuple(absent)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version entered or left a stage, got another share of traffic, or was seen there.

    Attributes:
        traffic: share of requests in [0, 1], None when unknown.
        at: since when it is true in the world; ``recorded_at`` is when it was written down.
        source: ``command``, ``log``, ``rollback`` or whoever else said so.
    """

    id: int
    model_id: int
    version: str
    stage: str
    action: Action
    traffic: float | None
    at: datetime
    recorded_at: datetime
    by: str
    source: str
    reason: str | None
    rollback_id: int | None
