"""What people did around the models: the change feed, who is on watch, and incidents that are closed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from sample_data.records import Change, PastIncident, Watch
from sample_data.windows import NIGHT
from sample_data.writing import json_line, write_lines

PEOPLE = ("p.okafor", "a.lindqvist", "m.ito")


def changes(end: datetime, planted: bool) -> tuple[Change, ...]:
    """The change feed, oldest first. Deployments are not in it: they are recorded as such."""
    night = end - NIGHT
    feed = [
        Change(
            layer="infrastructure",
            kind="image",
            subject="serving/churn image rebuilt, base python 3.11.9",
            at=night - timedelta(days=6) + timedelta(hours=11, minutes=20),
            by="build-bot",
            model="churn",
            size=3,
            reviewed_by="a.lindqvist",
            before="sha256:7be1",
            after="sha256:90ac",
        ),
        Change(
            layer="pipeline",
            kind="schedule",
            subject="eta retraining moved from Monday to Tuesday",
            at=night - timedelta(days=9, hours=-10),
            by="p.okafor",
            model="eta",
            size=1,
            reviewed_by="m.ito",
            before="mon 02:00",
            after="tue 02:00",
        ),
        Change(
            layer="run",
            kind="prompt",
            subject="assistant greeting shortened",
            at=night - timedelta(days=12, hours=-13),
            by="j.haddad",
            model="assistant",
            size=2,
            reviewed_by="p.okafor",
        ),
    ]
    if planted:
        feed += [
            Change(
                layer="pipeline",
                kind="query",
                subject="training/churn/labels.sql: join on user_id only",
                at=night - timedelta(hours=7, minutes=30),
                by="m.ito",
                model="churn",
                size=4,
                before="user_id, snapshot_date",
                after="user_id",
            ),
            Change(
                layer="external",
                kind="campaign",
                subject="Black week mailing to all users",
                at=end - timedelta(minutes=160),
                by="marketing",
                size=1,
            ),
            Change(
                layer="run",
                kind="config",
                subject="serving/churn.yaml: min_score",
                at=end - timedelta(minutes=80),
                by="a.lindqvist",
                model="churn",
                size=1,
                reviewed_by="m.ito",
                before="0.30",
                after="0.35",
            ),
            Change(
                layer="data",
                kind="provider",
                subject="traffic feed moved to the provider's new endpoint",
                at=night - timedelta(days=3),
                by="p.okafor",
                model="eta",
                size=12,
                reviewed_by="j.haddad",
                before="v1",
                after="v2",
            ),
            Change(
                layer="component",
                kind="client",
                subject="partner_b client 3.0 to a tenth of its users",
                at=night - timedelta(days=2),
                by="partner_b",
                model="eta",
                before="2.8",
                after="3.0",
            ),
            Change(
                layer="component",
                kind="client",
                subject="partner_b client 3.0 to all of its users",
                at=night - timedelta(hours=6),
                by="partner_b",
                model="eta",
                before="2.8",
                after="3.0",
            ),
            Change(
                layer="component",
                kind="client",
                subject="app release 7.0.0",
                at=night - timedelta(days=3),
                by="app-team",
                model="assistant",
                size=840,
                reviewed_by="j.haddad",
                before="6.2.1",
                after="7.0.0",
            ),
        ]
    return tuple(sorted(feed, key=lambda change: (change.at, change.subject)))


def write_changes(path: Path, feed: tuple[Change, ...]) -> None:
    """Writes the feed as JSON lines, keys without a value left out."""
    records = ({**asdict(change), "at": change.at.isoformat()} for change in feed)
    write_lines(path, (json_line({key: value for key, value in r.items() if value is not None}) for r in records))


def watches(end: datetime) -> tuple[Watch, ...]:
    """Three weekly turns, handed over on Mondays at 09:00 UTC; `end` is in the second."""
    monday = end.replace(hour=9, minute=0) - timedelta(days=end.weekday())
    week = timedelta(days=7)
    second = monday if monday <= end else monday - week
    return tuple(
        Watch(person, second + week * (index - 1), second + week * index) for index, person in enumerate(PEOPLE)
    )


def write_rotation(path: Path, turns: tuple[Watch, ...]) -> None:
    """Writes the rotation that gives these turns: the people in order, from the first day on, week by week."""
    lines = [
        f"people = {json.dumps([turn.person for turn in turns])}",
        'every = "week"',
        'handover = "09:00"',
        'time_zone = "UTC"',
        f"first = {turns[0].starts.date().isoformat()}",
    ]
    write_lines(path, lines)


def incidents(end: datetime) -> tuple[PastIncident, ...]:
    """Three closed incidents from before the logs begin, oldest first."""
    night = end - NIGHT
    store_down = night - timedelta(days=42, hours=-8, minutes=-35)
    null_region = night - timedelta(days=51, hours=-14)
    threshold = night - timedelta(days=36, hours=-1)
    told = (
        PastIncident(
            key="INC-0029",
            model="eta",
            title="eta: rain_mm null in region south for six hours",
            severity=3,
            symptom="completeness of one slice fell, errors of that slice rose",
            layer="data",
            category="upstream",
            cause="the weather provider rotated a key and one collector kept the old one",
            helped="kept serving, renewed the key, left the rows out of training",
            check_added="completeness of rain_mm per region against its own past",
            opened_by="p.okafor",
            opened_at=null_region,
            acknowledged_at=null_region + timedelta(minutes=9),
            mitigated_at=null_region + timedelta(hours=2, minutes=5),
            resolved_at=null_region + timedelta(hours=6),
        ),
        PastIncident(
            key="INC-0031",
            model="churn",
            title="churn: feature store down, scores constant",
            severity=2,
            symptom="predictions frozen at one value, most inputs null",
            layer="infrastructure",
            category="capacity",
            cause="the feature store lost its primary and clients did not reconnect",
            helped="fell back to calibration-v3 for two hours, which needs one column only",
            check_added="frozen predictions page within two batches",
            opened_by="a.lindqvist",
            opened_at=store_down,
            acknowledged_at=store_down + timedelta(minutes=6),
            mitigated_at=store_down + timedelta(minutes=25),
            resolved_at=store_down + timedelta(hours=2, minutes=40),
        ),
        PastIncident(
            key="INC-0033",
            model="churn",
            title="churn: predictions low after a retraining",
            severity=2,
            symptom="output moved, inputs did not",
            layer="run",
            category="training",
            cause="training labels not in yet counted as negatives; the version was stopped in shadow by hand",
            helped="stayed on the version before; retrained three days later",
            check_added="label base rate of training data within five points of the last version",
            opened_by="m.ito",
            opened_at=threshold,
            acknowledged_at=threshold + timedelta(minutes=4),
            mitigated_at=threshold + timedelta(minutes=31),
            resolved_at=threshold + timedelta(days=3, hours=2),
        ),
    )
    return told
