"""Compares serve and consume, with a real Kafka and a real PostgreSQL, with plain SQL and the usual Python way."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg2

from .figures import parse_figures
from .processes import timed
from .results import at_least, at_most, growth, median, percentile

ROUNDS = 3
USUAL_WAY = Path(__file__).resolve().parents[1] / "baseline/usual_way.py"
USUAL_ROWS, USUAL_EVENTS = 10_000, 500
COMPANY = "so-financials"
# Polling each millisecond is less than a hundredth of the goal, and leaves the processors to the measured programs.
POLL_S = 0.001
SAMPLES = 100


def pipeline_lines(bench):
    """Inserts, from the upload to the database and from the log to the database, compared with plain SQL."""
    small, large = bench.rows // 10, bench.rows
    times = {}
    for rows, rounds in ((small, ROUNDS), (large, 1)):
        runs = [_round(bench, rows) for _ in range(rounds)]
        times[rows] = {name: median([run[name] for run in runs]) for name in runs[0]}
    lines = []
    for rows in (small, large):
        found = times[rows]
        lines.append(at_least(f"apply to PostgreSQL, {rows:,} inserts", f"{found['apply']:.2f} s",
                              f"plain SQL {found['plain_sql']:.2f} s", found["plain_sql"] / found["apply"], 0.8,
                              note="from the start of `deltadrop consume` on a topic that contains the events until they are "
                                   "applied, while Kafka and the lake are working"))
        lines.append(at_most(f"applied -> in the lake, {rows:,} inserts", f"{found['lake']:.2f} s", f"apply {found['apply']:.2f} s",
                             found["lake"] / found["apply"], 1, note="the events are read back from PostgreSQL"))
    found = times[small]
    work = f"upload -> applied, {small:,} inserts"
    lines.append(at_least(work, f"{found['end_to_end']:.2f} s", f"plain SQL {found['plain_sql']:.2f} s",
                          found["plain_sql"] / found["end_to_end"], 0.6))
    usual_s, note = _usual_way(bench, small)
    lines.append(at_least(work, f"{found['end_to_end']:.2f} s", f"the Python way {usual_s:.0f} s", usual_s / found["end_to_end"],
                          100, note=note))
    for name in ("apply", "lake", "end_to_end"):
        lines.append(growth(name.replace("_", " "), times[small][name], times[large][name]))
    return lines


def _round(bench, rows):
    path = bench.data.file(rows)
    found = {}
    with bench.servers.pipeline() as pipeline:
        server = pipeline.start("serve")
        pipeline.start("consume")
        started = time.perf_counter()
        server.wait(server.upload(path, COMPANY)[1]["upload_id"], "applied")
        found["end_to_end"] = time.perf_counter() - started
    with bench.servers.pipeline() as pipeline:
        server = pipeline.start("serve")
        answer = server.upload(path, COMPANY)[1]
        server.wait(answer["upload_id"], "published")
        started = time.perf_counter()
        pipeline.start("consume")
        server.wait(answer["upload_id"], "applied")
        applied = time.perf_counter()
        server.wait(answer["upload_id"], "in_lake")
        found["apply"] = applied - started
        found["lake"] = time.perf_counter() - applied
        found["plain_sql"] = _plain_sql(bench, pipeline)
    for name, seconds in found.items():
        bench.figure(f"pipeline.{rows}.{name}", seconds, "s")
    return found


def _plain_sql(bench, pipeline):
    """Stores the same rows in the same tables, with their indexes and triggers: COPY, then INSERT ... SELECT."""
    url = bench.servers.database()
    schema = subprocess.run(["pg_dump", "--schema-only", pipeline.database], check=True, capture_output=True).stdout
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", url], input=schema, check=True, stdout=subprocess.DEVNULL)
    rows = pipeline.folder / "cdc_events.copy"
    source, target = psycopg2.connect(pipeline.database), psycopg2.connect(url)
    with source, source.cursor() as cursor, open(rows, "wb") as file:
        cursor.copy_expert("COPY (SELECT * FROM cdc_events ORDER BY upload_id, seq) TO STDOUT", file)
    started = time.perf_counter()
    with target, target.cursor() as cursor, open(rows, "rb") as file:
        # Undo the settings of pg_dump's script.
        cursor.execute("SET search_path = public")
        cursor.copy_expert("COPY cdc_events FROM STDIN", file)
    with target, target.cursor() as cursor:
        cursor.execute(
            "INSERT INTO company_data (company_id, table_name, record_key, data, valid_from, valid_to, is_current, upload_id) "
            "SELECT company_id, table_name, key_value, new_values, effective_at, NULL, true, upload_id FROM cdc_events")
    seconds = time.perf_counter() - started
    for connection in (source, target):
        connection.close()
    return seconds


def _usual_way(bench, rows):
    """Returns (the seconds that the Python way would take for as many inserts, an explanation)."""
    old, new = (bench.data.file(USUAL_ROWS, revision=revision) for revision in (0, 1))
    _, output = timed([sys.executable, USUAL_WAY, bench.servers.database(), old, new, USUAL_EVENTS])
    figures = parse_figures(output)
    for name, (value, unit) in figures.items():
        bench.figure(name, value, unit)
    diff, apply = figures["usual.diff"][0], figures["usual.apply"][0]
    return rows / diff + rows / apply, (f"the Python way diffs {diff:,.0f} rows/s ({USUAL_ROWS:,} measured) and applies "
                                        f"{apply:,.0f} events/s ({USUAL_EVENTS} measured); its time is calculated from these")


def one_row_lines(bench):
    """The time from the response to an upload with one changed row until another connection reads the row."""
    small, large = bench.rows // 10, bench.rows
    typical = {}
    for rows, samples in ((small, SAMPLES // 5), (large, SAMPLES)):
        latencies, totals = _one_row(bench, rows, samples)
        typical[rows] = median(totals)
        name = f"one_row.{rows}"
        for share in (0.5, 0.99):
            bench.figure(f"{name}.p{share * 100:.0f}", percentile(latencies, share) * 1000, "ms")
        bench.figure(f"{name}.upload_to_visible", typical[rows], "s")
    p50, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
    return [at_most(f"one changed row in {large:,}: answered -> visible", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms", "", p99, 150, "ms",
                    note=f"{SAMPLES} uploads one after another; a reader queries PostgreSQL every {POLL_S * 1000:.0f} ms"),
            growth("one changed row, upload -> visible", typical[small], typical[large])]


def _one_row(bench, rows, samples):
    """Returns (seconds from the response to visible, seconds from the upload's start to visible) for each sample."""
    content = bytearray(bench.data.file(rows, columns=5).read_bytes())
    at = content.index(b"\n", len(content) // 2) + 1
    key = content[at:content.index(b",", at)].decode()
    digit = content.index(b"\n", at) - 1
    latencies, totals = [], []
    with bench.servers.pipeline() as pipeline:
        server = pipeline.start("serve")
        pipeline.start("consume")
        path = pipeline.folder / "version.csv"
        path.write_bytes(content)
        server.wait(server.upload(path, COMPANY)[1]["upload_id"], "in_lake")
        with psycopg2.connect(pipeline.database) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for _ in range(samples):
                content[digit] = ord("0") + (content[digit] - ord("0") + 1) % 10
                path.write_bytes(content)
                seconds, answer = server.upload(path, COMPANY)
                latencies.append(_until_visible(cursor, key, answer["upload_id"]))
                totals.append(seconds + latencies[-1])
        connection.close()
    return latencies, totals


def _until_visible(cursor, key, upload_id):
    pause = threading.Event()
    started = time.perf_counter()
    while time.perf_counter() - started < 60:
        cursor.execute("SELECT 1 FROM company_data WHERE company_id = %s AND table_name = 'financials' AND record_key = %s "
                       "AND is_current AND upload_id = %s", (COMPANY, key, upload_id))
        if cursor.fetchone():
            return time.perf_counter() - started
        pause.wait(POLL_S)
    raise RuntimeError(f"{key} of {upload_id} is not visible after 60 s")
