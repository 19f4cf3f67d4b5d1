"""Peers of our own making that listen at an address and serve a chain, well or badly.

Each connection has a thread. What a peer has may be changed at any time by `serve`.
"""

import json
import socket
import threading
import time

from harness import ACK, kind_of
from ledger import block_hash


class Chain:
    """Blocks with their hashes and texts, made once and shared by many peers."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.hashes = [list(block_hash(x)) for x in blocks]
        self.texts = [json.dumps(x, separators=(",", ":")) for x in blocks]

    @property
    def height(self):
        return len(self.blocks) - 1

    @property
    def tip(self):
        return bytes(self.hashes[-1]).hex()


class ChainPeer:
    """Answers questions about its chain on connections that it accepts."""

    def __init__(self, ip, chain, masternode=False, port=24100):
        self.ip = ip
        self.chain = chain
        self.masternode = masternode
        self.counts = {}  # messages that came, by kind
        self.connections = 0
        self.stopped = False
        self.open = []
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((ip, port))
        self.socket.listen(16)
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def serve(self, chain):
        self.chain = chain

    def close(self):
        self.stopped = True
        # A thread that waits in accept keeps the socket listening over a close.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.socket.close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def announce(self, block_text):
        """Tells everybody who is connected of a block."""
        for connection in list(self.open):
            self._write(connection, '{"BlockAnnouncement":' + block_text + "}")

    # -- what it says; liars override these. Each gives a line, or None for silence. ---------------

    def height_line(self):
        return json.dumps({"BlockHeightResponse": self.chain.height})

    def hash_line(self, height):
        chain = self.chain
        known = chain.hashes[height] if height <= chain.height else None
        return json.dumps({"BlockHashResponse": {"height": height, "hash": known}})

    def blocks_line(self, kind, first, last):
        texts = self.chain.texts[first:min(last, first + 100) + 1]
        return '{"%s":[%s]}' % (kind, ",".join(texts))

    def write_line(self, connection, line):
        connection.sendall(line.encode() + b"\n")

    # -- plumbing ------------------------------------------------------------------------------

    def _accept(self):
        while not self.stopped:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _write(self, connection, line):
        if line is None:
            return
        try:
            self.write_line(connection, line)
        except OSError:
            pass

    def _talk(self, connection):
        buffer = b""
        try:
            while True:
                chunk = connection.recv(1 << 16)
                if not chunk:
                    break
                buffer += chunk
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    self._answer(connection, json.loads(line))
        except OSError:
            pass
        finally:
            self.open.remove(connection)
            connection.close()

    def _answer(self, connection, message):
        kind = kind_of(message)
        body = None if isinstance(message, str) else message[kind]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        line = None
        if kind == "Handshake":
            line = json.dumps(ACK)
            if self.masternode:
                line += "\n" + json.dumps({"MasternodeAnnouncement": {
                    "address": self.ip, "reward_address": "TIME0masternode", "tier": "Free",
                    "public_key": [7] * 32}})
        elif kind == "Ping":
            line = json.dumps({"Pong": body})
        elif kind == "GetPeers":
            line = json.dumps({"PeersResponse": []})
        elif kind == "GetMasternodes":
            line = json.dumps({"MasternodesResponse": []})
        elif kind == "GetPendingTransactions":
            line = json.dumps({"PendingTransactionsResponse": []})
        elif kind == "GetBlockHeight":
            line = self.height_line()
        elif kind == "GetBlockHash":
            line = self.hash_line(body)
        elif kind == "GetBlocks":
            line = self.blocks_line("BlocksResponse", body[0], body[1])
        elif kind == "GetBlockRange":
            line = self.blocks_line("BlockRangeResponse", body["start_height"], body["end_height"])
        self._write(connection, line)


class PacedPeer(ChainPeer):
    """Takes its time for each range, so that a sync lasts long enough on any machine to see it, or to hit it."""

    pause = 0.03

    def blocks_line(self, kind, first, last):
        time.sleep(self.pause)
        return super().blocks_line(kind, first, last)


class DribblingPeer(ChainPeer):
    """Sends its blocks a byte at a time."""

    pause = 0.2

    def write_line(self, connection, line):
        if not line.startswith('{"Block'):
            return super().write_line(connection, line)
        data = line.encode() + b"\n"
        if len(data) < 1000:
            return connection.sendall(data)
        for i in range(len(data)):
            connection.sendall(data[i:i + 1])
            time.sleep(self.pause)


__all__ = [name for name in dir() if not name.startswith("_")]
