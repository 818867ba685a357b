"""The whole policy on simulated traffic, beside gates by thresholds and by Mann-Whitney on the very same traffic.

    python tests/benchmarks/gate_policy.py [--quick] [--runs N] [--json]

A candidate goes from 1 % through 10 % to 50 % of 2,000 requests a minute and then serves everyone. The base rate of
errors is 2 %, half of that up or down over a day, begun at a random hour; the candidate's odds of an error are the
baseline's times a true odds ratio. Every request falls on an arm at random. 400 runs a row (--quick: 40).

Ours: core.rollouts.policy.Path, one look a minute with its traffic split; margins of odds ratio 2.0, 1.30 and 1.15;
at least 10 minutes a stage; 1 % for harm over the rollout, 5 % for promotion a gate. The others stay an hour (the
Mann-Whitney gate two) in each stage. "extra" are errors of the candidate's arm beyond the baseline's, expected, until
the rollout ends; what is still open after a day is undecided. Figures in brackets are standard errors.

Prints one JSON object a line, and the table to standard error.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402

from core.rollouts.thresholds import ThresholdPath, Thresholds  # noqa: E402
from storage.records.looks import Binary, Look  # noqa: E402
from storage.records.rollouts import Outcome  # noqa: E402
from tests.core.rollouts.simulated import MINUTE, Gate, Run, ours, run, traffic  # noqa: E402

RATIOS = (0.9, 1.0, 1.05, 1.15, 1.3, 1.5, 2.0, 4.0)


def by_threshold(rule: Thresholds, stage: int) -> Gate:
    """A gate by thresholds, the same in every stage."""
    return ThresholdPath(rule, "error")


class MannWhitney:
    """Every half hour: are the candidate's error rates by minute, of the stage so far, above the control's?

    As Kayenta's judge classifies a metric by default: a 98 % interval of the shift (Hodges and Lehmann) whose low end
    is above a quarter of the estimate is "high", and one high judgement rolls back; four without one promote.
    """

    def __init__(self) -> None:
        self.outcome: Outcome = "hold"
        self.canary: list[float] = []
        self.control: list[float] = []

    def add(self, looks: Sequence[Look]) -> None:
        """Take in one minute."""
        sums = looks[0].sums
        assert isinstance(sums, Binary)
        self.canary.append(sums.canary_events / max(sums.canary, 1))
        self.control.append(sums.control_events / max(sums.control, 1))
        minutes = len(self.canary)
        if minutes % 30 == 0:
            shifts = np.sort(np.subtract.outer(self.canary, self.control), axis=None)
            spread = math.sqrt(minutes * minutes * (2 * minutes + 1) / 12)
            place = max(int(minutes * minutes / 2 - 2.326 * spread), 0)
            if shifts[place] > max(0.25 * float(np.median(shifts)), 0.0):
                self.outcome = "roll back"
            elif minutes == 120:
                self.outcome = "promote"


def relative(minutes: int, allowed: int, in_a_row: bool = False) -> Callable[[int], Gate]:
    """A gate that compares with the control: above 1.5 times its rate fails."""
    return partial(by_threshold, Thresholds(minutes * MINUTE, 1.5, allowed=allowed, in_a_row=in_a_row))


GATES: dict[str, Callable[[int], Gate]] = {
    "midwatch": ours,
    "threshold 1.5x, 1 min, 3 failures allowed (Argo)": relative(1, 3),
    "threshold 1.5x, 5 min, 3 failures allowed (Argo)": relative(5, 3),
    "threshold 1.5x, 5 min, 3 in a row (Flagger)": relative(5, 2, in_a_row=True),
    "threshold 1.5x, 10 min, 3 failures allowed (Argo)": relative(10, 3),
    "threshold 5 %, 1 min, 4 failures allowed (Flagger)": partial(
        by_threshold, Thresholds(MINUTE, 0.05, relative=False, allowed=4)
    ),
    "threshold 5 %, 5 min, 3 failures allowed (Flagger)": partial(
        by_threshold, Thresholds(5 * MINUTE, 0.05, relative=False, allowed=3)
    ),
    "Mann-Whitney by minute, half-hourly (Kayenta)": lambda stage: MannWhitney(),
}


@dataclass(frozen=True)
class Row:
    """Many of them: shares of outcomes with their standard errors, the median of minutes, the mean of extra errors."""

    gate: str
    ratio: float
    runs: tuple[Run, ...]

    def part(self, outcome: Outcome) -> tuple[float, float]:
        """The share that ended so, and its standard error."""
        p = sum(each.outcome == outcome for each in self.runs) / len(self.runs)
        return p, math.sqrt(p * (1 - p) / len(self.runs))

    @property
    def minutes(self) -> float:
        """The median."""
        return float(np.median([each.minutes for each in self.runs]))

    @property
    def extra(self) -> tuple[float, float]:
        """The mean, and its standard error."""
        values = [each.extra for each in self.runs]
        return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))

    def __str__(self) -> str:
        parts = [f"{100 * p:5.1f} ({100 * se:3.1f})" for p, se in map(self.part, ("promote", "roll back", "hold"))]
        mean, se = self.extra
        return f"{self.gate:52} {self.ratio:5.2f} | {' | '.join(parts)} | {self.minutes:6.0f} | {mean:8.1f} ({se:.1f})"


def figures(rows: dict[tuple[str, float], Row]) -> None:
    """The goals of the policy, and what each other gate does where ours meets them."""
    runs = len(next(iter(rows.values())).runs)
    for ratio in (0.9, 1.0):
        p, _ = rows["midwatch", ratio].part("promote")
        least = 0.98 if runs >= 400 else 0.98 - 3 * math.sqrt(0.98 * 0.02 / runs)
        goal = f">= {100 * least:.1f} %" + ("" if runs >= 400 else " (98 % less three standard errors)")
        show(Figure(f"gate policy: odds ratio {ratio} promoted", 100 * p, "%", f"{runs} runs", None, goal, p >= least))
    p, _ = rows["midwatch", 1.15].part("promote")
    limit = 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    goal = f"<= {100 * limit:.1f} % (5 % and three standard errors)"
    show(Figure("gate policy: harm at the margin promoted", 100 * p, "%", f"{runs} runs", None, goal, p <= limit))
    bad = rows["midwatch", 2.0]
    p, (extra, se) = bad.part("roll back")[0], bad.extra
    show(Figure("gate policy: odds ratio 2 rolled back", 100 * p, "%", f"{runs} runs", None, ">= 99 %", p >= 0.99))
    name, about = "gate policy: odds ratio 2, extra errors", f"standard error {se:.1f}"
    show(Figure(name, extra, "errors", about, None, "<= 20", extra <= 20))
    for gate in GATES:
        if gate != "midwatch":
            wrong = 100 * rows[gate, 1.0].part("roll back")[0]
            missed = rows[gate, 1.5]
            about = (
                f"rolls back {wrong:.0f} % of healthy ones, promotes {100 * missed.part('promote')[0]:.0f} % of these"
            )
            cost, own = missed.extra[0], rows["midwatch", 1.5].extra[0]
            show(Figure(f"odds ratio 1.5 under {gate}", cost, "errors", about, cost / own, f"ours {own:.0f}", None))


def main() -> None:
    """Run every gate over every true odds ratio."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="a tenth of the runs")
    options.add_argument("--runs", type=int, default=400)
    options.add_argument("--json", action="store_true", help="figures only, without the table")
    options.add_argument("--only", help="gates whose name begins so")
    given = options.parse_args()
    runs = given.runs // 10 if given.quick else given.runs
    head = f"{'gate':52} {'ratio':>5} | promoted %  | back %      | undecided % | median min | extra errors"
    lines = [] if given.json else [head]
    rows = {}
    for name, gate in GATES.items():
        if given.only and not name.startswith(given.only):
            continue
        for ratio in RATIOS:
            row = rows[name, ratio] = Row(name, ratio, tuple(run(gate, traffic(ratio, seed)) for seed in range(runs)))
            lines.append(str(row))
            if not given.json:
                print("\n".join(lines), file=sys.stderr, flush=True)
                lines = []
    if not given.only:
        figures(rows)


if __name__ == "__main__":
    main()
