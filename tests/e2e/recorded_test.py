"""The recorded connections of the deployed daemon, replayed against a real node.

Timestamps of the records are not waited for: what matters is what is said, and what has to be answered.
"""

import json
import unittest

from harness import (ACK, DATA, HANDSHAKE, Listener, Network, Peer, chain_blocks, kind_of,
                     wait_until)

NODE = "127.0.4.1"


def record(name):
    with open(DATA / "connections" / f"connection-{name}.jsonl") as lines:
        return [json.loads(line) for line in lines]


class RecordedConnections(unittest.TestCase):
    def test_a_daemon_that_dials_gets_an_answer_to_each_of_its_questions(self):
        with Network() as network:
            node = network.node(NODE).start()
            daemon = Peer.dial(NODE, "127.0.4.9")
            pings = questions = 0
            for entry in record("reference-dials"):
                if entry["from"] != "reference":
                    continue
                # Where it was recorded. A node on loopback rightly takes no private address, which it cannot reach.
                line = entry["line"].replace("10.77.0.1", "127.0.4.9")
                daemon.send(line)
                message = json.loads(line)
                kind = kind_of(message)
                if kind == "Handshake":
                    self.assertEqual(daemon.receive(), ACK)
                    # The acceptor asks for addresses, as the daemon expects.
                    daemon.receive_kind("GetPeers")
                elif kind == "Ping":
                    self.assertEqual(daemon.receive_kind("Pong")["Pong"], message["Ping"])
                    pings += 1
                elif kind == "GetBlockHeight":
                    self.assertEqual(daemon.receive_kind("BlockHeightResponse"),
                                     {"BlockHeightResponse": 0})
                    questions += 1
                elif kind == "GetPendingTransactions":
                    self.assertEqual(daemon.receive_kind("PendingTransactionsResponse"),
                                     {"PendingTransactionsResponse": []})
                elif kind in ("GetMasternodes", "GetPeers"):
                    daemon.receive_kind(kind[3:] + "Response")
                elif kind == "GetUTXOStateHash":
                    answer = daemon.receive_kind("UTXOStateHashResponse")["UTXOStateHashResponse"]
                    self.assertEqual((answer["height"], answer["utxo_count"]), (0, 1))
                    questions += 1
            self.assertGreater(pings, 10)
            self.assertGreater(questions, 10)
            info = node.peer_info()
            self.assertEqual(len(info), 1)
            self.assertTrue(info[0]["inbound"])
            self.assertEqual(info[0]["violations"], 0)
            self.assertEqual(info[0]["pinganswered"], pings)

            def is_listed():
                return [m for m in node.call("masternodelist")["masternodes"] if m["tier"] == "Free"]
            self.assertTrue(wait_until("the daemon's announcement is known", is_listed))

    def test_a_daemon_that_is_dialed_hears_the_questions_that_it_can_answer(self):
        """The record holds our questions and the daemon's answers: the answers must be taken as they are."""
        with Network() as network:
            listener = Listener("127.0.4.9")
            node = network.node(NODE, peers=["127.0.4.9"]).start()
            daemon = listener.accept()
            self.assertEqual(daemon.receive(), HANDSHAKE)
            for entry in record("reference-accepts"):
                if entry["from"] == "reference":
                    daemon.send(entry["line"])
            ping = daemon.receive_kind("Ping")["Ping"]
            daemon.send({"Pong": ping})

            def settled():
                peers = node.peer_info()
                return len(peers) == 1 and peers[0]["pongreceived"] >= 1 and peers[0]
            peer = wait_until("the daemon is a peer with a round trip", settled)
            self.assertFalse(peer["inbound"])
            self.assertEqual(peer["violations"], 0)
            listener.close()

    def test_the_same_questions_give_the_answers_that_the_daemon_gives(self):
        with Network() as network:
            network.node(NODE).start()
            us = Peer.dial(NODE, "127.0.4.9")
            entries = record("reference-accepts")
            expected = {kind_of(json.loads(e["line"])): json.loads(e["line"])
                        for e in entries if e["from"] == "reference"}
            for entry in entries:
                if entry["from"] != "us":
                    continue
                us.send(entry["line"])
                kind = kind_of(json.loads(entry["line"]))
                answer = {"Handshake": "Ack", "GetBlockHeight": "BlockHeightResponse", "Ping": "Pong",
                          "GetBlockHash": "BlockHashResponse", "GetBlocks": "BlocksResponse",
                          "GetUTXOStateHash": "UTXOStateHashResponse",
                          "ConsensusQuery": "ConsensusQueryResponse",
                          "GetBlockRange": "BlockRangeResponse",
                          "GetPendingTransactions": "PendingTransactionsResponse"}.get(kind)
                if answer:
                    self.assertEqual(us.receive_kind(answer), expected[answer])

    def test_blocks_come_back_as_they_stand_in_the_chain_and_at_most_101(self):
        blocks = chain_blocks()
        with Network() as network:
            node = network.node(NODE)
            self.assertEqual(network.import_chain(node).returncode, 0)
            node.start()
            us = Peer.dial(NODE, "127.0.4.9")
            us.send(HANDSHAKE)
            us.receive_kind("Ack")
            us.send({"GetBlocks": [500, 5000]})
            self.assertEqual(us.receive_kind("BlocksResponse")["BlocksResponse"], blocks[500:601])
            us.send({"GetBlocks": [1999, 2100]})
            self.assertEqual(us.receive_kind("BlocksResponse")["BlocksResponse"], blocks[1999:2001])


class HostilePeers(unittest.TestCase):
    def test_wrong_bytes_cost_the_peer_its_connection_and_then_its_welcome(self):
        with Network() as network:
            node = network.node(NODE).start()
            for wrong in ("GET / HTTP/1.1", "~W~M", '{"Handshake":{"magic":[1,2,3,4],'
                          '"protocol_version":1,"network":"Testnet"}}'):
                bad = Peer.dial(NODE, "127.0.4.66")
                bad.send(wrong)
                self.assertTrue(bad.ended(20))
                bad.close()
            banned = wait_until("the third violation bans", lambda: node.call("listbanned"))
            self.assertEqual(banned[0]["address"], "127.0.4.66/32")
            self.assertTrue(banned[0]["reason"] and banned[0]["evidence"])
            again = Peer.dial(NODE, "127.0.4.66")
            again.send(HANDSHAKE)
            self.assertTrue(again.ended(20))
            other = Peer.dial(NODE, "127.0.4.67")
            other.send(HANDSHAKE)
            self.assertEqual(other.receive(), ACK)

    def test_a_line_without_end_is_cut_off_at_1_kib_before_the_handshake(self):
        with Network() as network:
            network.node(NODE).start()
            bad = Peer.dial(NODE, "127.0.4.68")
            bad.connection.sendall(b"x" * 2048)
            self.assertTrue(bad.ended(20))

    def test_a_line_above_8_mib_is_a_violation_and_the_node_lives(self):
        with Network() as network:
            node = network.node(NODE).start()
            bad = Peer.dial(NODE, "127.0.4.69")
            bad.send(HANDSHAKE)
            bad.receive_kind("Ack")
            try:
                for _ in range(9):
                    bad.connection.sendall(b'"' + b"y" * (1 << 20))
            except OSError:
                pass
            wait_until("the connection is gone or marked", lambda: all(
                peer["violations"] > 0 for peer in node.peer_info()))
            self.assertEqual(node.height(), 0)

    def test_a_host_that_opens_many_connections_is_one_peer(self):
        with Network() as network:
            node = network.node(NODE).start()
            many = [Peer.dial(NODE, "127.0.4.70") for _ in range(20)]
            for peer in many:
                try:
                    peer.send(HANDSHAKE)
                except OSError:
                    pass
            wait_until("one connection is left",
                       lambda: len(node.call("getpeerinfo")) == 1 and len(node.peer_info()) == 1)
            self.assertEqual(node.call("getnetworkinfo")["connections"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
