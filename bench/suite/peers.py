"""Programs that find the same counts between two files as `deltadrop diff --summary --format json`."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .processes import timed

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "bench/peers"
CSV_DIFF = ROOT / "build/bench/csv_diff"
COUNTS = ("inserted", "updated", "deleted")

# Known peers that do not run here, with the printed reason.
NOT_RUN = {
    "Go csvdiff": "the Go module proxy does not have the module (elsewhere it took 3.3 s and more)",
    "qsv": "minutes to build; it uses the csv-diff crate",
}


@dataclass(frozen=True)
class Peer:
    name: str
    command: tuple
    # The reason why it cannot run here, or empty.
    missing: str = ""
    good_codes: tuple = (0,)

    def run(self, old, new):
        """Returns (seconds, counts)."""
        seconds, output = timed([*self.command, old, new], self.good_codes)
        found = json.loads(output.strip().splitlines()[-1])
        return seconds, {name: found[name] for name in COUNTS}


def deltadrop(program):
    there = "--summary" in timed([program, "diff", "--help"])[1]
    return Peer("deltadrop", (program, "diff", "--summary", "--format", "json"),
                "" if there else "this build has no `deltadrop diff --summary`", good_codes=(0, 1))


def csv_diff():
    program, reason = CSV_DIFF / "release/csv-diff-peer", CSV_DIFF / "reason"
    missing = "" if program.exists() else reason.read_text().strip() if reason.exists() else "tools/bootstrap.sh bench builds it"
    return Peer("csv-diff crate", (program,), missing)


def python_peer(name, module, python=sys.executable):
    there = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    return Peer(name, (python, PEERS / f"{module}_diff.py"), "" if there else f"the Python package {module} is not installed")


def all_peers(with_pandas=False):
    peers = [csv_diff(), python_peer("DuckDB", "duckdb"), python_peer("polars", "polars")]
    return peers + [python_peer("pandas", "pandas")] if with_pandas else peers
