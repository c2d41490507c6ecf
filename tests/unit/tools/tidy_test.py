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
    "a_later_module": ("src/csv/a.cpp", '#include "ingest/ingest.hpp"\n', "module csv may not use ingest"),
    "transport_and_uploads": ("src/http/a.cpp", '#include "ingest/ingest.hpp"\n', "module http may not use ingest"),
    "a_link": ("src/http/CMakeLists.txt", "deltadrop_room(http SOURCES a.cpp USES core io ingest LINK fmt::fmt)\n", "module http may not link ingest"),
    "a_link_by_target": ("src/http/CMakeLists.txt", "deltadrop_room(http SOURCES a.cpp USES core io LINK deltadrop_history)\n", "module http may not link history"),
    "an_old_diagram": ("docs/architecture.md", "<!-- tools/tidy.py --diagram -->\n```\n```\n<!-- end -->\n", "run tools/tidy.py --diagram"),
    "an_adapter": ("src/consume/a.cpp", '#include "history/sqlite_history.hpp"\n', "use its port"),
    "sqlite_outside": ("src/ingest/a.cpp", "#include <sqlite3.h>\n", "may be included by"),
    "curl_outside": ("src/http/a.cpp", "#include <curl/curl.h>\n", "may be included by"),
    "arrow_in_a_header": ("src/lake/lake.hpp", "#pragma once\n#include <arrow/api.h>\n", "may be included by"),
    "no_pragma": ("src/core/a.hpp", "int x;\n", "#pragma once"),
    "left_over": ("src/core/a.cpp", "// TO" + "DO later\n", "finish it"),
    "a_sleep": ("tests/unit/a.cpp", "std::this_thread::sleep" + "_for(1s);\n", "signal"),
    "disabled": ("tests/unit/a.cpp", "TEST(A, DISABLED" + "_B) {}\n", "no test"),
    "silent_skip": ("tests/unit/a.cpp", "GTEST_SKIP" + "();\n", "reason"),
    "stream": ("src/io/a.cpp", "std::of" + "stream out;\n", "fsync"),
    "vague_name": ("src/io/a.cpp", "class File" + "Manager {};\n", "what it is"),
    "long": ("src/io/a.cpp", "int x;\n" * 701, "two things"),
    "cites_elsewhere": ("src/core/a.hpp", "#pragma once\n/// As in design" + " section 4.\n", "cite what is in the repository"),
    "no_labels": ("tests/unit/a/CMakeLists.txt", "deltadrop_label(b)\nadd_test(NAME b COMMAND b)\nadd_test(NAME a COMMAND a)\n", ":3: a has no labels"),
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


@pytest.mark.parametrize("cited, complaint", [
    ("unit/a_test.cpp: Door.IsClosed", ""),
    ("unit/a_test.cpp: Door.IsOpen", "tests/unit/a_test.cpp has no test Door.IsOpen"),
    ("unit/a_test.cpp: Gate.IsClosed", "has no test Gate.IsClosed"),
    ("unit/b_test.cpp", "there is no tests/unit/b_test.cpp"),
    ("e2e/a_test.py: test_a_door", ""),
    ("e2e/a_test.py: test_a_doo", "tests/e2e/a_test.py has no test test_a_doo"),
    ("e2e/a_test.py", ""),
])
def test_a_cited_test_that_is_not_there(tmp_path, cited, complaint):
    for name, text in (("tests/unit/a_test.cpp", "TEST_F(Door, IsClosed) {}\n"), ("tests/e2e/a_test.py", "def test_a_door(start):\n    pass\n"),
                       ("docs/security.md", f"# Security\n\n| 1.1 | `{cited}` |\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    result = tidy(tmp_path)
    assert result.returncode == (1 if complaint else 0), result.stdout
    if complaint:
        assert "docs/security.md:3: " in result.stdout and complaint in result.stdout


@pytest.mark.parametrize("names, index, complaint", [
    (["0001-a.md", "0003-b.md"], ["0001-a.md", "0003-b.md"], ""),
    (["0001-a.md", "0003-b.md"], ["0001-a.md"], "docs/decisions/0003-b.md:1: has 0 lines"),
    (["0001-a.md"], ["0001-a.md", "0001-a.md"], "has 2 lines"),
    (["0001-a.md"], ["0001-a.md", "0002-b.md"], "README.md:2: there is no docs/decisions/0002-b.md"),
    (["0001-a.md", "0001-b.md"], ["0001-a.md", "0001-b.md"], "another decision has the number 0001"),
    (["0001-a.md"], None, "has 0 lines"),
])
def test_a_decision_that_the_index_does_not_have(tmp_path, names, index, complaint):
    folder = tmp_path / "docs/decisions"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("# A decision\n")
    if index is not None:
        (folder / "README.md").write_text("".join(f"| [{name[:4]}]({name}) | It is so. |\n" for name in index))
    result = tidy(tmp_path)
    assert result.returncode == (1 if complaint else 0), result.stdout
    assert complaint in result.stdout


def test_a_decision_that_is_listed_under_another_number(tmp_path):
    (tmp_path / "docs/decisions").mkdir(parents=True)
    (tmp_path / "docs/decisions/0001-a.md").write_text("# A decision\n")
    (tmp_path / "docs/decisions/README.md").write_text("| [0002](0001-a.md) | It is so. |\n")
    assert "is listed as 0002" in tidy(tmp_path).stdout


@pytest.mark.parametrize("text, found", [
    ("The value stands in the catalog.", 1),
    ("The count behind the key.", 1),
    ("The server runs behind a proxy.", 0),
    ("A header is no event.", 1),
    ("There is no key. It is no longer used.", 0),
    ("The file as it came.", 1),
    ("`stands in` is code.", 0),
])
def test_a_phrase_is_an_error_in_a_revised_page_and_a_warning_elsewhere(tmp_path, text, found):
    (tmp_path / "docs").mkdir()
    for name, code in (("docs/style.md", 1), ("docs/other.md", 0)):
        (tmp_path / name).write_text(f"# Title\n\n{text}\n")
        result = tidy(tmp_path)
        assert result.returncode == (code if found else 0), result.stdout
        assert (f"{name}:3: " if code else "warning: phrases that docs/style.md replaces: 1 (docs 1)") in result.stdout or not found
        (tmp_path / name).unlink()


def test_a_comment_that_begins_with_what(tmp_path):
    (tmp_path / "src/core").mkdir(parents=True)
    (tmp_path / "src/core/a.cpp").write_text("/// What is left.\nint x;\n")
    result = tidy(tmp_path)
    assert result.returncode == 0 and "1 (src/core 1)" in result.stdout


@pytest.mark.parametrize("line, complaint", [
    ("[a](b.md#two-words)", ""),
    ("[a](b.md#no-words)", "docs/b.md has no heading #no-words"),
    ("[a](c.md)", "the link c.md leads nowhere"),
    ("[a](../docs/b.md)", ""),
    ("<img src=\"c.svg\">", "the link c.svg leads nowhere"),
    ("As docs/c.md says.", "there is no docs/c.md"),
    ("As docs/b.md says.", ""),
    ("[a](https://example.org/c.md)", ""),
])
def test_a_link_that_leads_nowhere(tmp_path, line, complaint):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/b.md").write_text("# B\n\n## Two `words`\n")
    (tmp_path / "docs/a.md").write_text(f"# A\n\n{line}\n")
    result = tidy(tmp_path)
    assert result.returncode == (1 if complaint else 0), result.stdout
    assert complaint in result.stdout


def test_the_tree_is_tidy():
    result = tidy(ROOT)
    assert result.returncode == 0, result.stdout
