"""Runs the queries of docs/lake.md. Each must return the table's current rows."""

import datetime
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs/lake.md"
BLOCK = re.compile(r"^```(sql|python) (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {tool: code for _, tool, code in BLOCK.findall(PAGE.read_text(encoding="utf-8"))}

VERSIONS = ["record_id,amount,booked_on\nFIN-1,10,2024-12-31\nFIN-2,0.10,\nFIN-3,7,2025-01-31\n",
            "record_id,amount,booked_on\nFIN-1,12345678901234567.89,2024-12-31\nFIN-2,0.10,2025-02-28\nFIN-4,-1,\n"]
ROWS = [("FIN-1", Decimal("12345678901234567.89"), datetime.date(2024, 12, 31)),
        ("FIN-2", Decimal("0.10"), datetime.date(2025, 2, 28)),
        ("FIN-4", Decimal("-1"), None)]


def by_duckdb(code):
    return duckdb.connect().execute(code).fetchall()


def by_python(code):
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    state = names["state"]
    if hasattr(state, "rows"):
        return state.rows()
    return [tuple(None if cell is None or str(cell) == "<NA>" else cell for cell in row)
            for row in state.itertuples(index=False, name=None)]


# Spark runs in its own process, because its session belongs to the whole process and logs to standard error.
SPARK_PROGRAM = """
import sys
from pyspark.sql import SparkSession
session = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
           .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
           .config("spark.sql.session.timeZone", "UTC").getOrCreate())
print("ROWS", repr([tuple(row) for row in session.sql(sys.argv[1]).collect()]))
"""
SPARK = next((PAGE.parents[1] / ".deps").glob("pyspark-*"), None)


def by_spark(code):
    assert SPARK, "no Spark in .deps: run tools/bootstrap.sh test"
    environment = dict(os.environ, SPARK_HOME=str(SPARK / "deps"), SPARK_LOCAL_IP="127.0.0.1", PYTHONPATH=str(SPARK))
    ran = subprocess.run([sys.executable, "-c", SPARK_PROGRAM, code], env=environment, capture_output=True, text=True,
                         timeout=200, check=False)
    rows = [line.removeprefix("ROWS ") for line in ran.stdout.splitlines() if line.startswith("ROWS ")]
    assert rows, ran.stdout + ran.stderr
    return eval(rows[0], {"Decimal": Decimal, "datetime": datetime})


RUN = {"duckdb": by_duckdb, "pandas": by_python, "polars": by_python, "spark": by_spark}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    from deltadrop_process import Deltadrop
    server = Deltadrop(tmp_path_factory.mktemp("docs") / "data")
    for content in VERSIONS:
        server.upload_ok(content)
    server.stop()
    return server.data_dir


def test_the_page_has_a_query_for_each_tool():
    assert set(BLOCKS) == set(RUN)


@pytest.mark.parametrize("tool", RUN)
def test_the_query_gives_the_rows_of_now(table, monkeypatch, tool):
    monkeypatch.chdir(table)
    assert sorted(RUN[tool](BLOCKS[tool])) == ROWS
