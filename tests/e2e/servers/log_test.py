"""Accidents of the log: foreign messages, lost messages, and a topic that is created again."""

import json

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from deltadrop_process import tree
from pipeline import Psql, csv_of, health_until, values_of

ROWS = [{f"F{n}": str(n * factor) for n in range(1, 40)} for factor in range(1, 6)]


def admin(pipeline):
    return KafkaAdminClient(bootstrap_servers=pipeline.kafka.address)


def test_garbage_becomes_dead_letters_and_blocks_nobody(pipeline):
    client = admin(pipeline)
    client.create_topics([NewTopic(pipeline.topic, 2, 1, topic_configs={"max.message.bytes": "10000000"})])
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(ROWS[0]))]
    event = json.loads(pipeline.messages()[0].value)
    del event["key_value"]
    garbage = {b"a": b"this is no JSON", b"b": b'{"some": "thing"}', b"c": json.dumps(event).encode(), b"d": b"x" * 5_000_000, b"e": None}
    pipeline.produce(*garbage.items())
    answers.append(server.upload_ok(csv_of(ROWS[1])))
    health = health_until(consumer, "all are counted", lambda answer: answer["dead_letters"] == len(garbage))
    assert (health["status"], health["blocked"]) == ("UP", [])
    letters = pipeline.sql.rows("SELECT log_offset, octet_length(payload) AS bytes, reason, topic FROM dead_letters")
    assert sorted(letter["bytes"] for letter in letters) == sorted(len(value or b"") for value in garbage.values())
    assert all(letter["reason"] and letter["topic"] == pipeline.topic for letter in letters), letters
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(ROWS[1])
    client.close()


def test_what_retention_dropped_is_named_and_repaired_by_republish(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(ROWS[0]))]
    consumer.stop()
    answers.append(server.upload(csv_of(ROWS[1])).json())
    pipeline.wait_published(server, answers[-1]["upload_id"])
    reader = KafkaConsumer(bootstrap_servers=pipeline.kafka.address)
    partitions = [TopicPartition(pipeline.topic, number) for number in reader.partitions_for_topic(pipeline.topic)]
    client = admin(pipeline)
    client.delete_records(reader.end_offsets(partitions))
    client.close()
    reader.close()

    stopped = pipeline.consume()
    assert stopped.process.wait(timeout=60) == 2
    log = stopped.log_path.read_text()
    assert "deltadrop republish" in log and "--accept-gap" in log, log
    pipeline.consume(flags=["--accept-gap"])
    said = pipeline.command("republish", "so-financials", "financials", "--from-version", "2")
    assert (said.returncode, "1 upload of 1 table:" in said.stdout, server.url.split("/")[-1] in said.stdout) == (0, True, True), said
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(ROWS[1])


def test_a_new_topic_and_an_empty_database_are_filled_again_by_republish(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(rows)) for rows in ROWS]
    events = pipeline.sql.rows("SELECT event_id, seq, data FROM (SELECT event_id, seq, new_values AS data FROM cdc_events) e ORDER BY 1")
    server.stop()
    consumer.stop()
    database = pipeline.database_url.rsplit("/", 1)[-1] + "_again"
    Psql(pipeline.postgres.url()).run(f"CREATE DATABASE {database}")
    pipeline.use(topic=pipeline.topic + "-again", database_url=pipeline.postgres.url(database))
    # No server runs, so republish only marks the versions.
    said = pipeline.command("republish")
    assert (said.returncode, "5 uploads of 1 table: sent again under the same event ids by the next start" in said.stdout) == (0, True), said
    server, consumer = pipeline.serve(), pipeline.consume()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    again = pipeline.sql.rows("SELECT event_id, seq, data FROM (SELECT event_id, seq, new_values AS data FROM cdc_events) e ORDER BY 1")
    assert again == events
    assert pipeline.open_rows() == values_of(ROWS[-1])


def test_a_topic_deleted_and_made_again_is_read_from_its_start(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(rows)) for rows in ROWS[:2]]
    server.stop()
    consumer.stop()
    client = admin(pipeline)
    client.delete_topics([pipeline.topic])
    client.close()
    server, consumer = pipeline.serve(), pipeline.consume()
    answers += [server.upload(csv_of(rows)).json() for rows in ROWS[2:]]
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(ROWS[-1])


def test_an_embedded_folder_is_migrated_with_the_same_events_and_files(pipeline):
    embedded = pipeline.dev()
    tables = [{f"F{n}": str(n * version) for n in range(1, 30)} for version in range(1, 21)]
    answers = [embedded.upload_ok(csv_of(rows)) for rows in tables]
    ids = sorted(row[0] for row in embedded.history_rows("SELECT event_id FROM cdc_events"))
    lake = tree(pipeline.parquet_dir)
    refused = pipeline.command("migrate")
    assert refused.returncode == 2 and "in use by process" in refused.stderr, refused
    embedded.stop()
    refused = pipeline.command("serve")
    assert refused.returncode == 2 and "deltadrop migrate" in refused.stderr, refused
    said = pipeline.command("migrate")
    assert said.returncode == 0 and "20 uploads of 1 table under" in said.stdout, said
    assert pipeline.command("migrate").returncode == 2

    server, _ = pipeline.serve(), pipeline.consume()
    for answer in answers:
        pipeline.wait_applied(server, answer["upload_id"])
    pipeline.check_once(answers)
    assert [row["event_id"] for row in pipeline.sql.rows("SELECT event_id FROM cdc_events ORDER BY 1")] == ids
    assert pipeline.open_rows() == values_of(tables[-1])
    assert tree(pipeline.parquet_dir) == lake
