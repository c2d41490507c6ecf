"""Power failures: unsynced data is gone, but answered uploads survive.

Test binaries see each call that changes a file (src/io/fault_point.hpp). Some tests assert the order of these calls. The others
undo everything that was not synced, as a power failure would, start the program again and check everything.
"""

import re
import shutil
import signal
import subprocess

import pytest
import requests

from call_trace import Trace, folder_of
from crash_test import check
from deltadrop_process import FAULTY_PROGRAM, PROGRAM, Deltadrop, DidNotStart

# The catalog keeps the bytes of files up to 64 KiB until they are synced together. The last version is synced by itself.
VERSIONS = [
    "record_id,item,amount\nFIN-1,Revenue,10\nFIN-2,EBIT,5\n",
    "record_id,item,amount\nFIN-2,EBIT,6\nFIN-3,Assets,100\n",
    "record_id,item,amount\nFIN-3,Assets,100\n" + "".join(f"LONG-{n},{'x' * 700},{n}\n" for n in range(100)),
]
ANY = ".*"


# PARQUET_DIR is in a separate folder, which only the lake makes and syncs.
LAKE = "lake/parquet"


def faulty(data_dir, fault, **more):
    return Deltadrop(data_dir, program=FAULTY_PROGRAM, fault=fault, env={"DELTADROP_FAULT_ROOT": str(data_dir)}, **more)


def run(data_dir, *arguments, fault=None):
    environment = {"PATH": "/usr/bin:/bin"}
    if fault:
        environment |= {"DELTADROP_FAULT": fault, "DELTADROP_FAULT_ROOT": str(data_dir)}
    return subprocess.run([str(FAULTY_PROGRAM if fault else PROGRAM), *arguments, "--data-dir", str(data_dir)],
                          capture_output=True, text=True, check=False, timeout=120, env=environment)


def traced(tmp_path, *arguments):
    """The calls of a command that succeeds."""
    (tmp_path / "trace").unlink(missing_ok=True)
    lake = ["--parquet-dir", str(tmp_path / "data" / LAKE)] if arguments[0] == "lake" else []
    done = run(tmp_path / "data", *arguments, *lake, fault=f"trace:{tmp_path}/trace")
    assert done.returncode == 0, done.stderr
    return Trace.read(tmp_path / "trace", tmp_path / "data")


# ---- the order of calls

@pytest.fixture(scope="module")
def life(tmp_path_factory):
    """A DATA_DIR with three versions in the lake, and the trace of its creation."""
    folder = tmp_path_factory.mktemp("life")
    server = faulty(folder / "data", f"trace:{folder}/trace", flags=["--parquet-dir", str(folder / "data" / LAKE)])
    try:
        answered, nothing = server.upload_until_it_ends(VERSIONS, force="true")
        assert len(answered) == len(VERSIONS) and nothing is None
        server.stop()
    finally:
        server.kill()
    return folder, Trace.read(folder / "trace", folder / "data")


def test_a_start_makes_its_folders_durable(life):
    _, trace = life
    # "/" is the folder above DATA_DIR.
    above = re.escape(str(life[0]))
    trace.assert_order(("mkdir", ""), ("fsync", above), ("answer", ANY))
    for name in ("spool", "held", "archive", "lake"):
        trace.assert_order(("mkdir", name), ("fsync", ""), ("answer", ANY))
    trace.assert_order(("mkdir", LAKE), ("fsync", "lake"), ("answer", ANY))
    trace.assert_order(("create", "kind.tmp"), ("write", "kind.tmp"), ("fsync", "kind.tmp"), ("rename", "kind"), ("fsync", ""),
                       ("create", "catalog.db"))
    trace.assert_order(("write", "archive/archive-id.tmp"), ("fsync", "archive/archive-id.tmp"), ("rename", "archive/archive-id"),
                       ("fsync", "archive"), ("answer", ANY))


def archived_in(part):
    [(old, new)] = part.renames(r"archive/.*\.csv")
    return old, new


def test_a_large_file_is_durable_before_it_is_answered(life):
    _, trace = life
    part = trace.split("create", "spool/.*")[-1]
    old, new = archived_in(part)
    part.assert_synced_before_rename(old, new)
    folder = folder_of(new)
    part.assert_order(("write", re.escape(old)), ("fsync", re.escape(old)), ("rename", re.escape(new)), ("fsync", folder),
                      ("write", "catalog.db-wal"), ("fsync", r"catalog\.db-wal"), ("point", "ingest.accept.committed"),
                      ("answer", "20[02]"))
    # The folders above may belong to a small upload, whose folders are synced later.
    part.assert_order(("fsync", "archive/so-financials"), ("fsync", "archive"), ("point", "ingest.accept.committed"))
    [(manifest_old, manifest)] = part.renames(r"archive/.*\.json")
    part.assert_synced_before_rename(manifest_old, manifest)
    part.assert_order(("point", "ingest.accept.committed"), ("write", re.escape(manifest_old)), ("fsync", re.escape(manifest_old)),
                      ("rename", re.escape(manifest)), ("fsync", folder), ("answer", "20[02]"))


def test_a_held_file_is_durable_before_it_is_answered(life):
    _, trace = life
    part = trace.split("create", "spool/.*")[1]
    [(old, held)] = part.renames(r"held/.*\.csv")
    part.assert_synced_before_rename(old, held)
    part.assert_order(("fsync", re.escape(old)), ("rename", re.escape(held)), ("fsync", "held"), ("write", "catalog.db-wal"),
                      ("fsync", "catalog.db-wal"), ("answer", "202"))
    part.assert_order(("answer", "202"), ("fsync", re.escape(held)), ("link", r"archive/.*\.csv"),
                      ("fsync", "archive/so-financials/financials"), ("write", "catalog.db-wal"), ("fsync", "catalog.db-wal"),
                      ("unlink", re.escape(held)), ("answer", "20[02]"))


def test_a_small_file_is_committed_with_its_bytes_before_it_is_answered(life):
    _, trace = life
    part = trace.split("create", "spool/.*")[0]
    _, new = archived_in(part)
    part.assert_order(("rename", re.escape(new)), ("write", "catalog.db-wal"), ("fsync", "catalog.db-wal"),
                      ("point", "ingest.accept.committed"), ("rename", r"archive/.*\.json"), ("answer", "20[02]"))
    trace.assert_order(("rename", re.escape(new)), ("rename", r"archive/.*\.json"), ("syncfs", ""), ("point", "ingest.small_files.synced"),
                       ("point", "ingest.catalog.commit"), ("write", "catalog.db-wal"), ("fsync", "catalog.db-wal"))


def test_the_log_and_the_history_are_durable_before_they_are_answered(life):
    _, trace = life
    for part in trace.split("create", "spool/.*"):
        if not part.renames(f"{LAKE}/.*"):
            continue
        part.assert_order(("point", "ingest.publish.begin"), ("write", "log.db-wal"), ("fsync", "log.db-wal"),
                          ("point", "ingest.publish.delivered"), ("write", "history.db-wal"), ("fsync", "history.db-wal"), ("answer", "200"))


def test_the_files_of_the_lake_are_durable_before_the_upload_is_in_it(life):
    _, trace = life
    parts = [part for part in trace.split("create", "spool/.*") if part.renames(f"{LAKE}/.*")]
    assert len(parts) == len(VERSIONS)
    trace.assert_order(("mkdir", f"{LAKE}/so-financials"), ("fsync", LAKE), ("mkdir", f"{LAKE}/so-financials/financials"),
                       ("fsync", f"{LAKE}/so-financials"), ("create", f"{LAKE}/so-financials/financials/.*"))
    for part in parts:
        for old, new in part.renames(f"{LAKE}/.*"):
            part.assert_synced_before_rename(old, new)
            part.assert_order(("rename", re.escape(new)), ("fsync", folder_of(new)), ("write", "history.db-wal"),
                              ("fsync", "history.db-wal"), ("answer", "200"))


def test_a_current_file_is_marked_as_whole_when_it_was_synced(life):
    _, trace = life
    part = trace.split("create", "spool/.*")[-1]
    [(_, current)] = part.renames(r"current/.*\.csv")
    part.assert_order(("point", "ingest.accept.committed"), ("rename", re.escape(current)), ("syncfs", ""), ("metadata", re.escape(current)))
    renamed = next(index for index, call in enumerate(part.calls) if call[2] == current)
    synced = next(index for index, call in enumerate(part.calls) if index > renamed and call[0] == "syncfs")
    assert ("metadata", current, "") not in part.calls[renamed:synced]


def test_keys_are_durable_when_they_are_shown(life):
    folder, _ = life
    file = str(folder / "data/secret/keys")
    trace = traced(folder, "keys", "create", "--name", "first", "--role", "admin", "--keys-file", file)
    trace.assert_order(("mkdir", "secret"), ("fsync", ""), ("write", "secret/keys.tmp"), ("fsync", "secret/keys.tmp"),
                       ("rename", "secret/keys"), ("fsync", "secret"), ("exit", ""))
    server = faulty(folder / "data", f"trace:{folder}/with-keys", flags=["--keys-file", file, "--parquet-dir", str(folder / "data" / LAKE)])
    server.request("GET", "/health")
    server.kill()
    started = Trace.read(folder / "with-keys", folder / "data")
    [(old, marker)] = [names for names in started.renames(".*") if "required" in names[1]]
    started.assert_synced_before_rename(old, marker)
    started.assert_order(("rename", re.escape(marker)), ("fsync", folder_of(marker)), ("answer", ANY))


def test_commands_leave_durable_files(life):
    folder, _ = life
    table = f"{LAKE}/so-financials/financials"
    shutil.rmtree(folder / "data/current")
    export = traced(folder, "lake", "export", "so-financials", "financials")
    [(old, new)] = export.renames("current/so-financials/financials.parquet")
    export.assert_synced_before_rename(old, new)
    export.assert_order(("mkdir", "current"), ("fsync", ""), ("mkdir", "current/so-financials"), ("fsync", "current"),
                        ("rename", re.escape(new)), ("fsync", "current/so-financials"), ("exit", ""))
    traced(folder, "lake", "rebuild", "--parquet-layout", "event")
    # Both replace many files by one.
    for trace in (traced(folder, "lake", "rebuild"), traced(folder, "lake", "compact")):
        assert trace.renames(f"{table}/.*")
        for old, new in trace.renames(f"{table}/.*"):
            trace.assert_synced_before_rename(old, new)
        trace.assert_order(("rename", f"{table}/.*"), ("fsync", table), ("unlink", f"{table}/[^.].*"), ("fsync", table), ("exit", ""))
        trace.assert_synced_after_removals(table, f"{table}/[^.].*")
    rebuild = traced(folder, "rebuild", "catalog")
    rebuild.assert_synced_before_rename("catalog.db.rebuild", "catalog.db")
    rebuild.assert_order(("rename", "catalog.db"), ("fsync", ""), ("exit", ""))
    migrate = traced(folder, "migrate")
    migrate.assert_order(("write", "kind.tmp"), ("fsync", "kind.tmp"), ("rename", "kind"), ("fsync", ""), ("exit", ""))


# ---- the power fails

# Either nothing unsynced survives, or everything except the bytes of files.
SURVIVORS = ("", ":names")
# The power fails just before the next upload, at each database's commit, while files of the lake are written, and at the sync
# of small files.
MOMENTS = ["create@/spool/:1", "create@/spool/:2", "create@/spool/:3", "create@/spool/:4", "fsync@log.db-wal:3", "fsync@history.db-wal:6",
           "rename@/parquet/:1", "rename@/parquet/:3", "syncfs:1", "fsync@/archive/:3", "unlink@/held/:1"]


@pytest.mark.parametrize("survivors", SURVIVORS, ids=["nothing", "names"])
@pytest.mark.parametrize("moment", MOMENTS + [str(nth) for nth in (7, 40, 90, 130, 170)])
def test_what_was_answered_survives_a_power_failure(tmp_path, moment, survivors):
    data_dir = tmp_path / "data"
    answered, under_way = [], None
    try:
        server = faulty(data_dir, f"power:{moment}{survivors}")
    except DidNotStart:
        pass
    else:
        answered, under_way = server.upload_until_it_ends(VERSIONS, force="true")
        if under_way is None:
            try:
                server.upload("record_id,item\nX,1\n", dry_run="true")
            except requests.exceptions.RequestException:
                pass
        # The round of syncs runs within a second.
        assert server.process.wait(timeout=30) == -signal.SIGKILL, "the power did not fail"
        server.kill()
    after = Deltadrop(data_dir)
    try:
        check(after, answered, under_way)
    finally:
        after.kill()


@pytest.mark.parametrize("survivors", SURVIVORS, ids=["nothing", "names"])
def test_a_key_that_was_shown_survives_a_power_failure(tmp_path, survivors):
    first = run(tmp_path / "data", "keys", "create", "--name", "first", "--role", "admin")
    assert first.returncode == 0, first.stderr
    for nth in range(1, 100):
        done = run(tmp_path / "data", "keys", "create", "--name", f"at-{nth}", "--role", "admin", fault=f"power:{nth}{survivors}")
        listed = run(tmp_path / "data", "keys", "list")
        assert listed.returncode == 0 and "first" in listed.stdout, listed.stderr
        assert not done.stdout or f"at-{nth}\n" in listed.stdout, f"the key that was shown before call {nth} is gone"
        if done.returncode == 0:
            break
    assert nth > 5, "no command was interrupted: are fault points disabled?"
