# SPDX-License-Identifier: Apache-2.0
"""A power cut during the very first start: the next start mends it, by itself and for certain."""

import os
import shutil
import unittest

import harness
import people

RECORDER = os.environ.get("RECORD_WRITES")
STORE = "store.mdb"
FILES = {"lock", "pepper", "policy.last-good", STORE, f"{STORE}-head", f"{STORE}-lock"}
CLEAN = f"{STORE}-clean"  # after a clean end


class File:
    """A file's bytes, as the program sees them and as a power cut may leave them."""

    def __init__(self):
        self.synced = b""
        self.pending = []  # (offset, bytes), or (size, None) for a truncation

    @staticmethod
    def apply(data, changes):
        data = bytearray(data)
        for at, new in changes:
            if new is None:
                del data[at:]
                data.extend(bytes(at - len(data)))
            else:
                data.extend(bytes(max(0, at + len(new) - len(data))))
                data[at:at + len(new)] = new
        return bytes(data)

    def now(self):
        return self.apply(self.synced, self.pending)

    def sync(self):
        self.synced, self.pending = self.now(), []

    def cuts(self):
        """What may be on the disk: all of it; only what was synced, and the new size, the rest
        zeroes, or not even that; and each page of what was written without the others, or the
        others without it."""
        pages = [(at + i, new[i:i + 4096] if new is not None else None)
                 for at, new in self.pending for i in range(0, len(new or b"x"), 4096)]
        blank = [(at, None) if new is None else (at + len(new), b"") for at, new in pages]
        yield self.now()
        yield self.synced
        yield self.apply(self.synced, blank)
        for i in range(len(pages)):
            yield self.apply(self.synced, pages[:i] + blank[i:i + 1] + pages[i + 1:])
            yield self.apply(self.synced, blank[:i] + pages[i:i + 1] + blank[i + 1:])
            yield self.apply(self.synced, pages[:i + 1])  # the file ends where this one ends


class Disk:
    """The folder: names and files, replayed from the recorder's lines."""

    def __init__(self):
        self.files = {}
        self.names = {}
        self.entries = [{}]  # the names that are synced, and after each change since

    def do(self, line):
        what, *words = line.split()
        if what == "create":
            self.files[words[0]] = File()
            self.names[words[1]] = words[0]
        elif what == "write":
            self.files[words[0]].pending.append((int(words[1]), bytes.fromhex("".join(words[2:]))))
        elif what == "truncate":
            self.files[words[0]].pending.append((int(words[1]), None))
        elif line == "sync folder":
            self.entries = [dict(self.names)]
        elif what == "sync":
            self.files[words[0]].sync()
        elif what == "rename":
            self.names[words[1]] = self.names.pop(words[0])
        elif what == "link":
            self.names[words[1]] = self.names[words[0]]
        elif what == "unlink":
            del self.names[words[0]]
        else:
            raise AssertionError(f"the recorder wrote {line[:80]!r}")
        if self.names != self.entries[-1]:
            self.entries.append(dict(self.names))

    def cuts(self):
        """Each state that a cut may leave, as a frozenset of (the names of a file, its bytes): any
        part of the entries, and one file at a time that is not as the program sees it, or all of
        them as they were synced, or of the new size as well."""
        for names in self.entries:
            inodes = sorted(set(names.values()))
            now = {inode: self.files[inode].now() for inode in inodes}
            synced = {inode: self.files[inode].synced for inode in inodes}
            yield self.state(names, synced)
            yield self.state(names, {inode: data.ljust(len(now[inode]), b"\0")
                                     for inode, data in synced.items()})
            for inode in inodes:
                for data in self.files[inode].cuts():
                    yield self.state(names, {**now, inode: data})

    @staticmethod
    def state(names, files):
        return frozenset(
            (tuple(sorted(name for name in names if names[name] == inode)), data)
            for inode, data in files.items())


def put_state(state, folder):
    for names, data in state:
        first = folder / names[0]
        first.write_bytes(data)
        first.chmod(0o600)
        for name in names[1:]:
            os.link(first, folder / name)


def describe(state):
    return ", ".join(f"{'='.join(names)}: {len(data)} bytes{'' if any(data) else ' of zeroes'}"
                     for names, data in sorted(state))


@unittest.skipUnless(RECORDER, "a sanitizer wants to be loaded first itself")
class EveryCut(harness.DaemonTest):
    def record(self):
        """A first start and its first change: the lines, and how many before its answer."""
        d = self.daemon(start=False)
        lines = d.folder / "lines"
        d.prefix = ["env", f"LD_PRELOAD={RECORDER}", f"RECORD_WRITES_TO={lines}",
                    f"RECORD_WRITES_IN={d.state}"]
        d.start()
        d.call("principals.create", id="alice")
        answered = len(lines.read_text().splitlines())
        d.kill()
        lines = lines.read_text().splitlines()
        disk = Disk()
        for line in lines:
            disk.do(line)
        # Nothing was missed; LMDB's locks alone are written through a map.
        self.assertEqual(set(disk.names), {path.name for path in d.state.iterdir()})
        for name in disk.names.keys() - {f"{STORE}-lock"}:
            self.assertEqual(disk.files[disk.names[name]].now(), (d.state / name).read_bytes(), name)
        return lines, answered

    def states(self, lines, answered):
        """Each state once, and whether the change had been answered by then at the latest."""
        disk, seen = Disk(), {}
        for number, line in enumerate(["sync folder", *lines]):
            disk.do(line)
            for state in disk.cuts():
                seen[state] = seen.get(state, True) and number >= answered
        return seen

    def start_on(self, state, answered):
        d = self.daemon(start=False)
        put_state(state, d.state)
        d.start()
        with d.client() as client:
            ids = [item["id"] for item in client.call("principals.list")["items"]]
            self.assertIn(ids, [["alice"]] if answered else [[], ["alice"]])
            client.call("principals.create", id="bob")
            self.assertEqual(client.call("principals.get", id="bob")["id"], "bob")
        d.kill()
        self.assertEqual({path.name for path in d.state.iterdir()}, FILES)
        d.finish()

    def test_the_daemon_starts_on_what_any_power_cut_leaves(self):
        states = self.states(*self.record())
        self.assertGreater(len(states), 50)
        for state, answered in states.items():
            with self.subTest(state=describe(state)):
                self.start_on(state, answered)


class LeftOver(people.PeopleTest):
    """What an older version left, or somebody put there."""

    def setUp(self):
        super().setUp()
        self.d.stop()
        self.store = self.d.state / STORE
        self.aside = self.d.state / f"{STORE}.creating"

    def clear(self, *kept):
        for path in self.d.state.iterdir():
            if path.name not in kept:
                path.unlink()

    def put(self, path, data=b""):
        path.write_bytes(data)
        path.chmod(0o600)

    def refused(self, *words):
        before = self.listing()
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1, said)
        for word in words:
            self.assertIn(word, said)
        self.assertEqual(self.listing(), before)

    def listing(self):
        return {path.name: os.lstat(path).st_ino for path in self.d.state.iterdir()}

    def starts(self):
        self.d.start()
        self.d.call("principals.create", id="alice")
        self.d.stop()
        self.assertEqual({path.name for path in self.d.state.iterdir()}, FILES | {CLEAN})

    def test_a_store_that_never_held_anything_is_made_again(self):
        for data in (b"", bytes(8192), bytes(4096), bytes(16384)):
            for kept in ((), ("pepper",)):
                with self.subTest(len(data), kept=kept):
                    self.clear(*kept)
                    self.put(self.store, data)
                    said = len(self.d.log())
                    self.starts()
                    self.assertIn("the store was empty", self.d.log()[said:])

    def test_a_store_that_has_a_head_is_never_made_again(self):
        for data in (b"", bytes(8192)):
            with self.subTest(len(data)):
                self.put(self.store, data)
                self.refused("is empty", "store.mdb-head", "authzcheck store restore")
                self.assertEqual(self.store.read_bytes(), data)

    def test_a_damaged_store_is_refused_and_kept(self):
        good = self.store.read_bytes()
        for kept in ((), ("pepper", f"{STORE}-head")):
            for data in (bytes(8192) + good[8192:], bytes(4096) + good[4096:], good[:4096],
                         b"x" * 8192, bytes(2 << 20)):
                with self.subTest(len(data), kept=kept):
                    self.clear("lock", f"{STORE}-lock", *kept)
                    self.put(self.d.state / "lock")
                    self.put(self.d.state / f"{STORE}-lock")
                    self.put(self.store, data)
                    self.refused("damaged", "authzcheck store restore", "remove the file")
                    self.assertEqual(self.store.read_bytes(), data)

    def test_what_a_start_left_is_removed(self):
        self.put(self.aside, b"half")
        self.d.start()  # with the store that is there
        self.assertFalse(self.aside.exists())
        self.d.stop()
        self.clear()
        self.put(self.aside, bytes(8192))
        self.starts()

    def test_what_no_start_left_is_refused(self):
        self.clear("lock")
        elsewhere = self.d.folder / "elsewhere"
        self.put(elsewhere, b"precious")
        self.aside.symlink_to(elsewhere)
        self.refused("is a link")
        self.aside.unlink()
        os.link(elsewhere, self.aside)
        self.refused("another name")
        self.aside.unlink()
        self.put(self.aside)
        self.aside.chmod(0o666)
        self.refused("chmod 600")
        if os.geteuid() == 0:
            # Root's daemon has no capability to open what others closed to it.
            self.aside.chmod(0o666)
            os.chown(self.aside, 12345, -1)
            self.refused("belongs to uid 12345")
        self.aside.unlink()
        self.aside.mkdir()
        self.refused(self.aside.name)
        self.assertEqual(elsewhere.read_bytes(), b"precious")

    def test_a_link_in_the_stores_place_is_not_replaced(self):
        self.clear("lock")
        elsewhere = self.d.folder / "elsewhere"
        self.store.symlink_to(elsewhere)
        self.refused("leads nowhere")
        self.put(elsewhere)
        self.refused("a link to an empty file")
        self.assertTrue(self.store.is_symlink())


if __name__ == "__main__":
    unittest.main()
