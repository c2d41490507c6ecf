"""From upload to Parquet with the real program: four readers return the same as SQL, however the column types change."""

import json

import pytest

from readers_check import check

# Versions of one table, each with its form fields. Columns are added and removed, types widen, and keys are hostile.
VERSIONS = [
    ("id,n,m,day,at,ok,code,gone,empty\n"
     "a,1,10,2024-02-29,2025-03-10T12:34:56Z,true,1,x,\n"
     "../../x,-2,1.10,1969-12-31,2025-03-10 12:34:56.789012+02:00,false,2,y,\n"
     "a/b,9223372036854775807,0.1,9999-12-31,,,3,,\n", {"types": "code:string,rate:decimal(6)"}),
    ("id,n,m,day,at,ok,code,empty,rate\n"
     "a,1.5,10,2024-02-29,2025-03-10T12:34:56Z,true,1,,5\n"
     "%2F,,12345678901234567890.12,,,,007,,0.25\n"
     "a/b,9223372036854775807,0.1,9999-12-31,,,3,2024-01-01,\n", {}),
    ("id,n,m,day,at,ok,code,empty,rate,new\n"
     "a,1.5,0.000000000000000001,2024-02-29,2025-03-10T12:34:56Z,true,1,2024-01-02,5,\n"
     "A,2,99999999999999999999.999999999999999999,0001-01-01,0001-01-01T00:00:00Z,false,,,-0.000001,-0\n"
     "\U0001F600,3,1,2024-03-01,1999-12-31T23:59:59-11,true,+1,,0.5,7\n", {}),
    ("id,n,m,day,at,ok,code,empty,rate,new\n"
     "a,n/a,1,2024-02-30,2025-03-10T12:34:56Z,maybe,1,2024-01-02,+1E5,1234567890123456789\n"
     f"{'k' * 300},1,1,,,,,,,12345678901234567890\n", {"force": "true"}),
]


def sql_events(server):
    """The table's events from the history's SQL, in the order of versions."""
    rows = server.history_rows(
        "SELECT e.event_id, e.event_type, e.company_id, e.table_name, e.timestamp, e.effective_at, e.key_column, e.key_value, "
        "e.changed_columns, e.upload_id, e.file_id, u.file_sha256, e.version, u.types, u.previous_upload_id, e.seq, u.total, "
        "e.line, e.old_values, e.new_values FROM cdc_events e JOIN uploads u USING (upload_id) ORDER BY e.version, e.seq")
    names = ("event_id event_type company_id table_name timestamp effective_at key_column key_value changed_columns upload_id "
             "file_id file_sha256 version types previous_upload_id seq total line old_values new_values").split()
    events = []
    for row in rows:
        event = dict(zip(names, row))
        for name in ("changed_columns", "types", "old_values", "new_values"):
            event[name] = json.loads(event[name]) if event[name] else None
        event["changed_columns"] = event["changed_columns"] or []
        events.append(event)
    return events


def test_four_readers_give_what_sql_gives_after_each_version(server):
    folder = server.data_dir / "parquet/so-financials/financials"
    for number, (content, fields) in enumerate(VERSIONS, 1):
        server.upload_ok(content, **fields)
        events = sql_events(server)
        assert {event["version"] for event in events} == set(range(1, number + 1))
        assert check(str(folder), events) == {}, f"after version {number}"
    types = dict(server.history_rows("SELECT column_name, column_type FROM lake_columns"))
    assert types == {"id": "string", "n": "string", "m": "decimal(18)", "day": "string", "at": "timestamp", "ok": "string",
                     "code": "string", "gone": "string", "empty": "date", "rate": "string", "new": "string"}
    log = server.log_path.read_text()
    assert 'line 2 of version 4 has the value \\"+1E5\\"' in log or 'line 2 of version 4 has the value "+1E5"' in log


def test_one_file_an_event(start):
    server = start(env={"PARQUET_LAYOUT": "event"})
    content, fields = VERSIONS[0]
    server.upload_ok(content, **fields)
    server.upload_ok(VERSIONS[1][0])
    events = sql_events(server)
    folder = server.data_dir / "parquet/so-financials/financials"
    assert len(list(folder.glob("*.parquet"))) == len(events)
    assert check(str(folder), events) == {}


EVERY_TYPE = "decimal(2), decimal(4), decimal(6), decimal(9), decimal(12), decimal(18), date, timestamp, boolean, string"


@pytest.mark.parametrize("types, fix", [("n:decimal(3)", "use decimal(4)")] + [
    (types, EVERY_TYPE) for types in ("n:float", "n:null", "n:decimal", "n", "n:int64,n:string")])
def test_a_type_that_there_is_not_is_refused(server, types, fix):
    response = server.upload("id,n\na,1\n", types=types)
    assert response.status_code == 422, response.text
    problem = response.json()
    assert problem["type"] == "/problems/bad-types"
    assert fix in problem["fix"], response.text
    assert server.get("/api/v1/tables")["tables"] == []


def test_a_folder_that_cannot_be_written_is_filled_when_it_can(start):
    server = start()
    server.upload_ok(VERSIONS[0][0])
    folder = server.data_dir / "parquet/so-financials/financials"
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("in the way")
    answer = server.upload(VERSIONS[1][0]).json()
    state = server.wait(answer["upload_id"], "applied")
    assert (state["applied"], state["in_lake"]) == (True, False), "records do not wait for the lake"
    assert folder.read_text() == "in the way"
    folder.unlink()
    aside.rename(folder)
    assert server.wait(answer["upload_id"], "in_lake")["in_lake"] is True
    assert check(str(folder), sql_events(server)) == {}
