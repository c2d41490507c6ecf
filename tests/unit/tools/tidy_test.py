"""tools/tidy.py finds what it is there to find, and this tree has none of it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TIDY = ROOT / "tools" / "tidy.py"


def tidy(folder):
    return subprocess.run([sys.executable, str(TIDY), str(folder)], capture_output=True, text=True)


CASES = {
    "a_later_room": ("src/csv/a.cpp", '#include "ingest/ingest.hpp"\n', "comes later"),
    "an_adapter": ("src/consume/a.cpp", '#include "history/sqlite_history.hpp"\n', "use its port"),
    "sqlite_outside": ("src/ingest/a.cpp", "#include <sqlite3.h>\n", "may be included by"),
    "arrow_in_a_header": ("src/lake/lake.hpp", "#pragma once\n#include <arrow/api.h>\n", "may be included by"),
    "no_pragma": ("src/core/a.hpp", "int x;\n", "#pragma once"),
    "left_over": ("src/core/a.cpp", "// TO" + "DO later\n", "finish it"),
    "a_sleep": ("tests/unit/a.cpp", "std::this_thread::sleep" + "_for(1s);\n", "signal"),
    "disabled": ("tests/unit/a.cpp", "TEST(A, DISABLED" + "_B) {}\n", "no test"),
    "silent_skip": ("tests/unit/a.cpp", "GTEST_SKIP" + "();\n", "reason"),
    "stream": ("src/io/a.cpp", "std::of" + "stream out;\n", "fsync"),
    "vague_name": ("src/io/a.cpp", "class File" + "Manager {};\n", "what it is"),
    "long": ("src/io/a.cpp", "int x;\n" * 701, "two things"),
    "machine_path": ("tools/a.sh", "cd /ro" + "ot/x\n", "one machine"),
}


@pytest.mark.parametrize("name", CASES)
def test_finds(tmp_path, name):
    path, text, complaint = CASES[name]
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    result = tidy(tmp_path)
    assert result.returncode == 1
    assert complaint in result.stdout
    assert path in result.stdout


def test_an_unexplained_dependency(tmp_path):
    (tmp_path / "cmake").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "cmake/Dependencies.cmake").write_text("find_package(Leftpad REQUIRED)\n")
    (tmp_path / "docs/dependencies.md").write_text("# Dependencies\n")
    assert "no line for Leftpad" in tidy(tmp_path).stdout


def test_the_tree_is_tidy():
    result = tidy(ROOT)
    assert result.returncode == 0, result.stdout
