"""What an operator does about peers, and what peers do: bans, trust, orders, the address book, floods."""

import contextlib
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading
import unittest

from harness import ACK, HANDSHAKE, TIMENODE, Listener, Network, Peer, RpcError, kind_of, wait_until

NODE = "127.0.6.1"
OTHER = "127.0.6.2"


def run(*args, rpc=NODE, timeout=60):
    return subprocess.run([TIMENODE, *map(str, args), "--rpc", f"{rpc}:24101"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout)


def shake(node, own_ip):
    """A peer of our own that has shaken hands, as the node sees it too."""
    peer = Peer.dial(node.ip, own_ip)
    peer.send(HANDSHAKE)
    peer.receive_kind("Ack")
    wait_until(f"{own_ip} is established",
               lambda: any(x["addr"].startswith(own_ip + ":") for x in node.peer_info()))
    return peer


def state_of(node, ip):
    return node.call("explainpeer", ip)


class Bans(unittest.TestCase):
    def test_a_ban_by_command_closes_keeps_out_outlives_a_kill_and_is_lifted(self):
        with Network() as network:
            node = network.node(NODE).start()
            peer = shake(node, "127.0.6.66")
            done = run("ban", "127.0.6.66", "--for", "2h", "--reason", "spam")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("127.0.6.66 is banned for", done.stdout)
            self.assertIn("timenode unban 127.0.6.66", done.stdout)
            self.assertTrue(peer.ended())
            again = run("ban", "127.0.6.66", "--for", "1h")
            self.assertEqual(again.returncode, 1)
            self.assertIn("already banned", again.stderr)

            # No orderly stop: the order was on the disk when it was answered.
            node.kill()
            node.start()
            refused = Peer.dial(NODE, "127.0.6.66")
            self.assertTrue(refused.ended())
            listed = run("bans")
            self.assertIn("spam", listed.stdout)
            self.assertIn("operator", listed.stdout)
            machine = json.loads(run("bans", "--json").stdout)
            self.assertEqual(machine["banned"][0]["address"], "127.0.6.66/32")
            explained = run("explain", "peer", "127.0.6.66").stdout
            self.assertIn("banned", explained)
            self.assertIn("timenode unban 127.0.6.66", explained)

            self.assertEqual(run("unban", "127.0.6.66").returncode, 0)
            self.assertEqual(run("unban", "127.0.6.66").returncode, 1)
            shake(node, "127.0.6.66").close()
            self.assertIn("Nobody is banned", run("bans").stdout)

            # A word takes the place of its opposite, and says so.
            self.assertNotIn("lifted", run("trust", "127.0.6.66").stdout)
            self.assertIn("not trusted any more", run("ban", "127.0.6.66").stdout)
            self.assertIn("its ban is lifted", run("trust", "127.0.6.66").stdout)
            for wrong, why in (("0.0.0.0/0", "whitelist_only"), (NODE, "our own address")):
                refused = run("ban", wrong)
                self.assertEqual(refused.returncode, 1)
                self.assertIn(why, refused.stderr)

    def test_bitcoin_cores_calls_ban_networks_and_list_and_clear_them(self):
        with Network() as network:
            node = network.node(NODE).start()
            self.assertIsNone(node.call("setban", "127.0.6.128/25", "add", 600))
            self.assertTrue(Peer.dial(NODE, "127.0.6.200").ended())
            shake(node, "127.0.6.100").close()
            banned = node.call("listbanned")
            self.assertEqual(banned[0]["address"], "127.0.6.128/25")
            self.assertGreater(banned[0]["time_remaining"], 500)
            # Longer would be another ban; the same or less is there already.
            for wrong in (("127.0.6.128/25", "add", 60), ("127.0.6.1/25", "remove"), ("nonsense", "add")):
                with self.assertRaises(RpcError):
                    node.call("setban", *wrong)
            self.assertIsNone(node.call("clearbanned"))
            self.assertEqual(node.call("listbanned"), [])
            shake(node, "127.0.6.200").close()

    def test_wrong_bytes_ban_with_their_evidence_over_a_restart_but_not_who_is_trusted(self):
        with Network() as network:
            node = network.node(NODE).start()
            self.assertEqual(run("trust", "127.0.6.70", "--reason", "mine").returncode, 0)
            for ip in ("127.0.6.66", "127.0.6.70"):
                for _ in range(4):
                    with contextlib.suppress(OSError):
                        peer = Peer.dial(NODE, ip)
                        peer.send("GET / HTTP/1.1")
                        self.assertTrue(peer.ended())
            banned = wait_until("the third violation bans", lambda: node.call("listbanned"))
            self.assertEqual([x["address"] for x in banned], ["127.0.6.66/32"])
            self.assertEqual(banned[0]["by"], "violations")
            self.assertIn("GET / HTTP/1.1", banned[0]["evidence"])
            trusted = state_of(node, "127.0.6.70")
            self.assertTrue(trusted["trusted"])
            self.assertEqual(trusted["violations"], 4)
            self.assertEqual(node.stop(), 0)
            node.start()
            self.assertEqual([x["address"] for x in node.call("listbanned")], ["127.0.6.66/32"])
            self.assertIn("GET /", node.call("listbanned")[0]["evidence"])
            self.assertEqual(state_of(node, "127.0.6.70")["violations"], 4)
            self.assertEqual(run("untrust", "127.0.6.70").returncode, 0)
            # What the bytes say holds again.
            wait_until("both are banned", lambda: len(node.call("listbanned")) == 2)

    def test_the_configuration_bans_and_trusts_in_the_deployed_daemons_words(self):
        with Network() as network:
            node = network.node(NODE, config='[network]\nblacklisted_subnets = ["127.0.6.128/25"]\n'
                                             'whitelisted_peers = ["127.0.6.200"]\n').start()
            self.assertTrue(Peer.dial(NODE, "127.0.6.201").ended())
            shake(node, "127.0.6.200").close()
            shake(node, "127.0.6.100").close()
            self.assertEqual(node.call("listbanned")[0]["reason"], "by the configuration")
            self.assertEqual(node.stop(), 0)
            node.config = ""
            node.start()
            self.assertEqual(node.call("listbanned"), [])

    def test_a_list_that_cannot_be_read_stops_the_start_and_is_named(self):
        with Network() as network:
            node = network.node(NODE)
            (node.data / "access.list").mkdir(parents=True)
            node.start(wait=False)
            self.assertNotEqual(node.process.wait(30), 0)
            self.assertIn("access.list", node.output())


class Orders(unittest.TestCase):
    def test_peers_are_added_tried_once_disconnected_and_removed(self):
        with Network() as network:
            nodes = [network.node(NODE).start(), network.node(OTHER).start()]
            self.assertIsNone(nodes[1].call("addnode", NODE, "add"))
            wait_until("the added peer is connected", lambda: nodes[0].peer_info() and nodes[1].peer_info())
            with self.assertRaisesRegex(RpcError, "-23"):
                nodes[1].call("addnode", NODE, "add")
            self.assertEqual(state_of(nodes[1], NODE)["purpose"], "configured")
            number = nodes[1].peer_info()[0]["id"]
            self.assertIsNone(nodes[1].call("disconnectnode", "", number))
            wait_until("it is disconnected", lambda: not nodes[0].peer_info())
            explained = state_of(nodes[1], NODE)
            self.assertEqual(explained["connections"], [])
            self.assertIn("we dial", explained["next_step"])
            self.assertGreater(explained["next_step_ms"], 30_000)
            self.assertIsNone(nodes[1].call("addnode", NODE, "remove"))
            with self.assertRaisesRegex(RpcError, "-24"):
                nodes[1].call("addnode", NODE, "remove")
            with self.assertRaisesRegex(RpcError, "-29"):
                nodes[1].call("disconnectnode", NODE)
            done = run("rpc", "addnode", NODE, "onetry", rpc=OTHER)
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_until("it was tried", lambda: nodes[0].peer_info())


class Book(unittest.TestCase):
    def test_peers_of_the_last_run_are_dialed_again_without_any_configuration(self):
        with Network() as network:
            first = network.node(NODE).start()
            second = network.node(OTHER, peers=[NODE]).start()
            wait_until("they are connected", lambda: second.peer_info())
            self.assertEqual(second.stop(), 0)
            book = (second.data / "addresses.list").read_text()
            self.assertEqual(book, "", "what is configured is not in the book")
            second.peers = []
            second.start()
            self.assertEqual(second.call("getnetworkinfo")["known_addresses"], 0)
            # Now it meets the peer by itself: the higher one dials, and so has to know of it.
            second.call("addnode", NODE, "onetry")
            wait_until("they are connected", lambda: second.peer_info())
            self.assertEqual(second.stop(), 0)
            self.assertIn(f"{NODE}:24100 discovered", (second.data / "addresses.list").read_text())
            self.assertIn("anchor", (second.data / "addresses.list").read_text())
            second.start()
            wait_until("the anchor is dialed", lambda: second.peer_info())
            self.assertEqual(len(first.peer_info()), 1)

    def test_a_public_node_never_dials_its_own_network_because_a_peer_says_so(self):
        with Network() as network:
            # It holds itself for a public one; the peer that it is told of would answer.
            node = network.node(NODE, config='[network]\nexternal_address = "8.8.8.8"\n').start()
            trap = Listener("127.0.6.77")
            liar = shake(node, "127.0.6.66")
            liar.receive_kind("GetPeers")
            liar.send({"PeersResponse": ["127.0.6.77:24100", "10.0.0.1:24100", "9.9.9.9:24100"]})
            wait_until("the public one is learned", lambda: state_of(node, "9.9.9.9")["address_book"]["known"])
            self.assertFalse(state_of(node, "127.0.6.77")["address_book"]["known"])
            self.assertIn("only if it is configured", state_of(node, "127.0.6.77")["address_book"]["why"])
            trap.socket.settimeout(2)
            with self.assertRaises(OSError):
                trap.socket.accept()
            trap.close()


class Lists(http.server.BaseHTTPRequestHandler):
    answer = (200, json.dumps({"peers": [f"{OTHER}:24100", "nonsense"]}))

    def do_GET(self):
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve_list(context=None, ip="127.0.6.90"):
    server = http.server.ThreadingHTTPServer((ip, 0), Lists)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if context else 'http'}://{ip}:{server.server_port}/peers.json"
    finally:
        server.shutdown()
        server.server_close()


def make_certificate(directory, ip):
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=list", "-addext",
                    f"subjectAltName=IP:{ip}"], check=True, capture_output=True)
    return key, certificate


class Discovery(unittest.TestCase):
    def test_a_list_on_the_web_brings_a_node_that_knows_nobody_its_first_peer(self):
        with Network() as network, serve_list() as url:
            node = network.node("127.0.6.3", config=f'[network]\ndiscovery_url = "{url}"\n')
            network.node(OTHER).start()
            node.start()
            wait_until("it found the peer", lambda: node.peer_info())
            self.assertIn("discovery: 2 addresses", node.output())

    def test_a_list_over_https_needs_a_certificate_that_the_system_trusts(self):
        with Network() as network:
            key, certificate = make_certificate(network.directory, "127.0.6.90")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            with serve_list(context) as url:
                node = network.node("127.0.6.3", config=f'[network]\ndiscovery_url = "{url}"\n').start()
                wait_until("it is refused", lambda: "no list of peers" in node.output())
                self.assertRegex(node.output(), "self.signed certificate")
                self.assertEqual(node.stop(), 0)
                network.node(OTHER).start()
                with trusting(certificate):
                    node.start()
                wait_until("it found the peer", lambda: node.peer_info())

    def test_a_list_that_is_none_is_said_and_the_node_runs_without(self):
        for answer, said in (((404, "no"), "status 404"), ((200, "<html>"), "not a JSON array"),
                             ((301, ""), "configure that address")):
            Lists.answer, before = answer, Lists.answer
            try:
                with Network() as network, serve_list() as url:
                    node = network.node(NODE, config=f'[network]\ndiscovery_url = "{url}"\n').start()
                    wait_until("it is said", lambda n=node, s=said: s in n.output())
                    self.assertEqual(node.stop(), 0)
            finally:
                Lists.answer = before


@contextlib.contextmanager
def trusting(certificate):
    os.environ["SSL_CERT_FILE"] = str(certificate)
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]


class Floods(unittest.TestCase):
    def test_hundreds_of_silent_connections_keep_no_newcomer_out(self):
        with Network() as network:
            node = network.node(NODE).start()
            silent = []
            for i in range(330):
                with contextlib.suppress(OSError):
                    silent.append(Peer.dial(NODE, f"127.0.{100 + i // 200}.{1 + i % 200}"))
            newcomer = shake(node, "127.0.6.66")
            self.assertEqual(len(node.peer_info()), 1)
            refused = node.call("getnetworkinfo")["connections_refused"]
            self.assertGreater(refused.get("handshakes", 0), 0, refused)
            self.assertEqual(node.call("listbanned"), [])
            self.assertIn('timenode_connections_refused_total{reason="handshakes"', node.metrics())
            newcomer.close()
            for peer in silent:
                peer.close()

    def test_lines_without_an_end_take_bounded_memory_and_no_honest_peer(self):
        def resident(node):
            status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
            return int(next(x for x in status.splitlines() if x.startswith("RssAnon")).split()[1]) / 1024
        with Network() as network:
            node = network.node(NODE).start()
            honest = shake(node, "127.0.6.66")
            before = resident(node)
            attackers = []
            beginning = b'{"Ack":{"message_type":"' + b"x" * (6 << 20)
            for i in range(24):  # 144 MiB
                peer = shake(node, f"127.0.6.{100 + i}")
                peer.connection.settimeout(10)
                with contextlib.suppress(OSError):
                    peer.connection.sendall(beginning)
                attackers.append(peer)
            wait_until("some had to go",
                       lambda: node.call("getnetworkinfo")["connections_ended"].get("unfinished lines too long"))
            self.assertLess(resident(node) - before, 140)
            self.assertEqual(node.call("listbanned"), [])  # it is no offence
            honest.send({"Ping": {"nonce": 5, "timestamp": 1}})
            self.assertEqual(honest.receive_kind("Pong")["Pong"]["nonce"], 5)

    def test_a_peer_that_connects_and_leaves_all_the_time_does_not_fill_the_log(self):
        with Network() as network:
            node = network.node(NODE).start()
            for _ in range(60):
                shake(node, "127.0.6.66").close()
            # Each cycle would be two lines.
            wait_until("the last is gone", lambda: not node.peer_info())
            lines = [x for x in node.output().splitlines() if "127.0.6.66" in x]
            self.assertGreater(len(lines), 4)
            self.assertLess(len(lines), 20)

    def test_what_exceeds_a_rate_limit_is_dropped_and_counted_and_no_offence(self):
        with Network() as network:
            node = network.node(NODE).start()
            peer = shake(node, "127.0.6.66")
            peer.connection.sendall(b'{"Ping":{"nonce":1,"timestamp":1}}\n' * 2000)
            wait_until("it is counted", lambda: node.peer_info()[0]["over_limit"].get("pings", 0) > 1900)
            self.assertEqual(node.peer_info()[0]["violations"], 0)
            self.assertIn('timenode_messages_over_limit_total{limit="pings"', node.metrics())


class Ourselves(unittest.TestCase):
    def test_a_node_that_listens_on_all_addresses_notices_that_it_dialed_itself(self):
        with Network() as network:
            node = network.node("127.0.6.4", config='[network]\n')
            # Dials go out from 127.0.0.1 then, so that the addresses of both ends differ.
            command = node.command()
            command[command.index("--listen") + 1] = "0.0.0.0:24180"
            node.command = lambda: command + ["--peer", "127.0.6.44:24180"]
            node.start()
            ended = wait_until("it noticed", lambda: node.call("getnetworkinfo")["connections_ended"].get("self"))
            self.assertGreaterEqual(ended, 1)
            self.assertEqual(node.peer_info(), [])
            self.assertFalse(state_of(node, "127.0.6.44")["wanted"])

    def test_the_deployed_daemons_peers_see_capabilities_that_they_may_ignore(self):
        with Network() as network:
            network.node(NODE).start()
            peer = Peer.dial(NODE, "127.0.6.66")
            peer.send(HANDSHAKE)
            self.assertEqual(peer.receive_kind("Ack"), ACK)
            version = peer.receive_kind("Version")["Version"]
            self.assertTrue(any(x.startswith("node=") for x in version["capabilities"]))
            self.assertIn("sees=127.0.6.66", version["capabilities"])
            self.assertEqual(kind_of(peer.receive_kind("Ping")), "Ping")


if __name__ == "__main__":
    unittest.main(verbosity=2)
