"""Two minutes of chaos: real nodes in network namespaces (tests/chaos/chaos.py), where those can be made."""

import os
import signal
import subprocess
import unittest

from harness import ROOT, TIMENODE, wait_until

CHAOS = str(ROOT / "deploy" / "chaos.sh")


def start(*arguments):
    return subprocess.Popen([CHAOS, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env={**os.environ, "TIMENODE": TIMENODE})


def left_behind(pid):
    """Namespaces of that run, and processes in them."""
    spaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    return [line for line in spaces.splitlines() if line.startswith(f"tnc{pid}-")]


class Chaos(unittest.TestCase):
    def test_two_minutes_of_everything_end_with_one_link_a_pair_and_equal_tips(self):
        run = start("--seconds", "120", "--patience", "3")
        said, _ = run.communicate(timeout=560)
        if run.returncode == 77:
            self.skipTest(said.strip())
        self.assertEqual(run.returncode, 0, said[-6000:])
        self.assertIn("links          28 of 28 pairs", said)
        self.assertIn("OK: 8 nodes", said)
        self.assertEqual(left_behind(run.pid), [])

    def test_an_interrupted_run_leaves_nothing_behind(self):
        run = start("--seconds", "60", "--nodes", "3")
        first = run.stdout.readline()
        if "skipped" in first:
            self.skipTest(first.strip())
        wait_until("its hosts are there", lambda: len(left_behind(run.pid)) >= 3)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(left_behind(run.pid), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
