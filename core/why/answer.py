"""``why``: the symptoms a model shows, the suspects of each, and what to do or not to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core.why.choice import batches_for, labels_came
from core.why.effects import effects
from core.why.entries import library
from core.why.episode import Episode, Onset, onset
from core.why.explanation import Explanation, Why
from core.why.history import past_of
from core.why.scene import Reader, Scene
from core.why.suspects import Lineup, Suspect, lineup
from core.why.symptoms import Match, Symptom, follows, matches
from core.why.version_facts import last_before
from storage.records.models import Model
from storage.symptom_files import DIRECTORY
from storage.tables import alerts, batches, metrics, models

NOTHING = "nothing to explain"


def directories(model: Model, store: Path | None) -> tuple[Path, ...]:
    """Where a team's own symptoms may lie: beside the store, then beside the model file."""
    found = [store.parent / DIRECTORY] if store is not None else []
    return (*found, Path(model.path).parent / DIRECTORY)


def explain(
    db: sqlite3.Connection,
    model: Model,
    *,
    now: datetime,
    batch: int | None = None,
    at: datetime | None = None,
    about: Sequence[str] = (),
    symptoms: Sequence[Symptom] | None = None,
) -> Why:
    """Why a model's batch is as it is: the one named, the one that covers ``at``, else the newest and what is open.

    Args:
        about: columns that the question is about; symptoms of theirs are told first.

    Raises:
        UsageError: the model has no such batch, or none at that moment.
        ModelFileError: a team's symptom file is wrong; file and key named.
    """
    known = library() if symptoms is None else symptoms
    chosen = batches_for(db, model, batch, at)
    if not chosen:
        return Why(model, now, None, (), (), f"{model.name} has no serving batch: {NOTHING}", 0)
    reader = Reader(db, model, now)
    scenes = [reader.scene(b) for b in chosen]
    first = scenes[0]
    found: list[Explanation] = []
    for position, one in enumerate(scenes):
        for match in matches(known, one.signals):
            if position and (_labels_only(match) or any(_same(match, e.match) for e in found)):
                continue
            found.append(_explained(reader, one, match))
    if batch is None and at is None:
        found += _labelled(reader, model, known, found)
    told = ranked(found, about)
    return Why(
        model=model,
        now=now,
        batch=first.episode.batch,
        explanations=told,
        signals=tuple(first.signals.values()),
        words=_words(model, first, told),
        compared_with=first.compared_with,
    )


LATE_RANK = 55
"""Symptoms from this rank on are told last: drift that does no harm, labels that are not in."""


def ranked(found: Sequence[Explanation], about: Sequence[str] = ()) -> tuple[Explanation, ...]:
    """The order in which symptoms are told: of columns asked about, what did harm, what is late, what came along."""
    asked = set(about)
    return tuple(
        sorted(
            found,
            key=lambda e: (
                bool(asked) and not asked & set(e.match.columns),
                _swept(e, found),
                e.symptom.rank >= LATE_RANK,
                e.harmless,
                -e.match.fit,
                e.symptom.rank,
            ),
        )
    )


def _swept(one: Explanation, found: Sequence[Explanation]) -> bool:
    """Whether it never moved the metric, and its columns drifted anyway in a way that asks for nothing."""
    columns = set(one.match.columns)
    return one.harmless and any(
        other is not one and other.verdict == "do nothing" and columns and columns <= set(other.match.columns)
        for other in found
    )


def explain_alert(
    db: sqlite3.Connection, alert_id: int, *, now: datetime, symptoms: Sequence[Symptom] | None = None
) -> Why:
    """Why an alert was raised: its batch, or the newest one where it has none; what its columns show comes first.

    Raises:
        UsageError: there is no such alert.
    """
    alert = alerts.get(db, alert_id)
    model = models.get_by_id(db, alert.model_id)
    return explain(db, model, now=now, batch=alert.batch_id, about=alert.columns, symptoms=symptoms)


def _labelled(
    reader: Reader, model: Model, known: Sequence[Symptom], found: Sequence[Explanation]
) -> list[Explanation]:
    """What the newest window with enough labels shows, where it is an older one: labels come late."""
    spec = model.file.primary_metric
    if spec is None:
        return []
    points = metrics.history(reader.db, model.id, spec.name, end=reader.now, limit=40)
    points = [p for p in points if p.reading.value is not None]
    if not points or points[-1].batch_id in reader.scenes:
        return []
    one = reader.scene(batches.get(reader.db, points[-1].batch_id))
    begins = points[-1].window_start
    explained = {name for e in found if e.onset.first <= begins for name in follows(e.match)}
    told = []
    for match in matches(known, one.signals):
        matter = {s.name for s in match.core if s.name in TRUTH and s.present}
        if matter and not matter <= explained and not any(_same(match, e.match) for e in found):
            told.append(_explained(reader, one, match))
    return told


TRUTH = frozenset(
    {
        "metric_worse",
        "metric_slid",
        "labels_flipped",
        "base_rate_moved",
        "labels_in_slice",
        "labels_late",
        "offline_above_live",
    }
)
"""Signals that need labels."""

FEEDBACK = frozenset({"labels_flipped", "base_rate_moved", "labels_in_slice", "labels_late", "labels_few"})
"""What is wrong with labels begins when they are joined, not when the rows were predicted."""


def _as_labels_came(db: sqlite3.Connection, episode: Episode, since: Onset) -> Onset:
    """The onset in terms of when labels came, where they come later than the rows."""
    came = labels_came(db, episode.get(since.batch_id))
    if came is None or came <= since.until:
        return since
    place = [b.id for b in episode.batches].index(since.batch_id)
    earlier = [t for b in episode.batches[:place] if (t := labels_came(db, b)) is not None and t < came]
    return replace(
        since,
        after=max(earlier, default=since.after),
        first=came,
        until=came,
        scored=since.first,
        joined=tuple(sorted(set(earlier))),
    )


def _labels_only(match: Match) -> bool:
    return match.symptom.id in ("not-enough-labels", "labels-late")


def _same(a: Match, b: Match) -> bool:
    return a.symptom.id == b.symptom.id


def _explained(reader: Reader, one: Scene, match: Match) -> Explanation:
    db, episode, signals = reader.db, one.episode, one.signals
    names = {s.name for s in match.core}
    run = reader.run(one, match)
    shown = set(match.columns)
    strengths = {
        b.id: max(
            (h.strength for h in episode.hits.get(b.id, ()) if h.signal in names or shown & set(h.columns)), default=0.0
        )
        for b in run
    }
    since = onset(episode, run, strengths)
    if names <= FEEDBACK:
        since = _as_labels_came(db, episode, since)
    line = lineup(db, episode, match, signals, since) if match.symptom.suspects else Lineup((), (), ())
    best = line.suspects[0] if line.suspects else None
    good = last_before(db, episode.model, episode.batch.version or "", since.until) if episode.batch.version else None
    filled = {"MODEL": episode.model.name, "ONSET": f"{since.first:%Y-%m-%dT%H:%MZ}"}
    command = match.symptom.next_command
    for word, value in filled.items():
        command = command.replace(word, value)
    if good and episode.batch.version:
        command = command.replace(" A B", f" {good} {episode.batch.version}")
    likely = best.cause if best is not None and best.cause else match.symptom.causes[0].cause
    met, recurrence, past = past_of(db, episode, match, likely)
    known = reader.once("effects", lambda: effects(db, episode.model, reader.now))
    verdict, answer = _answer(match.symptom, best, good)
    return Explanation(
        match=match,
        batch=episode.batch,
        onset=since,
        lineup=line,
        verdict=verdict,
        answer=answer,
        next_test=match.symptom.next_test,
        next_command=command,
        unrecorded=None if best is not None or not match.symptom.suspects else _unrecorded(match.symptom),
        recurrence=f"{likely}: met before ({met}x), the {recurrence} now" if met and recurrence else None,
        past=past,
        effects=tuple(known[s.name] for s in match.core if s.name in known),
    )


def _answer(symptom: Symptom, best: Suspect | None, good: str | None) -> tuple[str, str]:
    """The library's answer, and its words with the version or the change filled in.

    What one's own people altered can be taken back; what a caller, a provider or the world did can only be mended.
    """
    revert = f"revert {best.change.kind} {best.change.subject!r}" if best is not None else ""
    deployed = best is not None and best.change.table in ("deployments", "rollbacks")
    if symptom.answer in ("roll back", "revert the change"):
        if best is not None and not deployed:
            return "revert the change", f"{revert}: the version may be fine"
        if symptom.answer == "revert the change":
            return symptom.answer, symptom.action
        return symptom.answer, f"roll back to {good}" if good else symptom.action
    if symptom.answer == "fix the pipeline" and best is not None and not deployed and best.change.layer in OWN:
        return "revert the change", f"{revert}; {symptom.action}"
    return symptom.answer, symptom.action


OWN = ("run", "pipeline", "infrastructure")
"""Layers whose changes are one's own to take back."""


def _unrecorded(symptom: Symptom) -> str:
    causes = ", ".join(c.cause for c in symptom.causes[:3])
    return f"no recorded change fits: look outside the feed ({causes})"


def _words(model: Model, one: Scene, found: Sequence[Explanation]) -> str:
    if not one.compared_with:
        return f"{model.name} has no reference to be compared with"
    if not found:
        return f"{NOTHING}: batch {one.episode.batch.id} of {model.name} is as its past is"
    best = found[0]
    more = f" (and {len(found) - 1} more symptoms)" if len(found) > 1 else ""
    return f"{best.symptom.title}{more}"
