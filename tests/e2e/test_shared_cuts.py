# SPDX-License-Identifier: Apache-2.0
"""A power cut on a host of a shared store: it starts, and has from the log what its disk lacks."""

import unittest

import harness
import shared
import test_first_start as first_start

CHANGES = 6
STARTS = 40  # of the states that a cut may leave: each takes a start


@unittest.skipUnless(first_start.RECORDER, "a sanitizer wants to be loaded first itself")
class Cuts(shared.SharedTest):
    def record(self):
        """Changes of a shared store: the lines, how many before the first of them, and its state."""
        host = self.host("h1")
        host.call("store.share")
        host.stop()
        before = [(path.name, path.stat().st_ino, path.read_bytes()) for path in host.state.iterdir()]
        lines = host.folder / "lines"
        host.prefix = ["env", f"LD_PRELOAD={first_start.RECORDER}", f"RECORD_WRITES_TO={lines}",
                       f"RECORD_WRITES_IN={host.state}"]
        host.start()
        host.await_connected()
        begun = len(lines.read_text().splitlines())
        made = [host.call("keys.create", roles=["viewer"]) for _ in range(CHANGES)]
        host.kill()
        return host, before, lines.read_text().splitlines(), begun, made

    def states(self, before, lines, begun):
        """Each state that a cut during the changes may leave."""
        disk, seen = first_start.Disk(), {}
        for name, inode, data in before:
            disk.do(f"create {inode} {name}")
            disk.files[str(inode)].synced = data
        for number, line in enumerate(["sync folder", *lines]):
            disk.do(line)
            if number >= begun:
                seen.update(dict.fromkeys(disk.cuts()))
        return list(seen)

    def test_a_host_starts_on_what_a_power_cut_leaves_and_has_all_changes_again(self):
        host, before, lines, begun, made = self.record()
        host.prefix = []
        states = self.states(before, lines, begun)
        self.assertGreater(len(states), STARTS)
        for state in states[::-(-len(states) // -STARTS)]:
            with self.subTest(state=first_start.describe(state)):
                self.start_on(host, state, made)

    def start_on(self, host, state, made):
        for path in host.state.iterdir():
            path.unlink()
        first_start.put_state(state, host.state)
        host.start()
        try:
            host.await_place(made[-1]["as_of"])
            harness.wait_until(lambda: not host.shared()["stale"], what="a state that counts")
            found = {item["id"] for item in host.call("keys.list")["items"]}
            self.assertEqual(found, {key["id"] for key in made})
            self.assertEqual(host.call("audit.verify")["items"], [])
        finally:
            host.kill()


if __name__ == "__main__":
    unittest.main()
