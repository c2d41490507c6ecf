#!/usr/bin/env python3
"""A real Kafka broker for tests: one node, KRaft, free ports, everything under one folder.

    tests/support/kafka_server.py FOLDER

As a program, it reads commands from its standard input, one per line: start, stop, kill, freeze, thaw. It answers each with
`ok HOST:PORT` or `error REASON`, and ends the broker when its input ends. Needs only Python's standard library.
"""

import subprocess
import sys
from pathlib import Path

from server_process import ServerProcess, free_ports

ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".deps/kafka-4.1.1"

# Heap and compiler settings for a broker that starts often and runs for a minute.
JAVA = ["java", "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", f"{JARS}/*"]

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
{more}
"""


class KafkaServer(ServerProcess):
    """`more` is appended to the properties above and overrides them. {port}, {controller} and {folder} in it are replaced."""

    NAME = "Kafka"
    READY = b"Kafka Server started"

    def __init__(self, folder, more=""):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(self.folder / "server.log")
        self.port, controller = free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self.properties = self.folder / "server.properties"
        facts = {"port": self.port, "controller": controller, "folder": self.folder}
        self.properties.write_text(PROPERTIES.format(**facts, more=more.format(**facts)))

    def prepare(self):
        if (self.folder / "data").exists():
            return
        done = subprocess.run([*JAVA, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(self.properties)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the storage cannot be made: {done.stdout}{done.stderr}")

    def command(self):
        return [*JAVA, "kafka.Kafka", str(self.properties)]

    def greeting(self):
        return self.address


if __name__ == "__main__":
    KafkaServer(sys.argv[1]).take_commands()
