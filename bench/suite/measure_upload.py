"""Measures uploads to `deltadrop dev`: a gigabyte, compared with cp and sha256sum, and many small ones."""

import tempfile
from pathlib import Path

from .figures import parse_figures
from .processes import PeakMemory, timed
from .results import at_least, at_most, growth, median
from .servers import Program

ROUNDS = 3
# 190.76 bytes per row give 1 GB.
ROWS_PER_MILLION = 5_250_000
SMALL_CLIENTS = 16
SMALL_UPLOADS_PER_MILLION = 8_000


def upload_lines(bench):
    rows = ROWS_PER_MILLION * bench.rows // 1_000_000
    lines, typical = [], {}
    with tempfile.TemporaryDirectory(dir=bench.work) as folder, Program(bench.program, "dev", folder, {}) as server:
        for size in (rows // 10, rows):
            typical[size], copied, peak, answer = _second_versions(bench, server, folder, size)
        path = bench.data.file(rows, revision=1)
        work = f"upload, second version of {path.stat().st_size / 1e9:.2f} GB"
        lines.append(at_most(work, f"{typical[rows]:.2f} s", f"cp + sha256sum {copied:.2f} s", typical[rows] / copied, 2,
                             note=f"{answer['updated']:,} updates of {rows:,} rows, embedded log, to the answer"))
        lines.append(at_most(f"{work}: memory", f"{peak:.0f} MB", "RssAnon", peak, 300, "MB"))
        lines.append(growth("upload", typical[rows // 10], typical[rows]))
    return lines


def _second_versions(bench, server, folder, rows):
    """Returns the medians of (our seconds, seconds of cp + sha256sum), the peak memory and the last response. The versions alternate
    between two files, so that each differs from the previous one in one row of a hundred."""
    versions = [bench.data.file(rows, revision=revision) for revision in (0, 1)]
    company = f"ledger-{rows}"
    server.wait(server.upload(versions[0], company)[1]["upload_id"], "in_lake")
    ours, theirs, peaks = [], [], []
    for turn in range(ROUNDS):
        path = versions[(turn + 1) % 2]
        copy = f"{folder}/copy.csv"
        theirs.append(timed(["cp", "--reflink=never", path, copy])[0] + timed(["sha256sum", copy])[0])
        timed(["rm", copy])
        with PeakMemory(server.process.pid) as peak:
            seconds, answer = server.upload(path, company)
        ours.append(seconds)
        peaks.append(peak.mb)
        bench.figure(f"upload.{rows}.deltadrop", seconds, "s")
        bench.figure(f"upload.{rows}.cp_sha256sum", theirs[-1], "s")
        bench.figure(f"upload.{rows}.memory", peak.mb, "MB")
        server.wait(answer["upload_id"], "in_lake")
    return median(ours), median(theirs), max(peaks), answer


def small_uploads_lines(bench):
    """Uploads of 10 rows, each a table's first version, each on disk before the response."""
    uploads = max(SMALL_CLIENTS, SMALL_UPLOADS_PER_MILLION * bench.rows // 1_000_000)
    rates, slowest = [], []
    # Remove the folders only at the end: ext4 creates files slowly for some seconds after many were removed.
    with tempfile.TemporaryDirectory(dir=bench.work) as parent:
        for turn in range(ROUNDS):
            folder = Path(parent) / str(turn)
            folder.mkdir()
            with Program(bench.program, "dev", folder, {}) as server:
                figures = small_requests(bench, server, "--uploads", uploads)
            rates.append(figures["small_uploads_rate"][0])
            slowest.append(figures["small_uploads_p99"][0])
            bench.figure("small_uploads.rate", rates[-1], "1/s")
            bench.figure("small_uploads.p99", slowest[-1], "ms")
    work = f"uploads of 10 rows, {SMALL_CLIENTS} clients"
    return [at_least(work, f"{median(rates):,.0f} /s", "", median(rates), 1000, "/s", note=f"{uploads:,} tables' first versions"),
            at_most(f"{work}: p99", f"{median(slowest):.1f} ms", "", median(slowest), 50, "ms")]


def small_requests(bench, server, *arguments):
    """Runs the client of many small requests. Returns its figures: {name: (value, unit)}."""
    client = bench.build / "bench/uploads/bench_small_uploads"
    return parse_figures(timed([client, "--address", server.address, "--clients", SMALL_CLIENTS, *arguments])[1])
