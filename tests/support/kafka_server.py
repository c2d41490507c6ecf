#!/usr/bin/env python3
"""A real Kafka broker for tests: one node, KRaft, free ports, everything under one folder.

    tests/support/kafka_server.py FOLDER

As a program it takes commands on its standard input, one a line: start, stop, kill, freeze, thaw. It answers each with
`ok HOST:PORT` or `error REASON`, and ends the broker when its input ends. Needs only Python's own library.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".deps/kafka-4.1.1"
STARTED = b"Kafka Server started"
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60

# Heap and compilers for a broker that starts often and lives for a minute.
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


def free_ports(count):
    """Ports that nobody listens on now; held together, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def die_with_parent():
    """A broker never outlives the test that started it, whatever ends that."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class KafkaServer:
    """Keeps its port and its data over stop and start. Use from one thread."""

    def __init__(self, folder, more=""):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, controller = free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "server.log"
        self.properties = self.folder / "server.properties"
        self.properties.write_text(
            PROPERTIES.format(port=self.port, controller=controller, folder=self.folder, more=more))
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        if self.process:
            raise RuntimeError("it runs already")
        if not (self.folder / "data").exists():
            self._java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(self.properties))
        self.process = subprocess.Popen(
            [*JAVA, "kafka.Kafka", str(self.properties)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        started = threading.Event()
        threading.Thread(target=self._copy_log, args=(self.process, started), daemon=True).start()
        if not started.wait(START_TIMEOUT_S) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError(f"Kafka did not start: {self.log.read_text()[-2000:]}")

    def stop(self):
        """As an operator stops it: it flushes and says goodbye to its clients."""
        self.thaw()
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)

    def _end(self, how):
        if not self.process:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _java(self, *arguments):
        done = subprocess.run([*JAVA, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} failed: {done.stdout}{done.stderr}")

    def _copy_log(self, process, started):
        with open(self.log, "ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if STARTED in line:
                    started.set()
        started.set()  # it ended; start() sees that


def main():
    server = KafkaServer(sys.argv[1])
    commands = {"start": server.start, "stop": server.stop, "kill": server.kill, "freeze": server.freeze,
                "thaw": server.thaw}
    try:
        for line in sys.stdin:
            try:
                commands[line.strip()]()
                print(f"ok {server.address}", flush=True)
            except (RuntimeError, KeyError, OSError) as error:
                print("error", " ".join(str(error).split()), flush=True)
    finally:
        server.kill()


if __name__ == "__main__":
    main()
