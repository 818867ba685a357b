"""Stored batches under another threshold or another version's scores: read twice, and nothing written."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.kept.slices import keep
from core.shadow.what_if import WhatIf, replay
from storage.errors import MidwatchError, SourceError, UsageError
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import batches
from tests.conftest import ADA, NOW
from tests.core.shadow.kit import TEXT, requests, shadowed, take

Register = Callable[..., Model]


@pytest.fixture
def stored(db: sqlite3.Connection, register: Register, tmp_path: Path) -> tuple[Model, pd.DataFrame]:
    """A batch that two versions answered, one of them in shadow; and what users saw of it."""
    (tmp_path / "CURRENT").write_text("v1\n")
    model = register(f'{TEXT}[rollback]\nactuator = "pointer_file"\npath = "{tmp_path}/CURRENT"\n')
    base = requests(1000)
    take(
        db,
        model,
        tmp_path / "log.parquet",
        pd.concat([base, shadowed(base, flips={"EU": 0.2, "NA": 0.2, "APAC": 0.2})]),
    )
    keep(db, model, "europe", [Predicate("region", "=", "EU")], actor=ADA, now=NOW)
    return model, base


def digest(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its bytes."""
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_another_threshold_is_read_on_all_rows_and_per_kept_slice_and_nothing_is_written(
    db: sqlite3.Connection, stored: tuple[Model, pd.DataFrame], tmp_path: Path
) -> None:
    model, base = stored
    before = digest(tmp_path)
    found = replay(db, model, [batches.get(db, 1)], WhatIf(threshold=0.3), now=NOW)
    assert digest(tmp_path) == before  # store, pointer file and log alike
    assert (found.rows, found.answered, [part.name for part in found.parts]) == (1000, 1000, [None, "europe"])
    for part, rows in zip(found.parts, (base, base[base["region"] == "EU"]), strict=True):
        told = {one.metric: one for one in part.metrics}
        for threshold, reading in ((0.6, told["accuracy"].before), (0.3, told["accuracy"].after)):
            right = (rows["score"] >= threshold) == (rows["label"] == 1)
            assert (reading.value, reading.n) == (pytest.approx(right.mean()), len(rows))
        assert part.changed == ((rows["score"] >= 0.3) & (rows["score"] < 0.6)).sum()
        assert told["auc"].difference == 0.0  # a threshold moves no score


def test_another_versions_scores_are_joined_by_id(
    db: sqlite3.Connection, stored: tuple[Model, pd.DataFrame], tmp_path: Path
) -> None:
    model, base = stored
    scores = base[["rid"]].assign(prediction=np.where(base["label"] == 1, 0.9, 0.1)).iloc[:800]
    path = tmp_path / "scores.csv"
    pd.concat([scores, pd.DataFrame({"rid": ["nobody"], "prediction": [0.5]})]).to_csv(path, index=False)
    found = replay(db, model, [batches.get(db, 1)], WhatIf(scores=str(path)), now=NOW)
    assert (found.rows, found.answered, found.strangers) == (1000, 800, 1)
    told = {one.metric: one for one in found.parts[0].metrics}
    assert told["accuracy"].after.value == told["auc"].after.value == 1.0
    seen = base.iloc[:800]
    assert told["accuracy"].before.value == pytest.approx(((seen["score"] >= 0.6) == (seen["label"] == 1)).mean())
    pd.concat([scores, scores.head(1).assign(prediction=0.7)]).to_csv(path, index=False)
    with pytest.raises(SourceError, match="more than once, and not alike"):
        replay(db, model, [batches.get(db, 1)], WhatIf(scores=str(path)), now=NOW)
    path.write_text("name,prediction\na,1\n")
    with pytest.raises(SourceError, match="has no column 'rid' or 'id'"):
        replay(db, model, [batches.get(db, 1)], WhatIf(scores=str(path)), now=NOW)


def test_what_changes_nothing_is_refused() -> None:
    for given in ({}, {"threshold": 1.5}, {"threshold": float("nan")}):
        with pytest.raises(MidwatchError):
            WhatIf(**given)
    with pytest.raises(UsageError, match="nothing is asked"):
        WhatIf()
