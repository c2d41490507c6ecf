"""Holds database transactions open at a chosen statement, so that a test can act in the middle of them."""

import subprocess
import time

from pipeline import PATIENCE_S, Psql

LOCK = 42


class Gate:
    """The gate is initially closed. `when` is a trigger, such as "BEFORE INSERT ON cdc_events FOR EACH STATEMENT", and `only` is a
    condition on the trigger's variables. A transaction that waits for longer than the server's lock_timeout (10 s) fails."""

    def __init__(self, url, when, only="true"):
        self.sql = Psql(url)
        self.holder = subprocess.Popen(["psql", "-XAtq", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write(f"SELECT pg_advisory_lock({LOCK});\nSELECT 'closed';\n")
        self.holder.stdin.flush()
        while self.holder.stdout.readline().strip() != "closed":
            assert self.holder.poll() is None, "psql ended"
        self.sql.run(f"CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {only} THEN "
                     f"PERFORM pg_advisory_xact_lock_shared({LOCK}); END IF; RETURN NEW; END $$; "
                     f"CREATE TRIGGER gate {when} EXECUTE FUNCTION gate()")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open()

    def wait_until_held(self, count=1):
        """Waits until this many transactions wait at the gate."""
        deadline = time.monotonic() + PATIENCE_S
        waiting = ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
                   "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
        while int(self.sql.run(waiting)) < count:
            assert time.monotonic() < deadline, f"fewer than {count} wait at the gate"

    def open(self):
        """Lets all waiting transactions continue at the same moment, and all later ones pass."""
        if self.holder.poll() is None:
            self.holder.communicate()
