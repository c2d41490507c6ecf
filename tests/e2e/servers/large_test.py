"""Applying an upload takes longer than max.poll.interval.ms. A worker applies it, and the consumer keeps its partitions.

DELTADROP_LARGE_EVENTS=5000000 runs it at the guaranteed size, with an interval of 10 s (about 3 minutes on 2 cores, and 2 GB of
memory for the servers). Without it, the interval and the size are smaller, and the same guarantees apply.
"""

import os
import re
import threading
from pathlib import Path

from pipeline import csv_of

EVENTS = int(os.environ.get("DELTADROP_LARGE_EVENTS", "600000"))
POLL_INTERVAL_MS = 10_000 if EVENTS >= 5_000_000 else 2_000
SERVE_PEAK_MB, CONSUME_PEAK_MB = 1500, 1000


class LongestApply:
    """Samples how long the applying transactions are open, in seconds."""

    def __init__(self, sql):
        self.sql, self.seconds, self.ended = sql, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self):
        open_for = ("SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND state = 'active' AND query LIKE 'INSERT INTO company_data%'")
        while not self.ended.wait(0.1):
            self.seconds = max(self.seconds, float(self.sql.run(open_for)))

    def end(self):
        self.ended.set()
        self.thread.join()
        return self.seconds


def peak_mb(program):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{program.process.pid}/status").read_text()).group(1)) // 1024


def test_an_upload_that_is_applied_for_longer_than_the_poll_interval(pipeline):
    pipeline.env |= {"KAFKA_CONFIG_MAX_POLL_INTERVAL_MS": str(POLL_INTERVAL_MS), "KAFKA_CONFIG_COMPRESSION_CODEC": "lz4",
                     "PUBLISH_TIMEOUT": "100s"}
    server, consumer = pipeline.serve(), pipeline.consume(flags=["--log-level", "debug"])
    small = server.upload_ok(csv_of({"a": "1"}), company_id="small")
    longest = LongestApply(pipeline.sql)
    try:
        large = server.upload("record_id,amount\n" + "".join(f"F{n:07},{n}\n" for n in range(EVENTS))).json()
        assert (large["status"], large["inserted"]) == ("published", EVENTS)
        pipeline.wait_applied(server, large["upload_id"], patience_s=60 + EVENTS // 10_000)
    finally:
        seconds = longest.end()
    assert seconds > POLL_INTERVAL_MS / 1000, "the apply was too short to show anything: raise EVENTS"
    assert "MAXPOLL" not in consumer.log_path.read_text(), "librdkafka logs when the interval is exceeded"
    pipeline.check_once([small, large])
    counted = "SELECT count(*) AS n, count(DISTINCT record_key) AS keys, sum((data ->> 'amount')::bigint) AS sum FROM company_data WHERE is_current AND company_id = 'so-financials'"
    assert pipeline.sql.rows(counted) == [{"n": EVENTS, "keys": EVENTS, "sum": EVENTS * (EVENTS - 1) // 2}]
    peaks = {"serve": peak_mb(server), "consume": peak_mb(consumer)}
    print(f"{EVENTS} events, applied in one transaction of {seconds:.1f} s; peak MB {peaks}")
    assert peaks["serve"] < SERVE_PEAK_MB and peaks["consume"] < CONSUME_PEAK_MB, peaks
