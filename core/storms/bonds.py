"""Why two groups of alerts may belong to one storm, in words: pure.

Two groups are bound when they began within :data:`WINDOW` of one another and share one of

1. the same kind of fault in a column of the same name (of two models; the model's own prediction and label are named
   alike everywhere and bind nothing);
2. an upstream that both model files name, between two models and two loud alerts (page or ticket); a model without data
   is bound that way to others without data alone, labels that are turned round to such labels alone;
3. a change of pipeline, data or infrastructure shortly before both, between two loud alerts;
4. the same kind of fault in one batch, or in files of one directory; drift of the day is the world and binds nothing.

Bonds are symmetric; a storm is what they connect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath

from core.standing_causes import FLIPPED_LABELS, NO_DATA
from storage.records.results import Tier
from storage.records.storms import Onset

WINDOW = timedelta(hours=2)
"""Windows that overlap, or lie so far apart at most, are one window: a source that fails late fails late for all."""

SPAN = timedelta(hours=6)
"""What begins later than this after a storm's first window is another matter."""

BEFORE = timedelta(hours=6)
"""A change so long before a window at most may be what broke it."""

LAYERS = frozenset({"pipeline", "data", "infrastructure"})
"""Layers of a change that several models can have in common."""

LEAST_OF_ONE = 3
"""Groups of one model that make a storm; of several models two do."""

_LOUD: frozenset[Tier] = frozenset({"page", "ticket"})
_WORLD = frozenset({"drift", "prediction"})
_ALIKE_ONLY = frozenset({NO_DATA, FLIPPED_LABELS})
"""Faults that a shared upstream explains only where it shows in both models as the same one."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A group of alerts with what it may share with others.

    Attributes:
        upstream: names of what feeds the model, by their form in lower case.
        own: names of columns that mean something else in every model, in lower case.
        changes: changes shortly before it: layer, kind and subject, with the moment.
    """

    onset: Onset
    upstream: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    changes: Mapping[tuple[str, str, str], datetime] = field(default_factory=dict)

    @property
    def loud(self) -> bool:
        """Whether a person is called for it."""
        return self.onset.tier in _LOUD


def gap(a: Onset, b: Onset) -> timedelta:
    """The time between two windows, zero where they meet."""
    return max(a.start - b.end, b.start - a.end, timedelta(0))


def bond(a: Sign, b: Sign) -> str | None:
    """Why ``a`` belongs together with ``b``, said of ``a``; None when nothing binds them."""
    return strongest(a, [b])


def strongest(a: Sign, others: Sequence[Sign]) -> str | None:
    """The most telling reason why ``a`` belongs together with any of the others; None when nothing binds it."""
    near = [b for b in others if a.onset.group != b.onset.group and gap(a.onset, b.onset) <= WINDOW]
    found = (rule(a, b) for rule in (_column, _upstream, _change, _place) for b in near)
    return next((why for why in found if why is not None), None)


def is_storm(models: int, groups: int) -> bool:
    """Whether connected groups are many enough to be told as one.

    >>> is_storm(models=2, groups=2), is_storm(models=1, groups=2), is_storm(models=1, groups=3)
    (True, False, True)
    """
    return models >= 2 or groups >= LEAST_OF_ONE


def _column(a: Sign, b: Sign) -> str | None:
    if a.onset.model_id == b.onset.model_id or a.onset.cause != b.onset.cause:
        return None
    own = a.own | b.own
    theirs = {column.casefold() for column in b.onset.columns[:1]}
    for column in a.onset.columns[:1]:
        if column.casefold() in theirs - own:
            return f"the same fault ({a.onset.cause}) of {column} as in {b.onset.model}"
    return None


def _upstream(a: Sign, b: Sign) -> str | None:
    if a.onset.model_id == b.onset.model_id or not (a.loud and b.loud):
        return None
    kinds = {a.onset.cause, b.onset.cause}
    if len(kinds) > 1 and kinds & _ALIKE_ONLY:
        return None
    shared = sorted(a.upstream.keys() & b.upstream.keys())
    return f"feeds on {a.upstream[shared[0]]}, as {b.onset.model} does" if shared else None


def _change(a: Sign, b: Sign) -> str | None:
    if not (a.loud and b.loud):
        return None
    shared = a.changes.keys() & b.changes.keys()
    if not shared:
        return None
    layer, kind, subject = nearest = max(shared, key=lambda key: (a.changes[key], key))
    whom = f" as {b.onset.model}" if a.onset.model_id != b.onset.model_id else ""
    return f"after the same change{whom}: {layer} {kind} {subject} at {a.changes[nearest]:%m-%d %H:%MZ}"


def _place(a: Sign, b: Sign) -> str | None:
    cause = a.onset.cause
    if cause != b.onset.cause or cause in _WORLD:
        return None
    if a.onset.batch_id is not None and a.onset.batch_id == b.onset.batch_id:
        return f"the same fault ({cause}) in the same batch of {a.onset.model}"
    if a.onset.path is None or b.onset.path is None or a.onset.model_id == b.onset.model_id:
        return None
    folder = PurePath(a.onset.path).parent
    if str(folder) != "." and folder == PurePath(b.onset.path).parent:
        return f"the same fault ({cause}) in files of {folder}, as in {b.onset.model}"
    return None
