"""Measures time and memory of whole processes."""

import re
import subprocess
import threading
import time
from pathlib import Path

SAMPLE_S = 0.002


def timed(command, good_codes=(0,)):
    """Returns (seconds from start to end, standard output) of a process."""
    started = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in good_codes:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, done.stdout


def anonymous_mb(pid):
    """The anonymous memory of a process in MB, or 0 if the process is gone."""
    try:
        found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found.group(1)) / 1024 if found else 0


class PeakMemory:
    """The peak anonymous memory of a process, sampled every two milliseconds between enter and exit."""

    def __init__(self, pid):
        self.pid, self.mb = pid, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.mb = anonymous_mb(self.pid)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _watch(self):
        while not self.over.wait(SAMPLE_S):
            self.mb = max(self.mb, anonymous_mb(self.pid))


def peak_anonymous_mb(command):
    """Measures a separate run, because sampling costs time."""
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    with PeakMemory(child.pid) as peak:
        child.wait()
    return peak.mb
