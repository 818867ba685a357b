"""Slices as a person reads them: the head of a search and the list."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from core.slices.page import SliceLine, SlicePage
from core.slices.request import SliceRequest
from storage.logs.predicates import words
from storage.records.slices import Predicate
from tui.present.columns import Column
from tui.present.text import visible

COLUMNS = (
    Column("what", "SLICE", 20, grow=1, sortable=False),
    Column("rows", "ROWS", 5, rank=3, right=True, descending=True),
    Column("share", "PART", 4, rank=5, right=True, descending=True),
    Column("error", "NOW", 6, right=True, descending=True),
    Column("reference", "REF", 6, rank=1, right=True, descending=True),
    Column("effect", "EFFECT AND 95%", 18, right=True, descending=True),
    Column("q", "Q", 5, rank=4, right=True),
    Column("explained", "EXPL", 4, rank=2, right=True, descending=True),
)
"""80 cells hold all of them, 60 the first half of the words and what counts most."""


def value(number: float | None, unit: str) -> str:
    """A mean of the signal: shares in percent, all else to three significant digits; a dash where there is none.

    >>> value(0.1234, "share of wrong answers"), value(12.345, "milliseconds"), value(4321.0, ""), value(None, "loss")
    ('12.3%', '12.3', '4321', '-')
    """
    if number is None or math.isnan(number):
        return "-"
    if is_share(unit):
        return f"{100 * number:.1f}%"
    return f"{number:.0f}" if 100 <= abs(number) < 100_000 else f"{number:.3g}"


def is_share(unit: str) -> bool:
    """Whether a signal's mean is a share of the rows, to be told in percent."""
    return unit.startswith("share")


def effect(line: SliceLine, unit: str) -> str:
    """The effect with its interval, in points of percent for shares."""
    scale = 100 if is_share(unit) else 1
    low, high = line.interval
    if math.isnan(low) or math.isnan(high):
        return signed(scale * line.effect)
    places = _places(scale * max(abs(line.effect), abs(low), abs(high)))
    told = _short(scale * line.effect, places)
    return f"{'' if told.startswith('-') else '+'}{told} [{_short(scale * low, places)} {_short(scale * high, places)}]"


def signed(number: float) -> str:
    """A difference with its sign, to two or three significant digits, without a leading zero.

    >>> signed(12.34), signed(-0.0042), signed(1234.5), signed(0.0)
    ('+12.3', '-.0042', '+1234', '+0')
    """
    told = _short(number, _places(number))
    return told if told.startswith("-") else f"+{told}"


def _places(number: float) -> int:
    """Decimal places that two significant digits need; one from 1 to 100, none above."""
    size = abs(number)
    if size >= 100 or size == 0 or math.isnan(size):
        return 0
    return 1 if size >= 1 else min(6, 1 - math.floor(math.log10(size)))


def _short(number: float, places: int) -> str:
    told = f"{number:.{places}f}"
    return told.replace("0.", ".", 1) if told.lstrip("-").startswith("0.") else told


def chance(q: float | None) -> str:
    """A q value.

    >>> chance(0.00004), chance(0.0321), chance(1.0), chance(float("nan"))
    ('<.001', '.032', '1', '-')
    """
    if q is None or math.isnan(q):
        return "-"
    return "<.001" if q < 0.001 else f"{q:.2g}".replace("0.", ".", 1)


def explained(line: SliceLine) -> str:
    """The share of the whole change or excess that lies in a slice; a dash where there is no whole to share."""
    told = line.explained
    return "-" if told is None or math.isnan(told) else f"{told:.0%}"


def asked(question: SliceRequest, page: SlicePage | None) -> str:
    """What is searched: model, batch, conditions, and the rows as they were read."""
    batch = "" if question.batch is None else f" batch {question.batch}"
    side = "" if question.side is None else f" {question.side[0]} {question.side[1]} against the others"
    where = f" in {words(question.where)}" if question.where else ""
    rest = page.current if page is not None and question.side is None else ""
    rest = rest.removeprefix(batch.strip()).lstrip()
    return f"{question.model}{batch}{where}{side}{f'  {rest}' if rest else ''}"


def count(rows: int) -> str:
    """A number of rows in at most five cells.

    >>> count(9_999), count(123_456), count(1_234_567)
    ('9,999', '123k', '1.2M')
    """
    return f"{rows:,}" if rows < 10_000 else f"{rows / 1000:.0f}k" if rows < 1_000_000 else f"{rows / 1e6:.1f}M"


def compact(predicates: Sequence[Predicate]) -> str:
    """Conditions for a list, where every cell counts.

    >>> compact([Predicate("origin", "=", "JFK"), Predicate("hour", "between", (17.0, 20.0))])
    'origin=JFK & 17<hour<=20'
    """
    told = []
    for predicate in predicates:
        said = words([predicate])
        for sign in (" != ", " <= ", " >= ", " = ", " < ", " > "):
            said = said.replace(sign, sign.strip())
        told.append(said)
    return " & ".join(told) or "all rows"


def part(share: float) -> str:
    """A share of the rows in at most four cells.

    >>> part(0.123), part(0.0123), part(1.0)
    ('12%', '1.2%', '100%')
    """
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def cells(line: SliceLine, unit: str) -> tuple[str, ...]:
    """Words, rows, share, mean now, mean then, effect with interval, q, share explained."""
    return (
        compact(line.predicates),
        count(line.rows),
        part(line.share),
        value(line.error, unit),
        value(line.reference_error, unit),
        effect(line, unit),
        chance(line.q_value),
        explained(line),
    )


def heading(page: SlicePage | None, asked: str, state: str) -> Text:
    """Of what; what is measured, how it is in all and why that; whether anything stands out.

    Args:
        asked: model, rows and conditions, in words.
        state: what is going on (``searching ...``), empty when nothing.
    """
    if page is None:
        return two_lines(asked, state or "not searched yet")
    if page.not_answered is not None:
        return two_lines(asked, f"not answered: {page.not_answered}")
    text = Text(visible(asked) + "\n", "bold")
    then = f", was {value(page.reference_overall, page.unit)}" if page.reference_overall is not None else ""
    overall = f"{page.unit} {value(page.overall, page.unit)}{then} in all"
    text.append(visible(f"{page.signal}: {overall}; {page.why_this_signal}") + "\n", "not bold")
    ranked = "by change" if page.ranking == "change" else "by the worst now"
    text.append(visible(f"{f'{state}; ' if state else ''}{page.verdict}, {ranked}"))
    return text


def named_cells(told: str, measured: SlicePage | None, page: SlicePage | None) -> tuple[str, ...]:
    """The line of a slice that a finding names: its own numbers once they are known."""
    if measured is None or measured.overall is None:
        return (f"! {told}", *["-"] * 7)
    whole = page.rows if page is not None and page.rows else 0
    share = part(measured.rows / whole) if whole else "-"
    unit = measured.unit
    return (
        f"! {told}",
        count(measured.rows),
        share,
        value(measured.overall, unit),
        value(measured.reference_overall, unit),
        "named by an alert or a candidate",
        "-",
        "-",
    )


def all_cells(page: SlicePage, where: str) -> tuple[Text, ...]:
    """The line of all rows of the question, which every other one is a part of."""
    told = "all rows" if where == "all rows" else f"all rows of {where}"
    listed = (
        told,
        count(page.rows),
        "100%",
        value(page.overall, page.unit),
        value(page.reference_overall, page.unit),
        "",
        "",
        "",
    )
    return tuple(Text(visible(word), style="dim") for word in listed)


def two_lines(first: str, second: str) -> Text:
    """A heading."""
    text = Text(visible(first) + "\n", "bold", no_wrap=True, overflow="ellipsis")
    return text.append(visible(second), "not bold")


def signal_text(signal: float | None, unit: str) -> str:
    """The signal of one row: a wrong answer is ``wrong``, a right one ``right``."""
    if signal is None:
        return "-"
    if unit == "share of wrong answers" and signal in (0.0, 1.0):
        return "wrong" if signal else "right"
    return f"{signal:.4g}"
