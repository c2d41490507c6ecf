"""Uploads of XLSX workbooks: the CSV is compared, and the workbook is kept beside it."""

import hashlib
import io
import json
import subprocess
import zipfile

import openpyxl
import pytest
import xlsxwriter

from deltadrop_process import PROGRAM, TABLE

NAME = "so-financials.xlsx"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(*sheets):
    """The bytes of a workbook with these sheets: pairs of a name and rows."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def figures(amount=5, rows=30):
    return [["record_id", "amount"]] + [[f"FIN-{n:02}", amount if n == 3 else 1] for n in range(rows)]


def with_one_changed_cell(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    book.active["B5"] = 6
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def upload_ok(server, content, **fields):
    response = server.upload(content, name=NAME, **fields)
    assert response.status_code in (200, 202), response.text
    return response.json()


def problem(response):
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def download(server, version, query="", **headers):
    return server.request("GET", f"{TABLE}/versions/{version}/file{query}", headers=headers)


V1 = workbook(("Figures", figures()))
V2 = with_one_changed_cell(V1)

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def test_a_workbook_becomes_csv_and_is_kept(server):
    first = upload_ok(server, V1)
    assert (first["company_id"], first["version"], first["inserted"]) == ("so-financials", 1, 30)
    assert first["source_sha256"] == sha256(V1)
    second = upload_ok(server, V2)
    assert (second["inserted"], second["updated"], second["deleted"]) == (0, 1, 0)
    changes = server.get(f"/api/v1/uploads/{second['upload_id']}/changes")["changes"]
    assert [(c["key_value"], c["new_values"]["amount"]) for c in changes] == [("FIN-03", "6")]

    csv = download(server, 2)
    assert csv.headers["Content-Type"] == "text/csv"
    assert csv.content.splitlines()[:2] == [b"record_id,amount", b"FIN-00,1"]
    listed = server.get(f"{TABLE}/versions")["versions"]
    assert [v["source_sha256"] for v in listed] == [sha256(V1), sha256(V2)]
    assert [v["file_sha256"] for v in listed] == [sha256(download(server, 1).content), sha256(csv.content)]
    assert server.get(f"/api/v1/uploads/{second['upload_id']}")["source_sha256"] == sha256(V2)
    assert server.get(TABLE)["last_upload"]["source_sha256"] == sha256(V2)

    for path in sorted((server.data_dir / "archive").rglob("*.xlsx")):
        assert path.stat().st_mode & 0o222 == 0
        assert path.stat().st_mode == path.with_suffix(".csv").stat().st_mode
        assert json.loads(path.with_suffix(".json").read_text())["source"]["sha256"] == sha256(path.read_bytes())


def test_the_workbook_is_downloaded_as_it_was_sent(server):
    upload_ok(server, V1)
    whole = download(server, 1, "?original=true")
    assert (whole.status_code, whole.content, whole.headers["Content-Type"]) == (200, V1, XLSX)
    assert whole.headers["ETag"] == f'"{sha256(V1)}"'
    assert whole.headers["Content-Disposition"].endswith('_v1.xlsx"')
    part = download(server, 1, "?original=true", Range="bytes=4-9")
    assert (part.status_code, part.content) == (206, V1[4:10])
    assert download(server, 1, "?original=true", **{"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert download(server, 1, "?original=false").headers["Content-Type"] == "text/csv"
    server.upload_ok("record_id,amount\nFIN-00,1\n", force="true")
    assert problem(download(server, 2, "?original=true")) == (404, "not-a-workbook")
    assert server.get(f"{TABLE}/versions")["versions"][1]["source_sha256"] is None


def test_the_same_table_is_unchanged(server):
    first = upload_ok(server, V1)
    again = upload_ok(server, V1)
    assert (again["status"], again["upload_id"]) == ("unchanged", first["upload_id"])
    book = openpyxl.load_workbook(io.BytesIO(V1))
    book.active["B5"].font = openpyxl.styles.Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    assert upload_ok(server, out.getvalue())["status"] == "unchanged", "another workbook with the same values"
    csv = server.upload(download(server, 1).content, name="so-financials.csv").json()
    assert csv["status"] == "unchanged"
    assert len(list((server.data_dir / "archive").rglob("*.xlsx"))) == 1


def test_a_held_workbook_is_released_or_discarded_with_its_original(start):
    server = start()
    upload_ok(server, V1)
    held = upload_ok(server, V2, dry_run="true")
    assert (held["status"], held["source_sha256"]) == ("held", sha256(V2))
    names = {path.name for path in (server.data_dir / "held").iterdir()}
    assert names == {held["upload_id"] + ".csv", held["upload_id"] + ".xlsx"}
    server.kill()
    server = start()
    released = server.request("POST", f"/api/v1/uploads/{held['upload_id']}/release").json()
    assert (released["version"], released["source_sha256"]) == (2, sha256(V2))
    assert download(server, 2, "?original=true").content == V2
    discarded = upload_ok(server, V1, dry_run="true")
    assert server.request("DELETE", f"/api/v1/uploads/{discarded['upload_id']}").status_code == 204
    assert list((server.data_dir / "held").iterdir()) == []


def test_going_back_to_a_workbook_keeps_it(server):
    upload_ok(server, V1)
    upload_ok(server, V2)
    answer = server.request("POST", f"{TABLE}/revert?to_version=1").json()
    assert (answer["version"], answer["source_sha256"]) == (3, sha256(V1))
    assert download(server, 3, "?original=true").content == V1


def test_the_sheet_is_remembered(server):
    book = workbook(("Notes", [["read me"]]), ("Figures", figures()), ("Older", figures(9)))
    assert upload_ok(server, book, sheet="figures")["rows"] == 30
    record = server.get(f"{TABLE}/versions")["versions"][0]
    assert record["options"]["sheet"] == "figures"
    changed = workbook(("Notes", [["read me"]]), ("Figures", figures(7)))
    assert upload_ok(server, changed)["updated"] == 1
    by_number = upload_ok(server, book, sheet="3")
    assert (by_number["rows"], by_number["updated"]) == (30, 1)
    refused = server.upload(book, name=NAME, sheet="Budget")
    assert problem(refused) == (422, "no-such-sheet")
    assert "Figures" in refused.text
    manifest = sorted((server.data_dir / "archive").rglob("*.json"))[-1]
    assert json.loads(manifest.read_text())["source"]["sheet"] == "Older"


def test_warnings_of_the_conversion_are_in_the_answer(server):
    book = openpyxl.Workbook()
    for row in (["id", "amount"], ["a", 1], ["b", "=B2+1"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    answer = upload_ok(server, out.getvalue(), delimiter=";")
    assert any("formula" in warning for warning in answer["warnings"]), answer
    assert any("delimiter was not used" in warning for warning in answer["warnings"]), answer


@pytest.mark.parametrize("content, expected", [
    (V1[:len(V1) // 2], "workbook-damaged"),
    (V1[:300] + bytes(200) + V1[500:], "workbook-damaged"),
    (b"PK\x03\x04" + bytes(100), "workbook-damaged"),
    (OLE + bytes(2000) + "EncryptedPackage".encode("utf-16-le"), "workbook-encrypted"),
    (OLE + bytes(2000) + "Workbook".encode("utf-16-le"), "not-xlsx"),
])
def test_what_is_no_sound_workbook_changes_nothing(server, content, expected):
    upload_ok(server, V1)
    assert problem(server.upload(content, name=NAME)) == (422, expected)
    assert server.get(TABLE)["versions"] == 1
    assert list((server.data_dir / "spool").iterdir()) == []


def test_another_zip_file_is_refused(server):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("figures.csv", "id,amount\na,1\n")
    assert problem(server.upload(out.getvalue(), name="so-financials.zip")) == (422, "not-xlsx")


def test_a_bomb_is_refused(start):
    server = start(env={"MAX_UPLOAD_BYTES": "100000"})
    book = workbook(("Figures", [["record_id", "text"]] + [[f"FIN-{n}", "x" * 1000] for n in range(1000)]))
    assert len(book) < 100000
    assert problem(server.upload(book, name=NAME)) == (413, "workbook-too-large")
    assert list((server.data_dir / "spool").iterdir()) == []


def test_the_source_survives_a_kill_and_a_rebuild_of_the_catalog(start):
    server = start()
    upload_ok(server, V1)
    held = upload_ok(server, V2, dry_run="true")
    upload_ok(server, V2)
    server.kill()
    server = start()
    assert download(server, 1, "?original=true").content == V1
    server.stop()
    done = subprocess.run([str(PROGRAM), "rebuild", "catalog", "--data-dir", str(server.data_dir)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    server = start()
    listed = server.get(f"{TABLE}/versions")["versions"]
    assert [v["source_sha256"] for v in listed] == [sha256(V1), sha256(V2)]
    assert download(server, 2, "?original=true").content == V2
    assert server.get(f"/api/v1/uploads/{held['upload_id']}")["source_sha256"] == sha256(V2)
    assert not (server.data_dir / "lost+found").exists()
    assert upload_ok(server, V2)["status"] == "unchanged"


def test_a_workbook_without_a_version_goes_to_lost_and_found(start):
    server = start()
    upload_ok(server, V1)
    server.stop()
    original = next((server.data_dir / "archive").rglob("*.xlsx"))
    stray = original.with_name("20200101000000000_so-financials_00000000.xlsx")
    stray.write_bytes(V2)
    server = start()
    assert not stray.exists()
    assert (server.data_dir / "lost+found" / stray.relative_to(server.data_dir)).read_bytes() == V2
    assert original.exists()


def test_a_damaged_original_is_noticed_and_leaves_the_table_readable(start):
    server = start()
    upload_ok(server, V1)
    original = next((server.data_dir / "archive").rglob("*.xlsx"))
    original.chmod(0o644)
    original.write_bytes(V1[:-1] + b"!")
    assert problem(download(server, 1, "?original=true")) == (500, "archive-damaged")
    assert download(server, 1).status_code == 200
    assert upload_ok(server, V2)["updated"] == 1
    original.write_bytes(V1)
    assert download(server, 1, "?original=true").content == V1


def test_the_command_sends_a_workbook(server, tmp_path):
    path = tmp_path / "so-financials.XLSX"
    path.write_bytes(workbook(("Notes", [["read me"]]), ("Figures", figures())))
    done = subprocess.run([str(PROGRAM), "upload", "--server", server.url, str(path), "--sheet", "2"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "so-financials/financials version 1: 30 rows" in done.stdout


def test_the_command_compares_workbooks(tmp_path):
    old, new, csv = tmp_path / "old.xlsx", tmp_path / "new.xlsx", tmp_path / "new.csv"
    old.write_bytes(V1)
    new.write_bytes(V2)
    csv.write_text("".join(f"{key};{amount}\n" for key, amount in figures(6)))

    def diff(*arguments):
        done = subprocess.run([str(PROGRAM), "diff", *map(str, arguments), "--format", "csv"],
                              capture_output=True, text=True, timeout=60, check=False, env={"TMPDIR": str(scratch)})
        return done.returncode, done.stdout + done.stderr

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code, printed = diff(old, new)
    assert code == 1
    assert "FIN-03" in printed and "FIN-04" not in printed
    assert diff(old, csv)[1] == printed
    assert diff(new, csv)[0] == 0
    code, printed = diff(old, new, "--sheet", "Budget")
    assert code == 2
    assert str(old) in printed and "Figures" in printed
    assert list(scratch.iterdir()) == []
