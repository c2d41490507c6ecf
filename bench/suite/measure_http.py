"""Measures the requests per second of `deltadrop dev`, with the client on the same machine."""

import tempfile

from .measure_upload import ROUNDS, SMALL_CLIENTS, small_requests
from .results import median, without_goal
from .servers import Program

REQUESTS_PER_MILLION = 10_000
VERSIONS = 3


def http_lines(bench):
    rows = max(1000, bench.rows // 100)
    requests = max(SMALL_CLIENTS, REQUESTS_PER_MILLION * bench.rows // 1_000_000)
    versions = [bench.data.file(rows, revision=revision) for revision in range(VERSIONS)]
    with tempfile.TemporaryDirectory(dir=bench.work) as folder, Program(bench.program, "dev", folder, {}) as server:
        for path in versions:
            server.wait(server.upload(path, "ledger")[1]["upload_id"], "in_lake")
        key = changed_key(versions)
        history = f"/api/v1/tables/ledger/financials/records/{key}/history"
        return [_line(bench, server, "health", "GET /health", "/health", requests),
                _line(bench, server, "key_history", "GET records/{key}/history", history, requests,
                      f"a key of {rows:,} rows, restated once")]


def changed_key(versions):
    """The key of the first row that differs in the second version."""
    with open(versions[0]) as old, open(versions[1]) as new:
        return next(before for before, after in zip(old, new) if before != after).split(",")[0]


def _line(bench, server, name, work, path, requests, note=""):
    rates, slowest = [], []
    for _ in range(ROUNDS):
        figures = small_requests(bench, server, "--get", path, "--requests", requests)
        rates.append(figures["get_rate"][0])
        slowest.append(figures["get_p99"][0])
        bench.figure(f"http.{name}.rate", rates[-1], "1/s")
        bench.figure(f"http.{name}.p99", slowest[-1], "ms")
    return without_goal(f"{work}, {SMALL_CLIENTS} clients", f"{median(rates):,.0f} /s, p99 {median(slowest):.2f} ms", note=note)
