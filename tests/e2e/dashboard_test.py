"""The dashboard in a browser: what it shows is what RPC says.

Chromium is driven by Playwright (tests/e2e/browser; `deploy/setup.sh --browser` installs both). Without them, the
page and its events are looked at without a browser, and the rest is skipped.
"""

import http.client
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import Network, wait_until

HERE = pathlib.Path(__file__).resolve().parent
BROWSER = HERE / "browser"
ADDRESSES = [f"127.0.82.{i}" for i in range(1, 5)]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
# Where deploy/setup.sh puts what npm brings, beside the checkout's own.
MODULES = [BROWSER / "node_modules", pathlib.Path(os.environ.get("TIMENODE_PREFIX", "/opt/timenode")) / "browser" / "node_modules"]
HAS_BROWSER = bool(CHROMIUM and shutil.which("node") and any((m / "playwright-core").exists() for m in MODULES))


class Page:
    """A browser with the page open."""

    def __init__(self, url, device="desktop", scheme="light", refusals=0):
        env = dict(os.environ, NODE_PATH=os.pathsep.join(map(str, MODULES)))
        self.process = subprocess.Popen(
            ["node", str(BROWSER / "dashboard.js"), url, CHROMIUM, device, scheme, str(refusals)], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"failed": "the browser ended"}
        if "failed" in answer:
            raise AssertionError(answer["failed"])
        return answer

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_network(network):
    """Four masternodes, of which the first has the chain."""
    nodes = [network.node(ip, peers=ADDRESSES[:1], extra=["--masternode"]) for ip in ADDRESSES]
    assert network.import_chain(nodes[0]).returncode == 0
    for node in nodes:
        node.start()
    wait_until("all are connected and in sync",
               lambda: all(len(n.peer_info()) == 3 and n.height() == 2000 for n in nodes))
    wait_until("all know all masternodes",
               lambda: all(len(n.call("masternodelist")["masternodes"]) == 4 for n in nodes))
    return nodes


class WithoutBrowser(unittest.TestCase):
    def test_the_page_loads_nothing_from_elsewhere_and_says_so(self):
        with Network() as network:
            node = network.node(ADDRESSES[0]).start()
            connection = http.client.HTTPConnection(f"{node.ip}:24101", timeout=20)
            connection.request("GET", "/")
            answer = connection.getresponse()
            page = answer.read().decode()
            self.assertEqual(answer.status, 200)
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
            self.assertTrue(answer.headers["Content-Type"].startswith("text/html"))
            without_namespaces = page.replace("http://www.w3.org/2000/svg", "")
            self.assertNotIn("http://", without_namespaces)
            self.assertNotIn("https://", without_namespaces)
            connection.close()

    def test_events_come_by_themselves_and_tell_what_rpc_tells(self):
        with Network() as network:
            node = network.node(ADDRESSES[0])
            self.assertEqual(network.import_chain(node).returncode, 0)
            node.start()
            connection = http.client.HTTPConnection(f"{node.ip}:24101", timeout=20)
            connection.request("GET", "/events")
            answer = connection.getresponse()
            self.assertEqual(answer.headers["Content-Type"], "text/event-stream")
            names = []
            for line in answer:
                if line.startswith(b"event: "):
                    names.append(line[7:].strip().decode())
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    self.assertEqual(event["getblockchaininfo"]["blocks"], 2000)
                    self.assertEqual(event["blocks"][0]["hash"], node.call("getbestblockhash"))
                    self.assertTrue(event["getactors"]["kinds"])
                    if len(names) == 3:
                        break
            self.assertEqual(names, ["first", "node", "node"])
            connection.close()


@unittest.skipUnless(HAS_BROWSER, "needs chromium, node and playwright-core: deploy/setup.sh --browser")
class InBrowser(unittest.TestCase):
    def test_it_shows_what_rpc_says_and_follows_it(self):
        with Network() as network:
            nodes = start_network(network)
            first = nodes[0]
            with Page(f"http://{first.ip}:24101/") as page:
                shown = wait_until("three peers are shown", lambda: (
                    s := page.ask("show")) and len(s["peers"]) == 3 and len(s["masternodes"]) == 4 and s)
                self.assertEqual(shown["errors"], [])
                self.assertTrue(all(r.startswith((f"http://{first.ip}:24101/", "data:")) for r in shown["requests"]))
                self.assertEqual(shown["state"], "in sync")
                self.assertEqual(shown["height"], "2,000")
                self.assertEqual(shown["peerCount"], "3")
                self.assertEqual(shown["graphLines"], 3)
                said = {p["addr"]: p for p in first.peer_info()}
                self.assertEqual({row[0] for row in shown["peers"]}, set(said))
                for row in shown["peers"]:
                    peer = said[row[0]]
                    self.assertEqual(row[1], "in" if peer["inbound"] else "out")
                    self.assertEqual(row[2], peer["state"])
                    self.assertEqual(row[5], f"{peer['synced_blocks']:,}")
                    self.assertEqual(row[11], peer["tier"])
                self.assertTrue(all(d.startswith("M") for d in shown["sparks"]))
                block = first.call("getblock", 2000)
                self.assertEqual(shown["blocks"][0][0], "2,000")
                self.assertTrue(block["hash"].startswith(shown["blocks"][0][4][:16]))
                listed = {m["address"]: m for m in first.call("masternodelist")["masternodes"]}
                self.assertEqual({row[0] for row in shown["masternodes"]}, set(listed))
                kinds = {k["name"].replace("timenode.", ""): str(k["actors"]) for k in first.call("getactors")["kinds"]}
                self.assertEqual({row[0]: row[1] for row in shown["actors"]}, kinds)
                violated = first.call("getnetworkinfo")["invariant_violations"]
                self.assertEqual({row[0]: row[1] for row in shown["invariants"]}, {n: str(v) for n, v in violated.items()})
                self.assertTrue(any("listening for peers" in line for line in shown["log"]))
                # It follows by itself: a peer goes, and comes back.
                nodes[3].stop()
                wait_until("two peers are shown", lambda: page.ask("show")["peerCount"] == "2")
                self.assertTrue(any(ADDRESSES[3] in line for line in page.ask("show")["log"]))
                nodes[3].start()
                wait_until("three peers are shown again", lambda: page.ask("show")["peerCount"] == "3")
                # It says when the node is gone, and is there again with it.
                first.stop()
                wait_until("the page says so", lambda: page.ask("show")["lost"])
                first.start()
                wait_until("the page is back", lambda: not page.ask("show")["lost"])

    def test_it_tries_again_when_the_node_refuses_it_at_first(self):
        with Network() as network:
            node = network.node(ADDRESSES[0]).start()
            with Page(f"http://{node.ip}:24101/", refusals=2) as page:
                shown = page.ask("show")
                self.assertFalse(shown["lost"])
                self.assertGreaterEqual(sum(r.endswith("/events") for r in shown["requests"]), 3)

    def test_it_fits_a_phone_and_the_dark(self):
        with Network() as network:
            node = network.node(ADDRESSES[0]).start()
            with Page(f"http://{node.ip}:24101/", "phone", "dark") as page:
                shown = page.ask("show")
                self.assertEqual(shown["errors"], [])
                self.assertFalse(shown["wide"], "the page can be moved sideways")
                self.assertEqual(shown["background"], "rgb(17, 22, 29)")
                self.assertTrue(any("no peer" in text for text in shown["attention"]))
                page.ask("theme")
                self.assertEqual(page.ask("show")["background"], "rgb(246, 247, 249)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
