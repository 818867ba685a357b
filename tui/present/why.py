"""``why`` on a page: symptoms, suspects with evidence, what to do, what was not known. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from rich.text import Text

from core.why.explanation import Explanation, Why
from core.why.suspects import Suspect
from tui.present.page import Page, Stamp, short
from tui.present.text import counted, visible

SHOWN_EVIDENCE = 8
NOT_KNOWN = 8


def headline(why: Why, stamp: Stamp) -> str:
    """Model, batch and its moment in one line."""
    if why.batch is None:
        return f"WHY {why.model.name}"
    at = why.batch.window_start or why.batch.arrived_at
    return f"WHY {why.model.name}  batch {why.batch.id} of {stamp(at)}  {why.batch.version or ''}".rstrip()


def rows(why: Why, stamp: Stamp) -> list[tuple[str, int, int | None]]:
    """One line a symptom and below it one a suspect: words, place of the symptom, place of the suspect or None."""
    found: list[tuple[str, int, int | None]] = []
    for place, one in enumerate(why.explanations):
        found.append((f"{share(one.match.fit)} {one.symptom.title}: {one.answer}", place, None))
        for number, suspect in enumerate(one.lineup.suspects):
            found.append((f"   {number + 1} {suspect_line(suspect, stamp)}", place, number))
        if one.unrecorded:
            found.append((f"   - {one.unrecorded}", place, None))
    return found


def suspect_line(suspect: Suspect, stamp: Stamp) -> str:
    """A suspect in one line: score, cause, what it is, when."""
    change = suspect.change
    what = f"{suspect.cause or change.layer}  {change.kind} {change.subject}"
    return f"{share(suspect.score)} {what}  {short(stamp(change.at))}"


def share(value: float) -> str:
    """A score between 0 and 1 in three places.

    >>> share(0.934), share(1.0)
    ('.93', '1.0')
    """
    return "1.0" if value >= 0.995 else f"{value:.2f}"[1:]


def explanation(one: Explanation, stamp: Stamp, width: int) -> Text:
    """All of one symptom but its suspects."""
    page = Page()
    put = _putter(page, width)
    symptom, since = one.symptom, one.onset
    put("", one.answer, "bold")
    put("means    ", symptom.means)
    began = "before the batches that were looked at" if since.open else stamp(since.first)
    sharp = {True: "at once", False: "slowly", None: ""}[since.sharp]
    put(
        "since    ",
        f"{began}; {counted(since.batches, 'batch shows', 'batches show')} it{', ' + sharp if sharp else ''}",
    )
    for words in symptom.first_moves:
        put("do       ", words)
    for words in symptom.do_not:
        put("do not   ", words.removeprefix("do not "))
    for signal in one.match.holds:
        put("  +      ", signal.words)
    for signal in one.match.against:
        put("  -      ", signal.words)
    for signal in one.match.unknown:
        put("  ?      ", f"{signal.name}: {signal.words}")
    put("test     ", f"{one.next_test}: {one.next_command}")
    if one.unrecorded:
        put("suspects ", one.unrecorded)
    for suspect in one.lineup.cleared[:3]:
        weakest = min(suspect.weights, key=lambda w: w.value)
        change = suspect.change
        put("cleared  ", f"{share(suspect.score)} {change.kind} {change.subject}: {weakest.why}")
    for change in one.lineup.after[:2]:
        put("too late ", f"{change.kind} {change.subject} at {short(stamp(change.at))}: after the onset")
    for effect in one.effects:
        put("effect   ", effect.words)
    if one.recurrence:
        put("again    ", one.recurrence)
    for past in one.past:
        put("before   ", f"{past.key} {past.title} ({'; '.join(past.why)})")
        for words, _ in past.helped[:2]:
            put("           helped: ", words)
    return page.text


def advice(one: Explanation, width: int) -> Text:
    """What to do first, what not to do, and what would tell more: what must be seen whatever the cursor stands on."""
    page = Page()
    put = _putter(page, width)
    for head, words in (("do       ", one.symptom.first_moves), ("do not   ", one.symptom.do_not)):
        more = f" (and {len(words) - 1} more: enter on the symptom)" if len(words) > 1 else ""
        for first in words[:1]:
            put(head, f"{first.removeprefix('do not ')}{more}", "bold")
    put("test     ", f"{one.next_test}: {one.next_command}")
    return page.text


def suspect(found: Suspect, stamp: Stamp, width: int) -> Text:
    """One suspect: evidence for and against, and every weight."""
    page = Page()
    put = _putter(page, width)
    change = found.change
    put("", f"{change.layer} {change.kind}: {change.subject}", "bold")
    values = f"  {change.before or '-'} -> {change.after or '-'}" if change.before or change.after else ""
    put("at       ", f"{stamp(change.at)} by {change.by or 'nobody named'}{values}")
    put("as       ", found.cause or "no cause of this symptom")
    for piece in found.evidence[:SHOWN_EVIDENCE]:
        row = f" [{piece.reference}]" if piece.reference else ""
        put("  +      " if piece.supports else "  -      ", f"{piece.text}{row}")
    if not found.against:
        put("  -      ", "nothing speaks against it")
    for weight in found.weights:
        put(f"  {weight.name:<7}", f"{share(weight.value)} {weight.why}")
    put("score    ", f"{share(found.score)}: the product of these weights, each to its power")
    return page.text


def nothing(why: Why, width: int) -> Text:
    """A page where there is nothing to explain: what was looked at, and what could not be known."""
    page = Page()
    put = _putter(page, width)
    put("", f"{why.words}.", "bold")
    if why.batch is not None:
        known = sum(1 for s in why.signals if s.known)
        put("", f"{known} signals compared with {why.compared_with} batches; no suspect is named.")
    missing(why, page, width)
    return page.text


def missing(why: Why, page: Page, width: int) -> None:
    """What could not be known, with the reason."""
    told = [s for s in why.not_known if s.unknown != "nothing measures it here"]
    if told:
        page.head(f"not known ({len(told)})")
        put = _putter(page, width)
        for signal in told[:NOT_KNOWN]:
            put(f"  {signal.name}: ", signal.unknown or "")


def plain(why: Why, stamp: Stamp, width: int) -> str:
    """Everything, for a terminal without a screen."""
    parts = [headline(why, stamp)]
    if not why.explanations:
        return "\n".join([*parts, nothing(why, width).plain.rstrip("\n")])
    for number, one in enumerate(why.explanations, 1):
        parts.append(
            f"\n{number}. {one.symptom.title}  ({one.symptom.id}, fit {share(one.match.fit)}, batch {one.batch.id})"
        )
        parts.append(explanation(one, stamp, width).plain.rstrip("\n"))
        for place, found in enumerate(one.lineup.suspects, 1):
            parts.append(f"\n   suspect {place}  score {share(found.score)}")
            parts.append(suspect(found, stamp, width).plain.rstrip("\n"))
    page = Page()
    missing(why, page, width)
    return "\n".join([*parts, page.text.plain.rstrip("\n")]).rstrip("\n")


def _putter(page: Page, width: int) -> Callable[..., None]:
    """Writes words behind a head, broken into lines of that width that stand under the first word."""

    def put(head: str, words: str, style: str = "") -> None:
        indent = " " * len(head)
        told = " ".join(visible(words).split())
        for line in textwrap.wrap(told, max(width, 30), initial_indent=head, subsequent_indent=indent) or [head]:
            page.line(line, style)

    return put
