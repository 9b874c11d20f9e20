# SPDX-License-Identifier: Apache-2.0
"""What the catalogue of PostgreSQL tells of the store's schema.

Partitions are left out: new ones come while the node runs, and each is like its parent.
`migrations` and `turns` are left out of the tables: they claim nothing about what a
node did (which migrations ran, which worker committed last). So is what who asks may
not read, which somebody added: the schema tells of it.
"""

from typing import Final

SCHEMA_NAME: Final = "fedsafe"
_OURS: Final = f"n.nspname = '{SCHEMA_NAME}' AND NOT c.relispartition"
_FROM: Final = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
OWN: Final = ("migrations", "turns")

TABLES: Final = (
    f"SELECT c.relname::text {_FROM} WHERE {_OURS} AND c.relkind IN ('r', 'p') "
    f"AND c.relname NOT IN {OWN} AND has_table_privilege(c.oid, 'SELECT') "
    'ORDER BY c.relname COLLATE "C"'
)
COLUMNS: Final = (
    "SELECT a.attname::text, coalesce(a.attnum = ANY (i.indkey), false), "
    f"a.atttypid::regtype::text {_FROM} JOIN pg_attribute a ON a.attrelid = c.oid "
    "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
    f"WHERE {_OURS} AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attnum"
)
LOGS: Final = ("entries", "leaf_tiles", "logs", "openings", "pruned", "tile_roots")
# Whether who asks could change or delete a row of the logs, or silence what refuses it.
MAY_CHANGE: Final = (
    "SELECT EXISTS (SELECT 1 FROM pg_class c "  # noqa: S608 - our own words
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_inherits h ON h.inhrelid = c.oid "
    "LEFT JOIN pg_class p ON p.oid = h.inhparent "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND c.relkind IN ('r', 'p') "
    f"AND (c.relname IN {LOGS} OR p.relname IN {LOGS}) AND ("
    "has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') "
    "OR has_any_column_privilege(c.oid, 'UPDATE') "
    "OR pg_has_role(c.relowner, 'MEMBER') "
    f"OR has_schema_privilege('{SCHEMA_NAME}', 'CREATE')))"
)
# Tables, or their partitions, with cells that are erased while their row stays.
ERASED_IN_PLACE: Final = (
    "SELECT DISTINCT c.oid::regclass::text FROM pg_class c "  # noqa: S608 - our own words
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('sealed', 'token') "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND c.relkind = 'r' "
    f"AND c.relname NOT IN {OWN}"
)
HAS_VERSION: Final = f"SELECT to_regclass('{SCHEMA_NAME}.migrations') IS NOT NULL"
VERSION: Final = "SELECT coalesce(max(number), 0) FROM migrations"
_COLUMN_PARTS: Final = (
    "SELECT 'column', c.relname::text, a.attname::text, "
    "format_type(a.atttypid, a.atttypmod), a.attnotnull::text, "
    "coalesce(l.collname, '')::text, "
    "coalesce(pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, ''), "
    f"c.relkind::text {_FROM} JOIN pg_attribute a ON a.attrelid = c.oid "
    "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
    "LEFT JOIN pg_collation l ON l.oid = a.attcollation "
    f"WHERE {_OURS} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 "
    'AND NOT a.attisdropped ORDER BY c.relname COLLATE "C", a.attnum'
)
_CONSTRAINTS: Final = (
    "SELECT 'constraint', c.relname::text, k.conname::text, "
    f"pg_get_constraintdef(k.oid) {_FROM} JOIN pg_constraint k ON k.conrelid = c.oid "
    f'WHERE {_OURS} ORDER BY c.relname COLLATE "C", k.conname COLLATE "C"'
)
_INDEXES: Final = (
    f"SELECT 'index', c.relname::text, pg_get_indexdef(c.oid) {_FROM} "
    f"WHERE {_OURS} AND c.relkind IN ('i', 'I') ORDER BY c.relname COLLATE \"C\""
)
_TRIGGERS: Final = (
    "SELECT 'trigger', c.relname::text, t.tgname::text, t.tgenabled::text, "
    f"pg_get_triggerdef(t.oid) {_FROM} JOIN pg_trigger t ON t.tgrelid = c.oid "
    f"WHERE {_OURS} AND NOT t.tgisinternal "
    'ORDER BY c.relname COLLATE "C", t.tgname COLLATE "C"'
)
_RULES: Final = (
    f"SELECT 'rule', c.relname::text, r.rulename::text {_FROM} "
    f"JOIN pg_rewrite r ON r.ev_class = c.oid WHERE {_OURS} "
    'ORDER BY c.relname COLLATE "C", r.rulename COLLATE "C"'
)
_FUNCTIONS: Final = (
    "SELECT 'function', p.proname::text, p.prosrc, p.prosecdef::text, "  # noqa: S608
    "p.proargtypes::regtype[]::text, p.prorettype::regtype::text, l.lanname::text, "
    "coalesce(p.proconfig::text, '') "
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
    "JOIN pg_language l ON l.oid = p.prolang "
    f"WHERE n.nspname = '{SCHEMA_NAME}' ORDER BY p.proname COLLATE \"C\", p.prosrc"
)
_POLICIES: Final = (
    "SELECT 'policy', c.relname::text, coalesce(y.polname::text, ''), "  # noqa: S608
    "c.relrowsecurity::text, c.relforcerowsecurity::text "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_policy y ON y.polrelid = c.oid "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND (y.oid IS NOT NULL OR c.relrowsecurity "
    'OR c.relforcerowsecurity) ORDER BY c.relname COLLATE "C", y.polname COLLATE "C"'
)
# What a partition has that its parent has not, or not so.
_OF_PARTITIONS: Final = (
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_inherits h ON h.inhrelid = c.oid JOIN pg_class p ON p.oid = h.inhparent "
)
_IS_PARTITION: Final = f"WHERE n.nspname = '{SCHEMA_NAME}' AND c.relispartition"
_ODD_TRIGGERS: Final = (
    "SELECT 'trigger', c.relname::text, t.tgname::text, t.tgenabled::text, "  # noqa: S608
    f"pg_get_triggerdef(t.oid) {_OF_PARTITIONS} "
    "JOIN pg_trigger t ON t.tgrelid = c.oid "
    "LEFT JOIN pg_trigger u ON u.oid = t.tgparentid "
    f"{_IS_PARTITION} AND NOT t.tgisinternal "
    "AND t.tgenabled IS DISTINCT FROM u.tgenabled "
    'ORDER BY c.relname COLLATE "C", t.tgname COLLATE "C"'
)
_ODD_RULES: Final = (
    f"SELECT 'rule', c.relname::text, r.rulename::text {_OF_PARTITIONS} "
    f"JOIN pg_rewrite r ON r.ev_class = c.oid {_IS_PARTITION} "
    'ORDER BY c.relname COLLATE "C", r.rulename COLLATE "C"'
)
_ODD_PARTITIONS: Final = (
    "SELECT 'partition', c.relname::text, c.relkind::text, "
    f"pg_get_expr(c.relpartbound, c.oid) {_OF_PARTITIONS} {_IS_PARTITION} "
    "AND c.relkind IN ('r', 'p', 'f') AND (c.relkind <> 'r' "
    "OR c.relname !~ ('^' || p.relname || '_[0-9]+$') "
    f"OR pg_get_expr(c.relpartbound, c.oid) !~ '^FOR VALUES (FROM|WITH) ' "
    "OR p.relname = 'signals') ORDER BY c.relname COLLATE \"C\""
)
_ODD_CONSTRAINTS: Final = (
    "SELECT 'constraint', c.relname::text, k.conname::text, "
    f"pg_get_constraintdef(k.oid) {_OF_PARTITIONS} "
    f"JOIN pg_constraint k ON k.conrelid = c.oid {_IS_PARTITION} "
    "AND k.coninhcount = 0 AND k.conparentid = 0 "
    'ORDER BY c.relname COLLATE "C", k.conname COLLATE "C"'
)
SCHEMA_PARTS: Final = (
    *(_COLUMN_PARTS, _CONSTRAINTS, _INDEXES),
    *(_TRIGGERS, _RULES, _FUNCTIONS, _POLICIES),
    *(_ODD_TRIGGERS, _ODD_RULES, _ODD_PARTITIONS, _ODD_CONSTRAINTS),
)
