"""Uploads: retries, asynchronous responses, comparisons, reverts and downloads."""

import hashlib
import json
import sqlite3
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from deltadrop_process import FAULTY_PROGRAM, PROGRAM, TABLE, archived


def table(rows, amount="1.00"):
    return ("record_id,amount\n" + "".join(f"FIN-{n:04},{amount}\n" for n in rows)).encode()


V1, V2, V3 = table(range(30)), table(range(30), "2.00"), table(range(31), "3.00")


def put(server, content, key=None, query="", headers=()):
    headers = dict(headers)
    if key:
        headers["Idempotency-Key"] = key
    return server.request("PUT", TABLE + query, data=content, headers=headers)


def post(server, content, key):
    return server.request("POST", "/upload", files={"file": ("so-financials.csv", content)}, headers={"Idempotency-Key": key})


def versions(server):
    return server.get(TABLE)["versions"]


# ---- Idempotency-Key


def test_a_retry_is_answered_as_before_also_after_a_kill(start):
    server = start()
    key = str(uuid.uuid4())
    first = post(server, V1, key)
    assert first.status_code == 200, first.text
    assert "Idempotency-Replayed" not in first.headers
    server.upload_ok(V2)
    again = post(server, V1, key)
    assert (again.status_code, again.text) == (200, first.text)
    assert again.headers["Idempotency-Replayed"] == "true"
    server.kill()
    server = start()
    for retry in (post(server, V1, key), put(server, V1, f'"{key}"')):
        assert (retry.status_code, retry.text) == (200, first.text), "as a form, or as the file itself with a quoted key"
    assert versions(server) == 2
    assert server.get(f"{TABLE}/records?limit=1")["records"][0]["values"]["amount"] == "2.00"


def test_the_key_of_another_request_is_refused(server):
    assert post(server, V1, "k-1").status_code == 200
    for response in (post(server, V2, "k-1"), put(server, V1, "k-1", "?force=true")):
        assert response.status_code == 422, response.text
        assert response.json()["type"] == "/problems/idempotency-key-reused"
    bad = put(server, V2, "two words")
    assert (bad.status_code, bad.json()["type"]) == (400, "/problems/bad-idempotency-key")
    assert versions(server) == 1


# ---- If-Match, If-None-Match


def tag_of(content):
    return f'"{hashlib.sha256(content).hexdigest()}"'


def test_an_upload_depends_on_its_preconditions(server):
    def sent(content, **conditions):
        response = put(server, content, headers={name.replace("_", "-"): value for name, value in conditions.items()})
        if response.status_code == 412:
            assert response.json()["type"] == "/problems/precondition-failed"
        return response.status_code

    assert sent(V1, If_Match="*") == 412, "there is no version yet"
    assert sent(V1, If_None_Match="*") == 200
    assert sent(V2, If_None_Match="*") == 412, "the upload must not overwrite a version"
    assert sent(V2, If_Match=tag_of(V3)) == 412
    assert sent(V2, If_Match="W/" + tag_of(V1)) == 412
    assert versions(server) == 1
    assert sent(V2, If_Match=f'"x", {tag_of(V1)}') == 200
    assert sent(V3, If_None_Match=tag_of(V2)) == 412
    assert sent(V3, If_None_Match=tag_of(V1)) == 200
    assert versions(server) == 3

    revert = f"{TABLE}/revert?to_version=1&force=true"
    refused = server.request("POST", revert, headers={"If-Match": tag_of(V1)})
    assert (refused.status_code, versions(server)) == (412, 3)
    assert server.request("POST", revert, headers={"If-Match": tag_of(V3)}).status_code == 200

    file = f"{TABLE}/versions/1/file"
    assert server.request("GET", file, headers={"If-Match": tag_of(V2)}).status_code == 412
    assert server.request("GET", file, headers={"If-Match": tag_of(V1)}).content == V1


def test_of_uploads_with_one_precondition_one_is_done(server):
    put(server, V1)
    files = [table(range(30), f"{n}.00") for n in range(2, 14)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda content: put(server, content, headers={"If-Match": tag_of(V1)}).status_code, files))
    assert sorted(answers) == [200] + [412] * 11


def test_a_retry_with_its_key_is_answered_whatever_its_precondition_says_now(server):
    put(server, V1)
    first = put(server, V2, "once", headers={"If-Match": tag_of(V1)})
    again = put(server, V2, "once", headers={"If-Match": tag_of(V1)})
    assert (first.status_code, again.status_code, again.text) == (200, 200, first.text)


def test_a_part_of_a_file_is_refused(server):
    put(server, V1)
    refused = put(server, V1[:200], headers={"Content-Range": f"bytes 0-199/{len(V1)}"})
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/bad-request")
    assert versions(server) == 1


@pytest.mark.parametrize("restarts", [False, True])
def test_many_at_once_with_one_key_are_one_upload(start, restarts):
    server = start()
    server.upload_ok(V1)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: put(server, V2, "same"), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    if restarts:
        server.stop()
        server = start()
        assert put(server, V2, "same").text == answers[0].text
    assert versions(server) == 2


@pytest.mark.parametrize("point", ["ingest.catalog.commit", "ingest.catalog.committed"])
def test_a_key_is_kept_with_the_upload_or_not_at_all(start, point):
    """Kills the server at the commit. Either both the key and the upload exist, or neither, and a retry makes the one version."""
    server = start(program=FAULTY_PROGRAM, fault=f"kill:{point}:3")  # 2 are the first start's: the archive's id, the clock
    with pytest.raises(requests.ConnectionError):
        put(server, V1, "k")
    server.kill()
    server = start()
    retry = put(server, V1, "k")
    assert retry.status_code == 200, retry.text
    assert ("Idempotency-Replayed" in retry.headers) == (point == "ingest.catalog.committed")
    assert versions(server) == 1


def test_held_answers_are_repeated_too(server):
    server.upload_ok(V1)
    first = put(server, V2, "dry", "?dry_run=true")
    assert first.status_code == 202
    again = put(server, V2, "dry", "?dry_run=true")
    assert (again.status_code, again.text, again.headers["Location"]) == (202, first.text, first.headers["Location"])
    assert len(server.get("/api/v1/uploads?state=held")["uploads"]) == 1
    release = f"{first.headers['Location']}/release"
    released = server.request("POST", release, headers={"Idempotency-Key": "release"})
    assert released.status_code == 200, released.text
    repeated = server.request("POST", release, headers={"Idempotency-Key": "release"})
    assert (repeated.status_code, repeated.json()["version"]) == (200, 2)
    assert server.request("POST", release).status_code == 409


def test_answers_are_forgotten_in_time(start):
    server = start(flags=("--idempotency-ttl", "1ms"))
    first = put(server, V1, "k")
    second = put(server, V2, "k")
    assert (first.status_code, second.status_code) == (200, 200), "the key is free again"
    assert versions(server) == 2


# ---- Prefer: respond-async


def test_who_does_not_wait_is_answered_when_it_is_accepted(server):
    response = put(server, V1, headers={"Prefer": "respond-async"})
    assert (response.status_code, response.json()["status"]) == (202, "accepted")
    assert response.headers["Preference-Applied"] == "respond-async"
    upload = server.get(response.headers["Location"] + "?wait=in_lake&timeout=30s")
    assert (upload["state"], upload["applied"], upload["in_lake"]) == ("published", True, True)
    times = upload["times"]
    steps = [times[name] for name in ("received", "diffed", "accepted", "published", "applied", "in_lake")]
    assert all(steps) and steps == sorted(steps), times
    assert times["held"] is None
    bad = put(server, b"id,name\n1,a\n1,b\n", headers={"Prefer": "respond-async"})
    assert bad.status_code == 422, "findings in a file are still reported at once"
    same = put(server, V1, headers={"Prefer": "respond-async"})
    assert (same.status_code, same.json()["status"]) == (200, "unchanged")


# ---- two at once, and a table that moved on


def test_two_uploads_of_a_table_at_once_are_two_versions(server):
    server.upload_ok(V1)
    gate = threading.Barrier(8)

    def send(n):
        gate.wait()
        return put(server, table(range(30), f"{n}.50"))

    with ThreadPoolExecutor(8) as pool:
        answers = [answer.json() for answer in pool.map(send, range(8))]
    assert sorted(answer["version"] for answer in answers) == list(range(2, 10))
    assert {answer["updated"] for answer in answers} == {30}
    last = max(answers, key=lambda answer: answer["version"])
    server.wait(last["upload_id"], "applied")
    content, manifest = archived(server.data_dir)[-1]
    assert manifest["upload_id"] == last["upload_id"]
    assert {record["amount"] for record in server.records().values()} == {content.decode().splitlines()[1].split(",")[1]}


def test_a_release_after_the_table_moved_says_what_came_since(server):
    server.upload_ok(V1)
    held = server.upload(V2, dry_run="true").json()
    between = [server.upload_ok(V3), server.upload_ok(table(range(32)))]
    response = server.request("POST", f"/api/v1/uploads/{held['upload_id']}/release")
    assert response.status_code == 409
    problem = response.json()
    assert problem["type"] == "/problems/table-moved-on"
    since = [(version["version"], version["upload_id"]) for version in problem["changed_since"]]
    assert since == [(answer["version"], answer["upload_id"]) for answer in between]
    assert server.get(f"/api/v1/uploads/{held['upload_id']}")["state"] == "held"


def test_held_uploads_are_listed_with_their_end_and_expire(start):
    server = start(flags=("--dry-run-ttl", "1h"))
    server.upload_ok(V1)
    held = server.upload(V2, dry_run="true").json()
    listed = server.get("/api/v1/uploads?state=held")["uploads"]
    assert [upload["upload_id"] for upload in listed] == [held["upload_id"]]
    assert server.get(f"/api/v1/uploads/{held['upload_id']}")["expires_at"] > listed[0]["received_at"]
    server.stop()
    catalog = sqlite3.connect(server.data_dir / "catalog.db")
    with catalog:
        catalog.execute("UPDATE uploads SET aged_from_ms = aged_from_ms - 3600000 WHERE state = 'held'")
    catalog.close()
    server = start(flags=("--dry-run-ttl", "1h"))
    assert server.get(f"/api/v1/uploads/{held['upload_id']}")["state"] == "expired"
    assert server.request("GET", f"/api/v1/uploads/{held['upload_id']}/changes").status_code == 409
    assert list((server.data_dir / "held").iterdir()) == []


# ---- versions side by side, and back


def test_a_revert_repairs_and_the_history_keeps_the_mistake(server):
    server.upload_ok(V1)
    server.upload_ok(V2)
    response = server.request("POST", f"{TABLE}/revert?to_version=1")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["version"], answer["reverts_to"], answer["updated"]) == (3, 1, 30)
    server.wait(answer["upload_id"], "in_lake")
    assert {record["amount"] for record in server.records().values()} == {"1.00"}
    history = server.get(f"{TABLE}/records/FIN-0001/history")["history"]
    assert [entry["values"]["amount"] for entry in history] == ["1.00", "2.00", "1.00"]
    content, manifest = archived(server.data_dir)[-1]
    assert (content, manifest["reverts_to"]) == (V1, 1)
    assert server.request("POST", f"{TABLE}/revert?to_version=1").json()["status"] == "unchanged"
    dry = server.request("POST", f"{TABLE}/revert?to_version=2&dry_run=true")
    assert (dry.status_code, dry.json()["status"], dry.json()["updated"]) == (202, "held", 30)
    missing = server.request("POST", f"{TABLE}/revert?to_version=9")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/no-such-version")


def test_a_revert_to_other_options_reads_as_then(start):
    server = start()
    first = "id;region;name\n1;n;café\n2;s;b\n".encode("latin-1")
    server.upload_ok(first, delimiter=";", encoding="latin-1", ignore="region")
    server.upload_ok("name,id\ncafé,1\nc,2\n", delimiter="auto", encoding="auto", ignore="", key="name", rekey="true", force="true")
    guarded = server.request("POST", f"{TABLE}/revert?to_version=1")
    assert (guarded.status_code, guarded.json()["status"]) == (202, "held"), "the key changes back"
    answer = server.request("POST", f"{TABLE}/revert?to_version=1&force=true").json()
    server.wait(answer["upload_id"], "in_lake")
    assert server.records() == {"1": {"id": "1", "name": "café"}, "2": {"id": "2", "name": "b"}}
    same = server.get(f"{TABLE}/versions/1..3/diff")
    assert (same["changes_detected"], same["key_changed"]) == (0, False)
    server.stop()
    # The manifest contains everything: a catalog that is rebuilt from the archive gives the same result.
    subprocess.run([PROGRAM, "rebuild", "catalog", "--data-dir", server.data_dir], check=True, capture_output=True)
    server = start()
    listed = server.get(f"{TABLE}/versions")["versions"]
    assert [version["reverts_to"] for version in listed] == [None, None, 1]
    assert listed[2]["options"] == listed[0]["options"]


def test_a_key_that_names_another_row_after_a_rekey_is_deleted_before_it_is_inserted(server):
    server.upload_ok("id,code\n1,2\n2,1\n")
    upload_id = server.upload_ok("id,code\n1,2\n2,1\n", key="code", rekey="true", force="true")["upload_id"]
    server.wait(upload_id, "in_lake")
    events = server.get(f"/api/v1/events?upload={upload_id}")["events"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    for key, before, after in (("1", {"id": "1", "code": "2"}, {"id": "2", "code": "1"}),
                               ("2", {"id": "2", "code": "1"}, {"id": "1", "code": "2"})):
        of_key = [(event["event_type"], event["old_values"], event["new_values"]) for event in events if event["key_value"] == key]
        assert of_key == [("delete", before, None), ("insert", None, after)]
        history = server.get(f"{TABLE}/records/{key}/history")["history"]
        assert [(entry["event_type"], entry["values"]) for entry in history] == [("insert", before), ("delete", None), ("insert", after)]
        assert server.records()[key] == after


def test_versions_are_compared_both_ways_and_by_pages(server):
    server.upload_ok(V1)
    server.upload_ok(V2)
    server.upload_ok(table([*range(1, 30), 77], "2.00"))
    whole = server.get(f"{TABLE}/versions/1..3/diff?limit=1000")
    assert (whole["rows_before"], whole["rows"], whole["inserted"], whole["updated"], whole["deleted"]) == (30, 30, 1, 29, 1)
    assert len(whole["changes"]) == 31
    assert server.all_pages(f"{TABLE}/versions/1..3/diff?limit=7", "changes") == whole["changes"]
    back = server.get(f"{TABLE}/versions/3..1/diff?limit=1000")
    assert (back["inserted"], back["updated"], back["deleted"]) == (1, 29, 1)
    flipped = {change["key_value"]: (change["new_values"], change["old_values"]) for change in back["changes"]}
    assert {change["key_value"]: (change["old_values"], change["new_values"]) for change in whole["changes"]} == flipped
    assert server.get(f"{TABLE}/versions/0..1/diff")["inserted"] == 30
    assert server.get(f"{TABLE}/versions/1..0/diff")["deleted"] == 30
    assert server.request("GET", f"{TABLE}/versions/1..4/diff").status_code == 404
    # The diff of two adjacent versions equals the events.
    events = server.all_pages(f"/api/v1/events?upload={server.get(TABLE)['last_upload']['upload_id']}", "events")
    step = server.get(f"{TABLE}/versions/2..3/diff?limit=1000")["changes"]
    shared = ("seq", "event_type", "key_column", "key_value", "old_values", "new_values", "changed_columns", "line")
    assert [{name: event[name] for name in shared} for event in events] == step


def test_a_big_comparison_is_read_page_by_page(server):
    """Each page costs the same, because the files are compared once and not for each page."""
    rows = 100_000
    server.upload_ok(table(range(rows)))
    server.upload_ok(table(range(rows), "2.00"))
    upload = server.get(TABLE)["last_upload"]["upload_id"]
    for path in (f"{TABLE}/versions/1..2/diff?limit=1000", f"/api/v1/uploads/{upload}/changes?limit=1000"):
        changes = server.all_pages(path, "changes")
        assert [change["seq"] for change in changes] == list(range(1, rows + 1))
        assert {json.dumps(change["changed_columns"]) for change in changes} == {'["amount"]'}


def test_an_archived_file_comes_in_parts(server):
    content = table(range(200_000))
    server.upload_ok(content)
    path = f"{TABLE}/versions/1/file"
    whole = server.request("GET", path)
    tag = whole.headers["ETag"]
    assert whole.content == content
    assert tag == f'"{hashlib.sha256(content).hexdigest()}"'
    assert whole.headers["Content-Length"] == str(len(content))
    head = server.request("HEAD", path)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(content)), b"")
    parts = b""
    while len(parts) < len(content):
        part = server.request("GET", path, headers={"Range": f"bytes={len(parts)}-{len(parts) + 999_999}", "If-Range": tag})
        assert part.status_code == 206
        assert part.headers["Content-Range"].startswith(f"bytes {len(parts)}-")
        parts += part.content
    assert parts == content
    assert server.request("GET", path, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    assert server.request("GET", path, headers={"If-None-Match": tag}).status_code == 304


def test_tables_say_how_much_they_hold_and_when_they_changed(server):
    server.upload_ok(V1)
    changed = server.upload_ok(V3)
    server.upload_ok(V3, ignore="nothing-of-this-name")
    server.upload_ok(V1, company_id="another")
    listed = server.all_pages("/api/v1/tables?limit=1", "tables")
    assert [(t["company_id"], t["versions"], t["rows"]) for t in listed] == [("another", 1, 30), ("so-financials", 3, 31)]
    assert listed[1]["changed_at"] == changed["timestamp"], "the third version changed no row"
    counts = [(v["rows"], v["inserted"], v["updated"], v["deleted"]) for v in server.get(f"{TABLE}/versions")["versions"]]
    assert counts == [(30, 30, 0, 0), (31, 1, 30, 0), (31, 0, 0, 0)]


# ---- accepted with a warning

def test_a_quote_inside_an_unquoted_value_is_warned_of_and_kept(server):
    content = b'record_id,size,note\nA,5" pipe,"a ""b"""\nB,small,6"\n'
    warning = ('line 2, column "size": "5" pipe" has a quote inside an unquoted value, which was read as an ordinary character; '
               "2 values in the file have one; to be unambiguous, put the whole value in quotes and double each quote inside")
    answer = put(server, content).json()
    assert (answer["status"], answer["warnings"]) == ("published", [warning])
    assert server.get(f"/api/v1/uploads/{answer['upload_id']}")["warnings"] == [warning]
    server.wait(answer["upload_id"], "applied")
    assert server.records()["A"] == {"record_id": "A", "size": '5" pipe', "note": 'a "b"'}
    held = put(server, content.replace(b"small", b"large"), query="?dry_run=true").json()
    assert (held["status"], held["warnings"]) == ("held", [warning])
    assert server.request("POST", held["release"]["path"]).json()["warnings"] == [warning]
    quoted = put(server, content.replace(b'5" pipe', b'"5"" pipe"').replace(b'6"', b'"6"""')).json()
    assert (quoted["status"], quoted["warnings"], quoted["updated"]) == ("published", [], 1)


def test_the_command_line_warns_of_a_quote_inside_an_unquoted_value(server, tmp_path):
    for name, text in (("old.csv", "id,size\nA,small\n"), ("new.csv", 'id,size\nA,5" pipe\n')):
        (tmp_path / name).write_text(text)
    warning = 'line 2, column "size": "5" pipe" has a quote inside an unquoted value'
    run = lambda *arguments: subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    compared = run("diff", tmp_path / "old.csv", tmp_path / "new.csv")
    assert compared.returncode == 1 and f"{tmp_path}/new.csv:2: warning: {warning}" in compared.stderr, compared
    sent = run("upload", tmp_path / "new.csv", "--data-dir", server.data_dir)
    assert sent.returncode == 0 and warning in sent.stdout, sent
