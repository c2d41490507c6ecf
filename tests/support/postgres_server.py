#!/usr/bin/env python3
"""A real PostgreSQL server for tests: Debian's version 15, a free port, everything in one folder of its own.

    tests/support/postgres_server.py                  take commands
    tests/support/postgres_server.py -- COMMAND...    run a command with DATABASE_URL set

The first form reads commands from its standard input, one a line: start, stop, kill, freeze, thaw. It answers each with
`ok URL` or `error REASON`, and ends the server when its input ends. Needs only Python's own library.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
READY = b"database system is ready to accept connections"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
PASSWORD = "secret"

# Without fsync: a test ends processes, never the machine.
SETTINGS = ["listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=on", "full_page_writes=off",
            "shared_buffers=128MB", "max_wal_size=2GB", "logging_collector=off", "log_destination=stderr"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


def die_with_parent():
    """A server never outlives the test that started it, whatever ends that."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


class PostgresServer:
    """Keeps its port and its data over stop and start. Use from one thread."""

    def __init__(self, more=()):
        """`more`: settings NAME=VALUE that override those of the tests."""
        self.settings = [*SETTINGS, *more]
        self.folder = Path(tempfile.mkdtemp(prefix="deltadrop-postgres-"))
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.process = None
        # The server refuses to run as root.
        self.owner = {}
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
            self.owner = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def url(self, database="postgres", user="postgres", password=PASSWORD):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def start(self):
        if self.process:
            raise RuntimeError("it runs already")
        if not self.data.exists():
            self._initialise()
        settings = [argument for setting in self.settings for argument in ("-c", setting)]
        self.process = subprocess.Popen(
            [PROGRAMS / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder, *settings],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent, **self.owner)
        ready = threading.Event()
        threading.Thread(target=self._copy_log, args=(self.process, ready), daemon=True).start()
        if not ready.wait(START_TIMEOUT_S) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError(f"PostgreSQL did not start: {self.log.read_text()[-2000:]}")

    def stop(self):
        """As an operator stops it: transactions are rolled back, clients are told."""
        self._end(signal.SIGINT)

    def kill(self):
        """Without a word, as after a crash; the next start recovers."""
        self._end(signal.SIGQUIT)

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self):
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        done = subprocess.run(
            [PROGRAMS / "initdb", "-D", self.data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}",
             "--encoding=UTF8", "--locale=C", "--no-sync"],
            cwd=self.folder, capture_output=True, text=True, check=False, **self.owner)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")

    def _signal_all(self, what):
        """The first process before the others: it starts no new ones while they stop."""
        if not self.process:
            return
        self.process.send_signal(what)
        for child in children_of(self.process.pid):
            try:
                os.kill(child, what)
            except ProcessLookupError:
                pass

    def _end(self, how):
        if not self.process:
            return
        self.thaw()
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _copy_log(self, process, ready):
        with open(self.log, "ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if READY in line:
                    ready.set()
        ready.set()  # it ended; start() sees that


def take_commands():
    server = PostgresServer()
    commands = {"start": server.start, "stop": server.stop, "kill": server.kill, "freeze": server.freeze,
                "thaw": server.thaw}
    try:
        for line in sys.stdin:
            try:
                commands[line.strip()]()
                print(f"ok {server.url()}", flush=True)
            except (RuntimeError, KeyError, OSError) as error:
                print("error", " ".join(str(error).split()), flush=True)
    finally:
        server.remove()


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--":
        with PostgresServer() as server:
            return subprocess.run(sys.argv[2:], env={**os.environ, "DATABASE_URL": server.url()}, check=False).returncode
    take_commands()
    return 0


if __name__ == "__main__":
    sys.exit(main())
