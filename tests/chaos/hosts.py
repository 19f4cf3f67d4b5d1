"""Real timenode processes, each on a host (a namespace) of its own, and what they say of themselves."""

import collections
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

RPC = ("127.0.0.1", 24101)


class RpcError(Exception):
    pass


class Host:
    """One host: at most one process, and a data directory that outlives it."""

    def __init__(self, number, namespace, ip, peers, directory, timenode):
        self.number, self.namespace, self.ip, self.peers = number, namespace, ip, peers
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.data = self.directory / "data"
        self.log = self.directory / "output.log"
        self.timenode = timenode
        self.process = None
        self.frozen = False
        self.starts = 0
        self.problems = []           # what a process of ours must never do
        self.ended = collections.Counter()  # connections, by cause, over all of its lives
        self.ended_now = {}
        self.refused = collections.Counter()
        self.refused_now = {}

    def command(self):
        config = self.directory / "config.toml"
        config.write_text('[metrics]\nenabled = false\n')
        peers = [word for peer in self.peers for word in ("--peer", peer)]
        return self.namespace.execute(
            self.timenode, "run", "--config", config, "--network", "testnet", "--listen", f"{self.ip}:24100",
            "--rpc", f"{RPC[0]}:{RPC[1]}", "--data-dir", self.data, "--log-level", "debug", *peers)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        self.starts += 1
        self.frozen = False

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        """Notes a process that ended without being told to."""
        if self.process is not None and self.process.poll() is not None:
            self.problems.append(f"{self.ip} ended by itself with status {self.process.returncode}:\n{self.tail()}")
            self.process = None

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _over(self):
        """A life is over: what it counted is added up."""
        self.ended.update(self.ended_now)
        self.refused.update(self.refused_now)
        self.ended_now, self.refused_now = {}, {}
        self.process = None

    def kill(self, wipe=False):
        self.process.kill()
        self.process.wait()
        self._over()
        if wipe:
            shutil.rmtree(self.data, ignore_errors=True)

    def stop(self):
        """SIGTERM; longer than five seconds, or a status that is not 0, is a problem."""
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        try:
            status = self.process.wait(30)
            took = time.monotonic() - began
            if status != 0:
                self.problems.append(f"{self.ip} stopped with status {status}:\n{self.tail()}")
            elif took > 5:
                self.problems.append(f"{self.ip} took {took:.1f} s to stop")
        except subprocess.TimeoutExpired:
            self.problems.append(f"{self.ip} did not stop within 30 s:\n{self.tail()}")
            self.process.kill()
            self.process.wait()
        self._over()

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)
        self.frozen = True

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)
        self.frozen = False

    def call(self, *methods):
        """The results of several methods, all of one moment."""
        connection = http.client.HTTPConnection(*RPC, timeout=5)
        connection.sock = self.namespace.connect(RPC, 5)
        try:
            body = [{"jsonrpc": "2.0", "id": i, "method": method} for i, method in enumerate(methods)]
            connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            answers = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        for answer in answers:
            if "error" in answer:
                raise RpcError(answer["error"]["message"])
        return [answer["result"] for answer in answers]


class View:
    """What one host said at one moment."""

    def __init__(self, host):
        peers, network, chain, banned, uptime = host.call(
            "getpeerinfo", "getnetworkinfo", "getblockchaininfo", "listbanned", "uptime")
        self.links = collections.defaultdict(list)  # by IP: (id, inbound)
        self.pings = 0
        for peer in peers:
            if peer["state"] == "established":
                self.links[peer["addr"].rsplit(":", 1)[0]].append((peer["id"], peer["inbound"]))
                self.pings += peer["pongreceived"]
        self.height, self.tip = chain["blocks"], chain["bestblockhash"]
        self.violations = {name: count for name, count in network["invariant_violations"].items() if count}
        self.banned = banned
        self.uptime = uptime
        host.ended_now = network["connections_ended"]
        host.refused_now = network["connections_refused"]
