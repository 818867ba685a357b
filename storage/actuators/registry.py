"""The actuators by the name that a model file uses; each is imported only when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from storage.actuators.base import Actuator, Clock, HostClock
from storage.records.models import Rollback
from storage.records.rollbacks import Reading

if TYPE_CHECKING:
    import httpx

ACTUATORS: tuple[tuple[str, str], ...] = (
    ("pointer_file", "a file or link that names the version"),
    ("command", "a program, run without a shell"),
    ("http", "a request"),
    ("record_only", "nothing: a person acts, midwatch records"),
)
"""Name and what it acts through; the module is ``storage.actuators.NAME``."""


def build(
    spec: Rollback,
    *,
    folder: Path,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
    client: httpx.Client | None = None,
    observed: Callable[[], Reading | None] = lambda: None,
) -> Actuator:
    """The actuator of a model file.

    Args:
        spec: its ``[rollback]`` table.
        folder: where the model file stands; relative paths start there.
        clock: tells when a reading was taken.
        environment: where secrets and the allow-listed variables come from; this process's own by default.
        client: for HTTP; a new one for every call by default.
        observed: what a log showed last, for ``record_only``.
    """
    moment = clock or HostClock()
    values = dict(os.environ) if environment is None else dict(environment)
    seconds = spec.timeout.total_seconds()
    if spec.actuator == "pointer_file":
        from storage.actuators.pointer_file import PointerFile

        return PointerFile.of(spec.options, folder, moment, seconds)
    if spec.actuator == "command":
        from storage.actuators.command import Command

        return Command.of(spec.options, folder, moment, seconds, values)
    if spec.actuator == "http":
        from storage.actuators.http import Http

        return Http.of(spec.options, moment, seconds, values, client)
    from storage.actuators.record_only import RecordOnly

    return RecordOnly(moment, observed)
