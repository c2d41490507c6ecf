"""The main job: upload, Kafka, PostgreSQL, lake; every change once, in order, seen by independent readers."""

import json

from pipeline import csv_of, values_of

ROWS = {f"FIN-{n:06}": f"{n}.00" for n in range(100_000)}


def edited(rows, updates=(), deletes=(), inserts=()):
    changed = {key: ("7.77" if key in updates else amount) for key, amount in rows.items() if key not in deletes}
    return changed | {key: "1.23" for key in inserts}


def test_inserts_updates_deletes_inserts(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    keys = list(ROWS)
    files = [ROWS]
    files.append(edited(files[-1], updates=set(keys[::100])))
    files.append(edited(files[-1], deletes=set(keys[5::1000])))
    files.append(edited(files[-1], inserts=[f"NEW-{n:03}" for n in range(100)]))
    answers = []
    for rows in files:
        answer = server.upload(csv_of(rows)).json()
        assert answer["status"] in ("published", "accepted"), answer
        answers.append(answer)
    assert [(a["inserted"], a["updated"], a["deleted"]) for a in answers] == [(100_000, 0, 0), (0, 1000, 0), (0, 0, 100), (100, 0, 0)]
    states = [pipeline.wait_applied(server, answer["upload_id"]) for answer in answers]

    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(files[-1])
    for state, rows in zip(states, files):
        assert pipeline.rows_at(state["effective_at"]) == values_of(rows), state["version"]
    assert server.records("&version=2")[keys[0]] == {"record_id": keys[0], "amount": "7.77"}

    messages = pipeline.messages()
    events = [json.loads(record.value) for record in messages]
    assert len({event["event_id"] for event in events}) == 101_200
    assert all(record.key.decode() == f"so-financials/financials/{event['key_value']}" for record, event in zip(messages, events))
    replayed, versions = {}, {}
    for event in events:
        assert versions.get(event["key_value"], 0) <= event["version"], "a key's events are in order"
        versions[event["key_value"]] = event["version"]
        replayed[event["key_value"]] = event["new_values"]
    assert {key: values for key, values in replayed.items() if values} == values_of(files[-1])

    health = consumer.get("/health")
    assert (health["status"], health["kafka"], health["database"], health["lag"], health["pending"]) == ("UP", "UP", "UP", 0, 0)
    assert server.get("/health")["status"] == "UP"
    consumer.stop()
    server.stop()


def test_a_replay_of_the_whole_topic_changes_nothing(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of({f"F{n}": str(n * round) for n in range(50)})) for round in range(1, 4)]
    before = pipeline.sql.rows("SELECT * FROM company_data ORDER BY record_key, valid_from")
    consumer.stop()
    pipeline.sql.run("UPDATE log_offsets SET next_offset = 0")
    pipeline.consume()
    more = server.upload_ok(csv_of({f"F{n}": "0" for n in range(50)}))
    pipeline.check_once([*answers, more])
    after = pipeline.sql.rows("SELECT company_id, table_name, record_key, data, valid_from, upload_id FROM company_data ORDER BY record_key, valid_from")
    kept = [row for row in after if row["upload_id"] != more["upload_id"]]
    wanted = [{name: row[name] for name in ("company_id", "table_name", "record_key", "data", "valid_from", "upload_id")} for row in before]
    assert kept == wanted
