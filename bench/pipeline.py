#!/usr/bin/env python3
"""Speed and memory of the whole pipeline: a first version of ROWS rows and a second one with 1 % updates, uploaded to a real
`deltadrop dev`, to the answer, until applied and until in the lake.

    bench/pipeline.py PROGRAM [ROWS [COLUMNS]]
"""

import http.client
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEED = 20250310
BOUNDARY = "deltadrop-bench"


def write_version(path, rows, columns, restated):
    """A ledger of decimals; each row in `restated` has another first amount."""
    numbers = random.Random(SEED)
    with open(path, "w") as file:
        file.write("record_id,period,item," + ",".join(f"amount_{n}" for n in range(columns - 3)) + "\n")
        for row in range(rows):
            amounts = [f"{numbers.randrange(10**9) / 100:.2f}" for _ in range(columns - 3)]
            if row in restated:
                amounts[0] = "-" + amounts[0]
            file.write(f"FIN-{row:08},2024-Q{row % 4 + 1},Revenue,{','.join(amounts)}\n")


def upload(host, path):
    """Streams the file as curl does; the answer's JSON."""
    head = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="so-financials.csv"\r\n\r\n').encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = http.client.HTTPConnection(host, timeout=600)
    connection.putrequest("POST", "/upload")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    connection.endheaders()
    connection.send(head)
    with open(path, "rb") as file:
        connection.send(file)
    connection.send(tail)
    answer = json.load(connection.getresponse())
    connection.close()
    return answer


def wait(host, upload_id, step):
    while True:
        connection = http.client.HTTPConnection(host, timeout=600)
        connection.request("GET", f"/api/v1/uploads/{upload_id}?wait={step}&timeout=30s")
        state = json.load(connection.getresponse())
        connection.close()
        if state[step]:
            return


def memory_mb(pid):
    """(peak resident, of it anonymous now) in MB; mapped files count in the first only."""
    status = Path(f"/proc/{pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", status).group(1)) // 1024 for name in ("VmHWM", "RssAnon"))


def reset_peak(pid):
    """Makes VmHWM start again from what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def main():
    program = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    columns = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        restated = set(random.Random(SEED).sample(range(rows), rows // 100))
        write_version(work / "v1.csv", rows, columns, set())
        write_version(work / "v2.csv", rows, columns, restated)
        server = subprocess.Popen([program, "dev", "--data-dir", str(work / "data"), "--listen", "127.0.0.1:0", "--log-level",
                                   "error"], stdout=subprocess.PIPE, text=True)
        try:
            host = server.stdout.readline().split("//")[1].strip()
            print(f"{'whole pipeline':<34} {'rows':>9} {'MB':>5} {'changes':>9} {'answer s':>9} {'rows/s':>9} {'applied s':>10} "
                  f"{'in lake s':>10} {'peak MB':>8} {'anon MB':>8}")
            for name, path in (("first version", work / "v1.csv"), ("second version, 1 % restated", work / "v2.csv")):
                reset_peak(server.pid)
                started = time.perf_counter()
                answer = upload(host, path)
                answered = time.perf_counter() - started
                wait(host, answer["upload_id"], "applied")
                applied = time.perf_counter() - started
                wait(host, answer["upload_id"], "in_lake")
                in_lake = time.perf_counter() - started
                peak, anonymous = memory_mb(server.pid)
                print(f"{name:<34} {rows:>9} {path.stat().st_size >> 20:>5} {answer['changes_detected']:>9} {answered:>9.2f} "
                      f"{rows / answered:>9.0f} {applied:>10.2f} {in_lake:>10.2f} {peak:>8} {anonymous:>8}   {answer['status']}")
        finally:
            server.terminate()
            server.wait(timeout=120)


if __name__ == "__main__":
    main()
