"""Runs serve and consume on a test's own topic and database, and reads both independently."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from deltadrop_process import PROGRAM, Deltadrop, Program

PATIENCE_S = 60


class Psql:
    """Runs SQL statements one after another through psql, which shares no code with Deltadrop."""

    def __init__(self, url):
        self.url = url

    def run(self, sql):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url, "-c", sql], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{sql}: {done.stderr}"
        return done.stdout.strip()

    def rows(self, sql):
        """A list of dicts."""
        return json.loads(self.run(f"SELECT coalesce(json_agg(r), '[]') FROM ({sql}) r"))


class Pipeline:
    def __init__(self, kafka, postgres, folder, name):
        self.kafka, self.postgres, self.folder, self.name = kafka, postgres, Path(folder), name
        self.data_dir = self.folder / "data"
        self.parquet_dir = self.folder / "lake"
        self.database = name.replace("-", "_")
        Psql(postgres.url()).run(f"CREATE DATABASE {self.database}")
        # gzip, because Python's standard library reads it. A killed consumer's partitions are free after the session timeout.
        self.env = {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "KAFKA_CONFIG_COMPRESSION_CODEC": "gzip",
                    "KAFKA_CONFIG_SESSION_TIMEOUT_MS": "2000", "KAFKA_CONFIG_HEARTBEAT_INTERVAL_MS": "500", "KAFKA_PARTITIONS": "3", "PUBLISH_TIMEOUT": "2s",
                    "PARQUET_DIR": str(self.parquet_dir), "CONSUMER_GROUP": name}
        self.running = []
        self.pool = ThreadPoolExecutor(1)
        self.use(topic=name, database_url=postgres.url(self.database))

    def use(self, topic, database_url):
        """Sets these for all programs that are started later."""
        self.topic, self.database_url, self.sql = topic, database_url, Psql(database_url)
        self.env |= {"KAFKA_TOPIC": topic, "DATABASE_URL": database_url}

    def serve(self, **more):
        return self._started(Deltadrop(self.data_dir, command="serve", env=self.env, **more))

    def consume(self, flags=(), **more):
        log = self.folder / f"consume{len(self.running)}.log"
        return self._started(Program("consume", log, flags=flags, env=self.env, **more))

    def dev(self):
        return self._started(Deltadrop(self.data_dir, env=self.env))

    def command(self, *arguments):
        return subprocess.run([str(PROGRAM), *arguments, "--data-dir", str(self.data_dir)], capture_output=True, text=True, check=False,
                              timeout=60, env={**self.env, "LISTEN": "127.0.0.1:0"})

    def _started(self, program):
        self.running.append(program)
        return program

    def end(self):
        for program in self.running:
            program.kill()
        self.pool.shutdown()

    def wait_applied(self, server, upload_id, what="in_lake", patience_s=PATIENCE_S):
        """Repeats the request until the deadline, because one `?wait=` takes at most 30 s."""
        deadline = time.monotonic() + patience_s
        while True:
            state = server.wait(upload_id, what)
            if state[what]:
                return state
            assert time.monotonic() < deadline, f"{state}\n{self.logs()}"

    def wait_published(self, server, upload_id):
        deadline = time.monotonic() + PATIENCE_S
        while (state := server.wait(upload_id, "published"))["state"] != "published":
            assert time.monotonic() < deadline, f"{state}\n{self.logs()}"
        return state

    def logs(self):
        return "\n".join(f"--- {program.log_path.name}\n{program.log_path.read_text()[-3000:]}" for program in self.running)

    # ---- contents of the database and the topic, read without Deltadrop

    def open_rows(self):
        """{key: values} of the current rows."""
        return {row["record_key"]: row["data"] for row in self.sql.rows("SELECT record_key, data FROM company_data WHERE is_current")}

    def rows_at(self, time_text):
        sql = ("SELECT record_key, data FROM company_data "
               f"WHERE valid_from <= '{time_text}' AND (valid_to IS NULL OR '{time_text}' < valid_to)")
        return {row["record_key"]: row["data"] for row in self.sql.rows(sql)}

    def messages(self):
        """Every message of the topic, partition by partition, read by another client."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.address, enable_auto_commit=False, auto_offset_reset="earliest",
                                 check_crcs=False, max_partition_fetch_bytes=8 << 20)
        try:
            partitions = [TopicPartition(self.topic, number) for number in sorted(consumer.partitions_for_topic(self.topic))]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            found = []
            for partition in partitions:
                consumer.seek_to_beginning(partition)
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for records in consumer.poll(timeout_ms=1000, max_records=20_000).values():
                    found += records
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            consumer.close()

    def produce(self, *values):
        """Produces foreign messages: (key, value) each."""
        producer = KafkaProducer(bootstrap_servers=self.kafka.address, max_request_size=16 << 20)
        try:
            for key, value in values:
                try:
                    producer.send(self.topic, key=key, value=value).get(timeout=30)
                except KafkaError as error:
                    raise AssertionError(f"the broker refuses a message of {len(value or b'')} bytes: {error}") from error
        finally:
            producer.close()

    def check_once(self, uploads):
        """Checks that the database has all events of each upload exactly once, and that they are applied in order."""
        total = sum(upload["inserted"] + upload["updated"] + upload["deleted"] for upload in uploads)
        counted = self.sql.rows("SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM cdc_events")[0]
        assert (counted["n"], counted["ids"]) == (total, total)
        applied = self.sql.rows("SELECT upload_id, applied_no, state FROM uploads ORDER BY version, applied_no")
        assert [row["upload_id"] for row in applied] == [upload["upload_id"] for upload in uploads]
        assert {row["state"] for row in applied} == {"applied"}
        numbers = [row["applied_no"] for row in applied]
        assert numbers == sorted(numbers)


def health_until(program, what, good):
    """Requests /health until `good(answer)` is true."""
    deadline = time.monotonic() + PATIENCE_S
    answer = None
    while time.monotonic() < deadline:
        answer = requests.get(program.url + "/health", timeout=60).json()
        if good(answer):
            return answer
    raise AssertionError(f"{what}: {answer}\n{program.log_path.read_text()[-3000:]}")


def csv_of(rows):
    """{key: amount} as a CSV file."""
    return "record_id,amount\n" + "".join(f"{key},{amount}\n" for key, amount in rows.items())


def values_of(rows):
    return {key: {"record_id": key, "amount": amount} for key, amount in rows.items()}
