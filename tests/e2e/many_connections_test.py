"""A thousand real connections to one node, for long enough that each is pinged (tests/bench/many_connections.py)."""

import os
import subprocess
import sys
import unittest

from harness import ROOT, TIMENODE


class ManyConnections(unittest.TestCase):
    def test_a_thousand_peers_are_held_pinged_and_counted_right(self):
        run = subprocess.run([sys.executable, str(ROOT / "tests" / "bench" / "many_connections.py"), "--connections",
                              "1000", "--minutes", "0.7"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=500, env={**os.environ, "TIMENODE": TIMENODE})
        if run.returncode == 77:
            self.skipTest(run.stdout.strip())
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("1000 connections, 0 lost", run.stdout)
        self.assertIn("counts 1000 connections", run.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
