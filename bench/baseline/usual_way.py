#!/usr/bin/env python3
"""The usual way to do the job in Python, for comparison. pandas reads both versions, and iterrows walks the new one. Each
event is applied in its own transaction and written to its own Parquet file. There is no log in between, which makes the
comparison favourable to it.

    usual_way.py DATABASE_URL OLD NEW EVENTS

Diffs OLD and NEW, then applies the first EVENTS events of NEW as a first version. Prints one figure per line: name, value, unit.
"""

import json
import sys
import tempfile
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

import pandas
import psycopg2

TABLES = """
CREATE TABLE usual_events (event_id uuid PRIMARY KEY, event_type text, key_value text, old_values jsonb, new_values jsonb,
                           recorded_at timestamptz);
CREATE TABLE usual_data (record_key text, data jsonb, valid_from timestamptz, valid_to timestamptz, is_current boolean);
CREATE INDEX ON usual_data (record_key) WHERE is_current;
"""


def find_events(old, new):
    """Returns a list of dicts. Makes one pass over each version."""
    key = new.columns[0]
    before = {row[key]: row.to_dict() for _, row in old.iterrows()}
    events, seen = [], set()
    for _, row in new.iterrows():
        values = row.to_dict()
        seen.add(values[key])
        if values[key] not in before:
            events.append({"type": "insert", "key": values[key], "old": None, "new": values})
        elif before[values[key]] != values:
            events.append({"type": "update", "key": values[key], "old": before[values[key]], "new": values})
    events += [{"type": "delete", "key": gone, "old": values, "new": None} for gone, values in before.items() if gone not in seen]
    return events


def apply_event(connection, event, folder):
    now = datetime.now(timezone.utc)
    old, new = (json.dumps(event[name]) if event[name] else None for name in ("old", "new"))
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO usual_events VALUES (%s, %s, %s, %s, %s, %s)",
                       (str(uuid.uuid4()), event["type"], event["key"], old, new, now))
        cursor.execute("UPDATE usual_data SET valid_to = %s, is_current = false WHERE record_key = %s AND is_current",
                       (now, event["key"]))
        if new:
            cursor.execute("INSERT INTO usual_data VALUES (%s, %s, %s, NULL, true)", (event["key"], new, now))
    pandas.DataFrame([event["new"] or event["old"]]).to_parquet(folder / f"{event['type']}_{event['key']}.parquet")


def main():
    url, old_path, new_path, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    started = time.perf_counter()
    old, new = (pandas.read_csv(path, dtype=str, keep_default_na=False) for path in (old_path, new_path))
    find_events(old, new)
    print(f"usual.diff {len(new) / (time.perf_counter() - started):.1f} rows/s")
    inserts = find_events(new.head(0), new.head(count))
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for event in inserts:
            apply_event(connection, event, Path(folder))
        print(f"usual.apply {len(inserts) / (time.perf_counter() - started):.1f} events/s")
    connection.close()


if __name__ == "__main__":
    main()
