"""The database or DATA_DIR is restored from an older copy. In each case, the rows finally equal the archive."""

import shutil
import subprocess

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from pipeline import Psql, csv_of, health_until, values_of

ROWS = [{f"F{n}": str(n * factor) for n in range(1, 30)} for factor in range(1, 5)]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def restore(pipeline, dump):
    """Restores the database like an operator, and ends existing connections."""
    Psql(pipeline.postgres.url()).run(f"DROP DATABASE {pipeline.database} WITH (FORCE)")
    Psql(pipeline.postgres.url()).run(f"CREATE DATABASE {pipeline.database}")
    run("pg_restore", "--dbname", pipeline.database_url, "--exit-on-error", dump)


def drop_messages(pipeline):
    """Deletes the messages at once, as retention would later."""
    reader = KafkaConsumer(bootstrap_servers=pipeline.kafka.address)
    client = KafkaAdminClient(bootstrap_servers=pipeline.kafka.address)
    client.delete_records(reader.end_offsets([TopicPartition(pipeline.topic, number) for number in reader.partitions_for_topic(pipeline.topic)]))
    client.close()
    reader.close()


def check_every_version(pipeline, answers, tables):
    pipeline.check_once(answers)
    assert pipeline.open_rows() == values_of(tables[-1])
    for answer, rows in zip(answers, tables, strict=True):
        assert pipeline.rows_at(answer["timestamp"]) == values_of(rows), answer


def dumped_and_gone_on(pipeline):
    """The database is dumped at version 2; versions 3 and 4 follow. Returns (server, answers, dump)."""
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(rows)) for rows in ROWS[:2]]
    dump = pipeline.folder / "older.dump"
    run("pg_dump", "--format=custom", "--file", dump, pipeline.database_url)
    answers += [server.upload_ok(csv_of(rows)) for rows in ROWS[2:]]
    consumer.stop()
    return server, answers, dump


def test_an_older_database_reads_what_it_misses_from_the_topic(pipeline):
    server, answers, dump = dumped_and_gone_on(pipeline)
    restore(pipeline, dump)
    assert pipeline.open_rows() == values_of(ROWS[1])
    pipeline.consume()
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    check_every_version(pipeline, answers, ROWS)


def test_an_older_database_without_the_messages_is_repaired_as_the_consumer_says(pipeline):
    server, answers, dump = dumped_and_gone_on(pipeline)
    drop_messages(pipeline)
    restore(pipeline, dump)
    stopped = pipeline.consume()
    assert stopped.process.wait(timeout=60) == 2
    log = stopped.log_path.read_text()
    assert "messages in between are lost" in log, log
    assert "`deltadrop republish`" in log and "`deltadrop consume --accept-gap`" in log, log
    assert pipeline.command("republish").returncode == 0
    pipeline.consume(flags=["--accept-gap"])
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    check_every_version(pipeline, answers, ROWS)


def test_an_older_data_dir_is_a_fork_that_one_command_repairs(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(rows)) for rows in ROWS[:2]]
    server.stop()
    older = pipeline.folder / "older"
    shutil.copytree(pipeline.data_dir, older)
    server = pipeline.serve()
    lost = server.upload_ok(csv_of(ROWS[2]))
    other = server.upload_ok(csv_of(ROWS[0]), company_id="other")
    server.stop()
    shutil.rmtree(pipeline.data_dir)
    shutil.move(older, pipeline.data_dir)

    server = pipeline.serve()
    answers.append(server.upload(csv_of(ROWS[3])).json())
    fork = answers[-1]["upload_id"]
    for program in (consumer, server):
        health = health_until(program, "the fork is named", lambda answer: answer["blocked"])
        assert (health["status"], [(one["upload_id"], one["state"]) for one in health["blocked"]]) == ("DEGRADED", [(fork, "conflict")])
        named = health["blocked"][0]
        assert all(word in named["fix"] for word in ("deltadrop conflict show", "deltadrop conflict resolve", "keep the database")), named
        assert lost["upload_id"] in named["error"] and "forked" in named["error"], named
        assert health["troubles"] == []
    # An upload that follows the fork waits for it. Other tables continue.
    answers.append(server.upload(csv_of(ROWS[2])).json())
    after = server.upload_ok(csv_of(ROWS[1]), company_id="another")
    pipeline.wait_published(server, answers[-1]["upload_id"])
    events = pipeline.sql.rows(f"SELECT count(*) AS n FROM cdc_events WHERE upload_id = '{fork}'")
    assert events == [{"n": answers[2]["updated"]}]
    applied = pipeline.sql.rows("SELECT upload_id FROM uploads WHERE state = 'applied' ORDER BY applied_no")
    assert [row["upload_id"] for row in applied] == [each["upload_id"] for each in (*answers[:2], lost, other, after)]
    rows_now = pipeline.sql.rows("SELECT record_key, data FROM company_data WHERE is_current AND company_id = 'so-financials'")
    assert {row["record_key"]: row["data"] for row in rows_now} == values_of(ROWS[2]), "nothing wrong was applied"

    # Continue with the current archive. Uploads that it does not have are set aside.
    done = pipeline.command("conflict", "resolve", "so-financials", "financials", "--keep", answers[-1]["upload_id"], "--yes")
    assert done.returncode == 0 and lost["upload_id"] in done.stdout, done
    for upload in (*answers, after):
        pipeline.wait_applied(server, upload["upload_id"])
    assert server.records() == values_of(ROWS[2])
    for answer, rows in zip(answers, [ROWS[0], ROWS[1], ROWS[3], ROWS[2]], strict=True):
        assert server.records(f"&as_of={answer['timestamp']}") == values_of(rows)
    health_until(consumer, "all is well again", lambda answer: answer["status"] == "UP")
    events = pipeline.sql.rows(f"SELECT count(*) AS n FROM cdc_events WHERE upload_id = '{lost['upload_id']}'")
    assert events == [{"n": lost["updated"]}], "no recorded event is lost"
    verified = pipeline.command("lake", "verify")
    assert verified.returncode == 0, verified.stdout
    following = server.upload_ok(csv_of(ROWS[0]))
    assert (following["version"], server.records()) == (5, values_of(ROWS[0]))


def test_a_lost_database_is_filled_again_while_everybody_runs(pipeline):
    server, consumer = pipeline.serve(), pipeline.consume()
    answers = [server.upload_ok(csv_of(rows)) for rows in ROWS[:2]]
    admin = Psql(pipeline.postgres.url())
    admin.run(f"DROP DATABASE {pipeline.database} WITH (FORCE)")
    for program in (server, consumer):
        health_until(program, "it is missed", lambda answer: answer["database"] == "DOWN" and "createdb" in " ".join(answer["troubles"]))
    admin.run(f"CREATE DATABASE {pipeline.database}")
    pipeline.wait_applied(server, answers[-1]["upload_id"])
    answers.append(server.upload_ok(csv_of(ROWS[2])))
    check_every_version(pipeline, answers, ROWS[:3])
    assert consumer.process.poll() is None
