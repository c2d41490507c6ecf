"""No workload starves another: uploads to one busy table, stalled downloads, and a log that nobody reads."""

import fcntl
import os
import socket
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deltadrop_process import PROGRAM

PATIENCE_S = 60
STALLED = 150


def csv_of(rows, salt):
    return "id,amount,note\n" + "".join(f"F{n:06},{n * 7 + salt},note of row {n} in file {salt}\n" for n in range(rows))


def timed_upload(server, content, company):
    """Seconds until the response to an upload on its own connection."""
    begun = time.monotonic()
    answer = requests.post(f"{server.url}/upload", files={"file": ("f.csv", content)}, data={"company_id": company, "force": "true"},
                           timeout=120)
    assert answer.status_code in (200, 202), answer.text
    return time.monotonic() - begun


def test_a_hundred_clients_of_one_table_do_not_hold_up_another_company(server):
    for company in ("busy", "other"):
        timed_upload(server, csv_of(10, 0), company)
    with ThreadPoolExecutor(100) as pool:
        crowd = [pool.submit(timed_upload, server, csv_of(5_000, salt), "busy") for salt in range(1, 101)]
        others = []
        while not all(each.done() for each in crowd):
            others.append(timed_upload(server, csv_of(10, len(others) + 1), "other"))
    last_of_crowd = max(each.result() for each in crowd)
    assert len(others) >= 4, f"{len(others)} uploads in {last_of_crowd:.1f} s"
    assert statistics.median(others) < last_of_crowd / 5, (others, last_of_crowd)


def test_every_upload_to_a_busy_table_gets_its_version(server):
    with ThreadPoolExecutor(100) as pool:
        contents = [csv_of(20, salt) for salt in range(100)]
        list(pool.map(lambda content: timed_upload(server, content, "busy"), contents))
    versions = server.all_pages("/api/v1/tables/busy/financials/versions?limit=1000", "versions")
    assert [version["version"] for version in versions] == list(range(1, 101))


# ---- downloads


def resident_kib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def random_table(rows):
    """A table with values that hardly compress: 64 random hex digits per row."""
    return "id,value\n" + "".join(f"{n:07},{os.urandom(32).hex()}\n" for n in range(rows))


class StalledDownload:
    """Reads the beginning of a response and then nothing, with small socket buffers."""

    def __init__(self, server, path, accept):
        host, port = server.url.removeprefix("http://").split(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((host, int(port)))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n\r\n".encode())

    def read_some(self):
        text = b""
        while len(text) < 1000:
            piece = self.socket.recv(1000)
            assert piece, text
            text += piece
        assert b" 200 " in text, text


@pytest.mark.parametrize("accept", ["application/vnd.apache.parquet", "text/csv"])
def test_stalled_downloads_hold_a_buffer_each_and_give_it_back(server, accept):
    answer = server.upload(random_table(200_000))
    assert answer.status_code in (200, 202), answer.text
    while not server.wait(answer.json()["upload_id"], "in_lake")["in_lake"]:
        assert server.process.poll() is None
    path = "/api/v1/tables/so-financials/financials/records"

    def whole_download():
        response = server.request("GET", path, headers={"Accept": accept})
        assert response.status_code == 200
        return len(response.content)

    size = whole_download()
    assert size > 5_000_000, "the download must exceed the buffers of a connection"
    before = resident_kib(server.process)
    stalled = [StalledDownload(server, path, accept) for _ in range(STALLED)]
    for each in stalled:
        each.read_some()
    assert whole_download() == size, "another client is served meanwhile"
    assert server.get("/health")["status"] == "UP"
    growth = resident_kib(server.process) - before
    assert growth < STALLED * 1536, f"{growth} KiB for {STALLED} stalled downloads"
    for each in stalled:
        each.socket.close()
    deadline = time.monotonic() + PATIENCE_S
    while (left := resident_kib(server.process) - before) > max(32 * 1024, growth / 3):
        assert time.monotonic() < deadline, f"{left} of {growth} KiB were not given back"
        assert whole_download() == size


# ---- the log's output


class ServerWithFullLog:
    """`dev` with a full pipe as its standard error, until `drain` is called."""

    def __init__(self, data_dir):
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 512)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        self.process = subprocess.Popen([str(PROGRAM), "dev", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir)],
                                        stdout=subprocess.PIPE, stderr=writer, text=True)
        os.close(writer)
        self.url = self.process.stdout.readline().split()[-1]
        self.log = bytearray()

    def drain(self):
        """Starts to read the log."""
        def read():
            while piece := os.read(self.reader, 65536):
                self.log.extend(piece)

        self.draining = threading.Thread(target=read, daemon=True)
        self.draining.start()

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def full_log(tmp_path):
    server = ServerWithFullLog(tmp_path / "data")
    yield server
    server.end()


def upload_and_ask(server, count):
    for number in range(count):
        assert timed_upload(server, csv_of(3, number), "acme") < PATIENCE_S
        assert requests.get(server.url + "/health", timeout=PATIENCE_S).json()["status"] == "UP"


def test_a_log_that_nobody_reads_stops_nothing(full_log):
    upload_and_ask(full_log, 20)
    full_log.process.terminate()
    assert full_log.process.wait(timeout=PATIENCE_S) == 0


def test_a_log_that_is_read_again_has_every_line(full_log):
    upload_and_ask(full_log, 20)
    full_log.drain()
    upload_and_ask(full_log, 1)
    full_log.process.terminate()
    assert full_log.process.wait(timeout=PATIENCE_S) == 0
    full_log.draining.join(PATIENCE_S)
    assert full_log.log.count(b" upload result=") == 21
    assert b"stopping on SIGTERM" in full_log.log
