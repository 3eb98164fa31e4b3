# SPDX-License-Identifier: Apache-2.0
"""nginx that asks authz-http about each request, beside nginx alone: for tests/bench/run --web.

The same file in three places of one nginx: `alone`, `echo` (auth_request to the bare echo server, which
allows without reading) and `authz` (auth_request to authz-http, and that asks authzd). All processes
share the cores, as on a machine that serves.
"""

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402

CONNECTIONS = 64
FILE_BYTES = 1024
PLACES = ("alone", "echo", "authz")
PARTS = ("nginx", "authz-http", "authzd", "wrk")  # processes whose CPU a request is said

POLICY = """\
tree api { /{place}/{file} { GET } }
role reader { allow GET on api:/** }
principal reader { role reader }
"""

# What authz-http answers for an allowed request, as short as HTTP allows.
ALLOWED = b"HTTP/1.1 204 No Content\r\n\r\n"

NGINX = """\
{user}
worker_processes {workers};
daemon off;
error_log {folder}/nginx.log;
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1;
    proxy_pass_request_body off;
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Original-URI $request_uri;
    upstream echo {{ server unix:{folder}/echo.sock; keepalive {connections};
        keepalive_requests 1000000000; }}
    upstream authz {{ server unix:{folder}/http.sock; keepalive {connections};
        keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/site;
        location /alone/ {{ }}
        location /echo/ {{ auth_request /ask/echo; }}
        location /authz/ {{ auth_request /ask/authz; }}
        location = /ask/echo {{ internal; proxy_pass http://echo/check; }}
        location = /ask/authz {{ internal; proxy_pass http://authz/check; }}
    }}
}}
"""


def needed(program):
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        sys.exit(f"{program} is not installed: run tools/setup")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def cpu_us(pid):
    """Processor time of a process and its children that run, in microseconds."""
    threads = [Path(f"/proc/{pid}/task/{name}") for name in os.listdir(f"/proc/{pid}/task")]
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return sum(int((thread / "schedstat").read_text().split()[0]) / 1e3 for thread in threads) + sum(
        map(cpu_us, children))


class Bed:
    """nginx with the three places, and what it asks."""

    def __init__(self, build):
        self.build = build
        self.processes = []
        self.pids = {}
        self.daemon = harness.Daemon({"a.policy": POLICY})
        self.folder = self.daemon.folder
        self.port = free_port()
        self.token = self.daemon.call("keys.create", principal="reader")["secret"]
        for place in PLACES:
            (self.folder / "site" / place).mkdir(parents=True)
            (self.folder / "site" / place / "file").write_bytes(b"x" * FILE_BYTES)
        (self.folder / "nginx.conf").write_text(NGINX.format(
            folder=self.folder, port=self.port, workers=len(os.sched_getaffinity(0)), connections=CONNECTIONS,
            user="user root;" if os.geteuid() == 0 else ""))
        self.pids["authzd"] = self.daemon.process.pid
        self.pids["nginx"] = self.start(needed("nginx"), "-p", self.folder, "-c", self.folder / "nginx.conf",
                   "-e", self.folder / "nginx.log")
        harness.wait_until((self.folder / "nginx.pid").exists, what="nginx runs")
        self.start_echo()
        self.start_authz_http()

    def start(self, *command):
        process = subprocess.Popen([str(word) for word in command], preexec_fn=harness.die_with_parent,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process.pid

    def start_echo(self):
        """The echo server counts bytes, so one request of nginx is measured first."""
        path = self.folder / "echo.sock"
        with socket.socket(socket.AF_UNIX) as once:
            once.bind(str(path))
            once.listen()
            wrk = subprocess.Popen([str(word) for word in self.wrk("echo", 1, 1)], stdout=subprocess.DEVNULL)
            connection, _ = once.accept()
            with connection:
                data = b""
                while not data.endswith(b"\r\n\r\n"):
                    data += connection.recv(65536)
            wrk.kill()
            wrk.wait()
        path.unlink()
        (self.folder / "answer").write_bytes(ALLOWED)
        self.start(self.build / "tests" / "bench" / "bench-echo", path, len(data), self.folder / "answer")
        harness.wait_until(lambda: listens(path), what="the echo server listens")

    def start_authz_http(self):
        path = self.folder / "http.sock"
        (self.folder / "authz-http.conf").write_text(
            f'authz {self.daemon.socket}\nlisten {path} 0666\nfamily nginx\nanswer_headers none\n')
        self.pids["authz-http"] = self.start(
            self.build / "client" / "http" / "authz-http", "--config", self.folder / "authz-http.conf")
        harness.wait_until(lambda: listens(path), what="authz-http listens")

    def wrk(self, place, connections, seconds):
        return [needed("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "-H",
                f"Authorization: Bearer {self.token}", f"http://127.0.0.1:{self.port}/{place}/file"]

    def turn(self, place, seconds):
        """Requests a second, and the CPU a request of each part in microseconds; every answer must be the file."""
        before = {part: cpu_us(pid) for part, pid in self.pids.items()}
        used = os.times()
        out = subprocess.run(self.wrk(place, CONNECTIONS, seconds), capture_output=True, text=True,
                             check=True).stdout
        now = os.times()
        spent = {part: cpu_us(pid) - before[part] for part, pid in self.pids.items()}
        spent["wrk"] = (now.children_user + now.children_system - used.children_user - used.children_system) * 1e6
        if "Non-2xx" in out or "Socket errors" in out:
            sys.exit(f"wrk, {place}: {out}")
        count = int(re.search(r"(\d+) requests in", out)[1])
        return float(re.search(r"Requests/sec: +([\d.]+)", out)[1]), {
            part: value / count for part, value in spent.items()}

    def finish(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        self.daemon.finish()


def measure(figures, build, options):
    """Rows for the table: the rate and the CPU beside those of nginx alone, and beside the echo server's."""
    seconds = max(1, round(options.seconds))
    bed = Bed(build)
    try:
        turns = {place: [] for place in PLACES}
        for number in range(options.turns):
            for place in PLACES if number % 2 == 0 else reversed(PLACES):
                turns[place].append(bed.turn(place, seconds))
    finally:
        bed.finish()
    rates = {place: [rate for rate, _ in turns[place]] for place in PLACES}
    for beside, what in (("alone", "nginx alone"), ("echo", "auth_request to the echo server")):
        ratio = statistics.median(mine / theirs for mine, theirs in zip(rates["authz"], rates[beside]))
        figures.add(f"nginx with authz-http, {CONNECTIONS} connections, beside {what}",
                    float(f"{statistics.median(rates[beside]):.3g}"),
                    float(f"{statistics.median(rates['authz']):.3g}"), ("web", beside), ratio, "/s")
    for place in PLACES:
        figures.fact(f"CPU a request, {place}: " + ", ".join(
            f"{part} {statistics.median(spent[part] for _, spent in turns[place]):.1f} us" for part in PARTS))
