"""Keys, TLS, limits, metrics and logs of the real program."""

import json
import re
import select
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deltadrop_process import PROGRAM, TABLE

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from promtool import ROOT, promtool  # noqa: E402

CSV = "record_id,revenue\nA,1\nB,2\n"
SECRET_VALUE = "4711-secret-cell"


def keys(data_dir, *arguments):
    done = subprocess.run([str(PROGRAM), "keys", *arguments, "--data-dir", str(data_dir)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_keys_are_said_beside_the_list(tmp_path):
    done = subprocess.run([str(PROGRAM), "keys", "list", "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"no key in {tmp_path}/keys" in done.stderr and "deltadrop keys create" in done.stderr
    keys(tmp_path, "create")
    done = subprocess.run([str(PROGRAM), "keys", "list", "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert len(done.stdout.splitlines()) == 1 and done.stderr == ""


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_metrics_are_prometheus(start):
    server = start()
    server.upload_ok(CSV)
    server.upload("a,b\n1\n")
    response = server.request("GET", "/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert promtool("check", "metrics", text=response.text) == ""
    samples = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert samples['deltadrop_uploads_total{result="published"}'] == "1"
    assert samples['deltadrop_uploads_total{result="refused"}'] == "1"
    assert samples['deltadrop_events_total{type="insert"}'] == "2"
    assert samples["deltadrop_recorded_events_total"] == "2"
    assert samples["deltadrop_upload_rows_total"] == "2"
    for step in ("receive", "compare", "accept", "publish", "apply", "lake"):
        assert int(samples[f'deltadrop_step_seconds_count{{step="{step}"}}']) >= 1, step
    for name in ("pending_uploads", "held_uploads", "unapplied_uploads", "dead_letters", "blocked_uploads", "waiting_tables"):
        assert samples[f"deltadrop_{name}"] == "0", name
    for name in ("kafka_up", "database_up", "lake_up", "consumer_up", "applied_uploads"):
        assert samples[f"deltadrop_{name}"] == "1", name
    assert samples["deltadrop_publish_lag_seconds_count"] == samples["deltadrop_apply_lag_seconds_count"] == "1"
    assert any(line.startswith("deltadrop_build_info{version=") for line in samples)
    # The names are a contract: docs/operations.md lists exactly the existing ones.
    page = (ROOT / "docs/operations.md").read_text()
    documented = {name for row in re.findall(r"^\| (`deltadrop_.*?) \|", page, re.MULTILINE) for name in re.findall(r"deltadrop_\w+", row)}
    known = set(re.findall(r"^# TYPE (\S+)", response.text, re.MULTILINE))
    assert documented == known


def test_alerts_and_dashboard_name_metrics_that_exist(start):
    server = start()
    server.get("/health")  # a route has a series from its first request on
    text = server.request("GET", "/metrics").text
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    promtool("check", "rules", str(ROOT / "deploy/alerts.yaml"))
    dashboard = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = set(re.findall(r"deltadrop_\w+", (ROOT / "deploy/alerts.yaml").read_text() + " ".join(expressions)))
    assert len(used) > 12
    missing = {re.sub(r"_(bucket|count|sum)$", "", name) for name in used} - known
    assert not missing


def test_a_log_line_says_what_became_of_an_upload_and_no_value(start):
    server = start(flags=["--log-format", "json"])
    response = server.session.post(f"{server.url}/upload", files={"file": ("so-financials.csv", f"id,v\n1,{SECRET_VALUE}\n")},
                                   headers={"X-Request-Id": "my-id.1"}, timeout=60)
    assert response.headers["X-Request-Id"] == "my-id.1"
    answer = response.json()
    server.request("GET", "/a%0Ab")
    server.stop()
    text = server.log_path.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    uploads = [line for line in lines if line.get("event") == "upload"]
    assert len(uploads) == 1
    line = uploads[0]
    assert line["id"] == "my-id.1" and line["upload_id"] == answer["upload_id"] and line["result"] == "published"
    assert (line["company"], line["table"], line["version"]) == ("so-financials", "financials", 1)
    assert (line["rows"], line["inserted"], line["level"]) == (1, 1, "info")
    assert line["compare_ms"] >= 0
    assert SECRET_VALUE not in text
    assert all({"time", "level"} <= set(line) for line in lines)


LIMITS = [
    ("--max-upload-bytes", "20", CSV, 413, "too-large"),
    ("--max-rows", "1", CSV, 422, "too-many-rows"),
    ("--max-columns", "1", CSV, 422, "too-many-columns"),
    ("--max-field-bytes", "4", "id,v\n1,12345\n", 422, "field-too-large"),
    ("--max-row-bytes", "6", "id,v\n1,12345\n", 422, "row-too-large"),
    ("--disk-reserve", "1000TiB", CSV, 507, "DISK_RESERVE"),
    ("--max-parts", "1", CSV, 413, "parts"),
]


@pytest.mark.parametrize("flag, value, content, status, word", LIMITS, ids=[row[0] for row in LIMITS])
def test_limits_of_files(start, flag, value, content, status, word):
    server = start(flags=[flag, value])
    response = server.upload(content, table_name="t")
    assert response.status_code == status, response.text
    assert word in response.text
    assert server.get("/api/v1/tables")["tables"] == []


def test_limits_come_from_the_environment_too(start):
    server = start(env={"MAX_ROWS": "1", "MAX_HEADER_FIELDS": "8"})
    assert server.upload(CSV).status_code == 422
    assert server.request("GET", "/health", headers={f"X-{i}": "y" for i in range(8)}).status_code == 431


def test_an_expansion_over_the_limit_is_refused(start):
    import gzip

    server = start(flags=["--max-expansion", "10"])
    response = server.upload(gzip.compress(b"id,v\n" + b"1,0000000000\n" * 400_000))
    assert response.status_code == 422 and "bad-compression" in response.text


def test_limits_of_connections(start):
    server = start(flags=["--max-connections-per-address", "2", "--header-timeout", "3s", "--max-header-bytes", "1KiB"])
    host, port = server.url.removeprefix("http://").split(":")
    first = socket.create_connection((host, int(port)))
    first.settimeout(20)
    assert first.recv(100) == b""  # no head within its time
    assert server.request("GET", "/health/live", headers={"X": "y" * 2000}).status_code == 431
    server.session.close()
    held = [socket.create_connection((host, int(port))) for _ in range(3)]
    for connection in held:
        connection.settimeout(20)
    # It depends on when the server notices the closed session which of them is one too many.
    answers = [connection.recv(1000) for connection in held]
    assert any(b"503" in answer for answer in answers), answers
    assert b"" in answers, answers


def raw_connection(server):
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.settimeout(20)
    return connection


def received_until(connection, end):
    text = b""
    while end not in text:
        piece = connection.recv(4096)
        assert piece, text
        text += piece
    return text


def test_a_limit_of_uploads_at_once(start):
    server = start(flags=["--max-uploads", "1"])
    slow = raw_connection(server)
    slow.sendall(b"PUT /api/v1/tables/slow/t HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
    assert b" 100 " in received_until(slow, b"\r\n\r\n")
    refused = server.upload(CSV)
    assert refused.status_code == 503 and refused.headers["Retry-After"] and "too-many-uploads" in refused.text
    assert server.request("GET", "/health").status_code == 200
    slow.sendall(b"id,v\n1,2\n")
    assert b" 200 " in received_until(slow, b"}")
    assert server.upload_ok(CSV)["inserted"] == 2


def test_a_limit_of_connections_at_once(start):
    server = start(flags=["--max-connections", "2"])
    held = [raw_connection(server) for _ in range(2)]
    for connection in held:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 200 " in received_until(connection, b"}")
    assert b"/problems/too-many-connections" in received_until(raw_connection(server), b"}")


def test_an_idle_connection_ends(start):
    server = start(flags=["--idle-timeout", "300ms"])
    connection = raw_connection(server)
    connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert b" 200 " in received_until(connection, b"}")
    assert connection.recv(1) == b""


def test_a_body_slower_than_the_least_rate_is_answered_and_ends(start):
    """Sends 2 KiB per second, which the default accepts forever. The rate is averaged over 30 s."""
    server = start(flags=["--min-body-rate", "1MiB"])
    connection = raw_connection(server)
    connection.sendall(b"PUT /api/v1/tables/slow/t HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nid,v\n")
    row = b"1" * 1023 + b"\n"
    ended = False
    for _ in range(120):
        # Wait for the server's response, at most until the next piece is due.
        if select.select([connection], [], [], 0.5)[0]:
            ended = True
            break
        connection.sendall(row)
    assert ended
    assert b"HTTP/1.1 408 Request Timeout" in received_until(connection, b"}")
    assert server.upload_ok(CSV)["inserted"] == 2


def test_a_thousand_slow_connections(start):
    server = start(flags=["--header-timeout", "60s"])
    host, port = server.url.removeprefix("http://").split(":")
    slow = []
    for number in range(1000):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " if number % 2 else
                           b"PUT /api/v1/tables/slow/t HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nid,v\n")
        slow.append(connection)
    assert server.request("GET", "/health").status_code == 200
    times = sorted(server.request("GET", "/health").elapsed.total_seconds() for _ in range(40))
    print(f"/health beside 1,000 slow connections: median {times[20] * 1000:.1f} ms, slowest {times[-1] * 1000:.1f} ms")
    assert times[35] < 0.1, times
    assert server.upload_ok(CSV)["inserted"] == 2
    for connection in slow:
        connection.close()


def test_health_and_metrics_beside_many_tables(start):
    server = start(flags=["--log-level", "warning"])

    def put_tables(first):
        with requests.Session() as session:
            for number in range(first, 1600, 16):
                answer = session.put(f"{server.url}/api/v1/tables/c{number}/t", data=CSV, timeout=60)
                assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(16) as clients:
        list(clients.map(put_tables, range(16)))
    for path in ("/health", "/metrics", "/api/v1/tables?limit=10"):
        answers = [server.request("GET", path) for _ in range(11)]
        assert {answer.status_code for answer in answers} == {200}, path
        times = sorted(answer.elapsed.total_seconds() for answer in answers)
        print(f"{path} beside 1,600 tables: median {times[5] * 1000:.1f} ms")


def test_a_key_expires_after_a_time_with_a_unit(start, tmp_path):
    refused = subprocess.run([str(PROGRAM), "keys", "create", "--expires", "90", "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "--expires 90 has no unit" in refused.stderr and "90d" in refused.stderr
    assert not (tmp_path / "keys").exists()


def test_keys_are_asked_for_once_there_is_one(start):
    server = start()
    assert server.request("GET", "/api/v1/tables").status_code == 200
    admin = keys(server.data_dir, "create", "--role", "admin", "--name", "ops")
    upload = keys(server.data_dir, "create", "--role", "upload", "--company", "so-*", "--expires", "1d")
    assert admin not in (server.data_dir / "keys").read_text()
    refused = server.request("GET", "/api/v1/tables")
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer")
    absent = server.request("GET", "/nowhere")
    assert absent.status_code == 401
    assert {**refused.json(), "instance": ""} == {**absent.json(), "instance": ""}
    assert server.request("GET", "/health/live").status_code == 200
    assert server.upload(CSV).status_code == 401
    send = lambda company, key: requests.post(f"{server.url}/upload?company_id={company}", files={"file": ("x.csv", CSV)},
                                              headers=bearer(key), timeout=60)
    assert send("other", upload).status_code == 403
    sent = send("so-financials", upload)
    assert sent.status_code == 200, sent.text
    follow = f"/api/v1/uploads/{sent.json()['upload_id']}"
    assert server.request("GET", follow, headers=bearer(upload)).status_code == 200
    assert server.request("GET", f"{TABLE}/records", headers=bearer(upload)).status_code == 403
    assert server.request("GET", f"{TABLE}/records", headers=bearer(admin)).status_code == 200
    assert server.request("GET", "/nowhere", headers=bearer(admin)).status_code == 404
    listed = keys(server.data_dir, "list").splitlines()
    assert len(listed) == 2 and listed[0].endswith("ops")
    keys(server.data_dir, "revoke", admin.split("_")[1])
    assert server.request("GET", "/api/v1/tables", headers={"X-API-Key": admin}).status_code == 401
    text = server.log_path.read_text()
    assert upload not in text and admin not in text


def test_a_lost_keys_file_lets_nobody_in(start):
    server = start()
    admin = keys(server.data_dir, "create", "--role", "admin")
    assert server.request("GET", "/api/v1/tables", headers=bearer(admin)).status_code == 200
    kept = (server.data_dir / "keys").read_text()
    for text in (None, ""):
        (server.data_dir / "keys").unlink(missing_ok=True)
        if text is not None:
            (server.data_dir / "keys").write_text(text)
        for headers in ({}, bearer(admin)):
            refused = server.request("GET", "/api/v1/tables", headers=headers)
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/keys-missing")
        assert server.request("GET", "/health/live").status_code == 200
        server.stop()
        server = start()
        assert server.request("GET", "/api/v1/tables").status_code == 503
    (server.data_dir / "keys").write_text(kept)
    assert server.request("GET", "/api/v1/tables", headers=bearer(admin)).status_code == 200


def test_an_idempotency_key_belongs_to_the_companies_of_its_api_key(start):
    server = start()
    acme, globex, acme_too = (keys(server.data_dir, "create", "--role", "upload", "--company", name)
                              for name in ("acme", "globex", "acme"))

    def send(company, key, content=CSV):
        return requests.post(f"{server.url}/upload?company_id={company}", files={"file": ("x.csv", content)},
                             headers={**bearer(key), "Idempotency-Key": "monthly"}, timeout=60)

    first = send("acme", acme)
    assert first.status_code == 200, first.text
    other = send("globex", globex)
    assert (other.status_code, other.json()["company_id"]) == (200, "globex"), other.text
    assert "Idempotency-Replayed" not in other.headers
    again = send("acme", acme_too)
    assert again.text == first.text and again.headers["Idempotency-Replayed"] == "true", "a renewed key of the same company"
    assert send("acme", acme, CSV + "C,3\n").json()["type"] == "/problems/idempotency-key-reused"


def test_a_command_shows_its_key(start):
    server = start()
    server.upload_ok(CSV)
    admin = keys(server.data_dir, "create", "--role", "admin")
    command = [str(PROGRAM), "republish", "--data-dir", str(server.data_dir)]
    without = subprocess.run(command, capture_output=True, text=True, timeout=60, env={})
    assert without.returncode == 2 and "401" in without.stderr
    with_key = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"DELTADROP_KEY": admin})
    assert with_key.returncode == 0 and "1 upload of" in with_key.stdout, with_key.stderr


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(folder / "key.new"), "-out", str(folder / "cert.new")], check=True, capture_output=True, timeout=60)
    (folder / "key.new").replace(folder / "key.pem")
    (folder / "cert.new").replace(folder / "cert.pem")
    return folder / "cert.pem"


def peer_name(port, certificate, version=None):
    context = ssl.create_default_context(cafile=str(certificate))
    if version:
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            return dict(part[0] for part in tls.getpeercert()["subject"])["commonName"]


def test_tls_and_a_new_certificate_without_a_restart(start, tmp_path):
    certificate = make_certificate(tmp_path, "first")
    server = start(flags=["--tls-cert", str(certificate), "--tls-key", str(tmp_path / "key.pem")])
    assert server.url.startswith("https://")
    port = int(server.url.rsplit(":", 1)[1])
    server.session.trust_env = False  # no other machine's list of authorities
    server.session.verify = str(certificate)
    health = server.request("GET", "/health")
    assert health.status_code == 200
    assert health.headers["Strict-Transport-Security"] and health.headers["Cache-Control"] == "no-store"
    assert server.upload_ok(CSV)["inserted"] == 2
    big = "id,v\n" + "".join(f"{i},{i}\n" for i in range(300_000))
    assert server.upload(big, table_name="big").json()["rows"] == 300_000
    command = [str(PROGRAM), "republish", "--data-dir", str(server.data_dir), "--tls-cert", str(certificate), "--tls-key", "x"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0, asked.stderr
    assert peer_name(port, certificate) == "first"
    assert peer_name(port, certificate, ssl.TLSVersion.TLSv1_2) == "first"
    with pytest.raises((ssl.SSLError, OSError)):
        peer_name(port, certificate, ssl.TLSVersion.TLSv1_1)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.url.replace("https", "http"), timeout=20)
    open_before = requests.Session()
    open_before.trust_env = False
    open_before.verify = str(certificate)
    first = open_before.get(server.url + "/health/live", timeout=20, stream=True)
    kept = first.raw.connection
    first.content
    make_certificate(tmp_path, "second")
    assert peer_name(port, certificate) == "second"
    kept.request("GET", "/health/live")  # the open connection continues
    assert kept.getresponse().status == 200
    copy = tmp_path / "second.pem"
    copy.write_bytes(certificate.read_bytes())
    certificate.write_text("nonsense")
    assert peer_name(port, copy) == "second"  # an unusable certificate changes nothing
    make_certificate(tmp_path, "third")
    assert peer_name(port, certificate) == "third"


@pytest.mark.parametrize("flags, word", [
    (["--tls-cert", "x"], "TLS_KEY"),
    (["--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"], "/nowhere/cert.pem"),
    (["--listen", "0.0.0.0:0"], "key"),
    (["--listen", "0.0.0.0:0", "--require-keys"], "TLS"),
])
def test_what_is_half_safe_does_not_start(tmp_path, flags, word):
    listen = [] if "--listen" in flags else ["--listen", "127.0.0.1:0"]
    command = [str(PROGRAM), "dev", "--data-dir", str(tmp_path / "data"), *listen, *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and word in ended.stderr


@pytest.mark.parametrize("flags, names", [
    ([], ["localhost:1", "127.0.0.1", "[::1]:8000"]),
    (["--allowed-hosts", "data.example"], ["localhost:1", "127.0.0.1", "data.example", "DATA.example:8000"]),
])
def test_only_its_own_names_are_answered(start, flags, names):
    server = start(flags=flags)
    ask = lambda host: server.request("GET", "/health", headers={"Host": host}).status_code
    assert [ask(name) for name in names] == [200] * len(names)
    assert ask("evil.example") == 421
    assert "Access-Control-Allow-Origin" not in server.request("GET", "/health", headers={"Origin": "http://evil.example"}).headers
