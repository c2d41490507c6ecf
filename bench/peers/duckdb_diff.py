#!/usr/bin/env python3
"""`duckdb_diff.py OLD NEW`: prints the counts of `deltadrop diff --summary --format json`, found by DuckDB with a full outer
join on the first column. Values are compared as text."""

import csv
import json
import sys

import duckdb


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def main():
    old, new = sys.argv[1:]
    with open(new, newline="") as file:
        names = [quoted(name) for name in next(csv.reader(file))]
    key, values = names[0], names[1:]
    # Comparing column by column is faster than comparing rows as structs or by their hashes.
    differs = " OR ".join(f"o.{name} IS DISTINCT FROM n.{name}" for name in values) or "false"
    read = "read_csv(?, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"
    inserted, updated, deleted = duckdb.execute(
        f"SELECT count(*) FILTER (o.{key} IS NULL), count(*) FILTER (o.{key} = n.{key} AND ({differs})),"
        f" count(*) FILTER (n.{key} IS NULL) FROM {read} o FULL OUTER JOIN {read} n ON o.{key} = n.{key}",
        [old, new]).fetchone()
    print(json.dumps({"inserted": inserted, "updated": updated, "deleted": deleted}))


if __name__ == "__main__":
    main()
