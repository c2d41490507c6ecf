"""A damaged byte never becomes a value. Damages each stored file in turn and reads it through every code path."""

import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from deltadrop_process import PROGRAM, TABLE, DidNotStart, tree

VERSIONS = ["record_id,amount\n1,100\n2,200\n", "record_id,amount\n1,111\n2,200\n", "record_id,amount\n1,111\n2,222\n"]
WRONG = "1Z1"  # the damaged value of 111 in version 2


def flip(path, old=b"111", new=WRONG.encode()):
    """Changes bytes like a bad disk: the size and the modification time stay the same."""
    status = path.stat()
    content = path.read_bytes()
    assert content.count(old) == 1
    os.chmod(path, 0o644)
    path.write_bytes(content.replace(old, new))
    os.chmod(path, status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return content


def put_back(path, content):
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def file_of(data_dir, version, table="financials"):
    return sorted((data_dir / "archive/so-financials" / table).glob("*.csv"))[version - 1]


def until(check, what, seconds=60):
    """Repeats the check until it is true. The server determines the delay; the test does not sleep."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, what


def is_up(server):
    health = server.request("GET", "/health").json()
    return health["status"] == "UP" and health["damaged"] == []


@pytest.fixture
def versions(server):
    return [server.upload_ok(content) for content in VERSIONS]


READERS = {
    "the file": lambda ids: ("GET", f"{TABLE}/versions/2/file", {}),
    "a range of it": lambda ids: ("GET", f"{TABLE}/versions/2/file", {"Range": "bytes=0-3"}),
    "its head": lambda ids: ("HEAD", f"{TABLE}/versions/2/file", {}),
    "the diff to it": lambda ids: ("GET", f"{TABLE}/versions/1..2/diff", {}),
    "the diff from it": lambda ids: ("GET", f"{TABLE}/versions/2..3/diff", {}),
    "the diff to the empty table": lambda ids: ("GET", f"{TABLE}/versions/2..0/diff", {}),
    "its changes": lambda ids: ("GET", f"/api/v1/uploads/{ids[1]}/changes", {}),
    "the changes of the next version": lambda ids: ("GET", f"/api/v1/uploads/{ids[2]}/changes", {}),
    "going back to it": lambda ids: ("POST", f"{TABLE}/revert?to_version=2", {}),
}


# A response to HEAD has no body. If the file was intact when it was last read, the server answers without reading it again.
READ_BEFORE = [reader for reader in READERS if reader != "its head"]


@pytest.mark.parametrize("reader, read_before", [(reader, False) for reader in READERS] + [(reader, True) for reader in READ_BEFORE])
def test_no_reader_gets_a_damaged_byte(server, versions, reader, read_before):
    method, path, headers = READERS[reader]([version["upload_id"] for version in versions])
    if read_before and method != "POST":  # even if parts of it are cached in memory
        assert server.request(method, path, headers=headers).status_code in (200, 206)
    damaged = file_of(server.data_dir, 2)
    content = flip(damaged)
    response = server.request(method, path, headers=headers)
    assert response.status_code == 500, response.text
    assert WRONG not in response.text
    if method != "HEAD":
        problem = response.json()
        assert problem["type"] == "/problems/archive-damaged"
        assert "version 2 of so-financials/financials" in problem["detail"]
        assert damaged.name in problem["fix"] and versions[1]["upload_id"] is not None
    health = server.request("GET", "/health")
    assert health.status_code == 200 and health.json()["status"] == "DEGRADED"
    [entry] = health.json()["damaged"]
    assert (entry["company_id"], entry["table_name"], entry["version"]) == ("so-financials", "financials", 2)
    assert entry["upload_id"] == versions[1]["upload_id"] and "backup" in entry["fix"] and "SHA-256" in entry["error"]
    # Another table is not affected, nor are uploads to this one, whose newest version is intact.
    assert server.upload_ok("id\n1\n", table_name="other")["version"] == 1
    put_back(damaged, content)
    until(lambda: is_up(server), "the repaired file is still reported")
    assert server.request(method, path, headers=headers).status_code in (200, 206)


def test_a_new_version_is_not_compared_with_a_damaged_one(server, versions):
    damaged = file_of(server.data_dir, 3)
    content = flip(damaged)
    for fields in ({}, {"dry_run": "true"}):
        response = server.upload("record_id,amount\n1,111\n2,333\n", **fields)
        assert response.status_code == 500 and response.json()["type"] == "/problems/archive-damaged"
        assert "version 3 of so-financials/financials" in response.json()["detail"]
    assert len(list(damaged.parent.glob("*.csv"))) == 3
    put_back(damaged, content)
    assert server.upload_ok("record_id,amount\n1,111\n2,333\n")["updated"] == 1


def test_a_damaged_held_file_is_not_released(server, versions):
    held = server.upload("record_id,amount\n1,111\n2,333\n", dry_run="true").json()
    path = server.data_dir / "held" / f"{held['upload_id']}.csv"
    content = flip(path, b"333", b"933")
    for method, what in (("GET", "changes"), ("POST", "release")):
        response = server.request(method, f"/api/v1/uploads/{held['upload_id']}/{what}")
        assert response.status_code == 500 and response.json()["type"] == "/problems/archive-damaged"
        assert f"held upload {held['upload_id']}" in response.json()["detail"]
    [entry] = server.request("GET", "/health").json()["damaged"]
    assert entry["version"] is None and entry["upload_id"] == held["upload_id"] and "discard" in entry["fix"]
    put_back(path, content)
    assert server.request("POST", f"/api/v1/uploads/{held['upload_id']}/release").status_code == 200


def test_a_damaged_file_does_not_enter_an_empty_history(server, versions, start):
    server.stop()
    for name in ("log.db", "history.db"):
        for path in server.data_dir.glob(f"{name}*"):
            path.unlink()
    damaged = file_of(server.data_dir, 2)
    content = flip(damaged)
    after = start()
    done = subprocess.run([str(PROGRAM), "republish", "--data-dir", str(server.data_dir)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    until(lambda: after.request("GET", "/health").json()["damaged"], "republishing does not notice the damage")
    assert after.upload_ok("id\n1\n", table_name="other")["version"] == 1
    assert after.request("GET", "/health").json()["kafka"] == "UP"
    events = after.all_pages("/api/v1/events?limit=1000&company=so-financials&table=financials", "events")
    assert {event["version"] for event in events} <= {1} and WRONG not in str(events)
    put_back(damaged, content)
    assert after.wait(versions[2]["upload_id"], "in_lake")["in_lake"] is True
    assert after.records() == {"1": {"record_id": "1", "amount": "111"}, "2": {"record_id": "2", "amount": "222"}}


@pytest.mark.parametrize("version", [1, 3], ids=["an old version", "the newest version"])
def test_a_missing_file_is_found_at_start(server, versions, start, version):
    server.stop()
    missing = file_of(server.data_dir, version)
    content = missing.read_bytes()
    missing.unlink()
    after = start()
    health = after.request("GET", "/health").json()
    [entry] = health["damaged"]
    assert health["status"] == "DEGRADED" and entry["version"] == version and "it is missing" in entry["error"]
    assert f"version {version} of so-financials/financials" in after.log_path.read_text()
    assert after.upload_ok("id\n1\n", table_name="other")["version"] == 1
    put_back(missing, content)
    until(lambda: is_up(after), "the file that was put back is still reported")


def test_a_file_of_another_size_is_found_at_start(server, versions, start):
    server.stop()
    short = file_of(server.data_dir, 1)
    content = short.read_bytes()
    os.chmod(short, 0o644)
    short.write_bytes(content[:-1])
    after = start()
    [entry] = after.request("GET", "/health").json()["damaged"]
    assert entry["version"] == 1 and f"{len(content) - 1} bytes instead of {len(content)}" in entry["error"]


def test_a_table_whose_folder_is_gone_is_found_at_start(server, versions, start):
    server.upload_ok("id\n1\n", table_name="other")
    server.stop()
    shutil.rmtree(server.data_dir / "archive/so-financials/financials")
    after = start()
    assert [entry["version"] for entry in after.request("GET", "/health").json()["damaged"]] == [1, 2, 3]
    assert after.upload_ok("id\n2\n", table_name="other", force="true")["version"] == 2


def test_writing_to_current_does_not_change_the_archive(server, versions):
    current = server.data_dir / "current/so-financials/financials.csv"
    assert current.read_text() == VERSIONS[2]
    assert current.stat().st_ino != file_of(server.data_dir, 3).stat().st_ino
    flip(current, b"222", b"922")
    assert file_of(server.data_dir, 3).read_text() == VERSIONS[2]
    assert server.request("GET", f"{TABLE}/versions/3/file").text == VERSIONS[2]


def test_hard_links_of_an_earlier_program_are_replaced_at_start(server, versions, start):
    server.stop()
    current = server.data_dir / "current/so-financials/financials.csv"
    newest = file_of(server.data_dir, 3)
    current.unlink()
    os.link(newest, current)
    start()
    assert current.read_text() == VERSIONS[2] and newest.stat().st_nlink == 1
    assert current.stat().st_ino != newest.stat().st_ino


def test_a_damaged_newest_version_is_not_made_current(server, versions, start):
    server.stop()
    current = server.data_dir / "current/so-financials/financials.csv"
    current.unlink()
    newest = file_of(server.data_dir, 3)
    content = flip(newest)
    after = start()
    assert not current.exists()
    assert [entry["version"] for entry in after.request("GET", "/health").json()["damaged"]] == [3]
    put_back(newest, content)
    until(current.exists, "the repaired version is not made current")
    assert current.read_text() == VERSIONS[2]


def rebuild(data_dir):
    return subprocess.run([str(PROGRAM), "rebuild", "catalog", "--data-dir", str(data_dir)], capture_output=True, text=True,
                          timeout=60)


def test_a_rebuild_takes_no_damaged_file(server, versions):
    server.stop()
    damaged = file_of(server.data_dir, 2)
    flip(damaged)

    def files():
        return {name: content for name, content in tree(server.data_dir).items() if name != "lock"}

    before = files()
    done = rebuild(server.data_dir)
    assert done.returncode != 0 and "version 2 of so-financials/financials" in done.stderr
    assert files() == before


def test_a_damaged_manifest_is_written_again_from_the_catalog(server, versions, start):
    server.stop()
    manifest = file_of(server.data_dir, 2).with_suffix(".json")
    content = manifest.read_bytes()
    flip(manifest, b'"version": 2', b'"version": 4')
    done = rebuild(server.data_dir)
    assert done.returncode == 0, done.stderr
    assert manifest.read_bytes() == content
    aside = server.data_dir / "lost+found" / manifest.relative_to(server.data_dir)
    assert b'"version": 4' in aside.read_bytes()
    assert start().upload_ok(VERSIONS[0], force="true")["version"] == 4


def test_a_damaged_manifest_without_a_catalog_stops_a_rebuild(server, versions):
    server.stop()
    flip(file_of(server.data_dir, 2).with_suffix(".json"), b'"version": 2', b'"version": 4')
    for path in server.data_dir.glob("catalog.db*"):
        path.unlink()
    done = rebuild(server.data_dir)
    assert done.returncode != 0 and "checksum" in done.stderr and "backup" in done.stderr


# ---- unknown files


def copy_catalog(data_dir, to):
    to.mkdir()
    for path in data_dir.glob("catalog.db*"):
        shutil.copy(path, to)


def restore_catalog(data_dir, kept):
    for path in data_dir.glob("catalog.db*"):
        path.unlink()
    for path in kept.iterdir():
        shutil.copy(path, data_dir)


def test_an_older_catalog_loses_no_file(start, tmp_path):
    """The catalog is older than the archive, and the manifests that would show this are missing."""
    server = start()
    server.upload_ok(VERSIONS[0])
    server.stop()
    copy_catalog(server.data_dir, tmp_path / "older")
    server = start()
    for content in VERSIONS[1:]:
        server.upload_ok(content)
    server.stop()
    unknown = [file_of(server.data_dir, version) for version in (2, 3)]
    for path in unknown:
        path.with_suffix(".json").unlink()
    restore_catalog(server.data_dir, tmp_path / "older")
    before = {path: path.read_bytes() for path in unknown}
    after = start()
    log = after.log_path.read_text()
    for path, content in before.items():
        assert not path.exists()
        kept = server.data_dir / "lost+found" / path.relative_to(server.data_dir)
        assert kept.read_bytes() == content and str(kept) in log


def test_unknown_files_are_kept_and_named(server, versions, start):
    held = server.upload("record_id,amount\n1,111\n2,333\n", dry_run="true").json()["upload_id"]
    server.stop()
    data_dir = server.data_dir
    table = data_dir / "archive/so-financials/financials"
    unknown = [data_dir / "held/notes.txt", data_dir / "held/0190f3a0-0000-7000-8000-000000000000.csv", table / "notes.csv",
               table / "notes.json", table / "x.tmp", table / "20990101000000000_so-financials_00000000.csv",
               data_dir / "archive/README", data_dir / "archive/so-financials/notes", data_dir / "archive/not a company/x.csv"]
    for path in unknown:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"this is {path.name}")
    ours = table / (file_of(data_dir, 3).name + ".tmp")
    ours.write_text("half a fi")
    (data_dir / "spool/7.part").write_text("half an upl")
    taken = data_dir / "lost+found/held/notes.txt"
    taken.parent.mkdir(parents=True)
    taken.write_text("from an earlier time")
    after = start()
    log = after.log_path.read_text()
    for path in unknown:
        assert not path.exists()
        kept = data_dir / "lost+found" / path.relative_to(data_dir)
        if kept == taken:
            kept = kept.with_name("notes.txt.1")
        assert kept.read_text() == f"this is {path.name}"
        assert any(str(path) in line or str(path.parent) in line for line in log.splitlines() if "lost+found" in line), path
    assert taken.read_text() == "from an earlier time"
    assert not ours.exists() and list((data_dir / "spool").iterdir()) == []
    assert after.get(f"/api/v1/uploads/{held}")["state"] == "held"
    assert after.request("POST", f"/api/v1/uploads/{held}/release").status_code == 200
    after.stop()
    before = tree(data_dir / "lost+found")
    start()
    assert tree(data_dir / "lost+found") == before


def test_a_held_file_that_is_the_only_copy_is_kept(server, versions, start):
    """A crash between commit and removal left both names, and the archived file was lost later."""
    held = server.upload("record_id,amount\n1,111\n2,333\n", dry_run="true").json()["upload_id"]
    path = server.data_dir / "held" / f"{held}.csv"
    content = path.read_bytes()
    assert server.request("POST", f"/api/v1/uploads/{held}/release").status_code == 200
    server.stop()
    file_of(server.data_dir, 4).unlink()
    path.write_bytes(content)
    after = start()
    assert (server.data_dir / "lost+found/held" / path.name).read_bytes() == content
    assert [entry["version"] for entry in after.request("GET", "/health").json()["damaged"]] == [4]


# ---- an unreadable catalog


def break_to_garbage(path):
    path.write_bytes(b"x" * 8192)


def break_in_the_middle(path):
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def break_to_half(path):
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2])


def break_to_nothing(path):
    path.write_bytes(b"")


def break_to_a_folder(path):
    path.unlink()
    path.mkdir()


def break_to_another_database(path):
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.commit()
    connection.close()


def break_by_losing_a_table(path):
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE uploads")
    connection.commit()
    connection.close()


BREAKS = [break_to_garbage, break_in_the_middle, break_to_half, break_to_nothing, break_to_a_folder, break_to_another_database,
          break_by_losing_a_table]


@pytest.mark.parametrize("how", BREAKS, ids=lambda how: how.__name__)
def test_the_error_names_the_repair_of_a_catalog_and_it_works(server, versions, start, how):
    server.stop()
    for suffix in ("-wal", "-shm"):
        server.data_dir.joinpath("catalog.db" + suffix).unlink(missing_ok=True)
    archive = tree(server.data_dir / "archive")
    how(server.data_dir / "catalog.db")
    with pytest.raises(DidNotStart) as ended:
        start()
    command = f"deltadrop rebuild catalog --data-dir {server.data_dir}"
    assert command in ended.value.args[1] and "backup" in ended.value.args[1]
    assert tree(server.data_dir / "archive") == archive
    if how is break_to_another_database:
        assert "it is the database of another program" in ended.value.args[1]
        assert sqlite3.connect(server.data_dir / "catalog.db").execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    done = subprocess.run([str(PROGRAM), *command.split()[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "3 uploads" in done.stdout, done.stderr
    after = start()
    assert after.upload_ok(VERSIONS[0], force="true")["version"] == 4
    assert tree(server.data_dir / "archive").items() >= archive.items()
