#!/usr/bin/env python3
"""Reads all files of one table of the lake by one glob with pyarrow, DuckDB and polars, and compares every row, value
and null with the events that they must hold. Prints one line a reader; exits 1 and names the first difference.

    readers_check.py FOLDER EVENTS.jsonl       FOLDER: PARQUET_DIR/<company>/<table>; EVENTS: docs/event-format.md
    readers_check.py --write-with PROGRAM      PROGRAM FOLDER EVENTS.jsonl makes both in a temporary folder first
"""

import datetime
import glob
import json
import os
import subprocess
import sys
import tempfile

import duckdb
import polars
import pyarrow.dataset

MOMENTS = ("timestamp", "effective_at")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def milliseconds(moment):
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


def expected_rows(events):
    """The rows that a reader must see, by event_id."""
    columns = sorted({name for event in events for side in ("old_values", "new_values") for name in event[side] or {}},
                     key=lambda name: name.encode())
    rows = {}
    for event in events:
        row = {name: value for name, value in event.items() if name not in ("old_values", "new_values")}
        for name in MOMENTS:
            row[name] = milliseconds(datetime.datetime.fromisoformat(row[name].replace("Z", "+00:00")))
        row["types"] = None if row["types"] is None else json.dumps(row["types"])
        for column in columns:
            for side in ("old", "new"):
                row[f"{side}_{column}"] = (event[f"{side}_values"] or {}).get(column)
        rows[row["event_id"]] = row
    return rows


def normal(row):
    """A reader's row in the terms of expected_rows."""
    row = dict(row)
    for name in MOMENTS:
        if not isinstance(row[name], int):
            row[name] = milliseconds(row[name])
    row["types"] = None if row["types"] is None else json.dumps(json.loads(row["types"]))
    row["changed_columns"] = list(row["changed_columns"])
    return row


def by_pyarrow(pattern):
    return pyarrow.dataset.dataset(sorted(glob.glob(pattern)), format="parquet").to_table().to_pylist()


def by_duckdb(pattern):
    # Moments as numbers, since DuckDB's own conversion needs a package of time zones.
    moments = ", ".join(f"epoch_ms({name}) AS {name}" for name in MOMENTS)
    cursor = duckdb.connect().execute(f"SELECT * REPLACE ({moments}) FROM read_parquet(?)", [pattern])
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def by_polars(pattern):
    return polars.scan_parquet(pattern).collect().to_dicts()


READERS = {"pyarrow": by_pyarrow, "duckdb": by_duckdb, "polars": by_polars}


def difference(expected, rows):
    """What is wrong with a reader's rows, or None."""
    seen = set()
    for row in map(normal, rows):
        event_id = row["event_id"]
        if event_id in seen:
            return f"event {event_id} is there twice"
        seen.add(event_id)
        if event_id not in expected:
            return f"event {event_id} is none of the {len(expected)} expected"
        wanted = expected[event_id]
        if set(row) != set(wanted):
            return f"columns {sorted(set(row) ^ set(wanted))} are on one side only"
        for name, value in wanted.items():
            if row[name] != value:
                return f"event {event_id}: {name} is {row[name]!r}, not {value!r}"
    missing = expected.keys() - seen
    return f"{len(missing)} of {len(expected)} events are missing: {sorted(missing)[0]}" if missing else None


def check(folder, events):
    """Differences by reader; empty where all three agree with the events."""
    expected = expected_rows(events)
    pattern = os.path.join(folder, "*.parquet")
    files = len(glob.glob(pattern))
    differences = {}
    for name, read in READERS.items():
        found = difference(expected, read(pattern))
        print(f"{name}: {found or f'{len(expected)} rows of {files} files are as expected'}")
        if found:
            differences[name] = found
    return differences


def read_events(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if sys.argv[1] != "--write-with":
        return 1 if check(sys.argv[1], read_events(sys.argv[2])) else 0
    with tempfile.TemporaryDirectory(prefix="deltadrop-test-") as folder:
        events_file = os.path.join(folder, "events.jsonl")
        subprocess.run([sys.argv[2], os.path.join(folder, "parquet"), events_file], check=True)
        events = read_events(events_file)
        table = os.path.join(folder, "parquet", events[0]["company_id"], events[0]["table_name"])
        return 1 if check(table, events) else 0


if __name__ == "__main__":
    sys.exit(main())
