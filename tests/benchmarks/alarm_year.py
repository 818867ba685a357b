"""A year of five models with 24 batches a day and thirty incidents, in process: pages, precision, recall by month.

    python tests/benchmarks/alarm_year.py [--data DIR] [--days 365] [--jobs 2] [--minutes N] [--quick] [--json]

Batches are drawn from real days (``alarm_hours``); without ``--data`` from made rows. An incident is one fault in one
model for two to twelve batches. It is found when one of its batches raises a page or ticket. An alarm is a page or
ticket of a group that was not raised in the two batches before it, as in the program; it is false when no incident is
under way. Every alarm is answered, ``acted`` in an incident and ``noise`` otherwise.

Expected false alarms of a month are told in two ways, both before the fact: what the program expects of each batch from
how its own past would have been judged (``expected_false_alarms``), added up over the clean batches; and the share of
batches answered ``noise`` in the months before (with half an alarm added, as for any rate of few events) times its
batches, where the first month has nothing to go by. What came is counted as the program counts: clean batches that
opened an alarm.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path.cwd() if (Path.cwd() / "core" / "validate.py").exists() else Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from core.alert_raising import CLEAN_BATCHES  # noqa: E402
from core.checks.false_alarms import Answered, expected_false_alarms  # noqa: E402
from core.validate import roles_of  # noqa: E402
from storage.model_file import parse  # noqa: E402
from tests.benchmarks.alarm_faults import AFTER, BEFORE, KNOWN, Table  # noqa: E402
from tests.benchmarks.alarm_figures import wilson  # noqa: E402
from tests.benchmarks.alarm_hours import FIRST, Hours, profile, tables  # noqa: E402
from tests.benchmarks.alarm_replay import MODEL, Past, PastBatch, judge, settle, window_of  # noqa: E402
from tests.benchmarks.figures import Figure, show  # noqa: E402

HISTORY = 7 * 24
INCIDENTS = 30
LONGEST = 12


@dataclass(frozen=True, slots=True)
class Incident:
    """One fault of one model, ``first`` to ``last`` hour."""

    number: int
    model: int
    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Hour:
    """One batch: the incident under way, the tiers and causes of the alarms it opened, whether it was loud at all."""

    model: int
    hour: int
    incident: int | None
    opened: tuple[str, ...]
    loud: bool
    causes: tuple[str, ...] = ()
    expected: float = 0.0


def incidents(days: int, models: int, many: int, seed: int) -> list[Incident]:
    """Incidents spread over models and the year, at random, none while another is under way in the same model."""
    draw = np.random.default_rng(seed)
    found: list[Incident] = []
    while len(found) < many:
        first = int(draw.integers(HISTORY + 24, days * 24 - LONGEST))
        model, last = int(draw.integers(models)), first + int(draw.integers(1, LONGEST))
        if all(i.model != model or last < i.first - 24 or first > i.last + 24 for i in found):
            kind = str(KNOWN[len(found) % len(KNOWN)])
            found.append(Incident(len(found), model, kind, first, last))
    return sorted(found, key=lambda i: i.first)


def live(
    place: int, *, table: Table, days: int, planted: Sequence[Incident], seed: int, until: float = math.inf
) -> tuple[list[Hour], float]:
    """Every batch of one model through its year, or ``until`` that moment; and the seconds of CPU of the decisions."""
    model, hours, past = parse(MODEL, "bench.toml"), Hours(table, seed + place), Past()
    roles, told, spent, raised = roles_of(model), [], 0.0, {}
    sliced: tuple[str, ...] | None = None
    mine, answered = [i for i in planted if i.model == place], Answered()
    for hour in range(days * 24):
        if time.time() > until:
            break
        under = next((i for i in mine if i.first <= hour <= i.last), None)
        frame = hours.batch(hour)
        if under is not None:
            frame = broken(frame, hours, under, seed)
        found = profile(frame, roles, sliced)
        if hour < HISTORY:
            start, end = window_of(found, "ts")
            past.admit(hour, PastBatch(start, end, found), reference=True)
            sliced = sliced or tuple(found.slices) or None
            if hour == HISTORY - 1:
                settle(past, roles)
            continue
        started = time.process_time()
        judged = judge(found, past, model)
        spent += time.process_time() - started
        expected = expected_false_alarms(judged.context, answered)
        new = [d for d in judged.loud if hour - raised.get(d.group_key, -99) > CLEAN_BATCHES]
        opened, causes = tuple(d.tier for d in new), tuple(f"{d.cause} {' '.join(d.columns[:1])}" for d in new)
        if under is None:
            answered = answered.after(expected_false_alarms(judged.context), noise=bool(new))
        raised.update({d.group_key: hour for d in judged.loud})
        told.append(Hour(place, hour, under.number if under else None, opened, bool(judged.loud), causes, expected))
        if not judged.loud or under is None:
            past.admit(hour, judged.batch)
        past.forget(hour - 40 * 24)
    return told, spent


def broken(frame: pd.DataFrame, hours: Hours, incident: Incident, seed: int) -> pd.DataFrame:
    """The batch with the incident's fault; the same column in every hour of it."""
    draw = np.random.default_rng([seed, incident.number])
    kind = incident.kind
    for turn in range(20):
        planted = (BEFORE.get(kind) or AFTER[kind])(frame, hours.table, draw)
        if planted is not None:
            shown = planted[0]
            return shown.assign(prediction=hours.answers(shown)) if kind in BEFORE else shown
        kind = KNOWN[turn % len(KNOWN)]
    return frame


def months(told: Sequence[Hour], planted: Sequence[Incident]) -> pd.DataFrame:
    """One row a month: batches, pages and tickets a week, alarms, precision, recall, false alarms told and observed."""
    rows = pd.DataFrame([(h.hour, h.incident, h.opened.count("page"), h.opened.count("ticket")) for h in told])
    rows.columns = pd.Index(["hour", "incident", "pages", "tickets"])
    rows["month"] = [(FIRST + timedelta(hours=int(h))).strftime("%Y-%m") for h in rows["hour"]]
    rows["alarms"] = rows["pages"] + rows["tickets"]
    rows["wrong"] = rows["alarms"].where(rows["incident"].isna(), 0)
    rows["false"] = rows["wrong"] > 0
    rows["expected"] = [0.0 if h.incident is not None else h.expected for h in told]
    rows["loud"] = [h.loud for h in told]
    found = set(rows.loc[rows["loud"] & rows["incident"].notna(), "incident"])
    lines, seen, noise = [], 0, 0
    for month, part in rows.groupby("month"):
        begun = {i.number for i in planted if (FIRST + timedelta(hours=i.first)).strftime("%Y-%m") == month}
        clean, weeks = int(part["incident"].isna().sum()), part["hour"].nunique() / 168
        record = (noise + 0.5) / seen * clean if seen else float("nan")
        alarms, false = int(part["alarms"].sum()), int(part["false"].sum())
        lines.append(
            {"month": month, "batches": len(part), "pages/week": part["pages"].sum() / weeks,
             "tickets/week": part["tickets"].sum() / weeks, "alarms": alarms,
             "precision": 1 - part["wrong"].sum() / alarms if alarms else float("nan"), "incidents": len(begun),
             "found": len(begun & found), "expected": part["expected"].sum(), "by record": record,
             "false": false, "false alarms": int(part["wrong"].sum())}
        )  # fmt: skip
        seen, noise = seen + clean, noise + false
    return pd.DataFrame(lines)


def main() -> None:
    """Print the table and the plot, or figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop then, and tell the days that all lived")
    parser.add_argument("--quick", action="store_true", help="a fortnight beyond the first week")
    parser.add_argument("--json", action="store_true", help="figures only, one object a line")
    given = parser.parse_args()
    days = 21 if given.quick else given.days
    models = tables(given.data)
    many = max(round(INCIDENTS * days / 365), 3)
    planted = incidents(days, len(models), many, given.seed)
    until = time.time() + 60 * given.minutes
    one = partial(_live, models=models, days=days, planted=planted, seed=given.seed, until=until)
    if given.jobs > 1:
        with ProcessPoolExecutor(given.jobs) as pool:
            lives = list(pool.map(one, range(len(models))))
    else:
        lives = [one(place) for place in range(len(models))]
    end = min(hours[-1].hour for hours, _ in lives)
    told = [hour for hours, _ in lives for hour in hours if hour.hour <= end]
    planted = [i for i in planted if i.first <= end]
    table = months(told, planted)
    if not given.json:
        draw(table, [m.name for m in models], told, planted)
    for figure in figures(table, told, sum(spent for _, spent in lives), len(models), given.data is not None):
        show(figure)


def _live(
    place: int, *, models: Sequence[Table], days: int, planted: Sequence[Incident], seed: int, until: float
) -> tuple[list[Hour], float]:
    return live(place, table=models[place], days=days, planted=planted, seed=seed, until=until)


def draw(table: pd.DataFrame, names: Sequence[str], told: Sequence[Hour], planted: Sequence[Incident]) -> None:
    """The table by month, the alarms per week as a plot, and each model's and incident's part."""
    from tui.present.charts import Series, line_chart

    print(table.to_string(index=False, float_format=lambda v: f"{v:.2f}", na_rep="-"))
    weeks = pd.DataFrame([(h.hour // 168, len(h.opened), h.incident is None) for h in told], columns=["w", "n", "c"])
    by_week, false = weeks.groupby("w")["n"].sum(), weeks[weeks["c"]].groupby("w")["n"].sum()
    x = by_week.index.astype(float).tolist()
    lines = [Series("pages and tickets a week, all models", "o", x, by_week.tolist())]
    lines.append(Series("of these false", "x", x, false.reindex(by_week.index, fill_value=0).tolist()))
    print(line_chart(lines, width=100, height=18))
    for place, name in enumerate(names):
        own = [h for h in told if h.model == place]
        false_own = sum(len(h.opened) for h in own if h.incident is None)
        print(f"{name:12s} {len(own)} batches, {sum(len(h.opened) for h in own)} alarms, {false_own} of them false")
        told_of = Counter(cause for h in own if h.incident is None for cause in h.causes)
        print("".join(f"             {many} x {cause}\n" for cause, many in told_of.most_common(5)), end="")
    found = {h.incident for h in told if h.loud and h.incident is not None}
    for i in planted:
        at = FIRST + timedelta(hours=i.first)
        told_of = "found" if i.number in found else "MISSED"
        print(f"{at:%Y-%m-%d %H:00} {names[i.model]:12s} {i.kind:18s} {i.last - i.first + 1:2d} batches  {told_of}")


def figures(table: pd.DataFrame, told: Sequence[Hour], spent: float, models: int, real: bool) -> list[Figure]:
    """Totals of the year."""
    alarms, false, wrong = (int(table[name].sum()) for name in ("alarms", "false", "false alarms"))
    begun, found = int(table["incidents"].sum()), int(table["found"].sum())
    later = table.dropna(subset=["by record"])
    record, observed = float(later["by record"].sum()), int(later["false"].sum())
    expected = float(table["expected"].sum())
    weeks = len({h.hour for h in told}) / 168
    ratio, by_record = (false + 0.5) / (expected + 0.5), (observed + 0.5) / (record + 0.5)
    of = f"{models} models x 24 batches a day, {weeks:.0f} weeks, {'real days resampled' if real else 'made rows'}"
    low, high = wilson(alarms - wrong, alarms)
    least, most = wilson(found, begun)
    right, caught = 1 - wrong / max(alarms, 1), found / max(begun, 1)
    own, recorded = f"{expected:.1f} expected", f"{record:.1f} by the record"
    return [
        Figure("year: pages and tickets a week", alarms / weeks, "a week", of, None, "-", None),
        Figure("year: precision", right, f"[{low:.2f}, {high:.2f}]", f"{alarms} alarms", None, "-", None),
        Figure("year: recall", caught, f"[{least:.2f}, {most:.2f}]", f"{begun} incidents", None, "-", None),
        Figure("year: false alarms", false, "", own, ratio, "0.5 to 2", 0.5 <= ratio <= 2),
        Figure("year: after month 1", observed, "", recorded, by_record, "0.5 to 2", 0.5 <= by_record <= 2),
        Figure("year: decision", 1000 * spent / max(len(told), 1), "ms of CPU", "a batch", None, "-", None),
    ]


if __name__ == "__main__":
    main()
