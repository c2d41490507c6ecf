"""docs/api-examples.md says what is so: its commands run, and answer what it shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/api-examples.md"
EXAMPLES = ROOT / "examples/so-financials"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page):
    """[(commands, what they show or None)] in order."""
    found = []
    for language, text in FENCE.findall(page):
        if language == "sh":
            found.append([text, None])
        else:
            assert found and found[-1][1] is None, f"an answer without a command:\n{text}"
            found[-1][1] = text
    return found


def script_of(blocks, url):
    """One shell for all of them, so that what a block sets the next ones have. Each one's output goes to a file of its own."""
    lines = ["set -e -u -o pipefail"]
    for number, (commands, _) in enumerate(blocks):
        lines += ["{", commands.rstrip(), f"}} > {number}.out", f"touch {number}.done"]
    return "\n".join(lines).replace("A=http://127.0.0.1:8000", f"A={url}")


def tokens(text):
    """JSON values and, between them, lines that are none."""
    found, decoder = [], json.JSONDecoder()
    rest = text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            line, _, rest = rest.partition("\n")
            found.append(line.strip())
            rest = rest.lstrip()
            continue
        found.append(value)
        rest = rest[end:].lstrip()
    return found


def same(shown, came):
    if isinstance(shown, dict):
        return isinstance(came, dict) and shown.keys() == came.keys() and all(same(shown[name], came[name]) for name in shown)
    if isinstance(shown, list):
        return isinstance(came, list) and len(shown) == len(came) and all(map(same, shown, came))
    if isinstance(shown, str) and "…" in shown:
        return isinstance(came, str) and re.fullmatch(".+".join(map(re.escape, shown.split("…"))), came) is not None
    return type(shown) is type(came) and shown == came


def is_header(token):
    return isinstance(token, str) and re.match(r"^[A-Za-z-]+: ", token) is not None


def in_order(found):
    """Headers that follow each other may come in any order."""
    ordered = []
    for token in found:
        if is_header(token) and ordered and is_header(ordered[-1]) and token < ordered[-1]:
            ordered.insert(-1, token)
        else:
            ordered.append(token)
    return ordered


def test_what_is_shown_is_compared():
    assert same({"a": "x…z", "b": [1]}, {"a": "xyz", "b": [1]})
    for other in ({"a": "xz", "b": [1]}, {"a": "xyz", "b": [1, 2]}, {"a": "xyz"}, {"a": "xyz", "b": [True]}, None):
        assert not same({"a": "x…z", "b": [1]}, other), other
    assert tokens('{"a":\n 1}\nHTTP: x\r\n2 "s"') == [{"a": 1}, "HTTP: x", 2, "s"]


def test_the_page_is_true(server, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(EXAMPLES, work)
    blocks = examples(PAGE.read_text())
    assert len(blocks) > 15
    run = subprocess.run(["bash", "-c", script_of(blocks, server.url)], cwd=work, capture_output=True, text=True, timeout=120)
    done = len(list(work.glob("*.done")))
    assert run.returncode == 0, f"exit code {run.returncode} of:\n{blocks[done][0]}\n{run.stderr}"
    for number, (commands, shown) in enumerate(blocks):
        expected = in_order(tokens(shown or ""))
        came = in_order(tokens((work / f"{number}.out").read_text()))
        assert same(expected, came), f"{commands}\nshows\n{expected}\nbut answered\n{came}"
