# SPDX-License-Identifier: Apache-2.0
"""What else the node's role may do to the logs: functions of their owner.

They run with the owner's rights, so they touch nothing that the node's role could have
made: no table, trigger or operator of its own. That is why they *return* what they
changed, and the caller notes it for the seal: to write into a temporary table of the
session would run its triggers as the owner.

Whoever stole the role's password can erase openings and prune what was erased, as the
node must be able to. No function lets them change a row, or lose a leaf hash of a log.
"""

from typing import Final

from fedsafe_node.store.postgresql.catalogue import SCHEMA_NAME
from fedsafe_node.store.postgresql.replacements import LOG_STEP, VACUUMED_SOON

MOST_ENTRIES: Final = 1 << 40  # in a log; a call makes one partition of each table
_WALLED: Final = f"SECURITY DEFINER SET search_path = {SCHEMA_NAME}, pg_temp"
# Rows that came (1) or went (-1), as the triggers of other tables note them.
_NOTES: Final = "TABLE (noted text, sign int, cells text)"
_REFUSE: Final = "USING ERRCODE = '23000'; END IF; "
_ERASE: Final = (
    "CREATE OR REPLACE FUNCTION erase_opening(number bigint, at_index bigint, "  # noqa: S608 - our own words
    f"of_group text, moment bigint) RETURNS {_NOTES} LANGUAGE sql {_WALLED} AS $$ "
    "UPDATE openings AS o SET sealed = NULL, erased_at = moment WHERE log = number "
    "AND idx = at_index AND grp = of_group AND sealed IS NOT NULL "
    "RETURNING 'openings', 1, to_json(o)::text $$"
)
_GRANT: Final = (
    "CREATE OR REPLACE FUNCTION grant_opening(number bigint, at_index bigint, "  # noqa: S608 - our own words
    f"of_group text, of_period text, box bytea) RETURNS {_NOTES} LANGUAGE plpgsql "
    f"{_WALLED} AS $$ BEGIN "
    "IF EXISTS (SELECT 1 FROM pruned WHERE log = number AND size > at_index) "
    f"THEN RAISE EXCEPTION 'its entry was pruned' {_REFUSE}"
    "RETURN QUERY SELECT 'openings', -1, to_json(o)::text FROM openings AS o "
    "WHERE log = number AND idx = at_index AND grp = of_group "
    "AND erased_at IS NOT NULL; "
    "INSERT INTO openings (log, idx, grp, period, sealed) "
    "VALUES (number, at_index, of_group, of_period, box) "
    "ON CONFLICT (log, idx, grp) DO UPDATE SET period = excluded.period, "
    "sealed = excluded.sealed, erased_at = NULL; END $$"
)
_KEPT: Final = (
    "SELECT 1 FROM leaf_tiles AS t WHERE t.log = number AND t.idx = tile "
    "AND t.hashes = (SELECT string_agg(sha256(decode('00', 'hex') || e.record), '' "
    "ORDER BY e.idx) FROM entries AS e WHERE e.log = number "
    "AND e.idx >= tile * 256 AND e.idx < (tile + 1) * 256)"
)
_PRUNE: Final = (
    "CREATE OR REPLACE FUNCTION prune_log(number bigint, to_size bigint, "  # noqa: S608 - our own words
    "of_root bytea, of_month text, by_event bigint, gone bigint, moment bigint) "
    f"RETURNS {_NOTES} LANGUAGE plpgsql {_WALLED} AS $$ "
    "DECLARE before bigint; BEGIN "
    "SELECT size INTO before FROM pruned WHERE log = number; "
    "RETURN QUERY SELECT 'pruned', -1, to_json(p)::text FROM pruned AS p "
    "WHERE log = number; "
    "INSERT INTO pruned (log, size, root, since, event, openings, at) "
    "VALUES (number, to_size, of_root, of_month, by_event, gone, moment) "
    "ON CONFLICT (log) DO UPDATE SET size = excluded.size, root = excluded.root, "
    "since = excluded.since, event = excluded.event, openings = excluded.openings, "
    "at = excluded.at; "
    "RETURN QUERY SELECT 'pruned', 1, to_json(p)::text FROM pruned AS p "
    "WHERE log = number; "
    "IF NOT EXISTS (SELECT 1 FROM entries WHERE log = number AND idx >= to_size) "
    f"THEN RAISE EXCEPTION 'the end of a log is never pruned' {_REFUSE}"
    "IF EXISTS (SELECT 1 FROM generate_series(coalesce(before, 0) / 256, "
    f"to_size / 256 - 1) AS tile WHERE NOT EXISTS ({_KEPT})) "
    f"THEN RAISE EXCEPTION 'the leaf hashes of entries stay when they go' {_REFUSE}"
    "RETURN QUERY WITH deleted AS (DELETE FROM openings AS o WHERE o.log = number "
    "AND o.idx < to_size RETURNING o.*) "
    "SELECT 'openings', -1, to_json(deleted)::text FROM deleted "
    "WHERE deleted.erased_at IS NOT NULL; "
    "DELETE FROM entries WHERE log = number AND idx < to_size; END $$"
)
# To attach a partition hinders nobody who reads the others; to create one in its place
# would wait for every long query, and everybody else for it.
_EXTEND: Final = (
    "CREATE OR REPLACE FUNCTION extend_logs(up_to bigint) RETURNS void "  # noqa: S608 - our own words
    f"LANGUAGE plpgsql {_WALLED} AS $$ DECLARE parent text; "
    f"step bigint := up_to / {LOG_STEP}; BEGIN "
    f"IF up_to NOT BETWEEN 0 AND {MOST_ENTRIES} THEN "
    f"RAISE EXCEPTION 'no log has so many entries' {_REFUSE}"
    "FOREACH parent IN ARRAY ARRAY['entries', 'openings'] LOOP "
    "IF to_regclass(format('%I', parent || '_' || step)) IS NULL THEN "
    "EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)"
    f"{VACUUMED_SOON}', parent || '_' || step, parent); "
    "EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO "
    f"(%s)', parent, parent || '_' || step, step * {LOG_STEP}, "
    f"(step + 1) * {LOG_STEP}); "
    "END IF; END LOOP; END $$"
)
FUNCTIONS: Final = (_ERASE, _GRANT, _PRUNE, _EXTEND)
CALLED_BY_NODE: Final = (
    "erase_opening(bigint, bigint, text, bigint)",
    "grant_opening(bigint, bigint, text, text, bytea)",
    "prune_log(bigint, bigint, bytea, text, bigint, bigint, bigint)",
    "extend_logs(bigint)",
)
