"""Points in time that a client gives: a date is a day in TIMEZONE, a time needs a zone, and the response names the instant."""

import os
import subprocess
from pathlib import Path

import pytest

from deltadrop_process import PROGRAM, TABLE, DidNotStart

CSV = {"Accept": "text/csv"}


def run(server, *arguments):
    done = subprocess.run([PROGRAM, *arguments, "--data-dir", str(server.data_dir)], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def upload(server, amount, at):
    return server.upload_ok(f"id,amount\nA,{amount}\n", effective_at=at)


def page(server, as_of):
    found = server.get(f"{TABLE}/records?as_of={as_of}")
    return found["version"], found["as_of"]


def test_a_date_is_the_end_of_that_day(server):
    first = server.upload_ok("id,amount\nA,1\n")["timestamp"]
    day = first[:10]
    assert page(server, day) == (1, f"{day}T23:59:59.999Z")
    download = server.request("GET", f"{TABLE}/records?as_of={day}", headers=CSV)
    assert (download.headers["Deltadrop-Version"], download.headers["Deltadrop-As-Of"]) == ("1", f"{day}T23:59:59.999Z")
    code, shown, _ = run(server, "records", "so-financials", "financials", "--as-of", day)
    assert code == 0 and shown.splitlines() == ["id  amount", "A   1", f"as of {day}T23:59:59.999Z"]


def test_a_day_is_one_of_the_time_zone(start, tmp_path):
    server = start(flags=["--timezone", "Europe/Zurich"])
    # Clocks went forward on 30 March 2025, which had 23 hours there, and back on 26 October, which had 25.
    assert upload(server, 1, "2025-03-30")["effective_at"] == "2025-03-29T23:00:00.000Z"
    upload(server, 2, "2025-03-30T21:59:59.999Z")
    assert upload(server, 3, "2025-03-31")["effective_at"] == "2025-03-30T22:00:00.000Z"
    upload(server, 4, "2025-10-26T23:59:59.999+01:00")
    upload(server, 5, "2025-10-27T00:00:00+01:00")
    assert page(server, "2025-03-29") == (None, "2025-03-29T22:59:59.999Z")
    assert page(server, "2025-03-30") == (2, "2025-03-30T21:59:59.999Z")
    assert page(server, "2025-03-31") == (3, "2025-03-31T21:59:59.999Z")
    assert page(server, "2025-10-26") == (4, "2025-10-26T22:59:59.999Z")
    assert page(server, "2025-10-27") == (5, "2025-10-27T22:59:59.999Z")
    code, shown, _ = run(server, "records", "so-financials", "financials", "--as-of", "2025-03-30")
    assert code == 0 and shown.endswith("as of 2025-03-30T21:59:59.999Z\n"), shown
    export = ("lake", "export", "so-financials", "financials", "--as-of", "2025-10-26", "--output", str(tmp_path / "out.parquet"))
    code, shown, _ = run(server, *export, "--timezone", "Europe/Zurich")
    assert code == 0 and "of version 4 " in shown and "as of 2025-10-26T22:59:59.999Z" in shown, shown
    code, shown, _ = run(server, *export)
    assert code == 0 and "of version 5 " in shown and "as of 2025-10-26T23:59:59.999Z" in shown, shown


@pytest.mark.parametrize("time", ["2025-03-31T12:00:00", "2025-03-31 12:00:00.5", "2025-03-31T12:00"])
def test_a_time_without_a_zone_is_refused(server, time, tmp_path):
    server.upload_ok("id,amount\nA,1\n")
    answers = [server.request("GET", f"{TABLE}/records", params={"as_of": time}),
               server.request("GET", f"{TABLE}/records", params={"as_of": time}, headers=CSV),
               server.request("GET", f"{TABLE}/records", params={"as_of": time, "version": 1}),
               server.request("GET", "/api/v1/events", params={"since": time}),
               server.request("GET", "/api/v1/events/stream", params={"until": time}),
               server.upload("id,amount\nA,2\n", effective_at=time),
               server.request("PUT", TABLE, params={"effective_at": time}, data=b"id,amount\nA,2\n", headers={"Content-Type": "text/csv"})]
    for answer in answers:
        problem = answer.json()
        assert answer.status_code == 422 and f'"{time}" has no time zone' in problem["detail"], problem
        assert "Z for UTC, or add the offset: " in problem["fix"], problem
    out = str(tmp_path / "x.parquet")
    for command in (["records", "so-financials", "financials", "--as-of", time], ["lake", "export", "--as-of", time, "--output", out],
                    ["lake", "compact", "--before", time], ["keys", "create", "--expires", time]):
        code, shown, trouble = run(server, *command)
        assert (code, shown) == (2, "") and "has no time zone" in trouble and "fix: " in trouble, (command, trouble)
    assert [version["version"] for version in server.get(f"{TABLE}/versions")["versions"]] == [1]


@pytest.mark.parametrize("zone", ["Europe/Zuerich", "CEST", "../UTC"])
def test_an_unknown_time_zone_is_refused_at_the_start(start, zone):
    with pytest.raises(DidNotStart) as ended:
        start(env={"TIMEZONE": zone})
    code, said = ended.value.args
    assert code == 2 and f'TIMEZONE (from environment): "{zone}" is not a time zone' in said and "Europe/Zurich" in said, said


def test_a_closed_pipe_ends_commands_quietly(server, tmp_path):
    Path(tmp_path / "many.csv").write_text("id,amount\n" + "".join(f"ROW-{n},{n}\n" for n in range(5_000)))
    server.upload_ok((tmp_path / "many.csv").read_bytes())
    where = ("so-financials", "financials")
    data_dir = ("--data-dir", str(server.data_dir))
    for command in (["records", *where, *data_dir], ["records", *where, "--format", "csv", *data_dir], ["tables", *data_dir],
                    ["events", "--format", "json", *data_dir], ["lake", "export", *where, "--output", "-", *data_dir],
                    ["diff", str(tmp_path / "many.csv"), str(tmp_path / "many.csv")]):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            done = subprocess.run([PROGRAM, *command], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        finally:
            os.close(writing)
        assert (done.returncode, done.stderr) == (141, ""), command
    full = Path("/dev/full")
    with full.open("w") as output:
        done = subprocess.run([PROGRAM, "records", *where, *data_dir], stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "standard output cannot be written" in done.stderr, done.stderr


@pytest.mark.parametrize("command", ["show", "resolve"])
def test_the_table_of_a_conflict_is_required(command):
    shown = subprocess.run([PROGRAM, "conflict", command, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "COMPANY" in shown and "all unless given" not in shown, shown
    done = subprocess.run([PROGRAM, "conflict", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "--company is required" in done.stderr, done.stderr
