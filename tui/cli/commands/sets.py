"""``midwatch sets list|show|freeze|score|verify|export``: evaluation sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast

import click

from core.evaluation import sets as use
from core.evaluation.age import SetAge, set_age
from core.evaluation.export import as_text
from core.evaluation.scores import take_scores
from storage.errors import UsageError
from storage.reports import write_report
from storage.tables import evaluation_sets, models
from tui.cli import diagnostics, output
from tui.cli.commands.cases import span
from tui.cli.commands.set_freezing import freeze, set_document
from tui.cli.options import ListByDefault, reading, shared, writing

SHOWN = 12
"""Columns whose distance ``show`` prints."""


@click.group("sets", cls=ListByDefault)
def command() -> None:
    """Evaluation sets (sets MODEL lists them): frozen, hashed, versioned."""


command.add_command(freeze)


@command.command("list")
@click.argument("model")
@click.option("--every", is_flag=True, help="Every version, not only the newest of each set.")
@shared
def list_sets(model: str, every: bool, store: str | None, as_json: bool) -> None:
    """List the evaluation sets of MODEL with age, fresh rows, and how far they lie from live data."""
    with reading(store) as session:
        found = models.get(session.db, model)
        ages = [
            set_age(session.db, found, one, session.now)
            for one in evaluation_sets.listing(session.db, found.id, every=every)
        ]
        scores = {age.set.id: evaluation_sets.scores(session.db, age.set.id) for age in ages}
    if as_json:
        output.document({"sets": [{**document(age), "scores": scores[age.set.id]} for age in ages]})
        return
    output.table(
        ("SET", "VERSION", "PURPOSE", "ITEMS", "AGE", "LAST 30 D", "FARTHEST COLUMN", "LAST SCORE", "HASH"),
        [
            (
                age.set.name,
                age.set.version,
                age.set.purpose,
                age.set.items,
                span(age.age),
                None if age.recent is None else f"{age.recent:.0%}",
                next((f"{c.column} PSI {c.psi:.2f}" for c in age.columns if c.psi is not None), None),
                next((f"{s.version}: {s.passed} of {age.set.items}" for s in scores[age.set.id][::-1]), None),
                age.set.sha256[:12],
            )
            for age in ages
        ],
        empty=f"no evaluation sets: midwatch sets freeze {model} NAME",
    )


@command.command("show")
@click.argument("model")
@click.argument("name")
@click.option("--set-version", type=click.IntRange(1), help="A version of the set; the newest by default.")
@click.option("--items", is_flag=True, help="The items, too.")
@shared
def show(model: str, name: str, set_version: int | None, items: bool, store: str | None, as_json: bool) -> None:
    """Show one set: its versions, age, distance to live data, scores."""
    with reading(store) as session:
        found = models.get(session.db, model)
        chosen = evaluation_sets.get(session.db, found.id, name, set_version)
        age = set_age(session.db, found, chosen, session.now)
        scores = evaluation_sets.scores(session.db, chosen.id)
        versions = [s for s in evaluation_sets.listing(session.db, found.id, every=True) if s.name == name]
        rows = as_text(use.items_of(session.db, chosen), found.file, "jsonl") if items else ""
    if as_json:
        import json

        listed = {"items": [json.loads(line) for line in rows.splitlines()]} if items else {}
        output.document({**document(age), "scores": scores, "versions": versions, **listed})
        return
    told = f"{chosen.name} version {chosen.version}, {chosen.purpose}: {chosen.items} items, sha256 {chosen.sha256}"
    output.text(f"{told}\nfrozen by {chosen.by} {span(age.age)} ago{f': {chosen.note}' if chosen.note else ''}")
    recent = (
        "no row has a time" if age.recent is None else f"{age.recent:.0%} of {age.dated} rows are of the last 30 days"
    )
    output.text(f"{recent}; live data are the newest {age.live} serving batches")
    output.table(
        ("COLUMN", "VALUES", "PSI", "BY SAMPLING", ""),
        [
            (
                c.column,
                c.values,
                None if c.psi is None else f"{c.psi:.3f}",
                None if c.noise is None else f"{c.noise:.3f}",
                "too few values" if c.psi is None else "far" if c.far else "",
            )
            for c in age.columns[:SHOWN]
        ],
        empty="no column in common with live data",
    )
    output.table(
        ("VERSION", "PASSED", "FAILED", "NOT KNOWN", "BY", "AT"),
        [(s.version, s.passed, s.failed, s.unknown, s.by, f"{s.at:%Y-%m-%d %H:%MZ}") for s in scores],
        empty="no version has been scored on it",
    )
    if items:
        output.text(rows.rstrip("\n"))


@command.command("score")
@click.argument("model")
@click.argument("name")
@click.option("--scores", required=True, type=click.Path(), help="JSON lines, CSV or Parquet with id and prediction.")
@click.option("--version", required=True, help="The version that gave these answers.")
@click.option("--set-version", type=click.IntRange(1), help="A version of the set; the newest by default.")
@shared
def score(
    model: str, name: str, scores: str, version: str, set_version: int | None, store: str | None, as_json: bool
) -> int:
    """Judge a version's answers to the set NAME and record them; exit 1 when one is wrong or missing."""
    with writing(store) as session:
        found = models.get(session.db, model)
        chosen = evaluation_sets.get(session.db, found.id, name, set_version)
        told = take_scores(session.db, found, chosen, scores, version, actor=session.actor, now=session.now)
    if as_json:
        output.document(
            {"set": told.set.name, "set_version": told.set.version, "version": told.version, "items": told.set.items,
             "passed": told.passed, "failed": told.failed, "unknown": told.unknown, "missing": told.missing,
             "strangers": told.strangers, "wrong": told.wrong}
        )  # fmt: skip
    else:
        output.text(
            f"{version} on {chosen.name} version {chosen.version}: {told.passed} of {chosen.items} passed, "
            f"{told.failed} failed, {told.missing} without an answer, {told.unknown} not known"
        )
        if told.wrong:
            output.table(
                ("ID", "EXPECTED", "ANSWER", "CASE"), [(w.id, w.expected, w.answer, w.case_id) for w in told.wrong]
            )
    if told.unknown:
        diagnostics.note("not known: name labels.tolerance in the model file")
    if told.strangers:
        diagnostics.note(f"{told.strangers} ids of {scores} are not in the set")
    return 0 if told.complete else 1


@command.command("verify")
@click.argument("model")
@click.argument("name", required=False)
@shared
def verify(model: str, name: str | None, store: str | None, as_json: bool) -> int:
    """Recompute the hash of every version of one set, or of all sets of MODEL; exit 1 when one does not match."""
    with reading(store) as session:
        found = models.get(session.db, model)
        if name is not None:
            evaluation_sets.get(session.db, found.id, name)
        chosen = [s for s in evaluation_sets.listing(session.db, found.id, every=True) if name in (None, s.name)]
        verdicts = [use.verify(session.db, one) for one in chosen]
    if as_json:
        output.document(
            {"sets": [{**set_document(v.set), "recomputed": v.recomputed, "wrong": v.wrong} for v in verdicts]}
        )
    else:
        output.table(
            ("SET", "VERSION", "ITEMS", "SHA256", "VERDICT"),
            [
                (v.set.name, v.set.version, v.set.items, v.set.sha256, "; ".join(v.wrong) or "as frozen")
                for v in verdicts
            ],
            empty="no evaluation sets",
        )
    return 1 if any(v.wrong for v in verdicts) else 0


@command.command("export")
@click.argument("model")
@click.argument("name")
@click.option("--set-version", type=click.IntRange(1), help="A version of the set; the newest by default.")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True, help="Of the rows."
)
@click.option("--output", "target", type=click.Path(path_type=Path), help="A file; standard output by default.")
@shared
def export(
    model: str, name: str, set_version: int | None, form: str, target: Path | None, store: str | None, as_json: bool
) -> None:
    """Write the rows of a set, redacted columns masked."""
    with reading(store) as session:
        found = models.get(session.db, model)
        chosen = evaluation_sets.get(session.db, found.id, name, set_version)
        text = as_text(use.items_of(session.db, chosen), found.file, cast("Literal['csv', 'jsonl']", form))
    if target is None:
        if as_json:
            raise UsageError("--json answers where the rows were written", "name a file: --output PATH")
        output.text(text.rstrip("\n"))
        return
    write_report(target, text)
    output.document({"path": target, "items": chosen.items, "sha256": chosen.sha256}) if as_json else output.text(
        f"{chosen.items} rows written to {target}"
    )


def document(age: SetAge) -> dict[str, Any]:
    """A set in time as scripts read it."""
    return {
        **set_document(age.set),
        "age": age.age,
        "dated": age.dated,
        "recent": age.recent,
        "oldest": age.oldest,
        "newest": age.newest,
        "distance": [
            {"column": c.column, "values": c.values, "psi": c.psi, "noise": c.noise, "far": c.far} for c in age.columns
        ],
    }
