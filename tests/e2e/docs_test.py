"""Every command of the documentation is run, and what the documentation lists is what there is."""

import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, TIMENODE, Network, wait_until

DOCS = sorted((ROOT / "docs").glob("*.md"))
NODE = "127.0.84.1"
RPC = f"{NODE}:24101"


def run(*args, timeout=120):
    return subprocess.run([TIMENODE, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout)


def shell_lines(page):
    """The lines of the blocks that are to be run."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        yield from (line for line in block.splitlines() if line.strip())


def commands_of(*path):
    """The commands below one, by its help."""
    text = run(*path, "--help").stdout
    found = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^  ([a-z][a-z-]*) ", found.group(1), re.MULTILINE) if found else []


class Commands(unittest.TestCase):
    def test_every_command_of_every_page_runs(self):
        with Network() as network:
            node = network.node(NODE, extra=["--masternode"])
            self.assertEqual(network.import_chain(node).returncode, 0)
            node.start()
            wait_until("it knows itself", lambda: node.call("masternodelist")["masternodes"])
            config = network.directory / "timenode.toml"
            config.write_text((ROOT / "deploy" / "timenode.toml").read_text())
            backup = network.directory / "backup"
            stand_ins = {"/etc/timenode/timenode.toml": str(config), "/var/backups/timenode": str(backup),
                         "http://127.0.0.1:24101/": f"http://{RPC}/", "IP": NODE}
            ran = 0
            for page in DOCS:
                for line in shell_lines(page):
                    with self.subTest(f"{page.name}: {line}"):
                        words = [stand_ins.get(w, w) for w in shlex.split(line)]
                        if words[0] == "promtool" and not shutil.which("promtool"):
                            continue
                        if words[0] == "timenode":
                            words[0] = TIMENODE
                            usage = run(*words[1:2], "--help").stdout
                            if words[1] in ("restore", "migrate"):
                                words += ["--data-dir", str(network.directory / "restored")]
                            elif "--rpc " in usage:
                                words += ["--rpc", RPC]
                        done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                                              text=True, timeout=120)
                        # A node alone with an old chain is not ready, and says so.
                        expected = 1 if words[1] == "health" else 0
                        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
                        self.assertTrue(done.stdout)
                        if words[0] == "curl":
                            self.assertNotIn('"error"', done.stdout)
                        ran += 1
            self.assertGreater(ran, 20)

    def test_every_command_that_is_named_in_passing_exists(self):
        known = set(commands_of())
        for page in [*DOCS, ROOT / "README.md", ROOT / "deploy" / "monitoring" / "timenode-alerts.yml"]:
            for name in re.findall(r"`timenode ([a-z][a-z-]*)", page.read_text()):
                self.assertIn(name, known, f"{page.name} names it")

    def test_links_lead_somewhere(self):
        for page in DOCS:
            for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")


class ManualAndCompletion(unittest.TestCase):
    def test_the_manual_has_every_command(self):
        manual = (ROOT / "deploy" / "timenode.1").read_text()
        for name in commands_of():
            self.assertRegex(manual, rf"\b{name}\b", f"'{name}' is not in deploy/timenode.1")
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-ww", "-z", ROOT / "deploy" / "timenode.1"],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def complete(self, shell, *words):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "timenode").symlink_to(TIMENODE)
            script = ROOT / "deploy" / "completion" / "timenode.bash"
            listed = " ".join(shlex.quote(w) for w in words)
            return subprocess.run(
                [shell, "-c", f"PATH={directory}:$PATH; source {script}; COMP_WORDS=(timenode {listed});"
                 f"COMP_CWORD={len(words)}; _timenode; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
                capture_output=True, text=True, timeout=60).stdout.split()

    def test_bash_completes_commands_options_and_values(self):
        self.assertEqual(set(self.complete("bash", "")), set(commands_of()))
        self.assertEqual(set(self.complete("bash", "config", "")), set(commands_of("config")))
        self.assertEqual(self.complete("bash", "rep"), ["replay"])
        self.assertIn("--listen", self.complete("bash", "run", "--l"))
        self.assertEqual(self.complete("bash", "run", "--network", "m"), ["mainnet"])

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh_reads_its_completion(self):
        script = ROOT / "deploy" / "completion" / "_timenode"
        done = subprocess.run(["zsh", "-n", script], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Monitoring(unittest.TestCase):
    def test_every_metric_that_rules_and_dashboard_ask_for_is_served(self):
        with Network() as network:
            node = network.node(NODE).start()
            wait_until("the node has looked at itself", lambda: "timenode_ready" in node.metrics())
            served = set(re.findall(r"^([a-z_]+)", node.metrics(), re.MULTILINE))
            for name in ("timenode-alerts.yml", "grafana-dashboard.json"):
                text = (ROOT / "deploy" / "monitoring" / name).read_text()
                for metric in set(re.findall(r"\b((?:timenode|caf|process)_[a-z_]+)\b", text)):
                    self.assertIn(metric, served, f"{name} asks for it")
            table = (ROOT / "docs" / "monitor.md").read_text()
            listed = set(re.findall(r"`(timenode_[a-z_]+)`", table))
            own = {re.sub("_(bucket|sum|count)$", "", m) for m in served if m.startswith("timenode_")}
            self.assertEqual(listed, own)

    @unittest.skipUnless(shutil.which("promtool"), "needs prometheus")
    def test_prometheus_takes_what_the_node_serves(self):
        with Network() as network:
            node = network.node(NODE).start()
            done = subprocess.run(["promtool", "check", "metrics"], input=node.metrics(), capture_output=True,
                                  text=True, timeout=60)
            # What CAF itself names against the rules is not ours.
            wrong = [x for x in (done.stdout + done.stderr).splitlines() if x.startswith("timenode_")]
            self.assertEqual(wrong, [])

    @unittest.skipUnless(shutil.which("prometheus"), "needs prometheus")
    def test_prometheus_scrapes_a_live_node(self):
        import json
        import urllib.request
        with Network() as network:
            network.node(NODE).start()
            config = network.directory / "prometheus.yml"
            text = (ROOT / "deploy" / "monitoring" / "prometheus.yml").read_text()
            config.write_text(text.replace("127.0.0.1:24102", f"{NODE}:24102").replace("15s", "1s").replace(
                "timenode-alerts.yml", str(ROOT / "deploy" / "monitoring" / "timenode-alerts.yml")))
            address = "127.0.84.2:9090"
            prometheus = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--web.listen-address={address}",
                 f"--storage.tsdb.path={network.directory / 'tsdb'}"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            try:
                def query(expression):
                    url = f"http://{address}/api/v1/query?query={expression}"
                    with urllib.request.urlopen(url, timeout=10) as answer:
                        result = json.load(answer)["data"]["result"]
                    return result and result[0]["value"][1]
                wait_until("the node is up in Prometheus", lambda: query("up") == "1")
                wait_until("its height is there", lambda: query("timenode_height") == "0")
                with urllib.request.urlopen(f"http://{address}/api/v1/rules", timeout=10) as answer:
                    rules = json.load(answer)["data"]["groups"][0]["rules"]
                self.assertTrue(rules)
                self.assertTrue(all(r.get("lastError", "") == "" for r in rules))
            finally:
                prometheus.terminate()
                prometheus.wait(30)


if __name__ == "__main__":
    unittest.main(verbosity=2)
