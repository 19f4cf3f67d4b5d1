"""A node that is killed with SIGKILL at random moments, while it imports, syncs and changes branches.

After each kill `timenode check` must find every block, undo record and unspent output right, and the work
must go on. `crash_test.py --kills 300` makes a long run of it, with a line for each phase; CTest runs a short
one. `--seed` repeats the moments as far as the machine allows.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time
import unittest

from chain_peer import Chain, ChainPeer, PacedPeer
from harness import TIMENODE, Network, chain_blocks, wait_until
from ledger import branch

NODE = "127.0.46.9"
PEERS = [f"127.0.46.{i}" for i in range(1, 6)]

OPTIONS = {"kills": int(os.environ.get("TIMENODE_KILLS", "20")), "seed": 1, "verbose": False}


def pause(seconds):
    """Lets a random time pass; nothing is expected to have happened after it."""
    threading.Event().wait(seconds)


class Run:
    """What is done to one data directory, and what came of it."""

    def __init__(self, network, kills, name):
        self.network = network
        self.kills = kills
        self.name = name
        self.random = random.Random(f"{OPTIONS['seed']} {name}")
        self.done = 0
        self.heights = []

    def tell(self, text):
        if OPTIONS["verbose"]:
            print(f"{self.name}: {self.done}/{self.kills} kills; {text}", flush=True)

    def check(self, data):
        """The store is whole; returns its height. There may be no store yet after an early kill."""
        if not (data / "chain").exists():
            return None
        done = subprocess.run([TIMENODE, "check", "--network", "testnet", "--data-dir", str(data)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"after {self.done} kills: {done.stdout}{done.stderr}")
        height = int(done.stdout.split("the chain's height is ")[1])
        self.heights.append(height)
        return height


class Crashes(unittest.TestCase):
    def share(self, part):
        """A third of the kills for each phase."""
        return max(3, OPTIONS["kills"] // 3 + (OPTIONS["kills"] % 3 > part))

    def test_a_killed_import_leaves_a_whole_chain_and_goes_on(self):
        with Network() as network:
            run = Run(network, self.share(0), "import")
            blocks = branch(chain_blocks(), 2000, 2000, "imported")
            chain = network.directory / "chain.jsonl"
            chain.write_text("".join(json.dumps(x, separators=(",", ":")) + "\n" for x in blocks))
            data = network.directory / "data"
            command = [TIMENODE, "import", str(chain), "--network", "testnet",
                       "--data-dir", str(data)]

            def start():
                return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            begin = time.monotonic()
            self.assertEqual(start().wait(), 0)
            whole = time.monotonic() - begin
            self.assertEqual(run.check(data), 4000)
            shutil.rmtree(data)
            finished = 0
            while run.done < run.kills:
                process = start()
                pause(run.random.uniform(0, whole))
                process.kill()
                process.wait()
                run.done += 1
                if run.check(data) == 4000:
                    finished += 1
                    shutil.rmtree(data)
            run.tell(f"heights seen {sorted(set(run.heights))}, {finished} imports came to their end")
            self.assertEqual(start().wait(), 0)
            self.assertEqual(run.check(data), 4000)

    def test_a_killed_sync_leaves_a_whole_chain_and_goes_on(self):
        with Network() as network:
            run = Run(network, self.share(1), "sync")
            chain = Chain(branch(chain_blocks(), 2000, 1500, "synced"))
            peers = [PacedPeer(ip, chain) for ip in PEERS[:2]]
            node = network.node(NODE, peers=[x.ip for x in peers])
            finished = 0

            def hit():
                return any(0 < height < chain.height for height in run.heights)

            # A kill in the middle has to be among them, or they came too early or too late to say anything.
            while run.done < run.kills or (not hit() and run.done < 10 * run.kills):
                node.start(wait=False)
                asked = sum(x.counts.get("GetBlocks", 0) for x in peers)
                if run.random.random() < 0.9:  # Else it is killed before it is up.
                    wait_until("blocks are asked for", lambda: sum(
                        x.counts.get("GetBlocks", 0) for x in peers) > asked)
                pause(run.random.uniform(0, 0.4))
                node.kill()
                run.done += 1
                if run.check(node.data) == chain.height:
                    finished += 1
                    shutil.rmtree(node.data)
            run.tell(f"heights seen {sorted(set(run.heights))}, {finished} syncs came to their end")
            self.assertTrue(hit(), run.heights)
            node.start()
            wait_until("the sync comes to its end", lambda: node.height() == chain.height)
            self.assertEqual(node.stop(), 0)
            self.assertEqual(run.check(node.data), chain.height)
            for peer in peers:
                peer.close()

    def test_a_killed_reorganisation_leaves_one_whole_branch_and_goes_on(self):
        with Network() as network:
            run = Run(network, self.share(2), "reorganisation")
            trunk = chain_blocks()[:301]
            chains = [Chain(branch(trunk, 300, 90, "one")), Chain(branch(trunk, 300, 120, "two"))]
            tips = {x.tip: x for x in chains}
            peers = [ChainPeer(ip, chains[0], masternode=True) for ip in PEERS]
            node = network.node(NODE, peers=PEERS)
            node.start()
            wait_until("the node has the first chain", lambda: node.call("getbestblockhash") in tips)
            self.assertEqual(node.stop(), 0)
            on = {"one": 0, "two": 0, "between": 0}
            current = chains[0]
            while run.done < run.kills:
                other = chains[1] if current is chains[0] else chains[0]
                for peer in peers:
                    peer.serve(other)
                asked = sum(x.counts.get("GetBlockHash", 0) for x in peers)
                node.start(wait=False)
                if run.random.random() < 0.9:
                    wait_until("the other chain is looked at", lambda: sum(
                        x.counts.get("GetBlockHash", 0) for x in peers) > asked + len(peers))
                pause(run.random.uniform(0, 0.5))
                node.kill()
                run.done += 1
                height = run.check(node.data)
                # Where it is can be told by the height: both branches have one of their own, and what is
                # between comes from blocks that were fetched after the change.
                on["one" if height == chains[0].height else
                   "two" if height == chains[1].height else "between"] += 1
                if height == other.height:
                    current = other
            run.tell(f"{on['one']} times on the first branch, {on['two']} on the second, "
                     f"{on['between']} on the way")
            node.start()
            final = peers[0].chain
            wait_until("the node ends on the branch of the masternodes",
                       lambda: node.call("getbestblockhash") == final.tip)
            tips_seen = node.call("getchaintips")
            self.assertEqual(tips_seen[0]["status"], "active")
            self.assertEqual(node.call("getblockchaininfo")["blocks"], final.height)
            self.assertEqual(node.stop(), 0)
            self.assertEqual(run.check(node.data), final.height)
            # Both branches were seen, or the kills all came too early to say anything.
            self.assertGreater(on["one"] * on["two"] + on["between"], 0)
            for peer in peers:
                peer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=OPTIONS["kills"])
    parser.add_argument("--seed", type=int, default=1)
    known, rest = parser.parse_known_args()
    OPTIONS.update(kills=known.kills, seed=known.seed, verbose=known.kills > 30)
    begin = time.monotonic()
    result = unittest.main(argv=[sys.argv[0], *rest], exit=False).result
    if OPTIONS["verbose"]:
        print(f"{OPTIONS['kills']} kills in {time.monotonic() - begin:.0f} s", flush=True)
    sys.exit(not result.wasSuccessful())
