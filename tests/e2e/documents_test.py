"""Checks that pages list the program's actual settings, schema and commands, and that their commands print the shown output."""

import functools
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
    """The schema of a SQLite database, in the form of history_schema.documented. For a table without a primary key, a unique
    constraint counts as its key."""
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
    # The page describes defaults that depend on DATA_DIR in words.
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
    # The output at the top of the page needs the uploads of the quick start.
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


RUN_BY_OTHER_TESTS = {"README.md", "docs/tutorial.md", "docs/api-examples.md"}
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")))


def test_the_commands_of_the_other_pages_run(tmp_path):
    """Runs the commands that need no server. A command that cannot run is marked ```sh not-run: reason."""
    found = 0
    for page in PAGES:
        text = (ROOT / page).read_text()
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert not re.search(r"^\n {4}\S", outside, re.MULTILINE), f"{page}: write code between ``` and a language"
        if page not in RUN_BY_OTHER_TESTS:
            blocks, servers = blocks_of(text)
            assert not servers, page
            if blocks:
                work = tmp_path / page.replace("/", "-")
                shutil.copytree(ROOT / "examples", work / "examples")
                run_blocks(blocks, work)
                found += len(blocks)
    assert found


@functools.cache
def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], env={}, capture_output=True, text=True, timeout=60)


def subcommands(*words):
    listed = help_of(*words).stdout.partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^ {2}([a-z][a-z-]*)", listed, re.MULTILINE))


def test_the_commands_and_flags_that_pages_name_exist():
    found = set()
    for page in PAGES:
        text = (ROOT / page).read_text()
        spans = [line for _, block in re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
        spans += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
        for span in spans:
            for rest in re.findall(r"(?<![\w/.-])deltadrop ((?:[a-z]|--)[^|#;`)]*)", span):
                words, flags = [], re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", rest)
                for word in rest.split():
                    if word not in subcommands(*words):
                        break
                    words.append(word)
                assert words or rest.startswith("--"), f"{page}: deltadrop {rest}: there is no such command"
                assert not words or not subcommands(*words) or len(rest.split()) == len(words), f"{page}: deltadrop {rest}: no such subcommand"
                for flag in flags:
                    # `config` accepts the flag of every setting, but its help does not list them.
                    known = help_of(*(words if words != ["config"] else ["dev"])).stdout
                    assert re.search(rf"(?<![\w-]){flag}(?![\w-])", known), f"{page}: deltadrop {rest}: there is no {flag}"
                found.add(tuple(words))
    assert len(found) > 25
