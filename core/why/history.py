"""One's own history: incidents that looked alike with what helped, and how often a cause came back."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.incidents.past import helped
from core.incidents.taxonomy import nth_time
from core.redaction import redactor_for
from core.why.episode import Episode
from core.why.symptoms import Match
from storage.clock import from_text
from storage.tables import incident_facts

_WORD = re.compile(r"[a-z]+")
_SMALL = frozenset({"the", "a", "an", "did", "not", "and", "of", "in", "is", "are", "to", "one"})
LOOKED_AT = 200
MOST = 3


@dataclass(frozen=True, slots=True)
class Past:
    """A past incident that looks like this symptom; ``why`` says in what, ``helped`` what ended it, with its row."""

    key: str
    title: str
    cause: str | None
    detected_at: datetime
    likeness: float
    why: tuple[str, ...]
    helped: tuple[tuple[str, str], ...]


def past_of(db: sqlite3.Connection, episode: Episode, match: Match, cause: str) -> tuple[int, str, tuple[Past, ...]]:
    """How often the likeliest cause was met before, that count plus one in words, and the incidents most alike.

    Alike: the symptom's own words in title or notes 4, its cause 3 (its layer 1), each accused column 1 up to 3, the
    same model 1. Only incidents with something besides the model in common are told.
    """
    own = {c.cause for c in match.symptom.causes if c.weight >= 0.8}
    title = {w for w in _WORD.findall(match.symptom.title.lower()) if w not in _SMALL}
    layers = {c.layer for c in match.symptom.causes if c.weight >= 0.8}
    redactor = redactor_for(db, episode.model)
    found = []
    met = 0
    for row in incident_facts.ended_incidents(db, LOOKED_AT):
        met += row["cause"] == cause
        theirs = incident_facts.linked_alerts(db, row["id"])
        words = " ".join([row["title"], *incident_facts.words_of(db, row["id"])]).lower()
        why, likeness = [], 0.0
        if match.symptom.id in words or title <= set(_WORD.findall(words)):
            likeness += 4
            why.append(f"same symptom: {match.symptom.title}")
        if row["cause"] == cause:
            likeness += 3
            why.append(f"same cause {cause}")
        elif row["cause"] in own:
            likeness += 1
            why.append(f"{row['cause']} brings this about too")
        elif row["cause"] and row["cause"].split("/")[0] in layers:
            likeness += 0.5
        shared = sorted(c for c in match.columns if c.lower() in words or any(c in a.columns for a in theirs))
        if shared:
            likeness += min(3, len(shared))
            why.append(f"same columns {', '.join(shared[:3])}")
        if not why:
            continue
        if row["model_id"] == episode.model.id:
            likeness += 1
            why.append("same model")
        found.append(
            Past(
                row["key"],
                redactor.text(row["title"]),
                row["cause"],
                from_text(row["detected_at"]),
                likeness,
                tuple(why),
                helped(db, row["id"], redactor),
            )
        )
    best = sorted(found, key=lambda p: (-p.likeness, -p.detected_at.timestamp()))[:MOST]
    return met, nth_time(met + 1), tuple(best)
