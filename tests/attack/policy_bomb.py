# SPDX-License-Identifier: Apache-2.0
"""An author of policies wants a small file to fill the host's memory and keep the daemon busy."""

import re
import unittest

import attack
import harness

MIB = 1 << 20
# What the daemon has besides the compile: the files as read, and the diagnostics as answered.
APART = 16 * MIB


def paths(name, count):
    return ", ".join(f"/{name}{i}" for i in range(count))


def words(name, count):
    return ", ".join(f"{name}{i}" for i in range(count))


def nodes(count):
    return "tree t {\n" + "".join(f"/n{i} {{ a{i} }}\n" for i in range(count)) + "}\n"


BOMBS = {
    "paths in paths": "tree t { %s { %s { GET } } }\n" % (paths("a", 1000), paths("b", 990)),
    "two paths, 60 levels deep": "tree t { " + "/a, /b { " * 60 + "GET " + "} " * 61 + "\n",
    "512 actions in each of them":
        "tree t { %s { %s { %s } } }\n" % (paths("a", 900), paths("b", 900), words("x", 512)),
    "actions times patterns":
        nodes(3000) + f"role r {{ allow {words('a', 3000)} on " + "t:/**, " * 20000 + "t:/** }\n",
    "actions times patterns of an exception":
        nodes(3000) + f"role r {{ allow all on t:/** except {words('a', 2999)} on "
        + "t:/**, " * 20000 + "t:/** }\n",
    "actions times resources of a test":
        "tree t { a }\ntest \"x\" { allow " + "a, " * 20000 + "a " + "t:/, " * 20000 + "t:/ }\n",
    "suffixes of a long path":
        "tree t { a }\nrole r { allow a on t:/a { " + "/a { " * 60 + "/a," * 80000 + "} " * 62 + "\n",
    "a large stack in many":
        "tree t { a }\nstack big {\n" + "account optional permit\n" * 1000 + "}\n"
        + "".join(f"stack s{i} {{\naccount include big\n}}\n" for i in range(6000)),
    "exclusive sets times heirs":
        "tree t { a }\nrole r0 { allow a on t:/ }\nrole q { allow a on t:/ }\n"
        + "".join(f"role r{i + 1} inherits r{i}\nexclusive r{i}, q\n" for i in range(4500)),
}
READ = {"principal": "p", "method": "GET", "path": "/loans"}


class PolicyBomb(attack.Attack):
    def memory(self, daemon):
        """Bytes: the present and the largest resident size since reset_peak, and the address space."""
        status = (daemon.proc / "status").read_text()
        return [1024 * int(re.search(rf"{name}:\s+(\d+)", status)[1])
                for name in ("VmRSS", "VmHWM", "VmPeak")]

    def reset_peak(self, daemon):
        (daemon.proc / "clear_refs").write_text("5")

    def test_no_small_policy_takes_much_memory(self):
        daemon = self.daemon({"a.policy": harness.SMALL_POLICY})
        daemon.proc = harness.Path(f"/proc/{daemon.process.pid}")
        client = daemon.client()
        revision = client.call("authorize", **READ)["revision"]
        for name, text in BOMBS.items():
            with self.subTest(bomb=name):
                self.assertLess(len(text), 512 * 1024, "a small policy")
                self.reset_peak(daemon)
                before = self.memory(daemon)[0]
                daemon.write("bomb.policy", text)
                error = self.refused(f"{name}, {len(text) // 1024} KiB", "invalid_policy",
                                     lambda: client.call("policy.reload"))
                self.assertGreater(len(error["diagnostics"]), 0)
                _, peak, space = self.memory(daemon)
                limit = 64 * len(text) + 64 * MIB + APART
                # A sanitizer's own memory is no figure of the daemon's.
                if space < 1 << 40:
                    self.assertLess(peak - before, limit, f"{peak >> 20} MiB")
                    self.failed(f"{name}: fill the memory",
                                f"{(peak - before) >> 20} MiB, at most {limit >> 20} MiB")
                self.assertEqual(client.call("authorize", **READ)["revision"], revision)


if __name__ == "__main__":
    unittest.main()
