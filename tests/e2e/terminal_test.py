"""A node that somebody watches at a terminal: log lines above, how the sync goes below."""

import os
import pty
import re
import signal
import subprocess
import threading
import unittest

from chain_peer import Chain, PacedPeer
from harness import Network, chain_blocks, wait_until

NODE = "127.0.83.9"
PEER = "127.0.83.1"
ERASE = "\r\x1b[K"


class Terminal:
    """What a program writes to a terminal of its own, as it comes."""

    def __init__(self, command):
        ours, theirs = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"})
        os.close(theirs)
        self.ours = ours
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # what Linux says when the last writer is gone
                return
            if not data:
                return
            self.text += data.decode(errors="replace")

    def screen(self):
        """The lines as they stand in the end: an erased one is not among them."""
        lines = [line.rsplit(ERASE, 1)[-1] for line in self.text.replace("\r\n", "\n").split("\n")]
        return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.reader.join(10)
        os.close(self.ours)
        return status


class Watching(unittest.TestCase):
    def test_a_bar_shows_the_sync_and_goes_when_it_is_done(self):
        with Network() as network:
            peer = PacedPeer(PEER, Chain(chain_blocks()))
            peer.pause = 0.2
            node = network.node(NODE, peers=[PEER])
            terminal = Terminal(node.command())
            bar = re.compile(r"syncing to 2000 from 1 peer(?: \[#*-*\])? +\d+ %  height \d+  \d+ blocks/s")
            wait_until("a bar", lambda: bar.search(terminal.text))
            wait_until("the sync is done", lambda: node.height() == 2000)
            wait_until("the bar is gone", lambda: terminal.text.endswith(ERASE) or terminal.screen()[-1] == "")
            self.assertEqual(terminal.end(), 0)
            lines = [line for line in terminal.screen() if line]
            self.assertIn("stopped", lines[-1])
            # Every line that is left is one of the log, whole.
            for line in lines:
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z (info|warn|error) ")
            peer.close()

    def test_there_is_no_bar_in_a_file(self):
        with Network() as network:
            peer = PacedPeer(PEER, Chain(chain_blocks()))
            node = network.node(NODE, peers=[PEER])
            node.start()
            wait_until("the sync is done", lambda: node.height() == 2000)
            self.assertEqual(node.stop(), 0)
            self.assertNotIn("\x1b", node.output())
            self.assertNotIn(" %  height", node.output())
            peer.close()


if __name__ == "__main__":
    unittest.main()
