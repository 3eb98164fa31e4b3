# SPDX-License-Identifier: Apache-2.0
"""Modules that are shared objects: built by users, loaded, called, replaced, removed."""

import os
import re
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

import harness
from harness import run_tool, wait_until
from modules import COUNTRIES, DENYLIST, GEO, POLICY, SOURCES, Modules, setUpModule, tearDownModule


class Strange(Modules):
    def test_a_caller_is_let_in_by_country(self):
        self.install("geo")
        daemon = self.serve(GEO)
        for ip, allowed in (("192.0.2.1", True), ("192.0.2.200", True), ("198.51.100.7", False),
                            ("2001:db8::1", True), ("2001:db8:1::1", False), ("203.0.113.1", False),
                            ("::ffff:192.0.2.1", True)):
            answer = self.ask(daemon, ip)
            self.assertEqual((answer["allow"], answer.get("reason")),
                             (allowed, "ok" if allowed else "country"), ip)
        self.assertEqual(daemon.call("authorize", service="loans", method="GET", path="/loans",
                                     principal="ann")["reason"], "country")

    def test_a_data_file_is_followed(self):
        self.install("geo", "denylist")
        daemon = self.serve(GEO + "\n" + DENYLIST)
        made = daemon.call("keys.create", principal="ann")
        self.assertTrue(self.allowed_key(daemon, made["secret"]))
        revision = daemon.call("policy.status")["revision"]
        self.put("denied", f"# out since today\n{made['id']}\n")
        wait_until(lambda: not self.allowed_key(daemon, made["secret"]))
        wait_until(lambda: daemon.call("policy.status")["revision"] != revision)
        self.put("denied", "")
        wait_until(lambda: self.allowed_key(daemon, made["secret"]))
        wait_until(lambda: daemon.call("policy.status")["revision"] == revision)

    WRONG = "data file 'countries' of module 'geo': line 2 is not of the form 'NETWORK COUNTRY'"

    def feeds(self, daemon):
        return {feed["name"]: feed for feed in daemon.call("status")["data"]}

    def test_a_wrong_data_file_leaves_the_last_good_one_and_is_not_quoted(self):
        self.install("geo")
        daemon = self.serve(GEO)
        revision = daemon.call("policy.status")["revision"]
        self.put("countries", "192.0.2.0/24 CH\nS3CR3T\n")
        daemon.wait_for_log("a data file is refused: its module goes on with the last good one")
        wait_until(lambda: daemon.call("policy.status")["diagnostics"])
        problem = daemon.call("policy.status")["diagnostics"][0]
        self.assertEqual((problem["severity"], problem["line"], problem["column"]),
                         ("warning", 16, 43))
        self.assertEqual(problem["message"],
                         f"{self.WRONG}: the module goes on with the last good one")
        self.assertEqual(daemon.call("policy.status")["revision"], revision)
        self.assertTrue(self.allows(daemon))
        self.assertFalse(self.allows(daemon, "203.0.113.1"))
        feed = self.feeds(daemon)["countries"]
        self.assertEqual((feed["module"], feed["denies"], feed["bytes"]),
                         ("geo", False, len(COUNTRIES)))
        self.assertIn("line 2 is not of the form", feed["why"])
        self.assertRegex(daemon.tool("status").stdout,
                         r"data +countries: 1\d\d bytes, changed .*: module geo refuses it: line 2 is "
                         r"not .*; this is the last good one")
        # A later policy is taken.
        daemon.write("p.policy", POLICY.replace("reader", "viewer") % GEO)
        daemon.tool("reload")
        self.assertTrue(daemon.call("policy.status")["ok"])
        self.assertNotEqual(daemon.call("policy.status")["revision"], revision)
        self.assertTrue(self.allows(daemon))
        # So is the next right file.
        self.put("countries", "203.0.113.0/24 CH\n")
        wait_until(lambda: self.allows(daemon, "203.0.113.1"))
        self.assertEqual(set(self.feeds(daemon)["countries"]), {"name", "bytes", "changed_at"})
        self.assertNotIn("S3CR3T", daemon.log())

    def test_a_broken_policy_folder_keeps_no_data_file_away(self):
        self.install("geo", "denylist")
        daemon = self.serve(GEO + "\n" + DENYLIST)
        made = daemon.call("keys.create", principal="ann")
        self.assertTrue(self.allowed_key(daemon, made["secret"]))
        daemon.replace("p.policy", "role broken {\n")  # in one step: written in place, it could be found empty
        wait_until(lambda: not daemon.call("policy.status")["ok"])
        self.put("denied", made["id"] + "\n")
        wait_until(lambda: not self.allowed_key(daemon, made["secret"]))
        status = daemon.call("policy.status")
        self.assertFalse(status["ok"])
        daemon.policy.rename(daemon.folder / "away")
        self.put("denied", "")
        wait_until(lambda: self.allowed_key(daemon, made["secret"]))
        # The next start is from that policy, with its data.
        self.put("denied", made["id"] + "\n")
        wait_until(lambda: not self.allowed_key(daemon, made["secret"]))
        daemon.stop()
        daemon.start()
        self.assertFalse(self.allowed_key(daemon, made["secret"]))
        self.assertTrue(self.allows(daemon))

    def test_a_data_file_that_is_gone_leaves_the_last_good_one(self):
        self.install("geo")
        daemon = self.serve(GEO)
        (self.data / "countries").unlink()
        daemon.wait_for_log("a data file is refused: its module goes on with the last good one")
        self.assertTrue(self.allows(daemon))
        self.assertIn("has no data/countries", self.feeds(daemon)["countries"]["why"])

    def test_one_that_is_wrong_from_the_start_denies_until_it_is_right(self):
        self.install("geo")
        self.put("countries", "nowhere\n")
        daemon = self.serve(GEO)
        self.assertEqual(self.ask(daemon)["reason"], "module_error")
        self.assertTrue(self.feeds(daemon)["countries"]["denies"])
        self.assertIn("there was no good one, so the module denies", daemon.tool("status").stdout)
        daemon.wait_for_log("so this line denies until it is right",
                            "its module denies, for there was no good one")
        self.put("countries", COUNTRIES)
        wait_until(lambda: self.allows(daemon))

    def test_a_name_that_no_file_ever_had_is_a_mistake_of_the_policy(self):
        self.install("geo")
        daemon = self.serve(GEO)
        # In one step: written in place, it could be found empty.
        daemon.replace("p.policy", POLICY % GEO.replace("countries", "contries"))
        with self.assertRaises(harness.Error) as caught:
            daemon.call("policy.reload")
        self.assertEqual(caught.exception.code, "invalid_policy")
        self.assertTrue(self.allows(daemon))

    def test_a_restart_goes_on_with_the_last_good_data_file(self):
        self.install("geo")
        daemon = self.serve(GEO)
        before = daemon.call("policy.status")["revision"]
        self.put("countries", "203.0.113.0/24 CH\n")
        wait_until(lambda: self.allows(daemon, "203.0.113.1"))
        wait_until(lambda: daemon.call("policy.status")["revision"] != before)
        revision = daemon.call("policy.status")["revision"]
        changed_at = self.feeds(daemon)["countries"]["changed_at"]
        for broken in ("nowhere\n", None):
            with self.subTest(broken):
                if broken is None:
                    (self.data / "countries").unlink()
                else:
                    self.put("countries", broken)
                daemon.kill()
                daemon.start()
                self.assertTrue(self.allows(daemon, "203.0.113.1"))
                self.assertFalse(self.allows(daemon))
                status = daemon.call("policy.status")
                self.assertEqual((status["ok"], status["last_good"], status["revision"]),
                                 (True, None, revision))
                feed = self.feeds(daemon)["countries"]
                self.assertEqual((feed["denies"], feed["changed_at"]), (False, changed_at))
                self.assertIn("this is the last good one", daemon.tool("status").stdout)
        log = daemon.wait_for_log("error: a data file is refused: its module goes on with the last good one")
        self.assertEqual(log.count("trying again with the data files that were kept"), 2)
        # What replaces it is kept in its place.
        self.put("countries", COUNTRIES)
        wait_until(lambda: self.allows(daemon))
        (self.data / "countries").unlink()
        daemon.kill()
        daemon.start()
        self.assertTrue(self.allows(daemon))
        self.assertFalse(self.allows(daemon, "203.0.113.1"))
        # And what no policy uses is not kept.
        self.put("countries", COUNTRIES)
        daemon.replace("p.policy", POLICY % "")
        daemon.tool("reload")
        self.assertFalse(self.kept_data(daemon).exists())

    def kept_data(self, daemon):
        return daemon.state / "data.last-good"

    def test_a_kept_data_file_that_was_altered_is_refused_and_so_is_any_with_strict(self):
        self.install("geo")
        daemon = self.serve(GEO)
        daemon.stop()
        self.put("countries", "nowhere\n")
        daemon.start("--strict")
        self.assertEqual(self.ask(daemon)["reason"], "module_error")
        daemon.stop()
        daemon.start()
        self.assertTrue(self.allows(daemon))
        daemon.stop()
        kept = bytearray(self.kept_data(daemon).read_bytes())
        self.assertIn(b"192.0.2.0/24 CH", kept)
        kept[kept.index(b"CH")] ^= 1
        self.kept_data(daemon).write_bytes(kept)
        daemon.start()
        self.assertEqual(self.ask(daemon)["reason"], "module_error")
        daemon.wait_for_log("the data files that were kept cannot be used", "data.last-good was altered")

    def test_an_old_copy_of_a_kept_data_file_that_was_put_back_is_refused(self):
        self.install("geo")
        daemon = self.serve(GEO)
        before = daemon.call("policy.status")["revision"]
        old = self.kept_data(daemon).read_bytes()
        self.put("countries", "203.0.113.0/24 CH\n")
        wait_until(lambda: daemon.call("policy.status")["revision"] != before)
        self.put("countries", "nowhere\n")
        daemon.stop()
        daemon.start()
        self.assertTrue(self.allows(daemon, "203.0.113.1"), "the newest copy is used")
        daemon.stop()
        self.kept_data(daemon).write_bytes(old)
        daemon.start()
        self.assertEqual(self.ask(daemon)["reason"], "module_error")
        daemon.wait_for_log("data.last-good is an old copy that was put back")
        # The same content again is not old, whenever it was kept.
        self.put("countries", COUNTRIES)
        wait_until(lambda: self.allows(daemon))
        wait_until(lambda: daemon.call("policy.status")["revision"] == before)
        self.put("countries", "nowhere\n")
        daemon.stop()
        self.kept_data(daemon).write_bytes(old)
        daemon.start()
        self.assertTrue(self.allows(daemon))

    def test_the_last_good_policy_starts_without_a_data_file_and_denies(self):
        self.install("geo")
        daemon = self.serve(GEO)
        daemon.stop()
        self.kept_data(daemon).unlink()
        (self.data / "countries").unlink()
        daemon.start()
        self.assertEqual(self.ask(daemon)["reason"], "module_error")
        self.assertIsNotNone(daemon.call("policy.status")["last_good"])
        self.put("countries", COUNTRIES)
        wait_until(lambda: self.allows(daemon))
        wait_until(lambda: daemon.call("policy.status")["last_good"] is None)

    def test_the_status_has_the_size_and_the_age_of_each_data_file(self):
        self.install("geo", "denylist")
        old = 1_600_000_000
        os.utime(self.data / "denied", (old, old))
        daemon = self.serve(GEO + "\n" + DENYLIST)
        self.assertEqual({name: (feed["bytes"], feed["changed_at"] == old)
                          for name, feed in self.feeds(daemon).items()},
                         {"countries": (len(COUNTRIES), False), "denied": (0, True)})
        said = daemon.tool("status").stdout
        self.assertRegex(said, r"data +countries: 1\d\d bytes, changed ")
        self.assertRegex(said, r"data +denied: 0 bytes, changed .* years ago")

    def test_a_reload_adds_and_drops_a_module(self):
        daemon = self.serve("")
        self.assertEqual(daemon.call("status")["modules"], [])
        self.install("geo")
        daemon.write("p.policy", POLICY % GEO)
        wait_until(lambda: self.used(daemon) == [("geo", "1.2.0")])
        self.assertIn("geo 1.2.0", daemon.tool("status").stdout)
        self.assertIn("memfd:geo.so", maps(daemon))
        daemon.write("p.policy", POLICY % "")
        wait_until(lambda: daemon.call("status")["modules"] == [])
        wait_until(lambda: "memfd:geo.so" not in maps(daemon))
        self.assertNotIn("geo", daemon.tool("status").stdout)

    def test_a_module_is_replaced_while_it_answers(self):
        self.install("geo")
        daemon = self.serve(GEO)
        # Every reload uses the same module, which is mapped once.
        for _ in range(3):
            self.assertEqual(daemon.tool("reload").returncode, 0)
        self.assertEqual(len(set(re.findall(r"(\d+)\s+/memfd:geo\.so", maps(daemon)))), 1)
        text = (SOURCES / "geo.c").read_text().replace('"1.2.0"', '"1.3.0"')
        source = self.folder / "geo.c"
        source.write_text(text)
        self.strangers.compile(source, "-o", self.modules / ".geo.so")
        (self.modules / ".geo.so").rename(self.modules / "geo.so")
        wait_until(lambda: self.used(daemon) == [("geo", "1.3.0")])
        wait_until(lambda: len(set(re.findall(r"(\d+)\s+/memfd:geo\.so", maps(daemon)))) == 1)
        self.assertTrue(self.allows(daemon))

    def test_a_module_leaves_a_note_for_status(self):
        self.install("geo")
        daemon = self.serve(GEO + "\n    account required geo allow=US data=countries")
        (module,) = daemon.call("status")["modules"]
        self.assertEqual(module["notes"], [
            {"file": str(daemon.policy / "p.policy"), "line": line, "note": "5 networks"}
            for line in (16, 17)])
        self.assertRegex(daemon.tool("status").stdout,
                         r"(?m)^modules +geo 1\.2\.0 \(5 networks; 5 networks\)$")
        self.put("countries", "192.0.2.0/24 CH\n")
        wait_until(lambda: daemon.call("status")["modules"][0]["notes"][0]["note"] == "1 networks")

    def test_a_module_says_what_it_judged_by(self):
        self.install("geo")
        daemon = self.serve(GEO)
        self.assertEqual(self.ask(daemon, "198.51.100.7")["fact"], "the address is in US")
        nowhere = daemon.call("authorize", service="loans", method="GET", path="/loans",
                              principal="ann")
        self.assertEqual(nowhere["fact"], "no address was stated")
        self.assertIn("country: GET on api:/loans for principal ann: the address is in US",
                      daemon.tool("check", "--service", "loans", "--principal", "ann",
                                  "--ip", "198.51.100.7", "GET", "/loans").stdout)

    def test_overwriting_a_running_module_does_not_affect_it(self):
        self.install("geo")
        daemon = self.serve(GEO)
        with open(self.modules / "geo.so", "r+b") as file:
            file.truncate(100)
        wait_until(lambda: not daemon.call("policy.status")["ok"])
        self.assertIn("geo.so cannot be opened: ",
                      daemon.call("policy.status")["diagnostics"][0]["message"])
        self.assertTrue(self.allows(daemon))
        self.assertFalse(self.allows(daemon, "198.51.100.7"))

    def test_the_tool_checks_and_tests_a_policy_with_modules(self):
        self.install("geo")
        tests = ('\ntest "ann from afar" {\n    as principal ann\n    service loans\n'
                 "    from 192.0.2.1\n    allow GET api:/loans\n    from 198.51.100.7\n"
                 "    deny GET api:/loans because country\n}\n")
        (self.policy / "p.policy").write_text(POLICY % GEO + tests)
        self.assertIn("1 test passed",
                      run_tool("policy", "check", "--modules", self.modules, self.policy).stdout)
        self.assertIn("1 passed, 0 failed",
                      run_tool("policy", "test", "--modules", self.modules, self.policy).stdout)
        alone = run_tool("policy", "check", self.policy)
        self.assertEqual(alone.returncode, 1)
        self.assertIn("unknown module 'geo': it is not built in, and no module folder is named",
                      alone.stderr)
        self.assertIn("geo.so", run_tool(
            "policy", "check", "--modules", self.data, self.policy).stderr)

    def test_tool_and_daemon_name_the_same_revision(self):
        self.install("geo")
        daemon = self.serve(GEO)
        (self.policy / "p.policy").write_text(POLICY % GEO)
        self.assertIn(daemon.call("policy.status")["revision"], self.check(GEO).stdout)

    def test_the_header_is_for_c_and_for_cpp(self):
        source = self.folder / "user.cc"
        source.write_text('#include <authz/module.h>\nint size = POL_STR("x").len + POL_MODULE_ABI;\n')
        shutil.copy(source, self.folder / "user.c")
        (self.folder / "user.c").write_text(
            '#include <authz/module.h>\nint main(void) { return (int)POL_STR("").len; }\n')
        self.strangers.compile(self.folder / "user.c", "-o", self.folder / "c.so")
        if shutil.which("c++") is None:
            self.skipTest("no C++ compiler here")
        self.strangers.compile(source, "-o", self.folder / "cc.so", compiler="c++", standard="c++11")


class Seeing(Modules):
    """What decide sees beside the facts: the tenant's name, the node, its parameters, time zones."""

    POLICY = """\
tree api { /loans { GET, /{loan} { GET, /notes { GET } } }
    /files/{path...} { GET }
    /"a%%3Bb" { GET } }
role reader { allow GET on api:/** }
stack loans {
    authenticate required principal
    account required sees %s
    authorize required role
}
stack early { authenticate required sees node=none
    authorize required role }
stack other { authenticate required deny
    authorize required deny }
test "in a test the tenant is default" {
    as role reader
    service early
    deny GET api:/loans because node
}
"""

    def setUp(self):
        super().setUp()
        self.strangers.build("sees.c", self.modules / "sees.so")

    def reason(self, arguments, path="/loans/7", **more):
        done = self.daemon_of(arguments).call(
            "authorize", service="loans", method="GET", path=path,
            **(more or {"principal": "bob", "tenant": "acme"}))
        return done["reason"]

    def daemon_of(self, arguments):
        if not hasattr(self, "served"):
            self.served = self.daemon({"p.policy": self.POLICY % arguments},
                                      "--config", str(self.config))
            self.served.call("tenants.create", id="acme")
            self.served.call("principals.create", id="bob", tenant="acme")
            self.served.call("assignments.create", principal="bob", role="reader", tenant="acme")
        else:
            self.served.write("p.policy", self.POLICY % arguments)
            self.served.call("policy.reload")
        return self.served

    def test_the_tenants_name(self):
        self.assertEqual(self.reason("tenant=acme"), "ok")
        self.assertEqual(self.reason("tenant=default"), "tenant")
        secret = self.served.call("keys.create", principal="bob", tenant="acme")["secret"]
        self.served.write("p.policy", (self.POLICY % "tenant=acme").replace(
            "authenticate required principal", "authenticate required key"))
        self.served.call("policy.reload")
        for _ in range(3):  # from the store, then from what is remembered
            answer = self.served.call("authorize", service="loans", method="GET", path="/loans/7",
                                      token=secret, tenant="*")
            self.assertEqual(answer["reason"], "ok")

    def test_the_node_as_declared(self):
        for path, node in (("/loans", "api:/loans"), ("/loans/7", "api:/loans/{loan}"),
                           ("/loans/7/notes", "api:/loans/{loan}/notes"),
                           ("/files/a/b", "api:/files/{path...}"), ("/a%3Bb", "api:/a%3Bb")):
            self.assertEqual(self.reason(f"node={node}", path), "ok", path)
            self.assertEqual(self.reason(f"node={node}x", path), "node", path)

    def test_the_parameters_decoded(self):
        self.assertEqual(self.reason("loan=7"), "ok")
        self.assertEqual(self.reason("loan=8"), "loan")
        self.assertEqual(self.reason('"loan=a b"', "/loans/a%20b/notes"), "ok")
        self.assertEqual(self.reason("path=a/b/c", "/files/a/%62/c/"), "ok")
        self.assertEqual(self.reason("path=a/b", "/files/a/b/c"), "path")
        self.assertEqual(self.reason("path=x", "/files"), "path")
        self.assertEqual(self.reason("loan=x", "/files/x"), "loan")

    def test_time_zones(self):
        noon = {"principal": "bob", "tenant": "acme", "time": 1_785_585_600}  # in August
        self.assertEqual(self.reason("zone=Europe/Berlin offset=7200", **noon), "ok")
        self.assertEqual(self.reason("zone=Europe/Berlin offset=3600", **noon), "zone")
        self.assertEqual(self.reason("zone=UTC offset=0", **noon), "ok")
        for zone, message in (("Europe/Berlim", "this machine has no time zone 'Europe/Berlim'"),
                              ("../etc", "'../etc' is not a time zone's name")):
            (self.policy / "p.policy").write_text(self.POLICY % f"zone={zone}")
            done = run_tool("policy", "check", "--modules", self.modules, self.policy)
            self.assertIn(f"p.policy:7:32: error: {message}", done.stderr)


class Guide(Modules):
    """The commands of policy/MODULES.md, run as they stand."""

    TEXT = (harness.ROOT / "policy" / "MODULES.md").read_text(encoding="utf-8")

    def script(self):
        """A shell script of the page's commands, and what they must print: [(step, line)…]."""
        script, expected, step = ["set -eu"], [], 0
        for file, kind, block in re.findall(
                r"(?:`([\w./]+)`:\n\n)?^```(\w*)\n(.*?)^```$", self.TEXT, re.DOTALL | re.MULTILINE):
            if kind == "text":
                expected += [(step, line) for line in block.splitlines()]
            elif kind == "sh":
                step += 1
                script += [f"echo '=== {step}'", block]
            else:
                self.assertTrue(file, block)
                script.append(f"cat >{file} <<'END_OF_FILE'\n{block}END_OF_FILE")
        return "\n".join(script), expected

    def test_the_guide_leads_to_a_module_that_decides(self):
        script, expected = self.script()
        self.assertGreater(len(expected), 6)
        path = f"{Path(harness.AUTHZD).parent}:{Path(harness.AUTHZCHECK).parent}:{os.environ['PATH']}"
        output = self.folder / "output"
        with open(output, "w", encoding="utf-8") as file:
            # A process group of its own, to end the daemon that it started too.
            guide = subprocess.Popen(
                ["sh", "-c", script], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=file,
                stderr=file, start_new_session=True,
                env={**harness.environment(self.folder), **self.strangers.env, "PATH": path})
        try:
            status = guide.wait(2 * harness.DEADLINE)
        except subprocess.TimeoutExpired:
            status = "no end"
        finally:
            try:
                os.killpg(guide.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            guide.wait()
        self.assertEqual(status, 0, output.read_text())
        steps = re.split(r"^=== \d+\n", output.read_text(), flags=re.MULTILINE)
        for step, line in expected:
            self.assertIn(line, steps[step])

    def test_the_template_is_a_module_once_three_names_are_changed(self):
        text = (harness.ROOT / "policy" / "decide" / "modules" / "deny.c").read_text()
        for old, new in (('"policy/decide/modules/modules.h"', "<authz/module.h>"),
                         ("pol_module_deny", "authz_module"), ('.name = "deny"', '.name = "mine"')):
            self.assertEqual(text.count(old), 1)
            text = text.replace(old, new)
        source = self.folder / "mine.c"
        source.write_text(text)
        self.strangers.compile(source, "-o", self.modules / "mine.so")
        daemon = self.serve("    account required mine")
        self.assertEqual(self.ask(daemon)["reason"], "deny")


def maps(daemon):
    return Path(f"/proc/{daemon.pid}/maps").read_text()


if __name__ == "__main__":
    unittest.main()
