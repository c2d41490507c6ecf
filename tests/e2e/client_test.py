"""The command line as a client: how it finds a server, which servers it trusts, and its reports of late, incomplete or missing
responses. Runs the real program against the real server and against small servers that misbehave."""

import fcntl
import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deltadrop_process import PROGRAM

CSV = "id,amount\nA,1\nB,2\n"
NO_TABLES = b'{"tables": [], "next_cursor": null}'
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
SPEED = 15  # of the fast clock
PATIENCE_S = 60  # src/cli/http_client.hpp
OURS = ("TLS_CERT", "DELTADROP_KEY", "SSL_CERT_FILE", "SSL_CERT_DIR", "DATA_DIR")


def environment(**more):
    """The environment without the proxies and certificates of the machine that runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS and not name.lower().endswith("_proxy")}
    return {**kept, **more}


def command(*arguments, **env):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment(**env))


def fails(done, *says):
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert all(text in done.stderr for text in says) and "\n  fix: " in done.stderr, done.stderr


def works(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


class Connection:
    """The server's end of a connection."""

    def __init__(self, plain):
        self.socket = plain
        self.received = b""

    def read(self, has_all):
        """Receives until `has_all(received)` is not 0. Returns that number of bytes."""
        while not (end := has_all(self.received)):
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("the client closed the connection")
            self.received += piece
        taken, self.received = self.received[:end], self.received[end:]
        return taken

    def read_head(self):
        return self.read(lambda received: received.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in received else 0).decode()

    def read_bytes(self, count):
        return self.read(lambda received: count if len(received) >= count else 0)

    def send(self, *pieces):
        self.socket.sendall(b"".join(pieces))

    def respond(self, body, status="200 OK", length=None, headers=""):
        self.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n{headers}\r\n".encode(), body)

    def respond_in_chunks(self, *pieces):
        self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            self.send_chunk(piece)

    def send_chunk(self, piece):
        self.send(f"{len(piece):x}\r\n".encode(), piece, b"\r\n")

    def is_closed_within(self, seconds):
        """Waits at most this long until the client closes the connection."""
        self.socket.settimeout(seconds)
        try:
            while piece := self.socket.recv(65536):
                self.received += piece
            return True
        except TimeoutError:
            return False
        except OSError:
            return True


class SmallServer:
    """Calls `serve(connection)` for each connection, then closes it."""

    def __init__(self, serve, host="127.0.0.1", tls=None):
        self.serve, self.tls, self.requests = serve, tls, []
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run_one, args=(plain,), daemon=True).start()

    def run_one(self, plain):
        try:
            with self.tls.wrap_socket(plain, server_side=True) if self.tls else plain as ours:
                self.serve(Connection(ours))
        except OSError:  # the client may close the connection
            plain.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(60)


@pytest.fixture
def small():
    """small(serve, ...) -> a SmallServer that is closed at the end of the test."""
    servers = []

    def begin(*arguments, **more):
        servers.append(SmallServer(*arguments, **more))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def answers_with_no_tables(requests):
    def serve(connection):
        requests.append(connection.read_head())
        connection.respond(NO_TABLES)
    return serve


# ---- addresses


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost_is_the_address_on_which_the_server_listens(start, address):
    bracketed = f"[{address}]" if ":" in address else address
    try:
        socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET).close()
    except OSError as error:
        pytest.skip(f"this machine has no {address}: {error}")
    server = start(listen=f"{bracketed}:0")
    server.upload_ok(CSV)
    port = server.url.rsplit(":", 1)[1]
    for host in ("localhost", bracketed):
        assert "so-financials" in works(command("tables", "--server", f"http://{host}:{port}/"))
    assert "so-financials" in works(command("tables", "--data-dir", str(server.data_dir)))


def test_schemes_have_their_usual_ports_and_other_hosts_the_usual_proxy(small):
    requests = []

    def proxy(connection):
        head = connection.read_head()
        requests.append(head)
        connection.respond(b"" if head.startswith("CONNECT") else NO_TABLES, "403 Forbidden" if head.startswith("CONNECT") else "200 OK")

    through = {f"{scheme}_proxy": small(proxy).url for scheme in ("http", "https")}
    works(command("tables", "--server", "http://data.example", **through))
    fails(command("tables", "--server", "https://data.example", **through), "the proxy answers 403", "https_proxy names a proxy")
    fails(command("tables", "--server", "http://data.invalid", no_proxy="data.invalid", **through), '"data.invalid" cannot be found')
    fails(command("tables", "--server", "http://data.example", http_proxy="http://proxy.invalid"), "the proxy of http_proxy cannot be found")
    assert [head.split("\r\n")[0] for head in requests] == [
        "GET http://data.example/api/v1/tables?limit=1000 HTTP/1.1", "CONNECT data.example:443 HTTP/1.1"]
    assert "\r\nHost: data.example\r\n" in requests[0]


def test_a_server_on_this_machine_is_reached_without_a_proxy(small, tmp_path):
    proxied, direct = [], []
    proxy = small(answers_with_no_tables(proxied)).url
    through = {"http_proxy": proxy, "https_proxy": proxy, "all_proxy": proxy}
    server = small(answers_with_no_tables(direct))
    for host in ("localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1"):
        works(command("tables", "--server", f"http://{host}:{server.port}", **through))
    fails(command("tables", "--server", "http://[::1]:1", **through), "does not answer")
    with open(tmp_path / "lock", "w") as lock:  # like a server that listens on a name of this machine
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\nthis-machine.invalid:8000\n")
        lock.flush()
        fails(command("tables", "--data-dir", str(tmp_path), **through), '"this-machine.invalid" cannot be found')
    assert len(direct) == 5 and not proxied


def test_a_redirect_is_reported_and_not_followed(small):
    elsewhere = []
    target = small(answers_with_no_tables(elsewhere)).url + "/moved"

    def serve(connection):
        connection.read_head()
        connection.respond(b"", "302 Found", headers=f"Location: {target}\r\n")

    fails(command("tables", "--server", small(serve).url, DELTADROP_KEY="dd_x_secret"), "answers 302", target)
    assert not elsewhere


def test_a_target_is_sent_as_it_is_with_the_key(small):
    requests = []
    url = small(answers_with_no_tables(requests)).url
    works(command("versions", "..", "a b/é", "--server", url, DELTADROP_KEY="dd_x_secret"))
    lines = requests[0].split("\r\n")
    assert lines[0] == "GET /api/v1/tables/../a%20b%2F%C3%A9/versions?limit=1000 HTTP/1.1"
    assert "Authorization: Bearer dd_x_secret" in lines


# ---- trust


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder: ca.pem; here.pem and expired.pem, issued by it for localhost and 127.0.0.1; elsewhere.pem, issued by it for data.example;
    other.pem, which is self-signed; the key of each as *.key."""
    folder = tmp_path_factory.mktemp("authority")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        openssl("req", "-x509", *new_key, "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem"))
    for name, names, days in (("here", "DNS:localhost,IP:127.0.0.1", 2), ("elsewhere", "DNS:data.example", 2),
                              ("expired", "DNS:localhost,IP:127.0.0.1", 0)):
        openssl("req", *new_key, "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.csr"))
        (folder / "names").write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", str(folder / f"{name}.csr"), "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"),
                "-days", str(days), "-extfile", str(folder / "names"), "-out", str(folder / f"{name}.pem"))
    return folder


def tls_of(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.set_alpn_protocols(["h2", "http/1.1"])  # the client must not choose the first
    return context


def test_tls_of_our_own_server(start, authority, tmp_path):
    server = start(flags=["--tls-cert", str(authority / "here.pem"), "--tls-key", str(authority / "here.key")])
    port = server.url.rsplit(":", 1)[1]
    file = tmp_path / "so-financials.csv"
    file.write_text("id,text\n" + "".join(f"{number},{'x' * 100}\n" for number in range(40_000)))
    ca, certificate = str(authority / "ca.pem"), str(authority / "here.pem")
    works(command("upload", str(file), "--data-dir", str(server.data_dir), "--tls-cert", certificate))
    assert next((server.data_dir / "archive/so-financials/financials").glob("*.csv")).read_bytes() == file.read_bytes()
    for url in (f"https://localhost:{port}", f"https://127.0.0.1:{port}"):
        assert "so-financials" in works(command("tables", "--server", url, "--tls-cert", ca))
        assert "so-financials" in works(command("tables", "--server", url, TLS_CERT=certificate))
        assert "so-financials" in works(command("tables", "--server", url, SSL_CERT_FILE=ca))
    # The authority is not one of the system's; the file has another certificate; the file does not exist.
    fails(command("tables", "--data-dir", str(server.data_dir)), "not trusted", "--tls-cert FILE")
    fails(command("tables", "--server", f"https://localhost:{port}", "--tls-cert", str(authority / "other.pem"), SSL_CERT_FILE=ca),
          "not trusted", "other.pem")
    fails(command("tables", "--server", f"https://localhost:{port}", "--tls-cert", str(tmp_path / "nothing.pem")), "nothing.pem", "PEM")
    fails(command("tables", "--server", f"https://localhost:{port}", SSL_CERT_FILE=str(tmp_path / "nothing.pem")), "SSL_CERT_FILE")


@pytest.mark.parametrize("name, trust, says", [
    ("here", {"SSL_CERT_FILE": "ca.pem"}, None), ("here", {"TLS_CERT": "ca.pem"}, None), ("here", {"TLS_CERT": "here.pem"}, None),
    ("here", {}, "not trusted"), ("here", {"SSL_CERT_FILE": "other.pem"}, "not trusted"), ("here", {"TLS_CERT": "other.pem"}, "not trusted"),
    # The certificate names another host, so it is trusted only as an exact copy.
    ("elsewhere", {"SSL_CERT_FILE": "ca.pem"}, "name"), ("elsewhere", {"TLS_CERT": "ca.pem"}, "mismatch"), ("elsewhere", {"TLS_CERT": "elsewhere.pem"}, None),
    ("expired", {"SSL_CERT_FILE": "ca.pem"}, "expired"), ("expired", {"TLS_CERT": "ca.pem"}, "expired"), ("expired", {"TLS_CERT": "expired.pem"}, None),
    ("other", {"TLS_CERT": "other.pem"}, None), ("other", {}, "not trusted")])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_only_the_trusted_server_is_told_the_key(small, authority, host, name, trust, says):
    requests = []
    server = small(answers_with_no_tables(requests), tls=tls_of(authority, name))
    files = {variable: str(authority / file) for variable, file in trust.items()}
    done = command("tables", "--server", f"https://{host}:{server.port}", DELTADROP_KEY="dd_x_secret", **files)
    if says is None:
        works(done)
        assert "Bearer dd_x_secret" in requests[0]
    else:
        fails(done, "not trusted", says)
        assert not requests


def test_a_scheme_that_the_server_does_not_speak(small, authority):
    plain = small(lambda connection: connection.send(b"SSH-2.0-OpenSSH_9.2\r\n"))
    fails(command("tables", "--server", f"https://127.0.0.1:{plain.port}"), "no TLS connection", "http:// instead of https://")
    fails(command("tables", "--server", plain.url), "does not speak HTTP/1.1")
    encrypted = small(lambda connection: connection.read_head(), tls=tls_of(authority, "here"))
    fails(command("tables", "--server", f"http://127.0.0.1:{encrypted.port}"), "does not answer")


# ---- late or incomplete responses


def silent_at_once(connection):
    connection.read_head()


def silent_in_a_body(connection):
    connection.read_head()
    connection.respond(NO_TABLES[:10], length=len(NO_TABLES))


def silent_in_a_stream(connection):
    connection.read_head()
    connection.respond_in_chunks(b'data: {"key_value": "A"}\n\n')


SHAPES = {
    "list": ["tables"], "csv": ["records", "c", "t", "--format", "csv"], "ndjson": ["events", "--format", "json"],
    "stream": ["events", "--follow", "--format", "json"]}


def with_a_fast_clock():
    assert FAKETIME, "libfaketime is missing; run tools/bootstrap.sh test"
    return {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": f"+0 x{SPEED}"}


def all_at_once(run, cases):
    """Runs the cases in parallel, because each of them waits."""
    with ThreadPoolExecutor(len(cases)) as pool:
        list(pool.map(lambda case: run(*case), cases))


def test_a_server_that_falls_silent_is_given_up(small):
    def run(shape, serve, says):
        def then_wait(connection):
            serve(connection)
            connection.is_closed_within(PATIENCE_S)

        done = command(*SHAPES[shape], "--server", small(then_wait).url, **with_a_fast_clock())
        fails(done, says, f"nothing was received for {PATIENCE_S} s")

    all_at_once(run, [("list", silent_at_once, "does not answer"), ("list", silent_in_a_body, "is incomplete"),
                      ("stream", silent_in_a_stream, "is incomplete")])


def test_a_slow_server_is_waited_for(small):
    def run(shape, body):
        pause = 1.5 * PATIENCE_S / SPEED / len(body)  # after each byte; together they exceed the time limit

        def serve(connection):
            connection.read_head()
            connection.respond_in_chunks()
            for byte in body:
                connection.send_chunk(bytes([byte]))
                if connection.is_closed_within(pause):
                    return
            connection.send_chunk(b"")

        begun = time.monotonic()
        works(command(*SHAPES[shape], "--server", small(serve).url, **with_a_fast_clock()))
        assert time.monotonic() - begun > PATIENCE_S / SPEED

    all_at_once(run, [("list", NO_TABLES), ("csv", b"id,amount\r\nA,1\r\n"), ("stream", b'data: {"key_value": "A"}\n\n')])


def cut_off_body(connection):
    connection.read_head()
    connection.respond(b'{"tables": [', length=1000)


def cut_off_chunks(connection):
    connection.read_head()
    connection.respond_in_chunks(b'data: {"key_value": "A"}\n\n')


def cut_off_in_a_chunk(connection):
    connection.read_head()
    connection.respond_in_chunks()
    connection.send(b"ff\r\nid,amount\r\nA")


def cut_off_head(connection):
    connection.read_head()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("serve", [cut_off_body, cut_off_chunks, cut_off_in_a_chunk, cut_off_head])
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_server_that_dies_in_the_middle_of_a_response(small, authority, shape, serve, encrypted):
    server = small(serve, tls=tls_of(authority, "here") if encrypted else None)
    fails(command(*SHAPES[shape], "--server", server.url, SSL_CERT_FILE=str(authority / "ca.pem")), "is incomplete")


def test_a_server_that_dies_before_its_response(small, tmp_path):
    file = tmp_path / "so-financials.csv"
    file.write_text(CSV)
    server = small(lambda connection: connection.read_head())
    fails(command("tables", "--server", server.url), "closed the connection without a response")
    fails(command("upload", str(file), "--server", server.url), "does not answer")


# ---- uploads


@pytest.fixture
def large_file(tmp_path):
    """A file that is larger than the socket buffers."""
    path = tmp_path / "so-financials.csv"
    path.write_text("id,text\n" + "".join(f"{number},{'x' * 1000}\n" for number in range(30_000)))
    return path


def test_a_refused_upload_is_not_sent(small, large_file):
    bodies = queue.Queue()

    def serve(connection):
        assert "\r\nExpect: 100-continue\r\n" in connection.read_head()
        connection.respond(json.dumps({"detail": "not with this key", "fix": "use another"}).encode(), "401 Unauthorized")
        assert connection.is_closed_within(60)
        bodies.put(connection.received)

    fails(command("upload", str(large_file), "--server", small(serve).url), "answers 401: not with this key")
    # Some bytes are sent: libcurl begins to send the body if the server needs more than a second.
    assert len(bodies.get(timeout=60)) < large_file.stat().st_size


@pytest.mark.parametrize("change, says", [("truncate", "shorter than it was"), ("append", "longer than it was")])
def test_a_file_that_changes_while_it_is_sent_is_not_uploaded(small, large_file, change, says):
    def serve(connection):
        connection.read_head()
        if change == "truncate":
            os.truncate(large_file, 10_000)
        else:
            with open(large_file, "a") as file:
                file.write("A,1\n")
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.is_closed_within(60)

    fails(command("upload", str(large_file), "--server", small(serve).url), says)


def test_ctrl_c_ends_an_upload_and_nothing_of_it_stays(server, small, large_file):
    in_the_middle = threading.Event()

    def relay(connection):  # to the real server, as far as the middle of the file
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as upstream:
            upstream.sendall(connection.read_head().encode())
            assert upstream.recv(1000).startswith(b"HTTP/1.1 100 ")
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            upstream.sendall(connection.read_bytes(1_000_000))
            in_the_middle.set()
            connection.is_closed_within(60)

    client = subprocess.Popen([PROGRAM, "upload", str(large_file), "--server", small(relay).url], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment())
    assert in_the_middle.wait(60)
    client.send_signal(signal.SIGINT)
    out, _ = client.communicate(timeout=60)
    assert client.returncode == -signal.SIGINT and out == ""  # which a shell reports as 130
    server.upload_ok(CSV)
    assert [row["rows"] for row in server.get("/api/v1/tables")["tables"]] == [2]
    deadline = time.monotonic() + 60
    while list((server.data_dir / "spool").iterdir()):
        assert time.monotonic() < deadline and server.get("/health")


def test_ctrl_c_ends_a_stream(server):
    server.upload_ok(CSV)
    client = subprocess.Popen([PROGRAM, "events", "--follow", "--after", "beginning", "--format", "json", "--server", server.url],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    keys = [json.loads(client.stdout.readline())["key_value"] for _ in range(2)]
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=60)
    assert (keys, out, err, client.returncode) == (["A", "B"], "", "", -signal.SIGINT)
