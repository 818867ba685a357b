"""One figure a line: what every benchmark prints, and what the README's table is made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside a peer or a limit measured in the same run.

    Attributes:
        value: in ``unit``.
        against: what it is compared with, with its own figure.
        ratio: value over the peer's figure; None without a peer.
        goal: in words.
        ok: whether the goal was met; None when the peer is missing.
    """

    name: str
    value: float
    unit: str
    against: str
    ratio: float | None
    goal: str
    ok: bool | None


def show(figure: Figure) -> None:
    """Print it as one JSON object."""
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(figure).items()}
    print(json.dumps(rounded, ensure_ascii=False), flush=True)
