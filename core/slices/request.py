"""What is asked of the rows: whose, which of them, against which others, and what is measured on each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from storage.errors import UsageError
from storage.logs.predicates import words
from storage.records.slices import Predicate

Signal = Literal["error", "loss", "disagreement", "shift", "missing", "latency", "value"]
Ranking = Literal["change", "absolute"]
SIGNALS: tuple[Signal, ...] = ("error", "loss", "disagreement", "shift", "missing", "latency", "value")

SUPPORT = 0.01
DEPTH = 3
TOP = 10


@dataclass(frozen=True, slots=True)
class SliceRequest:
    """One question. Give ``files``, or the name of a ``model`` whose stored batches are read.

    Attributes:
        files: the current rows; ``like`` are the files they are compared with, none: no reference.
        model: name of a registered model: its newest batch is compared with its baseline.
        batch: number of a stored batch that is the current window, None: the newest one.
        window: [start, end) that the current rows were scored in, instead of a batch.
        version, stage, host: rows of this one against ``against``, or against all others where that is None.
        label, prediction: columns that override what the model file says, or what is guessed from names.
        signal: what is measured per row; None chooses: error where labels are there and mature, else the first of
            disagreement, shift, missing and latency that there is.
        metric: the business metric that ``value`` measures.
        ranking: ``change`` against the reference; ``absolute`` against all rows of the window.
        k: slices told; ``depth``: predicates of a slice at most; ``support``: least share of the rows.
        where: only rows that fulfil all of them: a search within is a drill.
        bucket: only errors of this kind, as :mod:`core.slices.buckets` names them.
        include: columns that would be left out (identifiers, times) but shall be searched.
        exclude: columns that shall not be searched.
    """

    files: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    model: str | None = None
    batch: int | None = None
    window: tuple[datetime, datetime] | None = None
    version: str | None = None
    stage: str | None = None
    host: str | None = None
    against: str | None = None
    label: str | None = None
    prediction: str | None = None
    signal: Signal | None = None
    metric: str | None = None
    ranking: Ranking = "change"
    k: int = TOP
    depth: int = DEPTH
    support: float = SUPPORT
    where: tuple[Predicate, ...] = ()
    bucket: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can't be meant.

        Raises:
            UsageError: neither or both of files and model, or a number out of its range.
        """
        if bool(self.files) == (self.model is not None):
            raise UsageError("a slice search reads files or a model's batches", "name one of them")
        if not 0 < self.support <= 1:
            raise UsageError(f"a support of {self.support:g} is no share", "as in 0.01, one row in a hundred")
        if not 1 <= self.depth <= 6:
            raise UsageError(f"a depth of {self.depth} is not within 1 and 6", "most stories have 1 to 3 predicates")
        if self.k < 1:
            raise UsageError("no slices were asked for", "top is at least 1")
        if sum(side is not None for side in (self.version, self.stage, self.host)) > 1:
            raise UsageError("one of version, stage and host is compared at a time", "name one; use where for the rest")
        if self.model is not None and self.like:
            raise UsageError("a model is compared with its own baseline", "give files, to compare them with others")
        if self.files and self.batch is not None:
            raise UsageError("a batch is a model's", "name the model instead of files")
        if self.window is not None and self.batch is not None:
            raise UsageError("a batch is a window of its own", "give one of them")

    def within(self, *where: Predicate) -> SliceRequest:
        """The same question of fewer rows: a drill.

        >>> SliceRequest(files=("a.csv",)).within(Predicate("origin", "=", "JFK")).where[0].value
        'JFK'
        """
        return replace(self, where=tuple(dict.fromkeys((*self.where, *where))))

    def dropping(self, predicate: Predicate) -> SliceRequest:
        """The same question without one of its conditions."""
        return replace(self, where=tuple(p for p in self.where if p != predicate))

    @property
    def told(self) -> str:
        """Which rows are asked for, in words.

        >>> SliceRequest(files=("a.csv",), bucket="far too low").within(Predicate("origin", "=", "JFK")).told
        'far too low in origin = JFK'
        """
        if self.bucket is None:
            return words(self.where)
        return f"{self.bucket} in {words(self.where)}" if self.where else self.bucket

    @property
    def side(self) -> tuple[Literal["version", "stage", "host"], str] | None:
        """The part of the rows that is compared with another part, and its name."""
        for part in ("version", "stage", "host"):
            value = getattr(self, part)
            if value is not None:
                return part, value
        return None
