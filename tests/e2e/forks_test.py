"""Forks among real processes, and what the operator sees of them; damaged stores, checked and repaired."""

import subprocess
import unittest

from chain_peer import Chain, ChainPeer, DribblingPeer
from harness import TIMENODE, Network, chain_blocks, wait_until
from ledger import branch

NODE = "127.0.47.9"
PEERS = [f"127.0.47.{i}" for i in range(1, 6)]


def timenode(*arguments, timeout=120):
    return subprocess.run([TIMENODE, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout)


class Forks(unittest.TestCase):
    def test_a_node_comes_over_to_the_chain_of_the_masternodes_and_tells_why(self):
        trunk = chain_blocks()[:301]
        ours, theirs = Chain(branch(trunk, 300, 60, "ours")), Chain(branch(trunk, 300, 50, "theirs"))
        with Network() as network:
            lone = ChainPeer(PEERS[0], ours)
            node = network.node(NODE, peers=PEERS).start()
            wait_until("the node has the first chain", lambda: node.call("getbestblockhash") == ours.tip)
            self.assertEqual(node.call("getchaintips"), [
                {"height": 360, "hash": ours.tip, "branchlen": 0, "status": "active"}])
            lone.close()
            peers = [ChainPeer(ip, theirs, masternode=True) for ip in PEERS[1:]]
            wait_until("the node is on the masternodes' chain",
                       lambda: node.call("getbestblockhash") == theirs.tip)
            wait_until("all masternodes are seen to have it",
                       lambda: node.call("explaintip")["peers"]["same"] == len(peers))
            tips = node.call("getchaintips")
            self.assertEqual([(x["height"], x["hash"], x["branchlen"], x["status"]) for x in tips],
                             [(360, ours.tip, 60, "valid-fork"), (350, theirs.tip, 0, "active")]
                             if tips[0]["height"] == 360 else
                             [(350, theirs.tip, 0, "active"), (360, ours.tip, 60, "valid-fork")])
            explained = timenode("explain", "tip", "--rpc", f"{NODE}:24101")
            self.assertEqual(explained.returncode, 0, explained.stderr)
            self.assertIn(theirs.tip, explained.stdout)
            self.assertIn("Branch above height 300, 60 blocks", explained.stdout)
            self.assertIn("it was our chain", explained.stdout)
            self.assertIn("changed over to another branch: 60 blocks above height 300 undone",
                          node.output())
            # A restart knows the branch still.
            self.assertEqual(node.stop(), 0)
            node.start()
            self.assertIn(ours.tip, [x["hash"] for x in node.call("getchaintips")])
            self.assertEqual(node.stop(), 0)
            for peer in peers:
                peer.close()

    def test_liars_do_not_keep_a_node_from_the_chain(self):
        """Bytes that trickle, blocks that were not asked for, heights that are not there."""
        honest_chain = Chain(chain_blocks()[:1001])

        class Boaster(ChainPeer):
            def height_line(self):
                return '{"BlockHeightResponse":18446744073709551615}'

        class Forger(ChainPeer):
            def blocks_line(self, kind, first, last):
                line = super().blocks_line(kind, first, last)
                return line.replace('"value":', '"value":1', 1)

        class Parrot(ChainPeer):
            def blocks_line(self, kind, first, last):
                return super().blocks_line(kind, 7, 7)

        with Network() as network:
            liars = [DribblingPeer(PEERS[0], honest_chain), Boaster(PEERS[1], Chain(chain_blocks()[:5])),
                     Forger(PEERS[2], honest_chain), Parrot(PEERS[3], honest_chain)]
            node = network.node(NODE, peers=PEERS).start()
            wait_until("the liars are connected", lambda: all(x.connections for x in liars))
            honest = ChainPeer(PEERS[4], honest_chain)
            wait_until("the node has the whole chain", lambda: node.height() == 1000)
            self.assertEqual(node.call("getbestblockhash"), honest_chain.tip)
            # Who is slow or boasts is no offender; who forges is.
            connected = {x["addr"].rsplit(":", 1)[0]: x for x in node.peer_info()}
            self.assertIn(PEERS[0], connected)
            self.assertEqual(connected[PEERS[0]]["violations"], 0)
            for peer in (*liars, honest):
                peer.close()


class Damage(unittest.TestCase):
    def test_a_damaged_store_is_named_repaired_and_filled_up_again(self):
        with Network() as network:
            node = network.node(NODE, peers=[PEERS[0]])
            self.assertEqual(network.import_chain(node).returncode, 0)
            where = ["--network", "testnet", "--data-dir", str(node.data)]
            good = timenode("check", *where)
            self.assertEqual(good.returncode, 0, good.stderr)
            self.assertIn("2001 blocks checked", good.stdout)
            self.assertIn("the chain's height is 2000", good.stdout)
            # The tables were made of the log when it was opened: spoil a byte in the midst of the largest.
            tables = sorted((node.data / "chain").glob("*.sst"), key=lambda x: x.stat().st_size)
            spoiled = bytearray(tables[-1].read_bytes())
            spoiled[len(spoiled) // 2] ^= 0x55
            tables[-1].write_bytes(spoiled)
            bad = timenode("check", *where)
            self.assertEqual(bad.returncode, 1)
            self.assertIn("is damaged", bad.stderr)
            self.assertIn(tables[-1].name, bad.stderr)
            self.assertIn("timenode check --repair", bad.stderr)
            repaired = timenode("check", "--repair", *where)
            self.assertEqual(repaired.returncode, 0, repaired.stderr)
            self.assertIn("blocks were whole", repaired.stdout)
            self.assertTrue((node.data / "chain.damaged").is_dir())
            self.assertEqual(timenode("check", *where).returncode, 0)
            chain = Chain(chain_blocks())
            peer = ChainPeer(PEERS[0], chain)
            node.start()
            self.assertLess(node.height(), 2001)
            wait_until("what was lost is downloaded", lambda: node.height() == 2000)
            self.assertEqual(node.stop(), 0)
            self.assertEqual(timenode("check", *where).returncode, 0)
            peer.close()

    def test_a_store_without_its_list_of_files_is_moved_aside(self):
        with Network() as network:
            node = network.node(NODE)
            self.assertEqual(network.import_chain(node).returncode, 0)
            (node.data / "chain" / "CURRENT").unlink()
            where = ["--network", "testnet", "--data-dir", str(node.data)]
            refused = subprocess.run(node.command(), capture_output=True, text=True, timeout=60)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("timenode check --repair", refused.stdout + refused.stderr)
            repaired = timenode("check", "--repair", *where)
            self.assertEqual(repaired.returncode, 0, repaired.stderr)
            self.assertIn("nothing of it can be read", repaired.stdout)
            self.assertTrue((node.data / "chain.damaged").is_dir())
            node.start()
            self.assertEqual(node.height(), 0)
            self.assertEqual(node.stop(), 0)

    def test_a_store_in_use_is_not_touched(self):
        with Network() as network:
            node = network.node(NODE).start()
            done = timenode("check", "--repair", "--network", "testnet", "--data-dir", str(node.data))
            self.assertEqual(done.returncode, 1)
            self.assertIn("is in use by another process", done.stderr)
            self.assertFalse((node.data / "chain.damaged").exists())
            self.assertEqual(node.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
