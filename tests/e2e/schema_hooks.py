"""Makes the valid requests of Schemathesis really valid in points that docs/openapi.yaml cannot express: a body is a CSV file, and
the options of the request name its columns. It changes only requests, before they are sent, and excuses no response. Requests
that are meant to be invalid are not changed.

Schemathesis imports this file (SCHEMATHESIS_HOOKS); DELTADROP_URL is the server under test.
"""

import csv
import io
import itertools
import os

import requests
import schemathesis

URL = os.environ["DELTADROP_URL"]
requests_sent = itertools.count()
session = requests.Session()


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    make_valid = MAKE_VALID.get(case.operation.label)
    if make_valid:
        make_valid(case)
        # The request is as valid as before, but Schemathesis cannot know that and takes bytes for an invalid body.
        case._record_starting_state()


def make_upload_valid(case):
    form = dict(case.body) if isinstance(case.body, dict) else None
    query = dict(case.query or {})
    # A field is either in the form or in the query.
    options = dict(form or {}) | query
    if form is None:
        table = table_at(case.path_parameters["company"], case.path_parameters["table"])
    else:  # without a company_id, the company is the name of the file, which Schemathesis names like its form field
        table = table_at(options.get("company_id") or "file", options.get("table_name") or "financials")
    remembered = table["last_upload"]["options"] if table else {"key": [], "ignore": [], "delimiter": None}

    key = different_names(options.get("key", "")) or remembered["key"] or ["record_id"]
    ignore = different_names(options.get("ignore", ""), apart_from=key)
    types = different_types(options.get("types", ""))
    encoding = python_encoding(options.get("encoding"))
    columns = different([*key, *ignore, "amount"])
    content = csv_file(columns, delimiter_of(options.get("delimiter"), remembered["delimiter"]))
    try:
        body = content.encode(encoding)
    except UnicodeEncodeError:  # the encoding lacks a letter of a column's name
        options["encoding"] = "utf-8"
        body = content.encode()

    for name, names in (("key", key), ("ignore", ignore)):
        if options.get(name):
            options[name] = record_of(names)
    if options.get("types"):
        options["types"] = record_of(types)
    # The file has a header in its first line, and rows up to its end.
    options |= {name: value for name, value in PLAIN_LAYOUT.items() if options.get(name)}
    # A time is in the past, and later than that of the previous version.
    if table or options.get("effective_at", "") >= "2025":
        options.pop("effective_at", None)
    # A key is new for each request and the same for its retries.
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"request-{next(requests_sent)}"

    case.query = {name: options[name] for name in query if name in options}
    if form is None:
        case.body = body
    else:
        case.body = {name: options[name] for name in form if name in options and name not in query} | {"file": body}


def make_columns_valid(case):
    if not (case.query or {}).get("columns"):
        return
    table = table_at(case.path_parameters.get("company"), case.path_parameters.get("table"))
    if table:
        case.query["columns"] = record_of(table["last_upload"]["tracked"][:2])


def make_stream_end(case):
    """Sets a timeout, because a stream without one never ends."""
    case.query = dict(case.query or {}) | {"timeout": "50ms"}


PLAIN_LAYOUT = {"skip_lines": "0", "skip_footer": "0", "footer": "end of file", "header": "first", "columns": ""}
MAKE_VALID = {
    "POST /upload": make_upload_valid,
    "PUT /api/v1/tables/{company}/{table}": make_upload_valid,
    "GET /api/v1/tables/{company}/{table}/records": make_columns_valid,
    "GET /api/v1/events/stream": make_stream_end,
}


def table_at(company, table):
    """The table as the server describes it, or None."""
    response = session.get(f"{URL}/api/v1/tables/{company}/{table}", timeout=60)
    return response.json() if response.status_code == 200 else None


def csv_file(columns, delimiter):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    number = next(requests_sent)
    writer.writerows([f"{row}-{number}" for _ in columns] for row in range(3))
    return text.getvalue()


def record_of(fields):
    text = io.StringIO()
    csv.writer(text, lineterminator="", quoting=csv.QUOTE_ALL).writerow(fields)
    return text.getvalue()


def fields_of(record):
    return next(csv.reader([record]), [])


def different(names):
    """Removes blank texts, and texts that differ from an earlier one only in upper or lower case."""
    return list({name.lower(): name for name in reversed(names) if name.strip()}.values())[::-1]


def different_names(record, apart_from=()):
    taken = {name.lower() for name in apart_from}
    return [name for name in different(fields_of(record)) if name.lower() not in taken]


def different_types(record):
    entries = []
    for field in fields_of(record):
        if entries and entries[-1].count("(") > entries[-1].count(")"):  # a comma within the parentheses of a type
            entries[-1] += "," + field
        else:
            entries.append(field)
    return list({entry.rpartition(":")[0]: entry for entry in entries}.values())


def delimiter_of(option, remembered):
    if not option:
        option = remembered
    if not option or option.lower() == "auto":
        return ","
    words = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "tilde": "~", "space": " "}
    if option.lower().startswith("\\x"):
        return chr(int(option[2:], 16))
    return words.get(option.lower(), option)


def python_encoding(option):
    return "utf-8" if not option or option.lower() == "auto" else option.lower()
