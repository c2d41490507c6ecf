#!/usr/bin/env python3
"""`polars_diff.py OLD NEW`: prints the counts of `deltadrop diff --summary --format json`, found by polars with a full join
on the first column. Values are compared as text."""

import json
import sys

import polars


def main():
    old, new = (polars.scan_csv(path, infer_schema=False) for path in sys.argv[1:])
    key, *values = new.collect_schema().names()
    joined = old.join(new, on=key, how="full", suffix="_new")
    was, now = polars.col(key).is_not_null(), polars.col(key + "_new").is_not_null()
    differs = polars.any_horizontal(polars.col(name).ne_missing(polars.col(name + "_new")) for name in values)
    found = joined.select(inserted=(~was).sum(), updated=(was & now & differs).sum(), deleted=(~now).sum())
    print(json.dumps(found.collect(engine="streaming").row(0, named=True)))


if __name__ == "__main__":
    main()
