"""Measures costs that must not grow with use: each step of an upload and each GET endpoint, with N and with 10 N stored uploads."""

import http.client
import json
import re
import tempfile
import time
from dataclasses import dataclass
from urllib.parse import quote

from .results import Line, at_most, left_out, median
from .servers import BOUNDARY, Program

UPLOADS_PER_MILLION = 300
TIMES = 10
ROUNDS = 5
# A page of a list takes a few milliseconds, and the noise of a shared machine must not look like growth.
GOAL = 3
NOTHING_S = 0.005
KEYS = 200
# Requests whose cost grows with the rows that they read: docs/decisions/0032-costs-that-grow.md.
GROWS = {
    "versions/1..last/diff": "the two versions differ in all changes in between",
    "records of version 2": "rows of a key are read from the first one on",
    "history of a key": "a page sorts all changes of the key",
}


@dataclass
class Filled:
    """A server with a number of uploads of one table, and as many tables with one upload."""

    server: Program
    uploads: int
    last_id: str = ""
    rare_id: str = ""


def growth_lines(bench):
    small = max(20, UPLOADS_PER_MILLION * bench.rows // 1_000_000)
    lines = []
    with tempfile.TemporaryDirectory(dir=bench.work) as folder, Program(bench.program, "dev", folder, {}) as server:
        lines += _lines(bench, "embedded", server, server, small)
    try:
        with bench.servers.pipeline() as pipeline:
            consumer = pipeline.start("consume")
            lines += _lines(bench, "PostgreSQL", pipeline.start("serve"), consumer, small)
    except Exception as error:  # Some machines have neither; the embedded part is still measured.
        lines.append(left_out("growth with use, PostgreSQL", f"no broker or database: {error}"))
    return lines


def _lines(bench, name, server, consumer, small):
    """Measures one server twice, after each of its two fillings."""
    filled = Filled(server, 0)
    taken = []
    for uploads in (small, TIMES * small):
        _fill(filled, uploads)
        taken.append(_figures(filled, consumer))
    lines = []
    for what, before in taken[0].items():
        after = taken[1][what]
        bench.figure(f"growth.{name}.{what}", after, "s")
        work = f"{name}, {TIMES}x: {what}"
        if what in GROWS:
            lines.append(Line(work, f"{after * 1e3:.1f} ms", f"{before * 1e3:.1f} ms", f"{after / before:.2f} x", note=GROWS[what]))
            continue
        ratio = max(after, NOTHING_S) / max(before, NOTHING_S)
        lines.append(at_most(work, f"{after * 1e3:.1f} ms with {TIMES * small:,} uploads", f"{before * 1e3:.1f} ms with {small:,}",
                             ratio, GOAL, note=f"times up to {NOTHING_S * 1e3:.0f} ms count as {NOTHING_S * 1e3:.0f}"))
    return lines


def _content(number):
    """A version of KEYS rows, one tenth of which are updated. One version in 97 deletes a row, and the next inserts it again."""
    rows = [f"k{key:04},{number if key % 10 == number % 10 else 0}" for key in range(KEYS) if not (number % 97 == 13 and key == 7)]
    return "key,value\n" + "\n".join(rows) + "\n"


def _fill(filled, uploads):
    for number in range(filled.uploads, uploads):
        answer = _upload(filled.server, "growth", _content(number))
        filled.last_id = answer["upload_id"]
        if answer["deleted"]:
            filled.rare_id = answer["upload_id"]
        _upload(filled.server, f"one-{number}", "key,value\na,1\n")
    filled.uploads = uploads
    filled.server.wait(filled.last_id, "in_lake")


def _figures(filled, consumer):
    figures = _steps(filled, consumer)
    for what, path in _endpoints(filled).items():
        figures[what] = median([_get(filled.server, path)[0] for _ in range(ROUNDS)])
    return figures


def _steps(filled, consumer):
    """Seconds from an upload until it is answered, applied and in the lake, and seconds of the consumer's steps."""
    answered, applied, in_lake = [], [], []
    before = _step_seconds(consumer)
    for turn in range(ROUNDS):
        started = time.perf_counter()
        answer = _upload(filled.server, "growth", _content(filled.uploads + 1_000 + turn))
        answered.append(time.perf_counter() - started)
        filled.server.wait(answer["upload_id"], "applied")
        applied.append(time.perf_counter() - started)
        filled.server.wait(answer["upload_id"], "in_lake")
        in_lake.append(time.perf_counter() - started)
        filled.last_id = answer["upload_id"]
    after = _step_seconds(consumer)
    figures = {"upload, answered": median(answered), "upload, applied": median(applied), "upload, in the lake": median(in_lake)}
    for step, seconds in after.items():
        figures[f"step {step}"] = (seconds - before.get(step, 0)) / ROUNDS
    return figures


def _step_seconds(server):
    """{step: total seconds}, from /metrics."""
    text = _get(server, "/metrics")[1].decode()
    return {step: float(seconds) for step, seconds in re.findall(r'^deltadrop_step_seconds_sum{[^}]*step="(\w+)"[^}]*} (\S+)$', text, re.M)}


def _endpoints(filled):
    table = "/api/v1/tables/growth/growth"
    key = quote("k0001")
    last = filled.uploads
    return {
        "health": "/health", "health/ready": "/health/ready", "metrics": "/metrics", "openapi.json": "/openapi.json",
        "uploads": "/api/v1/uploads?limit=100", "uploads of a table": "/api/v1/uploads?company=one-3&table=growth&limit=100",
        "uploads held": "/api/v1/uploads?state=held&limit=100", "uploads discarded": "/api/v1/uploads?state=discarded&limit=100",
        "upload": f"/api/v1/uploads/{filled.last_id}", "changes": f"/api/v1/uploads/{filled.last_id}/changes?limit=100",
        "tables": "/api/v1/tables?limit=100", "table": table, "versions": f"{table}/versions?limit=100",
        "version's file": f"{table}/versions/{last // 2}/file", "versions/n..n+1/diff": f"{table}/versions/{last // 2}..{last // 2 + 1}/diff?limit=100",
        "versions/1..last/diff": f"{table}/versions/1..{last}/diff?limit=100",
        "records": f"{table}/records?limit=100", "records of version 2": f"{table}/records?version=2&limit=100",
        "events": "/api/v1/events?limit=100", "events of a company": "/api/v1/events?company=one-3&limit=100",
        "events of a type": "/api/v1/events?type=delete&limit=10",
        "events of a company and a type": "/api/v1/events?company=growth&type=delete&limit=2",
        "events of a table and a type that it lacks": "/api/v1/events?company=one-3&table=growth&type=delete&limit=100",
        "events of an upload": f"/api/v1/events?upload={filled.last_id}&limit=100",
        "events of a key of one table": "/api/v1/events?company=one-3&table=growth&key=a&limit=100",
        "history of a key": f"{table}/records/{key}/history?limit=10", "dead-letters": "/api/v1/dead-letters?limit=100",
    }


def _upload(server, company, content):
    body = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{company}.csv"\r\n\r\n{content}\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="table_name"\r\n\r\ngrowth\r\n--{BOUNDARY}--\r\n').encode()
    answer = _ask(server, "POST", "/upload", body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    return json.loads(answer)


def _get(server, path):
    started = time.perf_counter()
    body = _ask(server, "GET", path, None, {})
    return time.perf_counter() - started, body


def _ask(server, method, path, body, headers):
    connection = http.client.HTTPConnection(server.address, timeout=120)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status not in (200, 202):
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:500]!r}")
        return answer
    finally:
        connection.close()
