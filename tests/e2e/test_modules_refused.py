# SPDX-License-Identifier: Apache-2.0
"""Modules that are refused: by the daemon when it loads them and by the tool, each with its reason."""

import os
import shutil
import unittest

from harness import wait_until
from modules import GEO, POLICY, Modules, setUpModule, tearDownModule


class Refused(Modules):
    def bad(self, name="bad", **macros):
        macros.setdefault("NAME", f'"{name}"')
        self.strangers.build("bad.c", self.modules / f"{name}.so", **macros)

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
        self.assertIn("DIR/bad.so is not a module for this authzd: it was built for version 99 of the "
                      "module interface, and this is version ", self.message())

    def test_another_size(self):
        self.bad(SIZE=8, NAME='"other"')
        self.assertIn("its table says that it has 8 bytes", self.message())
        source = self.folder / "small.c"
        source.write_text("#include <authz/module.h>\n#define authz_module table\n"
                          "extern POL_EXPORT const unsigned small; const unsigned small = 1;\n"
                          '__asm__(".globl authz_module\\n.set authz_module, small\\n"\n'
                          '".type authz_module, @object\\n.size authz_module, 4\\n");\n')
        self.strangers.compile(source, "-o", self.modules / "bad.so")
        self.assertIn("DIR/bad.so exports an 'authz_module' of 4 bytes", self.message())

    def test_another_name(self):
        self.bad(NAME='"other"')
        self.assertIn("it calls itself 'other'", self.message())

    def test_an_invalid_version(self):
        self.bad(VERSION='"\\033[31m"')
        self.assertIn("its version is not a word", self.message())

    def test_a_second_module_of_a_name(self):
        self.bad("permit")
        self.assertEqual(self.message("permit"), "module 'permit' is refused: DIR/permit.so is a "
                         "second module of that name, beside the built-in one: rename or remove it")

    def test_a_reason_that_cannot_be_one(self):
        for reason in ("ok", "Not Here", "x" * 64, "\\n", "caf\\xc3\\xa9", ""):
            self.bad(REASON=f'"{reason}"')
            daemon = self.serve("    account required bad")
            answer = self.ask(daemon)
            self.assertEqual((answer["allow"], answer["status"], answer["reason"], answer["fact"]),
                             (False, 503, "module_error", "module 'bad'"), reason)
            daemon.stop()
        self.bad(REASON='"not_here"')
        answer = self.ask(self.serve("    account required bad"))
        self.assertEqual((answer["status"], answer["reason"]), (403, "not_here"))

    def test_a_module_that_takes_too_much_memory_is_named(self):
        self.bad(GREEDY=1)
        self.assertRegex(self.message(), r"^module 'bad' takes too much memory here: it has taken "
                         r"\d+ MiB, and asks for more than is left of the \d+ MiB of this policy")

    def test_a_note_is_text_whatever_the_module_leaves(self):
        self.bad(REASON='"no"', NOTE='"a\\n\\x1b[31mb\\xff"')
        daemon = self.serve("    account required bad")
        (module,) = daemon.call("status")["modules"]
        self.assertEqual([note["note"] for note in module["notes"]], ["a??[31mb?"])

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
            ("geo allow=ch data=countries", "16:32", "'ch' is not a country: write two capital letters "
             "(ISO 3166-1), as in CH"),
            ("geo allow=CH allow=LI data=countries", "16:35",
             "argument 'allow' is given twice: separate its values by commas"),
            ("geo allow=CH data", "16:35", "argument 'data' wants a value: 'data=VALUE'"),
            ("geo allow=CH date=countries", "16:35",
             "module 'geo' has no argument 'date': did you mean 'data'?"),
            ("geo allow=CH data=contries", "16:40",
             "data file 'contries' of module 'geo': cannot be used: DIR has no data/contries"),
            ("geo allow=CH data=../geo.so", "16:40", "'../geo.so' is not a data file's plain name: "
             "letters, digits, '.', '_' and '-', of a file in the module folder's data/"),
            ("geo allow=CH data=/etc/passwd", "16:40", "'/etc/passwd' is not a data file's plain name: "
             "letters, digits, '.', '_' and '-', of a file in the module folder's data/"),
            ("geo allow=CH data=.hidden", "16:40", "'.hidden' is not a data file's plain name: "
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
            (lambda path: os.mkfifo(path, 0o600), "is not a regular file"),
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


if __name__ == "__main__":
    unittest.main()
