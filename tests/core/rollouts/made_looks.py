"""Rules and looks made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from storage.records.looks import TRAFFIC, Binary, Look, Split, Sums
from storage.records.rollouts import GuardrailRule, StageRule

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=10)


def guardrail(name: str = "errors", **given: Any) -> GuardrailRule:
    return GuardrailRule(**{"name": name, "signal": "error", "harm": "up", "method": "odds", "margin": 1.3} | given)


def stage(*guardrails: GuardrailRule, **given: Any) -> StageRule:
    return StageRule(
        **{"stage": "canary", "kind": "canary", "traffic": 0.1, "guardrails": guardrails or (guardrail(),)} | given
    )


def look(nth: int, sums: Sums, name: str = "errors", **given: Any) -> Look:
    """The look at the ``nth`` window of ten minutes."""
    start = START + nth * WINDOW
    rows = getattr(sums, "canary", getattr(sums, "pairs", 0))
    made: dict[str, Any] = {
        "id": 0, "rollout_id": 1, "stage": "canary", "guardrail": name, "baseline": "v41", "batches": (nth,),
        "window_start": start, "window_end": start + WINDOW, "counted_at": start + WINDOW,
        "rows": rows if isinstance(rows, int) else rows.n, "labelled": 0, "sums": sums,
    }  # fmt: skip
    return Look(**made | given)


def events(nth: int, canary: float, control: float, of: int = 1_000, times: int = 9, **given: Any) -> Look:
    """Events among ``of`` units of the candidate and ``times`` as many of the control."""
    return look(nth, Binary(of, canary, of * times, control), **given)


def traffic(nth: int, canary: int, control: int, expected: float = 0.1) -> Look:
    return look(nth, Split(canary, control, expected), TRAFFIC)
