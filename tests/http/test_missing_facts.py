# SPDX-License-Identifier: Apache-2.0
"""What depends on facts that a web server does not know: refused, or passed on if the configuration says so."""

import unittest

from http_program import HttpTest, harness

POLICY = """\
facts { resource.owner string }
tree api { /loans { list GET, /{loan} { read GET, delete DELETE } } }
role clerk {
    allow GET on api:/loans
    allow GET on api:/loans/{loan} when resource.owner is principal.id
}
principal ann { role clerk }
stack other {
    authenticate sufficient key
    authenticate required principal
    authorize required role
}
"""


class Facts(HttpTest):
    def make_daemon(self):
        return self.daemon({"a.policy": POLICY})

    def ask(self, method, path):
        """(status, reason, principal) of the answer to a web server."""
        head = self.exchange("\r\n".join([
            "GET /check HTTP/1.1", "Host: x", "Connection: close", f"X-Original-Method: {method}",
            f"X-Original-URI: {path}", f"Authorization: Bearer {self.token}", "", ""]).encode()).decode()
        headers = dict(line.split(": ", 1) for line in head.partition("\r\n\r\n")[0].split("\r\n")[1:] if ": " in line)
        return int(head.split()[1]), headers["X-Authz-Reason"], headers.get("X-Authz-Principal")

    def serve(self, *lines):
        self.d.call("principals.create", id="bob")
        self.token = self.good = self.d.call("keys.create", roles=["clerk"])["secret"]
        self.configure("metrics on", *lines)
        self.start()

    def test_a_decision_that_lacks_facts_is_refused(self):
        self.serve()
        self.assertEqual(self.ask("GET", "/loans")[:2], (204, "ok"))
        self.assertEqual(self.ask("GET", "/loans/7")[:2], (403, "missing_fact"))

    def test_it_passes_with_missing_pass_and_no_other_denial_does(self):
        self.serve("missing pass")
        self.assertEqual(self.ask("GET", "/loans")[:2], (204, "ok"))
        self.assertEqual(self.ask("GET", "/loans/7")[:2], (204, "missing_fact"))
        self.assertEqual(self.ask("DELETE", "/loans/7")[:2], (403, "role"))
        self.assertEqual(self.ask("GET", "/nowhere")[:2], (403, "unknown_resource"))
        self.token = "nonsense"
        self.assertEqual(self.ask("GET", "/loans/7")[:2], (401, "malformed_token"))
        metrics = self.get("/metrics")[1]
        self.assertIn('\nauthz_http_decisions_total{result="allow",reason="missing_fact"} 1\n', metrics)
        self.assertIn('\nauthzd_missing_facts_total{fact="principal.id"} 1\n', metrics)
        self.assertIn('\nauthzd_missing_facts_total{fact="resource.owner"} 1\n', metrics)
        done = harness.run_tool("http-check", f"unix:{self.path}", "GET", "/loans/7", env={"AUTHZ_TOKEN": self.good})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the application must ask the daemon again, with the facts", " ".join(done.stdout.split()))


if __name__ == "__main__":
    unittest.main()
