"""The history of experiments in the demo: true to time, and enough of it for what is worked out from one."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from core.experiments.funnel import funnel
from core.experiments.gains import tree
from core.experiments.lives import lives
from core.experiments.predicting import history_of, outlooks
from core.experiments.registering import wrong
from sample_data.experiments import experiments
from sample_data.model_files import write_model_file
from sample_data.scenario import END
from storage import model_file
from storage.tables import models
from tests.conftest import ADA
from tui import demo_experiments


def test_a_history_is_registered_before_its_results_and_can_be_learned_from(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    told = experiments(END, planted=True)
    for name in ("churn", "eta", "assistant"):
        path = tmp_path / f"{name}.toml"
        write_model_file(path, name, tmp_path / "CURRENT")
        parsed, text, sha256 = model_file.read(path)
        models.register(db, parsed.name, path=str(path), text=text, sha256=sha256, actor=ADA, now=told[0].at)
        demo_experiments.recall(db, models.get(db, name), told, "prod-ml-3")
        demo_experiments.read(db, models.get(db, name), told, "prod-ml-3", END)  # nothing came in yet
    every = lives(db, now=END)
    assert len(every) == len(told) == 15
    assert all(result.at > one.experiment.at for one in every for result in one.results)
    assert not [one for one in every if wrong(one.experiment)]
    states = Counter(one.experiment.state for one in every)
    assert states == {"killed": 7, "dropped": 2, "launched": 2, "held": 1, "running": 3}
    assert {(one.experiment.model, one.experiment.version) for one in every if one.experiment.state == "running"} == {
        ("churn", "v43"), ("eta", "v10"), ("assistant", "v6"),
    }  # fmt: skip
    assert all(event.body for one in every for event in one.events if event.kind in ("kill", "drop"))
    assert [event.retrofitted for one in every for event in one.events if event.kind == "explain"] == [True]
    assert max(node.depth for node in tree(every)) == 2
    assert funnel(every).pace.to_kill_of == 7
    known = history_of(db, models.get(db, "churn"), now=END)
    assert known.pairs == 9
    assert known.shrinkage is not None
    held = next(one for one in outlooks(db, now=END).values() if one.end is not None)
    assert held.kill


def test_without_faults_nobody_registers_the_retraining_of_the_night() -> None:
    assert "no-join" not in {one.key for one in experiments(END, planted=False)}
