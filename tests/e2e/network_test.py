"""Whole networks of real processes: one link a pair, pings both ways, everyone at the same height."""

import itertools
import unittest

from harness import ACK, HANDSHAKE, Listener, Network, chain_blocks, kind_of, wait_until

IPS = [f"127.0.3.{i}" for i in range(1, 5)]


def links(nodes):
    """The established connections of each pair, as each end sees them."""
    seen = {}
    for node in nodes:
        for peer in node.peer_info():
            seen.setdefault((node.ip, peer["addr"].rsplit(":", 1)[0]), []).append(peer)
    return seen


class FourNodes(unittest.TestCase):
    def check_mesh(self, nodes):
        """Each pair has one connection: both ends say so, and agree on who dialed."""
        def settled():
            seen = links(nodes)
            for a, b in itertools.permutations(nodes, 2):
                if len(seen.get((a.ip, b.ip), [])) != 1:
                    return False
            return seen
        seen = wait_until("one connection a pair", settled)
        self.assertEqual(len(seen), len(nodes) * (len(nodes) - 1))
        for a, b in itertools.combinations(nodes, 2):
            self.assertNotEqual(seen[a.ip, b.ip][0]["inbound"], seen[b.ip, a.ip][0]["inbound"])
        return seen

    def test_four_nodes_find_each_other_sync_and_ping_both_ways(self):
        with Network() as network:
            nodes = [network.node(ip, peers=IPS[:1] if ip != IPS[0] else []) for ip in IPS]
            done = network.import_chain(nodes[0])
            self.assertEqual(done.returncode, 0, done.stderr)
            for node in nodes:
                node.start()
            for node in nodes:
                wait_until(f"{node.ip} has all blocks", lambda n=node: n.height() == 2000)
            hashes = {node.call("getblockchaininfo")["bestblockhash"] for node in nodes}
            self.assertEqual(len(hashes), 1)
            self.check_mesh(nodes)

            def pinged():
                return all(p["pongreceived"] >= 1 and p["pinganswered"] >= 1
                           for n in nodes for p in n.peer_info())
            wait_until("each link is pinged from both ends", pinged)
            total = sum(len(n.peer_info()) for n in nodes)
            self.assertEqual(total, 12)  # six links, two ends each
            for node in nodes:
                info = node.call("getnetworkinfo")
                self.assertEqual(info["connections"], 3)
                self.assertTrue(info["invariant_violations"])
                self.assertFalse(any(info["invariant_violations"].values()), info)
                text = node.metrics()
                self.assertIn("timenode_", text)
                self.assertIn('name="timenode.connection-registry"', text)
            for node in nodes:
                self.assertEqual(node.stop(), 0)

    def test_a_node_that_is_killed_in_mid_sync_comes_back_and_catches_up(self):
        blocks = chain_blocks()
        with Network() as network:
            # A peer that claims 2,000 blocks and gives only the first thousand: the node is half-way for sure.
            listener = Listener("127.0.3.9")
            victim = network.node("127.0.3.10", peers=["127.0.3.9"]).start()
            peer = listener.accept()
            self.assertEqual(peer.receive(), HANDSHAKE)
            peer.send(ACK)

            def serve():
                message = peer.receive()
                if message == "GetBlockHeight":
                    peer.send({"BlockHeightResponse": 2000})
                elif kind_of(message) == "GetBlocks":
                    start, end = message["GetBlocks"]
                    if end < 1000 or start < 1000:
                        peer.send({"BlocksResponse": blocks[start:min(end, start + 100, 1000) + 1]})
                elif kind_of(message) == "Ping":
                    peer.send({"Pong": message["Ping"]})
                return victim.height() >= 900
            wait_until("the victim is half-way", serve)
            victim.kill()
            peer.close()
            listener.close()

            source = network.node("127.0.3.11")
            self.assertEqual(network.import_chain(source).returncode, 0)
            source.start()
            victim.peers = ["127.0.3.11"]
            victim.start()
            self.assertGreaterEqual(victim.height(), 900)
            wait_until("the victim catches up", lambda: victim.height() == 2000)
            self.assertEqual(victim.call("getblockchaininfo")["bestblockhash"],
                             source.call("getblockchaininfo")["bestblockhash"])

    def test_a_node_that_is_killed_again_and_again_keeps_what_it_had(self):
        with Network() as network:
            source = network.node(IPS[0])
            self.assertEqual(network.import_chain(source).returncode, 0)
            source.start()
            victim = network.node(IPS[1], peers=IPS[:1])
            before = 0
            for _ in range(5):
                victim.start()
                height = victim.height()
                self.assertGreaterEqual(height, before)
                before = height
                victim.kill()
            victim.start()
            wait_until("the victim catches up", lambda: victim.height() == 2000)

    def test_a_restarted_node_is_connected_again_within_a_minute(self):
        with Network() as network:
            nodes = [network.node(ip, peers=[o for o in IPS[:3] if o != ip]) for ip in IPS[:3]]
            for node in nodes:
                node.start()
            self.check_mesh(nodes)
            nodes[1].kill()
            wait_until("the others see it go", lambda: len(nodes[0].peer_info()) == 1)
            nodes[1].start()
            self.check_mesh(nodes)


if __name__ == "__main__":
    unittest.main(verbosity=2)
