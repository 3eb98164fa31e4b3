# SPDX-License-Identifier: Apache-2.0
"""A power cut, or a disk that fails, on a host of a shared store: it starts, and has from the log what its disk lacks."""

import struct
import unittest
import zlib

import harness
import shared
import test_first_start as first_start

CHECKPOINTS = 4
CHANGES = 3  # to each
CHECKPOINT = f"{first_start.STORE}-checkpoint"
# Of the checkpoint's file (daemon/store/checkpoint.c): a place, and in it the boot and the sum of all before.
PLACE, BOOT, SUM = 4096, slice(40, 80), 236
STARTS = 40  # of the states that a cut may leave: each takes a start


def another_boot(file):
    """As if the kernel had started since the file was written."""
    data = bytearray(file.read_bytes()) if file.exists() else b""
    for at in range(0, len(data), PLACE):
        place = data[at:at + SUM + 4]
        if len(place) == SUM + 4 and zlib.crc32(place[:SUM]) == struct.unpack_from("=I", place, SUM)[0]:
            place[BOOT] = b"another".ljust(len(place[BOOT]), b"\0")
            struct.pack_into("=I", place, SUM, zlib.crc32(place[:SUM]))
            data[at:at + SUM + 4] = place
    if data:
        file.write_bytes(data)


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
        made = []
        for _ in range(CHECKPOINTS):
            before_these = (host.state / CHECKPOINT).read_bytes() if made else b""
            made += [host.call("keys.create", roles=["viewer"]) for _ in range(CHANGES)]
            harness.wait_until(lambda was=before_these: (host.state / CHECKPOINT).read_bytes() != was, what="a checkpoint")
        made += [host.call("keys.create", roles=["viewer"]) for _ in range(CHANGES)]
        host.kill()
        return host, before, lines.read_text().splitlines(), begun, made

    def test_a_host_whose_disk_failed_ends_and_starts_on_what_is_on_it(self):
        host = self.host("h1")
        host.prefix = ["env", f"LD_PRELOAD={first_start.RECORDER}", f"RECORD_WRITES_TO={host.folder / 'lines'}",
                       f"RECORD_WRITES_IN={host.state}"]
        host.stop()
        host.start()
        host.await_connected()
        host.call("store.share")
        made = [host.call("keys.create", roles=["viewer"]) for _ in range(CHANGES)]
        (host.state / "FAIL_SYNC").touch()
        made.append(host.call("keys.create", roles=["viewer"]))
        self.assertEqual(host.wait(), 1, host.log())
        self.assertIn("the disk failed", host.log())
        (host.state / "FAIL_SYNC").unlink()
        # What is in the kernel may be lost, too: the same boot is no proof.
        host.start()
        self.assertIn("the store is as it was shortly before", host.log())
        self.has_all(host, made)

    def test_a_host_that_is_killed_has_all_that_it_answered_without_the_log(self):
        host = self.host("h1", lines=["start_stale yes"])
        host.call("store.share")
        key = host.call("keys.create", roles=["viewer"])
        self.assertTrue(host.call("authorize", token=key["secret"], method="GET", path="/loans")["allow"])
        host.call("keys.revoke", id=key["id"])
        host.kill()
        self.server.kill()
        host.start()
        self.assertEqual(host.call("keys.get", id=key["id"])["status"], "revoked")
        self.assertFalse(host.call("authorize", token=key["secret"], method="GET", path="/loans")["allow"])

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
        another_boot(host.state / CHECKPOINT)
        host.start()
        try:
            self.has_all(host, made)
        finally:
            host.kill()

    def has_all(self, host, made):
        host.await_place(made[-1]["as_of"])
        harness.wait_until(lambda: not host.shared()["stale"], what="a state that counts")
        self.assertEqual({item["id"] for item in host.call("keys.list")["items"]}, {key["id"] for key in made})
        self.assertEqual(host.call("audit.verify")["items"], [])


if __name__ == "__main__":
    unittest.main()
