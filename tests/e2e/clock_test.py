"""The real program with a wrong clock. libfaketime sets the wall clock that it sees, also while it runs."""

import re
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from deltadrop_process import PROGRAM, TABLE

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
ROWS = "id,amount\n" + "".join(f"{row},{row}\n" for row in range(30))
FEWER = "id,amount\n1,1\n"


class Clock:
    """The wall clock of a program: the real time plus an offset, which may change while the program runs."""

    def __init__(self, folder):
        assert LIBRARIES, "libfaketime is missing; run tools/bootstrap.sh test"
        self.path = folder / "clock"
        self.set_days(0)

    def set_days(self, days):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{days * 86400:+d}s\n")
        fresh.rename(self.path)

    def environment(self):
        return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def run(server, *words, **more):
    return subprocess.run([str(PROGRAM), *words, "--data-dir", str(server.data_dir)], capture_output=True, text=True, timeout=60,
                          **more)


def put(server, content, key):
    return server.request("PUT", TABLE, data=content, headers={"Content-Type": "text/csv", "Idempotency-Key": key})


def test_one_start_with_a_clock_that_is_ahead_costs_nothing(start, clock):
    server = start(env=clock.environment())
    assert server.get("/health")["clock"] == "UP"
    first = put(server, ROWS, "first")
    assert first.status_code == 200, first.text
    held = server.upload(FEWER).json()
    assert held["status"] == "held"
    dry = server.upload(ROWS + "31,31\n", dry_run="true").json()
    server.stop()

    clock.set_days(40)
    server = start(env=clock.environment())
    health = server.request("GET", "/health")
    assert health.status_code == 503 and health.json()["status"] == "DOWN" and health.json()["clock"] == "DOWN"
    # The value is measured, so it can be some milliseconds less.
    assert any(re.search(r"it jumped ahead by (40d 0h|39d 23h)", trouble) and "deltadrop clock accept" in trouble
               for trouble in health.json()["troubles"]), health.text
    assert server.request("GET", "/health/ready").status_code == 503
    refused = server.upload(ROWS + "32,32\n")
    assert refused.status_code == 503 and refused.json()["type"] == "/problems/clock-implausible", refused.text
    assert len(server.records()) == 30, "reads continue"
    shown = run(server, "clock", "show")
    assert shown.returncode == 2 and "it jumped ahead by 40d 0h" in shown.stdout, shown
    server.stop()
    assert "it jumped ahead by 40d 0h" in server.log_path.read_text()

    clock.set_days(0)
    server = start(env=clock.environment())
    assert server.get("/health")["status"] == "UP"
    for upload in (held, dry):
        assert server.get(f"/api/v1/uploads/{upload['upload_id']}")["state"] == "held"
        assert (server.data_dir / "held" / f"{upload['upload_id']}.csv").exists()
    again = put(server, ROWS, "first")
    assert again.text == first.text and "Idempotency-Replayed" in again.headers
    server.upload_ok(ROWS + "32,32\n")
    present = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert len(server.records(f"&as_of={present}")) == 31


def test_a_jump_while_it_runs_stops_uploads_until_it_is_over_or_accepted(start, clock):
    server = start(env=clock.environment())
    assert server.upload(ROWS).status_code == 200
    clock.set_days(-40)
    assert server.upload(ROWS + "31,31\n").json()["type"] == "/problems/clock-implausible"
    clock.set_days(0)
    assert server.upload(ROWS + "31,31\n").status_code == 200
    clock.set_days(40)
    assert server.upload(ROWS + "32,32\n").status_code == 503
    accepted = run(server, "clock", "accept")
    assert accepted.returncode == 0 and "accepted: the clock is right" in accepted.stdout, accepted
    ahead = server.upload_ok(ROWS + "32,32\n")
    assert ahead["version"] == 3
    server.stop()

    # The accepted time was wrong after all. Uploads are not rejected forever: the operator accepts again and is told about
    # the version ahead.
    clock.set_days(0)
    server = start(env=clock.environment())
    assert server.upload(ROWS).json()["type"] == "/problems/clock-implausible"
    server.stop()
    accepted = run(server, "clock", "accept", env=clock.environment())
    assert accepted.returncode == 0, accepted
    server = start(env=clock.environment())
    assert server.get("/health")["status"] == "UP"
    assert len(server.records()) == 31, "the present is the newest version, whatever its time"
    answer = server.upload_ok(ROWS + "33,33\n")
    assert answer["version"] == 4
    assert any("The clock says" in warning for warning in answer["warnings"])
    assert "33" in server.records()
    present = (datetime.now(timezone.utc) + timedelta(minutes=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    page = server.get(f"{TABLE}/records?as_of={present}")
    assert page["version"] == 2 and "version 4 of so-financials/financials holds from" in page["warnings"][0], page["warnings"]
    assert "warnings" not in server.get(f"{TABLE}/records")


def test_keys_do_not_expire_and_do_not_come_alive_because_of_a_jump(start, clock):
    server = start(env=clock.environment())
    made = run(server, "keys", "create", "--role", "admin", "--expires", "30d", env=clock.environment())
    assert made.returncode == 0, made
    header = {"Authorization": "Bearer " + made.stdout.split()[-1]}
    other = run(server, "keys", "create", "--role", "admin", "--expires", "1ms", env=clock.environment())
    expired = {"Authorization": "Bearer " + other.stdout.split()[-1]}

    def status(headers):
        return server.request("GET", "/api/v1/tables", headers=headers).status_code

    assert (status(header), status(expired)) == (200, 401)
    clock.set_days(40)
    assert (status(header), status(expired)) == (200, 401)
    clock.set_days(-40)
    assert (status(header), status(expired)) == (200, 401)


def test_the_clock_is_the_operators(start, clock):
    server = start(env=clock.environment())
    made = run(server, "keys", "create", "--role", "upload")
    key = {"Authorization": "Bearer " + made.stdout.split()[-1]}
    refused = server.request("POST", "/api/v1/clock/accept", headers=key)
    assert refused.status_code == 403, refused.text
