"""Real programs, brokers and databases for end-to-end measurements."""

import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from kafka_server import KafkaServer  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

BOUNDARY = "deltadrop-bench"
# The measured data must survive a crash of the machine, not only of the process.
DURABLE = ["fsync=on", "full_page_writes=on"]
PATIENCE_S = 900
NUMBERS = itertools.count(1)


class Program:
    """Runs `deltadrop COMMAND` on a free port until __exit__."""

    def __init__(self, program, command, folder, environment):
        self.log = Path(folder) / f"{command}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(program), command], stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **environment, "DATA_DIR": f"{folder}/data", "LISTEN": "127.0.0.1:0", "LOG_LEVEL": "warning"})
        greeting = self.process.stdout.readline()
        if not greeting:
            raise RuntimeError(f"{command} ended with {self.process.wait()}: {self.log.read_text()[-2000:]}")
        self.address = greeting.split("//")[1].strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def upload(self, path, company):
        """Streams the file like curl. Returns (seconds until the response, the response)."""
        head = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{company}.csv"\r\n\r\n').encode()
        tail = f"\r\n--{BOUNDARY}--\r\n".encode()
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        connection.putrequest("POST", "/upload")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
        connection.endheaders(head)
        with open(path, "rb") as file:
            connection.sock.sendfile(file)
        connection.send(tail)
        response = connection.getresponse()
        answer = json.load(response)
        seconds = time.perf_counter() - started
        connection.close()
        if response.status not in (200, 202):
            raise RuntimeError(f"{path}: {response.status} {answer}")
        return seconds, answer

    def wait(self, upload_id, step):
        """Waits until the upload is `published`, `applied` or `in_lake`."""
        deadline = time.monotonic() + PATIENCE_S
        state = None
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
            connection.request("GET", f"/api/v1/uploads/{upload_id}?wait={step}&timeout=30s")
            state = json.load(connection.getresponse())
            connection.close()
            if state.get(step) or state.get("state") == step:
                return
        raise RuntimeError(f"{upload_id} is not {step} after {PATIENCE_S} s: {state}; {self.log.read_text()[-2000:]}")


class Servers:
    """One broker and one database server for a whole run, started on first use."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.open = contextlib.ExitStack()
        self._kafka = self._postgres = None

    @property
    def kafka(self):
        if not self._kafka:
            self._kafka = self.open.enter_context(KafkaServer(self.temporary_folder()))
        return self._kafka

    @property
    def postgres(self):
        if not self._postgres:
            self._postgres = self.open.enter_context(PostgresServer(DURABLE))
        return self._postgres

    def temporary_folder(self):
        return self.open.enter_context(tempfile.TemporaryDirectory(dir=self.folder))

    def database(self):
        """The URL of an empty database."""
        name = f"bench_{next(NUMBERS)}"
        self.sql(self.postgres.url(), f"CREATE DATABASE {name}")
        return self.postgres.url(name)

    def sql(self, url, text):
        subprocess.run(["psql", "-Xqv", "ON_ERROR_STOP=1", url, "-c", text], check=True, stdout=subprocess.DEVNULL)

    @contextlib.contextmanager
    def pipeline(self):
        """A pipeline with its own topic, database and folders."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder, contextlib.ExitStack() as stack:
            yield Pipeline(self, stack, folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.close()


class Pipeline:
    def __init__(self, servers, stack, folder):
        self.servers, self.stack, self.folder = servers, stack, Path(folder)
        self.database = servers.database()
        self.environment = {"KAFKA_BOOTSTRAP_SERVERS": servers.kafka.address, "KAFKA_TOPIC": f"bench-{next(NUMBERS)}",
                            "DATABASE_URL": self.database, "PUBLISH_TIMEOUT": "10m"}

    def start(self, command):
        return self.stack.enter_context(Program(self.servers.program, command, self.folder, self.environment))
