"""`deltadrop rebuild catalog`: no accepted or held upload is lost, and unknown facts are printed."""

import subprocess

import pytest

from deltadrop_process import PROGRAM

ROWS = "id,name\n1,a\n"


@pytest.fixture
def stopped(start):
    """A DATA_DIR with three versions of a table and one held upload, whose newest version lacks its manifest."""
    server = start()
    versions = [server.upload_ok(ROWS + f"2,{name}\n") for name in "abc"]
    held = server.upload(ROWS, dry_run="true").json()
    server.stop()
    newest = sorted((server.data_dir / "archive").rglob("*.json"))[-1]
    newest.unlink()
    return server.data_dir, versions, held, newest


def rebuild(data_dir):
    done = subprocess.run([str(PROGRAM), "rebuild", "catalog", "--data-dir", str(data_dir)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def test_what_the_old_catalog_knows_is_kept(start, stopped):
    data_dir, versions, held, newest = stopped
    done = rebuild(data_dir)
    assert "3 uploads" in done.stdout
    assert "1 held upload\n" in done.stdout
    assert "1 missing manifest\n" in done.stdout
    assert done.stderr == ""
    assert newest.exists()
    server = start()
    assert server.get(f"/api/v1/uploads/{held['upload_id']}")["state"] == "held"
    assert server.get(f"/api/v1/uploads/{versions[2]['upload_id']}")["version"] == 3
    assert server.upload_ok(ROWS + "2,d\n")["version"] == 4


def test_what_nothing_knows_is_printed_with_what_to_do(stopped):
    data_dir, _, held, newest = stopped
    for path in data_dir.glob("catalog.db*"):
        path.unlink()
    done = rebuild(data_dir)
    assert "2 uploads" in done.stdout
    unclaimed = [line.strip() for line in done.stderr.splitlines() if line.startswith("  ")]
    names = {path.rsplit("/", 1)[1] for path in unclaimed}
    assert names == {f"{held['upload_id']}.csv", newest.stem + ".csv"}
    assert "upload again what is missing" in done.stderr


def test_a_lost_log_and_history_are_filled_again_from_the_archive(server, start):
    """Only the archive and the catalog are left. Republish sends every version again with the same ids."""
    first = server.upload_ok("record_id,amount\n1,5\n2,6\n")
    second = server.upload_ok("record_id,amount\n1,7\n2,6\n")
    before = server.all_pages("/api/v1/events?limit=1000", "events")
    server.stop()
    for name in ("log.db", "history.db"):
        for path in server.data_dir.glob(f"{name}*"):
            path.unlink()
    after = start()
    assert after.records() == {}
    assert after.get("/health")["pending"] == 2
    done = subprocess.run([str(PROGRAM), "republish", "--data-dir", str(server.data_dir)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for upload in (first, second):
        assert after.wait(upload["upload_id"], "in_lake")["in_lake"] is True
    assert after.all_pages("/api/v1/events?limit=1000", "events") == before
    assert after.records() == {"1": {"record_id": "1", "amount": "7"}, "2": {"record_id": "2", "amount": "6"}}
    assert after.get("/health")["pending"] == 0
