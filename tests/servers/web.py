# SPDX-License-Identifier: Apache-2.0
"""What the tests with a web server before authz-http share: the guide, an application, the servers."""

import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402

AUTHZ_HTTP = os.environ.get("AUTHZ_HTTP", str(harness.ROOT / "build" / "client" / "http" / "authz-http"))

class Echo(http.server.BaseHTTPRequestHandler):
    """The application: answers with the request as it arrived."""

    protocol_version = "HTTP/1.1"
    address_string = staticmethod(lambda: "")

    def echo(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"method": self.command, "target": self.path,
                           "headers": self.headers.items()}).encode()
        self.server.count += 1
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_DELETE = do_OPTIONS = echo

    def log_message(self, *_):
        pass


class EchoServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    count = 0


def serve(test, server):
    """Runs the server in a thread until the test ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for end in (thread.join, server.server_close, server.shutdown):
        test.addCleanup(end)
    return server


def needed(program):
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise AssertionError(f"{program} is not installed: run tools/setup")
    return path


def listens(address):
    """Does a server listen at the path of a Unix socket, or at this port?"""
    port = isinstance(address, int)
    with socket.socket(socket.AF_INET if port else socket.AF_UNIX) as probe:
        return probe.connect_ex(("127.0.0.1", address) if port else str(address)) == 0


GUIDE = harness.ROOT / "client" / "WEB-SERVERS.md"


def blocks(section):
    """[(language, text)] of the fenced blocks of a section, which begins with a heading."""
    text = GUIDE.read_text(encoding="utf-8")
    parts = re.split(r"^(##+ .*)$", text, flags=re.MULTILINE)
    assert parts.count(section) == 1, f"{GUIDE.name} has no section {section!r}"
    body = parts[parts.index(section) + 1]
    return re.findall(r"^```(\w+)\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)


def block(section, language):
    """The one block of this language in the section."""
    found = [text for kind, text in blocks(section) if kind == language]
    assert len(found) == 1, f"{section} has {len(found)} blocks of {language}"
    return found[0]


def replaced(text, *pairs):
    """The text with each (what the guide has, ours); the guide must have it."""
    for written, ours in pairs:
        assert written in text, f"the guide has no {written!r}"
        text = text.replace(written, ours)
    return text


NGINX = """\
{user}
daemon off;
worker_processes 1;
error_log {folder}/nginx.log;
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""


class WebTest(harness.DaemonTest):
    """Programs that run in self.folder, and are ended after the test."""

    def run_program(self, command, environment=None):
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                                       env={**harness.environment(self.folder), **(environment or {})},
                                       preexec_fn=harness.die_with_parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def wait_for(self, process, path):
        def is_there():
            if process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            return listens(path)
        harness.wait_until(is_there, what=f"{path} listens")
        return process

    def start_authz_http(self, conf):
        """Its socket is http.sock in the folder."""
        path = self.folder / "authz-http.conf"
        path.write_text(conf)
        return self.wait_for(self.run_program([AUTHZ_HTTP, "--config", path]), self.folder / "http.sock")

    def start_nginx(self, text, address):
        """nginx with this text in its block `http`."""
        # Started as root, its worker would not be let into the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        conf = self.folder / "nginx.conf"
        conf.write_text(NGINX.format(user=user, folder=self.folder, http=text))
        log = self.folder / "nginx.log"
        return self.wait_for(self.run_program(
            [needed("nginx"), "-p", self.folder, "-c", conf, "-e", log]), address)

    def start_caddy(self, site, address):
        """Caddy with this site, which listens at the address."""
        conf = self.folder / "Caddyfile"
        conf.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{site}")
        return self.wait_for(self.run_program(
            [needed("caddy"), "run", "--config", conf, "--adapter", "caddyfile"],
            {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}), address)

    def start_haproxy(self, text, lua, address):
        conf = self.folder / "haproxy.cfg"
        (self.folder / "authz.lua").write_text(lua)
        conf.write_text(replaced(text, ("/etc/haproxy/authz.lua", f"{self.folder}/authz.lua")))
        return self.wait_for(self.run_program([needed("haproxy"), "-db", "-f", conf]), address)

    def start_apache(self, text, lua, port):
        """Apache with this text as its site. As root it needs another user, who must see the folder."""
        conf = self.folder / "httpd.conf"
        (self.folder / "authz.lua").write_text(lua)
        user = ""
        if os.geteuid() == 0:
            user = "User nobody\nGroup nogroup\n"
            self.folder.chmod(0o755)
        modules = ["mpm_event", "authz_core", "dir", "proxy", "proxy_http", "lua"]
        load = "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in modules)
        conf.write_text(f"ServerRoot /usr/lib/apache2\n{load}{user}DefaultRuntimeDir {self.folder}\n"
                        f"PidFile {self.folder}/apache.pid\nErrorLog {self.folder}/apache.log\n"
                        f"ServerName localhost\nListen 127.0.0.1:{port}\nDocumentRoot {self.folder}/site\n"
                        + replaced(text, ("/etc/apache2/authz.lua", f"{self.folder}/authz.lua")))
        return self.wait_for(self.run_program(
            [needed("apache2"), "-f", conf, "-D", "FOREGROUND"]), port)
