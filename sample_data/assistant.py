"""assistant: will this chat reply help? JSON lines with nested keys; 3 % of the labels, a week late.

Planted: a new app release no longer sends `client.version` for half of the rows, and one file has seven broken lines.
The column `rule` names the rule that replaced or masked a reply, and is null for the others. v6 answers four days of
requests a second time, in shadow; it differs from v5 in refunds alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sample_data import assistant_versions as specs
from sample_data import linear, versions
from sample_data.drawing import even_labels, half_of, identifiers, pick
from sample_data.records import Answer, Fault, LogFile, ModelScenario
from sample_data.windows import NIGHT, Window, daily_windows, draw_times, night_windows
from sample_data.writing import json_line, stamps, write_lines

if TYPE_CHECKING:
    import numpy as np

LABEL_LAG = timedelta(days=7)
LABELLED = 0.03
RELEASE = timedelta(days=3)  # the app release, before the last night
BROKEN_DAY = timedelta(days=5)  # start of the day whose file has broken lines, before the last night

REPLIES = {
    "delivery": "Your parcel is on its way and should arrive on {day}.",
    "refund": "The refund was booked; it takes three to five days to show.",
    "hours": "The shop in your area opens at 9 AM on {day}.",
    "account": "Open Settings, then Profile, to change that.",
    "other": "I am not sure I understood. Could you say it in other words?",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Line numbers count from 1 in the finished file; none of these lines is JSON.
BROKEN: dict[int, str] = {
    12: '{"id":"as-broken-1","ts":"2026-11-',
    13: '{"id":"as-broken-2","user":{"locale":"en-GB","tier":"free"',
    57: "<html><head><title>502 Bad Gateway</title></head></html>",
    58: '{"id":"as-broken-4","score":0.61}{"id":"as-broken-5","score":0.48}',
    119: "WARN log rotated while writing",
    120: '{"id":"as-broken-6",,"score":0.5}',
    146: '"score":0.77,"model":"v5"}',
}


def generate_assistant(
    directory: Path, *, seed: int, end: datetime, days: int, rows: int, planted: bool
) -> tuple[ModelScenario, tuple[Fault, ...]]:
    """Writes everything of `assistant` under `directory`; `rows` (at least 150) is per file."""
    import numpy as np

    rng = np.random.default_rng([seed, 3])
    windows = [*daily_windows(end, days), *night_windows(end, int(NIGHT.total_seconds() // 60))]
    columns = _draw(rng, windows, rows, end, planted)
    lines = _records(columns)
    split = sum(window.role == "reference" for window in windows)
    files = []
    for index, window in enumerate(windows):
        path = directory / "logs" / "assistant" / f"{window.name}.jsonl"
        part = lines[index * rows : (index + 1) * rows]
        broken: tuple[int, ...] = ()
        if planted and window.start == end - NIGHT - BROKEN_DAY:
            broken = tuple(BROKEN)
            for number, line in BROKEN.items():
                part.insert(number - 1, line)
        write_lines(path, part)
        files.append(LogFile(path, window.role, window.start, window.end, window.end, rows, ("v5",), broken))
    labels, late = _write_labels(directory, columns, windows, rows, end)
    shadow = _write_shadow(np.random.default_rng([seed, 31]), directory, columns, windows, rows, end)
    home = directory / "srv" / "assistant"
    model = ModelScenario(
        name="assistant",
        model_file=directory / "models" / "assistant.toml",
        pointer=versions.write_home(home, "v5"),
        reference=tuple(files[:split]),
        serving=tuple(files[split:]),
        labels=(labels,),
        later=(late,),
        versions=specs.write_versions(home, end),
        deployments=specs.deployments(end),
        candidate=specs.candidate(end),
        shadow=shadow,
    )
    return model, _faults(model, columns, end) if planted else ()


def _draw(rng: np.random.Generator, windows: list[Window], rows: int, end: datetime, planted: bool) -> dict[str, Any]:
    """All columns, labels and the mask of rows without a version included; the draw does not depend on faults."""
    import numpy as np

    total = rows * len(windows)
    times = draw_times(rng, windows, rows)
    night = np.datetime64((end - NIGHT).replace(tzinfo=None), "ms")
    intent = pick(rng, total, {"delivery": 0.38, "refund": 0.2, "account": 0.18, "hours": 0.1, "other": 0.14})
    rule = pick(rng, total, {"": 0.965, "mask_personal_data": 0.025, "no_insults": 0.01})
    # The times-of-day rule fires on most, not all, replies that name an hour.
    rule = np.where((intent == "hours") & (rng.random(total) < 0.4), "no_opening_hours", rule)
    columns: dict[str, Any] = {
        "id": identifiers("as-", np.arange(1, total + 1), 7),
        "ts": times,
        "locale": pick(rng, total, {"en-GB": 0.4, "en-US": 0.25, "de-DE": 0.2, "fr-FR": 0.15}),
        "tier": pick(rng, total, {"free": 0.7, "paid": 0.3}),
        "os": pick(rng, total, {"android": 0.48, "ios": 0.37, "web": 0.15}),
        "version": pick(rng, total, {"6.2.1": 0.55, "6.2.0": 0.28, "6.1.9": 0.17}),
        "intent": intent,
        "day": rng.integers(0, 7, total),
        "turns": 1 + rng.poisson(1.5, total),
        "tokens": np.clip(np.round(rng.normal(120, 55, total)), 8, 400).astype(np.int64),
        "retrieval": np.round(rng.beta(5, 3, total), 3),
        "latency_ms": np.round(np.exp(rng.normal(6.3, 0.4, total))).astype(np.int64),
        "rule": rule,
    }
    released = times >= night - np.timedelta64(RELEASE)
    columns["no_version"] = half_of(rng, released, np.arange(total) // rows) & planted
    columns["score"] = linear.predict(specs.V5, columns)
    known = linear.raw_total(specs.V5, columns)
    truth = 1.0 / (1.0 + np.exp(-known - 0.4 * rng.standard_normal(total)))
    columns["helpful"] = even_labels(rng, truth, np.arange(total) // rows, known)
    columns["labelled"] = rng.random(total) < LABELLED
    return columns


def _records(columns: dict[str, Any], version: str = "v5", stage: str = "full") -> list[str]:
    """One JSON document a row; `client.version` is left out, not null, where it is missing."""
    plain = {name: values.tolist() for name, values in columns.items() if name != "ts"}
    plain["ts"] = stamps(columns["ts"])
    lines = []
    for index, row_id in enumerate(plain["id"]):
        client = {"os": plain["os"][index]}
        if not plain["no_version"][index]:
            client["version"] = plain["version"][index]
        intent = plain["intent"][index]
        record = {
            "id": row_id,
            "ts": plain["ts"][index],
            "user": {"locale": plain["locale"][index], "tier": plain["tier"][index]},
            "client": client,
            "intent": intent,
            "reply": REPLIES[intent].format(day=DAYS[plain["day"][index]]),
            "turns": plain["turns"][index],
            "tokens": plain["tokens"][index],
            "retrieval": plain["retrieval"][index],
            "latency_ms": plain["latency_ms"][index],
            "rule": plain["rule"][index] or None,
            "score": plain["score"][index],
            "model": version,
            "stage": stage,
        }
        lines.append(json_line(record))
    return lines


def _write_labels(
    directory: Path, columns: dict[str, Any], windows: list[Window], rows: int, end: datetime
) -> tuple[LogFile, LogFile]:
    """Two label files: of the rows a week old and more, and, later, of the others."""
    ripe = sum(window.end + LABEL_LAG <= end for window in windows)
    files = []
    for folder, first, last in (("labels", 0, ripe), ("later", ripe, len(windows))):
        chosen = [index for index in range(first * rows, last * rows) if columns["labelled"][index]]
        lines = [json_line({"id": columns["id"][row], "helpful": int(columns["helpful"][row])}) for row in chosen]
        path = directory / folder / "assistant" / f"labels-{windows[first].name}.jsonl"
        write_lines(path, lines)
        begin, stop = windows[first].start, windows[last - 1].end
        files.append(LogFile(path, "labels", begin, stop, stop + LABEL_LAG, len(lines)))
    return files[0], files[1]


def _write_shadow(
    rng: np.random.Generator,
    directory: Path,
    columns: dict[str, Any],
    windows: list[Window],
    rows: int,
    end: datetime,
) -> tuple[LogFile, ...]:
    """What v6 answered to the requests of four days; the shadow's writer ships its files at the end of the night."""
    import numpy as np

    night, files = end - NIGHT, []
    for index, window in enumerate(windows):
        if night - specs.SHADOW[0] <= window.start < night - specs.SHADOW[1]:
            same = {name: values[index * rows : (index + 1) * rows] for name, values in columns.items()}
            same["score"] = linear.predict(specs.V6, same)
            same["latency_ms"] = np.round(np.exp(rng.normal(6.3, 0.4, rows))).astype(np.int64)
            path = directory / "logs" / "assistant" / "shadow" / f"{window.name}.jsonl"
            write_lines(path, _records(same, "v6", "shadow"))
            files.append(LogFile(path, window.role, window.start, window.end, end, rows, ("v6",)))
    return tuple(files)


def _faults(model: ModelScenario, columns: dict[str, Any], end: datetime) -> tuple[Fault, ...]:
    night = end - NIGHT
    released = [file for file in model.serving if file.window_start >= night - RELEASE]
    broken = [file for file in model.serving if file.bad_lines]
    return (
        Fault(
            id="assistant-client-version",
            model="assistant",
            title="client.version is missing from half of the rows since an app release",
            since=night - RELEASE,
            files=tuple(file.path for file in released),
            rows=int(columns["no_version"].sum()),
            columns=("client.version",),
            tier="ticket",
            must_say="client.version: half of the rows null, before none, in every region and on every system alike; "
            "predictions did not move",
            right_action="ticket to the app team; keep serving",
            wrong_action="roll back v5; judge the model by the few labels there are",
        ),
        Fault(
            id="assistant-broken-lines",
            model="assistant",
            title="seven broken lines in one file",
            since=night - BROKEN_DAY,
            files=tuple(file.path for file in broken),
            rows=sum(len(file.bad_lines) for file in broken),
            columns=(),
            tier="digest",
            must_say="seven lines quarantined, each with file, line number and reason; rows read plus lines "
            "quarantined equal lines in the file",
            right_action="none for the model; tell the owner of the log writer",
            wrong_action="drop the file; read the broken lines as rows of nulls",
            answer=Answer("useful", "p.okafor", night - BROKEN_DAY + timedelta(hours=33), "told who writes the log"),
        ),
    )
