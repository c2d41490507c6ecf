"""Setup errors of an operator: one line names the error and the fix. The program then retries or exits with a code other than 0."""

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from deltadrop_process import TABLE, DidNotStart
from pipeline import Psql, csv_of, health_until, values_of

ROWS = {"A": "1", "B": "2"}


@pytest.mark.parametrize("environment, words", [
    ({"DATABASE_URL": "mysql://user@host/x"}, ["DATABASE_URL", "fix:"]),
    ({"KAFKA_CONFIG_NO_SUCH_THING": "1"}, ["no.such.thing", "fix:"]),
    ({"KAFKA_PARTITIONS": "none"}, ["KAFKA_PARTITIONS", "none", "fix:"]),
    ({"KAFKA_RETENTION": "-5"}, ["KAFKA_RETENTION", "-5", "fix:"]),
])
@pytest.mark.parametrize("command", ["serve", "consume"])
def test_what_can_never_work_ends_with_2(pipeline, command, environment, words):
    pipeline.env.update(environment)
    with pytest.raises(DidNotStart) as ended:
        getattr(pipeline, command)()
    exit_code, log = ended.value.args
    assert exit_code == 2
    assert all(word in log for word in words), log


@pytest.mark.parametrize("name, url, words", [
    ("password", lambda pipeline: pipeline.postgres.url(pipeline.database, password="wrong"), ["password authentication failed", "DATABASE_URL"]),
    ("database", lambda pipeline: pipeline.postgres.url("not_there"), ["not_there", "createdb"]),
    ("nobody", lambda pipeline: "postgresql://postgres:x@127.0.0.1:1/x", ["127.0.0.1", "start PostgreSQL"]),
    ("role", lambda pipeline: pipeline.postgres.url(pipeline.database, user="reader"), ["permission denied", "GRANT"]),
])
def test_a_database_that_may_be_repaired_is_waited_for(pipeline, name, url, words):
    if name == "role":
        Psql(pipeline.postgres.url()).run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'secret'")
    pipeline.env["DATABASE_URL"] = url(pipeline)
    consumer = pipeline.consume()
    health = health_until(consumer, "it waits", lambda answer: answer["database"] == "DOWN")
    troubles = " ".join(health["troubles"])
    assert all(word in troubles for word in words), troubles
    assert "secret" not in troubles and "wrong" not in troubles
    consumer.stop()


def test_a_newer_schema_ends_the_consumer(pipeline):
    first = pipeline.consume()
    health_until(first, "the schema is made", lambda answer: answer["status"] == "UP")
    first.stop()
    pipeline.sql.run("INSERT INTO schema_migrations (number) VALUES (999)")
    newer = pipeline.consume()
    assert newer.process.wait(timeout=60) == 2
    assert "has schema 999, this program knows schema 4" in newer.log_path.read_text()
    # Uploads continue without the database. Reads report why they fail.
    server = pipeline.serve()
    upload = server.upload(csv_of(ROWS)).json()
    pipeline.wait_published(server, upload["upload_id"])
    refused = server.request("GET", TABLE + "/records")
    assert refused.status_code == 409 and "999" in refused.json()["detail"] and refused.json()["fix"], refused.text


def test_a_database_of_which_the_tables_are_missing_gets_them(pipeline):
    server = pipeline.serve()
    health = health_until(server, "they are missed", lambda answer: answer["database"] == "DOWN")
    assert "deltadrop consume" in " ".join(health["troubles"]), health
    # The state before the first migration: the list of migrations exists and is empty.
    pipeline.sql.run("CREATE TABLE schema_migrations (number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())")
    pipeline.consume()
    answer = server.upload_ok(csv_of(ROWS))
    pipeline.check_once([answer])


@pytest.mark.parametrize("setting, value", [("cleanup.policy", "compact"), ("max.message.bytes", "1000")])
def test_a_topic_that_would_lose_events_is_refused(pipeline, setting, value):
    client = KafkaAdminClient(bootstrap_servers=pipeline.kafka.address)
    client.create_topics([NewTopic(pipeline.topic, 1, 1, topic_configs={setting: value})])
    client.close()
    consumer = pipeline.consume()
    assert consumer.process.wait(timeout=60) == 2
    assert setting in consumer.log_path.read_text()
    server = pipeline.serve()
    assert server.upload(csv_of(ROWS)).json()["status"] == "accepted"
    health = health_until(server, "it is named", lambda answer: setting in " ".join(answer["troubles"]))
    assert (health["status"], health["unpublished"]) == ("DEGRADED", 1)


def test_a_second_server_on_the_folder_names_the_first(pipeline):
    first = pipeline.serve()
    second = pipeline.command("serve")
    assert second.returncode == 2
    assert str(first.process.pid) in second.stderr


def test_the_order_of_the_start_does_not_matter(pipeline):
    consumer = pipeline.consume()
    server = pipeline.serve()
    answer = server.upload_ok(csv_of(ROWS))
    pipeline.check_once([answer])
    assert pipeline.open_rows() == values_of(ROWS)
    consumer.stop()
    server.stop()
