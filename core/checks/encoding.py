"""Texts of another form: case, code page, digits for letters, white space round them."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.summary import answer, ratio
from core.stats.drift import total_variation, value_counts
from storage.logs.quoting import sql_name
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """Patterns of characters never seen before, texts that became numbers, padded texts."""
    found, judged = [], 0
    for name, now, before in context.pairs("feature", "identifier", "marker"):
        a, b = now.text, before.text
        if a is None or b is None or now.kind != "text" or now.rows - now.missing < MINIMUM_ROWS:
            continue
        judged += 1
        best: Finding | None = None
        if context.traits[name].kind == "identifier":
            best = _identifier(context, name)
        for stat, what, sql in (
            ("padded", "begin or end with white space", f"{sql_name(name)} <> trim({sql_name(name)})"),
            ("patterns", "have a form never seen before", None),
            ("numeric", "are numbers", f"try_cast({sql_name(name)} AS DOUBLE) IS NOT NULL"),
        ):
            departure = context.departures.get(name, stat)
            loud = ratio(context, CHECK, name, departure)
            if departure is None or loud < 1 or departure.rise <= 0:
                continue
            known = b.patterns.counts if stat == "patterns" else {}
            fresh = [p for p, _ in a.patterns.top(50) if p not in known][:3] if stat == "patterns" else []
            shown = f" ({', '.join(map(repr, fresh))})" if stat == "patterns" and fresh else ""
            rows = a.padded if stat == "padded" else a.numeric if stat == "numeric" else round(departure.value * a.rows)
            finding = failed(
                context,
                CHECK,
                f"{name!r}: {percent(departure.value)} of texts {what}{shown}, {percent(departure.expected)} before",
                cause="encoding",
                ratio=2 * loud,
                column=name,
                value=departure.value,
                threshold=departure.bound,
                rows=rows,
                rows_sql=sql,
                tier="ticket" if departure.rise >= 0.02 else "digest",
            )
            best = finding if best is None or finding.score > best.score else best
        if best is not None:
            found.append(best)
    return answer(CHECK, found, judged)


def _identifier(context: CheckContext, name: str) -> Finding | None:
    """An identifier's patterns have no statistic of their own: hold them against the reference's."""
    a, b = context.current.columns[name].text, context.reference.columns[name].text
    if a is None or b is None:
        return None
    p, q, _ = value_counts(a.patterns.counts, b.patterns.counts)
    apart = total_variation(p, q)
    if apart < 0.5 or not b.patterns.complete:
        return None
    return failed(
        context,
        CHECK,
        f"{name!r}: {percent(apart)} of identifiers have another form than before",
        cause="encoding",
        ratio=2 * apart / 0.5,
        column=name,
        value=apart,
        threshold=0.5,
        rows=round(apart * a.rows),
        tier="digest",
    )


CHECK = Check(
    "encoding",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} texts",
    "the same name in another case, code page or padding is another category to the model",
    run,
    "normalise at the source and replay",
)
