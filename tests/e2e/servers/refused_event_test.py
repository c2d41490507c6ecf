"""PostgreSQL rejects an event: its table waits, all others continue, and each documented repair works."""

import pytest

from pipeline import csv_of, health_until, values_of

ROWS = [{f"F{n}": str(n * factor) for n in range(1, 30)} for factor in (1, 2)]
POISON = "F13"


def refuse(pipeline, what, table="cdc_events"):
    """Adds a constraint, as the owner of a database may."""
    pipeline.sql.run(f"ALTER TABLE {table} ADD CONSTRAINT of_the_owner CHECK ({what}) NOT VALID")


def accept(pipeline, table="cdc_events"):
    pipeline.sql.run(f"ALTER TABLE {table} DROP CONSTRAINT of_the_owner")


def open_rows(pipeline, company):
    rows = pipeline.sql.rows(f"SELECT record_key, data FROM company_data WHERE is_current AND company_id = '{company}'")
    return {row["record_key"]: row["data"] for row in rows}


def refused_and_waiting(pipeline):
    """Returns (server, consumer, [both uploads of the table that waits], their dead letter's id)."""
    consumer = pipeline.consume()
    health_until(consumer, "the schema is made", lambda answer: answer["status"] == "UP")
    refuse(pipeline, f"company_id <> 'so-financials' OR key_value <> '{POISON}' OR event_type <> 'insert'")
    server = pipeline.serve()
    uploads = [server.upload(csv_of(rows)).json() for rows in ROWS]
    others = [server.upload_ok(csv_of(rows), company_id="other") for rows in ROWS]

    for program in (consumer, server):
        health = health_until(program, "it is named", lambda answer: answer["blocked"])
        assert health["status"] == "DEGRADED" and health["dead_letters"] == 1 and health["troubles"] == [], health
        named = health["blocked"][0]
        assert (named["company_id"], named["table_name"], named["upload_id"]) == ("so-financials", "financials", uploads[0]["upload_id"])
        assert named["state"] == "blocked" and "of_the_owner" in named["error"], named
        assert "deltadrop republish so-financials financials --from-version 1" in named["fix"] and "dead-letters retry" in named["fix"]
    # Exactly one event is missing. The rest of its upload and the next upload are recorded.
    pipeline.wait_published(server, uploads[1]["upload_id"])
    health_until(consumer, "all is read", lambda answer: answer["lag"] == 0)
    counts = pipeline.sql.rows("SELECT u.upload_id, u.state, count(*) AS n FROM uploads u JOIN cdc_events USING (upload_id) "
                               "WHERE u.company_id = 'so-financials' GROUP BY 1, 2 ORDER BY min(u.version)")
    assert [(row["upload_id"], row["state"], row["n"]) for row in counts] == [
        (uploads[0]["upload_id"], "blocked", len(ROWS[0]) - 1), (uploads[1]["upload_id"], "recorded", len(ROWS[1]))]
    assert open_rows(pipeline, "so-financials") == {}
    assert open_rows(pipeline, "other") == values_of(ROWS[1])
    assert [upload["status"] for upload in others] == ["published"] * 2

    listed = pipeline.command("dead-letters", "list").stdout.strip().split("\t")
    assert listed[2:4] == ["open", "so-financials/financials version 1"] and "of_the_owner" in listed[4], listed
    return server, consumer, uploads, listed[0]


def check_repaired(pipeline, server, consumer, uploads):
    for upload in uploads:
        pipeline.wait_applied(server, upload["upload_id"])
    assert open_rows(pipeline, "so-financials") == values_of(ROWS[1])
    assert pipeline.sql.rows("SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM cdc_events") == [{"n": 116, "ids": 116}]
    health = health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")
    assert (health["dead_letters"], health["blocked"]) == (0, [])
    assert pipeline.command("dead-letters", "list").stdout == ""
    assert "\tresolved " in pipeline.command("dead-letters", "list", "--all").stdout


def test_it_is_repaired_by_republish(pipeline):
    server, consumer, uploads, _ = refused_and_waiting(pipeline)
    accept(pipeline)
    assert pipeline.command("republish", "so-financials", "financials", "--from-version", "1").returncode == 0
    check_repaired(pipeline, server, consumer, uploads)


@pytest.mark.parametrize("how", ["command", "http"])
def test_it_is_repaired_by_a_retry(pipeline, how):
    server, consumer, uploads, letter = refused_and_waiting(pipeline)
    shown = pipeline.command("dead-letters", "show", letter)
    assert shown.returncode == 0 and f'"key_value":"{POISON}"' in shown.stdout and uploads[0]["upload_id"] in shown.stdout, shown
    path = "/api/v1/dead-letters/" + letter.replace("/", "%2F").replace("+", "%2B")
    # While the reason exists, the state does not change.
    early = pipeline.command("dead-letters", "retry", letter)
    assert early.returncode == 2 and "the history rejects dead letter" in early.stderr and "of_the_owner" in early.stderr and "fix:" in early.stderr, early
    refused = consumer.request("POST", path + "/retry")
    assert refused.status_code == 409, refused.text
    assert consumer.get(path)["resolved_at"] is None
    accept(pipeline)
    if how == "http":
        # serve only reads the history; consume writes it.
        assert server.request("POST", path + "/retry").status_code in (404, 405)
        answer = consumer.request("POST", path + "/retry")
        assert answer.status_code == 200 and answer.json()["resolved_at"], answer.text
    else:
        done = pipeline.command("dead-letters", "retry", "--all")
        assert done.returncode == 0 and "is recorded and resolved" in done.stdout, done
        again = pipeline.command("dead-letters", "retry", letter)
        assert again.returncode == 0 and "was resolved already" in again.stdout, again
    check_repaired(pipeline, server, consumer, uploads)


def test_rows_that_the_database_refuses_hold_up_their_table_only(pipeline):
    consumer = pipeline.consume()
    health_until(consumer, "the schema is made", lambda answer: answer["status"] == "UP")
    refuse(pipeline, f"company_id <> 'so-financials' OR record_key <> '{POISON}'", table="company_data")
    server = pipeline.serve()
    uploads = [server.upload(csv_of(rows)).json() for rows in ROWS]
    for rows in ROWS:
        server.upload_ok(csv_of(rows), company_id="other")
    health = health_until(consumer, "it is named", lambda answer: answer["troubles"])
    assert health["status"] == "DEGRADED" and health["database"] == "UP", health
    trouble = " ".join(health["troubles"])
    assert all(word in trouble for word in ("so-financials/financials", "of_the_owner", "remove the cause")), trouble
    assert (open_rows(pipeline, "so-financials"), open_rows(pipeline, "other")) == ({}, values_of(ROWS[1]))
    accept(pipeline, table="company_data")
    for upload in uploads:
        pipeline.wait_applied(server, upload["upload_id"])
    assert open_rows(pipeline, "so-financials") == values_of(ROWS[1])
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")
