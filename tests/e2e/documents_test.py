"""Pages list what the program really has, and their commands print what they show."""

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from deltadrop_process import PROGRAM
from history_schema import documented
from page_commands import blocks_of, run_blocks, section, server_of

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


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


def test_the_page_of_settings():
    """The table has each setting that `deltadrop config` shows and no other, in the same order, with the same default."""
    shown = subprocess.run([PROGRAM, "config"], env={}, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    widths = [match.start() for match in re.finditer(r"\S+", shown[0])]
    defaults = {line[:widths[1]].strip(): line[widths[1]:widths[2]].strip() for line in shown[1:]}
    page = (ROOT / "docs/settings.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|\s*([^|]*?)\s*\|", page, re.MULTILINE))
    assert list(rows) == list(defaults)
    # What depends on DATA_DIR is told in words.
    literal = {name: cell for name, cell in rows.items() if not cell.startswith("`DATA_DIR`/")}
    assert len(literal) > 40
    for name, cell in literal.items():
        assert (cell.split("`")[1] if cell else "") == defaults[name].replace("***", "postgres"), name


def test_the_tutorial(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    blocks, servers = blocks_of((ROOT / "docs/tutorial.md").read_text())
    with server_of(servers[0], tmp_path) as url:
        run_blocks(blocks, tmp_path, url, wait=True)


def test_the_readme(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    page = README.read_text()
    blocks, servers = blocks_of(section(page, "Quick start"))
    first, _ = blocks_of(section(page, "In thirty seconds"))
    assert len(blocks_of(page)[0]) == len(first) + len(blocks)
    # What the page shows first needs the uploads of its quick start.
    with server_of(servers[0], tmp_path) as url:
        run_blocks([*blocks, *first], tmp_path, url, wait=True)


def test_the_figures_of_the_readme_are_those_of_the_benchmarks():
    table = (ROOT / "docs/benchmarks.md").read_text()
    found = re.findall(r"^\| diff, 5,000,000 x 2, (?:in order|shuffled) \| ([\d.]+ s) \| DuckDB ([\d.]+ s)", table, re.MULTILINE)
    assert len(found) == 2
    speed = " ".join(section(README.read_text(), "Speed").split())
    for ours, theirs in found:
        assert ours in speed and theirs in speed, f"README.md, Speed: docs/benchmarks.md has {ours} and {theirs}"


def test_the_picture_is_drawn_from_its_source():
    subprocess.run([sys.executable, ROOT / "tools/picture.py", "--check"], check=True, timeout=60)
