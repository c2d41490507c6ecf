"""The real program with system limits that are too low, from the start or later."""

import os
import pwd
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests

from deltadrop_process import PROGRAM, Deltadrop

ROWS = "id,text\n" + "".join(f"{row},{'x' * 90}\n" for row in range(30_000))  # 3 MB
SMALL = "id,text\n1,a\n"


def ended(data_dir, limit, values, user=None):
    """The exit code and standard error of a start with that limit."""
    def lower():
        resource.setrlimit(limit, values)
        if user:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)

    done = subprocess.run([str(PROGRAM), "dev", "--data-dir", str(data_dir), "--listen", "127.0.0.1:0"], capture_output=True,
                          text=True, timeout=60, preexec_fn=lower)
    return done.returncode, done.stderr


@pytest.mark.parametrize("limit,value,said", [
    (resource.RLIMIT_NOFILE, 64, "open files (ulimit -n) is 64"),
    (resource.RLIMIT_FSIZE, 1 << 20, "size of a file in KiB (ulimit -f) is 1024"),
    (resource.RLIMIT_AS, 700 << 20, "address space in KiB 716800 (ulimit -v)"),
])
def test_a_start_under_a_limit_that_is_too_low_names_it(tmp_path, limit, value, said):
    code, error = ended(tmp_path / "data", limit, (value, value))
    assert code == 2 and said in error and "fix: raise the limit" in error, error
    assert not (tmp_path / "data").exists(), "limits are checked before files are opened"


@pytest.mark.parametrize("megabytes", [16, 64, 128, 200, 256, 300, 400, 500])
def test_a_start_with_less_memory_ends_with_a_message(tmp_path, megabytes):
    code, error = ended(tmp_path / "data", resource.RLIMIT_AS, (megabytes << 20,) * 2)
    # Below a few dozen megabytes, the loader cannot even map the libraries, and reports that.
    loader = "error while loading shared libraries" in error
    assert code == 127 and loader or code == 2 and "deltadrop: " in error, (code, error)
    assert "terminate called" not in error


@pytest.fixture
def nobody():
    """A user whose processes are counted (root's are not), with its own folder."""
    if os.getuid() != 0:
        pytest.skip("needs root, to start a program as another user")
    user = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    program = shutil.copy(PROGRAM, folder / "deltadrop")
    if subprocess.run([program, "version"], user=user.pw_uid, group=user.pw_gid, capture_output=True).returncode != 0:
        shutil.rmtree(folder)
        pytest.skip("the user nobody cannot run a program here")
    yield user, folder
    shutil.rmtree(folder)


def test_a_start_without_threads_names_the_limit(nobody):
    user, folder = nobody
    code, error = ended(folder / "data", resource.RLIMIT_NPROC, (40, 40), user)
    assert code == 2 and "processes and threads of the user 40 (ulimit -u)" in error, error
    assert "of the 192 threads that a server needs" in error


@pytest.fixture
def pids_group():
    """A cgroup that allows a few threads."""
    root = Path("/sys/fs/cgroup/pids") if Path("/sys/fs/cgroup/pids").is_dir() else Path("/sys/fs/cgroup")
    group = root / f"deltadrop-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "pids.max").write_text("40")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no cgroup that limits processes can be made here: {error}")
    yield group
    group.rmdir()


def test_a_start_in_a_cgroup_without_threads_names_it(tmp_path, pids_group):
    done = subprocess.run([str(PROGRAM), "dev", "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
                          capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: (pids_group / "cgroup.procs").write_text(str(os.getpid())))
    assert done.returncode == 2 and "threads of the cgroup 40 (pids.max)" in done.stderr, done


def limit_of(server, limit, value):
    hard = resource.prlimit(server.process.pid, limit)[1]
    resource.prlimit(server.process.pid, limit, (value, hard))


def test_files_that_may_not_grow_are_an_error_of_the_upload(start):
    server = start()
    assert server.upload(SMALL).status_code == 200
    limit_of(server, resource.RLIMIT_FSIZE, 1 << 20)
    refused = server.upload(ROWS)
    assert refused.status_code == 507, refused.text
    assert refused.json()["type"] == "/problems/file-size-limit"
    assert "the limit is 1048576 bytes" in refused.json()["detail"] and "ulimit -f" in refused.json()["fix"]
    limit_of(server, resource.RLIMIT_FSIZE, 4096)
    for _ in range(3):
        refused = server.upload(SMALL + "2,b\n")
        assert refused.status_code in (202, 503, 507), refused.text
    assert server.process.poll() is None, server.log_path.read_text()
    limit_of(server, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
    assert server.upload_ok(ROWS)["inserted"] >= 29_998
    assert len(server.records()) == 30_000


def test_without_descriptors_it_answers_and_goes_on_when_there_are_some(start):
    server = start()
    assert server.upload(SMALL).status_code == 200
    used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    limit_of(server, resource.RLIMIT_NOFILE, used)
    refused = server.upload(SMALL + "2,b\n")
    assert refused.status_code == 503 and refused.json()["type"] == "/problems/too-many-files", refused.text
    host, port = server.url.removeprefix("http://").split(":")
    waiting = [socket.create_connection((host, int(port)), timeout=60) for _ in range(5)]
    before = cpu_seconds(server.process.pid)
    begun = time.monotonic()
    for _ in range(20):
        assert server.request("GET", "/health/live").status_code == 200
    used_share = (cpu_seconds(server.process.pid) - before) / max(time.monotonic() - begun, 0.1)
    assert used_share < 0.9, "the server does not spin"
    limit_of(server, resource.RLIMIT_NOFILE, 1024)
    for connection in waiting:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        connection.close()
    assert server.upload(SMALL + "2,b\n").status_code == 200


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_memory_the_upload_fails_or_the_process_says_why_it_ends(start):
    server = start()
    assert server.upload(SMALL).status_code == 200
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    size = int(status.partition("VmSize:")[2].split()[0]) << 10
    large = "id,text\n" + "".join(f"{row},{'y' * 90}\n" for row in range(400_000))  # 40 MB
    limit_of(server, resource.RLIMIT_AS, size + (16 << 20))
    try:
        refused = server.upload(large)
        assert refused.status_code == 503 and refused.json()["type"] == "/problems/out-of-memory", refused.text
        limit_of(server, resource.RLIMIT_AS, resource.RLIM_INFINITY)
    except requests.ConnectionError:
        # Memory ran out where no response is possible.
        assert server.process.wait(timeout=60) == 2
        log = server.log_path.read_text()
        assert "deltadrop: the system refused to give this process more memory" in log and "fix: raise its limit" in log, log
        assert "terminate called" not in log
        server = start()
    # 202 if the 400,000 events are not published within PUBLISH_TIMEOUT.
    assert server.upload(large).status_code in (200, 202)


def test_without_more_threads_an_upload_is_compared_on_the_one_it_has(nobody):
    user, folder = nobody

    server = Deltadrop(folder / "data", program=as_user(user, folder))
    try:
        assert server.upload(SMALL).status_code == 200
        # The user sets its own limit, because root in a container may not change the limits of others.
        subprocess.run(["prlimit", "--pid", str(server.process.pid), "--nproc=1:"], user=user.pw_uid, group=user.pw_gid,
                       extra_groups=[], check=True)
        for row in range(2, 6):
            answer = server.upload(SMALL + f"{row},b\n")
            assert answer.status_code == 200, answer.text
        assert server.wait(answer.json()["upload_id"], "applied")["applied"] is True
    finally:
        server.kill()


def as_user(user, folder):
    """A program that becomes that user and then executes the copy of deltadrop in the same process."""
    script = folder / "as-user"
    script.write_text(f"#!/bin/sh\nexec setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups {folder}/deltadrop \"$@\"\n")
    script.chmod(0o755)
    return script


def test_a_closed_pipe_ends_a_command_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([str(PROGRAM), "config"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
