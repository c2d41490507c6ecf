import pytest

from deltadrop_process import Deltadrop


@pytest.fixture
def start(tmp_path):
    """start(**arguments) -> a running Deltadrop on this test's DATA_DIR. All of them end with the test."""
    running = []

    def begin(**arguments):
        server = Deltadrop(tmp_path / "data", **arguments)
        running.append(server)
        return server

    yield begin
    for server in running:
        server.kill()


@pytest.fixture
def server(start):
    return start()
