"""Business metrics: a SQL aggregate that a person wrote, over the rows of one batch and nothing else.

Three fences, each enough alone against files and network: the text must parse as one expression made of known
functions (no subselect, window, star or table function); the rows are a database file of their own, opened read-only
with external access, extensions and settings off and locked; and time and memory have an end. The list of functions is
what keeps time honest too: DuckDB can't be interrupted inside ``range(1000000000)``.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb

from storage.errors import ModelFileError, SourceError
from storage.fenced_sql import query
from storage.sql_functions import AGGREGATES, SCALARS

TABLE = "log_rows"
"""The table a business metric reads."""

SHOWN = "__shown_label"
"""Stands for the label in :func:`per_row`."""

GROUPS = 32
"""Sums of a ratio are kept for so many groups of rows (row number modulo 32): its interval comes from their spread."""

TIME_LIMIT_SECONDS = 10.0
MAXIMUM_LENGTH = 4_000

_CLASSES = frozenset({
    "FUNCTION", "COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE", "CAST", "BETWEEN",
})  # fmt: skip
_ADDITIVE = frozenset({"sum", "count", "count_star", "fsum", "count_if", "countif"})

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked expression.

    Attributes:
        shape: ``mean`` is avg(x), ``ratio`` a quotient of sums and counts, ``total`` a sum or count, ``value`` another.
        columns: the columns it reads.
        asked: one SELECT over :data:`TABLE` per part: the value, and what its shape keeps to be merged.
    """

    text: str
    shape: Literal["mean", "ratio", "total", "value"]
    columns: tuple[str, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an expression gave.

    Attributes:
        value: None when SQL says NULL.
        n: rows with a value (mean), else all rows.
        mean, variance: of a mean's argument.
        above, below: sums of a ratio's two sides per group of rows; a total has ``above`` only, with one group.
    """

    value: float | None
    n: int
    mean: float = 0.0
    variance: float = 0.0
    above: tuple[float, ...] = ()
    below: tuple[float, ...] = ()


def plan(expression: str, columns: Sequence[str], what: str) -> Plan:
    """Check an expression and take it apart.

    Args:
        expression: a SQL aggregate, as in ``avg(plan_price * (1 - churned))``.
        columns: the columns there are.
        what: names the metric in errors.

    Raises:
        ModelFileError: it isn't one aggregate expression over those columns, or uses what is not allowed.
    """
    return _plan(expression, tuple(columns), what)


@lru_cache(maxsize=256)  # the batches of a model ask for the same expression over the same columns
def _plan(expression: str, columns: tuple[str, ...], what: str) -> Plan:
    node = _parsed(expression, what)
    used = tuple(dict.fromkeys(_checked(node, columns, what)))
    if not any(_function(part) in AGGREGATES for part in _functions(node)):
        raise _refused(what, "it is no aggregate", "as in avg(price * (1 - churned))")
    shape, parts = _take_apart(node)
    return Plan(expression, shape, used, tuple(parts))


def per_row(expression: str, columns: Sequence[str], what: str, *, label: str | None) -> str | None:
    """What an average or a sum takes of each row, as SQL; None for any other aggregate.

    The label column is written :data:`SHOWN`, for whoever runs it to put the label's own expression there.

    Raises:
        ModelFileError: as :func:`plan` does.

    >>> per_row("avg(price * (1 - churned))", ["price", "churned"], "revenue", label="churned")
    '(price * (1 - __shown_label))'
    """
    plan(expression, columns, what)
    node = _parsed(expression, what)
    if _function(node) not in ("avg", "mean", "sum", "fsum") or node.get("distinct") or node.get("filter"):
        return None
    inner = _arguments(node)
    if len(inner) != 1:
        return None
    argument = copy.deepcopy(inner[0])
    for part in _nodes(argument):
        named = part["class"] == "COLUMN_REF" and ".".join(part["column_names"]).lower()
        if label is not None and named == label.lower():
            part["column_names"] = [SHOWN]
    return _sql(argument)


def run(rows: Path, asked: Plan, what: str, *, time_limit: float = TIME_LIMIT_SECONDS) -> Outcome:
    """Run a checked expression over the table :data:`TABLE` of a database file that holds nothing else.

    Raises:
        SourceError: it fails, takes too long or too much memory.
    """
    results = query(rows, asked.asked, what, time_limit=time_limit)
    value = _number(results[0][0][0], what)
    n = int(results[0][0][1])
    if asked.shape == "mean":
        count, variance = results[1][0]
        return Outcome(value, int(count), value or 0.0, _number(variance, what) or 0.0)
    if asked.shape == "ratio":
        groups = {int(g): (_number(a, what) or 0.0, _number(b, what) or 0.0) for g, a, b in results[1]}
        sides = [groups.get(g, (0.0, 0.0)) for g in range(GROUPS)]
        return Outcome(value, n, above=tuple(a for a, _ in sides), below=tuple(b for _, b in sides))
    return Outcome(value, n, above=(value or 0.0,) if asked.shape == "total" else ())


def _parsed(expression: str, what: str) -> Node:
    """The tree of the one expression."""
    if len(expression) > MAXIMUM_LENGTH:
        raise _refused(what, f"it is longer than {MAXIMUM_LENGTH:,} characters", "shorten it")
    # The line end closes a comment, so that an expression can't hide what stands behind it.
    statement = f"SELECT {expression}\n FROM {TABLE}"
    with duckdb.connect(config={"enable_external_access": "false"}) as parser:
        try:
            found = parser.extract_statements(statement)
            if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
                raise _refused(what, "it is more than one statement", _ONE)
            tree = json.loads(parser.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()[0][0])
        except (duckdb.Error, RecursionError) as error:
            said = " ".join(str(error).split("LINE 1:")[0].split())
            raise _refused(what, f"it can't be read as SQL ({said[:200]})", _ONE) from error
    if tree.get("error"):
        raise _refused(what, f"it can't be read as SQL ({tree.get('error_message', '')})", _ONE)
    select = tree["statements"][0]["node"]
    table = select.get("from_table", {})
    plain = (
        select.get("type") == "SELECT_NODE"
        and len(select["select_list"]) == 1
        and (table.get("type"), table.get("table_name")) == ("BASE_TABLE", TABLE)
        and not any(select.get(key) for key in ("where_clause", "group_expressions", "having", "qualify", "sample"))
        and not select.get("modifiers")
        and not select.get("cte_map", {}).get("map")
    )
    if not plain:
        raise _refused(what, "it is more than one expression", _ONE)
    node: Node = select["select_list"][0]
    return node


def _checked(node: Node, columns: Sequence[str], what: str) -> Iterator[str]:
    """The columns an expression names; raises at the first thing that is not allowed."""
    for part in _nodes(node):
        kind = part["class"]
        if kind not in _CLASSES:
            raise _refused(what, f"a {kind.lower().replace('_', ' ')} is not allowed there", _ONE)
        if kind == "FUNCTION":
            called = _function(part)
            if called not in AGGREGATES and called not in SCALARS:
                raise _refused(what, f"the function {called!r} is not allowed there", "arithmetic, text and time only")
        if kind == "COLUMN_REF":
            column = ".".join(part["column_names"])
            found = next((c for c in columns if c.lower() == column.lower()), None)
            if found is None:
                near = difflib.get_close_matches(column, columns, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"the log has {', '.join(list(columns)[:20])}"
                raise _refused(what, f"there is no column {column!r}", hint)
            yield found


def _take_apart(node: Node) -> tuple[Literal["mean", "ratio", "total", "value"], list[str]]:
    """The shape of an expression, and the statements that give its value and its sums."""
    value = f"SELECT ({_sql(node)})::DOUBLE, count(*) FROM {TABLE}"
    if _function(node) in ("avg", "mean") and not node.get("distinct"):
        count, variance = (_sql(_renamed(node, other)) for other in ("count", "var_samp"))
        return "mean", [value, f"SELECT {count}, ({variance})::DOUBLE FROM {TABLE}"]
    if _linear(node):
        return "total", [value]
    sides = _arguments(node)
    if _function(node) == "/" and len(sides) == 2 and all(_linear(side) and _aggregates(side) for side in sides):
        above, below = (_sql(side) for side in sides)
        grouped = f"SELECT rowid % {GROUPS}, ({above})::DOUBLE, ({below})::DOUBLE FROM {TABLE} GROUP BY 1"
        return "ratio", [value, grouped]
    return "value", [value]


def _linear(node: Node) -> bool:
    """Whether an expression over two tables together is the sum of itself over each."""
    called = _function(node)
    if called in _ADDITIVE:
        return not node.get("distinct")
    arguments = _arguments(node)
    if called in ("+", "-") and arguments:
        return all(_linear(part) for part in arguments)
    if called == "*" and len(arguments) == 2:
        return sum(_constant(part) for part in arguments) == 1 and any(_linear(part) for part in arguments)
    return called == "/" and len(arguments) == 2 and _linear(arguments[0]) and _constant(arguments[1])


def _constant(node: Node) -> bool:
    return all(part["class"] in ("CONSTANT", "CAST") for part in _nodes(node))


def _aggregates(node: Node) -> bool:
    return any(_function(part) in AGGREGATES for part in _functions(node))


def _nodes(node: object) -> Iterator[Node]:
    """Every node of an expression, whatever the keys it hangs on: these differ between releases of DuckDB."""
    if isinstance(node, dict):
        if "class" in node:
            yield node
        elif node.get("type") not in (None, "ORDER_MODIFIER") and "node" in node:
            yield {"class": "SUBQUERY"}
        for part in node.values():
            yield from _nodes(part)
    elif isinstance(node, list):
        for part in node:
            yield from _nodes(part)


def _functions(node: Node) -> Iterator[Node]:
    return (part for part in _nodes(node) if part["class"] == "FUNCTION")


def _function(node: Node) -> str:
    return str(node.get("function_name", "")).lower() if node.get("class") == "FUNCTION" else ""


def _arguments(node: Node) -> list[Node]:
    """Arguments of a function: ``children`` until DuckDB 1.x, ``arguments`` with names from 2.0 on."""
    if "arguments" in node:
        return [argument["expression"] for argument in node["arguments"]]
    return list(node.get("children", []))


def _renamed(node: Node, other: str) -> Node:
    """The same call of another function."""
    renamed = copy.deepcopy(node)
    renamed["function_name"] = other
    if "qualified_name" in renamed:
        renamed["qualified_name"] = {"path": [other]}
    return renamed


def _sql(node: Node) -> str:
    """The text of an expression, written by DuckDB itself from the tree that was checked."""
    with duckdb.connect(config={"enable_external_access": "false"}) as parser:
        shell = json.loads(parser.execute("SELECT json_serialize_sql('SELECT 1')").fetchall()[0][0])
        shell["statements"][0]["node"]["select_list"] = [node]
        text = parser.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(shell)]).fetchall()[0][0]
    return str(text).removeprefix("SELECT ")


def _number(value: object, what: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise SourceError(f"{what} gives {value!r:.60} and not a number", "correct its sql in the model file")
    return float(value)


_ONE = "sql is one aggregate expression over the log's columns, as in avg(price * (1 - churned))"


def _refused(what: str, why: str, hint: str) -> ModelFileError:
    return ModelFileError(f"{what}: {why}", hint)
