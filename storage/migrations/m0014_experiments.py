"""Experiments: what was expected, registered before any result; results, what happened, limits, defects by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE experiments(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        parent_id INTEGER REFERENCES experiments,
        title TEXT NOT NULL CHECK(length(title) > 0),
        kind TEXT NOT NULL CHECK(kind IN ('data', 'features', 'model', 'parameters', 'rule', 'other')),
        hypothesis TEXT NOT NULL CHECK(length(hypothesis) > 0),
        metric TEXT NOT NULL,
        predicted_low REAL NOT NULL,
        predicted_high REAL NOT NULL CHECK(predicted_high >= predicted_low),
        minimum_gain REAL NOT NULL CHECK(minimum_gain > 0),
        idea_from TEXT,
        link TEXT,
        document TEXT NOT NULL CHECK(json_valid(document)),
        sha256 TEXT NOT NULL UNIQUE,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX experiments_by_model ON experiments(model_id, id)",
    # A gain is in the unit of its metric, and positive where it is better, whatever the direction of the metric.
    """
    CREATE TABLE experiment_results(
        id INTEGER PRIMARY KEY,
        experiment_id INTEGER NOT NULL REFERENCES experiments,
        stage TEXT NOT NULL CHECK(length(stage) > 0),
        kind TEXT NOT NULL CHECK(kind IN ('test', 'shadow', 'canary', 'ab', 'full')),
        metric TEXT NOT NULL,
        gain REAL NOT NULL,
        low REAL NOT NULL CHECK(low <= gain),
        high REAL NOT NULL CHECK(high >= gain),
        n INTEGER CHECK(n IS NULL OR n > 0),
        version TEXT,
        baseline TEXT,
        source TEXT NOT NULL CHECK(source IN ('typed', 'evaluation', 'rollout')),
        source_ref TEXT,
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX experiment_results_by_experiment ON experiment_results(experiment_id, id)",
    # The same evaluation or look is read once.
    """
    CREATE UNIQUE INDEX experiment_results_read_once
    ON experiment_results(experiment_id, stage, metric, source, source_ref) WHERE source_ref IS NOT NULL
    """,
    """
    CREATE TRIGGER experiment_results_after_registration BEFORE INSERT ON experiment_results
    WHEN min(NEW.at, NEW.recorded_at) < (SELECT at FROM experiments WHERE id = NEW.experiment_id)
    BEGIN SELECT RAISE(ABORT, 'the result is older than the registered hypothesis'); END
    """,
    # The state of an experiment is its latest event of a kind that is a state; 'explain' keeps later words apart.
    """
    CREATE TABLE experiment_events(
        id INTEGER PRIMARY KEY,
        experiment_id INTEGER NOT NULL REFERENCES experiments,
        kind TEXT NOT NULL CHECK(kind IN ('start', 'hold', 'kill', 'launch', 'drop', 'explain', 'hours', 'version')),
        body TEXT,
        hypothesis TEXT,
        retrofitted INTEGER NOT NULL DEFAULT 0 CHECK(retrofitted IN (0, 1)),
        hours REAL CHECK(hours IS NULL OR hours <> 0),
        version TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        CHECK(kind NOT IN ('kill', 'drop', 'explain') OR length(body) > 0),
        CHECK(kind <> 'hours' OR hours IS NOT NULL),
        CHECK(kind <> 'version' OR version IS NOT NULL)
    )
    """,
    "CREATE INDEX experiment_events_by_experiment ON experiment_events(experiment_id, kind, id)",
    """
    CREATE TRIGGER experiment_events_after_registration BEFORE INSERT ON experiment_events
    WHEN NEW.at < (SELECT at FROM experiments WHERE id = NEW.experiment_id)
    BEGIN SELECT RAISE(ABORT, 'the event is older than the experiment'); END
    """,
    """
    CREATE TRIGGER experiment_events_say_retrofitted BEFORE INSERT ON experiment_events
    WHEN NEW.kind = 'explain' AND NEW.retrofitted = 0 AND (
        EXISTS (SELECT 1 FROM experiment_results r WHERE r.experiment_id = NEW.experiment_id)
        OR (NEW.hypothesis IS NOT NULL
            AND NEW.hypothesis <> (SELECT hypothesis FROM experiments WHERE id = NEW.experiment_id)))
    BEGIN SELECT RAISE(ABORT, 'words that come after a result, or change the hypothesis, are retrofitted'); END
    """,
    """
    CREATE VIEW experiment_state AS
    SELECT e.id AS experiment_id,
           coalesce((SELECT CASE kind WHEN 'start' THEN 'running' WHEN 'hold' THEN 'held' WHEN 'kill' THEN 'killed'
                                      WHEN 'launch' THEN 'launched' ELSE 'dropped' END
                     FROM experiment_events v WHERE v.experiment_id = e.id
                     AND kind IN ('start', 'hold', 'kill', 'launch', 'drop') ORDER BY v.id DESC LIMIT 1),
                    'registered') AS state,
           (SELECT version FROM experiment_events v WHERE v.experiment_id = e.id AND version IS NOT NULL
            ORDER BY v.id DESC LIMIT 1) AS version
    FROM experiments e
    """,
    # How many experiments may run at once, of a model or of a team; the latest row holds.
    """
    CREATE TABLE experiment_limits(
        id INTEGER PRIMARY KEY,
        scope TEXT NOT NULL CHECK(scope IN ('model', 'team')),
        name TEXT NOT NULL,
        most INTEGER NOT NULL CHECK(most >= 0),
        reason TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    # Where a defect was caught, as a person says it: of one that no other record has, or in place of what it says.
    """
    CREATE TABLE defect_tags(
        id INTEGER PRIMARY KEY,
        defect TEXT NOT NULL CHECK(length(defect) > 0),
        model_id INTEGER REFERENCES models,
        title TEXT,
        stage TEXT NOT NULL CHECK(stage IN ('build', 'test', 'shadow', 'canary', 'ab', 'live')),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX defect_tags_by_defect ON defect_tags(defect, id)",
    *append_only("experiments"),
    *append_only("experiment_results"),
    *append_only("experiment_events"),
    *append_only("experiment_limits"),
    *append_only("defect_tags"),
)


def apply(db: Database) -> None:
    """Create experiments with their results and events, limits, and defects by hand."""
    for statement in STATEMENTS:
        db.execute(statement)
