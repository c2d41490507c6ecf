"""deltadrop lake rebuild | verify | compact | export | views, on a lake that `dev` wrote, with and without a running `dev`."""

import csv
import datetime
import decimal
import io
import os
import re
import shutil
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow.parquet
import pytest

from deltadrop_process import FAULTY_PROGRAM, PROGRAM, TABLE, tree

# Values need wider types from version to version, columns are added and removed, and deleted keys return.
VERSIONS = [
    "id,amount,day,flag\nA,1,2025-01-31,true\nB,2,2025-02-28,false\nC,,,\n",
    "id,amount,day,flag\nA,1.25,2025-01-31,true\nB,2,2025-02-28,false\nD,9223372036854775807,2025-03-01,\n",
    "id,amount,day,flag,note\nA,1.25,2025-01-31,true,007\nD,9223372036854775807,2025-03-01,,\nE,-0.00000001,,true,x\n",
    "id,amount,flag,note\nA,n/a,true,007\nD,5,,\nE,-0.00000001,false,x\nB,3,true,again\n",
    "id,amount,flag,note\nA,n/a,true,008\nD,5,,\nE,-0.00000001,false,x\nF,12345678901234567890.5,true,\"it's \"\"here\"\"\"\n",
]
POINTS_MAX = 2000


def lake(data_dir, *arguments, program=PROGRAM, fault=None, text=True):
    environment = {"PATH": "/usr/bin:/bin"} | ({"DELTADROP_FAULT": fault} if fault else {})
    return subprocess.run([str(program), "lake", *arguments, "--data-dir", str(data_dir)], capture_output=True, text=text, check=False,
                          timeout=120, env=environment)


def lake_ok(data_dir, *arguments, **more):
    done = lake(data_dir, *arguments, **more)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def copied(command):
    """Runs a printed command in a shell, as if it were copied there."""
    assert command.startswith("deltadrop ")
    done = subprocess.run(command.replace("deltadrop", str(PROGRAM), 1), shell=True, capture_output=True, text=True, check=False, timeout=120,
                          env={"PATH": "/usr/bin:/bin"}, cwd="/")
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def folder_of(data_dir):
    return data_dir / "parquet/so-financials/financials"


def files_of(data_dir):
    return {name: content for name, content in tree(folder_of(data_dir)).items() if name.endswith(".parquet")}


def glob_rows(data_dir):
    """The columns' names and types, and every row that one glob returns, sorted."""
    cursor = duckdb.connect().execute("SELECT * REPLACE (epoch_ms(timestamp) AS timestamp, epoch_ms(effective_at) AS effective_at) "
                                      "FROM read_parquet(?)", [str(folder_of(data_dir) / "*.parquet")])
    schema = [(column[0], str(column[1])) for column in cursor.description]
    return schema, sorted(map(repr, cursor.fetchall()))


def upload_all(server, versions=tuple(VERSIONS)):
    return [server.upload_ok(content) for content in versions]


@pytest.fixture
def written(start, tmp_path):
    """A DATA_DIR with all versions in its lake; no server runs on it."""
    server = start()
    upload_all(server)
    server.stop()
    return tmp_path / "data"


# ---- rebuild

def test_rebuild_gives_the_bytes_that_the_consumer_wrote(written):
    before = tree(written / "parquet")
    assert len(files_of(written)) > 8
    said = lake_ok(written, "rebuild")
    assert f"{len(files_of(written))} files" in said and "5 uploads" in said
    assert tree(written / "parquet").items() >= before.items()
    shutil.rmtree(written / "parquet")
    lake_ok(written, "rebuild", "so-financials", "financials")
    assert files_of(written) == {name.split("/")[-1]: content for name, content in before.items() if name.endswith(".parquet")}


def test_rebuild_removes_what_does_not_belong_and_nothing_else(written):
    before = files_of(written)
    folder = folder_of(written)
    extra = ["insert_20200101000000_A.parquet", ".tmp-insert_20200101000000_A", "delete_20200101000000_A~v3-99.parquet"]
    foreign = ["notes.txt", "part-0.parquet", "insert_x.parquet"]
    for name in extra + foreign:
        (folder / name).write_bytes(b"x")
    some = sorted(before)[0]
    (folder / some).write_bytes(before[some][:-9])
    assert "3 files removed" in lake_ok(written, "rebuild")
    assert {name for name in tree(folder)} == set(before) | set(foreign)
    assert {name: content for name, content in tree(folder).items() if name in before} == before


def test_rebuild_beside_a_server_and_two_at_once(start, tmp_path):
    server = start()
    upload_all(server)
    data_dir = tmp_path / "data"
    before = files_of(data_dir)
    with ThreadPoolExecutor(4) as pool:
        commands = [pool.submit(lake, data_dir, name) for name in ("rebuild", "verify", "rebuild", "compact")]
        more = [server.upload_ok(f"id,amount,flag,note\nA,{n},true,008\nZ,{n},,\n") for n in range(4)]
        for command in commands:
            done = command.result()
            assert done.returncode == 0, done.stdout + done.stderr
    assert [answer["version"] for answer in more] == [6, 7, 8, 9]
    assert "as the history says" in lake_ok(data_dir, "verify")
    events = server.all_pages("/api/v1/events?limit=1000", "events")
    ids = [row[0] for row in duckdb.connect().execute("SELECT event_id FROM read_parquet(?)", [str(folder_of(data_dir) / "*.parquet")]).fetchall()]
    assert sorted(ids) == sorted(event["event_id"] for event in events), "each event once"
    assert before


def test_rebuild_that_is_killed_leaves_whole_files_and_is_complete_when_run_again(written):
    before = files_of(written)
    rows = glob_rows(written)
    step = 0
    for step in range(1, POINTS_MAX):
        done = lake(written, "rebuild", program=FAULTY_PROGRAM, fault=f"kill:*:{step}")
        assert glob_rows(written) == rows, f"step {step}"
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    assert step > 20
    lake_ok(written, "rebuild")
    assert files_of(written) == before
    lake_ok(written, "verify")


def test_a_full_disk_is_told_and_leaves_the_lake_as_it_was(written):
    before = files_of(written)
    for point in ("write", "fsync", "rename"):
        done = lake(written, "rebuild", program=FAULTY_PROGRAM, fault=f"fail:{point}:2:ENOSPC")
        assert done.returncode == 2 and "deltadrop:" in done.stderr, point
        assert files_of(written) == before, point


def test_rebuild_finds_types_again_that_are_kept_wrong(written):
    before = files_of(written)
    with sqlite3.connect(written / "history.db") as connection:
        connection.execute("UPDATE lake_columns SET column_type = 'int64' WHERE column_name = 'amount'")
    connection.close()
    done = lake(written, "verify")
    assert done.returncode == 2 and "deltadrop lake rebuild so-financials financials" in done.stderr
    lake_ok(written, "rebuild")
    lake_ok(written, "verify")
    assert files_of(written) == before


# ---- verify

def damage(folder, what):
    """Damages a file. Returns the words that verify must print about it, and the file's name."""
    name = sorted(path.name for path in folder.glob("insert_*.parquet"))[0]
    path = folder / name
    content = path.read_bytes()
    if what == "missing":
        path.unlink()
        return "missing", name
    if what == "link":
        path.unlink()
        path.symlink_to(folder)
        return "a link to a folder has its name", name
    if what == "truncated":
        path.write_bytes(content[:len(content) // 2])
        return f"ends after {len(content) // 2} bytes", name
    if what == "longer":
        path.write_bytes(content + b"x")
        return f"{len(content) + 1} bytes", name
    if what == "differing":
        path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        return "byte 100", name
    if what == "extra":
        shutil.copy(path, folder / "update_19990101000000_x.parquet")
        return "extra", "update_19990101000000_x.parquet"
    shutil.copy(path, folder / ".tmp-insert_19990101000000_x")
    return "unfinished", ".tmp-insert_19990101000000_x"


@pytest.mark.parametrize("what", ["missing", "link", "truncated", "longer", "differing", "extra", "half"])
def test_verify_names_the_damage_and_its_repair(written, what):
    assert "all" in lake_ok(written, "verify")
    before = files_of(written)
    words, name = damage(folder_of(written), what)
    after = tree(written / "parquet")
    done = lake(written, "verify")
    assert done.returncode == 1, done.stderr
    line = next(line for line in done.stdout.splitlines() if name in line)
    assert words in line and str(folder_of(written)) in line
    assert "1 difference;" in done.stdout
    repair = next(line for line in done.stdout.splitlines() if "fix: deltadrop lake" in line).split("fix: ")[1]
    assert tree(written / "parquet") == after, "verify writes nothing"
    copied(repair)
    lake_ok(written, "verify")
    assert files_of(written) == before


def test_verify_names_the_repair_before_what_it_fails_at(written):
    damage(folder_of(written), "missing")
    database = sqlite3.connect(written / "history.db")
    database.execute("UPDATE uploads SET types = 'spoiled'")
    database.commit()
    database.close()
    done = lake(written, "verify")
    assert done.returncode == 2 and "spoiled" in done.stderr, done.stderr
    assert "fix: deltadrop lake rebuild so-financials financials" in done.stdout


def test_verify_names_folders_that_the_history_does_not_know(written):
    other = written / "parquet/other/financials"
    shutil.copytree(folder_of(written), other)
    done = lake(written, "verify")
    assert done.returncode == 1 and str(other) in done.stdout and "no applied upload of other/financials" in done.stdout
    lake_ok(written, "rebuild")
    assert len(list(other.iterdir())) == len(files_of(written)), "the history may be the wrong one, so nothing is removed"
    done = lake(written, "rebuild", "other", "financials")
    assert done.returncode == 2 and "fix:" in done.stderr


def test_a_declared_type_that_values_do_not_fit_is_shown(start, tmp_path):
    server = start()
    server.upload_ok("id,day,n\nA,2025-01-31,1\n", types="day:date,n:decimal(4)")
    assert "types=" not in lake(tmp_path / "data", "verify").stderr
    server.upload_ok("id,day,n\nA,someday,1\n")
    server.upload_ok("id,day,n\nA,2025-02-28,1\n")
    columns = server.get(TABLE + "?lake=true")["lake_columns"]
    assert columns == [{"name": "day", "type": "string", "declared": "date"}, {"name": "id", "type": "string", "declared": None},
                       {"name": "n", "type": "decimal(4)", "declared": "decimal(4)"}]
    done = lake(tmp_path / "data", "verify")
    assert done.returncode == 0
    assert done.stderr == 'column "day" of so-financials/financials is string in the lake, not "date" as types= says, since earlier values need it\n'


def test_folders_in_the_place_of_files_are_named_and_keep_no_other_table(start, tmp_path):
    server = start()
    upload_all(server)
    server.upload_ok("id,v\nA,1\n", company_id="other")
    strays = [".tmp-x", "insert_20200101000000_A.parquet", "delete_20200101000000_A~v1-99.parquet"]
    for name in strays:
        (folder_of(tmp_path / "data") / name).mkdir()
    server.upload_ok("id,v\nA,2\n", company_id="other")
    upload_all(server, VERSIONS[:1])  # in the lake, beside them
    server.stop()
    data_dir = tmp_path / "data"
    done = lake(data_dir, "verify")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()[:-2]] == ["folder", "folder"], "nothing else that rebuild would repair"
    assert "move it" in done.stdout and all(name in done.stdout for name in strays[1:])
    lake_ok(data_dir, "rebuild")
    for name in strays:
        (folder_of(data_dir) / name).rmdir()
    lake_ok(data_dir, "verify")
    before = tree(data_dir / "parquet")
    blocked = min(folder_of(data_dir).glob("insert_*.parquet"))
    blocked.unlink()
    blocked.mkdir()
    assert "missing" in lake(data_dir, "verify").stdout
    (data_dir / "parquet/other/financials").rename(tmp_path / "gone")
    done = lake(data_dir, "rebuild")
    assert done.returncode == 2 and f"{blocked} is a folder" in done.stderr and "move the folder" in done.stderr
    blocked.rmdir()
    assert {name for name in tree(data_dir / "parquet")} >= {name for name in before if name.startswith("other/")}, "the other table is done"
    lake_ok(data_dir, "rebuild")
    assert tree(data_dir / "parquet") == before


def test_trouble_has_an_exit_code_of_its_own(tmp_path, written):
    assert lake(written, "verify", "nobody", "financials").returncode == 2
    assert lake(written, "compact", "--before", "yesterday").returncode == 2
    assert lake(written, "verify", "so-financials").returncode == 2
    done = lake(tmp_path / "nowhere", "verify", "--database-url", "postgresql://x:y@127.0.0.1:1/z")
    assert done.returncode == 2 and "nowhere" in done.stderr and "the folder of a dev server with --data-dir" in done.stderr
    (tmp_path / "a-file").write_text("x")
    done = lake(written, "rebuild", "--parquet-dir", str(tmp_path / "a-file"))
    assert done.returncode == 2 and "a-file" in done.stderr


def test_a_given_but_empty_value_is_not_all_or_now(written, tmp_path):
    before = tree(written / "parquet")
    out = tmp_path / "out.parquet"
    for arguments in (["verify", "", ""], ["rebuild", "", ""], ["compact", "--before", ""], ["compact", "", ""],
                      ["export", "--as-of", "", "--output", str(out)], ["export", "--output", ""]):
        done = lake(written, *arguments)
        assert done.returncode == 2 and "empty" in done.stderr, arguments
    assert not out.exists() and tree(written / "parquet") == before


@pytest.mark.parametrize("given", [["half"], ["so-financials/financials"], ["--table", "financials"]])
@pytest.mark.parametrize("command", [["lake", "rebuild"], ["lake", "verify"], ["republish"]])
def test_half_a_table_is_not_all_tables(written, command, given):
    done = subprocess.run([str(PROGRAM), *command, *given, "--data-dir", str(written)], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and f'"{given[-1]}" is no table' in done.stderr and "financials" in done.stderr, done.stderr


def test_repairs_work_when_they_are_copied(written, tmp_path):
    moved = tmp_path / "it's a lake; $HOME"
    (written / "parquet").rename(moved)
    where = ["--parquet-dir", str(moved), "--parquet-max-rows", "2"]
    lake_ok(written, "rebuild", *where)
    min(moved.glob("*/*/insert_*.parquet")).unlink()
    done = lake(written, "verify", *where)
    assert done.returncode == 1
    copied(next(line for line in done.stdout.splitlines() if "fix: " in line).split("fix: ")[1])
    lake_ok(written, "verify", *where)
    conf = tmp_path / "deltadrop.conf"
    conf.write_text(f"DATA_DIR={written}\n")
    done = subprocess.run([str(PROGRAM), "lake", "verify", "--config", str(conf), "--parquet-dir", str(tmp_path / "gone")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2
    copied(done.stderr.split("`")[1])
    assert len(list((tmp_path / "gone").glob("*/*/*.parquet"))) > 8


@pytest.mark.parametrize("command", ["verify", "compact"])
def test_a_mistyped_lake_folder_is_told_and_not_made(written, tmp_path, command):
    done = lake(written, command, "--parquet-dir", str(tmp_path / "mistyped"))
    assert done.returncode == 2 and "mistyped is not there" in done.stderr and "--parquet-dir" in done.stderr
    assert not (tmp_path / "mistyped").exists()


def test_verify_names_the_settings_that_it_compared_for(written):
    done = lake(written, "verify", "--parquet-layout", "event", "--parquet-max-rows", "7")
    assert done.returncode == 1 and "PARQUET_LAYOUT event and PARQUET_MAX_ROWS 7" in done.stdout


# ---- compact

def test_compact_keeps_what_a_glob_returns(written):
    before = glob_rows(written)
    count = len(files_of(written))
    said = lake_ok(written, "compact")
    assert "merged into 3" in said
    assert len(files_of(written)) == 3 < count
    assert glob_rows(written) == before
    assert "as the history says" in lake_ok(written, "verify")
    assert "nothing to merge" in lake_ok(written, "compact")
    compacted = files_of(written)
    lake_ok(written, "rebuild")
    assert files_of(written) == compacted, "compacted files stay compacted"


def test_what_is_written_after_compacting(start, tmp_path):
    server = start()
    upload_all(server, VERSIONS[:3])
    data_dir = tmp_path / "data"
    lake_ok(data_dir, "compact")
    assert len(list(folder_of(data_dir).glob("*~v1-*.parquet"))) >= 1
    upload_all(server, VERSIONS[3:])
    schema, rows = glob_rows(data_dir)
    assert len({str(pyarrow.parquet.read_schema(path).remove_metadata()) for path in folder_of(data_dir).glob("*.parquet")}) == 1
    assert ("old_note", "VARCHAR") in schema
    assert len(rows) == len(server.all_pages("/api/v1/events?limit=1000", "events"))
    lake_ok(data_dir, "verify")
    lake_ok(data_dir, "compact")
    assert glob_rows(data_dir) == (schema, rows)
    assert len(files_of(data_dir)) == 3
    lake_ok(data_dir, "verify")


def test_compact_before_a_time_and_up_to_a_size(start, tmp_path):
    server = start()
    answers = upload_all(server)
    data_dir = tmp_path / "data"
    before = glob_rows(data_dir)
    third = server.get(f"/api/v1/uploads/{answers[2]['upload_id']}")["timestamp"]
    lake_ok(data_dir, "compact", "--before", third)
    names = set(files_of(data_dir))
    assert any("~v1-2." in name for name in names) and not any("~v1-3." in name for name in names)
    assert glob_rows(data_dir) == before
    lake_ok(data_dir, "compact", "--parquet-max-rows", "6")
    assert glob_rows(data_dir) == before
    lake_ok(data_dir, "verify")


def test_compact_ends_a_storm_of_files(start, tmp_path):
    server = start(flags=["--parquet-layout", "event"])
    upload_all(server)
    server.upload_ok("id,amount\n" + "".join(f"K{n},{n}\n" for n in range(300)), force="true")
    data_dir = tmp_path / "data"
    before = glob_rows(data_dir)
    assert len(files_of(data_dir)) == len(before[1])
    lake_ok(data_dir, "compact", "--parquet-layout", "event")
    assert len(files_of(data_dir)) == 3
    assert glob_rows(data_dir) == before
    lake_ok(data_dir, "verify", "--parquet-layout", "event")


def test_compact_that_is_killed_loses_nothing_and_is_complete_when_run_again(written):
    schema, rows = glob_rows(written)
    pristine = {path: content for path, content in tree(folder_of(written)).items()}
    expected = None
    step = 0
    for step in range(1, POINTS_MAX):
        for path in folder_of(written).iterdir():
            path.unlink()
        for name, content in pristine.items():
            (folder_of(written) / name).write_bytes(content)
        done = lake(written, "compact", program=FAULTY_PROGRAM, fault=f"kill:*:{step}")
        now = glob_rows(written)
        assert now[0] == schema and sorted(set(now[1])) == rows, f"step {step}: every row is there"
        if done.returncode != 0:
            assert done.returncode == -9, done.stderr
        if len(now[1]) > len(rows):
            assert lake(written, "verify").returncode == 1, "verify names files that an interruption left"
        lake_ok(written, "rebuild" if step % 2 else "compact")
        assert glob_rows(written) == (schema, rows), f"step {step}"
        lake_ok(written, "compact")
        expected = expected or files_of(written)
        assert files_of(written) == expected, f"step {step}"
        if done.returncode == 0:
            break
    assert step > 20
    lake_ok(written, "verify")


def test_an_upload_after_a_killed_compact_leaves_no_row_twice(start, tmp_path):
    server = start()
    upload_all(server, VERSIONS[:3])
    data_dir = tmp_path / "data"
    done = lake(data_dir, "compact", program=FAULTY_PROGRAM, fault="kill:unlink:2")
    assert done.returncode == -9
    assert len(glob_rows(data_dir)[1]) > len(set(glob_rows(data_dir)[1]))
    upload_all(server, VERSIONS[3:])  # needs wider types, so all files are written again
    events = server.all_pages("/api/v1/events?limit=1000", "events")
    assert len(glob_rows(data_dir)[1]) == len(events)
    lake_ok(data_dir, "verify")


# ---- export

def typed(text, kind):
    """The value that pyarrow returns for a text in a column of that type."""
    if text is None or kind == "string":
        return text
    if kind == "int64":
        return int(text)
    if kind.startswith("decimal"):
        return decimal.Decimal(text)
    if kind.startswith("date"):
        return datetime.date.fromisoformat(text)
    assert kind == "bool", kind
    return text == "true"


def check_export(server, path, query):
    table = pyarrow.parquet.read_table(path)
    records = server.all_pages(f"{TABLE}/records?limit=1000{query}", "records")
    kinds = {field.name: str(field.type) for field in table.schema}
    columns = list(records[0]["values"])
    assert table.schema.names == ["key", *columns, "valid_from", "valid_to", "version", "upload_id"]
    rows = table.to_pylist()
    assert [row["key"] for row in rows] == [record["key"] for record in records]
    for row, record in zip(rows, records):
        assert {name: row[name] for name in columns} == {name: typed(value, kinds[name]) for name, value in record["values"].items()}
        assert (row["version"], row["upload_id"]) == (record["version"], record["upload_id"])
        for name in ("valid_from", "valid_to"):
            wanted = record[name] and datetime.datetime.fromisoformat(record[name].replace("Z", "+00:00"))
            assert row[name] == wanted
    keys = [key for (key,) in duckdb.connect().execute("SELECT key FROM read_parquet(?)", [str(path)]).fetchall()]
    assert keys == [record["key"] for record in records]
    return kinds


def test_export_is_what_the_records_were(start, tmp_path):
    server = start()
    answers = upload_all(server)
    data_dir = tmp_path / "data"
    for number, answer in enumerate(answers, 1):
        out = tmp_path / f"v{number}.parquet"
        assert f"of version {number} " in lake_ok(data_dir, "export", "so-financials", "financials", "--version", str(number), "--output", str(out))
        check_export(server, out, f"&version={number}")
        at = server.get(f"/api/v1/uploads/{answer['upload_id']}")["effective_at"]
        done = lake(data_dir, "export", "--company", "so-financials", "--table", "financials", "--as-of", at, "--output", "-", text=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == out.read_bytes()
    lake_ok(data_dir, "export")
    kinds = check_export(server, data_dir / "current/so-financials/financials.parquet", "")
    assert (kinds["flag"], kinds["amount"]) == ("bool", "string")
    server.stop()
    lake_ok(data_dir, "export")


def test_export_keeps_every_digit_and_types_before_the_lake_has_them(start, tmp_path):
    # PARQUET_DIR cannot be written, so uploads are applied but not in the lake.
    (tmp_path / "no-folder").write_text("x")
    server = start(flags=["--parquet-dir", str(tmp_path / "no-folder")])
    content = "id,amount,key,Version\nA,1.10,x,1\nB,99999999999999999999.123456789012345678,y,2\n"
    upload = server.upload(content).json()
    assert server.wait(upload["upload_id"], "applied")["applied"]
    out = tmp_path / "out.parquet"
    lake_ok(tmp_path / "data", "export", "--output", str(out))
    table = pyarrow.parquet.read_table(out)
    assert table.schema.names == ["_key", "id", "amount", "key", "Version", "valid_from", "valid_to", "_version", "upload_id"]
    assert str(table.schema.field("amount").type) == "decimal128(38, 18)"
    assert [str(value) for value in table["amount"].to_pylist()] == ["1.100000000000000000", "99999999999999999999.123456789012345678"]
    assert str(table.schema.field("Version").type) == "int64"


def test_export_refuses_what_it_cannot_give(written, tmp_path):
    for arguments in (["--as-of", "1999-01-01", "--output", "x"], ["--version", "2"], ["--as-of", "never", "--output", "x"],
                      ["--output", str(tmp_path / "no/such/folder/x.parquet")]):
        done = lake(written, "export", *arguments)
        assert done.returncode == 2 and "fix:" in done.stderr, arguments
    out = tmp_path / "kept.parquet"
    out.write_text("before")
    done = lake(written, "export", "--output", str(out), program=FAULTY_PROGRAM, fault="fail:fsync:1:ENOSPC")
    assert done.returncode == 2 and out.read_text() == "before"
    assert [path.name for path in tmp_path.glob("kept*")] == ["kept.parquet"]


def test_export_writes_through_links(written, tmp_path):
    (tmp_path / "far").mkdir()
    far = tmp_path / "far/state.parquet"
    near = tmp_path / "near.parquet"
    near.symlink_to("link.parquet")
    (tmp_path / "link.parquet").symlink_to("far/state.parquet")
    for round in ("dangling", "over a file"):
        lake_ok(written, "export", "--output", str(near))
        assert near.is_symlink() and (tmp_path / "link.parquet").is_symlink() and far.is_file() and not far.is_symlink(), round
        assert pyarrow.parquet.read_table(far).num_rows > 0
        assert [path.name for path in far.parent.iterdir()] == ["state.parquet"], "nothing unfinished"
        far.write_bytes(b"before")
        before = far.stat().st_ino
    lake_ok(written, "export", "--output", str(near))
    assert far.stat().st_ino != before, "renamed into place, not written into"
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    done = lake(written, "export", "--output", str(circle))
    assert done.returncode == 2 and str(circle) in done.stderr and "fix:" in done.stderr and circle.is_symlink()


def test_export_of_a_version_that_is_not_there_names_the_last(written, tmp_path):
    out = tmp_path / "out.parquet"
    done = lake(written, "export", "so-financials", "financials", "--version", "6", "--output", str(out))
    assert done.returncode == 2 and not out.exists()
    assert "no version 6 of so-financials/financials: the last is 5" in done.stderr and "fix: give one from 1 to 5" in done.stderr


def test_export_of_a_version_without_changes_says_whose_records_it_has(start, tmp_path):
    server = start()
    for content in ("id,v\nA,1\nB,2\n", "id,v\nB,2\nA,1\n", "id,v\nA,3\nB,2\n"):
        server.upload_ok(content)
    done = lake(tmp_path / "data", "export", "--version", "2", "--output", str(tmp_path / "out.parquet"))
    assert done.returncode == 0 and "what follows is version 1" in done.stderr
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet")["v"].to_pylist() == [1, 2]


def test_export_replaces_files_only(written, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for output in (pipe, tmp_path):
        done = lake(written, "export", "so-financials", "financials", "--output", str(output))
        assert done.returncode == 2 and f"{output} is not a file" in done.stderr and "--output -" in done.stderr
    assert pipe.is_fifo() and [path.name for path in tmp_path.parent.glob(f"{tmp_path.name}.tmp*")] == []


@pytest.mark.parametrize("version", ["0", "-1", "x"])
def test_a_version_that_there_cannot_be_is_told_in_few_words(written, version):
    done = lake(written, "export", "--output", "-", "--version", version)
    assert done.returncode == 2 and "--version" in done.stderr and len(done.stderr) < 150


# ---- views

HOSTILE = ["id", 'a"b', "it's", "a.b", "$x", "back\\slash", "new\nline", "Ünïcode", "select", "version", "n" * 80, "n" * 80 + "2"]


def hostile_file(*rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HOSTILE)
    writer.writerows(rows)
    return out.getvalue()


def test_views_of_sqlite_have_the_values(start, tmp_path):
    server = start()
    rows = [["A", *(str(n) for n in range(1, len(HOSTILE)))], ["B", *(f"{n}.50" if n == 1 else f"-{n}" for n in range(1, len(HOSTILE)))]]
    server.upload_ok(hostile_file(*rows))
    rows[0][2] = "9223372036854775807"
    server.upload_ok(hostile_file(*rows))
    sql = lake_ok(tmp_path / "data", "views", "--dialect", "sqlite")
    server.stop()
    connection = sqlite3.connect(tmp_path / "data/history.db")
    connection.executescript(sql)
    connection.executescript(sql)  # again, which replaces them
    cursor = connection.execute('SELECT * FROM "so-financials/financials/current" ORDER BY record_key')
    names = [column[0] for column in cursor.description]
    assert names == ["record_key", "valid_from", "valid_to", "_version", "upload_id", *sorted(HOSTILE, key=str.encode)]
    found = [dict(zip(names, row)) for row in cursor.fetchall()]
    for row, values in zip(found, rows):
        for name, text in zip(HOSTILE, values):
            assert row[name] == (text if name in ("id", 'a"b') else int(text)), name
    history = connection.execute('SELECT record_key, "it\'s" FROM "so-financials/financials/history" ORDER BY 1, valid_from').fetchall()
    assert history == [("A", 2), ("A", 9223372036854775807), ("B", -2)]
    changes = connection.execute('SELECT event_type, "old_it\'s", "new_it\'s" FROM "so-financials/financials/changes" ORDER BY applied_no, seq').fetchall()
    assert changes == [("insert", None, 2), ("insert", None, -2), ("update", 2, 9223372036854775807)]
    connection.close()


def test_local_numbers_and_dates_are_typed(start, tmp_path):
    server = start()
    types = "amount:decimal(2, ','),booked:date(DD.MM.YYYY),share:decimal(4, ',', percent),weight:decimal(2)"
    answer = server.upload_ok('id,amount,booked,share,weight\n1,"1.234,56",31.01.2025,"12,5 %",0.25\n2,"-7,00",28.02.2025,-1%,9.1e-05\n', types=types)
    server.upload_ok('id,amount,booked,share,weight\n1,"1.234,56",31.01.2025,"12,5 %",0.25\n2,"(7,50)",01.03.2025,-1%,9.1e-05\n')
    assert answer["version"] == 1
    server.wait(server.get(TABLE)["last_upload"]["upload_id"], "in_lake")
    columns = {column["name"]: (column["type"], column["declared"]) for column in server.get(TABLE + "?lake=true")["lake_columns"]}
    assert columns == {"id": ("int64", None), "amount": ("decimal(2)", "decimal(2, ',')"), "booked": ("date", "date(DD.MM.YYYY)"),
                       "share": ("decimal(4)", "decimal(4, ',', percent)"), "weight": ("decimal(6)", "decimal(2)")}
    sql = lake_ok(tmp_path / "data", "views", "--dialect", "sqlite")
    server.stop()
    connection = sqlite3.connect(tmp_path / "data/history.db")
    connection.executescript(sql)
    found = connection.execute('SELECT id, amount, booked, CAST(share AS REAL), weight FROM "so-financials/financials/current" ORDER BY 1').fetchall()
    assert found == [(1, "1234.56", "2025-01-31", 0.125, "0.25"), (2, "-7.50", "2025-03-01", -0.01, "9.1e-05")]
    changes = connection.execute('SELECT old_amount, new_amount FROM "so-financials/financials/changes" WHERE event_type = \'update\'').fetchall()
    assert changes == [("-7.00", "-7.50")]
    assert connection.execute("SELECT json_extract(data, '$.amount') FROM company_data WHERE record_key = '1'").fetchall() == [("1.234,56",)]
    connection.close()
    lake_ok(tmp_path / "data", "export", "--output", str(tmp_path / "state.parquet"))
    exported = duckdb.connect().execute("SELECT amount, booked, share, weight FROM read_parquet(?) ORDER BY key", [str(tmp_path / "state.parquet")]).fetchall()
    assert exported == [(decimal.Decimal("1234.56"), datetime.date(2025, 1, 31), decimal.Decimal("0.1250"), decimal.Decimal("0.250000")),
                        (decimal.Decimal("-7.50"), datetime.date(2025, 3, 1), decimal.Decimal("-0.0100"), decimal.Decimal("0.000091"))]
    glob = str(folder_of(tmp_path / "data") / "insert_*.parquet")
    assert duckdb.connect().execute("SELECT sum(new_amount) FROM read_parquet(?)", [glob]).fetchall() == [(decimal.Decimal("1227.56"),)]


def test_one_is_said_as_one(server, tmp_path):
    (tmp_path / "one.csv").write_text("id,v\nA,1\n")
    data_dir = tmp_path / "data"

    def said(*command, code=0):
        done = subprocess.run([str(PROGRAM), *command, "--data-dir", str(data_dir)], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    texts = [said("upload", str(tmp_path / "one.csv"))]
    upload = server.get("/api/v1/tables/one/financials")["last_upload"]
    assert server.wait(upload["upload_id"], "in_lake")["in_lake"]
    texts += [said("lake", "verify"), said("lake", "rebuild"), said("lake", "export"), said("lake", "views"), said("republish")]
    next((data_dir / "parquet/one/financials").glob("*.parquet")).unlink()
    texts.append(said("lake", "verify", code=1))
    server.stop()
    texts += [said("rebuild", "catalog"), said("migrate")]
    ones = [word for text in texts for word in re.findall(r"\b1 ([a-z]+)", text)]
    assert set(ones) >= {"row", "file", "event", "upload", "table", "record", "difference"}
    assert [word for word in ones if word.endswith("s")] == []


def test_help_has_examples():
    for command in ("rebuild", "verify", "compact", "export", "views"):
        done = subprocess.run([str(PROGRAM), "lake", command, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "Example" in done.stdout and f"deltadrop lake {command}" in done.stdout
