"""A clock that moves only when somebody waits."""

from collections.abc import Callable
from datetime import datetime, timedelta


class FakeClock:
    """Starts at ``start``; ``during`` runs at every wait, so that a test can move the world meanwhile."""

    def __init__(self, start: datetime, during: Callable[[float], None] | None = None) -> None:
        self.start = self.moment = start
        self.during = during

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        if self.during is not None:
            self.during((self.moment - self.start).total_seconds())
