"""Runs the commands of docs/api-examples.md and compares their output with the page."""

import shutil
from pathlib import Path

from page_commands import blocks_of, run_blocks, same, tokens

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/api-examples.md"
EXAMPLES = ROOT / "examples/so-financials"


def test_what_is_shown_is_compared():
    assert same({"a": "x…z", "b": [1]}, {"a": "xyz", "b": [1]})
    for other in ({"a": "xz", "b": [1]}, {"a": "xyz", "b": [1, 2]}, {"a": "xyz"}, {"a": "xyz", "b": [True]}, None):
        assert not same({"a": "x…z", "b": [1]}, other), other
    assert tokens('{"a":\n 1}\nHTTP: x\r\n2 "s"') == [{"a": 1}, "HTTP: x", 2, "s"]


def test_the_page_is_true(server, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(EXAMPLES, work)
    blocks, _ = blocks_of(PAGE.read_text())
    assert len(blocks) > 15
    run_blocks(blocks, work, server.url)
