"""Executes one rollback in a process of its own, which kills itself with SIGKILL at a named point.

Called as ``python -m tests.core.rollback.killed_process STORE POINT``; ``POINT`` ``never`` kills nothing.
"""

import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import Any

from core import rollback
from core.rollback import conclude, execution
from core.rollback.execution import YES
from storage.actuators.pointer_file import PointerFile
from storage.clock import utc_now
from storage.db import connect
from storage.host import current_actor
from storage.tables import models


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main(store: str, point: str) -> None:
    act = PointerFile.execute

    def act_and_die(self: PointerFile, plan: Any, key: str) -> str:
        act(self, plan, key)
        die()
        return ""

    patches: dict[str, tuple[object, str, Any]] = {
        "planned": (execution, "_start", die),
        "started": (PointerFile, "execute", die),
        "swapped": (PointerFile, "execute", act_and_die),
        "written": (PointerFile, "_swap", die),
        "actuated": (conclude, "settle", die),
        "settled": (conclude, "write", die),
        "concluding": (conclude, "_follow", die),
    }
    if point in patches:
        setattr(*patches[point])
    db = connect(Path(store))
    model = models.get(db, "churn")
    now = utc_now()
    made = rollback.plan(db, model, now=now, actor=current_actor())
    made = dataclasses.replace(made, settle_seconds=0.02)
    sys.stdout.write("executing\n")
    sys.stdout.flush()
    done = rollback.execute(db, made, confirmed=YES, reason="bad", override="test", actor=current_actor(), now=now)
    sys.stdout.write(done.state)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
