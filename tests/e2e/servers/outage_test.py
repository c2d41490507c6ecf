"""Kafka and PostgreSQL start late, stop and return: nothing is rejected, lost, duplicated or out of order."""

import signal
import time

import pytest
from kafka import KafkaConsumer, TopicPartition

from gate import Gate
from pipeline import PATIENCE_S, csv_of, health_until, values_of


def rows(amount, count=200):
    return {f"F{n:05}": str(amount) for n in range(count)}


@pytest.fixture
def broker(kafka):
    """The broker. It is started again for the next test, whatever happens in this one."""
    yield kafka
    kafka.thaw()
    if kafka.process is None:
        kafka.start()


@pytest.fixture
def database(postgres):
    yield postgres
    if postgres.process is None:
        postgres.start()


class LogEnd:
    """The number of messages in the topic."""

    def __init__(self, pipeline):
        self.reader = KafkaConsumer(bootstrap_servers=pipeline.kafka.address)
        self.partitions = [TopicPartition(pipeline.topic, number) for number in self.reader.partitions_for_topic(pipeline.topic)]

    def __call__(self):
        return sum(self.reader.end_offsets(self.partitions).values())


def in_the_middle_of(pipeline, server, content, count, accident):
    """Runs `accident` while some of an upload's events are in the log and others are not; the server is paused meanwhile. Returns
    the response to the upload."""
    log_end = LogEnd(pipeline)
    before = log_end()
    upload = pipeline.pool.submit(server.upload, content)
    deadline = time.monotonic() + PATIENCE_S
    while log_end() == before:
        assert time.monotonic() < deadline, pipeline.logs()
    server.process.send_signal(signal.SIGSTOP)
    assert before < log_end() < before + count and not upload.done()
    log_end.reader.close()
    accident()
    server.process.send_signal(signal.SIGCONT)
    answer = upload.result()
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    return answer.json()


def slow_to_publish(pipeline):
    """Publishes ten messages per request, one request at a time."""
    pipeline.env |= {"KAFKA_CONFIG_BATCH_NUM_MESSAGES": "10", "KAFKA_CONFIG_MAX_IN_FLIGHT": "1"}


def test_the_broker_is_away_before_during_and_after_an_upload(pipeline, broker):
    slow_to_publish(pipeline)
    broker.stop()
    server, consumer = pipeline.serve(), pipeline.consume()
    early = [server.upload(csv_of(rows(amount))) for amount in (1, 2)]
    assert [(answer.status_code, answer.json()["status"]) for answer in early] == [(202, "accepted")] * 2
    health = health_until(server, "the broker is missed", lambda answer: answer["kafka"] == "DOWN")
    assert (health["status"], health["unpublished"], health["database"]) == ("DEGRADED", 2, "UP")
    assert server.get("/health/ready")["status"] == "UP"
    down = consumer.request("GET", "/health")
    assert (down.status_code, down.json()["status"], down.json()["kafka"], down.json()["lag"]) == (503, "DOWN", "DOWN", None)

    broker.start()
    answers = [answer.json() for answer in early]
    for answer in answers:
        pipeline.wait_applied(server, answer["upload_id"])

    answers.append(in_the_middle_of(pipeline, server, csv_of(rows(3, 20_000)), 20_000, broker.kill))
    answers.append(server.upload(csv_of(rows(4, 20_000))).json())
    broker.start()
    pipeline.wait_applied(server, answers[-1]["upload_id"])

    consumer.stop()
    answers.append(server.upload(csv_of(rows(5, 20_000))).json())
    pipeline.wait_published(server, answers[-1]["upload_id"])
    broker.stop()
    consumer = pipeline.consume()
    answers.append(server.upload(csv_of(rows(6, 20_000))).json())
    broker.start()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(6, 20_000))
    health_until(server, "all is well again", lambda answer: answer["status"] == "UP")
    health_until(consumer, "all is well again", lambda answer: (answer["status"], answer["lag"]) == ("UP", 0))
    assert "waiting for Kafka" in server.log_path.read_text()


def test_a_broker_frozen_for_longer_than_the_session_is_an_absent_one(pipeline, broker):
    slow_to_publish(pipeline)
    server, consumer = pipeline.serve(), pipeline.consume(flags=["--log-level", "debug"])
    answers = [server.upload_ok(csv_of(rows(1)))]
    answers.append(in_the_middle_of(pipeline, server, csv_of(rows(2, 20_000)), 20_000, broker.freeze))
    answers.append(server.upload(csv_of(rows(3, 20_000))).json())
    assert answers[-1]["status"] == "accepted"
    for program in (server, consumer):
        health_until(program, "the broker is missed", lambda answer: answer["kafka"] == "DOWN")
    deadline = time.monotonic() + PATIENCE_S
    while "SESSTMOUT" not in consumer.log_path.read_text():
        assert time.monotonic() < deadline, "librdkafka logs when the session timed out"
    broker.thaw()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(3, 20_000))


@pytest.mark.parametrize("how, when, only", [
    ("stop", "BEFORE INSERT ON cdc_events FOR EACH ROW", "NEW.version = 2 AND NEW.seq = 1234"),
    ("kill", "BEFORE INSERT ON company_data FOR EACH ROW", "NEW.record_key = 'F01234' AND NEW.data ->> 'amount' = '2'"),
], ids=["stopped while recording", "killed while applying"])
def test_the_database_goes_away_in_the_middle_of_a_transaction(pipeline, database, how, when, only):
    server, consumer = pipeline.serve(), pipeline.consume(flags=["--batch-events", "500"])
    answers = [server.upload_ok(csv_of(rows(1, 100)))]
    with Gate(pipeline.database_url, when, only) as gate:
        answers.append(server.upload(csv_of(rows(2, 2000))).json())
        gate.wait_until_held()
        getattr(database, how)()
    health = health_until(server, "the database is missed", lambda answer: answer["database"] == "DOWN")
    assert (health["status"], health["kafka"]) == ("DEGRADED", "UP")
    assert [health[name] for name in ("pending", "not_in_lake", "dead_letters", "blocked", "lake")] == [None] * 5
    assert "\ndeltadrop_database_up 0\n" in (metrics := server.request("GET", "/metrics").text)
    assert "\ndeltadrop_unapplied_uploads Nan\n" in metrics
    assert health_until(consumer, "it waits", lambda answer: answer["database"] == "DOWN")["status"] == "DOWN"
    answers.append(server.upload(csv_of(rows(3, 2000))).json())
    assert answers[-1]["status"] == "published", answers[-1]
    state = server.get(f"/api/v1/uploads/{answers[-1]['upload_id']}")
    assert (state["state"], state["applied"], state["in_lake"]) == ("published", None, None)
    assert server.request("GET", "/api/v1/tables/so-financials/financials/records").status_code == 503
    database.start()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(3, 2000))
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")
