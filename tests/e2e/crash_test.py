"""Kills the program (kill -9) at each fault point that a scripted series of uploads passes, in turn.

After a restart, every upload that was answered with 2xx is in the events, the history and Parquet exactly once. An unanswered
upload is there completely or not at all.
"""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import duckdb

from deltadrop_process import FAULTY_PROGRAM, Deltadrop, DidNotStart, archived, tree

VERSIONS = [
    "record_id,item,amount\nFIN-1,Revenue,10\nFIN-2,EBIT,5\n",
    "record_id,item,amount\nFIN-2,EBIT,6\nFIN-3,Assets,100\n",
    "record_id,item,amount,note\nFIN-3,Assets,100,checked\nFIN-4,Debt,7,\n",
]
# More fault points than any run passes. The test ends at the first run that was not killed.
POINTS_MAX = 5000


def rows_of(content):
    return {row["record_id"]: {name: value or None for name, value in row.items()}
            for row in csv.DictReader(io.StringIO(content.decode()))}


def check(server, answered, under_way):
    """Checks the guarantees after the restart."""
    versions = archived(server.data_dir)
    contents = [content for content, _ in versions]
    possible = [answered] + ([answered + [under_way]] if under_way is not None else [])
    assert contents in possible, f"archive holds {len(contents)} versions, {len(answered)} were answered"
    for _, manifest in versions:
        state = server.wait(manifest["upload_id"], "in_lake")
        assert (state["state"], state["applied"], state["in_lake"]) == ("published", True, True), state
    for number, content in enumerate(contents, 1):
        assert server.records(f"&version={number}") == rows_of(content)
    events = server.all_pages("/api/v1/events?limit=1000", "events")
    assert len({event["event_id"] for event in events}) == len(events)
    replayed = {}
    for event in events:
        if event["new_values"] is None:
            del replayed[event["key_value"]]
        else:
            replayed[event["key_value"]] = event["new_values"]
    assert replayed == (rows_of(contents[-1]) if contents else {})
    recorded = server.history_rows("SELECT count(*) FROM cdc_events")[0][0]
    assert recorded == len(events) == sum(manifest_total(manifest) for _, manifest in versions)
    if contents:
        with duckdb.connect() as connection:
            lake = connection.execute(f"SELECT event_id FROM '{server.data_dir}/parquet/*/*/*.parquet'").fetchall()
        assert sorted(row[0] for row in lake) == sorted(event["event_id"] for event in events)
    check_folders(server.data_dir, contents)


def manifest_total(manifest):
    return manifest["inserted"] + manifest["updated"] + manifest["deleted"]


def check_folders(data_dir, contents):
    names = tree(data_dir)
    assert [name for name in names if name.startswith("spool/")] == []
    assert [name for name in names if name.endswith(".tmp") or "/.tmp" in name] == []
    archive_names = [name for name in names if name.startswith("archive/") and name != "archive/archive-id"]
    assert len(archive_names) == 2 * len(contents), archive_names
    if contents:
        assert names["current/so-financials/financials.csv"] == contents[-1]


def run(folder, nth):
    """Runs the program until it is killed at its nth fault point, and then again. Returns True if it was not killed."""
    data_dir = folder / f"run{nth}" / "data"
    data_dir.parent.mkdir()
    answered, under_way, killed = [], None, False
    try:
        server = Deltadrop(data_dir, program=FAULTY_PROGRAM, fault=f"kill:*:{nth}")
    except DidNotStart:
        killed = True
    else:
        answered, under_way = server.upload_until_it_ends(VERSIONS)
        killed = under_way is not None or not ended_cleanly(server)
        server.kill()
    after = Deltadrop(data_dir)
    try:
        check(after, answered, under_way)
        answered_later, nothing = after.upload_until_it_ends(VERSIONS)
        assert nothing is None and len(answered_later) == len(VERSIONS)
    finally:
        after.kill()
    return not killed


def ended_cleanly(server):
    server.process.terminate()
    return server.process.wait(timeout=60) == 0


def test_killed_at_every_step(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        for first in range(1, POINTS_MAX, 8):
            survived = list(pool.map(lambda nth: run(tmp_path, nth), range(first, first + 8)))
            if all(survived):
                break
        else:
            raise AssertionError(f"every run was killed up to point {POINTS_MAX}")
    assert first > 8, "no run was killed: are fault points disabled?"
    print(f"killed at each of {first - 1} points")
