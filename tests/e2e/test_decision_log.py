# SPDX-License-Identifier: Apache-2.0
"""Module log: decisions as JSON lines, without waiting for the log."""

import grp
import json
import os
import signal
import time
import unittest

import harness

POLICY = """\
environment live prefix a_live_
tree api { /a { GET }, /b { GET } }
role r { allow GET on api:/a }
principal p { role r }
stack all { authenticate sufficient key
    authenticate required principal
    authorize required role
    record optional log }
stack denials { authenticate required principal
    authorize required role
    record optional log only=deny }
stack sampled { authenticate required principal
    authorize required role
    record optional log sample=1/10 }
stack limited { authenticate required principal
    account required quota name=few limit=1 period=1h per=principal
    authorize required role
    record optional log only=deny }
"""


class Log(harness.DaemonTest):
    def start(self, log=None, policy=POLICY):
        d = harness.Daemon({"a.policy": policy}, start=False)
        self.addCleanup(d.finish)
        self.config = d.folder / "authzd.conf"
        self.log = d.folder / "decisions.log" if log is None else log
        self.config.write_text(f"decision_log {self.log}\n")
        d.arguments += ["--config", str(self.config)]
        return d.start()

    def lines(self, path=None):
        text = (path or self.log).read_text()
        return [json.loads(line) for line in text.splitlines()]

    def wait_for(self, count, path=None):
        path = path or self.log
        harness.wait_until(lambda: path.exists() and len(self.lines(path)) >= count,
                           what=f"{count} lines")
        found = self.lines(path)
        self.assertEqual(len(found), count, found)
        return found

    def test_a_line_has_the_caller_the_request_and_the_reason_but_no_secret(self):
        d = self.start()
        made = d.call("keys.create", roles=["r"])
        key, token = made["id"], made["secret"]
        self.assertTrue(d.call("authorize", token=token, method="GET", path="/a?code=hidden",
                               service="all", ip="::ffff:10.1.2.3")["allow"])
        d.call("authorize", principal="p", action="GET", resource="api:/b", service="all")
        wrong = token[:-1] + ("y" if token.endswith("x") else "x")
        d.call("authorize", token=wrong, method="GET", service="all",
               path=b"/a\"\\\n\xc3\xa9".decode())
        allowed, denied, bad = self.wait_for(3)
        self.assertEqual(
            {k: v for k, v in allowed.items() if k not in ("time", "revision")},
            {"allow": True, "status": 200, "uid": os.geteuid(), "reason": "ok", "key": key,
             "environment": "live", "tenant": "default", "service": "all", "ip": "10.1.2.3",
             "action": "GET", "resource": "api:/a"})
        self.assertRegex(allowed["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual((denied["reason"], denied["principal"], denied["resource"]),
                         ("role", "p", "api:/b"))
        self.assertEqual((bad["status"], bad["resource"]), (401, 'api:/a"\\\né'))
        text = self.log.read_text()
        self.assertNotIn(token[-38:-6], text)
        self.assertNotIn("hidden", text)
        self.assertEqual(self.log.stat().st_mode & 0o777, 0o600)
        d.stop()

    def test_whatever_is_asked_for_is_one_line_of_json(self):
        d = self.start(policy=POLICY.replace("stack denials", "stack other", 1))
        c = d.client()
        asked = []
        for text in ("x", '"', "\n", "\x00", "é", "\u2028", "\x9b", "\u202e", "\U000e0041", "\U0001f600", "\\"):
            for size in (800, 8150, 200000):
                long = text * (size // len(text.encode()))
                asked += [{"action": long, "resource": f"api:/{long}"},
                          {"method": long, "path": "/b", "service": long},
                          {"method": "GET", "path": f"/{long}", "tree": long}]
        for ask in asked:
            if sum(len(text.encode()) for text in ask.values()) < 250000:
                c.call("authorize", principal="p", **{"service": "all", **ask})
        for size in range(7900, 8200):
            c.call("authorize", principal="p", action="x" * size, resource="api:/a", service="all")
        for size in range(120, 140):
            c.call("authorize", principal="p", action="\n" * size, resource='api:/"' + size * "é",
                   service="all")
        c.call("authorize", principal="p", action="GET", resource="api:/last", service="all")
        harness.wait_until(lambda: '"api:/last"' in self.log.read_text(), what="the last line")
        lines = self.lines()
        self.assertGreater(len(lines), 300)
        for line in lines:
            self.assertLessEqual({"time", "allow", "reason", "action", "resource"}, line.keys())
        self.assertEqual(lines[-1]["resource"], "api:/last")
        wanted = [ask["action"] for ask in asked if "action" in ask and len(ask["action"]) <= 800]
        found = [line["action"] for line in lines]
        for text in wanted:
            self.assertTrue(any(cut and text.startswith(cut) for cut in found), text[:4])
        d.stop()

    def test_a_stack_authz_logs_managing_calls_with_a_token(self):
        d = self.start(policy=POLICY + "role m { allow list on authz:/keys }\n"
                       "stack authz { record optional log }\n")
        made = d.call("keys.create", roles=["m"])
        d.call("keys.list", token=made["secret"])
        self.assert_error("forbidden", d.call, "keys.disable", id=made["id"],
                          token=made["secret"])
        d.stop()
        lines = [(x["action"], x["resource"], x["allow"], x["key"]) for x in self.lines()
                 if x["resource"] != ""]
        self.assertIn(("list", "authz:/keys", True, made["id"]), lines)
        self.assertIn(("disable", f"authz:/keys/{made['id']}", False, made["id"]), lines)

    def test_only_denials_samples_and_refusals_by_a_quota(self):
        d = self.start()
        c = d.client()
        for path in ("/a", "/b", "/a"):
            c.call("authorize", principal="p", method="GET", path=path, service="denials")
        self.assertEqual([x["resource"] for x in self.wait_for(1)], ["api:/b"])
        for _ in range(2):
            c.call("authorize", principal="p", method="GET", path="/a", service="limited")
        self.assertEqual([x["reason"] for x in self.wait_for(2)], ["role", "quota"])
        many = c.call("authorize_many", principal="p", method="GET", service="sampled",
                      requests=[{"path": "/a"}] * 1000)
        self.assertEqual(len(many["results"]), 1000)
        d.stop()
        sampled = [x for x in self.lines() if x["service"] == "sampled"]
        self.assertTrue(50 < len(sampled) < 200, len(sampled))

    def test_the_end_writes_remaining_lines_and_a_signal_opens_the_file_again(self):
        d = self.start()
        ask = lambda: d.call("authorize", principal="p", method="GET", path="/a", service="all")
        ask()
        self.wait_for(1)
        old = self.log.with_suffix(".1")
        self.log.rename(old)
        ask()
        self.wait_for(2, old)
        d.signal(signal.SIGHUP)
        harness.wait_until(self.log.exists, what="a new file")
        ask()
        self.wait_for(1)
        self.assertEqual(len(self.lines(old)), 2)
        ask()
        d.stop()
        self.assertEqual(len(self.lines()), 2)

    def test_a_blocked_reader_delays_no_decision_and_dropped_lines_are_counted(self):
        pipe = harness.tempfile.mkdtemp(prefix="authz-")
        self.addCleanup(harness.shutil.rmtree, pipe, True)
        path = harness.Path(pipe) / "pipe"
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        d = self.start(log=path)
        c = d.client()
        asked = 0
        while d.call("status")["decision_log"]["dropped"] == 0:
            self.assertLess(asked, 100000, "nothing is ever dropped")
            many = c.call("authorize_many", principal="p", method="GET", service="all",
                          requests=[{"path": "/a"}] * 1024)
            self.assertTrue(all(x["allow"] for x in many["results"]))
            asked += 1024
        self.assertIn("dropped", d.tool("status").stdout)
        # a later reader gets whole lines, and the number of dropped ones
        text = b""

        def settled():
            nonlocal text
            try:
                text += os.read(reader, 1 << 20)
            except BlockingIOError:
                pass
            counts = d.call("status")["decision_log"]
            lines = text.count(b"\n") - text.count(b'{"dropped":')
            return text.endswith(b"\n") and b'{"dropped":' in text and \
                counts["written"] + counts["dropped"] == asked and lines == counts["written"]
        harness.wait_until(settled, what="all lines were written or dropped")
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(sum(x.get("dropped", 1) for x in lines), asked)
        d.stop()
        self.assertIn("decisions were not logged", d.log())

    def test_without_a_word_of_the_configuration_it_is_standard_output(self):
        d = self.daemon({"a.policy": POLICY})
        d.call("authorize", principal="p", method="GET", path="/b", service="all")
        harness.wait_until(lambda: '"resource":"api:/b"' in d.log(), what="a line")

    @unittest.skipUnless(os.geteuid() == 0, "only root can choose its groups")
    def test_a_file_is_made_with_the_mode_and_the_group_also_after_a_signal(self):
        d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(d.finish)
        self.log = d.folder / "decisions.log"
        config = d.folder / "authzd.conf"
        name = grp.getgrgid(1).gr_name
        config.write_text(f"decision_log {self.log} 0640 {name}\n")
        d.arguments += ["--config", str(config)]
        d.prefix = ["setpriv", "--groups", "0,1"]
        d.start()

        def look():
            stat = self.log.stat()
            return stat.st_mode & 0o777, stat.st_gid

        self.assertEqual(look(), (0o640, 1))
        self.log.rename(d.folder / "decisions.old")
        d.signal(signal.SIGHUP)
        harness.wait_until(self.log.exists, what="a new log")
        d.call("authorize", principal="p", method="GET", path="/b", service="all")
        self.wait_for(1)
        self.assertEqual(look(), (0o640, 1))
        # One that exists is left as it is.
        d.stop()
        self.log.chmod(0o600)
        d.start()
        self.assertEqual(look(), (0o600, 1))
        d.stop()
        self.log.unlink()
        d.prefix = ["setpriv", "--clear-groups"]
        status, told = d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("must be a member of that group", told)

    def test_a_file_that_cannot_be_opened_is_said_at_start(self):
        d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(d.finish)
        config = d.folder / "authzd.conf"
        for text, said in ((f"decision_log {d.folder}/none/x\n", "cannot open the decision log"),
                           ("decision_log\n", "write it as: decision_log FILE [MODE [GROUP]]"),
                           (f"decision_log {d.folder}/x 0660\n",
                            "authzd.conf:1:"),
                           (f"decision_log {d.folder}/x 0660\n",
                            "mode 0660: only the daemon's user may write the log"),
                           (f"decision_log {d.folder}/x 0999\n", "'0999' is not a mode"),
                           (f"decision_log {d.folder}/x 0640 nogruop\n",
                            "this machine has no group 'nogruop'"),
                           ("decision_log - 0640\n", "no mode or group after '-'"),
                           ("decision_log x\n", "is not an absolute path")):
            config.write_text(text)
            status, told = d.refuses_to_start("--config", str(config))
            self.assertEqual(status, 1)
            self.assertIn(said, told)


if __name__ == "__main__":
    unittest.main()
