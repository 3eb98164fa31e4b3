# SPDX-License-Identifier: Apache-2.0
"""Modules that are shared objects: built by users, loaded, called, replaced, removed, refused."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from harness import run_tool, wait_until
from modules import SOURCES, Strangers

POLICY = """\
tree api {
    /loans { list GET }
}

role reader {
    allow GET on api:/**
}

principal ann {
    role reader
}

stack loans {
    authenticate  sufficient  key
    authenticate  required    principal
%s
    authorize     required    role
}
"""
COUNTRIES = """\
# documentation networks, as if they were somewhere
192.0.2.0/24 CH
192.0.2.128/25 LI
198.51.100.0/24 US
2001:db8::/32 CH
2001:db8:1::/48 US
"""
GEO = "    account required geo allow=CH,LI data=countries"
DENYLIST = "    account required denylist data=denied"


def setUpModule():
    global strangers, built  # pylint: disable=global-variable-undefined
    strangers = Strangers()
    built = strangers.folder / "built"
    built.mkdir()
    for name in ("geo", "denylist"):
        strangers.build(f"{name}.c", built / f"{name}.so")


def tearDownModule():
    strangers.finish()


class Modules(harness.DaemonTest):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-modules-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.modules = self.folder / "modules"
        self.data = self.modules / "data"
        self.data.mkdir(parents=True)
        self.policy = self.folder / "policy"
        self.policy.mkdir()
        self.config = self.folder / "authzd.conf"
        self.config.write_text(f"modules {self.modules}\n")
        self.put("countries", COUNTRIES)
        self.put("denied", "")

    def install(self, *names):
        for name in names:
            aside = self.modules / f".{name}"
            shutil.copy(built / f"{name}.so", aside)
            aside.rename(self.modules / f"{name}.so")

    def put(self, name, text):
        """Changes a data file as it should be done: by a rename."""
        aside = self.data / f".{name}"
        aside.write_text(text)
        aside.rename(self.data / name)

    def serve(self, lines):
        return self.daemon({"p.policy": POLICY % lines}, "--config", str(self.config))

    def check(self, lines, *more):
        (self.policy / "p.policy").write_text(POLICY % lines)
        return run_tool("policy", "check", "--modules", self.modules, *more, self.policy)

    def refused(self, lines):
        """The errors for which a policy with these lines is refused, with LINE:COLUMN."""
        done = self.check(lines)
        self.assertEqual(done.returncode, 1, done.stderr)
        return re.findall(r"p\.policy:(\d+:\d+): error: (.*)", done.stderr)

    def ask(self, daemon, ip="192.0.2.1", **more):
        return daemon.call("authorize", service="loans", method="GET", path="/loans", ip=ip,
                           **(more or {"principal": "ann"}))

    def allows(self, daemon, ip="192.0.2.1"):
        return self.ask(daemon, ip)["allow"]

    def allowed_key(self, daemon, token):
        return self.ask(daemon, token=token)["allow"]


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

    def test_a_wrong_data_file_changes_nothing_and_is_not_quoted(self):
        self.install("geo")
        daemon = self.serve(GEO)
        self.put("countries", "192.0.2.0/24 CH\nS3CR3T\n")
        wait_until(lambda: not daemon.call("policy.status")["ok"])
        problem = daemon.call("policy.status")["diagnostics"][0]
        self.assertEqual((problem["line"], problem["column"]), (16, 43))
        self.assertEqual(problem["message"],
                         "data file 'countries': line 2 is not of the form 'NETWORK COUNTRY'")
        self.assertTrue(self.allows(daemon))
        self.assertNotIn("S3CR3T", daemon.log())

    def test_a_reload_adds_and_drops_a_module(self):
        daemon = self.serve("")
        self.assertEqual(daemon.call("status")["modules"], [])
        self.install("geo")
        daemon.write("p.policy", POLICY % GEO)
        wait_until(lambda: daemon.call("status")["modules"] == [{"name": "geo", "version": "1.2.0"}])
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
        strangers.compile(source, "-o", self.modules / ".geo.so")
        (self.modules / ".geo.so").rename(self.modules / "geo.so")
        wait_until(lambda: daemon.call("status")["modules"] == [{"name": "geo", "version": "1.3.0"}])
        wait_until(lambda: len(set(re.findall(r"(\d+)\s+/memfd:geo\.so", maps(daemon)))) == 1)
        self.assertTrue(self.allows(daemon))

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
        self.assertIn("1 tests passed",
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
        strangers.compile(self.folder / "user.c", "-o", self.folder / "c.so")
        if shutil.which("c++") is None:
            self.skipTest("no C++ compiler here")
        strangers.compile(source, "-o", self.folder / "cc.so", compiler="c++", standard="c++11")


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
                env={**harness.environment(self.folder), **strangers.env, "PATH": path})
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
        strangers.compile(source, "-o", self.modules / "mine.so")
        daemon = self.serve("    account required mine")
        self.assertEqual(self.ask(daemon)["reason"], "deny")


class Refused(Modules):
    def bad(self, name="bad", **macros):
        macros.setdefault("NAME", f'"{name}"')
        strangers.build("bad.c", self.modules / f"{name}.so", **macros)

    def message(self, name="bad"):
        (place, message), = self.refused(f"    account required {name}")
        self.assertEqual(place, "16:22")
        return message.replace(str(self.modules), "DIR")

    def test_a_file_that_is_not_a_module(self):
        (self.modules / "bad.so").write_text("no module")
        self.assertEqual(self.message(),
                         "module 'bad' is refused: DIR/bad.so cannot be opened: file too short")
        self.bad(UNRESOLVED=1)
        self.assertEqual(self.message(), "module 'bad' is refused: DIR/bad.so cannot be opened: "
                         "undefined symbol: nobody_has_this")

    def test_a_file_that_was_cut_anywhere(self):
        self.install("geo")
        path = self.modules / "geo.so"
        whole = path.read_bytes()
        self.assertEqual(self.check(GEO).returncode, 0)
        for size in [*range(0, len(whole), len(whole) // 40), len(whole) - 1]:
            path.write_bytes(whole[:size])
            (place, message), = self.refused(GEO)
            self.assertIn("geo.so cannot be opened: ", message)
        # and the daemon keeps the policy that it has
        path.write_bytes(whole)
        daemon = self.serve(GEO)
        path.write_bytes(whole[:len(whole) // 2])
        # it may be read while it is still empty, then once more
        wait_until(lambda: any("geo.so cannot be opened: it is cut: " in diagnostic["message"]
                               for diagnostic in daemon.call("policy.status")["diagnostics"]))
        self.assertTrue(self.allows(daemon))

    def test_no_symbol(self):
        self.bad(TABLE="other_table")
        self.assertIn("DIR/bad.so exports no symbol 'authz_module'", self.message())

    def test_another_abi(self):
        self.bad(ABI=99, NAME='"other"', SIZE=1)
        self.assertIn("DIR/bad.so is no module for this authzd: it was built for version 99 of the "
                      "module interface, and this is version ", self.message())

    def test_another_size(self):
        self.bad(SIZE=8, NAME='"other"')
        self.assertIn("its table says that it has 8 bytes", self.message())
        source = self.folder / "small.c"
        source.write_text("#include <authz/module.h>\n#define authz_module table\n"
                          "extern POL_EXPORT const unsigned small; const unsigned small = 1;\n"
                          '__asm__(".globl authz_module\\n.set authz_module, small\\n"\n'
                          '".type authz_module, @object\\n.size authz_module, 4\\n");\n')
        strangers.compile(source, "-o", self.modules / "bad.so")
        self.assertIn("DIR/bad.so exports an 'authz_module' of 4 bytes", self.message())

    def test_another_name(self):
        self.bad(NAME='"other"')
        self.assertIn("it calls itself 'other'", self.message())

    def test_an_invalid_version(self):
        self.bad(VERSION='"\\033[31m"')
        self.assertIn("its version is no word", self.message())

    def test_a_second_module_of_a_name(self):
        self.bad("permit")
        self.assertEqual(self.message("permit"), "module 'permit' is refused: DIR/permit.so is a "
                         "second module of that name, beside the built-in one: rename or remove it")

    def test_a_module_that_refuses_without_a_word(self):
        self.bad()
        self.assertEqual(self.message(), "module 'bad' refuses this line and does not say why")

    def test_an_error_at_an_invalid_position(self):
        self.bad(WILD=1)
        self.assertRegex(self.message(), "^made up \\?\\?0+")

    def test_a_name_that_leads_nowhere(self):
        self.assertEqual(self.message("nothing-like-it"), "unknown module 'nothing-like-it': it is "
                         "not built in, and DIR has no nothing-like-it.so")

    def test_arguments_that_are_wrong_are_shown_with_their_place(self):
        self.install("geo", "denylist")
        for line, place, message in (
            ("geo", "16:22", "module 'geo' wants countries and one data file, as in 'geo "
             "allow=CH,LI data=countries'"),
            ("geo allow=ch data=countries", "16:32", "'ch' is no country: write two capital letters "
             "(ISO 3166-1), as in CH"),
            ("geo allow=CH allow=LI data=countries", "16:35",
             "argument 'allow' is given twice: separate its values by commas"),
            ("geo allow=CH data", "16:35", "argument 'data' wants a value: 'data=VALUE'"),
            ("geo allow=CH date=countries", "16:35",
             "module 'geo' has no argument 'date': did you mean 'data'?"),
            ("geo allow=CH data=contries", "16:40",
             "data file 'contries' cannot be used: DIR has no data/contries"),
            ("geo allow=CH data=../geo.so", "16:40", "'../geo.so' is no data file's plain name: "
             "letters, digits, '.', '_' and '-', of a file in the module folder's data/"),
            ("geo allow=CH data=/etc/passwd", "16:40", "'/etc/passwd' is no data file's plain name: "
             "letters, digits, '.', '_' and '-', of a file in the module folder's data/"),
            ("geo allow=CH data=.hidden", "16:40", "'.hidden' is no data file's plain name: "
             "letters, digits, '.', '_' and '-', of a file in the module folder's data/"),
            ("denylist data=a,b", "16:22",
             "module 'denylist' wants one data file, as in 'denylist data=denied'"),
        ):
            (found, text), = self.refused(f"    account required {line}")
            self.assertEqual((found, text.replace(str(self.modules), "DIR")), (place, message), line)
        (found, text), = self.refused("    authorize required geo allow=CH data=countries")
        self.assertEqual(text, "module 'geo' serves 'account', not 'authorize'")

    def test_an_invalid_data_file(self):
        self.install("geo")
        line = "    account required geo allow=CH data=countries"
        for make, message in (
            (lambda path: os.mkfifo(path, 0o600), "is no regular file"),
            (lambda path: path.mkdir(), "has no data/countries"),
            (lambda path: path.symlink_to("/etc/passwd"), "has no data/countries"),
            (lambda path: path.write_text(""), "names no network"),
            (lambda path: path.write_bytes(b"\x00\xff\n"), "line 1 is not of the form"),
            (lambda path: (path.touch(), os.truncate(path, 33 << 20)), "is too large"),
        ):
            path = self.data / "countries"
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
            make(path)
            (place, text), = self.refused(line)
            self.assertEqual(place, "16:40", text)
            self.assertIn(message, text)

    def test_files_that_others_may_write(self):
        self.install("geo")
        for path, shown in ((self.modules, "DIR"), (self.data, "DIR/data"),
                            (self.modules / "geo.so", "DIR/geo.so"),
                            (self.data / "countries", "DIR/data/countries")):
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | 0o020)
            done = self.check(GEO)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"{shown} may be written by others, who could run code in the daemon by "
                          f"it: chmod go-w {shown}\n", done.stderr.replace(str(self.modules), "DIR"))
            if path.is_dir():
                daemon = self.daemon({"p.policy": POLICY % GEO}, "--config", str(self.config),
                                     start=False)
                status, said = daemon.refuses_to_start()
                self.assertEqual(status, 1)
                self.assertIn(f"chmod go-w {path}", said)
            path.chmod(mode)
        self.assertEqual(self.check(GEO).returncode, 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_files_of_other_users(self):
        self.install("geo")
        for path in (self.modules, self.modules / "geo.so", self.data / "countries"):
            os.chown(path, 1, 1)
            done = self.check(GEO)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"belongs to uid 1, who could run code in the daemon by it: chown 0 {path}",
                          done.stderr)
            os.chown(path, 0, 0)

    def test_a_module_folder_that_is_not_there(self):
        shutil.rmtree(self.modules)
        daemon = self.daemon({"p.policy": POLICY % ""}, "--config", str(self.config), start=False)
        status, said = daemon.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(f"the module folder {self.modules} cannot be opened", said)


def maps(daemon):
    return Path(f"/proc/{daemon.pid}/maps").read_text()


if __name__ == "__main__":
    unittest.main()
