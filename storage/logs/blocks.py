"""Expressions over the rows of an open log as numpy arrays, block by block: memory stays bounded however long it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from storage.logs.cells import Floats, floats
from storage.logs.engine import in_words
from storage.logs.source import LogSource

BLOCK_BYTES = 96_000_000


def read_blocks(
    source: LogSource,
    bytes_: Sequence[str],
    numbers: Sequence[str],
    *,
    relation: str = "log",
    where: str = "true",
) -> Iterator[tuple[list[npt.NDArray[np.uint8]], list[Floats]]]:
    """The rows that fulfil ``where``, in order: the values of ``bytes_`` (0 to 255 each) and of ``numbers`` per row.

    Args:
        bytes_: SQL expressions that are never null and lie within 0 and 255.
        numbers: SQL expressions; null becomes NaN.
        relation: what stands behind FROM; ``log``, or ``log`` with what was joined to it.
    """
    width = len(bytes_) + 8 * len(numbers)
    step = max(10_000, BLOCK_BYTES // max(width, 1))
    asked = [f"({e})::utinyint as c{i}" for i, e in enumerate(bytes_)]
    asked += [f"({e})::double as n{i}" for i, e in enumerate(numbers)]
    select = f"select {', '.join(asked) or '1 as nothing'} from {relation} where {where}"
    first = 0
    while True:
        cut = f" limit {step} offset {first}" if step < source.rows else ""
        with in_words("the log"):
            found = source.connection.execute(select + cut).fetchnumpy()
        codes = [np.asarray(found[f"c{i}"], dtype=np.uint8) for i in range(len(bytes_))]
        values = [floats(found[f"n{i}"]) for i in range(len(numbers))]
        yield codes, values
        first += step
        if first >= source.rows or (len((codes or values or [[]])[0]) < step):
            return
