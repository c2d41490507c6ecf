"""Reads while uploads run: downloads, paging, server-sent events, and the commands that query the server."""

import csv
import io
import json
import os
import subprocess
import threading
from pathlib import Path

import pyarrow.parquet
import pytest
import requests

from deltadrop_process import PROGRAM, TABLE
from read_checks import CSV, LINES, PARQUET, Stream, check_readers_see_whole_versions, table_of


def ids(events):
    return [event["event_id"] for event in events]


def all_events(server, query=""):
    return server.all_pages(f"/api/v1/events?limit=1000{query}", "events")


def test_a_downloaded_csv_can_be_uploaded_again(server):
    odd = 'id,a;b,"say ""x""","two\nlines",ignored\n1,"x, y",,"l1\nl2",i\n2,007,"""q""",é,j\n3,,,,k\n'
    server.upload_ok(odd, ignore="ignored")
    downloaded = server.request("GET", f"{TABLE}/records", headers=CSV)
    assert downloaded.headers["Deltadrop-Version"] == "1" and downloaded.headers["Deltadrop-Complete"] == "true"
    original = [{name: value for name, value in row.items() if name != "ignored"} for row in csv.DictReader(io.StringIO(odd))]
    assert list(csv.DictReader(io.StringIO(downloaded.content.decode(), newline=""))) == original
    again = server.upload(downloaded.content)
    assert again.status_code == 200 and again.json()["changes_detected"] == 0, again.text
    lines = server.request("GET", f"{TABLE}/records?columns=id", headers=LINES).text.splitlines()
    assert [json.loads(line)["values"] for line in lines] == [{"id": "1"}, {"id": "2"}, {"id": "3"}]


def test_a_downloaded_parquet_file_has_the_versions_rows(server):
    server.upload_ok("id,amount,note\nA,1.50,\nB,2,x\n")
    server.upload_ok("id,amount,note\nA,1.50,\nB,3,x\nC,4,\n")
    for version, amounts in ((1, ["1.50", "2.00"]), (2, ["1.50", "3.00", "4.00"])):
        answer = server.request("GET", f"{TABLE}/records?version={version}", headers=PARQUET)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == PARQUET["Accept"], answer.text
        rows = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
        assert [row["id"] for row in rows] == ["A", "B", "C"][:len(amounts)]
        assert [str(row["amount"]) for row in rows] == amounts
    few = server.request("GET", f"{TABLE}/records?columns=note,id", headers=PARQUET)
    names = pyarrow.parquet.read_table(io.BytesIO(few.content)).column_names
    assert [name for name in names if name in ("note", "id", "amount")] == ["note", "id"]


def test_a_download_is_pinned_by_its_etag(server):
    server.upload_ok(table_of(1))
    first = server.request("GET", f"{TABLE}/records?version=1", headers=CSV)
    server.upload_ok(table_of(2))
    asked = {**CSV, "If-None-Match": first.headers["ETag"]}
    assert server.request("GET", f"{TABLE}/records?version=1", headers=asked).status_code == 304
    assert server.request("GET", f"{TABLE}/records", headers=asked).status_code == 200


def test_a_reader_gets_one_whole_version_while_uploads_run(server):
    check_readers_see_whole_versions(server, 40)


def test_paging_misses_and_repeats_nothing_under_load(server):
    server.upload_ok(table_of(1))
    stop, failures = threading.Event(), []

    def upload(name):
        try:
            for version in range(1, 25):
                response = requests.post(f"{server.url}/upload", files={"file": (f"{name}.csv", table_of(version, 40).encode())},
                                         data={"force": "true"}, timeout=60)
                assert response.status_code in (200, 202), response.text
        except BaseException as failure:
            failures.append(failure)
        finally:
            stop.set()

    uploaders = [threading.Thread(target=upload, args=(f"load-{number}",)) for number in range(3)]
    for uploader in uploaders:
        uploader.start()
    paged, cursor = [], ""
    while True:
        over = not any(uploader.is_alive() for uploader in uploaders) and server.get("/health")["pending"] == 0
        page = server.get(f"/api/v1/events?limit=23&cursor={cursor}")
        paged += page["events"]
        cursor = page["resume_cursor"] or ""
        if over and page["next_cursor"] is None:
            last = server.get("/api/v1/uploads?limit=1")["uploads"][0]
            assert server.wait(last["upload_id"], "applied")["applied"] is True
            rest = all_events(server, f"&cursor={cursor}")
            paged += rest
            break
    for uploader in uploaders:
        uploader.join(60)
    assert not failures, failures
    every = all_events(server)
    assert ids(paged) == ids(every) and len(set(ids(every))) == len(every) == 300 + 3 * 24 * 40
    assert ids(map(json.loads, server.request("GET", "/api/v1/events", headers=LINES).text.splitlines())) == ids(every)
    middle = every[len(every) // 2]["timestamp"]
    early, late = all_events(server, f"&until={middle}"), all_events(server, f"&since={middle}")
    assert sorted(ids(early) + ids(late)) == sorted(ids(every)) and early and late


def test_a_stream_is_resumed_without_gaps_or_repeats(start):
    server = start()
    server.upload_ok(table_of(1, 50))
    received = []

    def take(stream):
        received.extend(stream.events)
        return stream.last_id

    # The client cuts the stream in the middle of an upload's events.
    first = Stream(server.url, "?after=beginning")
    first.wait("some events", lambda stream: len(stream.events) >= 10)
    first.cut()
    last_id = take(first)
    server.upload_ok(table_of(2, 50))
    second = Stream(server.url, last_id=last_id)
    second.wait("the second version", lambda stream: len(received) + len(stream.events) >= 100)
    # The server ends the stream and starts again.
    server.stop()
    second.join(60)
    assert second.done and second.error is None, second.error
    last_id = take(second)
    server = start()
    server.upload_ok(table_of(3, 50))
    third = Stream(server.url, last_id=last_id)
    third.wait("the third version", lambda stream: len(received) + len(stream.events) >= 150)
    # The server is killed while the stream is open.
    server.kill()
    third.join(60)
    last_id = take(third)
    server = start()
    fourth = Stream(server.url, last_id=last_id)
    server.upload_ok(table_of(4, 50))
    fourth.wait("the fourth version", lambda stream: len(received) + len(stream.events) >= 200)
    take(fourth)
    assert ids(received) == ids(all_events(server))


def test_a_stream_has_the_filters_of_the_list(server):
    deletes = Stream(server.url, "?type=delete&company=so-financials")
    named = Stream(server.url, "?key=K0001&after=now")
    server.upload_ok(table_of(1, 30))
    server.upload_ok(table_of(2, 28))
    deletes.wait("two deletes", lambda stream: len(stream.events) == 2)
    named.wait("two changes", lambda stream: len(stream.events) == 2)
    assert [event["key_value"] for event in deletes.events] == ["K0028", "K0029"]
    assert [event["event_type"] for event in named.events] == ["insert", "update"]


def test_two_hundred_idle_streams_are_in_nobodys_way(server):
    threads = lambda: len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))
    server.upload_ok(table_of(1, 20))
    before = threads()
    streams = [Stream(server.url) for _ in range(200)]
    for stream in streams:
        stream.wait("its place", lambda each: each.last_id is not None)
    fastest = min(server.request("GET", "/health").elapsed.total_seconds() for _ in range(20))
    assert fastest < 0.1
    slow = [seconds for seconds in (server.request("GET", "/health").elapsed.total_seconds() for _ in range(50)) if seconds > 0.1]
    assert len(slow) <= 2, slow
    # Some pools start their threads on the first request.
    assert threads() < before + 50, "a stream does not have its own thread"
    server.upload_ok(table_of(2, 20))
    for stream in streams:
        stream.wait("the new version", lambda each: len(each.events) == 20)
    for stream in streams:
        stream.cut()
    assert server.get("/health")["status"] == "UP"


# ---- the commands


def command(server, *arguments, code=0):
    run = subprocess.run([PROGRAM, *arguments, "--data-dir", str(server.data_dir)], capture_output=True, timeout=60)
    assert run.returncode == code, (run.stdout, run.stderr)
    return run.stdout.decode(), run.stderr.decode()


@pytest.fixture
def restated(server, tmp_path):
    files = []
    for number, text in enumerate(("id,amount,note\nA,1,\nB,2,x\n", "id,amount,note\nB,2,x\nA,10,\n", "id,amount,note\nB,2,x\n")):
        path = tmp_path / f"v{number + 1}.csv"
        path.write_text(text)
        files.append(path)
    return server, files


def test_commands_ask_the_running_server(restated, tmp_path):
    server, files = restated
    where = ("so-financials", "financials")
    for path in files:
        out, _ = command(server, "upload", str(path), "--company", where[0])
        assert "File processed successfully" in out
    upload = json.loads(command(server, "upload", str(files[2]), "--company", where[0], "--format", "json")[0])
    assert upload["status"] == "unchanged"
    assert server.wait(upload["upload_id"], "applied")["applied"] is True
    out, _ = command(server, "tables")
    assert out.splitlines()[0].split() == ["company", "table", "key", "rows", "versions", "last_change"]
    assert out.splitlines()[1].split()[:5] == [*where, "id", "1", "3"]
    versions = list(csv.DictReader(io.StringIO(command(server, "versions", *where, "--format", "csv")[0])))
    assert [(row["version"], row["rows"], row["deleted"]) for row in versions] == [("1", "2", "0"), ("2", "2", "0"), ("3", "1", "1")]
    assert command(server, "records", *where)[0].split() == ["id", "amount", "note", "B", "2", "x"]
    first = command(server, "records", *where, "--version", "1", "--format", "csv")[0]
    assert first == "id,amount,note\r\nA,1,\r\nB,2,x\r\n"
    lines = command(server, "records", *where, "--columns", "amount", "--format", "json")[0].splitlines()
    assert [json.loads(line)["values"] for line in lines] == [{"amount": "2"}]
    events = command(server, "events", "--type", "update", "--format", "json")[0].splitlines()
    assert [json.loads(line)["key_value"] for line in events] == ["A"]
    assert "changed_columns" in command(server, "events", "--limit", "1")[0].splitlines()[0]
    entries = command(server, "history", *where, "A", "--format", "json")[0].splitlines()
    assert [json.loads(line)["event_type"] for line in entries] == ["insert", "update", "delete"]


def test_why_tells_where_a_value_comes_from(restated):
    server, files = restated
    where = ("so-financials", "financials")
    uploads = [server.upload_ok(path.read_text()) for path in files]
    rows = list(csv.DictReader(io.StringIO(command(server, "why", *where, "A", "amount", "--format", "csv")[0])))
    assert [(row["change"], row["old"], row["new"], row["version"], row["line"]) for row in rows] == [
        ("insert", "", "1", "1", "2"), ("update", "1", "10", "2", "3"), ("delete", "10", "", "3", "3")]
    assert [row["upload_id"] for row in rows] == [upload["upload_id"] for upload in uploads]
    assert [row["file_id"] for row in rows][:2] == [upload["file_id"] for upload in uploads][:2]
    assert [row["when"] for row in rows] == [upload["timestamp"] for upload in uploads]
    told = [json.loads(line) for line in command(server, "why", *where, "A", "--format", "json")[0].splitlines()]
    assert [(each["column"], each["old"], each["new"]) for each in told if each["event_type"] == "update"] == [("amount", "1", "10")]
    text = command(server, "why", *where, "A", "amount")[0]
    assert '"1"' in text and '"10"' in text and "nothing" in text
    assert "never had a row" in command(server, "why", *where, "Z", code=2)[1]
    assert "never had a column" in command(server, "why", *where, "A", "nope", code=2)[1]


def test_commands_say_what_is_wrong(restated, tmp_path):
    server, files = restated
    held = command(server, "upload", str(files[0]), "--company", "acme", "--dry-run", code=1)[0]
    assert "/release" in held
    bad = tmp_path / "bad.csv"
    bad.write_text("id,amount\nA,1\nA,2\n")
    refused = command(server, "upload", str(bad), code=2)[1]
    assert "line 3" in refused and "422" in refused and "repeated" in refused
    assert "no table" in command(server, "versions", "nobody", "t", code=2)[1]
    assert "no-such" not in command(server, "tables")[0]
    server.stop()
    assert "no server runs" in command(server, "tables", code=2)[1]


@pytest.mark.parametrize("arguments, says", [
    (["upload", "PIPE", "--company", "x"], "write it to a file first"), (["upload", ".", "--company", "x"], "is a folder"),
    (["upload", "nothing.csv"], "there is no file"), (["upload", __file__, "--company", ""], "--company: the value is empty"),
    (["records", "c", "t", "--limit", "0"], '"0" will not do: give a whole number from 1 on'),
    (["events", "--limit", "-1"], "give a whole number from 1 on"),
    (["republish", "c", "t", "--from-version", "0"], "give a whole number from 1 on"),
    (["lake", "export", "--version", "0"], "give a whole number from 1 on"),
    *[([*command, flag, ""], f"{flag}: the value is empty") for command in (["dev"], ["tables"], ["lake", "verify"])
      for flag in ("--data-dir", "--config")],
    (["tables", "--server", ""], "--server: the value is empty"), (["serve", "--kafka-topic", ""], "--kafka-topic: the value is empty"),
    (["dev", "--data-dir=", "--parquet-dir", "x"], "--data-dir: the value is empty")])
def test_a_value_that_will_not_do_is_refused_before_anything_is_made(arguments, says, tmp_path):
    os.mkfifo(tmp_path / "PIPE")
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr) < 250, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["PIPE"]


@pytest.mark.parametrize("url, says", [
    ("foo", '"foo" is not the URL of a server'), ("ftp://x", '"ftp://x" is not the URL of a server'), ("::1:80", "is not the URL of a server"),
    ("http://host/path", "and no path: http://127.0.0.1:8000"), ("http://127.0.0.1:99999", "from 1 to 65535"),
    ("127.0.0.1:0", "from 1 to 65535"), ("http://me:secret@host", "is not the URL of a server"),
    ("http://nohost.invalid", 'the host "nohost.invalid" cannot be found'),
    ("http://127.0.0.1:1", "does not answer: Connection refused"), ("http://[::1]:1", "does not answer"),
    ("https://localhost:1", "does not answer: Connection refused")])
def test_a_server_that_there_cannot_be_is_told_as_that(url, says):
    done = subprocess.run([PROGRAM, "tables", "--server", url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and says in done.stderr and "fix: " in done.stderr, done.stderr
