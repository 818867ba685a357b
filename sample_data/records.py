"""What a scenario is made of: frozen records that a front end walks through to fill a store.

All times are aware UTC. All paths are absolute and lie inside the scenario's directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a prediction log, or of labels for one.

    `role` is `reference`, `serving` or `labels`. The window is half open, `[window_start, window_end)`; `arrived` is
    when the file could first be read. `rows` counts the readable rows; `bad_lines` names the others (counted from 1),
    so the file has `rows + len(bad_lines)` lines, header aside. `versions` are the versions that predicted the rows.
    """

    path: Path
    role: str
    window_start: datetime
    window_end: datetime
    arrived: datetime
    rows: int
    versions: tuple[str, ...] = ()
    bad_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """One of the parts of a version, with the hash that was recorded when it was built.

    `kind` is `model`, `data`, `config`, `code` or `environment`. `lost` marks a file that was deleted after its version
    was registered: it is written like the others, and `lose_artifacts` takes it away.
    """

    kind: str
    path: Path
    sha256: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A version to register: five artifacts and a seed. `role` is `normal` or `fallback`.

    `schema_file` holds one JSON object: the columns the version needs, each with its kind, `number` or `text`.
    """

    name: str
    folder: Path
    artifacts: tuple[Artifact, ...]
    schema_file: Path
    code_ref: str
    seed: int
    role: str
    trained_at: datetime

    def artifact(self, kind: str) -> Artifact:
        """The artifact of that kind; KeyError if there is none."""
        for artifact in self.artifacts:
            if artifact.kind == kind:
                return artifact
        raise KeyError(kind)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version entered a stage. `traffic` is a share, 0 to 1; entering `full` replaces what was there."""

    version: str
    stage: str
    traffic: float
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said of the alerts that a fault had raised by `at`: `verdict` is a word of `alerts feedback`."""

    verdict: str
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A planted fault and what must be said of it.

    `tier` is the loudest tier that is right for it. `files` are the serving files that carry it, `rows` how many of
    their rows do (for broken files: lines). `harmless` marks red herrings, where the right action is none.
    `answer` is what was said of it before `end`, None where it is up to the engineer.
    """

    id: str
    model: str
    title: str
    since: datetime
    files: tuple[Path, ...]
    rows: int
    columns: tuple[str, ...]
    tier: str
    must_say: str
    right_action: str
    wrong_action: str
    harmless: bool = False
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version on its way to full traffic, and what its gate must say of it.

    `since` is when it entered `stage`. `scores` are files of ids and predictions, by version, for the offline
    evaluation; `slice` is the critical slice to keep, as name, condition and floor of the primary metric.
    """

    model: str
    version: str
    stage: str
    since: datetime
    must_say: str
    right_action: str
    wrong_action: str
    scores: tuple[tuple[str, Path], ...] = ()
    slice: tuple[str, str, float] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change feed; `size` counts changed lines, `model` is None when it touches every model.

    `source_ref` names the entry in its source; None where nobody needs to find it again.
    """

    layer: str
    kind: str
    subject: str
    at: datetime
    by: str
    model: str | None = None
    size: int | None = None
    reviewed_by: str | None = None
    before: str | None = None
    after: str | None = None
    source_ref: str | None = None


@dataclass(frozen=True, slots=True)
class PastIncident:
    """A closed incident: what was seen, what it was, what helped, and the check that came of it."""

    key: str
    model: str
    title: str
    severity: int
    symptom: str
    layer: str
    category: str
    cause: str
    helped: str
    check_added: str
    opened_by: str
    opened_at: datetime
    acknowledged_at: datetime
    mitigated_at: datetime
    resolved_at: datetime


@dataclass(frozen=True, slots=True)
class PastResult:
    """A gain that somebody measured, positive where it is better, with its 95 % interval."""

    stage: str
    gain: float
    low: float
    high: float
    n: int
    at: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PastStep:
    """What became of an experiment: `launch`, `kill`, `drop` or `hold`."""

    kind: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PastExperiment:
    """An experiment: registered `at` and started then, its results and steps in order of time, all after that.

    `predicted` and `worth` are gains in the unit of `metric`; `parent` is the key of what it builds on; `version`
    carries it; `explained` are words, the hypothesis anew and when: after the results.
    """

    key: str
    model: str
    title: str
    kind: str
    by: str
    at: datetime
    hypothesis: str
    metric: str
    predicted: tuple[float, float]
    worth: float
    idea_from: str
    parent: str | None = None
    version: str | None = None
    results: tuple[PastResult, ...] = ()
    steps: tuple[PastStep, ...] = ()
    hours: float = 0.0
    explained: tuple[str, str, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """One person's turn on call, `[starts, ends)`."""

    person: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class ModelScenario:
    """Everything about one model. `reference`, `serving`, `shadow` and `labels` are in order of arrival.

    `shadow` holds what a version in shadow answered to requests that are in `serving` too, under the same ids.

    `later` holds what arrives after the scenario's end (labels of the last days; for churn also the first batches
    after a rollback): it is written, but nothing that pretends to run at `end` may read it.
    """

    name: str
    model_file: Path
    pointer: Path
    reference: tuple[LogFile, ...]
    serving: tuple[LogFile, ...]
    labels: tuple[LogFile, ...]
    later: tuple[LogFile, ...]
    versions: tuple[Version, ...]
    deployments: tuple[Deployment, ...]
    candidate: Candidate | None = None
    shadow: tuple[LogFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A month of three models, seeded; `end` is the minute at which the engineer opens the program."""

    directory: Path
    seed: int
    start: datetime
    end: datetime
    models: tuple[ModelScenario, ...]
    changes_file: Path
    changes: tuple[Change, ...]
    rotation_file: Path
    watches: tuple[Watch, ...]
    incidents: tuple[PastIncident, ...]
    experiments: tuple[PastExperiment, ...]
    faults: tuple[Fault, ...]

    def model(self, name: str) -> ModelScenario:
        """The model of that name; KeyError if there is none."""
        return {model.name: model for model in self.models}[name]

    def fault(self, fault_id: str) -> Fault:
        """The planted fault of that id; KeyError if there is none (also when nothing was planted)."""
        return {fault.id: fault for fault in self.faults}[fault_id]

    def arrivals(self) -> tuple[tuple[str, LogFile], ...]:
        """Every file there is at `end`, with its model's name, in order of arrival, reference files first."""
        files = [(m.name, f) for m in self.models for f in (*m.reference, *m.serving, *m.shadow, *m.labels)]
        return tuple(sorted(files, key=lambda pair: (pair[1].role != "reference", pair[1].arrived, str(pair[1].path))))
