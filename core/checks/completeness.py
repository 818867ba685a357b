"""Missing values per column, nested keys included."""

from __future__ import annotations

from dataclasses import replace

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.similarity import missing_share
from core.checks.summary import answer, ratio
from storage.logs.quoting import sql_name
from storage.records.results import Finding, Tier


def run(context: CheckContext) -> list[Finding]:
    """More missing values than the column's own past, or fewer filled ones than the model file asks for."""
    found, judged, few = [], 0, []
    for name, now, before in context.pairs():
        spec = context.spec("completeness", name)
        share = missing_share(now)
        if spec is not None and spec.minimum is not None:
            judged += 1
            if 1 - share < spec.minimum:
                found.append(
                    _finding(context, name, share, missing_share(before), 5.0 + 10 * share, "ticket", 1 - spec.minimum)
                )
            continue
        if now.rows < MINIMUM_ROWS:
            few.append(name)
            continue
        if context.traits[name].kind == "label":
            continue  # labels come late: their coverage is told by the metrics
        judged += 1
        for stat in ("missing", "empty", "infinite"):
            departure = context.departures.get(name, stat)
            loud = ratio(context, CHECK, name, departure)
            if departure is None or loud < 1 or departure.rise <= 0:
                continue
            gone = departure.value >= 0.95 and departure.expected < 0.5
            tier: Tier = "page" if gone and stat == "missing" else "ticket" if departure.rise >= 0.02 else "digest"
            found.append(
                _finding(context, name, departure.value, departure.expected, loud, tier, departure.bound, stat)
            )
    found = [_together(f, found) for f in found]
    return answer(CHECK, found, judged, [f"{n!r}: fewer than {MINIMUM_ROWS} rows" for n in few])


def _together(finding: Finding, found: list[Finding]) -> Finding:
    """Columns that lost as many rows were lost by one join: each accuses all of them, itself first."""
    rows = finding.evidence["rows"]
    others = [f.column for f in found if f is not finding and abs(f.evidence["rows"] - rows) <= 0.02 * rows]
    return replace(finding, evidence={**finding.evidence, "columns": [finding.column, *others]}) if others else finding


def _finding(
    context: CheckContext,
    name: str,
    value: float,
    expected: float,
    loud: float,
    tier: Tier,
    threshold: float,
    stat: str = "missing",
) -> Finding:
    quoted = sql_name(name)
    sql = {"missing": f"{quoted} IS NULL", "empty": f"{quoted} = ''", "infinite": f"isinf({quoted})"}[stat]
    column = context.current.columns[name]
    counted = {
        "missing": column.missing,
        "empty": column.text.empty if column.text else 0,
        "infinite": column.number.infinite if column.number else 0,
    }[stat]
    return failed(
        context,
        CHECK,
        f"{name!r}: {percent(value)} {stat} ({counted:,} rows), {percent(expected)} expected",
        cause="null burst",
        ratio=loud,
        column=name,
        value=value,
        threshold=threshold,
        tier=tier,
        rows=counted,
        rows_sql=sql,
        nested=name.split(".") if "." in name else None,
    )


CHECK = Check(
    "completeness",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} rows",
    "a model fills in what is missing and goes on; its answers stay plausible and get worse",
    run,
)
