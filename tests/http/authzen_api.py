# SPDX-License-Identifier: Apache-2.0
"""What the tests of AuthZEN share: a daemon with the scenario's policy, and authz-http before it."""

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402

HTTP = os.environ.get("AUTHZ_HTTP", str(harness.ROOT / "build" / "client" / "http" / "authz-http"))
IDENTIFIER = "https://pdp.example.com"
SCENARIO = (harness.ROOT / "tests" / "http" / "scenario.policy").read_text()

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
SUBJECTS = "/access/v1/search/subject"
RESOURCES = "/access/v1/search/resource"
ACTIONS = "/access/v1/search/action"


def entity(type, id=None, **properties):
    value = {"type": type} if id is None else {"type": type, "id": id}
    return {**value, "properties": properties} if properties else value


def action(name, **properties):
    return {"name": name, "properties": properties} if properties else {"name": name}


ALICE = entity("user", "alice")
BOB = entity("user", "bob")
ONE = entity("record", "record-1")
TWO = entity("record", "record-2")
ACTIVE = entity("record", "record-1", status="active")
ARCHIVED = entity("record", "record-2", status="archived")
ADMIN = entity("user", "bob", role="admin")
CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=harness.DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class AuthzenTest(harness.DaemonTest):
    policy = SCENARIO

    def setUp(self):
        self.d = self.daemon({"a.policy": self.policy})
        self.c = self.d.client()
        self.people()
        self.start_http()

    def start_http(self, user=0):
        """Starts authz-http as a user, and waits until it listens."""
        folder = self.d.folder / "web"
        folder.mkdir()
        os.chown(folder, user if user else -1, -1)
        self.web = folder / "http.sock"
        config = self.d.folder / "authz-http.conf"
        config.write_text(f"authz {self.d.socket}\nauthzen {IDENTIFIER}\ntimeout 60s\n"
                          f"principal_facts role\nlisten {self.web} 0600\n")
        other = {"user": user, "group": user, "extra_groups": []} if user else {}
        with open(self.d.folder / "http.log", "wb") as log:
            process = subprocess.Popen([HTTP, "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, preexec_fn=harness.die_with_parent, **other)
        self.http = process
        self.addCleanup(self.stop_http, process)
        harness.wait_until(lambda: self.listens() or process.poll() is not None, what="authz-http")

    def listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.web)) == 0

    def stop_http(self, process):
        process.terminate()
        self.assertEqual(process.wait(harness.DEADLINE), 0, (self.d.folder / "http.log").read_text())

    def connect(self):
        connection = Connection(self.web)
        self.addCleanup(connection.close)
        return connection

    def people(self):
        for id, role in (("alice", "author"), ("bob", "archivist")):
            self.c.call("principals.create", id=id)
            self.c.call("assignments.create", principal=id, role=role)

    def send(self, path, body, **headers):
        """(status, headers, body) of the answer to a body of bytes."""
        connection = self.connect()
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def post(self, path, body):
        """(status, body) of the answer to a body: bytes, or what becomes JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, headers, text = self.send(path, data)
        self.assertEqual(headers["Content-Type"], "application/json")
        return status, json.loads(text)

    def good(self, path, body=None, **members):
        """The body of an answer that must be 200."""
        status, answer = self.post(path, members if body is None else body)
        self.assertEqual(status, 200, answer)
        return answer

    def decision(self, subject, name, resource, **members):
        answer = self.good(EVALUATION, subject=subject, action=action(name), resource=resource, **members)
        self.assertIs(type(answer["decision"]), bool)
        return answer["decision"]

    def reason(self, *question, **members):
        answer = self.good(EVALUATION, subject=question[0], action=action(question[1]),
                           resource=question[2], **members)
        self.assertIs(answer["decision"], False)
        return answer["context"]["reason"]

    def decisions(self, **members):
        return [item["decision"] for item in self.good(EVALUATIONS, **members)["evaluations"]]

    def found(self, path, **members):
        """Ids or names that a search finds, all pages."""
        found = []
        token = None
        while token != "":
            page = {} if token is None else {"page": {"token": token}}
            answer = self.good(path, **{**members, **page})
            found += [item.get("id", item.get("name")) for item in answer["results"]]
            token = answer.get("page", {}).get("next_token", "")
        return found
