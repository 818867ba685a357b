"""Commits of a git repository, as its log tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FileChange:
    """Lines that a commit added to and removed from a file; None for one that is not text."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that altered files.

    Attributes:
        hash, short: its name in full and abbreviated.
        parent: abbreviated hash of the commit before it, None for the first.
        author, author_email: who wrote it.
        at: when it was committed.
        merged_at: when the merge that brought it into the branch was committed, None where it came without one.
        merged_by, merged_email: who made that merge.
        reviewers: ``Name <address>`` of its trailers Reviewed-by, Acked-by and Approved-by.
    """

    hash: str
    short: str
    parent: str | None
    author: str
    author_email: str
    at: datetime
    subject: str
    reviewers: tuple[str, ...]
    files: tuple[FileChange, ...]
    merged_at: datetime | None = None
    merged_by: str | None = None
    merged_email: str | None = None

    @property
    def lines(self) -> int:
        """Lines added and removed."""
        return sum((f.added or 0) + (f.removed or 0) for f in self.files)
