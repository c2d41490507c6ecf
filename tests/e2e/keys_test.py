"""Responses whose key is revoked or expires while they are sent."""

import itertools
import json
import os
import subprocess
import threading

import pytest
import requests

from deltadrop_process import PROGRAM

PARTS = "id,size\n" + "".join(f"P-{n:05},{n}\n" for n in range(40_000))


def make_key(server, role, *more):
    """(key, its id)"""
    command = [str(PROGRAM), "keys", "create", "--role", role, *more, "--data-dir", str(server.data_dir)]
    key = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    return key, key.split("_")[1]


def revoke(server, key_id):
    subprocess.run([str(PROGRAM), "keys", "revoke", key_id, "--data-dir", str(server.data_dir)], capture_output=True, timeout=60, check=True)


@pytest.fixture
def guarded(start):
    """A server with keys. The tests' own requests send an admin's key."""
    server = start()
    server.session.headers["X-API-Key"], _ = make_key(server, "admin")
    return server


class Follower(threading.Thread):
    """Reads the stream of events to its end."""

    def __init__(self, server, key):
        super().__init__(daemon=True)
        answer = requests.get(f"{server.url}/api/v1/events/stream", headers={"X-API-Key": key}, stream=True, timeout=60)
        assert answer.status_code == 200, answer.text
        self.text, self.error = "", None
        self.answer = answer
        self.start()

    def run(self):
        try:
            for piece in self.answer.iter_content(None):
                self.text += piece.decode()
        except requests.exceptions.RequestException as error:  # also if the server is killed at the end of the test
            self.error = error

    def ends_while(self, server):
        """Uploads until the stream has ended. Each upload is an event."""
        for number in range(10_000):
            assert server.upload(f"record_id,revenue\nFIN-0001,{number}\n").status_code == 200
            self.join(0.05)
            if not self.is_alive():
                assert self.error is None, self.error
                return self.text
        raise AssertionError(f"the stream goes on: {self.text[-1000:]}")


def assert_ended_by_the_key(server, text, key, key_id, why):
    """Checks that the stream's last event, a new request and the log all report the key."""
    *events, last = [block for block in text.split("\n\n") if "data: " in block]
    kind, data = last.split("\n")
    problem = json.loads(data.removeprefix("data: "))
    assert kind == "event: error" and problem["type"] == "/problems/key-needed" and problem["status"] == 401, last
    assert problem["detail"].startswith(f"the key {key_id} {why}"), problem
    assert not any("event: error" in event for event in events)
    refused = requests.get(f"{server.url}/api/v1/events/stream", headers={"X-API-Key": key}, timeout=60)
    assert (refused.status_code, refused.json()["detail"]) == (401, problem["detail"])
    ended = [line for line in server.log_path.read_text().splitlines() if "ended while it was sent" in line]
    assert len(ended) == 1 and f'key="{key_id}" name="SO, finance"' in ended[0] and f"the key {key_id} {why}" in ended[0], ended


def test_a_stream_ends_when_its_key_is_revoked(guarded):
    key, key_id = make_key(guarded, "read", "--name", "SO, finance")
    other, _ = make_key(guarded, "read")
    followers = Follower(guarded, key), Follower(guarded, other)
    revoke(guarded, key_id)
    text = followers[0].ends_while(guarded)
    assert_ended_by_the_key(guarded, text, key, key_id, "was revoked at ")
    assert followers[1].is_alive()


def test_a_stream_ends_when_its_key_expires(guarded):
    key, key_id = make_key(guarded, "read", "--name", "SO, finance", "--expires", "4s")
    text = Follower(guarded, key).ends_while(guarded)
    assert_ended_by_the_key(guarded, text, key, key_id, "expired at ")


def test_a_follower_on_the_command_line_is_told_that_its_key_was_revoked(guarded):
    key, key_id = make_key(guarded, "read")
    follower = subprocess.Popen([str(PROGRAM), "events", "--follow", "--format", "json", "--server", guarded.url],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "DELTADROP_KEY": key})
    try:
        number = itertools.count()
        upload = lambda: guarded.upload(f"record_id,revenue\nFIN-0001,{next(number)}\n")
        printed = []
        reader = threading.Thread(target=lambda: printed.extend(follower.stdout), daemon=True)
        reader.start()
        while not printed:
            assert upload().status_code == 200 and follower.poll() is None
        revoke(guarded, key_id)
        while follower.poll() is None:
            assert upload().status_code == 200
        reader.join(60)
        assert follower.returncode == 2
        assert f"the key {key_id} was revoked at" in follower.stderr.read()
        assert all("upload_id" in json.loads(line) for line in printed)
    finally:
        follower.kill()


def test_a_download_that_takes_long_is_cut_off_when_its_key_is_revoked(guarded):
    guarded.wait(guarded.upload(PARTS, company_id="acme", table_name="parts").json()["upload_id"], "applied")
    key, key_id = make_key(guarded, "read")
    url, headers = f"{guarded.url}/api/v1/events?company=acme", {"Accept": "application/x-ndjson", "X-API-Key": key}
    whole = requests.get(url, headers=headers, timeout=60).text
    assert whole.count("\n") == 40_000
    got = 0
    with requests.get(url, headers=headers, stream=True, timeout=60) as download:
        assert download.status_code == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for piece in download.iter_content(16_384):
                if got == 0:
                    revoke(guarded, key_id)
                got += len(piece)
                guarded.get("/health/live")  # a slow client
    assert 0 < got < len(whole)
    assert f'key="{key_id}"' in guarded.log_path.read_text()
