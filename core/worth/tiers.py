"""Which tiers may be moved: a ticket that hardly anybody acts on goes to the digest, a digest that all act on goes up.

Never moved are errors of class hard, burning objectives, tiers that the model file names, alerts of a live incident,
and pages. Nothing is hidden: what goes down is read with the digest, with its tier before and the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.breaking_through import SLO_BURN
from core.stats.reliability import kept_at_least
from core.worth.counting import Share
from core.worth.fitted import Fitted
from core.worth.learning import CONFIDENCE, KEEP
from storage.records.alerts import AlertDraft
from storage.records.models import CheckSpec
from storage.records.results import Finding

KNOWN_CAUSE = 5
"""Answers to alerts of a cause, under which none of that cause goes down: a kind nobody has seen is not noise."""

PROMOTED_ABOVE = 0.5
"""Digests go up when more than this share of them is acted on, with :data:`CONFIDENCE` (four of four, at the least)."""


def exempt(
    draft: AlertDraft, findings: Sequence[Finding], specs: Sequence[CheckSpec], *, incident: bool = False
) -> str | None:
    """Why the tier of this alert is not to be moved; None when it may be.

    Args:
        findings: of its batch; the draft names its own by position.
        specs: of the model file.
        incident: whether its group is part of a live incident.
    """
    own = [findings[i] for i in draft.findings]
    if draft.error_class == "hard" or any(f.error_class == "hard" for f in own):
        return "errors of class hard keep their tier"
    if draft.cause == SLO_BURN:
        return "a burning objective keeps its tier"
    if incident:
        return "it belongs to a live incident"
    named = next((f.check for f in own if any(_names(spec, f) for spec in specs)), None)
    return f"the model file names the tier of {named}" if named else None


def lowered(draft: AlertDraft, probability: float, fitted: Fitted | None, cause: Share, group: Share) -> str | None:
    """Why a ticket that is not exempt goes to the digest; None when it stays.

    Args:
        fitted: None while counting is in force, which never moves a ticket.
        cause, group: answers to alerts of its cause, and of its cause on its column.
    """
    if fitted is None or draft.tier != "ticket" or probability >= fitted.held_out.floor:
        return None
    if cause.judged < KNOWN_CAUSE or group.worth:
        return None
    floor = fitted.held_out.floor
    return (
        f"ticket -> digest: {probability:.0%} is under the floor of {floor:.0%}, above which at least {KEEP:.0%} "
        f"of the worthy tickets lie"
    )


def raised(draft: AlertDraft, digests: Share) -> str | None:
    """Why a digest that is not exempt becomes a ticket; None when it stays.

    Args:
        digests: answers to digests of its cause on its column.
    """
    if draft.tier != "digest" or not digests.acted:
        return None
    if kept_at_least(digests.judged - digests.acted, digests.judged, CONFIDENCE) <= PROMOTED_ABOVE:
        return None
    return f"digest -> ticket: {digests.acted} of {digests.judged} such digests were acted on"


def _names(spec: CheckSpec, finding: Finding) -> bool:
    return spec.tier is not None and spec.check == finding.check and spec.column in (None, finding.column)
