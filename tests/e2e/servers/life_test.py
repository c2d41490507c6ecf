"""The main job: upload, Kafka, PostgreSQL, lake. Independent readers see every change once and in order."""

import json

from pipeline import csv_of, values_of

ROWS = {f"FIN-{n:06}": f"{n}.00" for n in range(100_000)}


def edited(rows, updates=(), deletes=(), inserts=()):
    changed = {key: ("7.77" if key in updates else amount) for key, amount in rows.items() if key not in deletes}
    return changed | {key: "1.23" for key in inserts}


def changes(files):
    """{(version, key): (type, old amount, new amount, changed columns)}, computed without Deltadrop."""
    found = {}
    for version, (old, new) in enumerate(zip([{}, *files], files), 1):
        found |= {(version, key): ("delete", old[key], None, None) for key in old.keys() - new.keys()}
        found |= {(version, key): ("insert", None, new[key], None) for key in new.keys() - old.keys()}
        found |= {(version, key): ("update", old[key], new[key], ["amount"]) for key in old.keys() & new.keys() if old[key] != new[key]}
    return found


def change_of(event):
    old, new = event["old_values"], event["new_values"]
    assert all(values is None or values["record_id"] == event["key_value"] for values in (old, new))
    columns = event["changed_columns"] if event["event_type"] == "update" else None
    return event["event_type"], old and old["amount"], new and new["amount"], columns


def check_log(pipeline, files, wanted):
    """Checks that the messages are exactly the expected changes, without duplicates. A key's messages are in one partition and in
    order, and replaying them gives every file."""
    messages = pipeline.messages()
    events = [json.loads(record.value) for record in messages]
    assert len(events) == len({event["event_id"] for event in events}) == len(wanted)
    assert {(event["version"], event["key_value"]): change_of(event) for event in events} == wanted
    versions, partitions = {}, {}
    for record, event in zip(messages, events):
        key = event["key_value"]
        assert record.key.decode() == f"so-financials/financials/{key}"
        assert dict(record.headers) == {"event_type": event["event_type"].encode(), "content-type": b"application/json",
                                        "upload_id": event["upload_id"].encode()}
        assert versions.get(key, 0) < event["version"], "a key's events are in order"
        assert partitions.setdefault(key, record.partition) == record.partition
        versions[key] = event["version"]
    rows = {}
    for version, file in enumerate(files, 1):
        for event in events:
            if event["version"] == version:
                rows[event["key_value"]] = event["new_values"]
        assert {key: values for key, values in rows.items() if values} == values_of(file), version


def check_database(pipeline, files, states, wanted):
    """The same checks in plain SQL: the events, the records now and as of each version, and the order of each key's events."""
    rows = pipeline.sql.rows("SELECT version, key_value, event_type, old_values, new_values, changed_columns FROM cdc_events")
    assert len(rows) == len(wanted)
    assert {(row["version"], row["key_value"]): change_of(row) for row in rows} == wanted
    assert pipeline.open_rows() == values_of(files[-1])
    for state, file in zip(states, files):
        assert pipeline.rows_at(state["effective_at"]) == values_of(file), state["version"]
    opening = sum(kind != "delete" for kind, *_ in wanted.values())
    ordered = ("SELECT count(*) AS n, count(*) FILTER (WHERE next < valid_to OR is_current AND next IS NOT NULL OR valid_from <> effective_at) AS wrong "
               "FROM (SELECT r.*, u.effective_at, lead(valid_from) OVER (PARTITION BY record_key ORDER BY version) AS next "
               "FROM company_data r JOIN uploads u USING (upload_id)) r")
    assert pipeline.sql.rows(ordered) == [{"n": opening, "wrong": 0}]


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

    wanted = changes(files)
    assert len(wanted) == 101_200
    pipeline.check_once(answers)
    check_log(pipeline, files, wanted)
    check_database(pipeline, files, states, wanted)
    assert server.records("&version=2")[keys[0]] == {"record_id": keys[0], "amount": "7.77"}

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
