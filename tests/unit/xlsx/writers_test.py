"""Workbooks that openpyxl, XlsxWriter and LibreOffice wrote, converted to CSV and compared cell by cell."""

import csv
import datetime
import io
import os
import random
import re
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

HERE = Path(__file__).parent
PROGRAM = Path(os.environ["DELTADROP_BUILD"]) / "tests/unit/xlsx/xlsx_to_csv"


def convert(path, *sheet):
    """The records, and the lines about them by their first word."""
    done = subprocess.run([PROGRAM, path, *sheet], capture_output=True, check=False)
    facts = {}
    for line in done.stderr.decode().splitlines():
        word, _, rest = line.partition(" ")
        facts.setdefault(word, []).append(rest)
    return list(csv.reader(io.StringIO(done.stdout.decode(), newline=""))), facts


def warnings(facts):
    return [warning.partition(":")[0] for warning in facts.get("warning", [])]


# A value as Python has it, its number format, and its text in the CSV.
VALUES = [
    ("text", None, "text"),
    ("a,b", None, "a,b"),
    ('say "hi"', None, 'say "hi"'),
    ("two\nlines", None, "two\nlines"),
    ("  spaces  ", None, "  spaces  "),
    ("\u65e5\u672c\u8a9e \U0001f600", None, "\u65e5\u672c\u8a9e \U0001f600"),
    (7, None, "7"),
    (-1.25, None, "-1.25"),
    (12345678901234, None, "12345678901234"),
    (0.25, "0%", "0.25"),
    (1234.5, "#,##0.00", "1234.5"),
    (1067, "00000", "01067"),
    (123456789, "00000-0000", "12345-6789"),
    (True, None, "TRUE"),
    (False, None, "FALSE"),
    (datetime.date(2024, 2, 29), "yyyy-mm-dd", "2024-02-29"),
    (datetime.date(1900, 1, 1), "dd.mm.yyyy", "1900-01-01"),
    (datetime.date(1900, 3, 1), "d/m/yy", "1900-03-01"),
    (datetime.date(9999, 12, 31), "[$-409]d\\-mmm\\-yyyy;@", "9999-12-31"),
    (datetime.datetime(2024, 2, 29, 12, 34, 56), "yyyy-mm-dd hh:mm:ss", "2024-02-29T12:34:56"),
    (datetime.datetime(2024, 2, 29, 12, 34, 56, 789000), "yyyy-mm-dd hh:mm:ss.000", "2024-02-29T12:34:56.789"),
    (datetime.datetime(2024, 2, 29), "yyyy-mm-dd h:mm", "2024-02-29T00:00:00"),
    (datetime.datetime(2024, 2, 29, 23, 59, 59), "mmm-yy", "2024-02-29"),
    (datetime.time(7, 8, 9), "h:mm:ss", "07:08:09"),
    (datetime.time(23, 59), "h:mm AM/PM", "23:59:00"),
    (datetime.timedelta(hours=36, minutes=5), "[h]:mm:ss", "36:05:00"),
]


# openpyxl neither writes nor reads the escape of an escape.
ESCAPES = [("_x000D_", None, "_x000D_"), ("a\x01b", None, "a\x01b")]


def write_openpyxl(path, rows, dates_1904=False, iso_dates=False):
    workbook = openpyxl.Workbook()
    if dates_1904:
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    workbook.iso_dates = iso_dates
    sheet = workbook.active
    sheet.title = "Values"
    for row, (value, number_format, _) in enumerate(rows, 2):
        sheet.cell(row, 1, row)
        cell = sheet.cell(row, 3, value)
        if number_format:
            cell.number_format = number_format
    sheet["A1"], sheet["C1"] = "row", "value"
    workbook.save(path)


def write_xlsxwriter(path, rows, **options):
    with xlsxwriter.Workbook(path, options) as workbook:
        sheet = workbook.add_worksheet("Values")
        sheet.write_row(0, 0, ["row", None, "value"])
        for row, (value, number_format, _) in enumerate(rows, 1):
            sheet.write(row, 0, row + 1)
            style = workbook.add_format({"num_format": number_format}) if number_format else None
            if isinstance(value, str):
                sheet.write_string(row, 2, value, style)
            else:
                sheet.write(row, 2, value, style)


def expected(rows):
    return [["row", "", "value"]] + [[str(row), "", text] for row, (_, _, text) in enumerate(rows, 2)]


def since_1904(rows):
    """Without dates that the 1904 system does not have."""
    return [row for row in rows if not isinstance(row[0], datetime.date) or row[0].year > 1904]


@pytest.mark.parametrize("dates_1904", [False, True])
def test_openpyxl(tmp_path, dates_1904):
    rows = since_1904(VALUES) if dates_1904 else VALUES
    write_openpyxl(tmp_path / "a.xlsx", rows, dates_1904)
    records, facts = convert(tmp_path / "a.xlsx")
    assert records == expected(rows)
    assert facts["dates"] == ["1904" if dates_1904 else "1900"]
    assert warnings(facts) == []


def test_openpyxl_with_iso_dates(tmp_path):
    rows = [row for row in VALUES if isinstance(row[0], datetime.date)]
    write_openpyxl(tmp_path / "a.xlsx", rows, iso_dates=True)
    records, _ = convert(tmp_path / "a.xlsx")
    assert records == expected(rows)


@pytest.mark.parametrize("options", [
    {}, {"date_1904": True}, {"constant_memory": True}, {"in_memory": True, "use_zip64": True},
], ids=lambda options: "-".join(options) or "plain")
def test_xlsxwriter(tmp_path, options):
    rows = (since_1904(VALUES) if "date_1904" in options else VALUES) + ESCAPES
    write_xlsxwriter(tmp_path / "a.xlsx", rows, **options)
    records, facts = convert(tmp_path / "a.xlsx")
    assert records == expected(rows)
    assert facts["dates"] == ["1904" if "date_1904" in options else "1900"]


def test_numbers_are_as_stored(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append([0.1 + 0.2, 1e300, 1e-7, 123456789.123456789, 2**53, -1 / 3])
    workbook.save(tmp_path / "a.xlsx")
    sheet = zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert convert(tmp_path / "a.xlsx")[0] == [re.findall("<v>(.*?)</v>", sheet)]


def test_rich_texts_comments_and_merged_cells(tmp_path):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["a", "b", "c"])
    sheet["A2"] = CellRichText("plain ", TextBlock(InlineFont(b=True), "bold "), "end")
    sheet["C2"] = "x"
    sheet["C2"].comment = openpyxl.comments.Comment("a comment", "a reader")
    sheet["A3"] = "wide"
    sheet.merge_cells("A3:C4")
    sheet["B5"] = "#N/A"
    sheet.row_dimensions[2].hidden = True
    sheet.column_dimensions["C"].hidden = True
    workbook.save(tmp_path / "a.xlsx")
    records, facts = convert(tmp_path / "a.xlsx")
    assert records == [["a", "b", "c"], ["plain bold end", "", "x"], ["wide", "", ""], [], ["", "#N/A", ""]]
    assert warnings(facts) == []


def test_formulas_have_their_cached_values(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_formula("A1", "=1+1", None, 2)
        sheet.write_formula("B1", '="a"&"b"', None, "ab")
        sheet.write_formula("C1", "=1=1", None, True)
        sheet.write_formula("D1", "=NA()", None, "#N/A")
        sheet.write_dynamic_array_formula("E1", "=SORT(A1:A1)", None, 2)
    records, facts = convert(tmp_path / "a.xlsx")
    assert records == [["2", "ab", "TRUE", "#N/A", "2"]]
    assert warnings(facts) == ["formulas-not-calculated"]


def test_formulas_of_openpyxl_have_no_values(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append([1, "=A1+1"])
    workbook.save(tmp_path / "a.xlsx")
    records, facts = convert(tmp_path / "a.xlsx")
    assert records == [["1"]]
    assert warnings(facts) == ["formula-without-value", "formulas-not-calculated"]
    assert "cell B1" in facts["warning"][0]


def test_the_sheet_is_chosen(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        chart = workbook.add_chartsheet("Chart")
        first = workbook.add_worksheet("First")
        first.write("A1", "one")
        workbook.add_worksheet("It's 2").write("B2", "two")
        graph = workbook.add_chart({"type": "line"})
        graph.add_series({"values": "=First!$A$1:$A$2"})
        chart.set_chart(graph)
    path = tmp_path / "a.xlsx"
    records, facts = convert(path)
    assert records == [["one"]]
    assert facts["sheet"] == ["First"]
    assert facts["has"] == ["Chart", "First", "It's 2"]
    assert convert(path, "It's 2")[0] == [[], ["", "two"]]
    assert convert(path, "3")[0] == [[], ["", "two"]]
    assert "no-such-sheet" in convert(path, "Chart")[1]["error"][0]
    assert '"Chart", "First", "It\'s 2"' in convert(path, "Last")[1]["error"][0]


def test_libreoffice():
    records, facts = convert(HERE / "libreoffice/values.xlsx")
    assert records == [
        ["what", "value"],
        ["stored number", "1234567.891"],
        ["date", "2024-02-29"],
        ["moment", "2024-02-29T12:34:56"],
        ["time", "07:08:09"],
        ["duration", "30:00:01"],
        ["code", "01067"],
        ["truth", "TRUE"],
        ["error", "#N/A"],
        ["text of a formula", "a,b"],
        ["runs", "plain and spaced   \nsecond line"],
        ["merged", "upper"],
        ["", "lower"],
        ["hidden", "row"],
        ["escape", "_x000D_"],
    ]
    assert warnings(facts) == ["covered-by-merged-cell"]
    assert convert(HERE / "libreoffice/values.xlsx", "second & last")[0] == [["", "", "C1"]]


def test_libreoffice_with_dates_from_1904():
    records, facts = convert(HERE / "libreoffice/dates_1904.xlsx")
    assert records == [["id", "day"], ["1", "1904-01-02"], ["2", "2024-02-29"]]
    assert facts["dates"] == ["1904"]


def test_random_sheets_are_read_as_openpyxl_reads_them(tmp_path):
    seed = 20261129
    dice = random.Random(seed)
    texts = ["", "a", "a,b", '"', "\n", " x ", "\u00e9", "=not"]
    for number in range(20):
        path = tmp_path / f"{number}.xlsx"
        with xlsxwriter.Workbook(path, {"constant_memory": number % 2 == 0}) as workbook:
            sheet = workbook.add_worksheet()
            day = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            for row in range(dice.randrange(30)):
                for column in range(dice.randrange(12)):
                    kind = dice.randrange(6)
                    if kind == 0:
                        sheet.write_string(row, column, dice.choice(texts))
                    elif kind == 1:
                        sheet.write_number(row, column, dice.randrange(-10**6, 10**6))
                    elif kind == 2:
                        sheet.write_boolean(row, column, dice.random() < 0.5)
                    elif kind == 3:
                        seconds = dice.randrange(3 * 10**9)
                        sheet.write_datetime(row, column, datetime.datetime(1901, 1, 1) + datetime.timedelta(seconds=seconds), day)
                    elif kind == 4:
                        sheet.write_blank(row, column, None, day)
        read = openpyxl.load_workbook(path).active
        rows = [[shown(cell) for cell in row] for row in read.iter_rows(values_only=True)]
        while rows and not any(rows[-1]):
            rows.pop()
        width = max((column + 1 for row in rows for column, text in enumerate(row) if text), default=0)
        rows = [(row + [""] * width)[:width] if any(row) else [] for row in rows]
        assert convert(path)[0] == rows, f"workbook {number} of seed {seed}"


def shown(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)
