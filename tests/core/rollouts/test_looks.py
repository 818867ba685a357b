import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.ingest import ingest
from core.labels import ingest_labels
from core.rollouts.catch_up import catch_up
from storage.records.looks import Binary, Look, Means, PairedBinary, PairedMeans, Ranks, Split
from storage.records.models import Model
from tests.conftest import ADA
from tests.core.rollouts.logs import (
    ALL,
    DAY,
    MIXED,
    MODEL,
    OPENED,
    bare,
    candidate,
    requests,
    take_in,
    write,
)

Register = Callable[..., Model]


def wrong(frame: pd.DataFrame) -> "pd.Series[bool]":
    return (frame["score"] >= 0.5) != (frame["churned"] == 1)


def by_name(looks: list[Look]) -> dict[str, Look]:
    assert len({look.guardrail for look in looks}) == len(looks)
    return {look.guardrail: look for look in looks}


def test_ingest_and_labels_look_at_a_mixed_file_once_it_is_mature(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    first = write(tmp_path, "d1.csv", frame.drop(columns="churned"))
    list(ingest(db, model, [first], actor=ADA, now=OPENED))
    assert [look.sums for look in bare(db, rollout)] == [Split(40, 160, 0.2)]
    told = "v8 in canary: labels of 1 window are not due yet, the first when logs reach 2026-11-04 23:44Z"
    assert catch_up(db, model, now=OPENED).waiting == (told,)
    path = write(tmp_path, "labels.csv", frame[["request_id", "churned"]])
    ingest_labels(db, model, path, actor=ADA, now=OPENED + DAY)
    assert len(bare(db, rollout)) == 1
    last = write(tmp_path, "d4.csv", requests(4, MIXED))
    list(ingest(db, model, [last], actor=ADA, now=OPENED + 3 * DAY))
    looks = bare(db, rollout, "canary")
    assert [look.guardrail for look in looks] == ["traffic split", "error", "traffic split"]
    ours = frame["model_version"] == "v8"
    assert looks[1].sums == Binary(40, int(wrong(frame[ours]).sum()), 160, int(wrong(frame[~ours]).sum()))
    assert (looks[1].rows, looks[1].labelled) == (40, 40)
    assert looks[1].counted_at == looks[1].window_end + 2 * DAY
    assert catch_up(db, model, now=OPENED + 3 * DAY).looks == 0


def test_every_method_counts_as_pandas_does(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(MODEL + ALL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    frame.loc[::7, "tenure"] = None
    frame.loc[::11, "latency_ms"] = None
    frame.loc[::13, "churned"] = None
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, (("v7", "full", 9),))), OPENED)
    assert catch_up(db, model, now=OPENED).looks == 5
    found = by_name(bare(db, rollout))
    ours = frame["model_version"] == "v8"

    latency, arms = found["latency"].sums, [frame["latency_ms"][side].dropna() for side in (ours, ~ours)]
    assert isinstance(latency, Ranks)
    assert (latency.canary, latency.control) == (len(arms[0]), len(arms[1]))
    larger = arms[0].to_numpy()[:, None] - arms[1].to_numpy()[None, :]
    assert latency.auc == pytest.approx(((larger > 0) + 0.5 * (larger == 0)).mean(), abs=1e-15)
    ties = frame["latency_ms"].value_counts()
    total = len(arms[0]) + len(arms[1])
    assert latency.ties == pytest.approx(float((ties**3 - ties).sum()) / (total * (total - 1)))
    assert found["latency"].labelled == found["latency"].rows == 40

    rule = next(one for one in rollout.rule.stages[1].guardrails if one.name == "loss")
    assert rule.cap is not None
    says = np.where(frame["churned"] == 1, frame["score"], 1 - frame["score"])
    known = frame["churned"].notna()
    loss = pd.Series(np.minimum(-np.log(says), rule.cap))[known]
    tenure = frame["tenure"][known].fillna(frame["tenure"][known].mean())
    sums = found["loss"].sums
    assert isinstance(sums, Means)
    for side, moments in ((ours[known], sums.canary), (~ours[known], sums.control)):
        x, y = tenure[side], loss[side]
        pandas = [y.sum(), (y**2).sum(), x.sum(), (x**2).sum(), (x * y).sum()]
        counted = [moments.total, moments.squares, moments.covariate, moments.covariate_squares, moments.product]
        assert counted == pytest.approx(pandas)
        assert moments.n == len(y)
    assert found["loss"].labelled == int((known & ours).sum())

    money = found["money"].sums
    assert isinstance(money, Means)
    assert money.canary.total == pytest.approx((frame["price"] * (1 - frame["churned"]))[ours].sum())
    assert next(one for one in rollout.rule.stages[1].guardrails if one.name == "money").needs_labels


def test_a_shadow_is_compared_request_by_request(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(MODEL + ALL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, (("v7", "full", 90), ("v8", "shadow", 60)), shared=True)
    frame = frame.sample(frac=1.0, random_state=1).drop(columns="tenure")
    again = frame[frame["model_version"] == "v8"].tail(3)  # answered twice: the last answer counts
    frame = pd.concat([frame, again.assign(score=1 - again["score"], latency_ms=1.0)])
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, (("v7", "full", 9),))), OPENED)
    catch_up(db, model, now=OPENED)
    found = by_name(bare(db, rollout, "shadow"))
    assert set(found) == {"error", "loss", "latency"}
    ours, theirs = (
        frame[frame["model_version"] == v].drop_duplicates("request_id", keep="last").set_index("request_id")
        for v in ("v8", "v7")
    )
    both = ours.index.intersection(theirs.index)
    assert len(both) == 60
    mine, its = wrong(ours.loc[both]), wrong(theirs.loc[both])
    assert found["error"].sums == PairedBinary(60, int((mine & ~its).sum()), int((its & ~mine).sum()))
    off = ours.loc[both, "latency_ms"] - theirs.loc[both, "latency_ms"]
    sums = found["latency"].sums
    assert isinstance(sums, PairedMeans)
    assert (sums.pairs, sums.total, sums.squares) == (60, pytest.approx(off.sum()), pytest.approx((off**2).sum()))


def test_a_guardrail_of_sql_counts_no_row_without_its_label(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    sql = "CASE WHEN churned = 1 AND price > 20 THEN 1 ELSE 0 END"
    model = register(f'{MODEL}[[guardrails]]\nname = "dear"\nsignal = "sql"\nsql = "{sql}"\nstages = ["canary"]\n')
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    frame.loc[::3, "churned"] = None
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, (("v7", "full", 9),))), OPENED)
    catch_up(db, model, now=OPENED)
    look = by_name(bare(db, rollout, "canary"))["dear"]
    known, ours = frame["churned"].notna(), frame["model_version"] == "v8"
    event = (frame["churned"] == 1) & (frame["price"] > 20)
    arms = [(int((known & arm).sum()), int((event & arm).sum())) for arm in (ours, ~ours)]
    assert look.sums == Binary(*arms[0], *arms[1])
    assert (look.rows, look.labelled) == (40, arms[0][0])


@pytest.mark.parametrize("apart", [False, True])
def test_the_label_of_the_served_row_holds_for_the_answer_of_the_shadow(
    db: sqlite3.Connection, register: Register, tmp_path: Path, apart: bool
) -> None:
    model = register(MODEL + ALL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, (("v7", "full", 90), ("v8", "shadow", 60)), shared=True)
    ours = frame["model_version"] == "v8"
    bare_rows = frame.assign(churned=frame["churned"].where(~ours))
    if apart:
        take_in(db, model, write(tmp_path, "v8.parquet", frame[ours].drop(columns="churned")), OPENED)
        take_in(db, model, write(tmp_path, "v7.parquet", frame[~ours]), OPENED)
    else:
        take_in(db, model, write(tmp_path, "d1.parquet", bare_rows), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, (("v7", "full", 9),))), OPENED)
    catch_up(db, model, now=OPENED)
    found = by_name(bare(db, rollout, "shadow"))
    mine, its = (wrong(frame[arm]).to_numpy()[:60] for arm in (ours, ~ours))
    assert found["error"].sums == PairedBinary(60, int((mine & ~its).sum()), int((its & ~mine).sum()))
    assert isinstance(found["loss"].sums, PairedMeans)
    assert (found["loss"].sums.pairs, found["error"].labelled) == (60, 60)


def test_versions_in_files_of_their_own_are_laid_beside_each_other(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL.replace('version = "model_version"\n', "").replace('stage = "stage"\n', ""))
    rollout = candidate(db, model, tmp_path)

    def served(day: int, rows: int, version: str, stage: str | None) -> int:
        frame = requests(day, ((version, stage or "full", rows),))
        path = write(tmp_path, f"{version}-{day}-{rows}.parquet", frame.drop(columns=["model_version", "stage"]))
        return take_in(db, model, path, OPENED, version=version, stage=stage)

    mine = served(1, 400, "v8", "canary")
    served(2, 500, "v7", None)  # of another day
    lonely = catch_up(db, model, now=OPENED)
    assert (lonely.looks, lonely.waiting[0]) == (
        0, f"batch {mine} holds v8 in canary, and no rows of v7 in the same window"
    )  # fmt: skip
    theirs = served(1, 420, "v7", None)
    served(1, 440, "v7", None)  # a second control of that window is too late
    served(4, 9, "v7", None)
    assert catch_up(db, model, now=OPENED).looks == 2
    frames = [requests(1, (("v8", "canary", 400),)), requests(1, (("v7", "full", 420),))]
    found = by_name(bare(db, rollout))
    assert found["traffic split"].sums == Split(400, 420, 0.2)
    assert found["error"].sums == Binary(400, int(wrong(frames[0]).sum()), 420, int(wrong(frames[1]).sum()))
    from storage.tables import looks

    assert {look.batches for look in looks.looks(db, rollout.id)} == {(mine, theirs)}


def test_users_are_units_and_slices_are_rows_of_their_own(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    from core.kept.slices import keep
    from storage.records.slices import Predicate

    text = MODEL.replace('latency = "latency_ms"', 'latency = "latency_ms"\nuser = "user"')
    model = register(text.replace('stage = "stage"\n', 'stage = "stage"\nredact = ["email"]\n') + ALL)
    keep(db, model, "pro", [Predicate("plan", "=", "pro")], kind="critical", actor=ADA, now=OPENED)
    keep(db, model, "any", [Predicate("plan", "=", "free")], actor=ADA, now=OPENED)
    rollout = candidate(db, model, tmp_path, user=True)
    frame = requests(1, MIXED).assign(user=lambda rows: [f"u{i % 23}" for i in range(len(rows))])
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    late = requests(4, (("v7", "full", 9),)).assign(user="u1")
    take_in(db, model, write(tmp_path, "d4.parquet", late), OPENED)
    catch_up(db, model, now=OPENED)
    found = by_name(bare(db, rollout, "canary"))
    ours = frame["model_version"] == "v8"
    worst = wrong(frame).groupby([ours, frame["user"]]).max()
    assert found["error"].sums == Binary(23, int(worst[True].sum()), 23, int(worst[False].sum()))
    assert found["error"].rows == 40
    loss = found["money"].sums
    assert isinstance(loss, Means)
    per_user = (frame["price"] * (1 - frame["churned"]))[ours].groupby(frame["user"]).mean()
    assert (loss.canary.n, loss.canary.total) == (23, pytest.approx(per_user.sum()))
    pro = frame[frame["plan"] == "pro"]
    arm = pro[pro["model_version"] == "v8"]
    assert found["error in pro"].rows == len(arm)
    sums = found["error in pro"].sums
    assert isinstance(sums, Binary)
    assert (sums.canary, sums.canary_events) == (
        arm["user"].nunique(),
        int(wrong(arm).groupby(arm["user"]).max().sum()),
    )
    assert "error in any" not in found
