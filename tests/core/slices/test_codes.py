"""What the codes select, the predicates select: in DuckDB, row by row."""

import math
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.slices.columns import code_sql, plan, predicate_of
from core.slices.opening import open_sides
from storage.logs.blocks import read_blocks
from storage.logs.predicate_text import parse
from storage.logs.predicates import predicate_sql, words
from tests.core.slices.kit import NOW, of, parquet

WORDS = ["", "007", "7", "NaN", "O'Hare", 'say "x"', "true", "a and b", "ü", "__x", "inf"]
ROW = st.tuples(
    st.none() | st.sampled_from([1.0, 1.5, 2.0, -0.0, 0.1 + 0.2, math.inf, -math.inf, math.nan, 1e300]) | st.floats(),
    st.none() | st.integers(-3, 3),
    st.none() | st.sampled_from(WORDS),
    st.none() | st.booleans(),
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, min_size=2, max_size=40), support=st.sampled_from([0.01, 0.2]))
def test_a_code_and_its_predicate_hold_the_same_rows(
    rows: list[tuple[object, ...]], support: float, tmp_path: Path
) -> None:
    frame = pd.DataFrame(rows, columns=["a real", "whole", "text's", "flag"])
    frame = frame.astype({"a real": "float64", "whole": "Int64", "text's": "object", "flag": "boolean"})
    path = parquet(tmp_path / "log.parquet", frame)
    with open_sides(None, of(path, support=support), now=NOW) as sides:
        source, kinds = sides.now.source, sides.now.kinds
        for coding in plan(sides, of(path, support=support)).codings:
            [([codes], _)] = list(read_blocks(source, [code_sql(coding)], []))
            for code in range(int(codes.max()) + 1):
                predicate = predicate_of(coding, code)
                [([chosen], _)] = list(read_blocks(source, [f"({predicate_sql([predicate], kinds)})::integer"], []))
                assert chosen.astype(bool).tolist() == (codes == code).tolist(), predicate
                assert parse(words([predicate]), kinds) == (predicate,)
