"""Seeded draws that more than one model uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def even_labels(
    rng: np.random.Generator, probability: NDArray[np.float64], group: NDArray[np.int64], along: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Labels with these chances, drawn by systematic sampling along a score within each group.

    Each row keeps exactly its chance, but the number of ones in any run of rows of like score varies by less than one:
    a small clean day does not miss its SLO by the luck of the draw.
    """
    import numpy as np

    order = np.lexsort((along, group))
    steps = np.floor(np.cumsum(probability[order]) + rng.random())
    labels = np.zeros(len(probability), dtype=np.int8)
    labels[order] = np.diff(steps, prepend=0.0) >= 1.0
    return labels


def identifiers(prefix: str, numbers: NDArray[np.int64], width: int) -> NDArray[np.object_]:
    """Row ids: the prefix and the number, padded with zeros to that width."""
    import numpy as np

    return np.asarray([f"{prefix}{number:0{width}d}" for number in numbers.tolist()], dtype=object)


def pick(rng: np.random.Generator, total: int, shares: dict[str, float]) -> NDArray[np.object_]:
    """`total` categories with these shares, which add up to one."""
    import numpy as np

    return np.asarray(list(shares), dtype=object)[rng.choice(len(shares), total, p=list(shares.values()))]


def half_of(rng: np.random.Generator, chosen: NDArray[np.bool_], group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A mask of exactly half (rounded down) of the chosen rows of each group."""
    import numpy as np

    rank = rng.random(len(chosen))
    order = np.lexsort((rank, group))
    order = order[chosen[order]]
    _, first, counts = np.unique(group[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(first, counts)
    mask = np.zeros(len(chosen), dtype=bool)
    mask[order[place < np.repeat(counts // 2, counts)]] = True
    return mask
