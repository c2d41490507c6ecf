"""Several consumers with many small uploads, each with events in all partitions: no deadlock, and not slower than one consumer."""

import time
from concurrent.futures import ThreadPoolExecutor

from kafka.admin import KafkaAdminClient

from pipeline import PATIENCE_S, Psql, csv_of

CLIENTS = 6
TABLES = 30
VERSIONS = 6
ROWS = 9
# Shorter times are the machine's noise.
SHORT_S = 0.1
# Other work on the machine slows single measurements. Consumers that wait for each other are slower in all of them.
ATTEMPTS = 6


class Round:
    """serve with the test's archive, and some consumers, on their own topic, database and lake."""

    def __init__(self, pipeline, name, count):
        self.pipeline, self.sql = pipeline, Psql(pipeline.postgres.url(f"{pipeline.database}_{name}"))
        Psql(pipeline.postgres.url()).run(f"CREATE DATABASE {pipeline.database}_{name}")
        group = f"{pipeline.name}-{name}"
        pipeline.use(topic=group, database_url=self.sql.url)
        pipeline.env |= {"CONSUMER_GROUP": group, "PARQUET_DIR": str(pipeline.folder / name)}
        self.server = pipeline.serve()
        self.consumers = [pipeline.consume() for _ in range(count)]
        self.wait_for_members(group, count)

    def wait_for_members(self, group, count):
        client = KafkaAdminClient(bootstrap_servers=self.pipeline.kafka.address)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            # A consumer with assigned partitions knows its lag. Before the first assignment, the group has no coordinator.
            if all(consumer.request("GET", "/health").json()["lag"] is not None for consumer in self.consumers):
                found = client.describe_groups([group])[group]
                if found["group_state"] == "Stable" and len(found["members"]) == count:
                    break
            assert time.monotonic() < deadline, self.pipeline.logs()
        client.close()

    def wait_applied(self, last_uploads):
        for upload_id in last_uploads:
            self.pipeline.wait_applied(self.server, upload_id, "applied")

    def end(self):
        """Ends the connections first, because each reports its deadlocks when it ends, at the latest."""
        for program in [self.server, *self.consumers]:
            program.stop()
        assert self.sql.run("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == "0"
        states = self.sql.rows("SELECT state, count(*) AS n, count(DISTINCT applied_no) AS numbers, max(applied_no) AS last FROM uploads GROUP BY state")
        assert len(states) == 1 and states[0]["state"] == "applied"
        assert states[0]["n"] == states[0]["numbers"] == states[0]["last"]


def upload_all(server, first):
    """Uploads every table's next versions, with several clients at once. Returns {table: id of its last upload}."""
    def load(client):
        last = {}
        for version in range(first, first + VERSIONS):
            for table in range(client, TABLES, CLIENTS):
                answer = server.upload(csv_of({f"F{row}": str(version) for row in range(ROWS)}), name=f"c{table}.csv")
                assert answer.status_code in (200, 202), answer.text
                last[table] = answer.json()["upload_id"]
        return last

    last = {}
    with ThreadPoolExecutor(CLIENTS) as pool:
        for each in pool.map(load, range(CLIENTS)):
            last |= each
    return last


def p99_of_live_load(pipeline, name, count, first, before):
    """Returns the seconds from an upload's acceptance until readers see it, and the last uploads. `first` is the first uploaded
    version, and `before` contains the existing last uploads."""
    this = Round(pipeline, name, count)
    if before:
        assert pipeline.command("republish").returncode == 0
        this.wait_applied(before.values())
    last = upload_all(this.server, first)
    this.wait_applied(last.values())
    seconds = [float(row["s"]) for row in this.sql.rows(
        f"SELECT extract(epoch FROM applied_at - timestamp) AS s FROM uploads WHERE version >= {first} ORDER BY 1")]
    assert len(seconds) == TABLES * VERSIONS
    this.end()
    return seconds[len(seconds) * 99 // 100], last


def seconds_of_backlog(pipeline, name, count, last):
    """The time to record and apply everything after it is published again into an empty topic and database."""
    this = Round(pipeline, name, count)
    done = pipeline.command("republish")
    assert done.returncode == 0, done.stderr
    this.wait_applied(last.values())
    took = float(this.sql.run("SELECT extract(epoch FROM max(applied_at) - (SELECT min(recorded_at) FROM cdc_events)) FROM uploads"))
    this.end()
    return took


def test_three_consumers_are_not_slower_than_one(pipeline):
    one, three = [], []
    last, first = {}, 1
    for attempt in range(ATTEMPTS):
        for count, p99 in ((1, one), (3, three)):
            seconds, last = p99_of_live_load(pipeline, f"live_{attempt}_{count}", count, first, last)
            p99.append(seconds)
            first += VERSIONS
        if min(three) <= 3 * max(min(one), SHORT_S):
            break
    print(f"p99 from acceptance to visible, in seconds: one {one}, three {three}")
    assert min(three) <= 3 * max(min(one), SHORT_S)

    one, three = [], []
    for attempt in range(ATTEMPTS):
        one.append(seconds_of_backlog(pipeline, f"one_{attempt}", 1, last))
        three.append(seconds_of_backlog(pipeline, f"three_{attempt}", 3, last))
        if min(one) / min(three) >= 0.9:
            break
    uploads = TABLES * (first - 1)
    print(f"uploads a second: one {[round(uploads / s) for s in one]}, three {[round(uploads / s) for s in three]}")
    assert min(one) / min(three) >= 0.9
