"""Schemathesis, with all its checks, compares the running server with docs/openapi.yaml."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/so-financials"


def test_the_server_answers_as_its_description_says(server, tmp_path):
    for version in ("v1.csv", "v2.csv", "v3.csv", "v4.csv"):
        server.upload_ok((EXAMPLES / version).read_bytes())
    held = server.upload((EXAMPLES / "v1.csv").read_bytes(), dry_run="true")
    assert held.status_code == 202, held.text
    run = run_schemathesis(server.url, tmp_path)
    assert run.returncode == 0, reason_of(run, server)
    assert server.get("/health")["status"] == "UP"


def test_a_failed_run_says_why(server, tmp_path):
    """Exit code 1 also means errors that are not listed as failures: a closed connection, a timeout."""
    server.kill()
    run = run_schemathesis(server.url, tmp_path, "--include-path", "/health/live")
    assert run.returncode == 1
    assert "FAILURES" not in run.stdout
    reason = reason_of(run, server)
    assert "ERRORS" in reason and "Connection refused" in reason
    assert "exit code -9" in reason


def run_schemathesis(url, folder, *more):
    # Use one worker: with two, hypothesis' own cache fails now and then. Use a new folder: Schemathesis would first try the failed
    # examples and crashed operations that an earlier run left in the folder.
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "schemathesis.toml"), "run",
               str(ROOT / "docs/openapi.yaml"), "--url", url, "--max-examples", "25", "--workers", "1", "--no-color",
               "--continue-on-failure", "--request-timeout", "60", "--suppress-health-check", "too_slow", *more]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": str(Path(__file__).parent), "DELTADROP_URL": url}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=480, env=environment)


def reason_of(run, server):
    """All information about a failed run."""
    return (f"schemathesis ended with {run.returncode}\n--- its output\n{run.stdout}\n--- its errors\n{run.stderr}\n"
            f"--- the server, exit code {server.process.poll()}, logged last\n{server.log_path.read_text()[-20_000:]}")
