"""Shared by the tests of reads: files whose rows name their version, readers, and followers of the stream."""

import csv
import io
import json
import threading

import requests

from deltadrop_process import TABLE

CSV = {"Accept": "text/csv"}
LINES = {"Accept": "application/x-ndjson"}
PARQUET = {"Accept": "application/vnd.apache.parquet"}
HEADER = "id,version,note\n"


def table_of(version, rows=300):
    """A file in which every row names its version, so that a mix of two versions shows."""
    return HEADER + "".join(f"K{number:04},{version},\n" for number in range(rows))


def rows_of(text):
    return {row["id"]: row["version"] for row in csv.DictReader(io.StringIO(text))}


class Stream(threading.Thread):
    """Follows /api/v1/events/stream like a browser. A test can wait for received events."""

    def __init__(self, url, query="", last_id=None):
        super().__init__(daemon=True)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        self.response = requests.get(f"{url}/api/v1/events/stream{query}", headers=headers, stream=True, timeout=60)
        assert self.response.status_code == 200, self.response.text
        assert self.response.headers["Content-Type"] == "text/event-stream"
        self.changed = threading.Condition()
        self.events, self.last_id, self.error, self.done = [], last_id, None, False
        self.start()

    def run(self):
        try:
            event_id = None
            for line in self.response.iter_lines(chunk_size=1):
                if line.startswith(b"id: "):
                    event_id = line[4:].decode()
                with self.changed:
                    if line.startswith(b"data: "):
                        self.events.append(json.loads(line[6:]))
                    if not line:
                        self.last_id = event_id
                    self.changed.notify_all()
        except Exception as error:  # the connection was cut; the test decides whether that is an error
            self.error = error
        with self.changed:
            self.done = True
            self.changed.notify_all()

    def wait(self, what, condition):
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), timeout=60), f"{what}: {len(self.events)} events, {self.error}"

    def cut(self):
        """Drops the connection at once."""
        self.response.raw._fp.fp.raw._sock.shutdown(2)
        self.join(60)


def read_whole_versions(server, times, stop, seen):
    """Reads pages and downloads until told to stop. Each must show one version."""
    session = requests.Session()
    while not stop.is_set():
        as_of = times[-1] if times else None
        query = f"?as_of={as_of}" if as_of and len(seen) % 2 else ""
        whole = session.get(f"{server.url}{TABLE}/records{query}", headers=CSV, timeout=60)
        assert whole.status_code == 200, whole.text
        versions = set(rows_of(whole.text).values())
        assert versions == {whole.headers["Deltadrop-Version"]}, versions
        page = session.get(f"{server.url}{TABLE}/records{query}{'&' if query else '?'}limit=37", timeout=60).json()
        shown, values = page["version"], []
        while True:
            values += [record["values"]["version"] for record in page["records"]]
            if page["next_cursor"] is None:
                break
            page = session.get(f"{server.url}{TABLE}/records?limit=37&cursor={page['next_cursor']}", timeout=60).json()
        assert set(values) == {str(shown)} and len(values) == 300, (shown, set(values), len(values))
        seen.append(shown)


def check_readers_see_whole_versions(server, versions):
    times, seen, stop, failures = [server.upload_ok(table_of(1))["timestamp"]], [], threading.Event(), []

    def guarded():
        try:
            read_whole_versions(server, times, stop, seen)
        except BaseException as failure:
            failures.append(failure)

    readers = [threading.Thread(target=guarded) for _ in range(3)]
    for reader in readers:
        reader.start()
    for version in range(2, versions + 1):
        answer = server.upload(table_of(version), force="true")
        assert answer.status_code in (200, 202), answer.text
        times.append(answer.json()["timestamp"])
    assert server.wait(answer.json()["upload_id"], "applied")["applied"] is True
    stop.set()
    for reader in readers:
        reader.join(60)
    assert not failures, failures
    assert len(set(seen)) > 1, "the readers saw new versions"
