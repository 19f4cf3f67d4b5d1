"""Looking after a node that runs: health, passwords, the service manager, reload, backup, restore."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import CHAIN, ROOT, TIMENODE, Network, wait_until

NODE = "127.0.80.1"
OTHER = "127.0.80.2"
RPC = ("--rpc", f"{NODE}:24101")


def run(*args, timeout=60, env=None):
    return subprocess.run([TIMENODE, *map(str, args)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout, env=env)


def post(address, body, headers=None):
    """The status, headers and JSON of an answer, whatever it is."""
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("POST", "/", json.dumps(body), headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    with contextlib.suppress(ValueError):
        text = json.loads(text)
    return answer.status, answer.headers, text


def basic(name_and_password):
    return {"Authorization": "Basic " + base64.b64encode(name_and_password.encode()).decode()}


CALL = {"jsonrpc": "2.0", "id": "time-cli", "method": "getblockcount", "params": []}


class Health(unittest.TestCase):
    def test_health_follows_the_node_from_alone_to_in_sync_to_gone(self):
        with Network() as network:
            source = network.node(OTHER)
            self.assertEqual(network.import_chain(source).returncode, 0)
            node = network.node(NODE, peers=[OTHER]).start()
            alone = run("health", *RPC)
            self.assertEqual(alone.returncode, 1)
            self.assertIn("no peer", alone.stdout)
            with self.assertRaises(urllib.error.HTTPError) as not_ready:
                urllib.request.urlopen(f"http://{NODE}:24101/health/ready", timeout=20)
            self.assertEqual(not_ready.exception.code, 503)
            not_ready.exception.close()
            source.start()
            wait_until("the node is in sync", lambda: node.height() == 2000)
            ready = wait_until("it is ready", lambda: (r := run("health", *RPC)).returncode == 0 and r)
            self.assertIn("in sync at height 2000", ready.stdout)
            self.assertIn("no peer has a newer block", ready.stdout)  # The chain is an old one.
            self.assertTrue(json.loads(run("health", "--json", *RPC).stdout)["ready"])
            with urllib.request.urlopen(f"http://{NODE}:24101/health/ready", timeout=20) as answer:
                self.assertEqual(answer.status, 200)
            node.stop()
            gone = run("health", *RPC)
            self.assertEqual(gone.returncode, 3)
            self.assertIn(NODE, gone.stderr)


class Passwords(unittest.TestCase):
    def test_beyond_loopback_a_cookie_or_a_password_is_needed(self):
        with Network() as network:
            line = run("rpcauth", "joe").stdout
            auth = next(x for x in line.splitlines() if x.startswith("rpcauth"))
            password = next(x for x in line.splitlines() if x.startswith("joe:"))
            node = network.node(NODE, config=f"[rpc]\n{auth}\n")
            # Every address of this machine: others could reach it, if any were there.
            command = node.command
            node.command = lambda: ["0.0.0.0:24103" if x == f"{NODE}:24101" else x for x in command()]
            node.start(wait=False)
            cookie = node.data / ".cookie"
            wait_until("the cookie is there", cookie.exists)
            address = f"{NODE}:24103"
            wait_until("RPC answers", lambda: post(address, CALL)[0] == 401)
            status, headers, _ = post(address, CALL)
            self.assertTrue(headers["WWW-Authenticate"].startswith("Basic "))
            self.assertEqual(post(address, CALL, basic("joe:wrong"))[0], 401)
            self.assertEqual(post(address, CALL, basic(password))[2]["result"], 0)
            self.assertEqual(post(address, CALL, basic(cookie.read_text()))[2]["result"], 0)
            self.assertEqual(stat.S_IMODE(cookie.stat().st_mode), 0o600)
            self.assertIn("TLS proxy", node.output())
            # The commands find the cookie by the data directory, or are told where it is.
            refused = run("status", "--rpc", address)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("--rpc-cookie", refused.stderr)
            self.assertEqual(run("status", "--rpc", address, "--rpc-cookie", cookie).returncode, 0)
            # Whether it is well is told to everybody, as to a monitor that has no password.
            health = run("health", "--rpc", address)
            self.assertEqual(health.returncode, 1)
            self.assertIn("no peer", health.stdout)
            own = network.directory / "joe"
            own.write_text(password + "\n")
            self.assertEqual(run("status", "--rpc", address, "--rpc-cookie", own).returncode, 0)
            node.stop()
            self.assertFalse(cookie.exists())

    def test_idle_connections_lock_nobody_out(self):
        with Network() as network:
            network.node(NODE).start()
            with contextlib.ExitStack() as stack:
                for _ in range(70):
                    stack.enter_context(contextlib.closing(
                        socket.create_connection((NODE, 24101), timeout=10)))
                self.assertEqual(run("status", *RPC).returncode, 0)


class TimeCli(unittest.TestCase):
    """What the deployed daemon's time-cli sends, and what it needs of an answer."""

    CALLS = (("getblockchaininfo", []), ("getblock", [0]), ("getblockcount", []),
             ("getbestblockhash", []), ("getblockhash", [0]), ("getnetworkinfo", []),
             ("getpeerinfo", []), ("gettxoutsetinfo", []), ("listunspent", [1, 9999999]),
             ("masternodelist", []), ("masternodestatus", []), ("getconsensusinfo", []),
             ("validateaddress", ["TIME0HUC9qY5GrnJ4tYMfWR9FwfcJ8c5h8zrk2"]), ("uptime", []),
             ("getmempoolinfo", []), ("getrawmempool", [False]))

    # What it shows in a form of its own, by `--human`: these fields, of these types.
    FIELDS = {
        "getblockchaininfo": {"chain": str, "blocks": int, "headers": int, "bestblockhash": str,
                              "consensus": str, "instant_finality": bool, "difficulty": float,
                              "mediantime": int, "verificationprogress": float, "chainwork": str,
                              "pruned": bool},
        "getblock": {"height": int, "hash": str, "previousblockhash": str, "time": int,
                     "version": int, "merkleroot": str, "tx": list, "nTx": int,
                     "confirmations": int, "block_reward": int},
        "getnetworkinfo": {"version": int, "subversion": str, "protocolversion": int,
                           "localservices": str, "localrelay": bool, "timeoffset": int,
                           "networkactive": bool, "connections": int, "networks": list,
                           "relayfee": float, "incrementalfee": float, "localaddresses": list},
        "gettxoutsetinfo": {"height": int, "bestblock": str, "transactions": int, "txouts": int,
                            "total_amount": float, "disk_size": int},
        "masternodelist": {"total": int, "masternodes": list},
        "masternodestatus": {"status": str, "message": str},
        "getconsensusinfo": {"type": str, "masternodes": int, "quorum": int},
        "validateaddress": {"isvalid": bool, "address": str, "scriptPubKey": str, "ismine": bool,
                            "isscript": bool},
        "getmempoolinfo": {"loaded": bool, "size": int, "bytes": int, "usage": int},
    }

    def test_every_command_is_answered_in_its_form(self):
        with Network() as network:
            network.node(NODE).start()
            for method, params in self.CALLS:
                with self.subTest(method):
                    status, headers, answer = post(f"{NODE}:24101", {
                        "jsonrpc": "2.0", "id": "time-cli", "method": method, "params": params},
                        {"Content-Type": "application/json", "Accept": "*/*"})
                    self.assertEqual(status, 200)
                    self.assertEqual(headers["Content-Type"], "application/json")
                    self.assertEqual(answer["jsonrpc"], "2.0")
                    self.assertEqual(answer["id"], "time-cli")
                    self.assertNotIn("error", answer)
                    for name, kind in self.FIELDS.get(method, {}).items():
                        self.assertIsInstance(answer["result"][name], kind, name)

    def test_its_masternode_list_has_the_fields_that_it_shows(self):
        with Network() as network:
            node = network.node(NODE, extra=["--masternode"]).start()
            own = wait_until("it is in its own list", lambda: node.call("masternodelist")["masternodes"])[0]
            for name, kind in {"address": str, "wallet_address": str, "collateral": int, "tier": str,
                               "registered_at": int, "is_active": bool, "last_heartbeat": int,
                               "uptime_start": int, "total_uptime": int}.items():
                self.assertIsInstance(own[name], kind, name)
            status = node.call("masternodestatus")
            for name in ("status", "address", "reward_address", "tier", "is_active", "total_uptime"):
                self.assertIn(name, status)

    def test_what_this_node_cannot_do_is_an_error_with_a_reason(self):
        with Network() as network:
            network.node(NODE).start()
            for method, params in (("sendtoaddress", ["TIME0abc", 1.5]), ("getnewaddress", []),
                                   ("getwalletinfo", []), ("gettransaction", ["00" * 32]),
                                   ("getrawtransaction", ["00" * 32, False]),
                                   ("sendrawtransaction", ["00"]), ("nonsense", [])):
                with self.subTest(method):
                    status, _, answer = post(f"{NODE}:24101", {
                        "jsonrpc": "2.0", "id": "time-cli", "method": method, "params": params})
                    self.assertEqual(status, 200)
                    self.assertIsInstance(answer["error"]["code"], int)
                    self.assertGreater(len(answer["error"]["message"]), 10)


class ServiceManager(unittest.TestCase):
    def test_the_service_manager_hears_of_start_life_reload_and_stop(self):
        with Network() as network, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = str(network.directory / "notify")
            manager.bind(path)
            manager.settimeout(60)
            heard = []

            def hear(what):
                while not any(what in x for x in heard):
                    heard.append(manager.recv(4096).decode())

            node = network.node(NODE)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                node.start(wait=False)
            finally:
                del os.environ["NOTIFY_SOCKET"]
            hear("READY=1")
            hear("WATCHDOG=1")
            hear("STATUS=no peers at height 0")
            node.process.send_signal(signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            node.process.terminate()
            hear("STOPPING=1")
            self.assertEqual(node.process.wait(10), 0)

    def test_the_unit_is_one_that_systemd_understands(self):
        done = subprocess.run(["systemd-analyze", "verify", ROOT / "deploy" / "timenode.service"],
                              capture_output=True, text=True)
        # It also looks whether the program and the man page are installed, which they need not be here.
        wrong = [x for x in done.stderr.splitlines()
                 if "is not executable" not in x and "'man " not in x]
        self.assertEqual(wrong, [])
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                               ROOT / "deploy" / "timenode.service"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-400:])


class Reload(unittest.TestCase):
    def write(self, node, text):
        path = node.directory / "config.toml"
        path.write_text(text)

    def test_level_and_peers_change_while_it_runs_by_command_and_by_signal(self):
        with Network() as network:
            # The higher address dials at once.
            other = network.node(NODE).start()
            node = network.node(OTHER, config="[network]\nbootstrap_peers = []\n").start()
            self.assertEqual(node.peer_info(), [])
            said = (node.directory / "config.toml").read_text()
            self.write(node, said.replace("[]", f'["{NODE}"]') + '[logging]\nlevel = "debug"\n')
            done = run("reload", "--rpc", f"{OTHER}:24101")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('logging.level: "info" -> "debug"', done.stdout)
            wait_until("the new peer is connected", lambda: node.peer_info() and other.peer_info())
            self.assertNotIn(" debug ", other.output())
            other.stop()
            wait_until("the log has debug lines", lambda: " debug " in node.output())
            self.write(node, said + "max_peers = 9\n[logging]\nmax_files = 7\n")
            node.process.send_signal(signal.SIGHUP)
            wait_until("the log tells what waits for a restart",
                       lambda: "logging.max_files: 5 -> 7: restart the node" in node.output())
            self.assertIn("reload: network.max_peers: 125 -> 9", node.output())

    def test_a_wrong_configuration_changes_nothing(self):
        with Network() as network:
            node = network.node(NODE).start()
            self.write(node, '[logging]\nlevel = "loud"\n')
            done = run("reload", *RPC)
            self.assertEqual(done.returncode, 1)
            self.assertIn("config.toml:2", done.stderr)
            self.assertIn("nothing was changed", done.stderr)
            self.assertEqual(node.height(), 0)


class Backup(unittest.TestCase):
    def test_a_backup_of_a_running_node_starts_another_one(self):
        with Network() as network:
            node = network.node(NODE, extra=["--masternode"])
            self.assertEqual(network.import_chain(node).returncode, 0)
            node.start()
            to = network.directory / "backup"
            done = run("backup", to, *RPC)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("height 2000", done.stdout)
            self.assertEqual(node.height(), 2000)
            again = run("backup", to, *RPC)
            self.assertEqual(again.returncode, 1)
            self.assertIn("there already", again.stderr)
            key = (node.data / "masternode.key").read_bytes()
            self.assertEqual((to / "masternode.key").read_bytes(), key)
            running = run("restore", to, "--data-dir", node.data, "--replace")
            self.assertEqual(running.returncode, 1)
            self.assertIn("stop it first", running.stderr)
            node.stop()
            restored = run("restore", to, "--data-dir", network.directory / "restored")
            self.assertEqual(restored.returncode, 0, restored.stderr)
            node.data = network.directory / "restored"
            node.start()
            self.assertEqual(node.height(), 2000)
            self.assertEqual((node.data / "masternode.key").read_bytes(), key)


class Configuration(unittest.TestCase):
    def test_what_example_prints_is_right_and_what_show_prints_means_the_same(self):
        with Network() as network:
            example = network.directory / "example.toml"
            example.write_text(run("config", "example").stdout)
            self.assertEqual(example.read_text(), (ROOT / "deploy" / "timenode.toml").read_text())
            self.assertEqual(run("config", "check", example).returncode, 0)
            shown = run("config", "show", example).stdout
            self.assertIn("# default", shown)
            self.assertIn(f"# {example}:", shown)
            again = network.directory / "again.toml"
            again.write_text(shown)
            values = [x.split("#")[0] for x in shown.splitlines()]
            self.assertEqual([x.split("#")[0] for x in run("config", "show", again).stdout.splitlines()],
                             values)

    def test_check_names_file_line_and_key(self):
        with Network() as network:
            wrong = network.directory / "wrong.toml"
            wrong.write_text("[network]\nmax_peers = 0\n")
            done = run("config", "check", wrong)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{wrong}:2: network.max_peers", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
