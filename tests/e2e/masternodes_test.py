"""Real masternodes that make a chain of their own: blocks when they are due, each with the votes that made it
final, also while some of them are killed and come back."""

import unittest

from harness import HANDSHAKE, Network, Peer, wait_until

REWARD = 100 * 10**8  # of a block, in units; without transactions there are no fees on top
OBSERVER = "127.0.88.250"  # the higher address dials


def masternodes(network, subnet, count, block_time):
    ips = [f"127.0.{subnet}.{i}" for i in range(1, count + 1)]
    config = ("\n[masternode]\nenabled = true\n\n"
              f"[consensus]\nblock_time_seconds = {block_time}\nfirst_masternodes = {count}\n")
    nodes = [network.node(ip, peers=ips[:1] if ip != ips[0] else [], config=config) for ip in ips]
    for node in nodes:
        node.start(wait=False)
    for node in nodes:
        node.wait_ready()
    return nodes


def final_height(node):
    return node.call("getconsensusinfo")["final_height"]


def all_final(nodes, height):
    return all(final_height(node) >= height for node in nodes)


def one_tip(nodes):
    """The hash of the tip that all of them have; none while there are several."""
    tips = {node.call("getbestblockhash") for node in nodes}
    return tips.pop() if len(tips) == 1 else None


class Masternodes(unittest.TestCase):
    def check_chain(self, nodes, height, payees, block_time):
        """Every block up to that height: the same everywhere, due when the one before it says, and paid by the
        formula: floor(total x weight / sum of weights), with equal weights."""
        before = None
        for h in range(1, height + 1):
            hashes = {node.call("getblockhash", h) for node in nodes}
            self.assertEqual(len(hashes), 1, f"height {h}")
            block = nodes[0].call("getblock", h)
            paid = [x["amount"] for x in block["masternode_rewards"]]
            self.assertIn(len(paid), payees, f"height {h}")
            self.assertEqual(paid, [REWARD // len(paid)] * len(paid), f"height {h}")
            self.assertEqual(len({x["address"] for x in block["masternode_rewards"]}), len(paid))
            self.assertEqual(block["block_reward"], REWARD)
            if before is not None:
                self.assertEqual(block["time"], before["time"] + block_time, f"height {h}")
            before = block

    def check_certificate(self, node):
        """A peer that comes is told the votes that made the tip final: of more than two thirds of those whom the
        block before it paid."""
        peer = Peer.dial(node.ip, OBSERVER)
        peer.send(HANDSHAKE)
        commit = peer.receive_kind("BlockCommit")["BlockCommit"]
        peer.close()
        self.assertEqual(bytes(commit["block_hash"]).hex(), node.call("getblockhash", commit["height"]))
        members = len(node.call("getblock", commit["height"] - 1)["masternode_rewards"])
        voters = {voter for voter, _ in commit["signatures"]}
        self.assertGreater(3 * len(voters), 2 * members)
        self.assertTrue(all(len(signature) == 64 for _, signature in commit["signatures"]))

    def check_no_complaint(self, nodes):
        for node in nodes:
            for line in node.output().splitlines():
                self.assertFalse("[error]" in line or "two different ballots" in line, f"{node.ip}: {line}")

    def test_four_masternodes_make_certified_blocks(self):
        with Network() as network:
            nodes = masternodes(network, 86, 4, 5)
            wait_until("four final blocks", lambda: all_final(nodes, 4))
            self.assertTrue(wait_until("one tip", lambda: one_tip(nodes)))
            self.check_chain(nodes, 4, {4}, 5)
            self.check_certificate(nodes[2])
            self.assertEqual({node.call("masternodelist")["total"] for node in nodes}, {4})
            for node in nodes:
                self.assertEqual(node.call("getconsensusinfo")["quorum"], 3)
            self.check_no_complaint(nodes)
            self.assertEqual({node.stop() for node in nodes}, {0})

    def test_seven_masternodes_go_on_while_two_are_killed_and_come_back(self):
        with Network() as network:
            nodes = masternodes(network, 87, 7, 2)
            wait_until("three final blocks", lambda: all_final(nodes, 3))
            killed, others = nodes[1:3], [nodes[0], *nodes[3:]]
            for node in killed:
                node.kill()
            height = max(final_height(node) for node in others)
            wait_until("five of seven go on", lambda: all_final(others, height + 3))
            for node in killed:
                node.start()
            height = max(final_height(node) for node in others)
            wait_until("all seven go on", lambda: all_final(nodes, height + 4))
            self.assertTrue(wait_until("one tip", lambda: one_tip(nodes)))
            # Who has just come back may not be known to every leader yet.
            self.check_chain(nodes, height + 4, {5, 6, 7}, 2)
            self.check_certificate(nodes[1])
            self.check_no_complaint(nodes)
            self.assertEqual({node.stop() for node in nodes}, {0})


if __name__ == "__main__":
    unittest.main()
