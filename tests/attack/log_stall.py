# SPDX-License-Identifier: Apache-2.0
"""Stops the daemon by a log that nobody reads: standard error, standard output, or a named pipe."""

import json
import os
import re
import unittest

import attack
import harness

POLICY = """\
environment live prefix a_live_
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
stack warned { authenticate required principal
    authorize required role
    record optional warn }
stack logged { authenticate required principal
    authorize required role
    record optional log }
"""

MANY = 1024  # requests of one call


class LogStall(attack.Attack):
    def pipe(self, d, name):
        """A named pipe with a reader that does not read, so that writers can open it."""
        path = d.folder / name
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        return path, reader

    def start(self, redirect="2>", form="text"):
        d = harness.Daemon({"a.policy": POLICY}, "--workers", "1", "--log-format", form, start=False)
        self.addCleanup(d.finish)
        path, reader = self.pipe(d, "pipe")
        d.prefix = ["/bin/sh", "-c", f'exec "$0" "$@" {redirect}"{path}"']
        d.start()
        return d, reader

    def flood(self, client, service, calls=16):
        """All must be answered, as they would be with a reader."""
        for _ in range(calls):
            many = client.call("authorize_many", principal="p", method="GET", service=service,
                               requests=[{"path": "/a"}] * MANY)
            self.assertTrue(all(one["allow"] for one in many["results"]))
        return calls * MANY

    def read(self, reader):
        try:
            return os.read(reader, 1 << 20)
        except BlockingIOError:
            return b""

    def test_a_reader_of_standard_error_that_stalls_stops_no_worker(self):
        for form in ("text", "json"):
            d, reader = self.start(form=form)
            client = d.client()
            warned = self.flood(client, "warned")
            self.failed(f"stalls the only worker by {warned} warn lines ({form})", "all answered")
            counts = client.call("status")["log"]
            self.assertGreater(counts["dropped"], 0)
            self.assertIn("dropped because standard error was not read", d.tool("status").stdout)
            text, said = b"", 0

            def settled():
                """The lines that are kept and the number of the others, once there is a reader."""
                nonlocal text, counts, said
                text += self.read(reader)
                counts = client.call("status")["log"]
                lines = [line for line in text.splitlines() if b"policy marks" in line]
                said = sum(int(n) for n in re.findall(rb'were dropped.*lines"?[=:](\d+)', text))
                return text.endswith(b"\n") and said == counts["dropped"] and \
                    len(lines) + said == warned
            harness.wait_until(settled, what="all lines are written or counted")
            if form == "json":
                for line in text.splitlines():
                    json.loads(line)
            self.failed("loses lines without a trace", f"{said} counted, in status and in the log")

    def test_a_reader_that_stalls_holds_up_neither_reload_nor_the_end(self):
        d, _ = self.start()
        client = d.client()
        self.flood(client, "warned")
        before = client.call("policy.status")["revision"]
        d.write("b.policy", "role broken {\n" + "nonsense\n" * 100)
        for _ in range(20):
            self.assert_error("invalid_policy", client.call, "policy.reload")
        self.failed("holds up a reload by what it prints", "all answered")
        d.write("b.policy", "role other { allow GET on api:/a }\n")
        self.assertNotEqual(client.call("policy.reload")["revision"], before)
        d.stop()
        self.failed("holds up the end of the daemon", "it ended")

    def test_a_reader_of_standard_output_that_stalls_stops_no_worker(self):
        d, reader = self.start(redirect="1>")
        client = d.client()
        asked = 0
        while client.call("status")["decision_log"]["dropped"] == 0:
            self.assertLess(asked, 1 << 18, "nothing is ever dropped")
            asked += self.flood(client, "logged", calls=1)
        self.failed(f"stalls the only worker by {asked} lines of the decision log", "all answered")
        d.stop()
        self.failed("holds up the end of the daemon", "it ended")

    def test_a_reader_that_has_gone_stops_no_worker(self):
        d, reader = self.start()
        client = d.client()
        harness.wait_until(lambda: b"ready" in self.read(reader), what="the first line")
        with open(os.devnull, "rb") as none:
            os.dup2(none.fileno(), reader)  # the pipe's only reader is closed
        asked = self.flood(client, "warned")
        harness.wait_until(lambda: client.call("status")["log"]["dropped"] == asked,
                           what="all lines are counted as dropped")
        self.failed("stops the daemon by a pipe without a reader", "counted as dropped")


if __name__ == "__main__":
    unittest.main()
