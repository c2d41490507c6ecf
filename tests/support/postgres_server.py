#!/usr/bin/env python3
"""A real PostgreSQL server for tests: Debian's version 15, a free port, everything in one folder.

    tests/support/postgres_server.py                  reads commands
    tests/support/postgres_server.py -- COMMAND...    runs a command with DATABASE_URL set

The first form reads commands from its standard input, one per line: start, stop, kill, freeze, thaw. It answers each with
`ok URL` or `error REASON`, and ends the server when its input ends. Needs only Python's standard library.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from server_process import ServerProcess, free_ports

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "secret"

# No fsync, because tests kill processes but never the machine.
SETTINGS = ["listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=on", "full_page_writes=off",
            "shared_buffers=128MB", "max_wal_size=2GB", "logging_collector=off", "log_destination=stderr"]


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


class PostgresServer(ServerProcess):
    NAME = "PostgreSQL"
    READY = b"database system is ready to accept connections"
    STOP = signal.SIGINT  # rolls back transactions and notifies clients
    KILL = signal.SIGQUIT  # the next start runs recovery

    def __init__(self, more=()):
        """`more`: settings NAME=VALUE that override those of the tests."""
        self.settings = [*SETTINGS, *more]
        self.folder = Path(tempfile.mkdtemp(prefix="deltadrop-postgres-"))
        super().__init__(self.folder / "server.log")
        self.data = self.folder / "data"
        (self.port,) = free_ports(1)
        # The server refuses to run as root.
        self.owner = {}
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
            self.owner = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def url(self, database="postgres", user="postgres", password=PASSWORD):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def greeting(self):
        return self.url()

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self):
        if self.data.exists():
            return
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        done = subprocess.run(
            [PROGRAMS / "initdb", "-D", self.data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}",
             "--encoding=UTF8", "--locale=C", "--no-sync"],
            cwd=self.folder, capture_output=True, text=True, check=False, **self.owner)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")

    def command(self):
        settings = [argument for setting in self.settings for argument in ("-c", setting)]
        return [PROGRAMS / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder, *settings]

    def popen_arguments(self):
        return {"cwd": self.folder, **self.owner}

    def _signal_all(self, what):
        """Signals the first process before the others, so that it starts no new ones while they stop."""
        super()._signal_all(what)
        for child in children_of(self.process.pid) if self.process else []:
            try:
                os.kill(child, what)
            except ProcessLookupError:
                pass


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--":
        with PostgresServer() as server:
            return subprocess.run(sys.argv[2:], env={**os.environ, "DATABASE_URL": server.url()}, check=False).returncode
    PostgresServer().take_commands()
    return 0


if __name__ == "__main__":
    sys.exit(main())
