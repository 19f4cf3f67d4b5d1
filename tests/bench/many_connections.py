#!/usr/bin/env python3
"""One node and thousands of peers, each a real socket from an address of its own (127.x.y.z).

Every peer dials, shakes hands, answers the node's pings and sends its own, for five minutes. Printed are memory and
processor time a connection, and what was lost; the exit status is 0 only if no connection was, if every peer was pinged and
had its pings answered, and if the node counts as many connections as there are and no violated invariant.

    python3 tests/bench/many_connections.py [--connections 5000] [--minutes 5]
"""

import argparse
import errno
import json
import os
import pathlib
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE = "127.0.77.1"
PORT = 24100
HANDSHAKE = b'{"Handshake":{"magic":[84,73,77,69],"protocol_version":1,"network":"Testnet"}}\n'
PING_EVERY = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


def address_of(number):
    """127.1.0.1 and on, 250 in each of the last two places."""
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


class Peer:
    __slots__ = ("socket", "number", "acked", "buffer", "pings_answered", "pings_sent", "pongs", "next_ping", "out")

    def __init__(self, number):
        self.number, self.acked, self.buffer, self.out = number, False, b"", b""
        self.pings_answered = self.pings_sent = self.pongs = 0
        self.next_ping = 0.0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        # The port is chosen when the connection is made, so that addresses do not run out of them.
        self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        self.socket.bind((address_of(number), 0))
        result = self.socket.connect_ex((NODE, PORT))
        if result not in (0, errno.EINPROGRESS):
            raise OSError(result, os.strerror(result))


class Crowd:
    """All peers, in one thread."""

    def __init__(self):
        self.selector = selectors.EpollSelector()
        self.peers = {}
        self.lost = []
        self.acked = 0

    def dial(self, number):
        peer = Peer(number)
        self.peers[number] = peer
        self.selector.register(peer.socket, selectors.EVENT_WRITE, peer)

    def run(self, seconds):
        """Serves events for that long at most."""
        for key, events in self.selector.select(seconds):
            peer = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    self.on_writable(peer)
                if events & selectors.EVENT_READ:
                    self.on_readable(peer)
            except OSError as error:
                self.lose(peer, str(error))

    def on_writable(self, peer):
        if not peer.acked and not peer.out and peer.pings_sent == 0:
            error = peer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            peer.pings_sent = -1  # the handshake is on its way
            peer.out = HANDSHAKE
        self.flush(peer)

    def flush(self, peer):
        if peer.out:
            peer.out = peer.out[peer.socket.send(peer.out):]
        self.selector.modify(peer.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.out else 0), peer)

    def send(self, peer, message):
        peer.out += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        self.flush(peer)

    def on_readable(self, peer):
        chunk = peer.socket.recv(65536)
        if not chunk:
            return self.lose(peer, "closed by the node")
        *lines, peer.buffer = (peer.buffer + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b'{"Ping"'):
                self.send(peer, {"Pong": json.loads(line)["Ping"]})
                peer.pings_answered += 1
            elif line.startswith(b'{"Pong"'):
                peer.pongs += 1
            elif line.startswith(b'{"Ack"') and not peer.acked:
                peer.acked = True
                self.acked += 1
                peer.pings_sent = 0
                # Spread over the period, as those of peers that came over a day would be.
                peer.next_ping = time.monotonic() + PING_EVERY * (peer.number % 997) / 997
        return None

    def ping_due(self):
        now = time.monotonic()
        for peer in list(self.peers.values()):
            if peer.acked and peer.next_ping <= now:
                peer.next_ping = now + PING_EVERY
                peer.pings_sent += 1
                try:
                    self.send(peer, {"Ping": {"nonce": peer.number, "timestamp": int(time.time())}})
                except OSError as error:
                    self.lose(peer, str(error))

    def lose(self, peer, why):
        self.lost.append((address_of(peer.number), why))
        self.selector.unregister(peer.socket)
        peer.socket.close()
        del self.peers[peer.number]


class Node:
    def __init__(self, timenode, connections):
        self.directory = tempfile.mkdtemp(prefix="timenode-many-")
        config = pathlib.Path(self.directory) / "config.toml"
        config.write_text(f'[network]\nmax_peers = {connections}\n[metrics]\nlisten_address = "{NODE}:24102"\n')
        self.log = open(f"{self.directory}/log", "wb")
        self.process = subprocess.Popen(
            [timenode, "run", "--config", str(config), "--network", "testnet", "--listen", f"{NODE}:{PORT}", "--rpc",
             f"{NODE}:24101", "--data-dir", f"{self.directory}/data"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)

    def call(self, method):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode()
        request = urllib.request.Request(f"http://{NODE}:24101/", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            result = json.load(answer)
        if "error" in result:
            raise RuntimeError(result["error"])
        return result["result"]

    def wait_ready(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                return self.call("uptime")
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the node did not start:\n" + self.output())

    def output(self):
        return pathlib.Path(f"{self.directory}/log").read_text(errors="replace")[-3000:]

    def memory(self):
        """Resident memory of its own, in bytes; without what it shares with its file."""
        fields = dict(line.split(":", 1) for line in open(f"/proc/{self.process.pid}/status") if ":" in line)
        return int(fields["RssAnon"].split()[0]) * 1024

    def processor(self):
        """Seconds of processor time so far."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return self.process.returncode


def connect_all(crowd, count, rate):
    began = time.monotonic()
    dialed = 0
    while crowd.acked < count and not crowd.lost and time.monotonic() - began < 60 + count / rate:
        # Paced: the kernel's queue of connections that are not accepted yet is short on some systems.
        while dialed < min(count, (time.monotonic() - began) * rate + 1):
            crowd.dial(dialed)
            dialed += 1
        crowd.run(0.01)
        crowd.ping_due()
    return time.monotonic() - began


def hold(crowd, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        crowd.run(0.05)
        crowd.ping_due()


def enough_files(count):
    """Both processes need a file for each connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard >= count + 1100


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=500, help="dials a second; default: 500")
    parser.add_argument("--timenode", default=os.environ.get("TIMENODE", str(ROOT / "build" / "release" / "timenode")))
    options = parser.parse_args()
    count = options.connections
    if not enough_files(count):
        print(f"skipped: the hard limit of open files (ulimit -Hn) is below {count + 1100}")
        return 77
    node = Node(options.timenode, count)
    crowd = Crowd()
    problems = []
    try:
        node.wait_ready()
        before = node.memory()
        took = connect_all(crowd, count, options.rate)
        print(f"{crowd.acked} of {count} connections after {took:.1f} s", flush=True)
        hold(crowd, 5)  # until what the handshakes brought about is over
        settled = node.memory()
        processor, began = node.processor(), time.monotonic()
        hold(crowd, 60 * options.minutes)
        used = (node.processor() - processor) / (time.monotonic() - began)
        after = node.memory()
        asked = time.monotonic()
        counted = node.call("getconnectioncount")
        asked = time.monotonic() - asked
        network = node.call("getnetworkinfo")
        pinged = min((peer.pings_answered for peer in crowd.peers.values()), default=0)
        answered = sum(peer.pongs for peer in crowd.peers.values())
        sent = sum(peer.pings_sent for peer in crowd.peers.values())
        print(f"held for {options.minutes:g} min: {len(crowd.peers)} connections, {len(crowd.lost)} lost")
        print(f"memory     {(after - before) / max(count, 1) / 1024:.1f} KiB a connection ({before / 1e6:.0f} MB before, "
              f"{settled / 1e6:.0f} MB connected, {after / 1e6:.0f} MB at the end)")
        print(f"processor  {100 * used:.1f} % of a core")
        print(f"pings      every peer answered at least {pinged} of the node's; it answered {answered} of their {sent}")
        print(f"the node   counts {counted} connections (asked in {asked * 1000:.0f} ms), ended "
              f"{network['connections_ended'] or 'none'}, refused {network['connections_refused'] or 'none'}")
        expected = int(60 * options.minutes / 33)
        for wrong, what in ((crowd.acked != count, f"{count - crowd.acked} peers were not let in"),
                            (crowd.lost, f"lost: {crowd.lost[:5]}"),
                            (counted != len(crowd.peers), f"the node counts {counted} connections"),
                            (pinged < expected, f"a peer was pinged only {pinged} times, not {expected}"),
                            (answered < sent - 2 * len(crowd.peers), f"{sent - answered} pings were not answered"),
                            (any(network["invariant_violations"].values()), network["invariant_violations"])):
            if wrong:
                problems.append(what)
    finally:
        status = node.stop()
    if status != 0:
        problems.append(f"the node ended with status {status}")
    for problem in problems:
        print(f"FAILED: {problem}")
    if not problems:
        print("OK")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
