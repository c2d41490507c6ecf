"""Bad input and failures: the response is clear and names a fix, nothing is written, and the next upload works."""

import re
import socket
import sqlite3
import subprocess

import pytest

from deltadrop_process import FAULTY_PROGRAM, PROGRAM, DidNotStart, Deltadrop, archived, tree

GOOD = "record_id,item,amount\nFIN-1,Revenue,10\nFIN-2,EBIT,5\n"
BETTER = GOOD + "FIN-3,Assets,100\n"
# Over 64 KiB, because a smaller file is synced with the catalog's row and not by its own call.
LARGE = BETTER + "".join(f"ROW-{n},Cash,{n}\n" for n in range(5_000))

# name: (file, form fields, status, type, line of the first finding)
REFUSED = {
    "empty_file": (b"", {}, 422, "no-header", 1),
    "only_line_ends": (b"\r\n\r\n", {}, 422, "no-header", None),
    "repeated_header": (b"id,Amount,amount\n1,2,3\n", {}, 422, "repeated-column-name", 1),
    "blank_header": (b"id,,amount\n1,2,3\n", {}, 422, "blank-column-name", 1),
    "too_many_fields": (b"id,a\n1,2\n2,3,4\n", {}, 422, "too-many-fields", 3),
    "too_few_fields": (b"id,a\n1\n", {}, 422, "too-few-fields", 2),
    "unclosed_quote": (b'id,a\n1,"x\n2,y\n', {}, 422, "unclosed-quote", 2),
    "text_after_quote": (b'id,a\n1,"x"y\n', {}, 422, "text-after-quote", 2),
    "repeated_key": (b'id,a\n1,x\n"2\n",z\n1,y\n', {}, 422, "repeated-key", 5),
    "empty_key": (b"id,a\n,x\n", {}, 422, "empty-key", 2),
    "nul_byte": (b"id,a\n1,x\0y\n", {}, 422, "nul-byte", 2),
    "workbook": (b"PK\x03\x04\x14\0\x06\0xl/a,b\n1,\0\n", {}, 422, "workbook-damaged", None),
    "workbook_as_utf16": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504, {"encoding": "utf-16le"}, 422, "not-xlsx", None),
    "empty_archive": (b"PK\x05\x06" + b"\0" * 18, {}, 422, "workbook-damaged", None),
    "invalid_utf8": (b"id,a\n1,\xff\n", {}, 422, "invalid-utf8", 2),
    "long_key": (b"id,a\n" + b"k" * 1025 + b",x\n", {}, 422, "key-too-long", 2),
    "row_too_large": (b"id,a\n1," + b"x" * 600_000 + b"\n", {}, 422, "row-too-large", 2),
    "missing_key_column": (GOOD.encode(), {"key": "nothing"}, 422, "missing-key-column", 1),
    "path_as_company": (GOOD.encode(), {"company_id": "../../etc/passwd"}, 422, "bad-name", None),
    "nul_in_company": (GOOD.encode(), {"company_id": "a\0b"}, 422, "bad-parameter", None),
    "bad_delimiter": (GOOD.encode(), {"delimiter": "::"}, 422, "bad-delimiter", None),
    "bad_encoding": (GOOD.encode(), {"encoding": "ebcdic"}, 422, "bad-encoding", None),
    "bad_boolean": (GOOD.encode(), {"force": "perhaps"}, 422, None, None),
    "unknown_field": (GOOD.encode(), {"tabel_name": "x"}, 422, None, None),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for all cases that must leave no trace."""
    server = Deltadrop(tmp_path_factory.mktemp("trouble") / "data")
    server.upload_ok(GOOD)
    yield server
    server.kill()


def written(server):
    """Everything that an upload may write, except the databases' own files."""
    return {name: content for name, content in tree(server.data_dir).items()
            if name.split("/")[0] in ("spool", "held", "archive", "current", "parquet")}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_upload_is_refused_and_leaves_nothing(shared, name):
    content, fields, status, kind, line = REFUSED[name]
    before = written(shared)
    response = shared.upload(content, **{"company_id": f"case-{name.replace('_', '-')}", **fields})
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status and problem["title"] and problem["type"]
    findings = problem.get("findings", [])
    if kind:
        assert any(found.endswith(kind) for found in [problem["type"], *(f["type"] for f in findings)]), problem
    if line:
        assert findings[0]["line"] == line, problem
        assert findings[0]["fix"], problem
    assert written(shared) == before
    assert shared.upload(GOOD).json()["status"] == "unchanged"


def test_all_findings_of_a_file_come_in_one_answer(shared):
    rows = "".join(f"{n},x,y\n" for n in range(150))
    problem = shared.upload("id,a\n" + rows + "good,x\n", company_id="many-findings").json()
    assert len(problem["findings"]) == 100 and problem["findings_total"] == 150
    assert [finding["line"] for finding in problem["findings"]] == list(range(2, 102))


def test_a_fault_in_every_row_is_one_finding(shared):
    rows = "".join(f"{n},x,y\n" for n in range(150))
    problem = shared.upload("id,a\n" + rows, company_id="one-finding").json()
    assert [finding["line"] for finding in problem["findings"]] == [2]
    assert "150" in problem["findings"][0]["reason"], problem


def test_a_repeated_key_names_both_lines(shared):
    problem = shared.upload(b"id,a\n1,x\n2,y\n1,z\n", company_id="repeated-key").json()
    message = " ".join(str(value) for value in problem["findings"][0].values())
    assert '"1"' in message and "2" in message and "4" in message and "unique" in message


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "..\\..\\x.csv", "/abs/so-x.csv", "..", ".csv"])
def test_a_file_name_that_is_a_path_cannot_name_the_company(shared, name):
    before = tree(shared.data_dir.parent)
    response = shared.upload(GOOD, name=name)
    assert response.status_code == 422, response.text
    assert response.json()["type"].endswith("bad-name") and "company_id" in response.json()["fix"]
    after = tree(shared.data_dir.parent)
    assert set(after) == set(before)
    # If the request names a company, the file's name is data. It is kept and never becomes a path.
    shared.upload_ok(GOOD, name=name, company_id=f"named-{sum(name.encode())}")
    assert not any("passwd" in path for path in tree(shared.data_dir.parent))


def test_another_spelling_of_a_company_is_a_conflict(shared):
    response = shared.upload(GOOD, company_id="SO-Financials")
    assert response.status_code == 409
    assert "so-financials" in response.json()["detail"]


def raw_exchange(server, request, half_close=True):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_no_file_part(shared):
    response = shared.session.post(f"{shared.url}/upload", files={"table_name": (None, "x")})
    assert response.status_code in (400, 422)
    assert "file" in response.json()["detail"] and "curl" in response.json()["fix"]


def test_not_multipart(shared):
    response = shared.session.post(f"{shared.url}/upload", data=GOOD, headers={"Content-Type": "text/csv"})
    assert response.status_code == 415
    assert "curl" in response.json()["fix"]


def test_a_connection_cut_in_the_middle_leaves_nothing(shared):
    before = written(shared)
    head = (b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="so-financials.csv"\r\n\r\nrecord_id,item\n')
    raw_exchange(shared, head + b"x,y\n" * 100)
    assert shared.upload(GOOD).json()["status"] == "unchanged"
    assert written(shared) == before


def test_unknown_paths_and_methods_are_problems(shared):
    missing = shared.request("GET", "/nowhere")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")
    wrong = shared.request("PUT", "/health")
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]
    assert shared.request("GET", "/api/v1/tables/none/such/records").status_code == 404
    assert shared.request("GET", "/api/v1/uploads/not-a-uuid").status_code in (404, 422)



@pytest.mark.parametrize("call,error", [("write", "ENOSPC"), ("create", "EROFS"), ("fsync", "EIO"), ("rename", "EIO"),
                                        ("close", "EIO"), ("mkdir", "ENOSPC")])
def test_a_failing_disk_is_answered_and_the_next_upload_works(start, call, error):
    """Makes each call fail in turn, until no call of an upload is left. Every response is an error with a fix, or a success that
    took effect. Afterwards everything works."""
    clean = start()
    clean.upload_ok(GOOD)
    clean.stop()
    file = LARGE if call == "fsync" else BETTER
    met = 0
    for nth in range(1, 200):
        try:
            server = start(program=FAULTY_PROGRAM, fault=f"fail:{call}:{nth}:{error}")
        except DidNotStart as failure:
            exit_code, message = failure.args
            assert exit_code == 2 and "fix:" in message, message
            met = nth
            continue
        response = server.upload(file, company_id=f"company-{nth}")
        if response.status_code != 200:
            assert response.status_code in (503, 507), response.text
            assert response.json()["detail"] and response.json()["fix"]
            response = server.upload(file, company_id=f"company-{nth}")
            assert response.status_code == 200, response.text
            met = nth
        assert response.json()["version"] == 1
        server.stop()
        if nth > met + 5:
            break
    assert met > 0, f"no {call} was reached"
    after = start()
    assert archived(after.data_dir)[-1][0] == GOOD.encode()
    assert list((after.data_dir / "spool").iterdir()) == []


def test_dead_letters_of_the_embedded_history(start, tmp_path):
    def letters(*arguments):
        return subprocess.run([str(PROGRAM), "dead-letters", *arguments, "--data-dir", str(tmp_path / "data")], capture_output=True, text=True,
                              check=False, timeout=60, env={"PATH": "/usr/bin:/bin"})

    server = start()
    done = letters("list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    server.stop()
    with sqlite3.connect(tmp_path / "data/history.db") as connection:
        connection.execute("INSERT INTO dead_letters VALUES ('T', 0, 7, 'cdc-events', x'6869', 'it is no event', NULL, '2025-03-10T12:00:00.000Z', NULL)")
    connection.close()
    offline = letters("list")
    server = start()
    beside = letters("list")
    assert offline.stdout == beside.stdout and offline.stdout.startswith("T.0.7\t"), offline.stderr + beside.stderr
    assert "\nhi\n" in letters("show", "T.0.7").stdout
    refused = letters("retry", "--all")
    assert refused.returncode == 2 and "`deltadrop dev` runs on" in refused.stderr and "PostgreSQL" not in refused.stderr
    path = refused.stderr.split("POST ")[1].split(";")[0].replace("ID", "T.0.7")
    assert server.url.split("//")[1] in path
    assert server.request("POST", path[path.index("/api"):]).status_code == 422, "the route that it names exists"
    server.stop()
    done = letters("retry", "T.0.7")
    assert done.returncode == 2 and "no event" in done.stderr


ALWAYS = {"--help", "--config", "--log-format", "--log-level"}
LISTED = {  # the flags of the settings and the command's own flags
    "lake verify": {"--data-dir", "--parquet-dir", "--database-url", "--parquet-layout", "--parquet-max-rows", "--company", "--table"},
    "lake views": {"--data-dir", "--database-url", "--company", "--table", "--dialect"},
    "dead-letters list": {"--data-dir", "--database-url", "--all", "--limit"},
    "keys list": {"--data-dir", "--keys-file", "--timezone"},  # The commands of keys share one list, and create reads it.
    "republish": {"--data-dir", "--tls-cert", "--company", "--table", "--from-version"},
    "migrate": {"--data-dir"},
    "rebuild catalog": {"--data-dir"},
}


@pytest.mark.parametrize("command", LISTED)
def test_a_command_lists_the_settings_that_it_reads(command, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "HOLD_MIN_ROWS": "7", "KAFKA_TOPIC": "other"}
    run = lambda *more: subprocess.run([str(PROGRAM), *command.split(), *more], capture_output=True, text=True, timeout=60, check=False,
                                       env=environment)
    listed = set(re.findall(r"--[a-z][a-z-]*", run("--help").stdout.split("Example")[0]))
    assert listed == LISTED[command] | ALWAYS
    for given in (["--data-dir", str(tmp_path)], ["--data-dir", str(tmp_path), "--hold-min-rows", "8"]):
        said = run(*given).stderr
        assert "HOLD_MIN_ROWS" not in said and "hold-min-rows" not in said, "set for other commands it is no error"


def test_programs_list_what_they_read_and_config_takes_all():
    def said(*arguments):
        done = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for name, reads, ignores in [("dev", "--batch-events", "--kafka-topic"), ("serve", "--hold-min-rows", "--batch-events"),
                                 ("consume", "--kafka-topic", "--max-rows")]:
        assert reads in said(name, "--help") and ignores not in said(name, "--help"), name
    assert "--held-ttl" not in said("config", "--help") and "HELD_TTL" in said("config")
    assert re.search(r"HELD_TTL +7d +flag", said("config", "--held-ttl", "7d"))


@pytest.mark.parametrize("group", [["lake"], ["keys"], ["dead-letters"], ["rebuild"]])
def test_a_command_that_a_group_does_not_have_is_named(group):
    done = subprocess.run([str(PROGRAM), *group, "foo", "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f'there is no command "foo" of `deltadrop {group[0]}`' in done.stderr and f"deltadrop {group[0]} --help" in done.stderr


def test_a_command_that_there_is_not_is_named():
    done = subprocess.run([str(PROGRAM), "frobnicate", "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert 'there is no command "frobnicate"' in done.stderr


def test_diff_says_that_a_workbook_is_damaged(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04\x14\0xl/workbook.xml\n")
    (tmp_path / "b.csv").write_text(GOOD)
    done = subprocess.run([str(PROGRAM), "diff", "b.csv", "a.xlsx"], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 2 and "the workbook is damaged" in done.stderr and "save it as .xlsx again" in done.stderr, done.stderr
