"""What a deployment altered: the version that entered against the one that was there, key by key."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.version_diff import VersionDiff, diff
from storage.errors import UsageError
from storage.records.changes import Change, Details, Difference
from storage.records.models import Model
from storage.records.versions import Deployment
from storage.tables import change_details, deployments, models
from storage.tables import versions as version_table


def describe(db: sqlite3.Connection, model: Model, *, now: datetime) -> int:
    """Write down what deployments of this model altered, where that is not done yet; returns how many.

    A version is compared with the one its stage had until then, and where the stage had none with the one that was live
    in full. Deployments of versions that nobody registered wait until somebody does.
    """
    bare = change_details.bare_deployments(db, model.id)
    if not bare:
        return 0
    history = deployments.history(db, model.id)
    done = 0
    for place, row in enumerate(history):
        if row.id in bare and (found := _altered(db, model, history[:place], row)) is not None:
            change_details.describe(db, "deployments", row.id, found, now=now)
            done += 1
    return done


def details(db: sqlite3.Connection, change: Change) -> Details | None:
    """What a line of the feed altered; None where nobody knows more than before and after.

    What is not written down is worked out now, from the parts that the store keeps of every version.
    """
    if change.table in ("changes", "deployments"):
        found = change_details.of(db, change.table, change.id)
        if found is not None or change.table == "changes":
            return found
    if change.model is None or change.after is None:
        return None
    model = models.get(db, change.model)
    if change.table == "deployments":  # of a store that was written before such details were kept
        history = deployments.history(db, model.id)
        place = next((n for n, row in enumerate(history) if row.id == change.id), None)
        return None if place is None else _altered(db, model, history[:place], history[place])
    before = change.before
    if change.table == "versions":
        earlier = [v.version for v in version_table.list_all(db, model.id) if v.registered_at < change.at]
        live = deployments.live_at(db, model.id, change.at).get(model.file.full_stage)
        before = live.version if live is not None else earlier[-1] if earlier else None
    return _compared(db, model, before, change.after)


def of_versions(found: VersionDiff) -> Details:
    """The differences of two versions as the feed has them: keys and packages one by one, other parts as a whole.

    The size counts configuration keys (lines, where the configuration is neither TOML nor JSON) and packages; it is
    None when the configurations can't be compared.
    """
    different = {part for part, told in found.parts.items() if told == "different"}
    keys = tuple(Difference("config", c.key, c.before, c.after) for c in found.config or ())
    if found.config is None:
        lines = [line for line in found.config_lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        keys = tuple(
            Difference("config", "", line[1:], None) if line[0] == "-" else Difference("config", "", None, line[1:])
            for line in lines
        )
    packages = tuple(Difference("environment", c.name, c.before, c.after) for c in found.packages or ())
    seed = (Difference("seed", "", found.seed_before, found.seed_after),) if "seed" in different else ()
    counted = {part for part, told in (("config", keys), ("environment", packages)) if told} | {"seed"}
    return Details(
        differences=(*keys, *packages, *seed),
        size=None if found.parts["config"] == "unknown" else len(keys) + len(packages),
        against=found.before,
        also=tuple(part for part in found.parts if part in different - counted),
        unknown=tuple(part for part, told in found.parts.items() if told == "unknown"),
    )


def _altered(db: sqlite3.Connection, model: Model, before: list[Deployment], row: Deployment) -> Details | None:
    """What a deployment altered; None where there is nothing to compare with, or it only moved traffic."""
    if row.action not in ("enter", "observed"):
        return None
    return _compared(db, model, _base(before, row, model.file.full_stage), row.version)


def _compared(db: sqlite3.Connection, model: Model, before: str | None, after: str) -> Details | None:
    if before is None or before == after:
        return None
    try:
        return of_versions(diff(db, model, before, after))
    except UsageError:  # one of them is not registered
        return None


def _base(before: list[Deployment], row: Deployment, full: str) -> str | None:
    """The version to compare with: what the stage had, else what was live in full; None where neither was another."""
    for stage in (row.stage, full):
        last = next((d for d in reversed(before) if d.stage == stage), None)
        if last is not None and last.action != "leave" and last.version != row.version:
            return last.version
    return None
