"""Consumers join, leave, freeze, are slow or are killed at any step. Others take over; nothing is lost, duplicated or reordered."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import requests
from kafka.admin import KafkaAdminClient

from deltadrop_process import FAULTY_PROGRAM, DidNotStart, Program, tree
from gate import Gate
from pipeline import PATIENCE_S, Psql, csv_of, health_until, values_of

# More fault points than any run passes. The test ends at the first runs that were not killed.
POINTS_MAX = 800
POINTS_EXPECTED = 30


def rows(amount, count=200):
    return {f"F{n:05}": str(amount) for n in range(count)}


def wait_for(what, good):
    deadline = time.monotonic() + PATIENCE_S
    while not good():
        assert time.monotonic() < deadline, what


def log_says(program, text):
    return text in program.log_path.read_text()


@pytest.fixture
def group(kafka, pipeline):
    """group(n) waits until the consumer group has n members and has assigned the partitions."""
    client = KafkaAdminClient(bootstrap_servers=kafka.address)
    name = pipeline.env["CONSUMER_GROUP"]

    def wait_for_members(count):
        def shared_out():
            found = client.describe_groups([name])[name]
            return found["group_state"] == "Stable" and len(found["members"]) == count

        wait_for(f"the group has {count} members", shared_out)

    yield wait_for_members
    client.close()


@pytest.mark.parametrize("frozen", [False, True], ids=["slow", "frozen"])
def test_a_consumer_that_is_away_for_too_long_loses_its_partitions_and_its_transaction(pipeline, group, frozen):
    """Either its connection is held before the first statement of a batch: it continues to read, but when another consumer joins, it
    does not give back its partitions within max.poll.interval.ms. Or the process is frozen for longer than its session."""
    server = pipeline.serve()
    if not frozen:
        pipeline.env["KAFKA_CONFIG_MAX_POLL_INTERVAL_MS"] = "2000"
    usual = pipeline.env["DATABASE_URL"]
    pipeline.env["DATABASE_URL"] = usual + "?application_name=slow"
    slow = pipeline.consume(flags=["--log-level", "debug"])
    pipeline.env["DATABASE_URL"] = usual
    answers = [server.upload_ok(csv_of(rows(1)))]
    with Gate(pipeline.database_url, "BEFORE UPDATE ON log_offsets FOR EACH STATEMENT", "current_setting('application_name') = 'slow'") as gate:
        answers.append(server.upload(csv_of(rows(2))).json())
        gate.wait_until_held()
        if frozen:
            slow.process.send_signal(signal.SIGSTOP)
        other = pipeline.consume()
        # The slow consumer would have to record a part of the upload. It is applied only because the partitions moved.
        pipeline.wait_applied(server, answers[-1]["upload_id"])
        group(1)
        assert not log_says(slow, "another consumer has recorded")
    slow.process.send_signal(signal.SIGCONT)
    wait_for("its transaction fails", lambda: log_says(slow, "another consumer has recorded"))
    group(2)
    answers.append(server.upload_ok(csv_of(rows(3))))
    for consumer in (slow, other):
        health_until(consumer, "both consume", lambda answer: (answer["status"], answer["lag"]) == ("UP", 0))
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(3))


def test_three_consumers_join_leave_and_are_killed_during_a_load(pipeline, group):
    server = pipeline.serve()
    answers, enough = [], Event()

    def load():
        while not enough.is_set():
            answers.append(server.upload(csv_of(rows(len(answers) + 1, 2000))).json())

    def one_more():
        before = len(answers)
        wait_for("the load goes on", lambda: len(answers) > before or loading.done())

    loading = pipeline.pool.submit(load)
    flags = ["--batch-events", "300"]
    consumers = []
    for members in (1, 2, 3):
        consumers.append(pipeline.consume(flags=flags))
        group(members)
        one_more()
    consumers[0].kill()
    group(2)
    one_more()
    consumers.append(pipeline.consume(flags=flags))
    group(3)
    one_more()
    consumers[1].stop()
    group(2)
    one_more()
    enough.set()
    loading.result()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(len(answers), 2000))
    in_order = pipeline.sql.rows("SELECT DISTINCT array_agg(data ->> 'amount' ORDER BY valid_from) AS amounts FROM company_data GROUP BY record_key")
    assert in_order == [{"amounts": [str(amount) for amount in range(1, len(answers) + 1)]}]


def test_two_consumers_that_record_the_last_parts_of_an_upload_at_the_same_moment(pipeline, group):
    pipeline.env["KAFKA_PARTITIONS"] = "2"
    server = pipeline.serve()
    consumers = [pipeline.consume(flags=["--batch-events", "50"]) for _ in range(2)]
    group(2)
    answers = [server.upload_ok(csv_of(rows(1, 400)))]
    partition_of = {message.key.decode().split("/")[-1]: message.partition for message in pipeline.messages()}
    last = {partition_of[key]: seq for seq, key in enumerate(rows(2, 400), 1)}
    assert sorted(last) == [0, 1]
    with Gate(pipeline.database_url, "BEFORE INSERT ON cdc_events FOR EACH ROW",
              f"NEW.version = 2 AND NEW.seq IN ({', '.join(map(str, last.values()))})") as gate:
        answers.append(server.upload(csv_of(rows(2, 400))).json())
        gate.wait_until_held(2)
        missing = pipeline.sql.run("SELECT u.total - sum(p.seen) FROM uploads u JOIN upload_parts p USING (upload_id) WHERE u.version = 2 GROUP BY u.total")
        assert int(missing) >= 2
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert sum(consumer.log_path.read_text().count("applied version 2 of") for consumer in consumers) == 1
    assert pipeline.sql.rows("SELECT count(*) AS all, count(*) FILTER (WHERE is_current) AS open FROM company_data") == [{"all": 800, "open": 400}]
    assert pipeline.open_rows() == values_of(rows(2, 400))


# ---- kill -9 at every step


def what_is_there(sql, parquet_dir):
    """Everything that must be equal however often a consumer was killed. Times are left out."""
    return [
        sql.rows("SELECT upload_id, seq, event_id, event_type, key_value, old_values, new_values, changed_columns, line FROM cdc_events ORDER BY upload_id, seq"),
        sql.rows("SELECT record_key, data, valid_from, valid_to, is_current, upload_id FROM company_data ORDER BY record_key, valid_from"),
        sql.rows("SELECT upload_id, version, previous_upload_id, total, state, applied_no, error, in_lake_at IS NOT NULL AS in_lake FROM uploads ORDER BY version"),
        sql.rows("SELECT upload_id, partition, seen FROM upload_parts ORDER BY upload_id, partition"),
        sql.rows("SELECT topic, partition, next_offset, topic_id FROM log_offsets ORDER BY partition"),
        sql.rows("SELECT count(*) AS n FROM dead_letters"),
        {name: content for name, content in tree(parquet_dir).items() if not name.startswith(".locks/")},
    ]


class Life:
    """Consumers that record the whole topic in their own database and lake. Each has its own group, so that nobody waits for a dead
    member's session; the offsets are in the database."""

    def __init__(self, pipeline, name):
        self.pipeline, self.name = pipeline, name
        self.folder = pipeline.folder / name
        self.folder.mkdir()
        self.database = f"{pipeline.database}_{name}"
        Psql(pipeline.postgres.url()).run(f"CREATE DATABASE {self.database}")
        self.sql = Psql(pipeline.postgres.url(self.database))

    def consume(self, role, **more):
        env = {**self.pipeline.env, "DATABASE_URL": self.sql.url, "PARQUET_DIR": str(self.folder / "lake"), "CONSUMER_GROUP": f"{self.database}-{role}"}
        return Program("consume", self.folder / f"{role}.log", env=env, **more)

    def survives(self, consumer):
        """Waits until the consumer has recorded everything and ended properly, or was killed."""
        deadline = time.monotonic() + PATIENCE_S
        stopping = False
        while (code := consumer.process.poll()) is None:
            assert time.monotonic() < deadline, consumer.log_path.read_text()
            if stopping:
                continue
            try:
                health = requests.get(consumer.url + "/health", timeout=60).json()
            except requests.exceptions.RequestException:
                continue
            if (health["lag"], health["pending"], health["not_in_lake"]) == (0, 0, 0):
                consumer.process.terminate()
                stopping = True
        consumer.kill()
        assert code in (0, -signal.SIGKILL), consumer.log_path.read_text()
        return code == 0

    def end_state(self):
        found = what_is_there(self.sql, self.folder / "lake")
        Psql(self.pipeline.postgres.url()).run(f"DROP DATABASE {self.database}")
        return found


def test_killed_at_every_step(pipeline):
    """Kills `consume` at each of its fault points in turn, from the first migration to its end. The next run must produce the same
    result as an undisturbed run, and the same lake byte for byte."""
    server = pipeline.serve()
    for content in ({"a": "1", "b": "2", "c": "3", "d": "4"}, {"a": "1", "b": "20", "c": "30", "e": "5"}):
        pipeline.wait_published(server, server.upload(csv_of(content)).json()["upload_id"])
    server.stop()
    undisturbed = Life(pipeline, "undisturbed")
    assert undisturbed.survives(undisturbed.consume("only"))
    wanted = undisturbed.end_state()
    assert (len(wanted[0]), len(wanted[1]), len(wanted[6])) == (8, 7, 4), wanted

    def killed_at(nth):
        life = Life(pipeline, f"life{nth}")
        try:
            survived = life.survives(life.consume("victim", program=FAULTY_PROGRAM, fault=f"kill:*:{nth}"))
        except DidNotStart:
            survived = False
        if not survived:
            assert life.survives(life.consume("next"))
        assert life.end_state() == wanted, f"killed at point {nth}"
        return not survived

    with ThreadPoolExecutor(2) as pool:
        for first in range(1, POINTS_MAX, 8):
            if not any(pool.map(killed_at, range(first, first + 8))):
                break
        else:
            raise AssertionError(f"every life was killed up to point {POINTS_MAX}")
    assert first > POINTS_EXPECTED
    print(f"killed at each of {first - 1} points")
