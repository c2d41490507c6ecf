"""Parses docs/history-schema.md: its description of each table in one of the two databases."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "history-schema.md"
DATABASES = {"SQLite": 1, "PostgreSQL": 2}


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def documented(database):
    """{table: {"columns": [(name, type, nullable)], "key": [names of the primary key's columns]}} in `database`."""
    tables = {}
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        table = re.match(r"`(\w+)`\n", section)[1]
        rows = [cells_of(line) for line in section.splitlines() if line.startswith("| `")]
        columns = [(row[0].strip("`"), row[DATABASES[database]], {"yes": True, "no": False}[row[3]])
                   for row in rows if row[DATABASES[database]] != "–"]
        assert all(len(row) == 5 and row[4] for row in rows), f"{table}: a column has no description"
        key = re.findall(r"`(\w+)`", re.search(r"^Primary key(?: \(.+\))?: (.+)\.$", section, re.MULTILINE)[1])
        if columns:
            tables[table] = {"columns": columns, "key": key}
    return tables
