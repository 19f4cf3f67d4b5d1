"""Real masternodes that make a chain of their own: blocks when they are due, each with the votes that made it
final, also while some of them are killed and come back, and what people send each other is in them.

TIMENODE_BLOCKS=60 makes the test with transactions as long as that, with a block every 5 s."""

import os
import subprocess
import unittest
from decimal import Decimal

from harness import HANDSHAKE, TIMENODE, Network, Peer, RpcError, wait_until

REWARD = 100 * 10**8  # of a block, in units; without transactions there are no fees on top
BLOCKS = int(os.environ.get("TIMENODE_BLOCKS", "0"))
UNITS = 10**8
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


def units(amount):
    """Of an amount of TIME in an answer."""
    return int((Decimal(repr(amount) if isinstance(amount, float) else amount) * UNITS).to_integral_exact())


def timenode(*args):
    return subprocess.run([TIMENODE, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


class Money:
    """What every address holds, counted from the blocks of a node: each spends only what is there, and gives up
    exactly its fees."""

    def __init__(self, node, height):
        self.unspent = {}
        self.fees = 0
        self.height_of = {}
        for h in range(height + 1):
            self.add(node.call("getblock", h, 2))

    def add(self, block):
        fees = 0
        for i, tx in enumerate(block["tx"]):
            assert tx["txid"] not in self.height_of, f"{tx['txid']} is there twice"
            self.height_of[tx["txid"]] = block["height"]
            spent = sum(self.unspent.pop((x["txid"], x["vout"]))[1] for x in tx["vin"])
            for x in tx["vout"]:
                self.unspent[tx["txid"], x["n"]] = (x["scriptPubKey"]["address"], x["value"])
            paid = sum(x["value"] for x in tx["vout"])
            if i > 0:
                assert spent - paid >= max(1000, paid // 1000), f"fee of {tx['txid']}"
                fees += spent - paid
        if block["height"] > 0:
            assert block["block_reward"] == REWARD + fees, f"height {block['height']}"
        self.fees += fees

    def balance(self, address):
        return sum(value for owner, value in self.unspent.values() if owner == address)

    def total(self):
        return sum(value for _, value in self.unspent.values())


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
            self.assertGreaterEqual(block["block_reward"], REWARD)
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
            # Between a block and the evidence about who decides on the next one there is none.
            wait_until("the quorum", lambda: all(node.call("getconsensusinfo")["quorum"] == 3 for node in nodes))
            self.check_light_client(nodes)
            self.check_no_complaint(nodes)
            self.assertEqual({node.stop() for node in nodes}, {0})

    def check_light_client(self, nodes):
        """Who subscribes to an address hears of what comes to it and of what becomes of that."""
        to = nodes[1].call("masternodestatus")["reward_address"]
        client = Peer.dial(nodes[2].ip, OBSERVER)
        client.send(HANDSHAKE)
        client.send({"Subscribe": {"id": "wallet", "addresses": [to], "outpoints": []}})
        wait_until("the subscription", lambda: nodes[2].call("getmempoolinfo")["subscriptions"] == 1)
        txid = nodes[0].call("sendtoaddress", to, "1.5")
        while True:
            heard = client.receive_kind("UTXOStateNotification")["UTXOStateNotification"]
            if bytes(heard["outpoint"]["txid"]).hex() == txid:
                break
        self.assertEqual(heard["new_state"], "Unspent")
        spending = nodes[1].call("sendtoaddress", nodes[3].call("masternodestatus")["reward_address"], "2")
        states = []
        while "Confirmed" not in states:
            state = client.receive_kind("UTXOStateNotification")["UTXOStateNotification"]["new_state"]
            if isinstance(state, dict):  # "Unspent" of rewards that come meanwhile is none
                name, details = next(iter(state.items()))
                if bytes(details["txid"]).hex() == spending:
                    states.append(name)
        self.assertIn("SpentFinalized", states)
        client.close()
        wait_until("its end", lambda: nodes[2].call("getmempoolinfo")["subscriptions"] == 0)

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
            # The table is written every minute, so who is killed before that knows nobody when it comes back, and
            # leads before it has heard of all others at first hand: its block pays those whom it knows. The others
            # take that as long as nobody counts as surely active, which takes two minutes. It is safe, for the
            # quorum of the set before made it final, and those who are left out are paid again by the next leader.
            self.check_chain(nodes, height + 4, {5, 6, 7}, 2)
            self.check_certificate(nodes[1])
            self.check_no_complaint(nodes)
            self.assertEqual({node.stop() for node in nodes}, {0})

    def send_round(self, nodes, addresses, sent, number):
        """Each node pays the next one something of what its rewards are."""
        for i, node in enumerate(nodes):
            to = addresses[(i + 1 + number) % len(addresses)]
            amount = f"{1 + number}.{number * 7919 % 10**8:08d}"
            try:
                sent[node.call("sendtoaddress", to, amount)] = (to, units(amount))
            except RpcError as error:  # all that it has is on its way
                self.assertIn("to spend", str(error))

    def test_what_masternodes_send_each_other_is_in_the_blocks_though_two_are_killed_and_come_back(self):
        block_time, blocks = (5, BLOCKS) if BLOCKS else (2, 12)
        with Network() as network:
            nodes = masternodes(network, 89, 7, block_time)
            self.assertTrue(nodes[0].call("getblockchaininfo")["require_signatures"])
            wait_until("three final blocks", lambda: all_final(nodes, 3))
            addresses = [node.call("masternodestatus")["reward_address"] for node in nodes]
            sent = {}

            # By the command line, as a person does.
            to, rpc = addresses[3], ("--rpc", f"{nodes[2].ip}:24101")
            done = timenode("send", to, "12.50000001", *rpc)
            self.assertEqual(done.returncode, 0, done.stderr)
            sent[done.stdout.strip()] = (to, 1_250_000_001)
            self.assertEqual(timenode("send", to, "1e3", *rpc).returncode, 2)
            refused = timenode("send", to, "1000000", *rpc)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("TIME to spend", refused.stderr)
            with self.assertRaises(RpcError):  # without a signature
                raw = nodes[0].call("getrawtransaction", done.stdout.strip())
                nodes[0].call("sendrawtransaction", raw[:-200] + "00" * 100)
            wait_until("it is final everywhere", lambda: all(
                node.call("gettransaction", done.stdout.strip()).get("finalized", True) for node in nodes))
            # Who approved it has that on his disk.
            approved = [node for node in nodes if done.stdout.strip() in (node.data / "approvals.journal").read_text()]
            self.assertGreaterEqual(len(approved), 5)

            # Until the end, at every height; two of them are gone for a third of the time.
            killed, others = nodes[1:3], [nodes[0], *nodes[3:]]
            live, number = nodes, 0
            first = height = final_height(nodes[0])
            while height < first + blocks:
                if live is nodes and height >= first + blocks // 3 and number > 0 and killed[0].process.poll() is None \
                        and not hasattr(self, "was_killed"):
                    self.was_killed = True
                    # What they sent has to be known to one who stays, or it may be gone with them.
                    wait_until("it is known to those who stay", lambda: all(
                        others[0].call("gettransaction", txid) for txid in sent))
                    for node in killed:
                        node.kill()
                    live = others
                if live is others and height >= first + 2 * blocks // 3:
                    for node in killed:
                        node.start()
                    # Before it has the others' blocks, it would spend what it has spent.
                    wait_until("they have caught up", lambda: all(
                        node.height() >= height for node in killed))
                    live = nodes
                number += 1
                self.send_round(live, addresses, sent, number)
                seen = height
                height = wait_until("the next block", lambda: max(
                    (h for h in (final_height(node) for node in others) if h > seen), default=None))
            self.assertTrue(self.was_killed and live is nodes)

            wait_until("nothing waits any more", lambda: all(
                node.call("getmempoolinfo")["size"] == 0 for node in nodes))
            height = max(final_height(node) for node in nodes)
            wait_until("all are there", lambda: all_final(nodes, height))
            self.assertGreater(len(sent), 5 * blocks // 2)
            self.check_chain(nodes, height, {5, 6, 7}, block_time)
            for node in nodes:
                money = Money(node, height)
                for txid, (to, value) in sent.items():
                    self.assertIn(txid, money.height_of, f"{node.ip} lacks it")
            self.check_money(nodes, addresses)
            self.check_no_complaint(nodes)
            self.assertEqual({node.stop() for node in nodes}, {0})

    def check_money(self, nodes, addresses):
        """The same set of outputs everywhere, of the sum that rewards less fees are, and right balances."""
        def equal():
            answers = [node.call("gettxoutsetinfo") for node in nodes]
            return len({(x["height"], x["bestblock"], x["hash_serialized"]) for x in answers}) == 1 and answers
        answers = wait_until("one set of outputs", equal)
        money = Money(nodes[0], answers[0]["height"])
        genesis = sum(x["value"] for tx in nodes[0].call("getblock", 0, 2)["tx"] for x in tx["vout"])
        paid = sum(x["amount"] for h in range(1, answers[0]["height"] + 1)
                   for x in nodes[0].call("getblock", h)["masternode_rewards"])
        self.assertEqual(money.total(), genesis + paid - money.fees)
        self.assertGreater(money.fees, 0)
        for answer in answers:
            self.assertEqual(units(answer["total_amount"]), money.total())
            self.assertEqual(answer["txouts"], len(money.unspent))

        def balances():
            height = nodes[4].height()
            money = Money(nodes[4], height)
            said = [timenode("balance", a, "--rpc", f"{nodes[4].ip}:24101").stdout for a in addresses]
            return nodes[4].height() == height and (money, said)
        money, said = wait_until("balances between two blocks", balances)
        for address, text in zip(addresses, said):
            self.assertRegex(text, r"^\d+\.\d{8} TIME\n$")
            self.assertEqual(units(text.split()[0]), money.balance(address))


if __name__ == "__main__":
    unittest.main()
