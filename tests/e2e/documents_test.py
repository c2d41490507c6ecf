"""Pages that list what the program has list what it really has."""

import re
import sqlite3
import subprocess
from pathlib import Path

from deltadrop_process import PROGRAM
from history_schema import documented

README = Path(__file__).resolve().parents[2] / "README.md"


def schema_of(path):
    """As history_schema.documented: what a SQLite database has. A unique constraint counts as the key of a table without one."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def key_of(table, columns):
        primary = [info[1] for info in sorted(columns, key=lambda info: info[5]) if info[5]]
        unique = [index[1] for index in connection.execute(f"PRAGMA index_list({table})") if index[3] == "u"]
        return primary or [info[2] for info in connection.execute(f"PRAGMA index_info({unique[0]})")]

    try:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'").fetchall()
        # (cid, name, type, notnull, dflt_value, pk): a primary key's columns are not null, whatever `notnull` says.
        infos = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names}
        return {name: {"columns": [(info[1], info[2], not info[3] and not info[5]) for info in columns], "key": key_of(name, columns)}
                for name, columns in infos.items()}
    finally:
        connection.close()


def test_the_schema_of_a_new_history(server):
    assert schema_of(server.data_dir / "history.db") == documented("SQLite")


def test_the_settings_of_the_readme():
    """The table has each setting that `deltadrop config` shows and no other, in the same order, with the same default."""
    shown = subprocess.run([PROGRAM, "config"], env={}, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    widths = [match.start() for match in re.finditer(r"\S+", shown[0])]
    defaults = {line[:widths[1]].strip(): line[widths[1]:widths[2]].strip() for line in shown[1:]}
    section = README.read_text().partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|\s*([^|]*?)\s*\|", section, re.MULTILINE))
    assert list(rows) == list(defaults)
    # What depends on DATA_DIR is told in words.
    literal = {name: cell for name, cell in rows.items() if not cell.startswith("`DATA_DIR`/")}
    assert len(literal) > 40
    for name, cell in literal.items():
        assert (cell.split("`")[1] if cell else "") == defaults[name].replace("***", "postgres"), name
