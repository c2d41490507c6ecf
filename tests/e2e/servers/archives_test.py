"""Several archives on one topic and database: the wrong DATA_DIR is rejected, shards coexist, and forks are repaired."""

import json
import shutil

from deltadrop_process import Deltadrop
from pipeline import csv_of, health_until, values_of

ROWS = [{f"F{n}": str(n * factor) for n in range(1, 30)} for factor in range(1, 6)]
TABLE = ("so-financials", "financials")


def archive_id(server):
    return (server.data_dir / "archive/archive-id").read_text().strip()


def serve_on(pipeline, name, **env):
    return pipeline._started(Deltadrop(pipeline.folder / name, command="serve", env=pipeline.env | env))


def applied(pipeline, server, content, **fields):
    """Uploads and waits until the upload is in the lake. The first upload may get 202, because it creates the topic."""
    response = server.upload(content, **fields)
    assert response.status_code in (200, 202), response.text
    pipeline.wait_applied(server, response.json()["upload_id"])
    return response.json()


def is_refused(server, response, owner):
    problem = response.json()
    assert (response.status_code, problem["type"]) == (409, "/problems/table-owned-by-another-archive"), problem
    for part in (owner, archive_id(server)):
        assert part in problem["detail"], problem
    text = str(problem)
    assert "backup" in text and "keep the database" in text, problem
    assert str(server.data_dir) not in text, "no path of the server"
    return True


def conflict(pipeline, *arguments):
    done = pipeline.command("conflict", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return done


def resolve(pipeline, keep):
    done = conflict(pipeline, "resolve", *TABLE, "--keep", keep, "--yes")
    assert done.returncode == 0 and "Done" in done.stdout, done
    return done.stdout


def check_lake(pipeline):
    verified = pipeline.command("lake", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def states(pipeline):
    return {row["upload_id"]: (row["state"], row["aside"]) for row in
            pipeline.sql.rows("SELECT upload_id, state, set_aside_at IS NOT NULL AS aside FROM uploads")}


def test_an_empty_data_dir_is_named_and_its_uploads_to_known_tables_are_refused(pipeline):
    server, _ = pipeline.serve(), pipeline.consume()
    owner = archive_id(server)
    answers = [applied(pipeline, server, csv_of(ROWS[0]))]
    server.stop()

    wrong = serve_on(pipeline, "wrong")
    health = health_until(wrong, "the empty archive is named", lambda answer: answer["troubles"])
    assert health["status"] == "DEGRADED"
    trouble = health["troubles"][0]
    for part in (owner, archive_id(wrong), "/".join(TABLE), "backup", "keep the database"):
        assert part in trouble, trouble
    assert trouble in wrong.log_path.read_text()
    before = {path for path in wrong.data_dir.rglob("*") if path.suffix in (".csv", ".json")}
    assert is_refused(wrong, wrong.upload(csv_of(ROWS[1])), owner)
    assert is_refused(wrong, wrong.upload(csv_of(ROWS[1]), dry_run="true"), owner)
    assert {path for path in wrong.data_dir.rglob("*") if path.suffix in (".csv", ".json")} == before
    # Another table has no owner. With it, this archive becomes known.
    applied(pipeline, wrong, csv_of(ROWS[1]), company_id="another")
    health_until(wrong, "it is a shard now", lambda answer: answer["status"] == "UP")
    assert pipeline.sql.rows("SELECT count(*) AS n FROM uploads WHERE state = 'conflict'") == [{"n": 0}]
    wrong.stop()

    server = pipeline.serve()
    assert archive_id(server) == owner
    answers.append(applied(pipeline, server, csv_of(ROWS[1])))
    assert server.records() == values_of(ROWS[1])
    assert [answer["version"] for answer in answers] == [1, 2]
    owners = pipeline.sql.rows("SELECT company_id, archive_id FROM table_owners ORDER BY company_id")
    assert owners == [{"company_id": "another", "archive_id": archive_id(wrong)}, {"company_id": "so-financials", "archive_id": owner}]
    assert {json.loads(message.value)["archive_id"] for message in pipeline.messages() if message.key.startswith(b"so-financials/")} == {owner}


def test_two_shards_share_the_topic_and_the_database(pipeline):
    one, two, _ = serve_on(pipeline, "one"), serve_on(pipeline, "two"), pipeline.consume()
    for rows in ROWS[:3]:
        for server, company in ((one, "first"), (two, "second")):
            applied(pipeline, server, csv_of(rows), company_id=company)
    assert is_refused(one, one.upload(csv_of(ROWS[3]), company_id="second"), archive_id(two))
    assert is_refused(two, two.upload(csv_of(ROWS[3]), company_id="first"), archive_id(one))
    assert {state for state, _ in states(pipeline).values()} == {"applied"}
    for server in (one, two):
        health_until(server, "all is well", lambda answer: answer["status"] == "UP")


def test_what_the_database_could_not_tell_is_a_conflict_that_one_command_repairs(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    first = applied(pipeline, server, csv_of(ROWS[0]))
    other = applied(pipeline, server, csv_of(ROWS[0]), company_id="other")
    # This server reaches Kafka but not the database. It rejects nothing while the database is down.
    wrong = serve_on(pipeline, "wrong", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    response = wrong.upload(csv_of(ROWS[1]))
    assert response.status_code in (200, 202), response.text
    lost = response.json()["upload_id"]
    second = wrong.upload(csv_of(ROWS[2])).json()["upload_id"]
    health = health_until(consumer, "both are named", lambda answer: len(answer["blocked"]) == 2)
    assert {(one["upload_id"], one["state"]) for one in health["blocked"]} == {(lost, "conflict"), (second, "conflict")}
    for one in health["blocked"]:
        assert "deltadrop conflict show so-financials financials" in one["fix"] and "keep the database" in one["fix"], one
        assert "republish" not in one["fix"] and "empty database" not in one["fix"], one
    log = consumer.log_path.read_text()
    for upload in (lost, second):
        lines = [line for line in log.splitlines() if "conflict: " in line and f"(upload {upload}" in line]
        assert len(lines) == 1, log
        for part in ("so-financials/financials", archive_id(wrong), "deltadrop conflict resolve so-financials financials"):
            assert part in lines[0], lines[0]

    assert "so-financials/financials" in conflict(pipeline, "list").stdout
    shown = conflict(pipeline, "show", *TABLE).stdout
    for part in (first["upload_id"], lost, second, archive_id(server), archive_id(wrong)):
        assert part in shown, shown
    before = states(pipeline)
    said = conflict(pipeline, "resolve", *TABLE, "--keep", first["upload_id"])
    assert said.returncode == 1 and "Nothing was changed" in said.stdout, said
    assert states(pipeline) == before
    resolve(pipeline, first["upload_id"])
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP" and not answer["blocked"])
    assert states(pipeline) == {first["upload_id"]: ("applied", False), other["upload_id"]: ("applied", False),
                                lost: ("conflict", True), second: ("conflict", True)}
    assert applied(pipeline, server, csv_of(ROWS[3]))["version"] == 2
    assert server.records() == values_of(ROWS[3])
    check_lake(pipeline)


def test_a_lost_archive_gives_its_table_to_another_one_and_stays_readable(pipeline):
    """There is no backup: the events in the database are the only copy. They are kept and can be chosen again."""
    server, consumer = pipeline.serve(), pipeline.consume()
    old = [applied(pipeline, server, csv_of(rows)) for rows in ROWS[:2]]
    kept = applied(pipeline, server, csv_of(ROWS[0]), company_id="other")
    server.stop()
    shutil.rmtree(pipeline.data_dir)
    server = pipeline.serve()
    assert server.upload(csv_of(ROWS[2])).status_code == 409
    resolve(pipeline, "none")
    fresh = applied(pipeline, server, csv_of(ROWS[2]))
    assert fresh["version"] == 1
    assert server.records() == values_of(ROWS[2])
    events = pipeline.sql.rows(f"SELECT count(*) AS n FROM cdc_events WHERE upload_id IN ('{old[0]['upload_id']}', '{old[1]['upload_id']}')")
    assert events == [{"n": old[0]["inserted"] + old[1]["updated"]}]
    assert states(pipeline)[kept["upload_id"]] == ("applied", False)
    check_lake(pipeline)
    # Choose the old history again. The new one's uploads are set aside.
    resolve(pipeline, old[1]["upload_id"])
    health_until(consumer, "it is applied", lambda answer: answer["status"] == "UP" and answer["pending"] == 0 and answer["not_in_lake"] == 0)
    rows = pipeline.sql.rows("SELECT record_key, data FROM company_data WHERE is_current AND company_id = 'so-financials'")
    assert {row["record_key"]: row["data"] for row in rows} == values_of(ROWS[1])
    assert states(pipeline)[fresh["upload_id"]] == ("conflict", True)
    check_lake(pipeline)


def test_migrate_and_rebuild_keep_the_archives_id(pipeline):
    dev = pipeline.dev()
    owner = archive_id(dev)
    first = dev.upload_ok(csv_of(ROWS[0]))
    dev.stop()
    assert pipeline.command("migrate").returncode == 0
    (pipeline.data_dir / "catalog.db").unlink()
    rebuilt = pipeline.command("rebuild", "catalog")
    assert rebuilt.returncode == 0, rebuilt.stderr
    server, _ = pipeline.serve(), pipeline.consume()
    assert archive_id(server) == owner
    pipeline.wait_applied(server, first["upload_id"])
    applied(pipeline, server, csv_of(ROWS[1]))
    assert pipeline.sql.rows("SELECT archive_id FROM table_owners") == [{"archive_id": owner}]
