"""Commits of a repository as changes: subject, author, size, reviewer, and the hashes before and after."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.db import transaction
from storage.git_log import read
from storage.host import Actor
from storage.records.changes import Details, Difference, Layer, NewChange
from storage.records.commits import Commit
from storage.records.models import Model
from storage.tables import audit, changes

SOURCE = "git"
FILES_KEPT = 200
SUBJECT = 500
_ADDRESS = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a log: commits read, added, known before; ``cut`` where there may be more than was asked for."""

    read: int
    added: int
    known: int
    cut: bool


def take(
    db: sqlite3.Connection,
    directory: Path,
    *,
    model: Model | None,
    layer: Layer,
    since: datetime | None,
    path: str | None,
    limit: int,
    actor: Actor,
    now: datetime,
) -> Read:
    """Put the commits of a directory into the feed; a commit is one change (of a model), however often it is read.

    Raises:
        SourceError: as :func:`storage.git_log.read`.
    """
    commits = read(directory, since=since, path=path, limit=limit)
    with transaction(db):
        added = changes.add(db, [as_change(commit, model, layer) for commit in commits], now=now)
        if added:
            told = {"added": added, "known": len(commits) - added, "directory": str(directory.absolute())}
            audit.record(db, "changes.git", actor=actor, now=now, object_kind="changes", after=told)
    return Read(len(commits), added, len(commits) - added, len(commits) == limit)


def as_change(commit: Commit, model: Model | None, layer: Layer) -> NewChange:
    """A commit as a change: it counts from when it was committed, or from when a merge brought it in."""
    files = tuple(
        Difference("file", f.path, "not text", "not text")
        if f.added is None
        else Difference("file", f.path, f"-{f.removed}", f"+{f.added}")
        for f in commit.files[:FILES_KEPT]
    )
    count = len(commit.files)
    return NewChange(
        layer=layer,
        kind="commit",
        subject=f"{commit.subject[:SUBJECT]} ({count} file{'' if count == 1 else 's'})",
        at=commit.merged_at or commit.at,
        source=SOURCE,
        source_ref=f"{commit.hash}:{model.name}" if model else commit.hash,
        model_id=model.id if model else None,
        by=commit.author,
        size=commit.lines,
        reviewed_by=reviewers(commit),
        before=commit.parent,
        after=commit.short,
        details=Details(files),
    )


def reviewers(commit: Commit) -> str | None:
    """Who reviewed it: its trailers, else whoever merged it; never its author. None when nobody else is named."""
    named = [value for value in commit.reviewers if not _same(value, commit)]
    if named:
        return ", ".join(dict.fromkeys(_ADDRESS.sub("", value).strip() or value for value in named))
    if commit.merged_by and not _same(f"{commit.merged_by} <{commit.merged_email}>", commit):
        return commit.merged_by
    return None


def _same(person: str, commit: Commit) -> bool:
    """Whether ``Name <address>`` is the author: by address, else by name."""
    address = _ADDRESS.search(person)
    if address and address[1] and address[1].lower() == commit.author_email.lower():
        return True
    return _ADDRESS.sub("", person).strip().lower() == commit.author.lower()
