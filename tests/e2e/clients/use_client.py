"""Uses the generated client as tests/e2e/clients_test.py describes. Arguments: URL, company, files to upload."""

import json
import sys
from pathlib import Path

from client import Client
from client.api.events import stream_events
from client.api.records import get_key_history, list_records
from client.api.tables import get_table, list_versions
from client.api.uploads import get_upload, post_upload
from client.models import Event, GetUploadWait, UploadForm
from client.types import File


def use_client(url, company, paths):
    client = Client(base_url=url)
    table = "financials"
    answers = []
    for path in paths:
        with path.open("rb") as content:
            form = UploadForm(file=File(content, path.name), company_id=company, key="id", dry_run=False, types="amount:decimal(4)")
            answer = post_upload.sync(client=client, body=form)
        status = get_upload.sync(answer.upload_id, client=client, wait=GetUploadWait.APPLIED, timeout="30s")
        answers.append([answer.status.value, answer.version, answer.changes_detected, status.applied])
    versions = list_versions.sync(company, table, client=client).versions
    records = list_records.sync(company, table, client=client).records
    history = get_key_history.sync(company, table, "1", client=client).history
    return {
        "answers": answers,
        "versions": [[version.version, version.state.value, version.types.to_dict()] for version in versions],
        "records": {record.key: record.values.to_dict() for record in records},
        "history": [[entry.event_type.value, entry.version, entry.changed_columns] for entry in history],
        "events": first_events(client, company, 3),
        "problem": get_table.sync(company, "no-such-table", client=client).status,
    }


def first_events(client, company, count):
    """Sends the generated request itself, because the generated function would wait for the end of the stream."""
    request = stream_events._get_kwargs(company=company, after="beginning", timeout="30s")
    events = []
    with client.get_httpx_client().stream(**request) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                event = Event.from_dict(json.loads(line.removeprefix("data: ")))
                events.append([event.event_type.value, event.key_value, event.version])
            if len(events) == count:
                return events
    raise AssertionError(f"the stream ended after {len(events)} events")


print(json.dumps(use_client(sys.argv[1], sys.argv[2], [Path(name) for name in sys.argv[3:]])))
