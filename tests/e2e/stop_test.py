"""SIGTERM ends the program in time, whatever it is doing. The log reports the actual outcome of each request."""

import signal
import socket
import subprocess
import time

from deltadrop_process import PROGRAM, TABLE

TIME_S = 10
# More than the socket buffers for a client that reads nothing.
LARGE = "id,text\n" + "".join(f"K{n},{'x' * 250_000}\n" for n in range(60))


def stalled_download(server, path):
    """A client that sends a request, reads the first bytes of the response, and then nothing."""
    host, port = server.url.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect((host, int(port)))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.recv(8) == b"HTTP/1.1"
    return client


def requests_in_log(server, path):
    return [line for line in server.log_path.read_text().splitlines() if "request method=" in line and path in line]


def ends_in_time(process, signals=(signal.SIGTERM,)):
    begun = time.monotonic()
    for each in signals:
        process.send_signal(each)
    code = process.wait(timeout=TIME_S)
    assert time.monotonic() - begun < TIME_S
    return code


def test_clients_that_take_nothing_do_not_hold_up_the_end(server):
    server.upload_ok(LARGE)
    clients = [stalled_download(server, f"{TABLE}/versions/1/file") for _ in range(50)]
    assert ends_in_time(server.process) == 0
    for client in clients:
        client.close()
    lines = requests_in_log(server, "/versions/1/file")
    assert len(lines) == 50
    assert all(" status=499 " in line for line in lines), lines[:3]


def test_a_second_signal_ends_at_once(server):
    server.upload_ok(LARGE)
    client = stalled_download(server, f"{TABLE}/versions/1/file")
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + TIME_S
    while "stopping on SIGTERM" not in server.log_path.read_text():
        assert time.monotonic() < deadline
    begun = time.monotonic()
    assert ends_in_time(server.process, [signal.SIGINT]) == 128 + signal.SIGINT
    assert time.monotonic() - begun < 3
    client.close()


def test_a_long_command_ends_with_its_signal(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(LARGE)
    new.write_text("id,text\n")
    # Nobody reads its output, so it still runs when the signal arrives.
    process = subprocess.Popen([str(PROGRAM), "diff", str(old), str(new), "--format", "json"], stdout=subprocess.PIPE)
    assert process.stdout.read(1) == b"{"
    assert ends_in_time(process, [signal.SIGINT]) == -signal.SIGINT
    process.stdout.close()


def test_an_upload_whose_comparison_takes_too_long_is_refused(start):
    server = start()
    server.upload_ok("id,amount\nA,1\n")
    server.stop()
    server = start(env={"COMPARE_TIMEOUT": "0ms"})
    response = server.upload("id,amount\nA,2\n")
    assert (response.status_code, response.json()["type"]) == (504, "/problems/compare-timed-out")
    assert "COMPARE_TIMEOUT" in response.json()["fix"]
    assert server.get(f"{TABLE}")["versions"] == 1
