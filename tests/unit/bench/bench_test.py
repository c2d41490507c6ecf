"""The benchmarks measure the same bytes everywhere, and compare only programs that give the same answer."""

import csv
import hashlib
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ["DELTADROP_BUILD"])
GENERATOR = BUILD / "bench/gen/bench_generate"
sys.path.insert(0, str(ROOT / "bench"))

from suite import figures, peers, plot, results  # noqa: E402

# Of 1,000 rows of 6 columns in their second version. Other bytes are another benchmark: figures before and after do not
# compare.
ORDERS = {
    "in_order": "81e723fef9482afe",
    "shuffled": "fc5671e872230578",
    "reversed": "0e5a70155c9778c6",
    "every_other": "2af6d57e608fb33b",
    "block_moved": "76119beaaee7a351",
    "by_amount": "36097dc731956a6c",
    "interleaved": "68e0a09352071008",
}


def generate(path, rows, *more):
    subprocess.run([GENERATOR, path, str(rows), *map(str, more)], check=True)
    return path


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.parametrize("order", ORDERS)
def test_the_generator_writes_the_same_bytes_everywhere(tmp_path, order):
    made = generate(tmp_path / "a.csv", 1000, 6, 1, order).read_bytes()
    assert hashlib.sha256(made).hexdigest()[:16] == ORDERS[order]
    in_order = generate(tmp_path / "b.csv", 1000, 6, 1).read_bytes()
    assert sorted(made.splitlines()) == sorted(in_order.splitlines())


def test_a_revision_restates_one_row_of_a_hundred(tmp_path):
    versions = [rows_of(generate(tmp_path / f"{number}.csv", 1000, 6, number)) for number in range(4)]
    for old, new in zip(versions, versions[1:]):
        changed = [(a, b) for a, b in zip(old, new) if a != b]
        assert len(changed) == 10
        assert all(a[:3] + a[4:] == b[:3] + b[4:] for a, b in changed)


def counts_of(old, new):
    """What is true, found with dicts."""
    before, after = ({row[0]: row for row in rows_of(path)} for path in (old, new))
    return {"inserted": len(after.keys() - before.keys()),
            "updated": sum(before[key] != after[key] for key in before.keys() & after.keys()),
            "deleted": len(before.keys() - after.keys())}


@pytest.mark.parametrize("order", ["in_order", "shuffled"])
@pytest.mark.parametrize("peer", [*peers.all_peers(with_pandas=True), peers.deltadrop(BUILD / "deltadrop")], ids=lambda peer: peer.name)
def test_peers_find_the_same_counts(tmp_path, peer, order):
    if peer.missing:
        pytest.skip(f"{peer.name}: {peer.missing}")
    old = generate(tmp_path / "old.csv", 1000, 6)
    new = generate(tmp_path / "new.csv", 1000, 6, 1, order, "mixed")
    truth = counts_of(old, new)
    assert truth == {"inserted": 10, "updated": 10, "deleted": 10}
    assert peer.run(old, new)[1] == truth


def test_figures_are_read_among_other_lines():
    text = "starting\nuploads.rate 1234.5 uploads/s\nuploads.p99 4.1e1 ms\nthree words more here\n"
    assert figures.parse_figures(text) == {"uploads.rate": (1234.5, "uploads/s"), "uploads.p99": (41.0, "ms")}


def test_a_line_says_whether_its_goal_is_met():
    lines = [results.at_least("diff", "1 s", "peer 9 s", 9, 10), results.at_most("memory", "90 MB", "", 90, 100, "MB"),
             results.growth("diff", 1, 11.5), results.left_out("publish", "not built")]
    assert [line.verdict for line in lines] == ["NOT MET", "met", "NOT MET", "-"]
    text = results.as_text(lines)
    assert re.search(r"diff +1 s +peer 9 s +9\.00 x +>= 10 x +NOT MET", text)
    assert "publish: not built" in text
    assert results.as_markdown(lines).count("\n| ") == 5
    drawn = plot.as_svg(lines, {"diff & more": {"deltadrop": 0.5, "peer": 4.5}})
    assert drawn.count("<rect") == 1 + 2 + 3 and "diff &amp; more" in drawn


def test_percentiles():
    values = list(range(1, 101))
    random.Random(1).shuffle(values)
    assert (results.percentile(values, 0.5), results.percentile(values, 0.99), results.percentile([7], 0.99)) == (51, 100, 7)
