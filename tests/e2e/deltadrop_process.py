"""Runs real `deltadrop` programs for tests, on free ports and with their own DATA_DIR."""

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import requests

BUILD = Path(os.environ["DELTADROP_BUILD"])
PROGRAM = BUILD / "deltadrop"
# The same program with fault points that can kill it or make a call fail: src/io/fault_point.hpp.
FAULTY_PROGRAM = BUILD / "deltadrop-faulty"

TABLE = "/api/v1/tables/so-financials/financials"


class DidNotStart(Exception):
    """The program ended before it listened. args: the exit code and its standard error."""


class Program:
    """A running `deltadrop COMMAND`. The constructor starts it; `stop` sends SIGTERM, and `kill` sends SIGKILL."""

    def __init__(self, command, log_path, program=PROGRAM, fault=None, flags=(), env=None, listen="127.0.0.1:0"):
        ours = ("DATA_DIR", "PARQUET_DIR", "LISTEN", "DATABASE_URL", "CONSUMER_GROUP")
        environment = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("KAFKA_")}
        environment.update(env or {})
        if fault:
            environment["DELTADROP_FAULT"] = fault
        self.log_path = Path(log_path)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(program), command, "--listen", listen, *flags],
                                            stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        greeting = self.process.stdout.readline()
        if not greeting:
            raise DidNotStart(self.process.wait(timeout=60), self.log_path.read_text())
        self.url = greeting.split()[-1]
        self.session = requests.Session()

    def request(self, method, path, **arguments):
        return self.session.request(method, self.url + path, timeout=120, **arguments)

    def get(self, path):
        response = self.request("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, self.log_path.read_text()
        self.process.stdout.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class Deltadrop(Program):
    """A program that accepts uploads: `dev` or `serve`."""

    def __init__(self, data_dir, command="dev", flags=(), **more):
        self.data_dir = Path(data_dir)
        log_path = self.data_dir.parent / (self.data_dir.name + ".log")
        super().__init__(command, log_path, flags=["--data-dir", str(data_dir), *flags], **more)

    def upload(self, content, name="so-financials.csv", **fields):
        if isinstance(content, str):
            content = content.encode()
        return self.session.post(f"{self.url}/upload", files={"file": (name, content)}, data=fields, timeout=120)

    def upload_ok(self, content, **fields):
        """Uploads, waits until the changes are in the lake, and returns the response's JSON."""
        response = self.upload(content, **fields)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert self.wait(answer["upload_id"], "in_lake")["in_lake"] is True
        return answer

    def upload_until_it_ends(self, versions, **fields):
        """Uploads every version and waits until it is in the lake; the second version by dry run and release. Returns the
        answered contents, and the content that was being uploaded when the server ended, or None."""
        answered = []
        for number, content in enumerate(versions):
            try:
                if number == 1:
                    held = self.upload(content, dry_run="true")
                    response = self.request("POST", f"/api/v1/uploads/{held.json()['upload_id']}/release")
                else:
                    response = self.upload(content, **fields)
                assert response.status_code in (200, 202), response.text
                answered.append(content.encode())
                self.wait(response.json()["upload_id"], "in_lake")
            except requests.exceptions.RequestException:
                return answered, content.encode()
        return answered, None

    def wait(self, upload_id, what):
        return self.get(f"/api/v1/uploads/{upload_id}?wait={what}&timeout=30s")

    def all_pages(self, path, plural):
        """Every item of a list, page by page."""
        items, cursor = [], None
        joint = "&" if "?" in path else "?"
        while True:
            page = self.get(path + (f"{joint}cursor={cursor}" if cursor else ""))
            items += page[plural]
            if page["next_cursor"] is None or not page[plural]:
                return items
            cursor = page["next_cursor"]

    def records(self, query=""):
        """{key: values} of the table, now or for `query`."""
        page = self.all_pages(f"{TABLE}/records?limit=1000{query}", "records")
        return {record["key"]: record["values"] for record in page}

    def history_rows(self, sql, *parameters):
        """Rows of the embedded history, read through an independent SQLite connection."""
        connection = sqlite3.connect(f"file:{self.data_dir}/history.db?mode=ro", uri=True)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()


def tree(folder):
    """{relative name: bytes} of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def archived(data_dir):
    """The archived versions of the test's table in order: [(csv bytes, manifest)]."""
    files = sorted((Path(data_dir) / "archive/so-financials/financials").glob("*.csv"))
    return [(path.read_bytes(), json.loads(path.with_suffix(".json").read_text())) for path in files]
