"""What an operator does and meets: start, stop, import, export, and all that can be wrong with a machine."""

import json
import lzma
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from harness import (CHAIN, ROOT, TIMENODE, Listener, Network, chain_blocks, free_space_directory,
                     release_directory, wait_until)

NODE = "127.0.5.1"


def run(*args, timeout=60):
    return subprocess.run([TIMENODE, *map(str, args)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout)


def start_that_fails(node):
    node.start(wait=False)
    return node.process.wait(60), node.output()


class Stopping(unittest.TestCase):
    def test_sigterm_and_sigint_stop_the_node_in_order_within_5_s(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with Network() as network:
                nodes = [network.node(NODE), network.node("127.0.5.2", peers=[NODE])]
                for node in nodes:
                    node.start()
                wait_until("they are connected", lambda n=nodes: n[0].peer_info())
                nodes[0].process.send_signal(how)
                self.assertEqual(nodes[0].process.wait(5), 0)
                wait_until("the other sees it", lambda n=nodes: not n[1].peer_info())

    def test_stop_by_rpc_and_by_command(self):
        with Network() as network:
            node = network.node(NODE).start()
            node.call("stop")
            self.assertEqual(node.process.wait(5), 0)
            node.start()
            self.assertEqual(run("stop", "--rpc", f"{NODE}:24101").returncode, 0)
            self.assertEqual(node.process.wait(5), 0)

    def test_a_second_signal_kills(self):
        with Network() as network:
            node = network.node(NODE).start()
            node.process.send_signal(signal.SIGSTOP)
            node.process.send_signal(signal.SIGTERM)
            node.process.send_signal(signal.SIGINT)
            node.process.send_signal(signal.SIGCONT)
            status = node.process.wait(5)
            self.assertIn(status, (-signal.SIGTERM, -signal.SIGINT, 0))


class Looking(unittest.TestCase):
    def test_status_and_peers_for_people_and_machines(self):
        with Network() as network:
            nodes = [network.node(NODE), network.node("127.0.5.2", peers=[NODE])]
            for node in nodes:
                node.start()
            wait_until("they are connected", lambda: nodes[0].peer_info())
            rpc = ("--rpc", f"{NODE}:24101")
            people = run("status", *rpc)
            self.assertEqual(people.returncode, 0, people.stderr)
            self.assertIn("height", people.stdout.lower())
            machine = json.loads(run("status", "--json", *rpc).stdout)
            self.assertIsInstance(machine, dict)
            self.assertIn("127.0.5.2", run("peers", *rpc).stdout)
            self.assertTrue(json.loads(run("peers", "--json", *rpc).stdout))

    def test_status_of_a_node_that_is_not_there_says_so(self):
        done = run("status", "--rpc", f"{NODE}:24101")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{NODE}:24101", done.stderr)


class Files(unittest.TestCase):
    def test_export_gives_back_what_was_imported_byte_for_byte(self):
        with Network() as network:
            node = network.node(NODE)
            self.assertEqual(network.import_chain(node).returncode, 0)
            out = network.directory / "out.jsonl"
            done = run("export", out, "--network", "testnet", "--data-dir", node.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            with lzma.open(CHAIN, "rb") as original:
                self.assertEqual(out.read_bytes(), original.read())

    def test_a_bad_block_stops_the_import_with_line_height_and_reason(self):
        blocks = chain_blocks()[:300]
        blocks[200]["header"]["timestamp"] = 0
        with Network() as network:
            bad = network.directory / "bad.jsonl"
            bad.write_text("".join(json.dumps(b, separators=(",", ":")) + "\n" for b in blocks))
            node = network.node(NODE)
            done = network.import_chain(node, bad)
            self.assertEqual(done.returncode, 1)
            said = done.stdout + done.stderr
            self.assertIn("201", said)  # the line
            self.assertIn("200", said)  # the height
            self.assertIn("timestamp", said)
            node.start()
            self.assertEqual(node.height(), 199)


class Trouble(unittest.TestCase):
    def test_a_port_in_use_is_named(self):
        with Network() as network:
            listener = Listener(NODE)
            status, said = start_that_fails(network.node(NODE))
            listener.close()
            self.assertNotEqual(status, 0)
            self.assertIn("24100", said)
            self.assertIn("in use", said)

    def test_an_rpc_port_in_use_is_named(self):
        with Network() as network:
            listener = Listener(NODE, 24101)
            status, said = start_that_fails(network.node(NODE))
            listener.close()
            self.assertNotEqual(status, 0)
            self.assertIn("24101", said)

    def test_a_metrics_port_in_use_is_named(self):
        with Network() as network:
            listener = Listener(NODE, 24102)
            status, said = start_that_fails(network.node(NODE))
            listener.close()
            self.assertNotEqual(status, 0)
            self.assertIn("24102", said)

    def test_a_data_directory_in_use_by_another_node_is_named(self):
        with Network() as network:
            first = network.node(NODE).start()
            second = network.node("127.0.5.2")
            second.data = first.data
            status, said = start_that_fails(second)
            self.assertNotEqual(status, 0)
            self.assertIn("another process", said)

    def test_a_read_only_data_directory_is_named(self):
        directory = free_space_directory(1024)
        if directory is None:
            self.skipTest("mounting is not allowed here")
        try:
            subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
            with Network() as network:
                node = network.node(NODE)
                node.data = directory
                status, said = start_that_fails(node)
                self.assertNotEqual(status, 0)
                self.assertIn(directory, said)
                self.assertRegex(said.lower(), "read-only|cannot be written|permission")
        finally:
            release_directory(directory)

    def test_a_full_disk_stops_neither_the_node_nor_what_it_has(self):
        directory = free_space_directory(1200)
        if directory is None:
            self.skipTest("mounting is not allowed here")
        try:
            with Network() as network:
                source = network.node("127.0.5.2")
                self.assertEqual(network.import_chain(source).returncode, 0)
                source.start()
                node = network.node(NODE, peers=["127.0.5.2"])
                node.data = directory
                node.start(wait=False)

                def told():
                    text = node.output().lower()
                    return "full" in text or "no space" in text
                wait_until("the full disk is named", told)
                if node.process.poll() is None:
                    self.assertLess(node.height(), 2000)
                    node.stop()
        finally:
            release_directory(directory)

    def test_wrong_configuration_stops_before_a_port_is_opened(self):
        with Network() as network:
            for text, words in (('[node]\nnetwork = "moonnet"\n', ("2", "network", "testnet")),
                                ("[network]\nmax_peers = -1\n", ("2", "max_peers"))):
                config = network.directory / "wrong.toml"
                config.write_text(text)
                done = run("run", "--config", config, "--listen", f"{NODE}:24100", "--data-dir",
                           network.directory / "data")
                self.assertNotEqual(done.returncode, 0)
                for word in (*words, str(config)):
                    self.assertIn(word, done.stderr + done.stdout)
                self.assertFalse((network.directory / "data").exists())

    def test_an_unknown_key_warns_with_its_line_and_the_nearest_one(self):
        with Network() as network:
            node = network.node(NODE, config="[network]\nmax_peer = 7\n").start()
            said = node.output()
            self.assertIn("max_peer", said)
            self.assertIn("max_peers", said)


class TestNetwork(unittest.TestCase):
    def test_the_command_of_the_readme_ends_with_all_nodes_in_sync(self):
        done = run("testnet", "--nodes", "4", "--chain", CHAIN, "--for", "20", timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        self.assertIn("2000", done.stdout)
        self.assertIn("6", done.stdout)

    def test_it_fails_when_it_ends_before_they_are_in_sync(self):
        done = run("testnet", "--nodes", "4", "--chain", CHAIN, "--for", "0", timeout=120)
        self.assertNotEqual(done.returncode, 0)


class Sample(unittest.TestCase):
    def test_the_sample_configuration_is_accepted(self):
        with Network() as network:
            sample = (ROOT / "deploy" / "timenode.toml").read_text()
            self.assertIn("[network]", sample)
            node = network.node(NODE)
            config = pathlib.Path(tempfile.mkstemp(suffix=".toml")[1])
            config.write_text(sample)
            try:
                node.command = lambda: [TIMENODE, "run", "--config", str(config), "--listen",
                                        f"{NODE}:24100", "--rpc", f"{NODE}:24101", "--data-dir",
                                        str(node.data)]
                node.start()
                self.assertEqual(node.height(), 0)
                self.assertNotIn("unknown", node.output().lower())
            finally:
                os.unlink(config)


if __name__ == "__main__":
    unittest.main(verbosity=2)
