"""docs/history-schema.md lists the schema of a PostgreSQL database."""

from history_schema import documented
from pipeline import health_until

NOT_OURS = "('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)"

COLUMNS = f"""
SELECT c.relname AS relation, a.attname AS name, NOT a.attnotnull AS nullable,
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz') AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace NOT IN {NOT_OURS}
ORDER BY c.relname, a.attnum"""

KEYS = f"""
SELECT c.conrelid::regclass::text AS relation, a.attname AS name
FROM pg_constraint c CROSS JOIN unnest(c.conkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
WHERE c.contype = 'p' AND c.connamespace NOT IN {NOT_OURS} ORDER BY c.conrelid, k.place"""


def test_the_schema_of_a_new_database(pipeline):
    health_until(pipeline.consume(), "the schema is made", lambda answer: answer["status"] == "UP")
    found = {}
    for row in pipeline.sql.rows(COLUMNS):
        table = found.setdefault(row["relation"], {"columns": [], "key": []})
        table["columns"].append((row["name"], row["type"], row["nullable"]))
    for row in pipeline.sql.rows(KEYS):
        found[row["relation"]]["key"].append(row["name"])
    assert found == documented("PostgreSQL")
