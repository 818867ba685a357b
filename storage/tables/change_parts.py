"""The tables that the change feed is read from, each in the columns of the feed."""

from __future__ import annotations

# Moments are texts that begin with a digit; bounds without an OR are what an index can be searched by.
WINDOW = """
  AND (:model IS NULL OR {0}.model_id = :model{1})
  AND {0}.at >= coalesce(:since, '') AND {0}.at < coalesce(:until, '~')
"""
_TOLD = "x.size IS NOT NULL AS in_keys, x.also_json, x.hosts_json"
# What a rollback once wrote here of itself is told by the rollback's own line.
OF_ROLLBACK = "c.source = 'midwatch' AND c.source_ref GLOB 'rollback:*'"
_STORED = f"""
SELECT 'changes' AS source_table, c.id, c.layer, c.kind, c.subject, c.model_id, c.before, c.after, c.size,
       c.reviewed_by, c.at, c.by, c.source, {_TOLD}
FROM changes c LEFT JOIN change_details x ON x.source_table = 'changes' AND x.row_id = c.id
WHERE NOT ({OF_ROLLBACK})
""" + WINDOW.format("c", " OR c.model_id IS NULL")
# Before it: the version that the stage had until then, if it had not left. A deployment that a rollback made is told
# by the rollback's own line.
_DEPLOYED = f"""
SELECT 'deployments' AS source_table, d.id, 'run' AS layer,
       CASE d.action WHEN 'enter' THEN 'deploy' ELSE d.action END AS kind,
       d.version || ' ' || d.stage AS subject, d.model_id,
       (SELECT CASE p.action WHEN 'leave' THEN NULL ELSE p.version || coalesce(' traffic ' || p.traffic, '') END
        FROM deployments p WHERE p.model_id = d.model_id AND p.stage = d.stage AND (p.at, p.id) < (d.at, d.id)
        ORDER BY p.at DESC, p.id DESC LIMIT 1) AS before,
       d.version || coalesce(' traffic ' || d.traffic, '') AS after, x.size, NULL AS reviewed_by,
       d.at, d.by, d.source, {_TOLD}
FROM deployments d LEFT JOIN change_details x ON x.source_table = 'deployments' AND x.row_id = d.id
WHERE d.rollback_id IS NULL
""" + WINDOW.format("d", "")
_ROLLED_BACK = """
SELECT 'rollbacks' AS source_table, r.id, 'run' AS layer, r.kind,
       r.stage || ' ' || coalesce((SELECT state FROM rollback_events e WHERE e.rollback_id = r.id
                                   ORDER BY e.id DESC LIMIT 1), 'planned') AS subject,
       r.model_id, r.from_version AS before, r.to_version AS after, NULL AS size, NULL AS reviewed_by,
       r.at, r.by, r.actuator AS source, 0 AS in_keys, NULL AS also_json, NULL AS hosts_json
FROM rollbacks r WHERE 1
""" + WINDOW.format("r", "")
_REGISTERED = """
SELECT 'versions' AS source_table, v.id, 'run' AS layer, 'version' AS kind, v.version || ' registered' AS subject,
       v.model_id, NULL AS before, v.version AS after, NULL AS size, NULL AS reviewed_by,
       v.registered_at AS at, v.registered_by AS by, 'versions add' AS source,
       0 AS in_keys, NULL AS also_json, NULL AS hosts_json
FROM versions v WHERE :registrations
""" + WINDOW.format("v", "").replace("v.at", "v.registered_at")

TABLES = {"changes": _STORED, "deployments": _DEPLOYED, "rollbacks": _ROLLED_BACK, "versions": _REGISTERED}
"""A SELECT a table; bound are model, since, until and registrations."""
