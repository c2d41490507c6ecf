#!/usr/bin/env python3
"""Proves that the tests guard the program's promises: breaks one promise at a time and expects a test to fail.

    tools/mutate.py [ONLY...]         runs all mutants, or those whose name, file or tests match one of these regular expressions
    tools/mutate.py --list [ONLY...]  prints them
    tools/mutate.py --check           only checks the entries, and the citations in docs/guarantees.md; quick, and part of the tests

Only `make mutate` runs the mutants, because they take long. They are in tools/mutants/*.toml:

    [[mutant]]
    name = "archive-file-not-synced"    # unique, kebab-case
    promise = "An accepted upload survives a power failure."
    file = "src/ingest/archive.cpp"
    find = '''text that occurs exactly once in that file'''
    replace = '''the replacement; it must compile without warnings'''
    tests = "fault_ingest"              # regular expression of ctest names; one of these tests must fail
    only = "Archive.*"                  # optional, to save time: a GoogleTest filter, or pytest's -k expression

Each mutant is applied to a copy of the tree under build/mutate. The copy is built incrementally with -O1, and only the targets
that the mutant's tests need. With --jobs, several copies work at a time; the mutants of one file run in one copy. A mutant is
*killed* if one of its tests fails or exceeds its time limit (five times its duration without the mutant, plus 60 s). It
*survives* if all of its tests pass. It is an *error* if the mutant does not compile, or if its tests fail or do not run without it.
The output of each mutant is in build/mutate/logs. The exit code is 1 if a mutant survived or there was an error, 2 if an
entry is invalid.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

TEXT_KEYS = ("name", "promise", "file", "find", "replace", "tests")
OPTIONAL_KEYS = ("only",)

# The programs that a test in Python may start: see tests/e2e/deltadrop_process.py.
PROGRAMS = ("deltadrop", "deltadrop-faulty")

TEST_DECLARATION = re.compile(r"\b(deltadrop_test|deltadrop_pytest|add_test)\(\s*(?:NAME\s+)?([\w-]+)([^)]*)")
# GoogleTest passes if no test matches its filter; pytest fails.
RAN_NOTHING = re.compile(r"\b0 tests from 0 test suites ran")
TARGET_FILE = re.compile(r"\$<TARGET_FILE:([\w-]+)>")

# The page that numbers the promises, and the heading of its section that cites mutants for each.
GUARANTEES = "docs/guarantees.md"
CITATIONS = "## Which mutants its tests kill"


class InvalidEntries(Exception):
    """Its args[0] is the list of findings, one line each."""


class Broken(Exception):
    """The project itself does not build."""


@dataclass(frozen=True)
class Mutant:
    name: str
    promise: str
    file: str
    find: str
    replace: str
    tests: str
    only: str
    source: str  # the file under tools/mutants that contains it


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    verdict: str  # "killed", "survived" or "error"
    detail: str
    seconds: float = 0


def declared_tests(root):
    """Maps the name of each ctest test to the build targets that it runs, as declared in tests/**/CMakeLists.txt."""
    tests = {}
    for path in sorted((root / "tests").rglob("CMakeLists.txt")):
        text = re.sub(r"#.*", "", path.read_text())
        for command, name, arguments in TEST_DECLARATION.findall(text):
            tests[name] = {"deltadrop_test": (name,), "deltadrop_pytest": PROGRAMS,
                           "add_test": tuple(TARGET_FILE.findall(arguments))}[command]
    # deltadrop_test and deltadrop_pytest call add_test with the literal name `name`.
    return {name: targets for name, targets in tests.items() if targets and name != "name"}


def tests_of(mutant, tests):
    return [name for name in tests if re.search(mutant.tests, name)]


def entry_findings(entry, where):
    unknown = set(entry) - set(TEXT_KEYS) - set(OPTIONAL_KEYS)
    missing = [key for key in TEXT_KEYS if not isinstance(entry.get(key), str) or (not entry[key] and key != "replace")]
    return ([f"{where}: unknown key {key!r}" for key in sorted(unknown)] +
            [f"{where}: needs the text {key!r}" for key in missing])


def mutant_findings(mutant, root, tests):
    where = f"{mutant.source}: {mutant.name}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant.name):
        yield f"{where}: the name must be kebab-case"
    path = root / mutant.file
    if not path.is_file():
        yield f"{where}: there is no file {mutant.file}"
    else:
        count = path.read_text().count(mutant.find)
        if count != 1:
            yield f"{where}: its `find` occurs {count} times in {mutant.file}, instead of once; update it to the changed code"
    if mutant.find == mutant.replace:
        yield f"{where}: it changes nothing"
    try:
        if not tests_of(mutant, tests):
            yield f"{where}: no test matches {mutant.tests!r}"
    except re.error as error:
        yield f"{where}: tests: {error}"


def citation_findings(root, names):
    """Findings about the table of GUARANTEES that cites mutants: each cited name must be one of `names`, and each promise needs some."""
    path = root / GUARANTEES
    if not path.is_file():
        return
    text = path.read_text()
    table = text.partition(CITATIONS)[2].partition("\n## ")[0]
    cited = {promise: re.findall(r"`([^`]+)`", row) for promise, row in re.findall(r"^\| (\d+) \|(.*)$", table, re.MULTILINE)}
    for promise in re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE):
        if not cited.get(promise):
            yield f"{GUARANTEES}: promise {promise} has no mutant under {CITATIONS!r}"
    for promise, row in cited.items():
        for name in row:
            if name not in names:
                yield f"{GUARANTEES}: promise {promise} cites {name}, and there is no such mutant"


def read_mutants(root):
    """All mutants, in the order of the files that they change, so that the build between two of them is small."""
    mutants, findings = [], []
    tests = declared_tests(root)
    for path in sorted((root / "tools/mutants").glob("*.toml")):
        source = str(path.relative_to(root))
        try:
            entries = tomllib.loads(path.read_text()).get("mutant", [])
        except tomllib.TOMLDecodeError as error:
            findings.append(f"{source}: {error}")
            continue
        for number, entry in enumerate(entries, start=1):
            invalid = entry_findings(entry, f"{source}: entry {number}")
            findings += invalid
            if not invalid:
                mutants.append(Mutant(**{key: entry[key] for key in TEXT_KEYS}, only=entry.get("only", ""), source=source))
    for mutant in mutants:
        findings += mutant_findings(mutant, root, tests)
    for name, count in Counter(mutant.name for mutant in mutants).items():
        if count > 1:
            findings.append(f"{count} mutants have the name {name}")
    if findings:
        raise InvalidEntries(findings)
    return sorted(mutants, key=lambda mutant: (mutant.file, mutant.tests, mutant.name)), tests


def project_files(root):
    """The files that git tracks or would track; all files if there is no git."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")]
    return {name for name in names if (root / name).is_file() and Path(name).parts[0] not in ("build", ".deps")}


class TreeCopy:
    """A copy of the project for building and testing mutants. only_one() keeps other runs out."""

    def __init__(self, root, number):
        self.root = root
        self.folder = root / f"build/mutate/tree-{number}"
        self.build = self.folder / "build/release"
        self.logs = root / "build/mutate/logs"

    def refresh(self):
        """Makes the copy equal to the project. Does not touch equal files, so that they are not rebuilt."""
        (self.folder / "build").mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        names = project_files(self.root)
        for stale in self._copied() - names:
            (self.folder / stale).unlink()
        for name in names:
            source, target = self.root / name, self.folder / name
            if not target.is_file() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        # Share the installations of tools/bootstrap.sh.
        for name in (".deps", "build/venv"):
            link = self.folder / name
            if (self.root / name).exists() and not link.exists():
                link.symlink_to((self.root / name).resolve())

    def _copied(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                if path.is_file() and path.relative_to(self.folder).parts[0] not in ("build", ".deps")}

    def configure(self):
        return run(["cmake", "--preset", "release", "-DDELTADROP_TESTS=ON", "-DDELTADROP_BENCH=OFF",
                    "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG"], self.folder)

    def compile(self, targets):
        return run(["cmake", "--build", str(self.build), "--target", *targets], self.folder)

    def test(self, name, only, time_limit_s):
        environment = dict(os.environ, GTEST_FAIL_FAST="1", PYTEST_ADDOPTS="-x")
        if only:
            environment["GTEST_FILTER"] = only
            environment["PYTEST_ADDOPTS"] += f" -k '{only}'"
        return run(["ctest", "--test-dir", str(self.build), "--verbose", "-R", f"^{re.escape(name)}$"],
                   self.folder, environment, time_limit_s)

    def log(self, name, text):
        (self.logs / f"{name}.txt").write_text(text)


# Set by Ctrl-C: running commands are ended, and the files of the copies are restored.
interrupted = threading.Event()


@dataclass(frozen=True)
class Ended:
    passed: bool
    output: str
    seconds: float
    timed_out: bool = False


def run(command, folder, environment=None, time_limit_s=None):
    """Runs a command in its own process group, so that a time limit ends all processes that it started."""
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, errors="replace", start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    timed_out = False
    while True:
        try:
            output, _ = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            timed_out = time_limit_s is not None and time.monotonic() - begin > time_limit_s
        if timed_out or interrupted.is_set():
            output = end_group(process)
            break
    if interrupted.is_set():
        raise KeyboardInterrupt
    return Ended(process.returncode == 0 and not timed_out, output, time.monotonic() - begin, timed_out)


def end_group(process):
    """Sends SIGINT first, so that a test in Python can end its servers."""
    for number, wait_s in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, number)
            return process.communicate(timeout=wait_s)[0]
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            break
    return ""


def killer(name, output):
    """The test case that failed, if the output names it."""
    for pattern in (r"^(?:\d+: )?\[  FAILED  \] ([\w./]+)", r"^(?:\d+: )?(?:FAILED|ERROR) (\S+::\S+)"):
        found = re.search(pattern, output, re.MULTILINE)
        if found:
            return f"{name}: {found[1]}"
    running = re.findall(r"^(?:\d+: )?\[ RUN      \] ([\w./]+)", output, re.MULTILINE)
    return f"{name}: {running[-1]} crashed" if running else name


class Trial:
    """Runs the mutants, one after another."""

    def __init__(self, copy, tests, slack_s):
        self.copy = copy
        self.tests = tests
        self.slack_s = slack_s
        self.normal_s = {}  # {(test, only): its duration without a mutant, or None if it fails}

    def targets(self, mutant):
        return sorted({target for name in tests_of(mutant, self.tests) for target in self.tests[name]})

    def prepare(self, mutants):
        """Builds everything that the mutants need, and runs their tests once without a mutant."""
        show(f"building the targets of {len(mutants)} mutants in {self.copy.folder}")
        self.copy.refresh()
        for step, ended in (("configure", self.copy.configure()),
                            ("build", self.copy.compile(sorted({t for m in mutants for t in self.targets(m)})))):
            if not ended.passed:
                self.copy.log("without", ended.output)
                raise Broken(f"the project does not {step} without a mutant; see {self.copy.logs}/without.txt")
        wanted = sorted({(name, mutant.only) for mutant in mutants for name in tests_of(mutant, self.tests)})
        for number, (name, only) in enumerate(wanted, start=1):
            ended = self.copy.test(name, only, 1800)
            passed = ended.passed and not RAN_NOTHING.search(ended.output)
            self.normal_s[name, only] = ended.seconds if passed else None
            shown = f"{ended.seconds:.1f} s" if passed else "FAILS" if not ended.passed else "RUNS NO TEST"
            show(f"without a mutant [{number}/{len(wanted)}] {name} {only}: {shown}")
            if not passed:
                self.copy.log(f"without-{name}", ended.output)

    def outcome(self, mutant):
        names = tests_of(mutant, self.tests)
        failing = [name for name in names if self.normal_s[name, mutant.only] is None]
        if failing:
            return Outcome(mutant, "error", f"fails or runs no test without the mutant: {', '.join(failing)}")
        path = self.copy.folder / mutant.file
        original = path.read_text()
        begin = time.monotonic()
        try:
            path.write_text(original.replace(mutant.find, mutant.replace))
            verdict, detail, output = self._try(mutant, names)
        finally:
            path.write_text(original)
        self.copy.log(mutant.name, output)
        return Outcome(mutant, verdict, detail, time.monotonic() - begin)

    def _try(self, mutant, names):
        built = self.copy.compile(self.targets(mutant))
        if not built.passed:
            return "error", "it does not compile", built.output
        output = ""
        for name in sorted(names, key=lambda name: self.normal_s[name, mutant.only]):
            ended = self.copy.test(name, mutant.only, self.slack_s + 5 * self.normal_s[name, mutant.only])
            output += ended.output
            if ended.timed_out:
                return "killed", f"{name}: exceeded its time limit", output
            if not ended.passed:
                return "killed", killer(name, ended.output), output
        return "survived", f"all pass: {', '.join(names)}", output


def show(line):
    print(time.strftime("%H:%M:%S"), line, flush=True)


def shares(mutants, count):
    """Divides the mutants into `count` lists of similar length. Those of one file stay together, in order."""
    lists = [[] for _ in range(count)]
    for file, _ in Counter(mutant.file for mutant in mutants).most_common():
        min(lists, key=len).extend(mutant for mutant in mutants if mutant.file == file)
    return [share for share in lists if share]


def is_meant(mutant, only):
    return any(re.search(only, text) for text in (mutant.name, mutant.file, mutant.tests))


def report(outcomes):
    """Prints the table. Returns 0 if all mutants were killed."""
    count = Counter(outcome.verdict for outcome in outcomes)
    width = max((len(outcome.mutant.name) for outcome in outcomes), default=0)
    print()
    for outcome in sorted(outcomes, key=lambda outcome: (outcome.mutant.source, outcome.mutant.name)):
        shown = outcome.verdict if outcome.verdict == "killed" else outcome.verdict.upper()
        print(f"{outcome.mutant.name:{width}}  {shown:8}  {outcome.detail}")
    print()
    for outcome in outcomes:
        if outcome.verdict == "survived":
            print(f"SURVIVED {outcome.mutant.name}: no test guards: {outcome.mutant.promise}")
    if count["error"]:
        print(f"{count['error']} errors")
    print(f"{count['killed']} killed, {count['survived']} survived")
    return 1 if count["survived"] or count["error"] else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="run only the mutants whose name, file or tests match one of these regular expressions")
    parser.add_argument("--list", action="store_true", help="print the mutants")
    parser.add_argument("--check", action="store_true", help="only check the entries and their citations")
    parser.add_argument("--slack", type=float, default=60, metavar="SECONDS",
                        help="time that a test may take beyond five times its normal duration (default: 60)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N",
                        help="number of copies that work at a time (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="the project (default: this one)")
    return parser.parse_args()


def main():
    # A shell's background job ignores SIGINT, and its child processes would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = arguments()
    try:
        mutants, tests = read_mutants(given.root)
    except InvalidEntries as invalid:
        print("\n".join(invalid.args[0]))
        return 2
    if given.check:
        findings = list(citation_findings(given.root, {mutant.name for mutant in mutants}))
        print("\n".join(findings))
        return 2 if findings else 0
    mutants = [mutant for mutant in mutants if not given.only or any(is_meant(mutant, only) for only in given.only)]
    if given.list:
        for mutant in mutants:
            print(f"{mutant.name}  ({mutant.file}; {mutant.tests} {mutant.only})\n    {mutant.promise}")
        return 0
    if not mutants:
        sys.exit("no mutant matches")
    with only_one(given.root):
        try:
            return run_all(given, mutants, tests)
        except Broken as broken:
            sys.exit(str(broken))


@contextlib.contextmanager
def only_one(root):
    folder = root / "build/mutate"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another mutate.py works in {folder}")
        yield


def run_all(given, mutants, tests):
    outcomes, lock, begin = [], threading.Lock(), time.monotonic()

    def run_share(number, share):
        trial = Trial(TreeCopy(given.root, number), tests, given.slack)
        trial.prepare(share)
        for mutant in share:
            outcome = trial.outcome(mutant)
            with lock:
                outcomes.append(outcome)
                left_s = (time.monotonic() - begin) / len(outcomes) * (len(mutants) - len(outcomes))
                shown = outcome.verdict if outcome.verdict == "killed" else outcome.verdict.upper()
                show(f"[{len(outcomes)}/{len(mutants)}] {mutant.name}: {shown} in {outcome.seconds:.0f} s "
                     f"({outcome.detail}); about {left_s / 60:.0f} min left")

    with ThreadPoolExecutor(given.jobs) as pool:
        running = [pool.submit(run_share, number, share)
                   for number, share in enumerate(shares(mutants, given.jobs), start=1)]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            interrupted.set()
            raise
    return report(outcomes)


if __name__ == "__main__":
    sys.exit(main())
