# SPDX-License-Identifier: Apache-2.0
"""What of the migrations PostgreSQL needs in other words, by migration and name.

Signals are partitioned by a hash of their id, entries and openings by ranges of their
index, so that no index of a large node outgrows memory and a pruned range can go whole.
A condition that looks into another table is a function here.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.store.postgresql.catalogue import SCHEMA_NAME

SIGNAL_PARTITIONS: Final = 8
LOG_STEP: Final = 1 << 22  # entries in a partition of the logs
_FIRST_STEPS: Final = 2
# An erased opening, however large its table has become, goes with the next round of the
# server's vacuum; by default a share of the rows has to be old first.
VACUUM_SOON: Final = (
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0"
)
VACUUMED_SOON: Final = f" WITH ({VACUUM_SOON})"


def refusal(name: str, table: str, verb: str, condition: str, why: str) -> list[str]:
    """Refuse to change rows of a table when a condition holds."""
    return [
        (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
            f"SET search_path = {SCHEMA_NAME}, pg_temp AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{why}' USING ERRCODE = '23000'; "
            f"END IF; "
            f"RETURN {'OLD' if verb == 'DELETE' else 'NEW'}; END $$"
        ),
        (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {name}()"
        ),
    ]


def _ranges(table: str) -> list[str]:
    return [
        f"CREATE TABLE {table}_{number} PARTITION OF {table} FOR VALUES "
        f"FROM ({'MINVALUE' if number == 0 else number * LOG_STEP}) "
        f"TO ({(number + 1) * LOG_STEP}){VACUUMED_SOON}"
        for number in range(_FIRST_STEPS)
    ]


_TEXT: Final = 'TEXT COLLATE "C"'
_ENTRIES: Final = (
    (
        "CREATE TABLE entries (log BIGINT NOT NULL, idx BIGINT NOT NULL, "
        "record BYTEA NOT NULL, PRIMARY KEY (log, idx)) PARTITION BY RANGE (idx)"
    ),
    *_ranges("entries"),
)
_OPENINGS: Final = (
    (
        "CREATE TABLE openings (log BIGINT NOT NULL, idx BIGINT NOT NULL, "
        f"grp {_TEXT} NOT NULL, period {_TEXT} NOT NULL, sealed BYTEA, erased_at "
        f"BIGINT, "
        "PRIMARY KEY (log, idx, grp), "
        "CHECK ((sealed IS NULL) = (erased_at IS NOT NULL))) PARTITION BY RANGE (idx)"
    ),
    *_ranges("openings"),
)
_SIGNALS: Final = (
    (
        f"CREATE TABLE signals (row BIGINT NOT NULL, "
        "signal_id BYTEA NOT NULL CHECK (length(signal_id) = 16), "
        f"origin {_TEXT} NOT NULL, plane {_TEXT} NOT NULL, scope {_TEXT} NOT NULL, "
        "epoch BIGINT NOT NULL, generation BIGINT NOT NULL, media_kind BIGINT, "
        "token BYTEA CHECK (length(token) = 16), match_until BIGINT NOT NULL, "
        f"erase_after BIGINT NOT NULL, status {_TEXT} NOT NULL CHECK "
        "(status IN ('active', 'disputed', 'revoked', 'expired', 'erased')), "
        f"own BIGINT NOT NULL CHECK (own IN (0, 1)), log {_TEXT} NOT NULL, "
        f"idx BIGINT NOT NULL, grp {_TEXT} NOT NULL, "
        "CHECK ((token IS NULL) = (status = 'erased')), "
        "PRIMARY KEY (row, signal_id), UNIQUE (signal_id, origin)) "
        "PARTITION BY HASH (signal_id)"
    ),
    *(
        f"CREATE TABLE signals_{number} PARTITION OF signals FOR VALUES WITH "
        f"(MODULUS {SIGNAL_PARTITIONS}, REMAINDER {number})"
        for number in range(SIGNAL_PARTITIONS)
    ),
)
_RELOCKED: Final = (
    "EXISTS (SELECT 1 FROM relocked WHERE relocked.origin = OLD.origin "
    "AND relocked.signal_id = OLD.signal_id)"
)
_ONLY_ERASED: Final = (
    "OLD.sealed IS NOT NULL AND NEW.sealed IS NULL AND NEW.period = OLD.period"
)
_SAME_PLACE: Final = "NEW.log = OLD.log AND NEW.idx = OLD.idx AND NEW.grp = OLD.grp"
_COMES_BACK: Final = (
    "OLD.sealed IS NULL AND NEW.sealed IS NOT NULL AND EXISTS (SELECT 1 FROM relocked "
    "JOIN logs ON logs.origin = relocked.log WHERE logs.id = OLD.log "
    "AND relocked.idx = OLD.idx AND relocked.grp = OLD.grp)"
)
_BELOW: Final = (
    "EXISTS (SELECT 1 FROM pruned WHERE pruned.log = OLD.log AND OLD.idx < pruned.size)"
)
_DESTROYED: Final = (
    "EXISTS (SELECT 1 FROM effects WHERE kind = 'period_key' "
    "AND target = OLD.period AND ended_at IS NOT NULL)"
)
_STOP_TASKS: Final = (
    (
        "CREATE FUNCTION signals_stop_tasks() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN "
        "UPDATE tasks SET revision = revision + 1 WHERE subject IS NOT NULL AND id IN "
        "(SELECT task FROM task_signals WHERE origin = NEW.origin "
        "AND signal_id = NEW.signal_id); "
        "UPDATE task_signals SET "
        "sealed = CASE WHEN NEW.status = 'disputed' THEN sealed END, "
        "effect_at = CASE WHEN effect <> 'disputed' THEN effect_at END, "
        "effect = NEW.status WHERE origin = NEW.origin AND signal_id = NEW.signal_id; "
        "RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER signals_stop_tasks AFTER UPDATE OF status ON signals FOR "
        "EACH ROW "
        "WHEN (NEW.status <> OLD.status AND NEW.status <> 'active') "
        "EXECUTE FUNCTION signals_stop_tasks()"
    ),
)
_WAKE_TASKS: Final = (
    (
        "CREATE FUNCTION signals_wake_tasks() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN "
        "UPDATE task_signals SET effect = NULL, effect_at = NULL "
        "WHERE origin = NEW.origin AND signal_id = NEW.signal_id; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER signals_wake_tasks AFTER UPDATE OF status ON signals FOR "
        "EACH ROW "
        "WHEN (OLD.status = 'disputed' AND NEW.status = 'active') "
        "EXECUTE FUNCTION signals_wake_tasks()"
    ),
)
_ERASED_STAY: Final = "openings are erased, never deleted"

REPLACEMENTS: Final[Mapping[tuple[str, str], tuple[str, ...] | list[str]]] = {
    ("0001_first", "entries"): _ENTRIES,
    ("0001_first", "openings"): _OPENINGS,
    ("0001_first", "signals"): _SIGNALS,
    ("0004_relock", "signals_stay_erased"): refusal(
        "signals_stay_erased",
        "signals",
        "UPDATE",
        f"OLD.status = 'erased' AND NOT {_RELOCKED}",
        "an erased signal stays erased",
    ),
    ("0004_relock", "openings_erase_only"): refusal(
        "openings_erase_only",
        "openings",
        "UPDATE",
        f"NOT ({_SAME_PLACE} AND (({_ONLY_ERASED}) OR ({_COMES_BACK})))",
        "openings are erased, never changed",
    ),
    ("0007_review", "signals_stop_tasks"): _STOP_TASKS,
    ("0007_review", "signals_wake_tasks"): _WAKE_TASKS,
    ("0013_prune", "entries_no_delete"): refusal(
        "entries_no_delete",
        "entries",
        "DELETE",
        f"NOT {_BELOW}",
        "entries are append-only",
    ),
    ("0013_prune", "openings_no_delete"): refusal(
        "openings_no_delete",
        "openings",
        "DELETE",
        f"NOT ({_BELOW} AND (OLD.sealed IS NULL OR {_DESTROYED}))",
        _ERASED_STAY,
    ),
}
