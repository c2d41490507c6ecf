#!/usr/bin/env python3
"""Runs the benchmarks of suite/table.py on this machine and prints one table that compares Deltadrop with its peers.

    bench/run.py [--build BUILD] [--rows N] [--only NAME,...] [--docs]

Figures appear as they are measured (name, value, unit), the table at the end. With --docs, a complete run is also written to
docs/benchmarks.md and docs/benchmarks.svg. Exits with 0 whatever the figures are: a shared machine cannot prove a regression.
"""

import argparse
import json
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from suite import machine, plot, results, table  # noqa: E402
from suite.data import Data  # noqa: E402
from suite.servers import Servers  # noqa: E402

BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"
ROWS = 1_000_000


class Bench:
    """The context of a measurement: the programs, the files and the collected figures."""

    def __init__(self, build, rows, work, with_pandas):
        self.build, self.rows, self.work, self.with_pandas = build, rows, work, with_pandas
        self.program = build / "deltadrop"
        self.data = Data(build / "bench/gen/bench_generate", ROOT / "build/bench/data")
        self.servers = Servers(self.program, work)
        self.figures = []
        self.plots = {}

    def figure(self, name, value, unit):
        self.figures.append({"name": name, "value": value, "unit": unit})
        print(f"{name} {value:.6g} {unit}", flush=True)


def write_docs(described, lines, plots, folder):
    page = folder / "benchmarks.md"
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    taken = time.strftime("%Y-%m-%d", time.gmtime())
    listed = "\n".join(f"- {line}" for line in [f"taken on {taken}", *described])
    page.write_text(f"{before}{BEGIN}\n\n{listed}\n\n{results.as_markdown(lines)}\n{END}{after}")
    (folder / "benchmarks.svg").write_text(plot.as_svg(lines, plots))


def measure(bench, names):
    lines = []
    for name in names:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        try:
            lines += table.MEASUREMENTS[name](bench)
        except Exception as error:  # Report a failed measurement in its line and go on with the others.
            traceback.print_exc()
            lines.append(results.left_out(name, f"failed: {error}"))
        bench.figure(f"seconds.{name}", time.monotonic() - started, "s")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--only", default="", help=f"some of {','.join(table.MEASUREMENTS)}")
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--with-pandas", action="store_true")
    arguments = parser.parse_args()
    names = [name for name in arguments.only.split(",") if name] or list(table.MEASUREMENTS)
    unknown = [name for name in names if name not in table.MEASUREMENTS]
    if unknown or arguments.rows < 1000:
        parser.error(f"unknown {unknown}; the measurements are {list(table.MEASUREMENTS)}; --rows must be at least 1000")
    whole = arguments.rows == ROWS and len(names) == len(table.MEASUREMENTS)
    output = ROOT / "build/bench"
    output.mkdir(parents=True, exist_ok=True)
    described = machine.describe(ROOT, arguments.build / "deltadrop")
    print("\n".join(described), flush=True)
    with tempfile.TemporaryDirectory(dir=output) as work:
        bench = Bench(arguments.build.resolve(), arguments.rows, Path(work), arguments.with_pandas)
        with bench.servers:
            lines = measure(bench, names)
    shown = results.as_text(lines)
    print("\n" + "\n".join(described) + "\n\n" + shown)
    (output / "table.txt").write_text("\n".join(described) + "\n\n" + shown)
    (output / "figures.json").write_text(json.dumps(bench.figures, indent=1))
    (output / "benchmarks.svg").write_text(plot.as_svg(lines, bench.plots))
    if arguments.docs and whole:
        write_docs(described, lines, bench.plots, ROOT / "docs")
    elif arguments.docs:
        print("docs/benchmarks.md is unchanged: only a complete run updates it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
