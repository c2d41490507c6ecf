"""Kafka or PostgreSQL is frozen: it accepts connections but does not respond. Requests that do not need it work as before."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from pipeline import csv_of, health_until

READERS = 64
# The guarantee is one second. The rest is tolerance for a busy machine.
QUICK_S = 3


@pytest.fixture
def database(postgres):
    yield postgres
    postgres.thaw()


@pytest.fixture
def broker(kafka):
    yield kafka
    kafka.thaw()


def seconds_for(method, url, **more):
    begun = time.monotonic()
    response = requests.request(method, url, timeout=60, **more)
    return time.monotonic() - begun, response


def assert_monitoring_is_quick(program):
    for path in ("/health/live", "/health", "/metrics", "/health", "/health/live"):
        took, response = seconds_for("GET", program.url + path)
        assert took < QUICK_S, f"{path}: {took:.1f} s\n{response.text}"
    assert seconds_for("GET", program.url + "/health/live")[1].json() == {"status": "UP"}


def read_to_the_end(url):
    """Sends a request that needs the database, and accepts any outcome."""
    try:
        return requests.get(url, timeout=60).status_code
    except requests.RequestException as error:
        return error


def test_readers_of_a_frozen_database_hold_up_nothing_else(pipeline, database):
    server, consumer = pipeline.serve(), pipeline.consume()
    first = server.upload(csv_of({"F1": "1"})).json()
    pipeline.wait_applied(server, first["upload_id"])
    url = f"{server.url}/api/v1/tables/so-financials/financials/records"
    database.freeze()
    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read_to_the_end, url) for _ in range(READERS)]
        # The first check of the frozen server takes the whole time limit. After that, nobody waits.
        for program in (server, consumer):
            assert_monitoring_is_quick(program)
        took, answer = seconds_for("POST", f"{server.url}/upload", files={"file": ("so-financials.csv", csv_of({"F1": "2"}))})
        assert answer.status_code == 200 and took < QUICK_S, (took, answer.text)
        took, answer = seconds_for("GET", f"{server.url}/api/v1/tables/so-financials/financials/versions")
        assert answer.status_code == 200 and took < QUICK_S, (took, answer.text)
        took, answer = seconds_for("GET", f"{server.url}/api/v1/tables/so-financials/financials/versions/1/file")
        assert answer.status_code == 200 and took < QUICK_S, (took, answer.text)
        health_until(server, "the database is missed", lambda health: health["database"] != "UP" and health["status"] == "DEGRADED")
        database.thaw()
        assert len([reader.result() for reader in readers]) == READERS
    health_until(server, "the database is back", lambda health: health["status"] == "UP")


def test_a_frozen_broker_holds_up_no_monitoring(pipeline, broker):
    server, consumer = pipeline.serve(), pipeline.consume()
    first = server.upload(csv_of({"F1": "1"})).json()
    pipeline.wait_applied(server, first["upload_id"])
    broker.freeze()
    for program in (server, consumer):
        assert_monitoring_is_quick(program)
    assert server.upload(csv_of({"F1": "2"})).json()["status"] == "accepted"
    assert_monitoring_is_quick(server)
    broker.thaw()
    health_until(server, "the broker is back", lambda health: health["status"] == "UP" and health["unpublished"] == 0)
