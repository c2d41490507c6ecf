"""A server as a child process. Starting it waits until it is ready; it can be ended as by an operator or by a crash."""

import ctypes
import signal
import socket
import subprocess
import sys
import threading


class ServerProcess:
    """The base class of the tests' real servers. Keeps its port and its data over stop and start. Use it from one thread."""

    NAME = "the server"
    READY = b""
    START_TIMEOUT_S = 120
    STOP_TIMEOUT_S = 60
    STOP = signal.SIGTERM  # like an operator
    KILL = signal.SIGKILL  # without notice, like a crash

    def __init__(self, log):
        self.log = log
        self.process = None

    # ---- overridden by each kind of server

    def prepare(self):
        """Makes the data folder before the first start."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def popen_arguments(self):
        return {}

    def greeting(self):
        """Returns its address."""
        raise NotImplementedError

    # ----

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
        self.prepare()
        # Start it in its own session: Ctrl-C at a terminal then reaches only the parent, which ends the server in turn.
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True, preexec_fn=self._die_with_parent, **self.popen_arguments())
        ready = threading.Event()
        threading.Thread(target=self._copy_log, args=(self.process, ready), daemon=True).start()
        if not ready.wait(self.START_TIMEOUT_S) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError(f"{self.NAME} did not start: {self.log.read_text()[-2000:]}")

    def stop(self):
        self._end(self.STOP)

    def kill(self):
        self._end(self.KILL)

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def remove(self):
        self.kill()

    def take_commands(self):
        """Reads start, stop, kill, freeze and thaw from standard input, one per line. Ends the server when the input ends."""
        commands = {"start": self.start, "stop": self.stop, "kill": self.kill, "freeze": self.freeze, "thaw": self.thaw}
        try:
            for line in sys.stdin:
                try:
                    commands[line.strip()]()
                    print(f"ok {self.greeting()}", flush=True)
                except (RuntimeError, KeyError, OSError) as error:
                    print("error", " ".join(str(error).split()), flush=True)
        finally:
            self.remove()

    def _die_with_parent(self):
        """Makes the server end with the test that started it, however the test ends."""
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, self.KILL)

    def _signal_all(self, what):
        if self.process:
            self.process.send_signal(what)

    def _end(self, how):
        if not self.process:
            return
        self.thaw()
        self.process.send_signal(how)
        try:
            self.process.wait(self.STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _copy_log(self, process, ready):
        with open(self.log, "ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if self.READY in line:
                    ready.set()
        ready.set()  # it ended, which start() notices


def free_ports(count):
    """Ports that nobody listens on now. They are bound at the same time, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
