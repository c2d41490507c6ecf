"""Runs Prometheus' own tool on our rules and metrics."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def promtool(*arguments, text=None):
    """Returns promtool's output. promtool must succeed."""
    ours = ROOT / ".deps/promtool/promtool"
    program = str(ours) if ours.exists() else shutil.which("promtool")
    assert program, "promtool is missing: run tools/bootstrap.sh test"
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
