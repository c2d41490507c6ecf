#!/usr/bin/env python3
"""Checks the house rules that a compiler cannot check: which module may use which, where a library's header may be
included, which tests the documents cite, the labels of tests, the index of decisions, and forbidden text. Prints one line
per finding and exits with 1 if there is any.

    tools/tidy.py [FOLDER]      checks the checkout at FOLDER (default: this one)
    tools/tidy.py --diagram     writes the diagram of the modules into docs/architecture.md
    tools/tidy.py --prose PATH  lists the phrases under PATH, e.g. src/history, that docs/style.md replaces
"""

import re
import subprocess
import sys
from pathlib import Path

import prose

# Each module of src/, in the order of the data flow, with the modules that it may use. Its sources may include only their
# headers, and its CMakeLists.txt lists them under USES. docs/architecture.md shows this list as a diagram.
MAY_USE = {
    "core": "",
    "io": "core",
    "sqlite": "core io",
    "csv": "core io",
    "xlsx": "core io",
    "diff": "core csv",
    "eventlog": "core io sqlite",
    "ingest": "core io sqlite csv xlsx diff eventlog",
    "history": "core io sqlite eventlog",
    "lake": "core io history",
    "consume": "core io eventlog history",
    "http": "core io",
    "access": "core io http",
    "status": "core io eventlog ingest history consume http",
    "api": "core io csv ingest history lake consume http access status",
    "app": "core io eventlog ingest history lake consume http access status api",
    "cli": "core io csv xlsx diff ingest history lake consume http access app",
}
MAY_USE = {module: used.split() for module, used in MAY_USE.items()}

# These modules wire the others together, so they may include another module's adapter.
WIRING = {"api", "app", "cli"}

# Headers of adapters: <module>/<adapter>_<port>.hpp.
ADAPTER_HEADER = re.compile(r"^(eventlog|history)/(sqlite|memory|kafka|postgres)_\w+\.hpp$")

# Maps a library's header to the sources that may include it.
VENDORS = [
    (re.compile(r"^sqlite3\.h$"), re.compile(r"^src/sqlite/\w+\.cpp$")),
    (re.compile(r"^(arrow|parquet)/"), re.compile(r"^src/lake/parquet_\w+\.[ch]pp$")),
    (re.compile(r"^boost/(beast|asio)[/.]"), re.compile(r"^src/http/(server|connection)\w*\.[ch]pp$")),
    (re.compile(r"^librdkafka/"), re.compile(r"^src/eventlog/kafka_\w+\.cpp$")),
    (re.compile(r"^libpq-fe\.h$"), re.compile(r"^src/history/postgres_\w+\.cpp$")),
    (re.compile(r"^prometheus/"), re.compile(r"^src/status/metrics_prometheus\.cpp$")),
    (re.compile(r"^expat\.h$"), re.compile(r"^src/xlsx/expat_\w+\.cpp$")),
    (re.compile(r"^minizip/"), re.compile(r"^src/xlsx/minizip_\w+\.cpp$")),
    (re.compile(r"^curl/"), re.compile(r"^src/cli/http_client\.cpp$")),
    (re.compile(r"^utf8proc\.h$"), re.compile(r"^src/csv/key_form\.cpp$")),
    (re.compile(r"^absl/"), re.compile(r"^src/io/time_zone\.cpp$")),
    (re.compile(r"^(openssl|zlib|zstd)\b"), re.compile(r"^src/\w+/\w+\.cpp$")),
]

LINES_MAX = 700

# Forbidden text in code, the message for it, and optionally the files that the rule is limited to.
FORBIDDEN = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "finish it, or open an issue", None),
    (re.compile(r"\bsleep_for\b|\bsleep_until\b|\btime\.sleep\b|\busleep\("), "wait on a signal, not on the clock", None),
    (re.compile(r"\bDISABLED_\w"), "a disabled test counts as no test", None),
    (re.compile(r"\bGTEST_SKIP\(\)\s*;"), "a skip must print its reason", None),
    (re.compile(r"std::[oi]?fstream\b"), "a stream can neither fsync nor say why it failed: use io/file.hpp", r"^src/"),
    (re.compile(r"\b(class|struct)\s+\w*(Impl|Manager|Helper|Utils)\b"), "name it for what it is", None),
    (re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|home)/"), "a path of one machine", None),
    (re.compile(r"\b(the brief\b|design section\b)"), "cite what is in the repository", None),
]

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def tracked_files(root):
    """The files that git tracks or would track; all files if there is no git."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    return sorted(name for name in names if (root / name).is_file())


def module_of(name):
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_include(name, included):
    """The reason why this file may not include that header, or None."""
    module = module_of(name)
    target = included.split("/")[0]
    if module in MAY_USE and target in MAY_USE and target != module and "/" in included:
        if target not in MAY_USE[module]:
            return f"module {module} may not use {target}"
        if ADAPTER_HEADER.match(included) and module not in WIRING and Path(included).stem.split("_")[0] not in Path(name).stem:
            return f"{included} is an adapter: use its port"
    if name.startswith("src/"):
        for header, where in VENDORS:
            if header.match(included) and not where.match(name):
                return f"{included} may be included by {where.pattern} only"
    return None


def check_source(name, text):
    findings = []
    lines = text.splitlines()
    if name.endswith(".hpp") and "#pragma once" not in lines[:5]:
        findings.append((1, "a header must start with #pragma once"))
    if len(lines) > LINES_MAX:
        findings.append((len(lines), f"over {LINES_MAX} lines: does this hold two things?"))
    for number, line in enumerate(lines, 1):
        included = INCLUDE.match(line)
        if included:
            complaint = check_include(name, included.group(1))
            if complaint:
                findings.append((number, complaint))
        for pattern, reason, only in FORBIDDEN:
            if pattern.search(line) and (only is None or re.match(only, name)):
                findings.append((number, f'"{pattern.search(line).group(0).strip()}": {reason}'))
    return findings


def check_links(root, files):
    """Checks that each module's CMakeLists.txt links exactly the modules that it may use."""
    findings = []
    for module, allowed in MAY_USE.items():
        name = f"src/{module}/CMakeLists.txt"
        if name not in files:
            continue
        text = (root / name).read_text()
        declared = re.search(r"\bUSES\s+([a-z\s]+)", text)
        used = declared[1].split() if declared else []
        used += re.findall(r"\bdeltadrop_(\w+)\b", re.sub(r"deltadrop_(room|faults_\w+)|\bdeltadrop_%s\b|DELTADROP_\w+" % module, "", text))
        findings += [(name, 1, f"module {module} may not link {other}") for other in used if other in MAY_USE and other not in allowed]
        findings += [(name, 1, f"USES lacks {other}") for other in allowed if other not in used]
    return findings


DIAGRAM_PAGE = "docs/architecture.md"
DIAGRAM = re.compile(r"(<!-- tools/tidy.py --diagram -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def diagram():
    """MAY_USE as a diagram. Leaves out implied arrows: a module that uses history also uses core."""
    def reaches(module):
        return set(MAY_USE[module]).union(*(reaches(used) for used in MAY_USE[module]))

    lines = ["```mermaid", "flowchart BT"]
    for module, used in MAY_USE.items():
        needed = [each for each in used if not any(each in reaches(other) for other in used if other != each)]
        lines += [f"  {module} --> {each}" for each in needed]
    return "\n".join([*lines, "```", ""])


def check_diagram(root, files):
    if DIAGRAM_PAGE not in files:
        return []
    found = DIAGRAM.search((root / DIAGRAM_PAGE).read_text())
    if found and found[2] == diagram():
        return []
    return [(DIAGRAM_PAGE, 1, "the diagram of the modules is not that of MAY_USE: run tools/tidy.py --diagram")]


def write_diagram(root):
    page = root / DIAGRAM_PAGE
    page.write_text(DIAGRAM.sub(lambda found: found[1] + diagram() + found[3], page.read_text()))


def check_dependencies(root, files):
    """Checks that docs/dependencies.md has a line for each library that CMake requires."""
    reasons_file = root / "docs/dependencies.md"
    if "cmake/Dependencies.cmake" not in files or not reasons_file.is_file():
        return []
    reasons = reasons_file.read_text().lower()
    cmake = (root / "cmake/Dependencies.cmake").read_text()
    asked = re.findall(r"find_package\((\w+)", cmake) + re.findall(r"pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET (?:lib)?([\w-]+)", cmake)
    return [
        ("docs/dependencies.md", 1, f"no line for {library}")
        for library in asked
        if library not in ("PkgConfig", "Threads") and library.lower() not in reasons
    ]


# Matches `unit/http/keys_test.cpp: Gates.KnowRoles` or `e2e/keys_test.py: test_x`, with or without the test.
CITED_TEST = re.compile(r"`(?:tests/)?((?:unit|contract|property|fault|e2e|fuzz)/[\w/]+\.(?:cpp|py))(?:: ([\w.]+))?`")


def has_test(text, test):
    if "." not in test:
        return re.search(rf"^def {test}\(", text, re.MULTILINE)
    suite, name = test.split(".", 1)
    return re.search(rf"\bTEST(?:_F|_P)?\(\s*{suite},\s*{name}\s*\)", text)


def check_cited_tests(root, files):
    """Checks that each test that a page of docs/ cites exists."""
    findings = []
    for page in files:
        if not re.fullmatch(r"docs/[\w-]+\.md", page):
            continue
        for number, line in enumerate((root / page).read_text().splitlines(), 1):
            for name, test in CITED_TEST.findall(line):
                file = root / "tests" / name
                if not file.is_file():
                    findings.append((page, number, f"there is no tests/{name}"))
                elif test and not has_test(file.read_text(), test):
                    findings.append((page, number, f"tests/{name} has no test {test}"))
    return findings


def check_labels(root, files):
    """Checks that each test of tests/ has labels. deltadrop_test and deltadrop_pytest set them for their tests."""
    findings = []
    for name in files:
        if re.fullmatch(r"tests/.+/CMakeLists\.txt", name):
            text = (root / name).read_text()
            labelled = set(re.findall(r"\bdeltadrop_label\(([\w-]+)", text))
            for test in re.finditer(r"\badd_test\(NAME ([\w-]+)", text):
                if test[1] not in labelled:
                    findings.append((name, text.count("\n", 0, test.start()) + 1, f"{test[1]} has no labels: call deltadrop_label"))
    return findings


DECISION = re.compile(r"docs/decisions/(\d{4})-[\w-]+\.md")


def check_decisions(root, files):
    """Checks that each decision has a unique number and exactly one line in docs/decisions/README.md, and that each line has a page."""
    index = "docs/decisions/README.md"
    decisions = {name: DECISION.fullmatch(name)[1] for name in files if DECISION.fullmatch(name)}
    if not decisions and index not in files:
        return []
    lines = (root / index).read_text().splitlines() if index in files else []
    indexed = [(number, f"docs/decisions/{page}", line) for line, text in enumerate(lines, 1)
               for number, page in re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \|", text)]
    listed = [page for _, page, _ in indexed]
    findings = [(index, line, f"there is no {page}") for _, page, line in indexed if page not in decisions]
    findings += [(index, line, f"{page} is listed as {number}") for number, page, line in indexed if decisions.get(page, number) != number]
    findings += [(name, 1, f"has {listed.count(name)} lines in {index}, not one") for name in decisions if listed.count(name) != 1]
    numbers = list(decisions.values())
    return findings + [(name, 1, f"another decision has the number {number}") for name, number in decisions.items() if numbers.count(number) > 1]


def check_tree(root):
    files = tracked_files(root)
    findings = []
    for name in files:
        if re.search(r"\.(cpp|hpp|py|sh|cmake)$|CMakeLists\.txt$|Makefile$", name) and not name.startswith("tools/tidy"):
            text = (root / name).read_text(errors="replace")
            findings += [(name, line, complaint) for line, complaint in check_source(name, text)]
    checks = (check_links, check_diagram, check_dependencies, check_cited_tests, check_labels, check_decisions, prose.check_page_links)
    return findings + [finding for check in checks for finding in check(root, files)]


def list_prose(root, under):
    for name in tracked_files(root):
        if name == under or name.startswith(under.rstrip("/") + "/"):
            for line, complaint in prose.phrases(name, (root / name).read_text(errors="replace")):
                print(f"{name}:{line}: {complaint}")


def main():
    if sys.argv[1:] == ["--diagram"]:
        write_diagram(Path(__file__).resolve().parent.parent)
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == "--prose":
        list_prose(Path(__file__).resolve().parent.parent, sys.argv[2])
        return 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    wrong_phrases, warnings = prose.check_prose(root, tracked_files(root))
    findings = check_tree(root) + wrong_phrases
    for name, line, complaint in findings:
        print(f"{name}:{line}: {complaint}")
    if warnings:
        counts = ", ".join(f"{directory} {count}" for directory, count in sorted(warnings.items()))
        print(f"warning: phrases that docs/style.md replaces: {sum(warnings.values())} ({counts}); tools/tidy.py --prose PATH lists them")
    if not findings:
        print("the tree is tidy")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
