"""Forged events in the topic, with and without EVENT_KEY, and the repair after a forgery."""

import json
import uuid

from kafka import KafkaProducer
from archives_test import applied
from pipeline import csv_of, health_until, values_of

ROWS = [{f"F{n}": str(n * factor) for n in range(1, 4)} for factor in range(1, 5)]
KEY, OLD_KEY = "k" * 32, "o" * 32
TABLE = ("so-financials", "financials")


def forged(message, previous, version, amount):
    """A forged upload of one update that follows `previous`, made from an event that anybody can read."""
    event = json.loads(message.value)
    upload_id = str(uuid.UUID(int=uuid.UUID(event["upload_id"]).int ^ 0xFFFF))
    values = event["new_values"]
    event |= {"event_type": "update", "upload_id": upload_id, "event_id": str(uuid.uuid5(uuid.UUID(upload_id), "1")), "seq": 1, "total": 1,
              "version": version, "previous_upload_id": previous["upload_id"], "old_values": values, "new_values": values | {"amount": amount},
              "changed_columns": ["amount"], "timestamp": "2090-01-01T00:00:00.000Z", "effective_at": "2090-01-01T00:00:00.000Z"}
    return message.key, json.dumps(event).encode(), upload_id


def send(pipeline, key, value, headers=()):
    producer = KafkaProducer(bootstrap_servers=pipeline.kafka.address)
    producer.send(pipeline.topic, key=key, value=value, headers=list(headers)).get(timeout=30)
    producer.close()


def signature_of(message):
    return dict(message.headers)["signature"]


def letters(pipeline):
    return pipeline.sql.rows("SELECT reason, upload_id, convert_from(payload, 'UTF8') AS payload FROM dead_letters ORDER BY log_offset, partition")


def state_of(pipeline, upload_id):
    return [row["state"] for row in pipeline.sql.rows(f"SELECT state FROM uploads WHERE upload_id = '{upload_id}'")]


def test_with_a_key_only_its_owners_publish(pipeline):
    pipeline.env["EVENT_KEY"] = KEY
    server, consumer = pipeline.serve(), pipeline.consume()
    first = applied(pipeline, server, csv_of(ROWS[0]))
    messages = pipeline.messages()
    key, value, upload_id = forged(messages[0], first, 2, "666")
    send(pipeline, key, value)
    send(pipeline, key, value, [("signature", b"0" * 64)])
    send(pipeline, key, value, [("signature", signature_of(messages[0]))])
    # The same value under another key, which would go to another partition.
    send(pipeline, messages[1].key, messages[0].value, [("signature", signature_of(messages[0]))])
    health_until(consumer, "all four are dead letters", lambda answer: answer["dead_letters"] == 4)
    assert all(letter["reason"].startswith("the message has no valid signature") and letter["upload_id"] is None
               for letter in letters(pipeline)), letters(pipeline)
    assert state_of(pipeline, upload_id) == []
    ids = [line.split("\t")[0] for line in pipeline.command("dead-letters", "list").stdout.splitlines()]
    for one in ids:
        again = pipeline.command("dead-letters", "retry", one)
        assert again.returncode == 2 and "no valid signature" in again.stderr, again
    assert state_of(pipeline, upload_id) == []
    applied(pipeline, server, csv_of(ROWS[1]))
    assert server.records() == values_of(ROWS[1])
    shown = pipeline.command("config").stdout
    assert KEY not in shown and "EVENT_KEY" in shown and "***" in shown
    assert KEY not in server.log_path.read_text() + consumer.log_path.read_text()


def test_a_key_is_rotated_without_losing_an_event(pipeline):
    pipeline.env["EVENT_KEY"] = OLD_KEY
    server = pipeline.serve()
    answers = [server.upload(csv_of(ROWS[0])).json()]
    pipeline.wait_published(server, answers[0]["upload_id"])
    server.stop()
    pipeline.env["EVENT_KEY"] = f"{KEY},{OLD_KEY}"
    server, _ = pipeline.serve(), pipeline.consume()
    answers.append(applied(pipeline, server, csv_of(ROWS[1])))
    pipeline.check_once(answers)
    assert letters(pipeline) == []


def test_a_key_that_is_too_short_is_refused_without_showing_it(pipeline):
    pipeline.env["EVENT_KEY"] = "short-secret"
    said = pipeline.command("config")
    assert said.returncode == 2 and "EVENT_KEY" in said.stderr and "short-secret" not in said.stderr, said


def test_without_a_key_a_forged_upload_is_a_fork_that_one_command_repairs(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    first = applied(pipeline, server, csv_of(ROWS[0]))
    elsewhere = applied(pipeline, server, csv_of(ROWS[0]), company_id="elsewhere")
    message = next(each for each in pipeline.messages() if each.key.startswith(b"so-financials/"))
    key, value, upload_id = forged(message, first, 2, "666")
    send(pipeline, key, value)
    pipeline.wait_applied(server, elsewhere["upload_id"])
    health_until(consumer, "it is applied", lambda _: state_of(pipeline, upload_id) == ["applied"])
    honest = server.upload(csv_of(ROWS[1])).json()["upload_id"]
    last = server.upload(csv_of(ROWS[2])).json()["upload_id"]
    health_until(consumer, "the honest ones are in conflict", lambda answer: len(answer["blocked"]) == 2)
    done = pipeline.command("conflict", "resolve", *TABLE, "--keep", last, "--yes")
    assert done.returncode == 0, done
    for upload in (honest, last):
        pipeline.wait_applied(server, upload)
    health_until(consumer, "all is well", lambda answer: answer["status"] == "UP" and not answer["blocked"])
    assert server.records() == values_of(ROWS[2])
    assert state_of(pipeline, upload_id) == ["conflict"]
    verified = pipeline.command("lake", "verify")
    assert verified.returncode == 0, verified.stdout
    applied(pipeline, server, csv_of(ROWS[3]))
    assert server.records() == values_of(ROWS[3])
