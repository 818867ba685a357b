"""Runs of days with planted faults: a clean history, then days of which about a third carry one fault.

    python tests/benchmarks/alarm_days.py flights --data DIR --into RUN [--seed 3] [--start 40] [--kinds all]

A run holds day_000.parquet ... and truth.json. ``DIR`` holds the public tables as CSV (nycflights13.csv.gz with
weather.csv and planes.csv beside it where there are any, bike_sharing.csv.gz, employment_MA.csv.gz, adult.csv.gz,
bank_marketing.csv.gz); ``made`` needs none. The model is trained on days before the history and answers again on broken
features. Seeded: the same arguments give the same bytes of truth and the same rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.benchmarks.alarm_faults import AFTER, BEFORE, FURTHER, KNOWN, UNTUNED, YESTERDAY, Table  # noqa: E402
from tests.benchmarks.alarm_tables import TABLES  # noqa: E402

HISTORY, DAYS = 28, 60
SHARE = 0.35
LEAST = 0.04
"""A fault that touches a smaller share of the rows is drawn anew."""

TRIES = 50
KINDS = {"known": KNOWN, "further": (*KNOWN, *FURTHER), "all": (*KNOWN, *FURTHER, *UNTUNED)}


class Answers:
    """A model of a table, trained on some of its days: gradient boosted trees over numbers and coded texts."""

    def __init__(self, table: Table, days: Sequence[int], seed: int) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        rows = table.rows[table.rows["day"].isin(days)]
        rows = rows.sample(min(len(rows), 20_000), random_state=seed)
        self._table = table
        self._codes = {c: {v: i for i, v in enumerate(sorted(rows[c].dropna().unique())[:200])} for c in table.texts}
        self._model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=12, random_state=seed)
        self._model.fit(self._inputs(rows), rows["label"])

    def __call__(self, day: pd.DataFrame) -> np.ndarray:
        """The score of each row; a column that is not there is missing throughout."""
        return np.round(self._model.predict_proba(self._inputs(day))[:, 1], 5)

    def _inputs(self, day: pd.DataFrame) -> np.ndarray:
        there = day.reindex(columns=self._table.features)
        coded = [there[c].map(self._codes[c]).astype(float) for c in self._table.texts]
        return np.column_stack([there[c].astype(float) for c in self._table.numbers] + coded)


def plant(
    table: Table, into: Path, *, seed: int, start: int, kinds: Sequence[str], history: int = HISTORY, days: int = DAYS
) -> None:
    """Write one run: ``history`` clean days from the day ``start`` on, then ``days`` of which a third are faulty."""
    draw = np.random.default_rng(seed)
    every = sorted(table.rows["day"].unique())
    wanted = every[start : start + history + days]
    if len(wanted) < history + days:
        raise SystemExit(f"{table.name} has {len(every)} days: {start} + {history + days} are too many")
    training = every[:start] if start >= 20 else [d for d in every if d not in wanted][:60] or wanted[:history]
    answers = Answers(table, training, seed)
    by_day = dict(tuple(table.rows[table.rows["day"].isin(wanted)].groupby("day")))
    faulty = set(draw.choice(np.arange(history, history + days), round(SHARE * days), replace=False).tolist())
    order = [kind for _ in range(len(faulty)) for kind in draw.permutation(kinds)]
    into.mkdir(parents=True, exist_ok=True)
    truth: list[dict[str, Any]] = []
    clean = pd.DataFrame()
    for i, number in enumerate(wanted):
        yesterday, day = clean, by_day[number].drop(columns="day")
        clean = day.assign(prediction=answers(day))
        kind, shown, columns, severity = None, clean, (), ""
        if i in faulty:
            kind, shown, columns, severity = _break(table, day, clean, yesterday, answers, order, draw)
        write(shown[[c for c in shown if c not in ("label", "prediction")] + ["prediction", "label"]], into, i)
        date = (table.dates or {}).get(int(number), str(number))
        told = {"i": i, "date": date, "fault": kind, "cols": list(columns), "sev": severity}
        truth.append({**told, "rows": len(day), "rows_out": len(shown)})
    head = {"dataset": table.name, "seed": seed, "hist": history, "days": days, "start": truth[0]["date"]}
    (into / "truth.json").write_text(json.dumps({**head, "truth": truth}, indent=1))


def _break(
    table: Table,
    day: pd.DataFrame,
    clean: pd.DataFrame,
    yesterday: pd.DataFrame,
    answers: Answers,
    order: list[str],
    draw: np.random.Generator,
) -> tuple[str, pd.DataFrame, tuple[str, ...], str]:
    """Plant the next kind of fault; one that the day gives nothing to work on yields to the next."""
    for kind in list(order):
        order.remove(kind)
        if kind == YESTERDAY:
            return kind, *again(yesterday, day, moved=int(yesterday["request_id"].iloc[0]) % 2 == 0)
        for _ in range(TRIES):
            found = BEFORE[kind](day, table, draw) if kind in BEFORE else AFTER[kind](clean, table, draw)
            if found is None:
                break
            shown, columns, severity = found
            if kind in BEFORE:
                shown = shown.assign(prediction=answers(shown))
            if _changed(clean, shown) >= LEAST:
                return kind, shown, columns, severity
    raise SystemExit(f"{table.name}: no fault fits this day")


def again(yesterday: pd.DataFrame, day: pd.DataFrame, *, moved: bool) -> tuple[pd.DataFrame, tuple[str, ...], str]:
    """Yesterday's rows once more: with today's times and new ids, or as they were but for the last few.

    The very same bytes are no new batch to the program and no alarm either.
    """
    if not moved:
        return yesterday.iloc[:-3], ("__rows__",), "as it was"
    first = int(day["request_id"].min())
    shown = yesterday.assign(ts=yesterday["ts"] + pd.Timedelta(days=1), request_id=first + np.arange(len(yesterday)))
    return shown, ("__rows__",), "with today's times"


def _changed(clean: pd.DataFrame, shown: pd.DataFrame) -> float:
    """Share of rows that a fault touched."""
    if len(clean) != len(shown) or list(clean) != list(shown):
        return 1.0
    features = [c for c in clean if c != "prediction"] if not clean.drop(columns="prediction").equals(
        shown.drop(columns="prediction")
    ) else list(clean)  # fmt: skip
    same = (clean[features] == shown[features]) | (clean[features].isna() & shown[features].isna())
    return float((~same.all(axis=1)).mean())


def write(day: pd.DataFrame, into: Path, number: int) -> None:
    """Write one day in the order of time."""
    import duckdb

    day = day.sort_values("ts", kind="stable") if "ts" in day else day
    with duckdb.connect() as con:
        con.register("day", day)
        floats = [c for c in day if pd.api.types.is_float_dtype(day[c])]
        kept = ", ".join(
            f"""nullif("{c}", 'nan'::double) as "{c}" """ if c in floats else f'"{c}"::varchar as "{c}"'
            if day[c].dtype == object else f'"{c}"' for c in day
        )  # fmt: skip
        con.execute(f"copy (select {kept} from day) to '{into / f'day_{number:03d}.parquet'}' (format parquet)")


def main() -> None:
    """Write one run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=30, help="the first day of the history, counted from 0")
    parser.add_argument("--kinds", choices=sorted(KINDS), default="known")
    given = parser.parse_args()
    table = TABLES[given.table](given.data, np.random.default_rng(given.seed))
    plant(table, given.into, seed=given.seed, start=given.start, kinds=KINDS[given.kinds])


if __name__ == "__main__":
    main()
