"""Runs the commands of a page and compares their output with the page.

A ```sh block is run, and the next block, if any, is its expected output. ```json and blocks without a language are compared
as JSON values and lines; ```text is compared line by line. In each, `…` matches text that differs from run to run. A block
```sh not-run: reason is not run, and ```sh server starts `deltadrop dev`."""

import json
import os
import re
import subprocess
from contextlib import contextmanager
from typing import NamedTuple, Optional

from deltadrop_process import PROGRAM

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE_URL = "http://127.0.0.1:8000"

# Waits until each accepted upload is applied and in the lake, so that the next block sees it. Prints nothing.
WAIT = """
for each in $(curl -sS --fail "$A_SERVER/api/v1/uploads?limit=1000" | jq -r '.uploads[] | select(.state == "published" or .state == "accepted") | .upload_id'); do
  curl -sS --fail -o applied.json "$A_SERVER/api/v1/uploads/$each?wait=in_lake&timeout=30s"
  jq -e .in_lake applied.json >in_lake.txt
done
"""


class Block(NamedTuple):
    commands: str
    shown: Optional[str] = None
    language: str = ""


def section(page, heading):
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def blocks_of(page):
    """Returns (the blocks to run, in order; the blocks that start a server)."""
    found, servers, current = [], [], None
    for info, text in FENCE.findall(page):
        language, _, rest = info.partition(" ")
        if language == "sh":
            if rest.startswith("not-run: "):
                current = None
                continue
            assert rest in ("", "server"), f"```{info}"
            current = servers if rest else found
            current.append(Block(text))
        elif language in ("json", "text", ""):
            if current is None:
                assert language, f"neither a command nor marked as output:\n{text}"
                continue
            assert current[-1].shown is None, f"an output has no command:\n{text}"
            current[-1] = current[-1]._replace(shown=text, language=language)
    return found, servers


def tokens(text):
    """JSON values and, between them, lines that are not JSON."""
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


def same(shown, printed):
    if isinstance(shown, dict):
        return isinstance(printed, dict) and shown.keys() == printed.keys() and all(same(shown[name], printed[name]) for name in shown)
    if isinstance(shown, list):
        return isinstance(printed, list) and len(shown) == len(printed) and all(map(same, shown, printed))
    if isinstance(shown, str) and "…" in shown:
        return isinstance(printed, str) and re.fullmatch(".+".join(map(re.escape, shown.split("…"))), printed) is not None
    return type(shown) is type(printed) and shown == printed


def is_header(token):
    return isinstance(token, str) and re.match(r"^[A-Za-z-]+: ", token) is not None


def in_order(found):
    """Sorts adjacent headers, which may come in any order."""
    ordered = []
    for token in found:
        if is_header(token) and ordered and is_header(ordered[-1]) and token < ordered[-1]:
            ordered.insert(-1, token)
        else:
            ordered.append(token)
    return ordered


def lines_of(text):
    return [line.rstrip() for line in text.splitlines()]


def check_output(block, printed):
    take_apart = lines_of if block.language == "text" else lambda text: in_order(tokens(text))
    expected, found = take_apart(block.shown or ""), take_apart(printed)
    assert same(expected, found), f"{block.commands}\nshows\n{expected}\nbut printed\n{found}"


def run_blocks(blocks, cwd, url=None, wait=False):
    """Runs all blocks in one shell, so that variables persist, and compares the output of each with the page."""
    lines = ["set -e -u -o pipefail", f"A_SERVER={url or ''}"]
    for number, block in enumerate(blocks):
        lines += ["{", block.commands.rstrip(), f"}} > {number}.out", f"touch {number}.done"]
        if wait:
            lines.append(WAIT)
    script = "\n".join(lines)
    if url:
        script = script.replace(PAGE_URL, url)
    environment = {name: value for name, value in os.environ.items() if name not in ("DATA_DIR", "PARQUET_DIR", "LISTEN", "DATABASE_URL")}
    environment["PATH"] = f"{PROGRAM.parent}:{environment['PATH']}"
    run = subprocess.run(["bash", "-c", script], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240)
    done = len(list(cwd.glob("*.done")))
    assert run.returncode == 0, f"exit code {run.returncode} of:\n{blocks[min(done, len(blocks) - 1)].commands}\n{run.stderr}"
    for number, block in enumerate(blocks):
        check_output(block, (cwd / f"{number}.out").read_text())


@contextmanager
def server_of(block, cwd):
    """Runs a page's `deltadrop dev` in cwd on a free port, and compares its greeting. Yields its URL."""
    assert block.commands.split() == ["deltadrop", "dev"], block.commands
    environment = {name: value for name, value in os.environ.items() if name not in ("DATA_DIR", "PARQUET_DIR")}
    with open(cwd / "server.log", "wb") as log:
        process = subprocess.Popen([str(PROGRAM), "dev"], cwd=cwd, env={**environment, "LISTEN": "127.0.0.1:0"}, stdout=subprocess.PIPE,
                                   stderr=log, text=True)
    try:
        printed = [process.stdout.readline() for _ in (block.shown or "\n").splitlines()]
        url = printed[0].split()[-1]
        check_output(block, "".join(printed).replace(url, PAGE_URL))
        yield url
        process.terminate()
        assert process.wait(timeout=60) == 0, (cwd / "server.log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=60)
        process.stdout.close()
