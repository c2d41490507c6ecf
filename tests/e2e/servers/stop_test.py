"""SIGTERM ends serve and consume in time, also while Kafka or PostgreSQL does not respond."""

import signal
import threading
import time

import pytest
import requests

from deltadrop_process import TABLE
from pipeline import csv_of

TIME_S = 10


@pytest.fixture
def frozen(request, kafka, postgres):
    """frozen("kafka") freezes that server. It runs again after the test."""
    servers = {"kafka": kafka, "postgres": postgres}
    used = []

    def freeze(name):
        used.append(servers[name])
        servers[name].freeze()

    yield freeze
    for server in used:
        server.thaw()


def in_background(call):
    """Sends a request in a thread and accepts any outcome."""
    def run():
        try:
            call()
        except requests.RequestException:
            pass

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def ends_in_time(program):
    begun = time.monotonic()
    program.process.send_signal(signal.SIGTERM)
    code = program.process.wait(timeout=TIME_S)
    assert time.monotonic() - begun < TIME_S
    return code


def rows(amount, count=50):
    return {f"F{n:05}": str(amount) for n in range(count)}


def test_serve_ends_while_postgres_is_frozen_under_reads(pipeline, frozen):
    server, _ = pipeline.serve(), pipeline.consume()
    pipeline.wait_applied(server, server.upload(csv_of(rows(1))).json()["upload_id"])
    frozen("postgres")
    readers = [in_background(lambda: requests.get(server.url + f"{TABLE}/records", timeout=60)) for _ in range(8)]
    # When another request reports that the server does not respond, these requests are waiting for it.
    deadline = time.monotonic() + 60
    while server.request("GET", "/health").json()["database"] != "DOWN":
        assert time.monotonic() < deadline
    assert ends_in_time(server) == 0
    for reader in readers:
        reader.join()


def test_serve_ends_while_kafka_is_frozen_under_an_upload(pipeline, frozen):
    pipeline.env |= {"PUBLISH_TIMEOUT": "60s"}
    server = pipeline.serve()
    assert server.upload(csv_of(rows(1))).status_code == 200
    frozen("kafka")
    upload = in_background(lambda: requests.post(server.url + "/upload", files={"file": ("so-financials.csv", csv_of(rows(2)))}, timeout=60))
    deadline = time.monotonic() + 60
    while server.get(f"{TABLE}")["versions"] != 2:
        assert time.monotonic() < deadline
    assert ends_in_time(server) == 0
    upload.join()


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_consume_ends_while_a_server_is_frozen(pipeline, frozen, name):
    server, consumer = pipeline.serve(), pipeline.consume()
    pipeline.wait_applied(server, server.upload(csv_of(rows(1))).json()["upload_id"])
    frozen(name)
    assert ends_in_time(consumer) == 0, pipeline.logs()
