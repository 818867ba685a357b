"""Gates by thresholds, in the style of Argo Rollouts' analyses and Flagger's checks, to replay a rollout under.

Such a gate measures the candidate's rate of events over windows of a fixed length, calls a measurement failed when the
rate is above a limit, and rolls back at the first failure too many; it promotes when its time is up. It has no error
that anybody set, which is what the comparison is about.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.errors import ModelFileError
from storage.records.looks import Binary, Look
from storage.records.rollouts import Outcome
from storage.toml_document import TomlDocument

_TABLE, _HOUR = "thresholds", timedelta(hours=1)
_KEYS = {"every": str, "limit": float, "relative": bool, "allowed": int, "in_a_row": bool, "stay": str}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The settings of such a gate.

    Attributes:
        every: length of a measurement, in the time of the data.
        limit: rate above which a measurement fails; times the control's rate of the same window when ``relative``.
        allowed: failures that it puts up with: Argo's ``failureLimit``, one less than Flagger's ``threshold``.
        in_a_row: whether only failures without a success between them add up.
        stay: how long a stage takes.
    """

    every: timedelta
    limit: float
    relative: bool = True
    allowed: int = 3
    in_a_row: bool = False
    stay: timedelta = timedelta(hours=1)


def in_file(text: str, source: str) -> Thresholds | None:
    r"""The gate that a file of one table ``[thresholds]`` describes; None where the file has no such table.

    Raises:
        ModelFileError: it is no TOML, or breaks a rule; the message names key and line.

    >>> found = in_file('[thresholds]\nevery = "5m"\nlimit = 1.5\nallowed = 2', "argo.toml")
    >>> str(found.every), found.limit, found.allowed, str(found.stay)
    ('0:05:00', 1.5, 2, '1:00:00')
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(f"{source} is not valid TOML: {error}", "mend that line") from error
    if _TABLE not in document:
        return None
    reader = TomlDocument(text, source)
    reader.keys(document, {_TABLE: dict}, "")
    given = document[_TABLE]
    reader.keys(given, _KEYS, _TABLE, required=("every", "limit"))
    reader.number(given, "limit", _TABLE, 0.0, math.inf)
    reader.at_least(given, ("allowed",), _TABLE, 0)
    every, stay = (reader.duration(given, key, _TABLE, _HOUR) or timedelta(0) for key in ("every", "stay"))
    for key, span in (("every", every), ("stay", stay)):
        if not span:
            reader.fail(key, _TABLE, "must be longer than nothing")
    others = {key: given[key] for key in ("relative", "allowed", "in_a_row") if key in given}
    return Thresholds(every, float(given["limit"]), stay=stay, **others)


class ThresholdPath:
    """A candidate's way through one stage under thresholds, fed like :class:`core.rollouts.policy.Path`.

    Attributes:
        outcome, at: what it says, and since when; a roll back and a promotion are both the end of it.
        failures: failed measurements that count now.
    """

    def __init__(self, rule: Thresholds, guardrail: str):
        self.rule, self.guardrail = rule, guardrail
        self.outcome: Outcome = "hold"
        self.at: datetime | None = None
        self.failures = 0
        self._canary = self._canary_events = self._control = self._control_events = 0
        self._began: datetime | None = None
        self._measured_from: datetime | None = None

    def add(self, looks: Sequence[Look]) -> None:
        """Take in all looks of one moment; other guardrails, and what is no count of events, are passed over."""
        for look in looks:
            if look.guardrail == self.guardrail and isinstance(look.sums, Binary) and self.outcome == "hold":
                self._add(look, look.sums)

    def _add(self, look: Look, sums: Binary) -> None:
        self._began = self._began or look.window_start
        self._measured_from = self._measured_from or look.window_start
        self._canary += sums.canary
        self._canary_events += sums.canary_events
        self._control += sums.control
        self._control_events += sums.control_events
        if look.window_end - self._measured_from >= self.rule.every:
            self._measure(look.counted_at)
            self._measured_from = None
        if self.outcome == "hold" and look.window_end - self._began >= self.rule.stay:
            self.outcome, self.at = "promote", look.counted_at

    def _measure(self, at: datetime) -> None:
        rate = _rate(self._canary_events, self._canary)
        base = _rate(self._control_events, self._control) if self.rule.relative else 1.0
        failed = rate > self.rule.limit * base
        self.failures = self.failures + 1 if failed else (0 if self.rule.in_a_row else self.failures)
        self._canary = self._canary_events = self._control = self._control_events = 0
        if self.failures > self.rule.allowed:
            self.outcome, self.at = "roll back", at


def _rate(events: int, units: int) -> float:
    """NaN of nothing: no measurement fails by it."""
    return events / units if units else math.nan
