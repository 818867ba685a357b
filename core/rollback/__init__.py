"""Rollback: plan (reads only), execute (journal, act, verify), recover after a crash, undo, watch.

The front ends call :func:`plan`, show it, and hand the very same record to :func:`execute`.
"""

from __future__ import annotations

from core.rollback.execution import Outcome, execute
from core.rollback.fallback import fallback_readiness
from core.rollback.planning import plan
from core.rollback.recovery import abandon, recover
from core.rollback.undoing import plan_undo, undo
from core.rollback.watching import WatchVerdict, watch

__all__ = [
    "Outcome",
    "WatchVerdict",
    "abandon",
    "execute",
    "fallback_readiness",
    "plan",
    "plan_undo",
    "recover",
    "undo",
    "watch",
]
