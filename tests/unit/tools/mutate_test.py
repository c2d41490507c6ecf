"""tools/mutate.py tells killed mutants from those that survive, and finds entries that have rotted."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MUTATE = ROOT / "tools/mutate.py"

# A project of one function and one test program, which squares 3.
PROJECT = {
    "CMakePresets.json": """{"version": 6,
        "configurePresets": [{"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}],
        "buildPresets": [{"name": "release", "configurePreset": "release"}]}""",
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
        project(sample LANGUAGES CXX)
        enable_testing()
        add_subdirectory(tests)""",
    "src/square.hpp": "inline int square(int x) {\n  int unused = 0;\n  return x * x + unused;\n}\n",
    "tests/CMakeLists.txt": """add_executable(unit_square square_test.cpp)
        add_test(NAME unit_square COMMAND $<TARGET_FILE:unit_square>)
        add_test(NAME unit_fails COMMAND $<TARGET_FILE:unit_square> fail)
        add_test(NAME unit_empty COMMAND sh -c "$<TARGET_FILE:unit_square> && echo 0 tests from 0 test suites ran")""",
    "tests/square_test.cpp": """#include "../src/square.hpp"
        int main(int count, char**) { return square(3) == 9 && count == 1 ? 0 : 1; }""",
}


def entry(name, find, replace, tests="unit_square"):
    return (f"[[mutant]]\nname = '{name}'\npromise = 'The square is right.'\nfile = 'src/square.hpp'\n"
            f"find = '''{find}'''\nreplace = '''{replace}'''\ntests = '{tests}'\n")


@pytest.fixture
def project(tmp_path):
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tools/mutants").mkdir(parents=True)
    return tmp_path


def mutate(project, *arguments):
    return subprocess.run([sys.executable, str(MUTATE), "--root", str(project), *arguments], capture_output=True, text=True)


def write(project, *entries):
    (project / "tools/mutants/sample.toml").write_text("".join(entries))


def test_killed(project):
    write(project, entry("sum", "x * x", "x + x"))
    result = mutate(project)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "1 killed, 0 survived"
    # The project itself was never touched.
    assert (project / "src/square.hpp").read_text() == PROJECT["src/square.hpp"]


def test_survivors_and_errors(project):
    write(project, entry("sum", "x * x", "x + x"), entry("zero", "= 0", "= 1 - 1"), entry("broken", "int x", "it x"),
          entry("already-red", "return", "return 1 +", "unit_fails"), entry("filtered-out", "x * x", "x - x", "unit_empty"))
    result = mutate(project)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-2:] == ["3 errors", "1 killed, 1 survived"]
    assert "SURVIVED zero: no test guards: The square is right." in result.stdout
    table = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if line[:4] in ("sum ", "zero", "brok", "alre", "filt"))
    assert "does not compile" in table["broken"]
    assert "without the mutant" in table["already-red"] and "runs no test" in table["filtered-out"]
    assert table["sum"].startswith("killed")


def test_two_copies_at_a_time(project):
    (project / "src/cube.hpp").write_text('#include "square.hpp"\ninline int cube(int x) { return square(x) * x; }\n')
    (project / "tests/square_test.cpp").write_text("""#include "../src/cube.hpp"
        int main() { return square(3) == 9 && cube(2) == 8 ? 0 : 1; }""")
    write(project, entry("sum", "x * x", "x + x"),
          entry("square", "square(x) * x", "square(x)").replace("square.hpp", "cube.hpp"))
    result = mutate(project, "--jobs", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "2 killed, 0 survived"
    for copy, mutants in ((1, "sum"), (2, "square")):
        assert (project / f"build/mutate/tree-{copy}/build/release/build.ninja").is_file(), mutants
        assert (project / f"build/mutate/tree-{copy}/src/square.hpp").read_text() == PROJECT["src/square.hpp"]


def test_ctrl_c_ends_what_runs(project):
    write(project, entry("endless", "int unused = 0;", "volatile int unused = 0; while (unused == 0) {}"))
    with subprocess.Popen([sys.executable, str(MUTATE), "--root", str(project)], stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if "without a mutant" in line:
                break
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) != 0
    assert (project / "build/mutate/tree-1/src/square.hpp").read_text() == PROJECT["src/square.hpp"]


def test_a_mutant_that_hangs_is_killed(project):
    write(project, entry("endless", "int unused = 0;", "volatile int unused = 0; while (unused == 0) {}"))
    result = mutate(project, "--slack", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "exceeded its time limit" in result.stdout


def test_runs_what_is_named(project):
    write(project, entry("sum", "x * x", "x + x"), entry("zero", "= 0", "= 1 - 1"))
    assert mutate(project, "su.").stdout.splitlines()[-1] == "1 killed, 0 survived"
    assert "zero" in mutate(project, "--list").stdout


@pytest.mark.parametrize("entries, finding", [
    ([entry("sum", "x * y", "x")], "occurs 0 times"),
    ([entry("sum", "x", "y")], "occurs 3 times"),
    ([entry("sum", "x * x", "x * x")], "changes nothing"),
    ([entry("sum", "x * x", "x", "unit_cube")], "no test matches"),
    ([entry("Sum_1", "x * x", "x")], "kebab-case"),
    ([entry("sum", "x * x", "x"), entry("sum", "int x", "long x")], "2 mutants have the name sum"),
    (["[[mutant]]\nname = 'sum'\nexpect = 1\n"], "unknown key 'expect'"),
])
def test_invalid_entries(project, entries, finding):
    write(project, *entries)
    result = mutate(project, "--check")
    assert result.returncode == 2
    assert finding in result.stdout


@pytest.mark.parametrize("rows, finding", [
    ("| 1 | `sum` |\n| 2 | `sum`, `zero` |\n", ""),
    ("| 1 | `sum` |\n| 2 | `nought` |\n", "promise 2 cites nought, and there is no such mutant"),
    ("| 1 | `sum` |\n", "promise 2 has no mutant"),
    ("| 1 | `sum` |\n| 2 | none |\n", "promise 2 has no mutant"),
])
def test_cited_mutants_exist(project, rows, finding):
    write(project, entry("sum", "x * x", "x + x"), entry("zero", "= 0", "= 1 - 1"))
    (project / "docs").mkdir()
    (project / "docs/guarantees.md").write_text(
        "# Promises\n\n1. **A.** See `square`.\n2. **B.**\n\n| promise | test |\n|---|---|\n| 1 | `unit_square` |\n\n"
        f"## Which mutants its tests kill\n\n| promise | mutants |\n|---|---|\n{rows}\n## Other\n\n| 1 | `other` |\n")
    result = mutate(project, "--check")
    assert result.returncode == (2 if finding else 0), result.stdout + result.stderr
    assert finding in result.stdout


def test_the_entries_of_this_project_are_valid():
    result = mutate(ROOT, "--check")
    assert result.returncode == 0, result.stdout
