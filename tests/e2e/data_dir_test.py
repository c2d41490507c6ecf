"""DATA_DIR disappears or is replaced while the server runs. No response contains a path of the server."""

import os
import shutil

import pytest

from damage_test import VERSIONS, break_to_garbage, file_of, flip, until
from deltadrop_process import FAULTY_PROGRAM, TABLE, tree

NEXT = "record_id,amount\n1,111\n2,333\n"


@pytest.fixture
def running(server):
    for content in VERSIONS:
        server.upload_ok(content)
    return server


def is_stopped(server, problem):
    """Checks that uploads get 503 and that health is DOWN, both for this reason."""
    for response in (server.upload(NEXT), server.request("PUT", TABLE, data=NEXT.encode()), server.request("GET", "/health/ready"),
                     server.request("POST", f"{TABLE}/revert?to_version=1")):
        assert response.status_code == 503, response.text
        assert response.json()["type"] == f"/problems/{problem}"
        assert "Retry-After" in response.headers
    health = server.request("GET", "/health")
    assert health.status_code == 503 and health.json()["status"] == "DOWN"
    assert any("DATA_DIR" in trouble for trouble in health.json()["troubles"])
    assert health.json()["damaged"] == [], "a missing DATA_DIR is not reported as damage"
    return True


def is_taking_uploads(server):
    return server.request("GET", "/health/ready").status_code == 200


def test_a_data_dir_that_is_moved_away_stops_uploads_until_it_is_back(running):
    away = running.data_dir.with_name("away")
    running.data_dir.rename(away)
    assert is_stopped(running, "data-dir-missing")
    response = running.request("GET", f"{TABLE}/versions/1/file")
    assert response.status_code == 503 and response.json()["type"] == "/problems/data-dir-missing"
    assert not running.data_dir.exists()
    away.rename(running.data_dir)
    until(lambda: is_taking_uploads(running), "the right DATA_DIR is back")
    assert running.upload_ok(NEXT)["version"] == 4
    assert running.request("GET", f"{TABLE}/versions/1/file").text == VERSIONS[0]


def test_an_upload_under_way_is_not_lost_in_another_place(running):
    """DATA_DIR is replaced by its own copy while the body arrives. The open catalog belongs to the other folder."""
    away = running.data_dir.with_name("away")

    def body():
        yield b"record_id,amount\n"
        until(lambda: list((running.data_dir / "spool").iterdir()), "nothing is received")
        running.data_dir.rename(away)
        shutil.copytree(away, running.data_dir)
        yield b"1,111\n2,333\n"

    before = tree(running.data_dir / "archive")
    response = running.request("PUT", TABLE, data=body())
    assert response.status_code == 503 and response.json()["type"] == "/problems/data-dir-replaced"
    assert tree(running.data_dir / "archive") == before == tree(away / "archive")


def replace_by_an_empty_folder(data_dir, away):
    data_dir.rename(away)
    data_dir.mkdir()


def replace_by_a_copy(data_dir, away):
    data_dir.rename(away)
    shutil.copytree(away, data_dir)


def replace_the_archive(data_dir, away):
    (data_dir / "archive").rename(away)
    shutil.copytree(away, data_dir / "archive")


def replace_the_catalog(data_dir, away):
    shutil.copy(data_dir / "catalog.db", away)
    os.replace(away, data_dir / "catalog.db")


def replace_the_lock(data_dir, away):
    shutil.copy(data_dir / "lock", away)
    os.replace(away, data_dir / "lock")


def remove_the_catalog(data_dir, away):
    (data_dir / "catalog.db").rename(away)


REPLACEMENTS = [replace_by_an_empty_folder, replace_by_a_copy, replace_the_archive, replace_the_catalog, replace_the_lock,
                remove_the_catalog]


@pytest.mark.parametrize("how", REPLACEMENTS, ids=lambda how: how.__name__)
def test_another_data_dir_in_its_place_stops_uploads(running, how):
    how(running.data_dir, running.data_dir.with_name("away"))
    before = tree(running.data_dir / "archive")
    assert is_stopped(running, "data-dir-replaced")
    problem = running.upload(NEXT).json()
    assert "start it again" in problem["fix"]
    assert tree(running.data_dir / "archive") == before


def test_the_right_data_dir_may_come_back(running):
    away = running.data_dir.with_name("away")
    replace_by_a_copy(running.data_dir, away)
    assert is_stopped(running, "data-dir-replaced")
    running.data_dir.rename(away.with_name("copy"))
    away.rename(running.data_dir)
    until(lambda: is_taking_uploads(running), "the right DATA_DIR is back")
    assert running.upload_ok(NEXT)["version"] == 4


# ---- no paths in responses


def requests_of_all_kinds(server, ids):
    """(method, path, body) of requests that read and write all parts that may be broken."""
    yield from (("GET", path, None) for path in (
        "/health", "/health/ready", "/metrics", "/api/v1/tables", TABLE, f"{TABLE}/versions", f"{TABLE}/versions/2/file",
        f"{TABLE}/versions/1..2/diff", f"{TABLE}/records", f"{TABLE}/records?version=1", f"{TABLE}/records/1/history",
        f"/api/v1/uploads/{ids[1]}", f"/api/v1/uploads/{ids[1]}/changes", "/api/v1/uploads", "/api/v1/events", "/api/v1/dead-letters",
        "/api/v1/uploads/x", "/nowhere"))
    yield "PUT", TABLE, NEXT
    yield "PUT", TABLE, "record_id;amount\n1;2;3\n"
    yield "PUT", f"{TABLE}?dry_run=true", NEXT
    yield "POST", f"{TABLE}/revert?to_version=1", None
    yield "POST", f"/api/v1/uploads/{ids[1]}/release", None
    yield "DELETE", f"/api/v1/uploads/{ids[1]}", None


def assert_no_paths(server, ids, lake):
    statuses = []
    for method, path, body in requests_of_all_kinds(server, ids):
        response = server.request(method, path, data=body)
        statuses.append(response.status_code)
        told = response.text + str(response.headers)
        for hidden in (str(server.data_dir), str(lake), str(server.data_dir.parent)):
            assert hidden not in told, f"{method} {path}: {told}"
    return statuses


def damage_the_archive(data_dir, lake):
    flip(file_of(data_dir, 2))


def lose_the_archived_file(data_dir, lake):
    file_of(data_dir, 2).unlink()


def put_a_folder_in_its_place(data_dir, lake):
    lose_the_archived_file(data_dir, lake)
    path = data_dir / "archive/so-financials/financials"
    (path / sorted(path.glob("*.json"))[1].with_suffix(".csv").name).mkdir()


def lose_the_spool(data_dir, lake):
    shutil.rmtree(data_dir / "spool")


def put_a_file_in_place_of_the_spool(data_dir, lake):
    lose_the_spool(data_dir, lake)
    (data_dir / "spool").write_text("")


def put_a_file_in_place_of_the_tables_folder(data_dir, lake):
    path = data_dir / "archive/so-financials/financials"
    path.rename(data_dir / "elsewhere")
    path.write_text("")


def lose_the_data_dir(data_dir, lake):
    data_dir.rename(data_dir.with_name("away"))


def put_a_file_in_place_of_the_lake(data_dir, lake):
    lake.rename(lake.with_name("away"))
    lake.write_text("")


def break_the_catalog(data_dir, lake):
    break_to_garbage(data_dir / "catalog.db")
    (data_dir / "catalog.db-wal").write_bytes(b"x" * 4096)


def break_the_history(data_dir, lake):
    break_to_garbage(data_dir / "history.db")


def break_the_keys(data_dir, lake):
    (data_dir / "keys").write_text("no key\n")


BROKEN = [damage_the_archive, lose_the_archived_file, put_a_folder_in_its_place, lose_the_spool, put_a_file_in_place_of_the_spool,
          put_a_file_in_place_of_the_tables_folder, lose_the_data_dir, put_a_file_in_place_of_the_lake, break_the_catalog,
          break_the_history, break_the_keys]


@pytest.mark.parametrize("how", BROKEN, ids=lambda how: how.__name__)
def test_no_response_names_a_path_of_the_server(start, tmp_path, how):
    lake = tmp_path / "lake files"
    server = start(flags=["--parquet-dir", str(lake)])
    ids = [server.upload_ok(content)["upload_id"] for content in VERSIONS]
    how(server.data_dir, lake)
    statuses = assert_no_paths(server, ids, lake)
    assert max(statuses) >= 500 or how in (put_a_file_in_place_of_the_lake, break_the_keys, break_the_history)
    if how is damage_the_archive:
        problem = server.request("GET", f"{TABLE}/versions/2/file").json()
        assert "archive/so-financials/financials/" in problem["fix"], "it names the file relative to DATA_DIR"


@pytest.mark.parametrize("point", ["create", "write", "fsync", "rename", "mkdir", "close", "chmod", "ingest.accept.placed",
                                   "catalog.commit"])
def test_a_failed_operation_names_no_path_and_is_logged_with_it(start, tmp_path, point):
    lake = tmp_path / "lake files"
    big = "record_id,amount\n" + "".join(f"{number},{'x' * 100}\n" for number in range(1000))
    server = start(flags=["--parquet-dir", str(lake)], program=FAULTY_PROGRAM, fault=f"fail:{point}:40:EIO")
    failed = 0
    for number in range(40):
        response = server.upload(big + f"y{number},1\n", table_name=f"t{number}")
        failed += response.status_code >= 500
        for hidden in (str(tmp_path), "lake files"):
            assert hidden not in response.text + str(response.headers)
    if failed:
        assert "request id=" in server.log_path.read_text()
