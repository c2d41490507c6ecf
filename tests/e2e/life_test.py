"""The main job over HTTP, seen by independent readers: uploads become changes, log messages, history and Parquet."""

import csv
import hashlib
import io
import json
import re
import sqlite3

import duckdb
import polars
import pyarrow.dataset
import pytest

from deltadrop_process import TABLE, archived

V1 = '''record_id,period,item,amount,note
FIN-0001,2024-Q1,Revenue,1250000.10,
FIN-0002,2024-Q1,"Cost of sales, total",-730000.00,"restated
later"
FIN-0003,2024-Q1,EBIT,007,"said ""as is"""
FIN-0004,2024-Q2,Revenue,1310000.00,
'''
# One figure is restated, one row is deleted, one row is inserted, and one new column has one value.
V2 = '''record_id,period,item,amount,note,currency
FIN-0001,2024-Q1,Revenue,1250000.10,,
FIN-0002,2024-Q1,"Cost of sales, total",-731500.00,"restated
later",
FIN-0004,2024-Q2,Revenue,1310000.00,,EUR
FIN-0005,2024-Q3,Revenue,1E5,,
'''


def rows_of(text):
    """{key: {column: text or None}}. An empty field is None."""
    return {row["record_id"]: {name: value or None for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))}


@pytest.fixture
def uploaded(server):
    return server, server.upload_ok(V1), server.upload_ok(V2)


def test_the_answer_has_the_documented_members(uploaded):
    _, first, second = uploaded
    digest = hashlib.sha256(V1.encode()).hexdigest()
    assert first["message"] == "File processed successfully"
    assert first["file_id"] == f"so-financials_{digest[:8]}"
    assert first["company_id"] == "so-financials"
    assert first["changes_detected"] == 4
    assert (first["version"], first["status"], first["table_name"], first["rows"]) == (1, "published", "financials", 4)
    assert (first["inserted"], first["updated"], first["deleted"]) == (4, 0, 0)
    assert (second["version"], second["changes_detected"]) == (2, 4)
    assert (second["inserted"], second["updated"], second["deleted"]) == (1, 2, 1)
    assert "currency" in json.dumps(second["schema_changes"])


def test_events_say_what_changed_in_order(uploaded):
    server, first, second = uploaded
    events = server.all_pages(f"/api/v1/events?upload={second['upload_id']}&limit=2", "events")
    assert [(e["event_type"], e["key_value"], e["seq"]) for e in events] == [
        ("delete", "FIN-0003", 1), ("update", "FIN-0002", 2), ("update", "FIN-0004", 3), ("insert", "FIN-0005", 4)]
    update = events[1]
    assert update["changed_columns"] == ["amount"]
    assert update["old_values"] == rows_of(V1)["FIN-0002"]
    assert update["new_values"] == rows_of(V2)["FIN-0002"]
    assert (update["line"], update["total"], update["version"]) == (3, 4, 2)
    assert update["previous_upload_id"] == first["upload_id"]
    assert update["file_sha256"] == hashlib.sha256(V2.encode()).hexdigest()
    assert events[0]["old_values"] == rows_of(V1)["FIN-0003"] and events[0]["new_values"] is None
    assert events[2]["changed_columns"] == ["currency"]


def test_records_now_and_as_of(uploaded):
    server, first, second = uploaded
    assert server.records() == rows_of(V2)
    assert server.records(f"&as_of={first['timestamp']}") == rows_of(V1)
    assert server.records(f"&as_of={second['timestamp']}") == rows_of(V2)
    assert server.records("&version=1") == rows_of(V1)
    assert server.records("&as_of=2000-01-01") == {}
    page = server.get(f"{TABLE}/records?limit=2")
    assert (page["version"], page["complete"], len(page["records"])) == (2, True, 2)


def test_a_keys_history_with_validity(uploaded):
    server, first, second = uploaded
    deleted = server.get(f"{TABLE}/records/FIN-0003/history")["history"]
    assert [(entry["event_type"], entry["version"]) for entry in deleted] == [("insert", 1), ("delete", 2)]
    assert deleted[0]["valid_from"] == first["timestamp"] and deleted[0]["valid_to"] == second["timestamp"]
    assert deleted[1]["values"] is None
    updated = server.get(f"{TABLE}/records/history?key=FIN-0002")["history"]
    assert updated[1]["changed_columns"] == ["amount"] and updated[1]["valid_to"] is None


def test_sql_sees_the_documented_tables(uploaded):
    server, first, second = uploaded
    counts = dict(server.history_rows("SELECT event_type, count(*) FROM cdc_events GROUP BY 1"))
    assert counts == {"insert": 5, "update": 2, "delete": 1}
    now = server.history_rows("SELECT record_key, data FROM company_data WHERE is_current = 1 AND company_id = 'so-financials'")
    assert {key: json.loads(data) for key, data in now} == {
        key: {name: value for name, value in values.items() if key != "FIN-0001" or name != "currency"}
        for key, values in rows_of(V2).items()}
    closed = server.history_rows("SELECT record_key, valid_from, valid_to FROM company_data WHERE is_current = 0 ORDER BY 1")
    assert closed == [(key, first["timestamp"], second["timestamp"]) for key in ("FIN-0002", "FIN-0003", "FIN-0004")]
    applied = server.history_rows("SELECT version, state, applied_no FROM uploads ORDER BY version")
    assert applied == [(1, "applied", 1), (2, "applied", 2)]


def test_the_audit_trail_refuses_to_change(uploaded):
    server, _, _ = uploaded
    connection = sqlite3.connect(server.data_dir / "history.db")
    for statement in ("UPDATE cdc_events SET key_value = 'x'", "DELETE FROM cdc_events"):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()


def test_parquet_files_have_the_documented_names(uploaded):
    server, first, second = uploaded
    stamp = {answer["version"]: re.sub(r"[-:T]", "", answer["timestamp"])[:14] for answer in (first, second)}
    suffix = "~v2" if stamp[1] == stamp[2] else ""
    names = sorted(path.name for path in (server.data_dir / "parquet/so-financials/financials").iterdir())
    assert names == sorted([
        f"insert_{stamp[1]}_FIN-0001.parquet", f"delete_{stamp[2]}_FIN-0003{suffix}.parquet",
        f"update_{stamp[2]}_FIN-0002{suffix}.parquet", f"insert_{stamp[2]}_FIN-0005{suffix}.parquet"])


def test_three_readers_of_one_glob_agree_with_the_events(uploaded):
    server, _, _ = uploaded
    folder = server.data_dir / "parquet/so-financials/financials"
    expected = sorted((event["version"], event["seq"], event["event_type"], event["key_value"],
                       (event["old_values"] or {}).get("amount"), (event["new_values"] or {}).get("amount"),
                       (event["new_values"] or {}).get("currency"))
                      for event in server.all_pages("/api/v1/events?limit=1000", "events"))
    columns = ["version", "seq", "event_type", "key_value", "old_amount", "new_amount", "new_currency"]
    by_arrow = pyarrow.dataset.dataset(folder).to_table(columns=columns).to_pylist()
    by_duckdb = duckdb.sql(f"SELECT {', '.join(columns)} FROM read_parquet('{folder}/*.parquet')").fetchall()
    by_polars = polars.scan_parquet(f"{folder}/*.parquet").select(columns).collect().rows()
    assert len(expected) == 8
    assert sorted((tuple(row[name] for name in columns) for row in by_arrow), key=lambda row: row[:2]) == expected
    assert sorted(by_duckdb, key=lambda row: row[:2]) == expected
    assert sorted(by_polars, key=lambda row: row[:2]) == expected


def test_the_archive_keeps_every_byte_and_a_manifest(uploaded):
    server, first, second = uploaded
    versions = archived(server.data_dir)
    assert [content for content, _ in versions] == [V1.encode(), V2.encode()]
    for (content, manifest), answer in zip(versions, (first, second)):
        assert manifest["upload_id"] == answer["upload_id"]
        assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert (server.data_dir / "current/so-financials/financials.csv").read_bytes() == V2.encode()
    fetched = server.request("GET", f"{TABLE}/versions/1/file")
    assert fetched.content == V1.encode()


def test_the_same_file_again_is_unchanged(uploaded):
    server, _, second = uploaded
    again = server.upload(V2)
    assert again.status_code == 200
    answer = again.json()
    assert (answer["status"], answer["changes_detected"], answer["version"]) == ("unchanged", 0, 2)
    assert answer["upload_id"] == second["upload_id"]


def test_a_restart_changes_nothing(uploaded, start):
    server, first, _ = uploaded
    before = [server.records(), server.records("&version=1"), server.all_pages("/api/v1/events?limit=1000", "events")]
    server.stop()
    after = start()
    assert [after.records(), after.records("&version=1"), after.all_pages("/api/v1/events?limit=1000", "events")] == before
    assert after.upload_ok(V1)["version"] == 3
    assert after.records() == rows_of(V1)
    assert after.records(f"&as_of={first['timestamp']}") == rows_of(V1)


def test_health_has_the_documented_members(server):
    health = server.get("/health")
    assert (health["status"], health["kafka"]) == ("UP", "UP")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", health["timestamp"])
    assert server.request("GET", "/health/live").status_code == 200
    assert server.request("GET", "/health/ready").status_code == 200


def test_compressed_files_are_expanded(server, tmp_path):
    import gzip
    answer = server.upload_ok(gzip.compress(V1.encode()), name="so-financials.csv.gz")
    assert answer["company_id"] == "so-financials"
    assert archived(server.data_dir)[0][0] == V1.encode()


def test_two_servers_on_one_folder(server, tmp_path):
    from deltadrop_process import Deltadrop, DidNotStart
    with pytest.raises(DidNotStart) as failure:
        Deltadrop(server.data_dir)
    exit_code, message = failure.value.args
    assert exit_code != 0
    assert str(server.process.pid) in message
