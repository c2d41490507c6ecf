"""docs/openapi.yaml allows the values that the server accepts, and no others: values on both sides of each rule's border. What its
schemas leave out, its descriptions say: line ends around a list of columns and types in upper case, since with them the patterns
are so wide that Schemathesis cannot generate values in time; other spellings of a flag, since generated clients have a boolean for
it; and a large `limit` of a download, which depends on a header."""

from pathlib import Path
from urllib.parse import quote

import jsonschema_rs
import pytest
import yaml

DOCUMENT = yaml.safe_load((Path(__file__).resolve().parents[2] / "docs/openapi.yaml").read_text(encoding="utf-8"))

NAMES = ["a", "A.b_c-9", "9", "a" * 128, "a" * 129, "-a", ".a", "_a", "a b", "ä", "a/b", "a\n"]
TIMES = ["2025-03-31", "2024-02-29", "2000-02-29", "2023-02-29", "1900-02-29", "2025-04-31", "2025-00-10", "2025-1-1", "0000-02-29",
         "2025-03-31T23:59:59Z", "2025-03-31 23:59:59z", "2025-03-31t23:59:59.123456789+02:00", "2025-03-31T23:59:59.1234567890Z",
         "2025-03-31T23:59:60Z", "2025-03-31T24:00:00Z", "2025-03-31T23:59Z", "2025-03-31T23:59:59", "2025-03-31T23:59:59-23:59",
         "2025-03-31T23:59:59+24:00", "2025-03-31Z", "today", "-2025-03-31", "12025-03-31"]
COLUMNS = ["id", "a,b", '"a, b",c', 'say "x"', '"a""b"', '"a"b', '"a', "a,", ",a", "a,,b", '""', "a\nb", '"a\nb"', "\n", "ä", " ", "a\0"]
DURATIONS = ["0", "10", "10s", "500ms", "2m", "007s", "1000000", "1000001", "1000000ms", "1000001ms", "-1", "-0", "+1", "1.5s", "1h",
             "10 s", "s", "", "1e3"]
OPTIONS = {
    "company_id": ["", *NAMES],
    "table_name": ["", *NAMES],
    "key": ["", *COLUMNS],
    "ignore": ["", *COLUMNS],
    "delimiter": ["", ",", ";", "|", "tab", "TAB", "\\t", "\t", " ", "~", "^", "!", "#", "/", ":", "@", "[", "`", "{", "auto", "Auto", "a",
                  "0", "Z", '"', ",,", "\x01", "\x7f", "\n", "ä", "comma", "Semicolon", "space", "dot",
                  "\\x1f", "\\x0A", "\\x0d", "\\x22", "\\x30", "\\x41", "\\x7E", "\\x7f", "\\x1"],
    "encoding": ["", "utf-8", "UTF-8", "utf8", "utf-16", "utf16", "UTF-16LE", "utf-16be", "utf16le", "latin-1", "Latin1", "iso-8859-1",
                 "iso8859-1", "windows-1252", "windows1252", "cp1252", "cp-1252", "auto", "ascii", "utf-8 "],
    "empty": ["", "null", "text", "quoted", "NULL", "Quoted", "none"],
    "skip_lines": ["", "0", "1", "007", "1000000", "1000001", "-1", "1.5", "auto", "Auto", "one", " 1"],
    "skip_footer": ["", "0", "1", "007", "1000000", "1000001", "-1", "1.5", "auto", "one", " 1"],
    "footer": ["", *COLUMNS],
    "header": ["", "first", "none", "None", "auto", "1"],
    "columns": ["", *COLUMNS],
    "unnamed": ["", "refuse", "number", "drop", "Drop", "keep"],
    "short_rows": ["", "refuse", "pad", "Pad", "drop"],
    "key_trim": ["true", "false", "yes", "2", "null"],
    "key_case": ["", "exact", "ignore", "Ignore", "upper"],
    "key_unicode": ["", "exact", "nfc", "NFC", "nfkc"],
    "effective_at": ["", *TIMES],
    "types": ["", "revenue:decimal(4)", "revenue:decimal(4),reported:date", '"a, b:int64"', '"a""b:string",c:boolean', "a:b:timestamp",
              "revenue:decimal(3)", "revenue:decimal", "revenue", ":int64", "revenue:", "revenue:null", "revenue:int64,", "a:int64;b:date",
              '"a":int64', "a:int64\nb:date", "a:decimal(2, ',')", "a:decimal(2, ','),b:date(DD.MM.YYYY)", "a:date(M/D/YYYY)", "a:date(DD.MM)",
              "a:date(DD.MM.YY)", "a:decimal(2, ',', thousands '.', currency '€', percent)", "a:decimal(2, ',', thousands ',')",
              "a:decimal(3, ',')", "a:decimal(2, ';')", "a:int64(thousands '.')", "a:decimal(2, ',', round)", "a:decimal(2, ','",
              "\"a, b:decimal(2, ',')\""],
    "dry_run": ["true", "false", "yes", "2", "null"],
}
FILTERS = {
    ("/api/v1/uploads", "company"): NAMES,
    ("/api/v1/uploads", "limit"): ["1", "1000", "1001", "0", "-1", "1.5", "ten", ""],
    ("/api/v1/uploads", "state"): ["held", "Held", "", "lost"],
    ("/api/v1/events", "since"): TIMES,
    ("/api/v1/events", "until"): TIMES,
    ("/api/v1/events", "type"): ["insert", "INSERT", "", "upsert"],
    ("/api/v1/events", "key"): ["1", "ä" * 1024, "ä" * 1025, "", "a,b", "a\nb"],
    ("/api/v1/events", "upload"): ["0195f3a0-7c00-7000-8000-000000000001", "0195f3a07c0070008000000000000001", "", "1"],
    ("/api/v1/events/stream", "timeout"): [value for value in DURATIONS if value not in ("10", "10s", "2m", "007s", "1000000", "1000000ms")],
    ("/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000001", "timeout"): DURATIONS,
}
# What another option needs beside it.
NEEDED = {("header", "none"): {"columns": "id,a"}}
REFUSALS = ("bad-request", "bad-parameter", "bad-name", "bad-column-list", "bad-delimiter", "bad-encoding", "bad-empty-policy", "bad-effective-at", "bad-types",
            "bad-skip-lines", "bad-skip-footer", "bad-header", "bad-unnamed", "bad-short-rows", "bad-key-case", "bad-key-unicode",
            "bad-idempotency-key")


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("place", ["query", "form"])
def test_an_option_of_an_upload(server, place, name):
    form = DOCUMENT["components"]["schemas"]["UploadForm"]["properties"]
    schema = schema_of("/upload", "post", name) if place == "query" else form[name]

    def send(value):
        options = {"company_id": "acme", "dry_run": "true"} | {name: value} | NEEDED.get((name, value), {})
        if name == "columns" and value:
            options["header"] = "none"
        where = {"params": options} if place == "query" else {"data": options}
        return server.request("POST", "/upload", files={"file": ("acme.csv", b"id,a\n1,2\n")}, **where)

    assert disagreements(OPTIONS[name], schema, send) == []


@pytest.mark.parametrize("path, name", FILTERS)
def test_a_parameter_of_a_query(server, path, name):
    server.upload_ok(b"id,a\n1,2\n")
    described = "/api/v1/uploads/{upload_id}" if path.startswith("/api/v1/uploads/") else path

    def send(value):
        return server.request("GET", f"{path}?{name}={quote(value, safe='')}")

    assert disagreements(FILTERS[path, name], schema_of(described, "get", name), send) == []


@pytest.mark.parametrize("options", [{name: value} for name in ("dry_run", "force", "rekey") for value in ("", "1", "0", "True", "FALSE")]
                         + [{"key": "\nid\n"}, {"types": "a:INT64"}, {"types": "a:Decimal(4)\n"}], ids=str)
def test_what_only_a_description_says_of_an_upload(server, options):
    for where in ("params", "data"):
        answer = server.request("POST", "/upload", files={"file": ("acme.csv", b"id,a\n1,2\n")}, **{where: options})
        assert answer.status_code in (200, 202), answer.text
        assert (answer.json()["status"] == "held") == (options.get("dry_run") in ("1", "True")), answer.text


def test_what_only_a_description_says_of_a_query(server):
    upload_id = server.upload_ok(b"id,a\n1,2\n", company_id="acme")["upload_id"]
    server.wait(upload_id, "applied")
    for path in ("/api/v1/tables/acme/financials/records", "/api/v1/events"):
        answer = server.request("GET", f"{path}?limit=1001", headers={"Accept": "application/x-ndjson"})
        assert answer.status_code == 200 and answer.text.count("\n") == 1, answer.text
        assert server.request("GET", f"{path}?limit=1001").status_code == 422
    for value in ("1", "0", "True", "FALSE"):
        assert server.request("GET", f"/api/v1/tables/acme/financials?lake={value}").status_code == 200


def test_an_idempotency_key(server):
    values = ["a", "a" * 255, "a" * 256, '"a b"', '"a', 'a"', '""', '"a\\"b"', '"a\\b"', "a,b", "a b", "-", "~"]

    def send(value):
        return server.session.post(f"{server.url}/upload", params={"dry_run": "true"}, headers={"Idempotency-Key": value},
                                   files={"file": ("acme.csv", b"id,a\n1,2\n")}, timeout=60)

    assert disagreements(values, schema_of("/upload", "post", "Idempotency-Key"), send) == []


@pytest.mark.parametrize("content", [b"", b"\0", bytes(range(256)), b"\x1f\x8b\x08 not gzip", b"\xff\xfe\x00", b"id,a\n1,2,3\n", b'id,a\n"1,2\n'])
def test_a_body_that_is_not_a_csv_file_is_refused(server, content):
    as_form = server.upload(content)
    as_body = server.request("PUT", "/api/v1/tables/acme/holdings", data=content, headers={"Content-Type": "text/csv"})
    for response in (as_form, as_body):
        assert 400 <= response.status_code < 500, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
    assert server.get("/api/v1/tables")["tables"] == []


def schema_of(path, method, name):
    item = DOCUMENT["paths"][path]
    for parameter in item.get("parameters", []) + item[method].get("parameters", []):
        if "$ref" in parameter:
            parameter = DOCUMENT["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
        if parameter["name"] == name:
            return parameter["schema"]
    raise LookupError(f"{method} {path} has no parameter {name}")


def disagreements(values, schema, send):
    validator = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]}, validate_formats=True)
    found = []
    for value in values:
        allowed = any(validator.is_valid(read) for read in readings_of(value))
        response = send(value)
        refusal = response.json()["type"].rsplit("/", 1)[1] if response.status_code in (400, 422) else None
        assert refusal is None or refusal in (*REFUSALS, "bad-file"), response.text
        if allowed == (refusal in REFUSALS):
            found.append(f"{value!r}: the document {'allows' if allowed else 'forbids'} it, the server answers {response.status_code} {refusal}")
    return found


def readings_of(text):
    """The possible values of a parameter's text: a string, a boolean or a number."""
    yield text
    if text in ("true", "false"):
        yield text == "true"
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        yield int(text)
