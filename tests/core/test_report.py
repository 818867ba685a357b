import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import handover, handover_page
from core.incidents import lifecycle, writing
from core.incidents.view import detail
from core.markdown import escape
from core.redaction import Redactor
from core.report import incident_report
from storage.errors import SourceError
from storage.records.models import Model
from storage.reports import write_report
from storage.tables import incidents
from tests.conftest import ADA, NOW
from tests.core import night
from tests.core.night import SECRET
from tui.cli import output

WHO = {"actor": ADA, "now": NOW}


def troubled(db: sqlite3.Connection, model: Model) -> str:
    """An incident whose evidence, alert, note, quarantine and change hold a value of a redacted column."""
    bad = night.batch(db, model.id, -50, rows=61_200)
    fired = night.alert(db, model.id, bad, -9, start=-50, title=f"email: {SECRET} is new", columns=("email",))
    other = night.alert(db, model.id, bad, -8, start=-50, title=f"scores of {SECRET} moved")
    on_email = night.finding(db, bad, "email", f"email: '{SECRET}' was never seen", {"examples": [SECRET]})
    on_rows = night.finding(
        db, bad, "score", f"score 7 for {SECRET}", {"rows": [{"email": "bob.hidden@x.org", "s": 1}]}
    )
    for alert_id, result_id in ((fired, on_email), (other, on_rows)):
        night.put(db, "alert_findings", alert_id=alert_id, result_id=result_id)
    night.put(db, "quarantine", batch_id=bad, path="/x.csv", line=3, reason="bad", text="r1,carol.quiet@y.org,not-a-n")
    night.put(
        db,
        "quarantine",
        batch_id=bad,
        path="/x.jsonl",
        line=4,
        reason="bad",
        text=json.dumps({"email": "dan@silent.io"}),
    )
    night.put(
        db,
        "metric_values",
        model_id=model.id,
        batch_id=bad,
        metric="auc",
        kind="ml",
        version="v42",
        value=0.512,
        low=0.49,
        high=0.53,
        n=900,
        rows=61_200,
        at=NOW,
    )
    night.put(
        db,
        "changes",
        layer="data",
        kind="mail",
        subject="list",
        before=SECRET,
        after="email=zed-77",
        model_id=model.id,
        at=night.at(-60),
        source="s",
        source_ref="1",
        recorded_at=NOW,
    )
    incident = lifecycle.open_incident(db, model=model, title=f"mail of {SECRET}", alerts=(fired, other), **WHO)
    guess = writing.hypothesis(db, incident.key, f"{SECRET} is a robot", **WHO)
    writing.evidence(db, incident.key, guess, reference=f"finding:{on_email}", text=f"seen {SECRET}", **WHO)
    writing.note(db, incident.key, "quoted carol.quiet@y.org, dan@silent.io and email: 'unseen@z.org'", **WHO)
    writing.note(db, incident.key, "bob.hidden@x.org <script>alert(1)</script>\n# big\n| a | b |", **WHO)
    return incident.key


def exports(db: sqlite3.Connection, key: str) -> str:
    made = incident_report(db, key, now=night.at(5))
    page = handover.build(db, start=night.at(-100), end=night.at(5))
    listed = json.dumps(output.plain(incidents.list_page(db, now=NOW)))
    told = [listed, made.markdown, made.summary, handover_page.markdown(page), json.dumps(handover_page.snapshot(page))]
    return "\n".join([*told, json.dumps(output.plain(detail(db, key, now=night.at(5))))])


def test_a_planted_secret_is_in_no_export(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    told = exports(db, troubled(db, register()))
    for secret in (SECRET, "bob.hidden@x.org", "carol.quiet@y.org", "dan@silent.io", "unseen@z.org", "zed-77"):
        assert secret not in told, secret
        assert escape(secret) not in told
    assert "[redacted]" in told


def test_without_a_policy_nothing_is_withheld(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    from tests.conftest import CHURN

    assert SECRET in exports(db, troubled(db, register(CHURN.replace('redact = ["email"]', ""))))


def test_the_report_traces_its_numbers(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    key = troubled(db, register())
    made = incident_report(db, key, now=night.at(5))
    for section in ("Impact", "Timeline (UTC)", "Hypotheses and evidence", "What was done", "Cause", "Follow-ups"):
        assert f"## {section}" in made.markdown
    assert (
        "61,200 predictions (100.0% of 61,200 in the window) in 1 of 1 batches [batches 1] of [batches 1]"
        in made.markdown
    )
    assert "| auc | 1 (2026-11-23 02:11:00Z) | v42 | 0.512 | 0.49 to 0.53 | 900 | [metric_values 1] |" in made.markdown
    cited = re.findall(r"\[([a-z_]+) (\d+)(?:-(\d+))?\]", made.markdown)
    for table, first, last in cited:
        for row_id in {first, last or first}:
            assert db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,)).fetchone(), (table, row_id)
    assert "not known: the cause" in made.markdown
    assert "| onset | 2026-11-23 02:11:00Z [alerts 1] |" in made.markdown
    assert len(made.summary.splitlines()) == 6


def test_words_from_outside_stay_words(db: sqlite3.Connection, register: Callable[..., Model]) -> None:
    markdown = incident_report(db, troubled(db, register()), now=night.at(5)).markdown
    assert "<script>" not in markdown
    assert "\n# big" not in markdown
    table = [line for line in markdown.splitlines() if line.startswith("| 2026") and "alert" in line]
    assert table
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in table)


@given(st.text())
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    told = escape(text)
    assert all(c.isprintable() for c in told)
    assert "<" not in told
    assert ">" not in told
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]|]", re.sub(r"\\[^\\]", "", told.replace("\\\\", "")))


@given(st.text(min_size=3), st.text(), st.text())
def test_a_known_secret_is_masked_wherever_it_stands(secret: str, before: str, after: str) -> None:
    masked = Redactor(frozenset({"email"}), (secret,)).text(before + secret + after)
    assert secret not in masked.replace("[redacted]", "") or secret in "[redacted]"


def test_reports_are_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "r.md"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o644)
    assert write_report(path, "new ✓").read_text() == "new ✓"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["r.md"]
    with pytest.raises(SourceError, match="can't be written"):
        write_report(path.parent, "x")
