"""Files as spreadsheets and other programs write them: tests/e2e/cases has one for each kind."""

import json
import subprocess
from pathlib import Path

import pytest

from deltadrop_process import PROGRAM, TABLE, archived

CASES = Path(__file__).parent / "cases"


def case(name):
    return (CASES / f"{name}.csv").read_bytes()


def refused(server, content, **fields):
    response = server.upload(content, **fields)
    assert response.status_code == 422, response.text
    return response.json()["findings"][0]


def test_a_semicolon_is_the_delimiter_of_a_header_with_commas(server):
    answer = server.upload_ok(case("semicolon-comma-in-header"))
    assert answer["dialect"]["delimiter"] == ";"
    assert server.records()["2025-03-03"] == {"Buchung": "2025-03-03", "Soll, EUR": "1,25", "Haben, EUR": "0,00"}


def test_rows_without_a_value_are_skipped_and_counted(server):
    answer = server.upload_ok(case("rows-of-commas"))
    assert (answer["rows"], answer["skipped"]) == (2, {"blank": 3, "header": 0, "lines": 0, "footer": 0})
    assert server.get(TABLE)["last_upload"]["skipped"] == answer["skipped"]
    assert archived(server.data_dir)[0][1]["skipped"] == answer["skipped"]
    # The next version is compared with the rows alone.
    again = server.upload_ok(case("rows-of-commas").replace(b"8,south,13", b"8,south,14"))
    assert (again["updated"], again["inserted"], again["deleted"]) == (1, 0, 0)
    assert server.get(f"{TABLE}/versions/1..0/diff")["deleted"] == 2


def test_a_column_without_a_name_needs_an_option(server):
    finding = refused(server, case("nameless-first-column"))
    assert "unnamed" in finding["fix"], finding
    assert finding["count"] >= 1
    server.upload_ok(case("nameless-first-column"), unnamed="drop")
    assert server.records()["north"] == {"fund": "north", "nav": "12.5"}
    last = server.get(TABLE)["last_upload"]
    assert (last["columns"], last["options"]["unnamed"]) == (["fund", "nav"], "drop")
    numbered = server.upload_ok(case("nameless-first-column"), unnamed="number", key="fund")
    assert numbered["schema_changes"] == [{"column": "column_1", "change": "added"}]
    assert server.records()["north"]["column_1"] == "0"


@pytest.mark.parametrize("skip_lines", ["3", "auto"])
def test_titles_above_the_header_need_an_option(server, skip_lines):
    assert "skip_lines" in refused(server, case("titles-above"))["fix"]
    answer = server.upload_ok(case("titles-above"), skip_lines=skip_lines)
    assert (answer["rows"], answer["dialect"]["skip_lines"], answer["skipped"]["lines"]) == (2, 3, 3)
    assert server.records()["N1"] == {"fund": "N1", "name": "North", "weight": "61.5"}
    # The table remembers the option, and what `auto` found is not remembered.
    longer = case("titles-above").replace(b"61.5", b"62.5")
    if skip_lines == "auto":
        longer = b"One more title,,\n" + longer
    answer = server.upload_ok(longer)
    assert (answer["updated"], answer["dialect"]["skip_lines"]) == (1, 4 if skip_lines == "auto" else 3)
    assert server.get(f"{TABLE}/versions/1..2/diff")["updated"] == 1
    assert server.get(f"{TABLE}/versions/2..0/diff")["deleted"] == 2


def test_a_line_that_declares_the_delimiter_is_not_the_header(server):
    answer = server.upload_ok(case("sep-line"))
    assert (answer["rows"], answer["dialect"]["delimiter"], answer["dialect"]["delimiter_declared"]) == (1, ";", True)
    assert server.records() == {"N1": {"fund": "N1", "nav": "12,5"}}
    # A later file without that line keeps its header.
    answer = server.upload_ok(case("sep-line").split(b"\n", 1)[1] + b"S1;13,5\n")
    assert (answer["rows"], answer["inserted"], answer["updated"]) == (2, 1, 0)


def test_nulls_and_empty_texts_survive_a_download_and_its_upload(server):
    server.upload_ok(case("null-and-empty"), empty="quoted")
    rows = {"5": {"id": "5", "comment": None, "remark": ""}, "6": {"id": "6", "comment": "x", "remark": None}}
    assert server.records() == rows
    downloaded = server.request("GET", f"{TABLE}/records", headers={"Accept": "text/csv"}).content
    assert downloaded == b'id,comment,remark\r\n5,,""\r\n6,x,\r\n'
    answer = server.upload_ok(downloaded)
    assert (answer["version"], answer["changes_detected"]) == (2, 0)
    server.upload_ok(downloaded, company_id="copy", empty="quoted")
    copied = server.all_pages("/api/v1/tables/copy/financials/records", "records")
    assert {record["key"]: record["values"] for record in copied} == rows


def test_a_download_of_names_with_a_tilde_is_read_again(server):
    server.upload_ok("a~b,c~d\n1,2\n")
    downloaded = server.request("GET", f"{TABLE}/records", headers={"Accept": "text/csv"}).content
    assert downloaded == b'"a~b","c~d"\r\n1,2\r\n'
    assert server.upload_ok(downloaded)["changes_detected"] == 0


def test_numbers_with_a_decimal_comma_stay_texts(server):
    server.upload_ok(case("decimal-comma"), types="paid:decimal(2, ','),due:date(DD.MM.YYYY)")
    assert server.records()["1"] == {"id": "1", "paid": "2.345,67", "due": "15.02.2025"}
    columns = {column["name"]: column["type"] for column in server.get(f"{TABLE}?lake=true")["lake_columns"]}
    assert (columns["paid"], columns["due"]) == ("decimal(2)", "date")


def test_a_blank_before_a_quote_is_named_as_the_cause(server):
    assert "blank" in refused(server, case("blank-before-quote"))["reason"]


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_value_that_breaks_a_declared_type_is_warned_of(server, dry_run):
    response = server.upload(case("declared-type-broken"), types="nav:decimal(2)", dry_run=dry_run)
    assert response.status_code == (202 if dry_run == "true" else 200), response.text
    warning = next(text for text in response.json()["warnings"] if "missing" in text)
    assert "line 3" in warning and '"nav"' in warning, warning


def test_a_declared_type_is_checked_below_the_titles(server):
    answer = server.upload_ok(case("titles-above"), skip_lines="3", types="weight:decimal(2)")
    assert answer["warnings"] == []


def test_keys_that_look_alike_are_warned_of(server):
    server.upload_ok(case("keys-that-look-alike-v1"))
    answer = server.upload_ok(case("keys-that-look-alike-v2"))
    warnings = [text for text in answer["warnings"] if "differ only in" in text]
    assert (answer["inserted"], answer["deleted"], len(warnings)) == (2, 2, 2)
    assert "key_trim=true" in warnings[0] and "key_case=ignore" in warnings[1], warnings


def test_keys_are_compared_as_the_options_say(server):
    server.upload_ok(case("keys-that-look-alike-v1"), key_trim="true", key_case="ignore")
    answer = server.upload_ok(case("keys-that-look-alike-v2"))
    assert (answer["inserted"], answer["updated"], answer["deleted"]) == (0, 2, 0)
    assert server.records() == {"NORTH1": {"fund": "NORTH1 ", "nav": "5"}, "SOUTH1": {"fund": "south1", "nav": "6"}}
    options = server.get(TABLE)["last_upload"]["options"]
    assert (options["key_trim"], options["key_case"], options["key_unicode"]) == (True, "ignore", "exact")
    # Without the option, the row whose key it changed gets its own key.
    answer = server.upload_ok(case("keys-that-look-alike-v2"), key_case="exact")
    assert (answer["inserted"], answer["updated"], answer["deleted"]) == (1, 0, 1)
    assert set(server.records()) == {"NORTH1", "south1"}


def test_a_file_without_a_header(server):
    warned = server.upload(case("no-header"), dry_run="true").json()
    assert any("looks like data" in text for text in warned["warnings"]), warned["warnings"]
    answer = server.upload_ok(case("no-header"), header="none", columns="fund,name,nav")
    assert answer["rows"] == 2
    assert server.records()["N1"] == {"fund": "N1", "name": "North", "nav": "12.5"}
    assert server.upload_ok(case("no-header") + b"W1,West,14\n")["inserted"] == 1, "remembered"
    assert server.get(f"{TABLE}/versions/1..0/diff")["deleted"] == 2
    with_header = b"fund,name,nav\n" + case("no-header")
    answer = server.upload_ok(with_header, header="first")
    assert (answer["rows"], answer["deleted"]) == (2, 1)
    assert server.get(TABLE)["last_upload"]["options"]["columns"] == []


def test_a_footer_and_short_rows(server):
    content = "id,a,b\n1,2,3\n2,4\nTotal,6,3\nprinted by hand\n"
    answer = server.upload_ok(content, footer="Total,Sum", short_rows="pad")
    assert (answer["rows"], answer["skipped"]["footer"]) == (2, 2)
    assert server.records()["2"] == {"id": "2", "a": "4", "b": None}
    answer = server.upload_ok(content, footer="", skip_footer="2")
    assert (answer["changes_detected"], answer["skipped"]["footer"]) == (0, 2)


def test_several_delimiters_that_fit_are_told_apart_by_the_last_version(server):
    assert refused(server, "a~b,c\n1~2,3\n")["type"] == "ambiguous-delimiter"
    server.upload_ok("a~b,c\n1~2,3\n", delimiter=",")
    server.upload_ok('"a~b",c\n4,5\n', delimiter="auto")
    server.upload_ok("a~b,c\n1~2,6\n")
    assert server.get(TABLE)["last_upload"]["columns"] == ["a~b", "c"]


def test_an_encoding_of_the_table_is_not_forced_on_utf_8(server):
    server.upload_ok("id,name\n1,café\n".encode("latin-1"), encoding="latin-1")
    finding = refused(server, "id,name\n1,cafés\n".encode())
    assert "encoding=" in finding["fix"], finding
    server.upload_ok("id,name\n1,thé\n".encode("latin-1"))
    server.upload_ok("id,name\n1,cafés\n".encode(), encoding="utf-8")
    assert server.records()["1"]["name"] == "cafés"


def test_the_options_are_in_the_archive(start):
    server = start()
    server.upload_ok(b"id,nav,\n1,2,\nTotal,2,\n", footer="Total", unnamed="drop", short_rows="pad")
    listed = server.get(TABLE)["last_upload"]
    server.stop()
    subprocess.run([PROGRAM, "rebuild", "catalog", "--data-dir", server.data_dir], check=True, capture_output=True)
    server = start()
    again = server.get(TABLE)["last_upload"]
    for name in ("options", "dialect", "skipped", "columns"):
        assert again[name] == listed[name], name
    assert again["options"]["footer"] == ["Total"] and again["dialect"]["trailing_delimiter"]
    answer = server.upload_ok(b"id,nav,\n1,3,\nTotal,3,\n")
    assert (answer["updated"], answer["skipped"]["footer"]) == (1, 1)


def test_the_command_sends_the_options(server, tmp_path):
    path = tmp_path / "fund.csv"
    path.write_bytes(case("titles-above"))
    flags = ["--server", server.url, "--skip-lines", "auto", "--key-trim", "--key-case", "ignore", "--empty", "quoted"]
    run = subprocess.run([PROGRAM, "upload", path, *flags], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "skipped 3 lines above the header" in run.stdout
    options = server.get("/api/v1/tables/fund/financials")["last_upload"]["options"]
    assert (options["key_trim"], options["key_case"], options["empty"]) == (True, "ignore", "quoted")
    path.write_bytes(case("titles-above").replace(b"61.5", b"60"))
    run = subprocess.run([PROGRAM, "upload", path, "--server", server.url, "--key-trim=false", "--format", "json"],
                         capture_output=True, text=True, timeout=60)
    assert json.loads(run.stdout)["updated"] == 1, run.stderr
    assert not server.get("/api/v1/tables/fund/financials")["last_upload"]["options"]["key_trim"]
