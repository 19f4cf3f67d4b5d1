"""Real timenode processes on loopback addresses, and a peer of our own making to talk to them.

Waits are for events, each with a deadline; nothing waits for a fixed time.
"""

import contextlib
import json
import lzma
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
CHAIN = DATA / "testnet-0-2000.jsonl.xz"
TIMENODE = os.environ.get("TIMENODE", str(ROOT / "build" / "release" / "timenode"))

# Generous, for a loaded machine and sanitizers; an event that comes ends the wait at once.
DEADLINE = 60.0

HANDSHAKE = {"Handshake": {"magic": [84, 73, 77, 69], "protocol_version": 1, "network": "Testnet"}}
ACK = {"Ack": {"message_type": "Handshake"}}


def wait_until(what, condition, deadline=DEADLINE):
    """Polls until `condition` gives something true, and returns that."""
    end = time.monotonic() + deadline
    pause = threading.Event()
    last_error = None
    while time.monotonic() < end:
        try:
            result = condition()
            if result:
                return result
        except (OSError, KeyError, RuntimeError) as error:
            last_error = error
        pause.wait(0.02)  # an interval of polling, not a wait for something to have happened
    raise AssertionError(f"not within {deadline:.0f} s: {what} (last error: {last_error})")


def chain_blocks():
    with lzma.open(CHAIN, "rt") as lines:
        return [json.loads(line) for line in lines]


class RpcError(RuntimeError):
    pass


class Node:
    """One process, at one address, with a data directory that outlives it."""

    def __init__(self, ip, directory, peers=(), extra=(), config=""):
        self.ip = ip
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.peers = list(peers)
        self.extra = list(extra)
        self.config = config
        self.data = self.directory / "data"
        self.process = None
        self.log = self.directory / "output.log"

    def command(self):
        config = self.directory / "config.toml"
        config.write_text(f'[metrics]\nenabled = true\nlisten_address = "{self.ip}:24102"\n'
                          + self.config)
        args = [TIMENODE, "run", "--config", str(config), "--network", "testnet",
                "--listen", f"{self.ip}:24100", "--rpc", f"{self.ip}:24101",
                "--data-dir", str(self.data)]
        for peer in self.peers:
            args += ["--peer", peer]
        return args + self.extra

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.ip} ended with {self.process.returncode}:\n{self.output()}")
            return self.call("uptime") is not None
        wait_until(f"{self.ip} answers", ready)

    def call(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        request = urllib.request.Request(f"http://{self.ip}:24101/", body.encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
        if answer.get("error"):
            raise RpcError(answer["error"])
        return answer["result"]

    def height(self):
        return self.call("getblockcount")

    def peer_info(self):
        return [p for p in self.call("getpeerinfo") if p["state"] == "established"]

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.ip}:24102/metrics", timeout=10) as response:
            return response.read().decode()

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, deadline=5.0):
        """SIGTERM; returns the exit status. Longer than 5 s is a failure of the node."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.ip} did not stop within {deadline} s:\n{self.output()[-3000:]}")


class Network:
    """Nodes that are stopped, and directories that are removed, at the end of a test."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="timenode-e2e-"))
        self.nodes = []

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                if kind:
                    print(f"--- {node.ip}\n{node.output()[-2000:]}")
                node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def node(self, ip, peers=(), **options):
        node = Node(ip, self.directory / ip, peers, **options)
        self.nodes.append(node)
        return node

    def import_chain(self, node, chain=CHAIN):
        return subprocess.run([TIMENODE, "import", str(chain), "--network", "testnet",
                               "--data-dir", str(node.data)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


class Peer:
    """A peer of our own making: one connection, lines of JSON."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = b""

    @classmethod
    def dial(cls, to, own_ip, port=24100):
        connection = socket.socket()
        connection.bind((own_ip, 0))
        connection.settimeout(10)
        connection.connect((to, port))
        return cls(connection)

    def __del__(self):
        self.connection.close()

    def send(self, message):
        line = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"))
        self.connection.sendall(line.encode() + b"\n")

    def receive(self, deadline=DEADLINE):
        """The next message; None at the end of the connection."""
        end = time.monotonic() + deadline
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.connection], [], [], left)[0]:
                raise AssertionError(f"nothing came within {deadline} s")
            try:
                chunk = self.connection.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def receive_kind(self, kind, deadline=DEADLINE):
        """The next message of that kind; others are passed over."""
        end = time.monotonic() + deadline
        while True:
            message = self.receive(max(0.01, end - time.monotonic()))
            if message is None:
                raise AssertionError(f"the connection ended before a {kind} came")
            if kind_of(message) == kind:
                return message

    def ended(self, deadline=DEADLINE):
        """True when the other side ends the connection in time."""
        end = time.monotonic() + deadline
        with contextlib.suppress(AssertionError):
            while time.monotonic() < end:
                if self.receive(end - time.monotonic()) is None:
                    return True
        return False

    def close(self):
        self.connection.close()


def kind_of(message):
    return message if isinstance(message, str) else next(iter(message))


class Listener:
    """Accepts connections at an address, as a peer that is dialed."""

    def __init__(self, ip, port=24100):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((ip, port))
        self.socket.listen(16)

    def accept(self, deadline=DEADLINE):
        self.socket.settimeout(deadline)
        connection, _ = self.socket.accept()
        return Peer(connection)

    def close(self):
        self.socket.close()


def free_space_directory(size_kib):
    """A small file system of its own, or None where that is not allowed."""
    directory = tempfile.mkdtemp(prefix="timenode-full-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", directory],
                          capture_output=True)
    if done.returncode != 0:
        os.rmdir(directory)
        return None
    return directory


def release_directory(directory):
    subprocess.run(["umount", directory], check=True)
    os.rmdir(directory)


__all__ = [name for name in dir() if not name.startswith("_")]
