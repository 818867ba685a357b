"""From a failing row to a frozen set: what was taken stays, hashes follow content alone, time is told."""

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation import failure_cases as cases
from core.evaluation import sets
from core.evaluation.age import set_age
from core.evaluation.case_lives import life
from core.evaluation.export import as_text
from core.evaluation.items import canonical, cell, hash_of, read, set_hash
from core.evaluation.right_answers import is_right
from core.evaluation.rows import rows_of_batch, rows_of_file
from core.evaluation.scores import passes, take_scores
from core.incidents import lifecycle, view, writing
from core.ingest import ingest
from core.labels import ingest_labels
from storage import db as store
from storage.errors import RefusedError, SourceError, UsageError
from storage.model_file import parse
from storage.records.batches import Batch
from storage.records.evaluation_sets import Item
from storage.records.failure_cases import CaseFilter, FailureCase
from storage.records.models import Model
from storage.tables import audit, batches, evaluation_sets, failure_cases, models
from tests.conftest import ADA, NOW
from tests.core import night
from tests.core.case_store import ROWS, alert_on_rows, seed
from tests.rows import write_log

values = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
items = st.builds(
    Item,
    id=st.text(min_size=1, max_size=5),
    payload=st.dictionaries(st.text(max_size=4), values | st.text(max_size=6), max_size=4),
    expected=st.none() | st.text(max_size=3),
    score=st.none() | st.floats(0, 1),
)


def hashed(found: list[Item]) -> str:
    return set_hash(hash_of(canonical(item)) for item in found)


@settings(max_examples=40, deadline=None)
@given(st.lists(items, max_size=4), st.randoms())
def test_a_hash_follows_content_alone(found: list[Item], random: object) -> None:
    """Order, repeats, the order of keys and the case it came from change nothing; reading back loses nothing."""
    turned = [replace(i, payload=dict(reversed(i.payload.items())), case_id=7) for i in found]
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert hashed(found) == hashed(turned) == hashed(found + turned)
    for item in found:
        assert canonical(read(canonical(item))) == canonical(item)
        assert canonical(item).isascii()


@settings(max_examples=40, deadline=None)
@given(items, items)
def test_other_content_has_another_hash(one: Item, other: Item) -> None:
    same = canonical(one) == canonical(other)
    assert (hashed([one]) == hashed([other])) == same
    assert hashed([one, other]) == hashed([one]) if same else hashed([one, other]) != hashed([one])
    assert hashed([replace(one, expected=(one.expected or "") + "x")]) != hashed([one])


def test_numbers_are_alike_however_they_were_read() -> None:
    one, other = Item("a", {"x": cell(3.0), "y": cell(float("inf"))}), Item("a", {"y": "inf", "x": 3})
    assert hashed([one]) == hashed([other])
    assert hashed([Item("a", {"x": True})]) != hashed([Item("a", {"x": 1})])


@dataclass
class Scene:
    """One batch of 120 rows without labels, served by v41."""

    db: sqlite3.Connection
    model: Model
    folder: Path

    @property
    def batch(self) -> Batch:
        return batches.get(self.db, 1)

    def add(self, where: str = "region = 'LATAM'", limit: int = 5, **options: object) -> cases.Added:
        return cases.add_rows(
            self.db, self.model, self.batch, where, limit=limit, **{"actor": ADA, "now": NOW, **options}
        )

    def freeze(self, name: str = "failures", **options: object) -> sets.Frozen:
        return sets.freeze(self.db, self.model, name, **{"actor": ADA, "now": NOW + timedelta(hours=2), **options})

    def label(self, ids: list[str], truth: int = 1) -> None:
        path = self.folder / f"labels_{ids[0]}.csv"
        path.write_text("request_id,label\n" + "".join(f"{i},{truth}\n" for i in ids))
        ingest_labels(self.db, self.model, path, actor=ADA, now=NOW)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed(tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def scene(seeded: Path, tmp_path: Path) -> Iterator[Scene]:
    shutil.copy(seeded / "midwatch.db", tmp_path / "midwatch.db")
    db = store.connect(tmp_path / "midwatch.db")
    yield Scene(db, models.get(db, "churn"), tmp_path)
    db.close()


def listed(scene: Scene) -> list[FailureCase]:
    return failure_cases.page(scene.db, CaseFilter(scene.model.id), descending=False)


def test_rows_become_cases_once_redacted_and_audited(scene: Scene) -> None:
    added = scene.add()
    assert (len(added.cases), added.known, added.without_answer) == (5, 0, 5)
    assert added.total > 5
    again = scene.add(limit=7)
    assert (len(again.cases), again.known) == (2, 5)
    case = listed(scene)[0]
    assert (case.payload["plan"], case.payload["region"], case.version) == ("[redacted]", "LATAM", "v41")
    assert not {"score", "label"} & set(case.payload)
    assert case.got is not None
    assert 0 < float(case.got) < 1
    assert case.line == int(case.row_key.partition("-")[2]) + 2
    assert audit.verify(scene.db).broken_at is None
    secret = scene.add(where="plan = 'pro' and region = 'EU'", limit=1, source="slice", source_ref="plan = pro")
    assert failure_cases.get(scene.db, secret.cases[0]).source_ref == "plan = [redacted]"
    assert not scene.db.execute("SELECT 1 FROM audit_log WHERE after_json LIKE '%plan = pro%'").fetchall()
    assert cases.add_by_id(scene.db, scene.model, scene.batch, ["r1-0"], actor=ADA, now=NOW).total == 1
    with pytest.raises(UsageError, match="no row nobody"):
        cases.add_by_id(scene.db, scene.model, scene.batch, ["nobody"], actor=ADA, now=NOW)
    for table in ("failure_cases", "evaluation_sets"):
        with pytest.raises((sqlite3.IntegrityError, AssertionError)):
            assert scene.db.execute(f"UPDATE {table} SET by = 'x'").rowcount != 0


def test_late_labels_are_the_right_answers(scene: Scene) -> None:
    scene.add(limit=3)
    ids = [case.row_key for case in listed(scene)]
    with pytest.raises(UsageError, match="3 cases have no right answer yet"):
        scene.freeze()
    scene.label(ids[:2])
    frozen = scene.freeze()
    assert (frozen.set.items, frozen.added, len(frozen.left_out)) == (2, 2, 1)
    assert [case.expected for case in listed(scene)] == ["1", "1", None]
    assert [e.note for e in failure_cases.events(scene.db, listed(scene)[0].id)] == ["a late label"]
    assert scene.add(where="region = 'LATAM' and request_id in (select 1::varchar)").total == 0


def test_a_new_version_leaves_the_old_one_as_it_was(scene: Scene) -> None:
    scene.add(limit=4)
    first, *_ = found = listed(scene)
    cases.judge(scene.db, [c.id for c in found], expected="1", actor=ADA, now=NOW)
    one = scene.freeze()
    assert scene.freeze().new is False
    cases.judge(scene.db, [first.id], "rejected", actor=ADA, now=NOW)
    cases.judge(scene.db, [found[1].id], expected="0", actor=ADA, now=NOW)
    extra = scene.add(where="region = 'EU'", limit=2)
    cases.judge(scene.db, extra.cases, "accepted", expected="0", actor=ADA, now=NOW)
    planned = sets.draft(scene.db, scene.model, "failures")
    two = scene.freeze(expect=planned.sha256)
    assert (two.set.version, two.set.supersedes, two.set.items, two.added, two.dropped) == (2, 1, 5, 3, 2)
    assert two.set.sha256 == planned.sha256 != one.set.sha256
    assert evaluation_sets.get(scene.db, scene.model.id, "failures", 1) == one.set
    assert [sets.verify(scene.db, s.set).wrong for s in (one, two)] == [(), ()]
    with pytest.raises(RefusedError, match="has changed since it was shown"):
        scene.freeze(expect=one.set.sha256)
    accepted = scene.freeze("accepted", cases="accepted")
    assert accepted.set.items == 2
    with pytest.raises(UsageError, match="purpose failures, not golden"):
        scene.freeze(purpose="golden")
    told = {r["action"] for r in scene.db.execute("SELECT action FROM audit_log")}
    assert {"cases.add", "case.judge", "set.freeze"} <= told


def test_a_frozen_set_takes_nothing_more_and_a_changed_byte_is_found(scene: Scene) -> None:
    scene.add(limit=2)
    cases.judge(scene.db, [c.id for c in listed(scene)], expected="1", actor=ADA, now=NOW)
    frozen = scene.freeze().set
    scene.db.execute("INSERT INTO evaluation_items VALUES ('x', '{}')")
    with pytest.raises(sqlite3.IntegrityError, match="frozen"):
        scene.db.execute("INSERT INTO evaluation_set_items(set_id, position, item_sha256) VALUES (1, 3, 'x')")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        scene.db.execute("UPDATE evaluation_items SET text = '{}'")
    scene.db.execute("DROP TRIGGER evaluation_items_no_update")
    scene.db.execute("UPDATE evaluation_items SET text = replace(text, '\"1\"', '\"0\"') WHERE sha256 <> 'x'")
    wrong = sets.verify(scene.db, frozen).wrong
    assert len(wrong) == 3
    assert "does not match its hash" in wrong[0]
    reader = store.connect(scene.folder / "midwatch.db", read_only=True)
    with pytest.raises(RefusedError, match="read-only"):
        sets.freeze(reader, scene.model, "more", actor=ADA, now=NOW)
    with pytest.raises(RefusedError, match="read-only"):
        cases.judge(reader, [1], "accepted", actor=ADA, now=NOW)
    reader.close()


def test_reported_in_a_set_and_passed_by_a_version(scene: Scene) -> None:
    """A shadow log and a file of scores are both seen; the version that failed can't be the one that passes."""
    scene.add(limit=2, reported_at=NOW - timedelta(days=1))
    one, two = listed(scene)
    cases.judge(scene.db, [one.id, two.id], expected="1", actor=ADA, now=NOW)
    frozen = scene.freeze()
    log = (scene.folder / "shadow.csv", write_log(scene.folder, 1, ROWS))
    lines = log[1].read_text().splitlines()
    names = lines[0].split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    changed = [
        {**r, "version": "v42", "score": "0.9" if r["request_id"] == one.row_key else "0.1", "label": ""} for r in rows
    ]
    log[0].write_text("\n".join([lines[0], *(",".join(r[n] for n in names) for r in changed)]) + "\n")
    seen = NOW + timedelta(days=2)
    assert len(list(ingest(scene.db, scene.model, [str(log[0])], actor=ADA, now=seen))) == 1
    first = life(scene.db, failure_cases.get(scene.db, one.id), scene.model.file)
    assert first.in_set == ("failures", 1, frozen.set.at)
    assert first.to_set == timedelta(days=1, hours=2)
    assert first.passed is not None
    assert (first.passed.version, first.passed.where, first.to_pass) == ("v42", "batch 2", timedelta(days=3))
    second = life(scene.db, failure_cases.get(scene.db, two.id), scene.model.file)
    assert [(a.version, a.passed) for a in second.answers] == [("v42", False)]
    scores = scene.folder / "v43.jsonl"
    scores.write_text("".join(json.dumps({"id": c, "prediction": 0.8}) + "\n" for c in (two.row_key, "stranger")))
    told = take_scores(scene.db, scene.model, frozen.set, str(scores), "v43", actor=ADA, now=seen)
    assert (told.passed, told.failed, told.missing, told.strangers, told.complete) == (1, 0, 1, 1, False)
    second = life(scene.db, failure_cases.get(scene.db, two.id), scene.model.file)
    assert second.passed is not None
    assert second.passed.version == "v43"
    scores.write_text('{"id": "a", "prediction": 1}\n{"id": "a", "prediction": 0}\n')
    with pytest.raises(SourceError, match="answered twice"):
        take_scores(scene.db, scene.model, frozen.set, str(scores), "v44", actor=ADA, now=seen)


def test_golden_rows_and_rows_of_a_file(scene: Scene) -> None:
    rows = rows_of_batch(scene.db, scene.model, scene.batch, "true", limit=40, golden=True)
    frozen = scene.freeze("golden", purpose="golden", cases="none", rows=rows)
    golden = sets.golden_rows(scene.db, scene.model)
    assert len(golden) == frozen.set.items == 40
    assert {g.id: g.score for g in golden} == {r.id: r.score for r in rows}
    assert golden[0].features["plan"] == "[redacted]"
    assert "score" not in golden[0].features
    assert [passes(scene.model.file, rows[0], a) for a in (str(rows[0].score), "0.99999", None)] == [True, False, False]
    with pytest.raises(UsageError, match="none of these rows has a label"):
        rows_of_batch(scene.db, scene.model, scene.batch, "true", limit=3)
    path = scene.folder / "own.csv"
    path.write_text("request_id,region,label\na,EU,1\nb,NA,0\n")
    assert [(i.id, i.expected) for i in rows_of_file(scene.model, str(path))] == [("a", "1"), ("b", "0")]
    path.write_text("request_id,region,label\na,EU,1\nb,NA,\n")
    with pytest.raises(SourceError, match="line 3: row b has no label"):
        rows_of_file(scene.model, str(path))


def test_age_fresh_rows_and_distance_to_live_data(scene: Scene) -> None:
    near = rows_of_batch(scene.db, scene.model, scene.batch, "true", limit=ROWS, golden=True)
    far = [replace(i, payload={**i.payload, "sessions": 30, "region": "EU"}) for i in near[:60]]
    old = [replace(i, id=f"o{i.id}", payload={**i.payload, "ts": "2026-01-01T00:00:00"}) for i in near[:60]]
    same = scene.freeze("same", purpose="golden", cases="none", rows=near).set
    other = scene.freeze("other", purpose="golden", cases="none", rows=far + old).set
    now = NOW + timedelta(days=3)
    close, apart = (set_age(scene.db, scene.model, s, now) for s in (same, other))
    assert close.age == timedelta(days=2, hours=22)
    assert (close.recent, apart.recent, apart.dated) == (1.0, 0.5, 120)
    assert {c.column for c in close.columns} == {"region", "spend", "sessions"}
    assert all(c.psi is not None and c.psi < 0.02 and not c.far for c in close.columns)
    assert [c.column for c in apart.columns if c.far] == ["sessions", "region"]
    assert apart.columns[0].psi is not None
    assert apart.columns[0].psi > 1
    few = scene.freeze("few", purpose="golden", cases="none", rows=near[:5]).set
    assert {c.psi for c in set_age(scene.db, scene.model, few, now).columns} == {None}


def test_an_export_masks_what_is_redacted_by_now(scene: Scene) -> None:
    found = [Item("a", {"region": "EU", "plan": "pro", "id": 'say "hi", x'}, "1"), Item("b", {"region": None}, "0")]
    rows = list(csv.DictReader(as_text(found, scene.model.file, "csv").splitlines()))
    assert [r["plan"] for r in rows] == ["[redacted]", ""]
    assert [r["column.id"] for r in rows] == ['say "hi", x', ""]
    lines = [json.loads(line) for line in as_text(found, scene.model.file, "jsonl").splitlines()]
    assert lines[0] == {"id": "a", "expected": "1", "score": None, "case": None,
                        "row": {"region": "EU", "plan": "[redacted]", "id": 'say "hi", x'}}  # fmt: skip


@pytest.mark.parametrize(
    ("task", "labels", "expected", "answer", "right"),
    [
        ("binary", "", "yes", "0.7", True),
        ("binary", "", "0", "0.7", False),
        ("binary", "", "maybe", "0.7", None),
        ("binary", 'positive = "churned"', "churned", "0.2", False),
        ("binary", 'positive = "churned"', "stayed", "churned", False),
        ("multiclass", "", "Cat", " cat", True),
        ("multiclass", "", "cat", "dog", False),
        ("regression", "tolerance = 5", "12", "16.5", True),
        ("regression", "tolerance = 5", "12", "18", False),
        ("regression", "", "12", "12", None),
        ("binary", "", None, "1", None),
    ],
)
def test_what_is_a_right_answer(task: str, labels: str, expected: str | None, answer: str, right: bool | None) -> None:
    text = f'name = "m"\ntask = "{task}"\n[columns]\ntime = "t"\nprediction = "p"\n[labels]\n{labels}\n'
    assert is_right(parse(text, "m.toml"), expected, answer) is right


def test_verdicts_take_cases_out_of_the_queue(scene: Scene) -> None:
    one, two, three = scene.add(limit=3).cases
    cases.judge(scene.db, [one], "accepted", category="price", note="seen by ada", actor=ADA, now=NOW)
    cases.judge(scene.db, [two], "duplicate", duplicate_of=one, actor=ADA, now=NOW)
    queue = failure_cases.page(scene.db, CaseFilter(scene.model.id, queue=True))
    assert [c.id for c in queue] == [three]
    assert failure_cases.count(scene.db, CaseFilter(text="price")) == 1
    assert failure_cases.place(scene.db, one, CaseFilter()) == 2
    for wrong in ({"verdict": "duplicate"}, {"verdict": "accepted", "duplicate_of": one}, {}, {"incident": "INC-0404"}):
        with pytest.raises(UsageError):
            cases.judge(scene.db, [three], **{"actor": ADA, "now": NOW, **wrong})
    with pytest.raises(RefusedError):
        cases.judge(scene.db, [three], "duplicate", duplicate_of=two, actor=ADA, now=NOW)


def test_an_incident_shows_its_cases_and_names_only_a_set_that_is_there(scene: Scene) -> None:
    alert = alert_on_rows(scene.db)
    opened = lifecycle.open_incident(
        scene.db, model=scene.model, title="spend lost", alerts=[alert], actor=ADA, now=NOW
    )
    added = cases.add_from_alert(scene.db, alert, limit=4, actor=ADA, now=NOW)
    assert (len(added.cases), added.known) == (4, 0)
    case = listed(scene)[0]
    assert (case.incident, case.category, case.source, case.source_ref) == (opened.key, "null burst", "alert", "1")
    shown = view.detail(scene.db, opened.key, now=NOW)
    assert [one.case.id for one in shown.cases] == list(added.cases)[::-1]
    with pytest.raises(UsageError, match="no evaluation set 'failures'"):
        writing.prevent(scene.db, opened.key, set_name="failures", actor=ADA, now=NOW)
    cases.judge(scene.db, added.cases, expected="1", actor=ADA, now=NOW)
    scene.freeze()
    writing.prevent(scene.db, opened.key, set_name="failures", actor=ADA, now=NOW)
    assert view.detail(scene.db, opened.key, now=NOW).prevention == ("set", "failures")
    with pytest.raises(UsageError, match="names no rows"):
        cases.add_from_alert(scene.db, night.alert(scene.db, scene.model.id, 1, 5), actor=ADA, now=NOW)
