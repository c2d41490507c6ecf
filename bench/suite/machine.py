"""Describes the machine and the versions of the programs."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "absent"
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.stdout or done.stderr else "unknown"


def package(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def describe(root, program):
    """Returns lines of text."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1))
    kafka = next(iter(sorted((root / ".deps").glob("kafka-*"))), None)
    lock = (root / "bench/peers/csv_diff/Cargo.lock").read_text()
    crate = re.search(r'name = "csv-diff"\nversion = "([^"]+)"', lock).group(1)
    return [
        f"{model.group(1) if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores, {memory >> 20} GiB, "
        f"Linux {platform.release()}",
        f"{first_line(str(program), 'version')}, commit {first_line('git', '-C', str(root), 'describe', '--always', '--dirty')}",
        f"csv-diff crate {crate} ({first_line('rustc', '--version')}), DuckDB {package('duckdb')}, polars {package('polars')}, "
        f"pandas {package('pandas')}, Python {platform.python_version()}",
        f"{first_line('/usr/lib/postgresql/15/bin/postgres', '--version')} with fsync, "
        f"{kafka.name if kafka else 'no Kafka'} (one node, 512 MB heap), {first_line('sha256sum', '--version')}",
    ]
