import itertools
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
sys.path += [str(TESTS / "e2e"), str(TESTS / "support")]

from kafka_server import KafkaServer  # noqa: E402
from pipeline import Pipeline  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres():
    with PostgresServer() as server:
        yield server


@pytest.fixture
def pipeline(kafka, postgres, tmp_path):
    """This test's own topic, database and folders. The programs that it starts end with it."""
    made = Pipeline(kafka, postgres, tmp_path, f"test-{next(NUMBERS)}")
    yield made
    made.end()
