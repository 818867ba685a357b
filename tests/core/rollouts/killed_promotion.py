"""Promotes v2 in a process of its own, which kills itself with SIGKILL at a named point.

Called as ``python -m tests.core.rollouts.killed_promotion STORE POINT``.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.rollback import conclude
from core.rollouts import acting, producers, promotion
from storage.actuators.pointer_file import PointerFile
from storage.db import connect
from storage.tables import models
from tests.conftest import ADA, NOW


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main(store: str, point: str) -> None:
    act = PointerFile.execute

    def act_and_die(self: PointerFile, plan: Any, key: str) -> str:
        act(self, plan, key)
        die()
        return ""

    patches: dict[str, tuple[object, str, Any]] = {
        "begun": (PointerFile, "execute", die),
        "swapped": (PointerFile, "execute", act_and_die),
        "actuated": (conclude, "settle", die),
        "settled": (acting, "end", die),
    }
    setattr(*patches[point])
    producers.OF_FILES = ()
    db, now = connect(Path(store)), NOW + timedelta(hours=2)
    model = models.get(db, "churn")
    promotion.promote(db, model, promotion.plan(db, model, "v2", now=now, actor=ADA), actor=ADA, now=now)


if __name__ == "__main__":
    main(*sys.argv[1:])
