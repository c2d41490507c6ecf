"""Kafka and PostgreSQL come late, go away and come back: nothing is refused, lost, doubled or out of order."""

import signal

import pytest

from deltadrop_process import FAULTY_PROGRAM, DidNotStart
from pipeline import csv_of, health_until, values_of


def rows(amount, count=200):
    return {f"F{n:05}": str(amount) for n in range(count)}


@pytest.fixture
def broker(kafka):
    """The broker, which runs again for the next test whatever happens in this one."""
    yield kafka
    kafka.thaw()
    if kafka.process is None:
        kafka.start()


@pytest.fixture
def database(postgres):
    yield postgres
    if postgres.process is None:
        postgres.start()


def test_the_broker_comes_late_and_goes_away_during_an_upload(pipeline, broker):
    broker.stop()
    server, consumer = pipeline.serve(), pipeline.consume()
    early = [server.upload(csv_of(rows(amount))) for amount in (1, 2)]
    assert [(answer.status_code, answer.json()["status"]) for answer in early] == [(202, "accepted")] * 2
    health = health_until(server, "the broker is missed", lambda answer: answer["kafka"] == "DOWN")
    assert (health["status"], health["unpublished"], health["database"]) == ("DEGRADED", 2, "UP")
    assert server.get("/health/ready")["status"] == "UP"
    down = consumer.request("GET", "/health")
    assert (down.status_code, down.json()["status"], down.json()["kafka"]) == (503, "DOWN", "DOWN")

    broker.start()
    answers = [answer.json() for answer in early]
    for answer in answers:
        pipeline.wait_applied(server, answer["upload_id"])

    large = pipeline.upload_until(server, csv_of(rows(3, 60_000)), server, lambda answer: answer["unpublished"] == 1)
    broker.kill()
    answers.append(large.result().json())
    answers.append(server.upload(csv_of(rows(4, 60_000))).json())
    broker.start()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(4, 60_000))
    health_until(server, "all is well again", lambda answer: answer["status"] == "UP")
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")
    assert "waiting for Kafka" in server.log_path.read_text()


def test_a_frozen_broker_is_an_absent_one(pipeline, broker):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(rows(1)))]
    broker.freeze()
    late = server.upload(csv_of(rows(2)))
    assert (late.status_code, late.json()["status"]) == (202, "accepted")
    answers += [late.json(), server.upload(csv_of(rows(3))).json()]
    for program in (server, consumer):
        health_until(program, "the broker is missed", lambda answer: answer["kafka"] == "DOWN")
    broker.thaw()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(3))


def test_a_consumer_that_was_frozen_wakes_up_after_its_partitions_moved(pipeline):
    server = pipeline.serve()
    frozen = pipeline.consume(flags=["--batch-events", "100"])
    first = pipeline.upload_until(server, csv_of(rows(1, 30_000)), frozen, lambda answer: answer["lag"] > 0)
    frozen.process.send_signal(signal.SIGSTOP)
    answers = [first.result().json()]
    other = pipeline.consume()
    answers.append(server.upload(csv_of(rows(2, 30_000))).json())
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    frozen.process.send_signal(signal.SIGCONT)
    answers.append(server.upload(csv_of(rows(3, 30_000))).json())
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    for consumer in (frozen, other):
        health_until(consumer, "both consume", lambda answer: answer["status"] == "UP")
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(3, 30_000))


def test_the_database_is_restarted_in_the_middle_of_a_load(pipeline, database):
    server, consumer = pipeline.serve(), pipeline.consume(flags=["--batch-events", "500"])
    answers = [server.upload_ok(csv_of(rows(1, 100)))]
    load = pipeline.upload_until(server, csv_of(rows(2, 40_000)), consumer, lambda answer: answer["lag"] > 0)
    database.stop()
    answers.append(load.result().json())
    health = health_until(server, "the database is missed", lambda answer: answer["database"] == "DOWN")
    assert (health["status"], health["kafka"]) == ("DEGRADED", "UP")
    assert health_until(consumer, "it waits", lambda answer: answer["database"] == "DOWN")["status"] == "DOWN"
    answers.append(server.upload(csv_of(rows(3, 40_000))).json())
    assert answers[-1]["status"] == "published", answers[-1]
    state = server.get(f"/api/v1/uploads/{answers[-1]['upload_id']}")
    assert (state["state"], state["applied"], state["in_lake"]) == ("published", None, None)
    assert server.request("GET", "/api/v1/tables/so-financials/financials/records").status_code == 503
    database.start()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(3, 40_000))
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")


def test_consumers_join_and_leave_and_are_killed_during_a_load(pipeline):
    server = pipeline.serve()
    consumers = [pipeline.consume(flags=["--batch-events", "300"])]
    answers = [server.upload(csv_of(rows(1, 20_000))).json()]
    load = pipeline.upload_until(server, csv_of(rows(2, 20_000)), consumers[0], lambda answer: answer["lag"] > 0)
    consumers.append(pipeline.consume())
    answers.append(load.result().json())
    health_until(consumers[1], "it has joined", lambda answer: answer["kafka"] == "UP")
    answers.append(server.upload(csv_of(rows(3, 20_000))).json())
    consumers[0].kill()
    consumers.append(pipeline.consume())
    answers.append(server.upload(csv_of(rows(4, 20_000))).json())
    consumers[1].stop()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(4, 20_000))


def test_a_consumer_killed_at_many_steps(pipeline):
    """Killed at its nth fault point, for a sample of n; the next one takes over."""
    server = pipeline.serve()
    answers, killed = [], 0
    for amount, point in enumerate((1, 2, 3, 5, 8, 13, 21, 34), 1):
        answers.append(server.upload(csv_of(rows(amount, 50))).json())
        try:
            victim = pipeline.consume(program=FAULTY_PROGRAM, fault=f"kill:*:{point}")
        except DidNotStart:
            killed += 1
            continue
        state = pipeline.wait_applied_or_ended(server, victim, answers[-1]["upload_id"])
        killed += state == "ended"
        victim.kill()
    pipeline.consume()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    assert killed >= 4, "were fault points passed?"
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(rows(8, 50))
