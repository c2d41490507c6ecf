"""Requests every route of the running server with every kind of API key, and checks which roles and companies may use it."""

import os
import re
import subprocess

import pytest
import requests

from deltadrop_process import PROGRAM

CSV = "record_id,revenue\n" + "".join(f"FIN-{n:04},{n}\n" for n in range(30))
NEXT = CSV.replace("FIN-0007,7", "FIN-0007,8")

READERS, SENDERS, BOTH, OPERATORS = {"read", "admin"}, {"upload", "admin"}, {"read", "upload", "admin"}, {"admin"}
EVERYONE = BOTH | {"none", "revoked", "expired"}

# The roles that may use each route, and its scope: no company, the company of the key, or all companies. A route without
# a line here fails the test.
ROUTES = {
    "GET /": (BOTH, "nothing"),
    "GET /docs": (BOTH, "nothing"),
    "GET /docs/{}": (BOTH, "nothing"),
    "GET /openapi.json": (BOTH, "nothing"),
    "GET /health/live": (EVERYONE, "nothing"),
    "GET /health/ready": (BOTH, "nothing"),
    "GET /health": (READERS, "all"),
    "GET /metrics": (READERS, "all"),
    "GET /api/v1/clock": (READERS, "all"),
    "POST /api/v1/clock/accept": (OPERATORS, "all"),
    "GET /api/v1/dead-letters": (READERS, "all"),
    "GET /api/v1/dead-letters/{}": (READERS, "all"),
    "POST /api/v1/dead-letters/{}/retry": (OPERATORS, "all"),
    "GET /api/v1/events": (READERS, "company"),
    "GET /api/v1/events/stream": (READERS, "company"),
    "GET /api/v1/tables": (READERS, "company"),
    "GET /api/v1/tables/{}/{}": (READERS, "company"),
    "PUT /api/v1/tables/{}/{}": (SENDERS, "company"),
    "GET /api/v1/tables/{}/{}/records": (READERS, "company"),
    "GET /api/v1/tables/{}/{}/records/history": (READERS, "company"),
    "GET /api/v1/tables/{}/{}/records/{key}/history": (READERS, "company"),
    "POST /api/v1/tables/{}/{}/revert": (SENDERS, "company"),
    "GET /api/v1/tables/{}/{}/versions": (READERS, "company"),
    "GET /api/v1/tables/{}/{}/versions/{}/diff": (READERS, "company"),
    "GET /api/v1/tables/{}/{}/versions/{}/file": (READERS, "company"),
    "GET /api/v1/uploads": (BOTH, "company"),
    "GET /api/v1/uploads/{}": (BOTH, "company"),
    "GET /api/v1/uploads/{}/changes": (BOTH, "company"),
    "DELETE /api/v1/uploads/{}": (SENDERS, "company"),
    "POST /api/v1/uploads/{}/release": (SENDERS, "company"),
    "POST /api/v1/republish": (OPERATORS, "all"),
    "POST /upload": (SENDERS, "company"),
}
# The key "own" is limited to the company `own`, and has the role `admin` for all routes.
COMPANY_KEYS = {"own", "foreign"}
# Lists and forms name their company in the query.
COMPANY_PARAMETER = {"POST /upload": "company_id", "GET /api/v1/uploads": "company", "GET /api/v1/tables": "company",
                     "GET /api/v1/events": "company", "GET /api/v1/events/stream": "company"}
QUERY = {"GET /api/v1/tables/{}/{}/records/history": {"key": "FIN-0007"}, "GET /api/v1/events/stream": {"timeout": "0"},
         "POST /api/v1/tables/{}/{}/revert": {"to_version": "1"}}


class Company:
    """Two versions and a held upload."""

    def __init__(self, server, name):
        self.name = name
        send = lambda content, **fields: server.upload(content, company_id=name, **fields).json()
        send(CSV)
        self.upload_id = send(NEXT)["upload_id"]
        server.wait(self.upload_id, "in_lake")
        self.held = send(NEXT.replace("FIN-0009,9", "FIN-0009,1"), dry_run="true")["upload_id"]

    def path_of(self, route):
        path = route.split()[1]
        if "/uploads/" in path:
            return path.replace("{}", self.held if route.split()[0] in ("DELETE", "POST") else self.upload_id)
        path = path.replace("/dead-letters/{}", "/dead-letters/unknown-0-0").replace("/docs/{}", "/docs/start.js")
        path = path.replace("{}/diff", "1..2/diff").replace("{}/file", "2/file").replace("{key}", "FIN-0007")
        return path.replace("{}/{}", f"{self.name}/financials")


def make_key(server, *more):
    command = [str(PROGRAM), "keys", "create", *more, "--data-dir", str(server.data_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


@pytest.fixture
def two(start):
    """A server with two companies, {kind of key: key}, and the companies."""
    server = start()
    companies = Company(server, "own"), Company(server, "foreign")
    keys = {"none": None, "expired": make_key(server, "--role", "admin", "--expires", "1s"),
            **{role: make_key(server, "--role", role) for role in ("read", "upload", "admin")},
            **{name: make_key(server, "--role", "admin", "--company", name) for name in ("own", "foreign")},
            "revoked": make_key(server, "--role", "admin")}
    subprocess.run([str(PROGRAM), "keys", "revoke", keys["revoked"].split("_")[1], "--data-dir", str(server.data_dir)],
                   capture_output=True, timeout=60, check=True)
    while ask(server, keys["expired"], "GET /", companies[0]).status_code != 401:
        pass
    return server, keys, *companies


def ask(server, key, route, company, query=None):
    method = route.split()[0]
    body = {"files": {"file": ("x.csv", CSV)}} if route == "POST /upload" else {"data": CSV} if method == "PUT" else {}
    if query is None:
        query = {COMPANY_PARAMETER[route]: company.name} if route in COMPANY_PARAMETER else {}
    return requests.request(method, server.url + company.path_of(route), params={**QUERY.get(route, {}), **query},
                            headers={"X-API-Key": key} if key else {}, timeout=60, **body)


def may(kind, route):
    """Whether this kind of key may use a route about the company `own`."""
    who, what = ROUTES[route]
    if kind == "own":
        return what != "all"
    if kind == "foreign":
        return what == "nothing"
    return kind in who


def refusal_of(kind):
    return 401 if kind in ("none", "revoked", "expired") else 403


def test_every_route_is_for_whom_the_table_says(two):
    server, keys, own, _ = two
    routes = requests.get(server.url, headers={"X-API-Key": keys["admin"]}, timeout=60).json()["endpoints"]
    assert sorted(routes) == sorted(ROUTES)
    for route in routes:
        # Permitted keys come last, because some routes remove the object of the request.
        for kind in sorted(keys, key=lambda kind: may(kind, route)):
            answer = ask(server, keys[kind], route, own)
            if may(kind, route):
                assert answer.status_code not in (401, 403), (route, kind, answer.text)
            else:
                assert answer.status_code == refusal_of(kind), (route, kind, answer.text)
                assert "FIN-" not in answer.text and "own" not in answer.json()["detail"].split(), (route, kind, answer.text)


def test_a_companys_key_gets_its_own_data(two):
    server, keys, own, _ = two
    for route, (_, what) in ROUTES.items():
        if what != "all" and route.split()[0] == "GET":
            answer = ask(server, keys["own"], route, own)
            assert answer.status_code == 200, (route, answer.text)


def test_a_companys_key_lists_its_own_tables_alone(two):
    server, keys, own, _ = two
    listed = ask(server, keys["own"], "GET /api/v1/tables", own).json()
    assert [table["company_id"] for table in listed["tables"]] == ["own"]
    listed = ask(server, keys["read"], "GET /api/v1/tables", own, {}).json()
    assert [table["company_id"] for table in listed["tables"]] == ["foreign", "own"]
    command = [str(PROGRAM), "tables", "--company", "own", "--format", "csv", "--server", server.url]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"DELTADROP_KEY": keys["own"]})
    assert printed.returncode == 0 and printed.stdout.splitlines()[1].startswith("own,financials,"), printed.stdout + printed.stderr


def test_a_list_without_or_beside_its_company_is_refused(two):
    server, keys, own, foreign = two
    for route, parameter in COMPANY_PARAMETER.items():
        for query in ({}, {parameter: [own.name, foreign.name]}, {parameter: [foreign.name, own.name]}, {parameter: "*"}, {parameter: ""}):
            answer = ask(server, keys["own"], route, own, query)
            assert answer.status_code == 403, (route, query, answer.text)


def test_what_is_anothers_is_answered_as_what_is_not_there(two):
    server, keys, _, foreign = two
    unknown = "0199" + foreign.upload_id[4:]
    pairs = [(f"/api/v1/uploads/{foreign.upload_id}{rest}", f"/api/v1/uploads/{other}{rest}")
             for rest in ("", "/changes") for other in (unknown, "nonsense")]
    pairs += [(f"/api/v1/tables/foreign/financials{rest}", f"/api/v1/tables/nobody/nothing{rest}")
              for rest in ("", "/records", "/versions", "/versions/2/file", "/records/FIN-0007/history")]
    pairs += [(f"/api/v1/{path}?company=foreign", f"/api/v1/{path}?company=nobody") for path in ("uploads", "tables", "events", "events/stream")]
    pairs += [("/metrics", "/nothing"), ("/api/v1/dead-letters", "/api/v1/nothing")]
    for path, missing in pairs:
        answers = [requests.get(server.url + each, headers={"X-API-Key": keys["own"]}, timeout=60) for each in (path, missing)]
        told = [re.sub(r'"instance":"[^"]*"', "", answer.text) for answer in answers]
        assert answers[0].status_code == 403 and told[0] == told[1], (path, told)
