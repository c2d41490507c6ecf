"""The lake with PostgreSQL: two consumers on one folder, commands that run at the same time, typed views in psql."""

import csv
import io
import subprocess
from decimal import Decimal

import duckdb

from deltadrop_process import tree

HOSTILE = ["id", "a\"b", "it's", "a.b", "back\\slash", "version", "n" * 80, "n" * 80 + "2", "day", "at", "flag", "note"]
ROWS = [
    ["A", "1.10", "9223372036854775807", "-5", "1", "1", "1", "1", "2025-01-31", "2025-01-31T12:00:00", "true", "007"],
    ["B", "99999999999999999999.123456789012345678", "2", "-6", "2", "2", "2", "2", "", "2025-01-31 12:00:00.123456+02:00", "false", ""],
]


def file_of(rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HOSTILE)
    writer.writerows(rows)
    return out.getvalue()


def ok(pipeline, *arguments):
    done = pipeline.command("lake", *arguments)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}{pipeline.logs()}"
    return done.stdout


def test_commands_beside_two_consumers(pipeline):
    server = pipeline.serve()
    pipeline.consume()
    pipeline.consume()
    folder = pipeline.parquet_dir / "so-financials/financials"
    for amount in ("1", "2.5", "x"):
        server.upload_ok(f"id,amount\nA,{amount}\nB,1\n")
    before = {name: content for name, content in tree(folder).items()}
    ok(pipeline, "rebuild")
    assert tree(folder) == before
    commands = [pipeline.pool.submit(pipeline.command, "lake", name) for name in ("compact", "rebuild", "verify")]
    for amount in range(5):
        server.upload_ok(f"id,amount\nA,{amount}\nB,1\n")
    for command in commands:
        done = command.result()
        assert done.returncode == 0, done.stdout + done.stderr
    assert "as the history says" in ok(pipeline, "verify")
    events = {row["event_id"] for row in pipeline.sql.rows("SELECT event_id FROM cdc_events")}
    ids = [row[0] for row in duckdb.connect().execute("SELECT event_id FROM read_parquet(?)", [str(folder / "*.parquet")]).fetchall()]
    assert len(ids) == len(set(ids)) and set(ids) == events
    (folder / sorted(name for name in tree(folder) if name.endswith(".parquet"))[0]).unlink()
    done = pipeline.command("lake", "verify")
    assert done.returncode == 1 and "missing" in done.stdout


def test_views_of_postgres_have_the_types_and_values(pipeline):
    server = pipeline.serve()
    pipeline.consume()
    server.upload_ok(file_of(ROWS))
    server.upload_ok(file_of([ROWS[0][:3] + ["-7"] + ROWS[0][4:], ROWS[1]]))
    sql = ok(pipeline, "views")
    for _ in range(2):
        done = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", pipeline.database_url], input=sql, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    view = '"so-financials/financials/current"'
    types = pipeline.sql.rows(f"SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = '{view}'::regclass AND attnum > 0 ORDER BY attnum")
    by_name = {row["attname"]: row["type"] for row in types}
    assert len(by_name) == len(HOSTILE) + 5
    assert by_name['a"b'] == "numeric(38,18)" and by_name["it's"] == "bigint" and by_name["a.b"] == "bigint"
    assert by_name["day"] == "date" and by_name["at"] == "timestamp with time zone" and by_name["flag"] == "boolean"
    assert by_name["note"] == "text" and by_name["version"] == "bigint" and "_version" in by_name
    long = [name for name in by_name if name.startswith("nnn")]
    assert len(long) == 2 and all(len(name) == 63 for name in long)
    found = pipeline.sql.run("SET TIME ZONE 'Asia/Tokyo'; SELECT \"a\"\"b\"::text, \"it's\", \"a.b\", day, at AT TIME ZONE 'UTC', flag, note "
                             f"FROM {view} ORDER BY record_key").splitlines()
    assert found == ["1.100000000000000000|9223372036854775807|-7|2025-01-31|2025-01-31 12:00:00|t|007",
                     "99999999999999999999.123456789012345678|2|-6||2025-01-31 10:00:00.123456|f|"]
    history = pipeline.sql.rows('SELECT record_key, "a.b" AS v FROM "so-financials/financials/history" ORDER BY record_key, valid_from')
    assert [(row["record_key"], row["v"]) for row in history] == [("A", -5), ("A", -7), ("B", -6)]
    changes = pipeline.sql.rows('SELECT event_type, "old_a.b" AS o, "new_a.b" AS n FROM "so-financials/financials/changes" ORDER BY applied_no, seq')
    assert [(row["event_type"], row["o"], row["n"]) for row in changes] == [("insert", None, -5), ("insert", None, -6), ("update", -5, -7)]
    out = pipeline.folder / "state.parquet"
    ok(pipeline, "export", "--output", str(out))
    exported = duckdb.connect().execute('SELECT "a""b" FROM read_parquet(?) ORDER BY key', [str(out)]).fetchall()
    assert [value for (value,) in exported] == [Decimal(row[1]) for row in ROWS]
