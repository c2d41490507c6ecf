"""Only the server's user may read DATA_DIR, and DATA_GROUP if it is set: see docs/decisions/0031-who-may-read-data-dir.md."""

import grp
import os
import stat
import subprocess

import pytest

from deltadrop_process import PROGRAM, Deltadrop, DidNotStart

V1 = "id,amount\n" + "".join(f"{i},1\n" for i in range(30))
V2 = V1.replace("3,1\n", "3,5\n")
MOST_DELETED = "id,amount\n1,1\n"
# Any group except that of the test's user. Only root may give files to a group that it does not belong to.
OTHER_GROUPS = sorted(set(os.getgroups()) - {os.getegid()}) or ([entry.gr_gid for entry in grp.getgrall() if entry.gr_gid != os.getegid()]
                                                               if os.geteuid() == 0 else [])
needs_a_group = pytest.mark.skipif(not OTHER_GROUPS, reason="this user is in one group only")
GROUP = OTHER_GROUPS[0] if OTHER_GROUPS else None


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=lambda umask: f"umask-{umask:03o}")
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def in_data_dir(data_dir):
    """Each file and folder of DATA_DIR except PARQUET_DIR."""
    parquet = data_dir / "parquet"
    return [data_dir] + [path for path in sorted(data_dir.rglob("*")) if path != parquet and parquet not in path.parents]


def is_archived(data_dir, path):
    return path.parent.parent.parent == data_dir / "archive"


def check(data_dir, folder, file, read_only, group=None):
    """Checks that every mode is one of these, and that each kind of file exists."""
    kinds = set()
    for path in in_data_dir(data_dir):
        if path.name in ("keys", "keys.lock"):
            assert mode_of(path) == 0o600, f"{path}: {mode_of(path):04o}"
            kinds.add("keys")
            continue
        wanted = folder if path.is_dir() else read_only if is_archived(data_dir, path) or "current" in path.parts else file
        assert mode_of(path) == wanted, f"{path}: {mode_of(path):04o}, not {wanted:04o}"
        if group is not None:
            assert path.lstat().st_gid == group, path
        kinds.add(path.relative_to(data_dir).parts[0] if path != data_dir else "")
    assert kinds >= {"", "archive", "catalog.db", "current", "held", "history.db", "kind", "lock", "log.db", "lost+found", "spool"}, kinds


def use(server):
    """Creates every kind of stored file: versions, held uploads, a revert, an unknown file."""
    server.upload_ok(V1)
    server.upload_ok(V2)
    held = server.upload(MOST_DELETED)
    assert held.status_code == 202 and held.json()["status"] == "held", held.text
    dry_run = server.upload(MOST_DELETED, dry_run="true")
    assert dry_run.status_code == 202, dry_run.text
    released = server.request("POST", f"/api/v1/uploads/{held.json()['upload_id']}/release")
    assert released.status_code == 200, released.text
    reverted = server.request("POST", "/api/v1/tables/so-financials/financials/revert?to_version=1")
    assert reverted.status_code == 200, reverted.text
    assert server.wait(reverted.json()["upload_id"], "in_lake")["in_lake"] is True


def strand(data_dir, mode):
    """Creates a file without an upload. It goes to lost+found at the next start."""
    file = data_dir / "archive/so-financials/financials/20240101000000000_so-financials_0badc0de.csv"
    file.write_text("id\n1\n")
    file.chmod(mode)


def live(start, tmp_path, mode, **arguments):
    server = start(**arguments)
    use(server)
    server.stop()
    strand(tmp_path / "data", mode)
    server = start(**arguments)
    server.upload_ok(V2.replace("4,1\n", "4,7\n"))
    return server


def test_a_data_dir_is_for_its_user_whatever_the_umask(start, tmp_path, umask):
    live(start, tmp_path, 0o600)
    check(tmp_path / "data", 0o700, 0o600, 0o400)
    # PARQUET_DIR is for other programs.
    for path in (tmp_path / "data/parquet/so-financials").rglob("*"):
        assert mode_of(path) == (0o755 if path.is_dir() else 0o644) & ~umask, path
    assert mode_of(tmp_path / "data/parquet") == 0o755 & ~umask


@needs_a_group
@pytest.mark.parametrize("by", ["name", "number"])
def test_a_group_may_read_it_whatever_the_umask(start, tmp_path, umask, by):
    name = grp.getgrgid(GROUP).gr_name if by == "name" else str(GROUP)
    live(start, tmp_path, 0o640, env={"DATA_GROUP": name})
    check(tmp_path / "data", 0o2750, 0o640, 0o440, GROUP)


def test_the_databases_of_a_running_server_are_closed_too(server, tmp_path):
    server.upload_ok(V1)
    beside = {path.name for path in (tmp_path / "data").glob("*.db-*")}
    assert beside >= {"catalog.db-wal", "history.db-wal", "log.db-wal"}, beside
    for path in (tmp_path / "data").glob("*.db*"):
        assert mode_of(path) == 0o600, path


@needs_a_group
def test_keys_are_for_nobody_else(start, tmp_path, umask):
    subprocess.run([PROGRAM, "keys", "create", "--role", "admin", "--data-dir", tmp_path / "data"], check=True, capture_output=True)
    assert mode_of(tmp_path / "data") == 0o700
    assert {path.name: mode_of(path) for path in (tmp_path / "data").iterdir()} == {"keys": 0o600, "keys.lock": 0o600}
    start(env={"DATA_GROUP": str(GROUP)})
    assert mode_of(tmp_path / "data") == 0o2750
    assert mode_of(tmp_path / "data/keys") == 0o600


def open_as_older_programs_did(data_dir):
    for path in in_data_dir(data_dir):
        os.chmod(path, 0o755 if path.is_dir() else 0o444 if is_archived(data_dir, path) else 0o644)


def test_an_older_data_dir_is_closed_by_its_folder(start, tmp_path):
    server = start()
    server.upload_ok(V1)
    server.stop()
    open_as_older_programs_did(tmp_path / "data")
    server = start()
    assert mode_of(tmp_path / "data") == 0o700
    assert "had mode 0755 and has 0700 now" in server.log_path.read_text()
    assert mode_of(tmp_path / "data/archive") == 0o755, "closing the parent folder is enough"
    server.upload_ok(V2)


@needs_a_group
def test_an_older_data_dir_is_given_to_a_group(start, tmp_path):
    server = start()
    use(server)
    server.stop()
    strand(tmp_path / "data", 0o600)
    start().stop()
    open_as_older_programs_did(tmp_path / "data")
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    os.chmod(outside, 0o604)
    (tmp_path / "data/link").symlink_to(outside)
    server = start(env={"DATA_GROUP": str(GROUP)})
    (tmp_path / "data/link").unlink()
    assert mode_of(outside) == 0o604, "a link is not followed"
    server.upload_ok(V2.replace("4,1\n", "4,7\n"))
    for path in in_data_dir(tmp_path / "data"):
        wanted = 0o2750 if path.is_dir() else 0o440 if is_archived(tmp_path / "data", path) else 0o640
        if "current" not in path.parts or path.is_dir():
            assert mode_of(path) == wanted, f"{path}: {mode_of(path):04o}"
        assert path.lstat().st_gid == GROUP, path
    server.stop()
    # Without the group, only the folder is closed again.
    start()
    assert mode_of(tmp_path / "data") == 0o700


def test_a_group_that_is_none_is_said(tmp_path):
    with pytest.raises(DidNotStart) as did_not:
        Deltadrop(tmp_path / "data", env={"DATA_GROUP": "no-such-group"})
    code, said = did_not.value.args
    assert code == 2
    assert 'DATA_GROUP (from environment): this system has no group "no-such-group"' in said, said
    assert "getent group" in said
    assert not (tmp_path / "data").exists(), "nothing was made"


def test_commands_keep_it_as_closed_as_it_is(start, tmp_path):
    server = start()
    server.upload_ok(V1)
    server.stop()
    data_dir = tmp_path / "data"
    subprocess.run([PROGRAM, "lake", "export", "--data-dir", data_dir], check=True, capture_output=True)
    assert mode_of(data_dir / "current/so-financials/financials.parquet") == 0o600
    output = tmp_path / "state.parquet"
    subprocess.run([PROGRAM, "lake", "export", "so-financials", "financials", "--data-dir", data_dir, "--output", output], check=True,
                   capture_output=True)
    assert mode_of(output) == 0o644 & ~current_umask(), "files for others get their mode from the umask"
    for name in ("catalog.db", "catalog.db-wal", "catalog.db-shm"):
        (data_dir / name).unlink(missing_ok=True)
    subprocess.run([PROGRAM, "rebuild", "catalog", "--data-dir", data_dir], check=True, capture_output=True)
    assert mode_of(data_dir / "catalog.db") == 0o600


def current_umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask
