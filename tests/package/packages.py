# SPDX-License-Identifier: Apache-2.0
"""The Debian packages of $AUTHZ_PACKAGES in a bare chroot: installed, used, upgraded, removed, purged.

`Life` does all of this once and keeps what it saw; each test is a sentence about that.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import chroot
from supervisor import SECONDS, Daemon, calls_of_unit, listen, unit, until

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = Path(os.environ.get("AUTHZ_PACKAGES", ROOT / "build-package"))
WHY_NOT = chroot.why_not()
MOST_EXPOSED = 1.5
OURS = ("authzd", "authzcheck", "authzd-postgresql", "authz-http", "libauthz0", "libauthz-dev", "authz-clients")
EXAMPLES = ("lendiq", "loanpro", "loop")
TEXTS = [f"doc/authzd/{name}" for name in (
    "PROTOCOL.md.gz", "MODULES.md.gz", "REFERENCE.md.gz", "SECURITY.md.gz", "SHARED-STORE.md.gz", "changelog.gz",
    "examples/modules/geo.c", "examples/modules/sees.c")] + [f"man/{name}.gz" for name in (
        "man1/authzcheck.1", "man5/authz-policy.5", "man5/authzd.conf.5", "man8/authzd.8",
        "man5/authz-http.conf.5", "man8/authz-http.8")] + [f"authzd/client/{name}" for name in (
            "python/pyproject.toml", "node/package.json", "php/composer.json", "go/go.mod", "README.md")] + [
                "vim/vimfiles/ftdetect/authz-policy.vim", "vim/vimfiles/syntax/authz-policy.vim",
                "emacs/site-lisp/authz-policy-mode.el"]
LIFE = None


def deb(name):
    found = sorted(PACKAGES.glob(f"{name}_*.deb"))
    if len(found) != 1:
        raise AssertionError(f"{len(found)} packages {name} in {PACKAGES}: run tools/package")
    return found[0]


def older(package, folder):
    """The same package, as if of an earlier version."""
    tree = folder / package.stem
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True, capture_output=True)
    control = tree / "DEBIAN/control"
    text = re.sub(r"^Version: (.*)$", r"Version: \1~older", control.read_text(), flags=re.MULTILINE)
    control.write_text(text)
    out = folder / f"{package.stem}-older.deb"
    subprocess.run(["dpkg-deb", "-b", "-Zgzip", "-z1", tree, out], check=True, capture_output=True)
    shutil.rmtree(tree)
    return out


class Life:
    def __init__(self, folder):
        self.seen = {}
        debs = [deb(name) for name in OURS]
        self.bare = bare = chroot.Chroot(folder / "root", debs, also=("logrotate", "libcurl4"))
        self.before = bare.files()
        packages = bare.path("/tmp/packages")
        packages.mkdir()
        for package in (*debs, older(debs[0], folder), older(debs[1], folder)):
            shutil.copy(package, packages)

        def dpkg(option, *names):
            words = [f"/tmp/packages/{name}" if name.endswith(".deb") else name for name in names]
            return bare.run("dpkg", option, *words)

        older_ones = sorted(path.name for path in packages.glob("*-older.deb"))
        self.seen["install"] = dpkg("-i", *older_ones)
        self.seen["folders"] = self.owners("/run/authz", "/var/lib/authz", "/var/log/authz", "/etc/authz",
                                           "/etc/authz/policy/site.policy")
        bare.add_user("member", 2001, "authz")
        bare.add_user("stranger", 2002)
        self.run_and_use("first")
        self.seen["upgrade"] = dpkg("-i", *(package.name for package in debs))
        with open(bare.path("/etc/authz/authzd.conf"), "a", encoding="utf-8") as conf:
            conf.write("shared host=/run/postgresql dbname=authz\n")
        self.restart()
        self.run_and_use("second")
        self.seen["texts"] = [name for name in TEXTS if bare.path(f"/usr/share/{name}").is_file()]
        self.seen["examples"] = {name: bare.run("authzcheck", "policy", "test", name) for name in (
            "/etc/authz/policy", *(f"/usr/share/doc/authzd/examples/{name}" for name in EXAMPLES))}
        self.seen["web"] = bare.run("authz-http", "--check", user="authz-http")
        self.seen["files of authzd-postgresql"] = bare.run("dpkg", "-L", "authzd-postgresql")
        self.seen["linked"] = bare.run("ldconfig", "-p")
        self.seen["remove"] = dpkg("-r", *OURS)
        self.seen["kept"] = {name: bare.path(name).exists() for name in (
            "/var/lib/authz/store.mdb", "/var/lib/authz/pepper", "/etc/authz/authzd.conf", "/usr/sbin/authzd")}
        self.seen["purge"] = dpkg("-P", *OURS)
        self.after = bare.files()

    def restart(self):
        """With the sockets of systemd, which are there while no daemon is."""
        sockets = [listen(self.bare, name) for name in ("authzd.socket", "authzd-admin.socket")]
        self.seen["sockets"] = self.owners("/run/authz/authz.sock", "/run/authz/admin.sock")
        try:
            first = Daemon(self.bare, sockets)
            self.seen["passed"] = self.bare.run("authzcheck", "principal", "show", "alice")
            first.stop()
            asked = subprocess.Popen(
                self.bare.command("authzcheck", "--timeout", f"{SECONDS}s", "principal", "show", "alice"),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
            self.await_connection(sockets[1][1])
            second = Daemon(self.bare, sockets)
            output, _ = asked.communicate(timeout=SECONDS)
            self.seen["while away"] = asked.returncode, output
            second.stop()
            self.seen["sockets after"] = self.owners("/run/authz/authz.sock", "/run/authz/admin.sock")
        finally:
            for _, fd in sockets:
                os.close(fd)
        for name in ("authz.sock", "admin.sock"):
            self.bare.path(f"/run/authz/{name}").unlink()

    @staticmethod
    def await_connection(fd):
        """Until a client is in the queue of a socket that nobody serves."""
        if not select.select([fd], [], [], SECONDS)[0]:
            raise AssertionError("no client has connected")

    def owners(self, *names):
        inside = self.bare.run("stat", "-c", "%U:%G %a", *names)[1].split("\n")
        return dict(zip(names, inside))

    def run_and_use(self, run):
        """Starts the daemon, asks it, and ends it."""
        bare, seen = self.bare, self.seen
        daemon = Daemon(bare)
        try:
            seen[run, "root"] = bare.run("authzcheck", "status")
            seen[run, "authz"] = bare.run("authzcheck", "status", user="authz")
            seen[run, "stranger"] = bare.run("authzcheck", "status", user="stranger")
            seen[run, "member"] = bare.run("authzcheck", "status", user="member")
            seen[run, "member asks"] = bare.run("authzcheck", "check", "GET", "/status", user="member")
            if run == "first":
                seen["create"] = bare.run("authzcheck", "principal", "create", "alice")
            seen[run, "alice"] = bare.run("authzcheck", "principal", "show", "alice")
            seen[run, "ask"] = bare.run("authzcheck", "check", "GET", "/status", user="authz")
            decisions = bare.path("/var/log/authz/decisions.log")
            seen[run, "rotate"] = self.rotate(daemon, decisions)
            if run == "second":
                self.ask_by_web()
        finally:
            seen[run, "end"] = daemon.stop()

    def ask_by_web(self):
        """As a web server does, with nothing but what the packages have installed."""
        web = listen(self.bare, "authz-http.socket")
        daemon = Daemon(self.bare, [web], "authz-http")
        try:
            self.seen["asked by web"] = self.bare.run(
                "authzcheck", "http-check", "--token", "nonsense", f"unix:/run/authz-http/{web[0]}",
                "GET", "/status", user="www-data")
        finally:
            self.seen["web ends"] = daemon.stop()
            os.close(web[1])
        shutil.rmtree(self.bare.path("/run/authz-http"))

    def rotate(self, daemon, decisions):
        """As logrotate does it: by the file that the package installs. What the new log has then."""
        bare = self.bare
        until(lambda: decisions.exists() and decisions.stat().st_size > 0, "the log of the first decision")
        if not bare.path("/usr/sbin/logrotate").exists():
            return None
        status, output = bare.run("logrotate", "--force", "--state", "/tmp/rotated", "/etc/logrotate.d/authzd")
        daemon.process.send_signal(signal.SIGHUP)
        until(decisions.exists, "the log that SIGHUP makes")
        asked = bare.run("authzcheck", "check", "GET", "/status", user="member")
        until(lambda: decisions.stat().st_size > 0, "the log of the next decision")
        return status, output, asked, sorted(path.name for path in decisions.parent.iterdir())


def setUpModule():
    global LIFE
    if WHY_NOT is not None:
        return
    folder = Path(tempfile.mkdtemp(prefix="authz-packages-"))
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    LIFE = Life(folder)


@unittest.skipIf(WHY_NOT is not None, WHY_NOT)
class InAChroot(unittest.TestCase):
    def expect(self, name, status=0):
        self.assertEqual(LIFE.seen[name][0], status, f"{name}: {LIFE.seen[name][1]}")
        return LIFE.seen[name][1]

    def test_the_packages_install_with_nothing_but_what_they_depend_on(self):
        self.expect("install")

    def test_the_folders_belong_to_the_daemons_user_and_the_policy_to_root(self):
        self.assertEqual(LIFE.seen["folders"], {
            "/run/authz": "authz:authz 755", "/var/lib/authz": "authz:authz 700",
            "/var/log/authz": "authz:authz 750", "/etc/authz": "root:root 755",
            "/etc/authz/policy/site.policy": "root:root 644"})

    def test_the_units_command_line_serves_as_the_units_user_and_root_asks_its_status(self):
        self.assertIn("revision", self.expect(("first", "root")))

    def test_the_daemons_user_asks_its_status(self):
        self.assertIn("revision", self.expect(("first", "authz")))

    def test_a_stranger_is_refused_and_reads_why(self):
        status, output = LIFE.seen["first", "stranger"]
        self.assertEqual(status, 3, output)
        self.assertRegex(output, "/run/authz/.*ermission")

    def test_a_member_of_the_group_asks_for_decisions_and_reads_why_it_cannot_manage(self):
        self.assertIn("deny", self.expect(("first", "member asks"), status=1))
        status, output = LIFE.seen["first", "member"]
        self.assertNotEqual(status, 0, output)
        self.assertRegex(output, "managing")

    def test_the_policy_of_the_package_allows_nothing(self):
        self.assertIn("deny", self.expect(("first", "ask"), status=1))

    def test_the_daemon_ends_well(self):
        self.assertEqual(LIFE.seen["first", "end"], 0)

    def test_an_upgrade_keeps_the_store(self):
        self.expect("create")
        self.expect("upgrade")
        self.assertIn("alice", self.expect(("second", "alice")))

    def test_a_line_shared_finds_its_object_and_its_package_opens_the_network(self):
        self.assertNotIn("shared", self.expect(("first", "root")))
        self.assertIn("shared", self.expect(("second", "root")))
        self.assertIn("lib/systemd/system/authzd.service.d/postgresql.conf", self.expect("files of authzd-postgresql"))

    def test_the_sockets_of_the_units_are_served_and_outlive_the_daemon(self):
        self.assertIn("alice", self.expect("passed"))
        self.assertEqual(LIFE.seen["sockets"], {"/run/authz/authz.sock": "authz:authz 660",
                                                "/run/authz/admin.sock": "authz:authz 600"})
        self.assertEqual(LIFE.seen["sockets after"], LIFE.seen["sockets"])

    def test_a_question_that_comes_while_the_daemon_is_away_is_answered_by_the_next_one(self):
        self.assertIn("alice", self.expect("while away"))

    def test_the_decision_log_is_rotated_and_made_again(self):
        if LIFE.seen["first", "rotate"] is None:
            self.skipTest("no logrotate here: run tools/setup")
        status, output, asked, names = LIFE.seen["first", "rotate"]
        self.assertEqual(status, 0, output)
        self.assertEqual(asked[0], 1, asked[1])
        self.assertEqual(names, ["decisions.log", "decisions.log.1"])

    def test_texts_and_manual_pages_are_installed(self):
        self.assertEqual(LIFE.seen["texts"], TEXTS)

    def test_the_policies_that_come_with_the_package_pass_their_tests(self):
        for name, (status, output) in LIFE.seen["examples"].items():
            self.assertEqual(status, 0, f"{name}: {output}")
            self.assertRegex(output, r"[1-9]\d* passed, 0 failed")

    def test_the_loader_finds_the_library(self):
        self.assertIn("libauthz.so.0", self.expect("linked"))

    def test_a_removal_keeps_store_and_configuration(self):
        self.expect("remove")
        self.assertEqual(LIFE.seen["kept"], {
            "/var/lib/authz/store.mdb": True, "/var/lib/authz/pepper": True,
            "/etc/authz/authzd.conf": True, "/usr/sbin/authzd": False})

    def test_the_configuration_of_authz_http_is_good(self):
        self.assertEqual(LIFE.seen["web"], (0, ""))

    def test_authz_http_is_trusted_as_it_is_installed(self):
        # Who is not trusted reads `unauthenticated` of every token that is not accepted.
        self.assertIn("malformed_token", self.expect("asked by web", status=1))
        self.assertEqual(LIFE.seen["web ends"], 0)

    def test_a_purge_leaves_nothing(self):
        self.expect("purge")
        left = {name for name in LIFE.after - LIFE.before if re.search("authz", name)}
        self.assertEqual(left, set())


class Unit(unittest.TestCase):
    service = unit((ROOT / "tools/systemd/authzd.service").read_text())

    def test_the_services_are_confined_as_far_as_systemd_can_see(self):
        for name in ("authzd.service", "authz-http.service"):
            done = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--no-pager",
                 ROOT / "tools/systemd" / name], check=True, capture_output=True, text=True)
            exposed = re.search(rf"Overall exposure level for {name}: ([0-9.]+)", done.stdout)
            self.assertLessEqual(float(exposed.group(1)), MOST_EXPOSED, name)

    def test_systemd_finds_no_mistake_in_the_units(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("authzd.service", "authzd.socket", "authzd-admin.socket", "authz-http.service",
                         "authz-http.socket"):
                text = (ROOT / "tools/systemd" / name).read_text()
                # A program that is not installed is no mistake of the unit, nor are its pages.
                text = re.sub("/usr/sbin/authz(d|-http)", "/bin/true", text)
                text = re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE)
                (Path(folder) / name).write_text(text)
            (Path(folder) / "authzd.service.d").mkdir()
            shutil.copy(ROOT / "tools/systemd/postgresql.conf", Path(folder) / "authzd.service.d")
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", *sorted(Path(folder).glob("*[et]"))], check=False,
                capture_output=True, text=True, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
        about = [line for line in done.stderr.split("\n") if "authz" in line]
        self.assertEqual(about, [])

    def test_the_socket_units_are_the_listen_lines_of_the_configuration(self):
        lines = re.findall(r"^listen +(\S+) (\d+) (?:(\S+) )?\w+$",
                           (ROOT / "tools/examples/authzd.conf").read_text(), re.MULTILINE)
        sockets = []
        for name in ("authzd.socket", "authzd-admin.socket"):
            lines_of = unit((ROOT / "tools/systemd" / name).read_text())
            path = lines_of["Socket", "ListenStream"][0]
            self.assertEqual(lines_of["Socket", "FileDescriptorName"][0], path.rsplit("/", 1)[1])
            sockets.append((path, *(lines_of["Socket", field][0] for field in (
                "SocketMode", "SocketUser", "SocketGroup"))))
        self.assertEqual([(path, mode, "authz", "authz") for path, mode, _ in lines], sockets)

    def test_the_socket_of_authz_http_is_the_listen_line_of_its_configuration(self):
        lines = re.findall(r"^listen +(\S+) (\d+) (\S+)$",
                           (ROOT / "tools/examples/authz-http.conf").read_text(), re.MULTILINE)
        socket = unit((ROOT / "tools/systemd/authz-http.socket").read_text())
        self.assertEqual(lines, [tuple(socket["Socket", field][0] for field in (
            "ListenStream", "SocketMode", "SocketGroup"))])

    def test_the_service_may_make_every_system_call_that_the_daemon_allows_itself(self):
        source = (ROOT / "daemon/host/confine_calls.c").read_text()
        tables = [re.search(rf"\b{name}\[\] = \{{(.*?)^\}};", source, re.DOTALL | re.MULTILINE).group(1)
                  for name in ("common", "thread_calls", "file_calls", "connect_calls", "network_calls")]
        wanted = set(re.findall(r"SCMP_SYS\((\w+)\)", "".join(tables)))
        self.assertGreater(len(wanted), 50)
        self.assertEqual(wanted - calls_of_unit(self.service), set())


if __name__ == "__main__":
    unittest.main()
