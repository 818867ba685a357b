"""SQL that a person typed, over the rows of an open log and nothing else, within a time and a number of rows.

The statement is parsed, and may name no table but ``log`` and its own WITH clauses, no table function and no function
outside the lists below; besides, the connection reaches no other file, no network and no setting. Redacted columns are
replaced before the statement sees them, so that no renaming, grouping or computing brings them back.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from storage.errors import SourceError, UsageError
from storage.logs.engine import MEMORY_LIMIT, in_words
from storage.logs.late_labels import LATE_LABEL
from storage.logs.quoting import sql_name, sql_text
from storage.logs.source import LogSource
from storage.sql_functions import FUNCTIONS

MASK = "[redacted]"
MAXIMUM_LENGTH = 20_000
_ALL = "__log_all"
_CLAUSE = re.compile(r"[a-z][a-z0-9_]*")
_SYSTEM = ("duckdb", "pg_", "sqlite", "pragma", "information_schema")
_OTHER_TABLES = frozenset({"TABLE_FUNCTION", "SHOW_REF", "COLUMN_DATA", "DELIM_GET", "BOUND_TABLE_REF", "CTE"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave: ``truncated`` when there were more rows than asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool


def fence(source: LogSource, redact: Sequence[str], relation: str = "log", where: str = "true") -> None:
    """Lay a view called ``log`` over the log: redacted columns masked, late labels beside, our own gone.

    The source answers nothing but :func:`run` afterwards.

    Args:
        relation, where: the rows, as in :class:`core.slices.sides.Side`.
    """
    cells = [
        f"case when {sql_name(c.name)} is not null then {sql_text(MASK)} end as {sql_name(c.name)}"
        if c.name in redact
        else sql_name(c.name)
        for c in source.columns
    ]
    if relation != "log":
        cells.append(f"{LATE_LABEL} as late_label")
        relation = relation.replace("log", _ALL, 1)
    else:
        relation = _ALL
    con = source.connection
    with in_words("the log"):
        con.execute(f"alter view log rename to {_ALL}")
        con.execute(f"create view log as select {', '.join(cells)} from {relation} where {where}")


def run(source: LogSource, statement: str, *, limit: int, time_limit: float) -> Answer:
    """Run one SELECT over a fenced log.

    Raises:
        UsageError: it is no single SELECT over ``log`` with the functions allowed, or names what is not there.
        SourceError: it fails, takes too long or too much memory.
    """
    check(statement)
    con = source.connection
    timer = threading.Timer(time_limit, con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        found = con.execute(statement)
        columns = tuple(str(part[0]) for part in found.description or ())
        rows = found.fetchmany(limit + 1)
    except duckdb.InterruptException as error:
        raise SourceError(
            f"the query was stopped after {time_limit:g} s", "ask for fewer rows, or give it longer: --timeout"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise SourceError(f"the query needs more than {MEMORY_LIMIT} of memory", "ask for fewer groups") from error
    except duckdb.BinderException as error:
        said = " ".join(str(error).split("LINE 1:")[0].replace(_ALL, "log").split())
        raise UsageError(f"the query fails: {said[:300]}", "the relation is called log") from error
    except (duckdb.Error, OverflowError, ValueError) as error:
        said = " ".join(str(error).split("LINE 1:")[0].replace(_ALL, "log").split())
        raise SourceError(
            f"the query fails: {said[:300]}", "the relation is called log; see its columns below"
        ) from error
    finally:
        timer.cancel()
    return Answer(columns, tuple(rows[:limit]), len(rows) > limit)


def check(statement: str) -> None:
    """Refuse what is not one SELECT over ``log``.

    Raises:
        UsageError: what it is instead.

    >>> check("select origin, count(*) from log group by all")
    >>> check("select * from read_csv('/etc/passwd')")
    Traceback (most recent call last):
    ...
    storage.errors.UsageError: the query reads more than the log: a table function is not allowed; it is called log
    """
    if len(statement) > MAXIMUM_LENGTH:
        raise UsageError(f"the query is longer than {MAXIMUM_LENGTH:,} characters", "shorten it")
    with duckdb.connect(config={"enable_external_access": "false"}) as parser:
        try:
            found = parser.extract_statements(statement)
            if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
                raise UsageError("the query is not a single SELECT", "only reading is allowed here")
            tree = json.loads(parser.execute("select json_serialize_sql(?)", [statement]).fetchall()[0][0])
        except (duckdb.Error, RecursionError) as error:
            said = " ".join(str(error).split("LINE 1:")[0].split())
            raise UsageError(f"the query can't be read as SQL: {said[:200]}", "as in SELECT * FROM log") from error
    if tree.get("error"):
        raise UsageError(f"the query can't be read as SQL: {tree.get('error_message', '')}", "as in SELECT * FROM log")
    named = {str(name).lower() for node in _nodes(tree) for name in _with(node)}
    for name in sorted(named):  # in its own body, the name of a WITH clause is whatever table is called so
        if not _CLAUSE.fullmatch(name) or name.startswith(_SYSTEM):
            raise UsageError(f"a WITH clause can't be called {name!r}", "letters, digits and _ will do")
    for node in _nodes(tree):
        _check_node(node, named)


def _check_node(node: dict[str, Any], named: set[str]) -> None:
    kind = str(node.get("type", ""))
    if kind in _OTHER_TABLES and "class" not in node:
        what = kind.lower().replace("_", " ")
        raise UsageError(f"the query reads more than the log: a {what} is not allowed", "it is called log")
    if "table_name" in node and kind == "BASE_TABLE":
        table = str(node["table_name"]).lower()
        if table not in {"log", *named} or node.get("schema_name") or node.get("catalog_name"):
            raise UsageError(
                f"the query reads more than the log: there is no table {node['table_name']!r}",
                "FROM log is what there is",
            )
    if "function_name" in node or "qualified_name" in node:
        path = [str(part).lower() for part in (node.get("qualified_name") or {}).get("path", [])]
        called = str(node.get("function_name") or ".".join(path)).lower()
        own = node.get("schema") in (None, "", "main") and path[:-1] in ([], ["main"])
        if node.get("class") in ("FUNCTION", "WINDOW") and (called not in FUNCTIONS or not own):
            raise UsageError(
                f"the function {called!r} is not allowed here", "aggregates, windows, numbers, texts and times are"
            )


def _with(node: dict[str, Any]) -> Iterator[str]:
    """Names that a WITH clause gives."""
    held = node.get("cte_map")
    if isinstance(held, dict):
        for entry in held.get("map", []):
            yield entry["key"]


def _nodes(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from _nodes(part)
    elif isinstance(node, list):
        for part in node:
            yield from _nodes(part)
