"""A company's key and every route of the running server: nothing of another company is read, changed, or told to exist."""

import subprocess

import pytest
import requests

from deltadrop_process import PROGRAM

CSV = "record_id,revenue\n" + "".join(f"FIN-{n:04},{n}\n" for n in range(30))
NEXT = CSV.replace("FIN-0007,7", "FIN-0007,8")

# What a company's key may see: it is the same for everybody.
OF_ALL = {"GET /", "GET /docs", "GET /docs/{file}", "GET /openapi.json", "GET /health/ready", "GET /health/live"}
# What no company's key may: it is about all companies.
OF_NOBODY = {"GET /health", "GET /metrics", "GET /api/v1/tables", "GET /api/v1/dead-letters", "GET /api/v1/dead-letters/{id}",
             "POST /api/v1/dead-letters/{id}/retry", "POST /api/v1/republish", "GET /api/v1/clock", "POST /api/v1/clock/accept"}
# Lists and forms name their company in the query.
COMPANY_PARAMETER = {"POST /upload": "company_id", "GET /api/v1/uploads": "company", "GET /api/v1/events": "company",
                     "GET /api/v1/events/stream": "company"}
QUERY = {"GET /api/v1/tables/{company}/{table}/records/history": {"key": "FIN-0007"}, "GET /api/v1/events/stream": {"timeout": "0"},
         "POST /api/v1/tables/{company}/{table}/revert": {"to_version": "1"}}
# They end what others need, and so come last.
LAST = ["POST /api/v1/uploads/{upload_id}/release", "DELETE /api/v1/uploads/{upload_id}"]


class Company:
    """Two versions and two held uploads."""

    def __init__(self, server, name):
        self.name = name
        send = lambda content, **fields: server.upload(content, company_id=name, **fields).json()
        send(CSV)
        self.upload_id = send(NEXT)["upload_id"]
        server.wait(self.upload_id, "in_lake")
        self.held = [send(NEXT.replace("FIN-0009,9", f"FIN-0009,{n}"), dry_run="true")["upload_id"] for n in (1, 2)]

    def path_of(self, operation):
        upload_id = self.held[LAST.index(operation)] if operation in LAST else self.upload_id
        parameters = {"company": self.name, "table": "financials", "upload_id": upload_id, "version": "2", "versions": "1..2",
                      "key": "FIN-0007", "file": "start.js", "id": "unknown-0-0"}
        return operation.split()[1].format(**parameters)


@pytest.fixture
def two(start):
    server = start()
    companies = Company(server, "own"), Company(server, "foreign")
    command = [str(PROGRAM), "keys", "create", "--role", "admin", "--company", "own", "--data-dir", str(server.data_dir)]
    key = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    paths = requests.get(f"{server.url}/openapi.json", headers={"X-API-Key": key}, timeout=60).json()["paths"]
    operations = [f"{method.upper()} {path}" for path, item in paths.items() for method in ("get", "put", "post", "delete") if method in item]
    operations = [each for each in operations if each not in LAST] + LAST
    return server, key, operations, *companies


def ask(server, key, operation, company, query):
    method = operation.split()[0]
    body = {"files": {"file": ("x.csv", CSV)}} if operation == "POST /upload" else {"data": CSV} if method == "PUT" else {}
    return requests.request(method, server.url + company.path_of(operation), params={**QUERY.get(operation, {}), **query},
                            headers={"X-API-Key": key}, timeout=60, **body)


def query_of(operation, company):
    return {COMPANY_PARAMETER[operation]: company.name} if operation in COMPANY_PARAMETER else {}


def test_every_route_is_of_the_keys_company_only(two):
    server, key, operations, own, foreign = two
    assert len(operations) > 25 and set(operations) >= OF_ALL | OF_NOBODY | set(COMPANY_PARAMETER) | set(LAST)
    for operation in operations:
        answer = ask(server, key, operation, foreign, query_of(operation, foreign))
        if operation in OF_ALL:
            assert answer.status_code == 200, (operation, answer.text)
        else:
            assert answer.status_code == 403, (operation, answer.text)
            assert "FIN-" not in answer.text and "foreign" not in answer.json()["detail"]
    for operation in operations:
        answer = ask(server, key, operation, own, query_of(operation, own))
        if operation in OF_NOBODY:
            assert answer.status_code == 403, (operation, answer.text)
        else:
            # The uploads before it moved the table on, which only who may release is told.
            done = (409,) if operation == LAST[0] else (200, 202, 204)
            assert answer.status_code in done, (operation, answer.text)


def test_a_list_without_or_beside_its_company_is_refused(two):
    server, key, _, own, foreign = two
    for operation, parameter in COMPANY_PARAMETER.items():
        for query in ({}, {parameter: [own.name, foreign.name]}, {parameter: [foreign.name, own.name]}, {parameter: "*"}, {parameter: ""}):
            answer = ask(server, key, operation, own, query)
            assert answer.status_code == 403, (operation, query, answer.text)


def test_an_upload_that_is_anothers_is_told_as_one_that_is_not_there(two):
    server, key, _, _, foreign = two
    other = lambda text: [text, "0199" + text[4:], "nonsense"]
    for path in ("", "/changes"):
        answers = [requests.get(f"{server.url}/api/v1/uploads/{upload}{path}", headers={"X-API-Key": key}, timeout=60)
                   for upload in other(foreign.upload_id)]
        assert {answer.status_code for answer in answers} == {403}
        assert len({answer.json()["detail"] for answer in answers}) == 1
