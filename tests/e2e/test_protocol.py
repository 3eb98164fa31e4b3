# SPDX-License-Identifier: Apache-2.0
"""PROTOCOL.md against the daemon: its bytes, its methods and their parameters, what may be sent again."""

import re
import unittest

import harness
import msgpack

TEXT = (harness.ROOT / "daemon" / "PROTOCOL.md").read_text(encoding="utf-8")
SOURCES = sorted((harness.ROOT / "daemon").glob("*/**/*.c"))

# A value that no parameter accepts: it is refused before anything is done.
NO_VALUE = 0.5


def blocks(kind):
    """The bytes of each block of that kind: the hex digits at the beginning of its lines."""
    found = []
    for body in re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.M | re.S):
        digits = [re.match(r"(?:[0-9a-f]{2}(?: |$))*", line).group() for line in body.splitlines()]
        found.append(bytes.fromhex("".join(digits)))
    return found


def section(title):
    return re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", TEXT, re.M | re.S).group(1)


def rows(text):
    """The cells of the rows of all tables."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]


def names(text):
    """The names in backquotes, without what is in parentheses."""
    before = None
    while before != text:
        before, text = text, re.sub(r"\([^()]*\)", "", text)
    return set(re.findall(r"`([a-z_]+)`", text))


def documented():
    """{method: its parameters}, without the `token` of methods that manage."""
    found = {}
    for cells in rows(TEXT):
        methods = re.findall(r"`([a-z_.]+)`", cells[0])
        if not methods or not re.fullmatch(r"(`[a-z]*\.[a-z]+`(, )?)+|`status`|`who`|`whoami`", cells[0]):
            continue
        noun = methods[0].split(".")[0]
        given = cells[-1].split("→")[0] if "→" in cells[-1] else ""
        for method in methods:
            found[noun + method if method.startswith(".") else method] = names(given)
    found["authorize"] = set().union(*(names(cells[0]) for cells in rows(section("authorize"))
                                       if "`" in cells[0] and len(cells) == 3))
    found["authorize_many"] = found["authorize"] | {"requests"}
    for method in ("permissions", "plan"):
        listed = re.match(r"\s*`\{([^}]*)\}`", section(method)).group(1)
        found[method] = set(re.findall(r"[a-z_]+", listed))
    return found


def methods_of_the_daemon():
    """Read from the tables of methods in its sources: their names."""
    found = set()
    for source in SOURCES:
        for table in re.findall(r"const struct method \w+\[\] = \{(.*?)^\};",
                                source.read_text(encoding="utf-8"), re.M | re.S):
            found |= set(re.findall(r'\{ "([a-z_.]+)",', table))
    return found


def reading_methods():
    """Those that may be sent again because they change nothing."""
    first = next(cells for cells in rows(section("Sending again")) if cells[0] == "what only reads")
    return set(re.findall(r"`([a-z_.]+)`", first[1]))


def shared_parameters(method):
    """What a shared store adds to a method, of those that its table of parameters gives to several."""
    added = {"as_of"}
    first = [cells for cells in rows(section("Sending again")) if len(cells) == 3]
    whole = {name for cells in first if cells[0] in ("what yields a secret", "what sets a state",
                                                     "what makes or removes")
             for name in re.findall(r"`([a-z_.]+)`", cells[1])} | {"keys.prolong", "pepper.rotate"}
    if method in whole - {"policy.reload", "store.upgrade", "hosts.forget", "keys.renew"}:
        added.add("everywhere")
    if method in ("keys.revoke", "keys.disable"):
        added.add("local")
    return added


def names_of_parameters():
    """Every name that any table of parameters has."""
    return set().union(*(re.findall(r'WIRE_FIELD\(\s*"([a-z_]+)"', source.read_text(encoding="utf-8"))
                         for source in SOURCES))


class Bytes(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        policy = re.search(r"^```policy\n(.*?)^```$", TEXT, re.M | re.S).group(1)
        self.client = self.daemon({"a.policy": policy}).client()
        self.requests, self.answers = blocks("request"), blocks("answer")

    def ask(self, request):
        """The bytes of the daemon's answer."""
        self.client.send_bytes(request)
        data = b""
        while True:
            data += self.client.socket.recv(1 << 16)
            unpacker = msgpack.Unpacker(raw=False)
            unpacker.feed(data)
            try:
                return unpacker.unpack(), data
            except msgpack.OutOfData:
                pass

    def test_the_requests_are_what_they_are_said_to_be(self):
        self.assertEqual([msgpack.unpackb(data, raw=False) for data in self.requests], [
            [0, 1, "authorize", [{"principal": "ann", "method": "GET", "path": "/loans/7"}]],
            [0, 2, "authorize", [{"principle": "ann"}]],
            [0, 3, "policy.status", []],
        ])

    def test_the_meaning_of_each_line_is_its_bytes(self):
        lines = re.findall(r'^((?:[0-9a-f]{2} )*[0-9a-f]{2})\s+"([^"]*)"$', TEXT, re.M)
        self.assertGreater(len(lines), 20)
        for digits, text in lines:
            self.assertEqual(msgpack.unpackb(bytes.fromhex(digits), raw=False), text)

    def test_the_daemon_answers_with_these_bytes(self):
        message, data = self.ask(self.requests[0])
        wanted = msgpack.unpackb(self.answers[0], raw=False)
        # A revision depends on the version, too.
        revision, documented_revision = message[3]["revision"], wanted[3]["revision"]
        self.assertEqual(len(revision), len(documented_revision))
        self.assertEqual(data.replace(revision.encode(), documented_revision.encode()),
                         self.answers[0])

    def test_the_error_is_as_described(self):
        message, _ = self.ask(self.requests[1])
        wanted = msgpack.unpackb(self.answers[1], raw=False)
        # Its words may go on, with a suggestion.
        self.assertTrue(message[2].pop("message").startswith(wanted[2].pop("message")))
        self.assertEqual(message, wanted)

    def test_no_parameters_are_an_empty_map(self):
        message, _ = self.ask(self.requests[2])
        self.assertIsNone(message[2])
        self.assertIn("revision", message[3])
        for none in ([], [{}]):
            message, _ = self.ask(msgpack.packb([0, 4, "keys.get", none]))
            self.assertEqual((message[2]["code"], message[2]["param"]), ("invalid_request", "id"))
        message, _ = self.ask(msgpack.packb([0, 5, "keys.get", [{"id": None}]]))
        self.assertEqual((message[2]["code"], message[2]["param"]), ("invalid_request", "id"))
        message, _ = self.ask(msgpack.packb([0, 6, "keys.update", [{"id": "K", "label": None}]]))
        self.assertEqual(message[2]["code"], "not_found")

    def test_an_id_may_be_any_unsigned_integer_of_32_bits(self):
        for number in (0, 1 << 31, (1 << 32) - 1):
            message, _ = self.ask(msgpack.packb([0, number, "policy.status", []]))
            self.assertEqual(message[1], number)
        message, _ = self.ask(bytes.fromhex("9400cf0000000000000007") + msgpack.packb("policy.status")
                              + b"\x90")
        self.assertEqual(message[1], 7)
        message, _ = self.ask(msgpack.packb([0, 1 << 32, "policy.status", []]))
        self.assertEqual((message[1], message[2]["code"]), (None, "invalid_request"))
        self.assertTrue(self.client.is_closed())

    def test_a_cursor_is_bound_to_all_parameters_but_the_limit(self):
        for number in range(5):
            self.client.call("principals.create", id=f"p{number}")
        page = self.client.call("principals.list", limit=2)
        rest = self.client.call("principals.list", limit=1000, cursor=page["cursor"])
        self.assertEqual([item["id"] for item in page["items"] + rest["items"]],
                         ["p0", "p1", "p2", "p3", "p4", "ann"])
        error = self.assert_error("invalid_request", self.client.call, "principals.list",
                                  tenant="default", cursor=page["cursor"])
        self.assertEqual(error.error["param"], "cursor")


class Methods(harness.DaemonTest):
    def test_every_method_is_listed_with_its_parameters(self):
        client = self.daemon().client()
        listed, candidates = documented(), sorted(names_of_parameters())
        self.assertGreater(len(candidates), 30)
        self.assertEqual(set(listed), methods_of_the_daemon())
        for method, parameters in sorted(listed.items()):
            known = set()
            for name in candidates:
                error = self.assert_error("invalid_request", client.call, method, **{name: NO_VALUE})
                self.assertTrue(error.message.startswith(f"{name}: "), error.message)
                if not error.message.startswith(f"{name}: unknown parameter"):
                    known.add(name)
            if method not in ("authorize", "authorize_many", "permissions", "plan", "keys.renew"):
                known -= {"token", "impersonate"}
            with self.subTest(method=method):
                self.assertEqual(known, parameters | shared_parameters(method))

    def test_for_every_method_it_says_once_whether_it_may_be_sent_again(self):
        listed = []
        for cells in rows(section("Sending again")):
            if len(cells) == 3:
                listed += re.findall(r"`([a-z_.]+)`", cells[1])
        self.assertEqual(sorted(listed), sorted(methods_of_the_daemon()))

    def test_libauthz_sends_again_what_only_reads(self):
        retry = (harness.ROOT / "client" / "authz_retry.c").read_text(encoding="utf-8")
        whole = set(re.findall(r'"([a-z_.]+)"', re.search(r"names\[\] = \{(.*?)\}", retry, re.S).group(1)))
        ends = tuple(re.findall(r'ends_with\(method, "([a-z.]+)"\)', retry))
        self.assertEqual({method for method in methods_of_the_daemon()
                          if method in whole or method.endswith(ends)}, reading_methods())

    def test_what_only_reads_changes_nothing(self):
        """A method in the first row runs on a worker, without the writer."""
        reading = reading_methods()
        changing = set()
        for source in SOURCES:
            text = source.read_text(encoding="utf-8")
            flags = dict(re.findall(r"^#define (\w+)\s+\(?(.*?)\)?$", text, re.M))
            for name, flag in re.findall(r'\{ "([a-z_.]+)",\s*\w+,\s*\w+,\s*([A-Z_ |\n\t]+),', text):
                words = {word for word in re.findall(r"\w+", flag)}
                words |= {inner for word in words for inner in re.findall(r"\w+", flags.get(word, ""))}
                words |= {inner for word in words for inner in re.findall(r"\w+", flags.get(word, ""))}
                if words & {"METHOD_CHANGES", "METHOD_RELOADS"}:
                    changing.add(name)
        self.assertGreater(len(changing), 20)
        self.assertEqual(reading & changing, set())
        self.assertEqual(methods_of_the_daemon() - changing - reading, {"store.backup", "decisions.watch"})

    def test_every_code_of_an_error_is_described(self):
        wire = (harness.ROOT / "client" / "wire_message.c").read_text(encoding="utf-8")
        codes = set(re.findall(r'\[WIRE_[A-Z_]+\] = \{ "([a-z_]+)"', wire))
        self.assertEqual({name for cells in rows(section("Errors")) if len(cells) == 2
                          for name in names(cells[0])}, codes)


if __name__ == "__main__":
    unittest.main()
