#!/usr/bin/env python3
"""Runs Kafka, PostgreSQL, serve and consume on this machine, to try them out. Ctrl-C ends all of them.

    tools/up.py PROGRAM

Uses the servers that `tools/bootstrap.sh servers` installs, on free ports. All state is in one temporary folder, which is removed
at the end. To keep data, use deploy/compose.yaml or your own servers.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/support"))

from kafka_server import KafkaServer  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

DATABASE = "cdc_data"


def start(program, command, environment, children):
    """Starts the command, appends it to `children`, and returns its address."""
    # A new session: the terminal sends Ctrl-C to all processes of this session, but end() must stop these two in turn.
    child = subprocess.Popen([program, command], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    children.append(child)
    greeting = child.stdout.readline()
    if not greeting:
        raise SystemExit(f"`deltadrop {command}` ended with {child.wait()}")
    return greeting.split()[-1]


def end(children):
    """Ends the children, the last one first, and returns the highest exit code."""
    codes = [0]
    for child in reversed(children):
        child.terminate()
        codes.append(child.wait())
    return max(codes)


def greet(environment, api, health, kafka, postgres):
    print(f"""
  upload    curl -F company_id=so-financials -F file=@examples/so-financials/v1.csv {api}/upload
  health    curl {api}/health {health}/health
  kafka     {kafka.address}, topic {environment.get('KAFKA_TOPIC', 'cdc-events')}
  database  psql {postgres.url(DATABASE)} -c 'SELECT * FROM company_data WHERE is_current'
  parquet   {environment.get('PARQUET_DIR', environment['DATA_DIR'] + '/parquet')}
  stop      Ctrl-C""", flush=True)


def main():
    program = str(Path(sys.argv[1]).resolve())
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # during the start, SIGTERM also ends the running servers
    with tempfile.TemporaryDirectory(prefix="deltadrop-up-") as folder:
        print("starting PostgreSQL and Kafka: about ten seconds", flush=True)
        with PostgresServer() as postgres, KafkaServer(Path(folder) / "kafka") as kafka:
            subprocess.run(["psql", "-Xq", postgres.url(), "-c", f"CREATE DATABASE {DATABASE}"], check=True)
            environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.address, "DATABASE_URL": postgres.url(DATABASE)}
            environment.setdefault("DATA_DIR", f"{folder}/data")
            children = []
            try:
                health = start(program, "consume", environment, children)
                api = start(program, "serve", environment, children)
                signal.pthread_sigmask(signal.SIG_BLOCK, stop)
                greet(environment, api, health, kafka, postgres)
                signal.sigwait(stop)
                print("stopping", flush=True)
            finally:
                code = end(children)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
