"""The guard: an upload that looks like a mistake is held and shown, and then released unchanged or discarded."""

import json

import pytest

from deltadrop_process import TABLE


def table(rows, amount="1.00"):
    return "record_id,amount\n" + "".join(f"FIN-{n:04},{amount}\n" for n in rows)


FULL = table(range(40))
TRUNCATED = table(range(10))


@pytest.fixture
def held(server):
    server.upload_ok(FULL)
    response = server.upload(TRUNCATED)
    assert response.status_code == 202, response.text
    return server, response.json()


def test_a_truncated_file_is_held_and_nothing_happens(held):
    server, answer = held
    assert answer["status"] == "held"
    assert (answer["version"], answer["deleted"], answer["changes_detected"]) == (None, 30, 30)
    assert any("30" in reason and "40" in reason for reason in answer["reasons"]), answer["reasons"]
    assert answer["upload_id"] in json.dumps(answer["release"])
    assert len(server.records()) == 40
    assert server.get(f"/api/v1/uploads/{answer['upload_id']}")["state"] == "held"


def test_its_changes_can_be_read_before_they_are_made(held):
    server, answer = held
    changes = server.all_pages(f"/api/v1/uploads/{answer['upload_id']}/changes?limit=7", "changes")
    assert [change["key_value"] for change in changes] == [f"FIN-{n:04}" for n in range(10, 40)]
    assert {change["event_type"] for change in changes} == {"delete"}
    assert {(change["version"], change["timestamp"], change["previous_upload_id"]) for change in changes} == {(None, None, None)}


def test_release_publishes_what_was_shown(held):
    server, answer = held
    shown = server.all_pages(f"/api/v1/uploads/{answer['upload_id']}/changes?limit=1000", "changes")
    response = server.request("POST", f"/api/v1/uploads/{answer['upload_id']}/release")
    assert response.status_code == 200, response.text
    released = response.json()
    assert (released["upload_id"], released["version"], released["status"]) == (answer["upload_id"], 2, "published")
    server.wait(answer["upload_id"], "in_lake")
    assert len(server.records()) == 10
    events = server.all_pages(f"/api/v1/events?upload={answer['upload_id']}&limit=1000", "events")
    promised = ("event_id", "seq", "key_value", "old_values")
    assert [[e[name] for name in promised] for e in events] == [[e[name] for name in promised] for e in shown]
    again = server.request("POST", f"/api/v1/uploads/{answer['upload_id']}/release")
    assert again.status_code == 409


def test_a_discarded_upload_is_gone(held):
    server, answer = held
    assert server.request("DELETE", f"/api/v1/uploads/{answer['upload_id']}").status_code in (200, 204)
    gone = server.request("GET", f"/api/v1/uploads/{answer['upload_id']}")
    assert (gone.status_code, gone.json()["state"]) == (404, "discarded")
    listed = server.get("/api/v1/uploads?state=discarded")["uploads"]
    assert [upload["upload_id"] for upload in listed] == [answer["upload_id"]]
    assert server.request("POST", f"/api/v1/uploads/{answer['upload_id']}/release").status_code == 409
    assert list((server.data_dir / "held").rglob("*.csv")) == []
    assert len(server.records()) == 40


def test_a_table_that_moved_on_refuses_the_release(held):
    server, answer = held
    server.upload_ok(table(range(40), "2.00"))
    refused = server.request("POST", f"/api/v1/uploads/{answer['upload_id']}/release")
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"].endswith("table-moved-on"), problem
    assert "2" in problem["detail"] and problem["fix"]
    assert len(server.records()) == 40


def test_held_uploads_survive_a_restart(held, start):
    server, answer = held
    server.stop()
    after = start()
    assert after.get(f"/api/v1/uploads/{answer['upload_id']}")["state"] == "held"
    assert after.request("POST", f"/api/v1/uploads/{answer['upload_id']}/release").status_code == 200
    after.wait(answer["upload_id"], "in_lake")
    assert len(after.records()) == 10


def test_force_skips_the_guard(server):
    server.upload_ok(FULL)
    answer = server.upload_ok(TRUNCATED, force="true")
    assert (answer["version"], answer["deleted"]) == (2, 30)


def test_a_dry_run_is_held_whatever_it_changes(server):
    server.upload_ok(FULL)
    response = server.upload(table(range(41)), dry_run="true")
    assert response.status_code == 202
    assert (response.json()["status"], response.json()["inserted"]) == ("held", 1)
    assert len(server.records()) == 40


@pytest.mark.parametrize("content", ["record_id,amount\n", "record_id,amount"])
def test_a_header_without_rows_is_held(server, content):
    server.upload_ok(table(range(3)))
    answer = server.upload(content)
    assert (answer.status_code, answer.json()["status"], answer.json()["deleted"]) == (202, "held", 3)


def test_a_column_that_held_values_and_is_gone_is_held(server):
    server.upload_ok(FULL)
    response = server.upload("record_id\n" + "".join(f"FIN-{n:04}\n" for n in range(40)))
    assert response.status_code == 202
    assert any("amount" in reason for reason in response.json()["reasons"])


def test_small_tables_are_not_guarded(server):
    server.upload_ok(table(range(19)))
    assert server.upload_ok(table(range(1)))["deleted"] == 18


def test_effective_at_is_when_values_hold(server):
    server.upload_ok(table(range(2)), effective_at="2024-03-31T00:00:00Z")
    answer = server.upload_ok(table(range(2), "9.99"), effective_at="2024-06-30T00:00:00Z")
    assert answer["effective_at"] == "2024-06-30T00:00:00.000Z"
    assert server.records("&as_of=2024-06-29")["FIN-0000"]["amount"] == "1.00"
    assert server.records("&as_of=2024-06-30")["FIN-0000"]["amount"] == "9.99"
    for refused in ("2024-06-30T00:00:00Z", "2024-01-01", "2999-01-01", "yesterday"):
        response = server.upload(table(range(2), "5"), effective_at=refused)
        assert response.status_code == 422, (refused, response.text)
    assert [version["version"] for version in server.get(f"{TABLE}/versions")["versions"]] == [1, 2]


def test_another_key_needs_rekey_and_is_held_unless_forced(server):
    content = "a,b,amount\n1,x,5\n2,y,6\n"
    server.upload_ok(content)
    refused = server.upload(content, key="b")
    assert refused.status_code == 409, refused.text
    assert "rekey" in refused.json()["fix"]
    assert server.upload(content, key="b", rekey="true").json()["status"] == "held"
    answer = server.upload_ok(content, key="b", rekey="true", force="true")
    assert (answer["deleted"], answer["inserted"]) == (2, 2)
    events = server.get(f"/api/v1/events?upload={answer['upload_id']}")["events"]
    assert [(e["event_type"], e["key_column"], e["key_value"]) for e in events] == [
        ("delete", "a", "1"), ("delete", "a", "2"), ("insert", "b", "x"), ("insert", "b", "y")]
    assert set(server.records()) == {"x", "y"}
    assert set(server.records("&version=1")) == {"1", "2"}
