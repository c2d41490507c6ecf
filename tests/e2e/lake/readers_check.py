#!/usr/bin/env python3
"""Reads all files of one table of the lake by one glob with pyarrow, DuckDB, polars and fastparquet, and compares every
type, row, value and null with the expected events. Prints one line per reader. If there is a difference, names the first one
and exits with 1.

    readers_check.py FOLDER EVENTS.jsonl       FOLDER: PARQUET_DIR/<company>/<table>; EVENTS: docs/event-format.md
    readers_check.py --write-with PROGRAM      first runs PROGRAM FOLDER EVENTS.jsonl, which makes both in a temporary folder
"""

import datetime
import glob
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

import duckdb
import fastparquet
import numpy
import pandas
import polars
import pyarrow.dataset

from expected_rows import EPOCH, MICROSECOND, MOMENTS, column_types, expected_rows, scale_of

# Each reader's names of the types.
PYARROW = {"boolean": "bool", "int64": "int64", "date": "date32[day]", "timestamp": "timestamp[us, tz=UTC]"}
DUCKDB = {"boolean": "BOOLEAN", "int64": "BIGINT", "date": "DATE", "timestamp": "TIMESTAMP WITH TIME ZONE"}
POLARS = {"boolean": "Boolean", "int64": "Int64", "date": "Date",
          "timestamp": "Datetime(time_unit='us', time_zone='UTC')"}
FASTPARQUET = {"boolean": "BOOLEAN", "int64": "INT64", "date": "INT32 DATE", "timestamp": "INT64 TIMESTAMP_MICROS"}


def in_words(types, words, decimal, string):
    """The `types` of the value columns, for both sides."""
    found = {}
    for column, name in types.items():
        scale = scale_of(name or "")
        word = decimal.format(scale) if scale else words.get(name, string)
        found[f"old_{column}"] = found[f"new_{column}"] = word
    return found


class PyArrow:
    def __init__(self, pattern):
        self.table = pyarrow.dataset.dataset(sorted(glob.glob(pattern)), format="parquet").to_table()

    def types(self):
        return {field.name: str(field.type) for field in self.table.schema}

    def rows(self):
        return self.table.to_pylist()

    @staticmethod
    def expected(types):
        return in_words(types, PYARROW, "decimal128(38, {})", "string")


class DuckDB:
    def __init__(self, pattern):
        self.connection = duckdb.connect()
        self.connection.execute("CREATE VIEW lake AS SELECT * FROM read_parquet('" + pattern.replace("'", "''") + "')")

    def types(self):
        return {row[0]: row[1] for row in self.connection.execute("DESCRIBE lake").fetchall()}

    def rows(self):
        # Read timestamps as numbers, because DuckDB's own conversion needs a package of time zones.
        moments = [name for name, word in self.types().items() if word == DUCKDB["timestamp"]]
        numbers = ", ".join(f'epoch_us("{name}") AS "{name}"' for name in moments)
        cursor = self.connection.execute(f"SELECT * REPLACE ({numbers}) FROM lake")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    @staticmethod
    def expected(types):
        return in_words(types, DUCKDB, "DECIMAL(38,{})", "VARCHAR")


class Polars:
    def __init__(self, pattern):
        self.frame = polars.scan_parquet(pattern).collect()

    def types(self):
        return {name: str(word) for name, word in self.frame.schema.items()}

    def rows(self):
        return self.frame.to_dicts()

    @staticmethod
    def expected(types):
        return in_words(types, POLARS, "Decimal(precision=38, scale={})", "String")


class FastParquet:
    """fastparquet converts decimals to floats and dates to nanoseconds, which lose digits and cannot represent every year. So both
    are read in their stored form."""

    def __init__(self, pattern):
        self.file = fastparquet.ParquetFile(sorted(glob.glob(pattern)))
        self.elements = {element.name: element for element in self.file.schema.schema_elements}
        self.words = {name: self.word(element) for name, element in self.elements.items()}
        self.scales = {}
        for name, element in self.elements.items():
            if element.converted_type == fastparquet.parquet_thrift.ConvertedType.DECIMAL:
                self.scales[name] = element.scale
            if name in self.scales or self.words[name].endswith(" DATE"):
                element.converted_type = element.logicalType = None
        self.file._base_dtype = None
        self.file._dtypes()
        for name in self.scales:
            self.file._base_dtype[name] = numpy.dtype("O")

    @staticmethod
    def word(element):
        thrift = fastparquet.parquet_thrift
        if element.type is None:
            return "group"
        words = [thrift.Type._VALUES_TO_NAMES[element.type]]
        if element.converted_type is not None:
            words.append(thrift.ConvertedType._VALUES_TO_NAMES[element.converted_type])
        if element.scale is not None:
            words.append(f"{element.precision} {element.scale}")
        return " ".join(words)

    def types(self):
        return self.words

    def rows(self):
        rows = self.file.to_pandas().to_dict("records")
        for row in rows:
            for name, cell in row.items():
                if isinstance(cell, list):
                    continue
                if pandas.isna(cell):
                    row[name] = None
                elif name in self.scales:
                    # numpy drops zeros at the end of fixed-size bytes.
                    unscaled = int.from_bytes(bytes(cell).ljust(16, b"\0"), "big", signed=True)
                    row[name] = Decimal(unscaled).scaleb(-self.scales[name])
                elif self.words[name].endswith(" DATE"):
                    row[name] = datetime.date(1970, 1, 1) + datetime.timedelta(days=int(cell))
                elif isinstance(cell, pandas.Timestamp):
                    row[name] = cell.tz_localize("UTC")
        return rows

    @staticmethod
    def expected(types):
        return in_words(types, FASTPARQUET, "FIXED_LEN_BYTE_ARRAY DECIMAL 38 {}", "BYTE_ARRAY UTF8")


READERS = {"pyarrow": PyArrow, "duckdb": DuckDB, "polars": Polars, "fastparquet": FastParquet}


def normal(row):
    """A reader's row in the terms of expected_rows."""
    row = dict(row)
    for name, cell in row.items():
        if isinstance(cell, datetime.datetime):
            row[name] = (cell - EPOCH) // MICROSECOND
    row["types"] = None if row["types"] is None else json.dumps(json.loads(row["types"]))
    row["changed_columns"] = list(row["changed_columns"])
    return row


def same(value, wanted):
    # In Python, True equals 1, and a Decimal without a fraction equals an int. The reader's types are compared separately.
    return value == wanted and (value is None) == (wanted is None) and isinstance(value, str) == isinstance(wanted, str)


def difference(expected, rows):
    """The first error in a reader's rows, or None."""
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
            if not same(row[name], value):
                return f"event {event_id}: {name} is {row[name]!r}, not {value!r}"
    missing = expected.keys() - seen
    return f"{len(missing)} of {len(expected)} events are missing: {sorted(missing)[0]}" if missing else None


def type_difference(expected, types):
    for name, word in expected.items():
        if types.get(name) != word:
            return f"{name} is of type {types.get(name)}, not {word}"
    return None


def check(folder, events):
    """The differences by reader; empty if all agree with the events."""
    expected = expected_rows(events)
    types = column_types(events)
    pattern = os.path.join(folder, "*.parquet")
    files = len(glob.glob(pattern))
    differences = {}
    for name, reader in READERS.items():
        opened = reader(pattern)
        found = type_difference(reader.expected(types), opened.types()) or difference(expected, opened.rows())
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
