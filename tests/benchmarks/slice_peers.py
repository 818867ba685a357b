"""Slice search by a peer, in the peer's environment: ``python slice_peers.py PEER ROWS.npz SUPPORT DEPTH SCORE``.

The file holds ``codes`` (columns x rows, uint8), ``sizes`` (codes of each column that are literals) and ``signal``
(bool or float). Prints one JSON object: CPU seconds from coded columns to the ten best, peak
megabytes, and by score the ten as [score, rows, [[column, code], ...]].

SCORE ``mean`` is what both rank by as they are: divergence, and the quality ``StandardQF(0)``. For ``sliceline``
(alpha 0.95) DivExplorer's itemsets are ranked afterwards (``mean,sliceline`` asks it for both lists), and pysubgroup
is lent our score and, as its optimistic estimate, our bound. DivExplorer is given the depth limit that its public
function does not pass on.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

ALPHA, BEST = 0.95, 10


def frame(codes: Any, sizes: Any) -> Any:
    """One column of small integers a column; codes that are no literal are missing."""
    columns = {f"c{i}": pd.Series(column).astype("Int16") for i, column in enumerate(codes)}
    return pd.DataFrame({name: column.mask(column >= sizes[i]) for i, (name, column) in enumerate(columns.items())})


def scored(rows: Any, total: Any, everything: int, overall: float) -> Any:
    """SliceLine's score."""
    return ALPHA * (total / rows / (overall / everything) - 1) - (1 - ALPHA) * (everything / rows - 1)


def divexplorer(codes: Any, sizes: Any, signal: Any, support: float, depth: int, score: str) -> dict[str, list[Any]]:
    """All itemsets by FP-growth with sums, ranked afterwards: one search serves every score."""
    import divexplorer.divexplorer as module

    module.fpgrowth_cm = partial(module.fpgrowth_cm, max_len=depth)
    data = frame(codes, sizes)
    outcome = "quantitative_outcomes" if signal.dtype.kind == "f" else "boolean_outcomes"
    data["signal"] = signal if signal.dtype.kind == "f" else signal.astype(int)
    found = module.DivergenceExplorer(data).get_pattern_divergence(min_support=support, **{outcome: ["signal"]})
    found = found[found["itemset"].map(len).between(1, depth)]
    rows = (found["support"] * len(signal)).round()
    lists = {}
    for name in score.split(","):
        value = found["signal_div"]
        if name == "sliceline":
            value = scored(rows, rows * found["signal"], len(signal), float(signal.sum()))
        best = value.nlargest(3 * BEST).index
        lists[name] = [[float(value[i]), int(rows[i]), sorted(map(literal, found["itemset"][i]))] for i in best]
    return lists


def literal(item: str) -> list[int]:
    """``c3=2`` as [3, 2]."""
    column, code = item.split("=")
    return [int(column[1:]), int(float(code))]


def pysubgroup(codes: Any, sizes: Any, signal: Any, support: float, depth: int, score: str) -> dict[str, list[Any]]:
    """Depth-first search on bit sets with an optimistic estimate."""
    import pysubgroup as ps

    class SliceLine(ps.StandardQF):  # type: ignore[misc]
        def evaluate(self, subgroup: Any, target: Any, data: Any, statistics: Any = None) -> float:
            known, whole = self.ensure_statistics(subgroup, target, data, statistics), self.dataset_statistics
            if known.size_sg == 0:
                return -np.inf
            return float(scored(known.size_sg, known.positives_count, whole.size_sg, whole.positives_count))

        def optimistic_estimate(self, subgroup: Any, target: Any, data: Any, statistics: Any = None) -> float:
            known, whole = self.ensure_statistics(subgroup, target, data, statistics), self.dataset_statistics
            if known.size_sg < least:
                return -np.inf
            ends = (max(least, known.positives_count), known.size_sg)
            return float(max(scored(n, known.positives_count, whole.size_sg, whole.positives_count) for n in ends))

    least = int(np.ceil(support * len(signal)))
    data = pd.DataFrame({f"c{i}": column for i, column in enumerate(codes)})
    data["signal"] = signal
    space = [ps.EqualitySelector(f"c{i}", code) for i, size in enumerate(sizes) for code in range(size)]
    constraints = [ps.MinSupportConstraint(least)]
    task = ps.SubgroupDiscoveryTask(
        data,
        ps.BinaryTarget("signal", True),
        space,
        SliceLine(1.0) if score == "sliceline" else ps.StandardQF(0.0),
        BEST,
        depth,
        constraints=constraints,
    )
    found = ps.DFS(ps.BitSetRepresentation).execute(task).to_descriptions(include_stats=True)
    lists = []
    for quality, slice_, stats in found:
        rows = stats["size_sg"] if isinstance(stats, dict) else stats.size_sg
        literals = sorted([int(one.attribute_name[1:]), int(one.attribute_value)] for one in slice_.selectors)
        lists.append([float(quality), int(rows), literals])
    return {score: lists}


PEERS: dict[str, Callable[..., dict[str, list[Any]]]] = {"divexplorer": divexplorer, "pysubgroup": pysubgroup}


def main() -> None:
    """Run one peer once."""
    peer, path, support, depth, score = sys.argv[1:6]
    __import__(peer)
    with np.load(path) as held:
        codes, sizes, signal = held["codes"], held["sizes"], held["signal"]
    begun = time.process_time()
    best = PEERS[peer](codes, sizes, signal, float(support), int(depth), score)
    spent = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": spent, "megabytes": peak, "best": best}) + "\n")


if __name__ == "__main__":
    main()
