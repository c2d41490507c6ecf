#!/usr/bin/env python3
"""`pandas_diff.py OLD NEW`: prints the counts of `deltadrop diff --summary --format json`, found by pandas. Compares the
indexes, then the rows that are in both. Values are compared as text."""

import json
import sys

import pandas


def main():
    old, new = (pandas.read_csv(path, dtype=str, keep_default_na=False, index_col=0) for path in sys.argv[1:])
    both = new.index.intersection(old.index)
    updated = (new.loc[both] != old.loc[both]).any(axis=1).sum()
    print(json.dumps({"inserted": len(new) - len(both), "updated": int(updated), "deleted": len(old) - len(both)}))


if __name__ == "__main__":
    main()
