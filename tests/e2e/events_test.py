"""docs/events.md has every line that the program logs, and the program knows them by their names."""

import json
import re
import unittest

from harness import ROOT, Network, wait_until

CALL = re.compile(r'spdlog::(info|warn|error|critical)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
ROW = re.compile(r"^\| `([a-z-]+)` \| ([a-z]+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)


def logged():
    """Level and format of each line in the sources; those that are all variable say nothing of themselves."""
    for folder in ("actors", "app", "chain", "net"):
        for file in sorted((ROOT / folder).glob("*.cpp")):
            for level, text in CALL.findall(file.read_text()):
                line = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
                if line != "{}":
                    yield file.name, level, line


class Events(unittest.TestCase):
    rows = ROW.findall((ROOT / "docs" / "events.md").read_text())

    def test_every_line_of_the_sources_is_in_the_page_and_no_other(self):
        listed = {(level, line) for _, level, line, _ in self.rows}
        self.assertGreater(len(listed), 40)
        found = set()
        for file, level, line in logged():
            found.add((level, line))
            self.assertIn((level, line), listed, f"{file} logs a line that docs/events.md does not have")
        for level, line in listed:
            self.assertIn((level, line), found, "docs/events.md has a line that nobody logs")

    def test_names_are_unique_and_warnings_say_what_to_do(self):
        names = [name for name, *_ in self.rows]
        self.assertEqual(len(names), len(set(names)))
        for name, level, _, meaning in self.rows:
            self.assertGreater(len(meaning), 10, name)
            if level in ("warn", "error", "critical"):
                self.assertRegex(meaning, r"[.:;,] |Nothing to do|report|Make room|Set |Raise |Keep |Look ", name)

    def test_json_lines_have_the_name(self):
        with Network() as network:
            node = network.node("127.0.85.1", config='[logging]\nformat = "json"\n').start()
            node.stop()
            wait_until("it has stopped", lambda: "stopped" in node.output())
            events = [json.loads(x)["event"] for x in node.output().splitlines() if x.startswith("{")]
            self.assertEqual(events[-1], "stopped")
            for name in ("rpc-serving", "metrics-serving", "node-started", "stop-asked"):
                self.assertIn(name, events)
            self.assertNotIn("other", events)


if __name__ == "__main__":
    unittest.main(verbosity=2)
