# SPDX-License-Identifier: Apache-2.0
"""tools/check-rooms on trees that break one rule each: a check that cannot fail checks nothing."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "tools" / "check-rooms"
COMPILER = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang-14")
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"

RULE = '#include "policy/text/rule.h"\n'
WIRE = '#include "client/wire.h"\n'
GOOD = {
    "policy/text/rule.h": "#pragma once\nint pol_rule(int x);\n",
    "policy/text/rule.c": RULE + "\n#include <string.h>\n\n"
    "static const char *const names[] = { \"a\", \"b\" };\n"
    "int pol_rule(int x) { return (int)strlen(names[x]); }\n",
    "policy/text/arena.c": "#include <sys/mman.h>\n",
    "policy/language/parse.h": "#pragma once\n" + RULE,
    "policy/snapshot/snapshot.h": "#pragma once\n" + RULE,
    "policy/decide/eval.h": '#pragma once\n#include "policy/snapshot/snapshot.h"\n',
    "policy/compile/compile.c": '#include "policy/decide/eval.h"\n#include "policy/language/parse.h"\n',
    "client/wire.h": "#pragma once\n#include <msgpack.h>\n",
    "client/authz.h": "#pragma once\n",
    "daemon/host/confine.c": "#include <seccomp.h>\n",
    "daemon/host/redact.h": "#pragma once\n",
    "daemon/host/loop.h": "#pragma once\n#include <uv.h>\n" + RULE,
    "daemon/config/config.h": "#pragma once\nstruct server;\n" + RULE,
    "daemon/secret/token.c": "#include <sodium.h>\n" + RULE,
    "daemon/store/env.c": "#include <lmdb.h>\n" + RULE,
    "daemon/keys/usage.c": RULE,
    "daemon/share/database.c": "#include <libpq-fe.h>\n" + RULE,
    "daemon/write/writer.c": RULE,
    "daemon/load/folder.h": "#pragma once\n",
    "daemon/load/plugin.h": "#pragma once\n",
    "daemon/load/watch.c": "#include <uv.h>\n" + RULE + WIRE,
    "daemon/call/dispatch.c": '#include "daemon/config/config.h"\n/* strcpy(a, b) is no call */\n'
    + RULE + WIRE,
    "daemon/tend/sweep.c": RULE,
    "daemon/decide/ask.c": RULE + WIRE,
    "daemon/decide/ask.h": "#pragma once\n",
    "daemon/decide/missing.h": "#pragma once\n",
    "daemon/decide/plan_encode.h": "#pragma once\n",
    "daemon/manage/status.c": RULE + WIRE,
    "daemon/serve/server.c": '#include "daemon/host/loop.h"\n#include <uv.h>\n' + WIRE,
    "daemon/main.c": '#include "daemon/host/loop.h"\n#include <stdlib.h>\nvoid leave(void) { exit(0); }\n',
    "policy/language/settings.h": "#pragma once\n",
    "client/http/door.c": '#include <jansson.h>\n#include <microhttpd.h>\n#include "daemon/host/loop.h"\n'
    '#include <uv.h>\n#include "policy/language/settings.h"\n' + RULE,
    "client/http/json.h": "#pragma once\n",
    "tools/import/yaml.c": "#include <jansson.h>\n#include <libfyaml.h>\n" + RULE,
    "tools/forward.c": "#include <curl/curl.h>\n",
    "tools/document.h": "#pragma once\n#include <jansson.h>\n",
    "tools/host.c": '#include "daemon/load/plugin.h"\n',
    "tools/policy.c": '#include "daemon/load/folder.h"\n',
    "tools/commands/policy_plan.c": '#include "daemon/decide/missing.h"\n#include "daemon/decide/plan_encode.h"\n',
    "tools/revision.c": '#include "daemon/load/folder.h"\n',
    "tools/secret.c": '#include "daemon/host/redact.h"\n',
    "tools/authzcheck.c": '#include "client/authz.h"\n#include "client/http/json.h"\n#include <stdio.h>\n' + RULE + WIRE,
}

# (title, file, text that is added to the good tree's, what must be said)
BAD_SOURCES = (
    ("policy includes the loop", "policy/text/rule.c", "#include <uv.h>", "uv is not for policy/text"),
    ("policy includes a host header", "policy/text/rule.c", "#include <time.h>", "knows no host"),
    ("policy includes the daemon", "policy/text/rule.c", '#include "daemon/config/config.h"',
     "outside what policy/text"),
    ("a room includes one below it", "policy/text/rule.c", '#include "policy/snapshot/snapshot.h"',
     "policy/snapshot lies below policy/text"),
    ("the decision includes the parser", "policy/decide/eval.h", '#include "policy/language/parse.h"',
     "policy/decide does not see policy/language"),
    ("the snapshot includes the parser", "policy/snapshot/snapshot.h", '#include "policy/language/parse.h"',
     "policy/snapshot does not see policy/language"),
    ("the store includes a call", "daemon/store/env.c", '#include "daemon/decide/ask.h"',
     "daemon/decide lies below daemon/store"),
    ("a call includes a decision", "daemon/call/call.h", '#include "daemon/decide/ask.h"',
     "daemon/decide lies below daemon/call"),
    ("a source in no room", "policy/stray.c", "int stray;", "lies in no room"),
    ("client includes policy", "client/wire.h", '#include "policy/text/rule.h"', "outside what client"),
    ("client includes the store", "client/wire.h", "#include <lmdb.h>", "lmdb is not for client"),
    ("daemon includes the client", "daemon/serve/server.c", '#include "client/authz.h"',
     "outside what daemon/serve"),
    ("the store's library outside the store", "daemon/main.c", "#include <lmdb.h>", "lmdb is not for"),
    ("sodium outside secret", "daemon/store/env.c", "#include <sodium.h>", "sodium is not for"),
    ("seccomp outside host", "daemon/serve/server.c", "#include <seccomp.h>", "seccomp is not for"),
    ("a handler includes the loop", "daemon/call/dispatch.c", "#include <uv.h>", "uv is not for"),
    ("a handler reaches the loop", "daemon/manage/keys/keys.c", '#include "daemon/host/loop.h"', "reaches uv"),
    ("a handler's header reaches the loop", "daemon/decide/authorize.h", '#include "daemon/host/loop.h"',
     "reaches uv: daemon/decide/authorize.h -> daemon/host/loop.h -> uv.h"),
    ("a tool includes the daemon", "tools/authzcheck.c", '#include "daemon/config/config.h"',
     "outside what tools"),
    ("an importer includes the tool", "tools/import/yaml.c", '#include "tools/document.h"',
     "tools lies below tools/import"),
    ("a tool includes YAML", "tools/authzcheck.c", "#include <libfyaml.h>", "fyaml is not for tools"),
    ("a tool includes the loop", "tools/authzcheck.c", "#include <uv.h>", "uv is not for tools"),
    ("an include names no room", "policy/text/rule.c", '#include "rule.h"', "no file of the tree"),
    ("an include of a missing file", "policy/text/rule.c", '#include "policy/text/gone.h"',
     "no file of the tree"),
    ("an unknown library", "daemon/main.c", "#include <expat.h>", "no header that the rooms know"),
    ("a banned call", "tools/authzcheck.c", "void f(char *a) { strcpy(a, a); }", "strcpy knows no bound"),
    ("hidden state", "daemon/main.c", "int g(char *a) { return strtok (a, a) != 0; }", "strtok keeps"),
    ("atoi", "client/wire.h", "static inline int h(char *a) { return atoi(a); }", "atoi cannot report"),
    ("an exit in a library", "policy/text/rule.c", "void die(void) { exit(1); }", "only main.c may"),
    ("a path of one machine", "tools/authzcheck.c", "/* see /home/" "someone/notes */", "names a place"),
)

# (title, file, code, what must be said)
BAD_OBJECTS = (
    ("a variable of a file", "daemon/main.c", "int counter = 1;", "variable counter"),
    ("a zeroed variable", "client/state.c", "static int seen; int s(void) { return seen++; }", "variable seen"),
    ("a static inside a function", "policy/text/rule.c",
     "int n(void); int n(void) { static int calls; return ++calls; }", "variable calls"),
    ("a thread's variable", "daemon/main.c", "_Thread_local int mine = 3;", "variable mine"),
    ("a clock in policy", "policy/text/rule.c", "long time(long *); long now(void) { return time(0); }", "calls time"),
    ("an environment in policy", "policy/text/rule.c",
     "char *getenv(const char *); char *e(void) { return getenv(\"X\"); }", "calls getenv"),
    ("a file in policy", "policy/text/rule.c", "int open(const char *, int); int o(void) { return open(\"x\", 0); }",
     "calls open"),
    ("a stream in policy", "policy/text/rule.c", "int puts(const char *); int p(void) { return puts(\"x\"); }",
     "calls puts"),
    ("a socket in policy", "policy/text/rule.c", "int socket(int, int, int); int k(void) { return socket(1, 1, 0); }",
     "calls socket"),
    ("the host's locale in policy", "policy/text/rule.c", "char *strerror(int); char *m(void) { return strerror(1); }",
     "calls strerror"),
)


class CheckRooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rooms-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name, text in GOOD.items():
            self.write(name, LICENCE + text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def append(self, name, text):
        path = self.root / name
        self.write(name, (path.read_text(encoding="utf-8") if path.exists() else LICENCE) + text + "\n")

    def compile(self, source, *flags):
        build = self.root / "build"
        build.mkdir(exist_ok=True)
        output = source.replace("/", "_") + ".o"
        command = [COMPILER, "-I", str(self.root), "-fPIC", "-c", str(self.root / source), "-o",
                   str(build / output), *flags]
        subprocess.run(command, check=True)
        listing = build / "compile_commands.json"
        entries = json.loads(listing.read_text()) if listing.exists() else []
        entries.append({"directory": str(build), "file": f"../{source}", "output": output,
                        "command": " ".join(command)})
        listing.write_text(json.dumps(entries))

    def check(self, *arguments):
        return subprocess.run([str(CHECK), "--root", str(self.root), *arguments],
                              capture_output=True, text=True, check=False)

    def assert_reported(self, name, said, *arguments):
        found = self.check(*arguments)
        self.assertEqual(found.returncode, 1, found.stdout)
        self.assertIn("not ok", found.stdout)
        line = next((line for line in found.stdout.split("\n") if said in line), None)
        self.assertIsNotNone(line, f"{said!r} is not in:\n{found.stdout}")
        self.assertIn(f"{name}:", line)

    def test_a_tree_that_keeps_to_the_rules_passes(self):
        self.compile("policy/text/rule.c")
        found = self.check("--build", str(self.root / "build"))
        self.assertEqual(found.returncode, 0, found.stdout)
        self.assertNotIn("SKIP", found.stdout)

    def test_what_a_test_compiles_once_more_is_its_own(self):
        self.compile("policy/text/rule.c")
        listing = self.root / "build" / "compile_commands.json"
        entries = json.loads(listing.read_text())
        entries.append({**entries[0], "output": "tests/not_built.o"})
        listing.write_text(json.dumps(entries))
        found = self.check("--build", str(self.root / "build"))
        self.assertEqual(found.returncode, 0, found.stdout)
        self.assertNotIn("SKIP", found.stdout)

    def test_a_source_without_its_licence_is_reported(self):
        self.write("tools/run", "#!/bin/sh\ntrue\n")
        self.assert_reported("tools/run", "no SPDX-License-Identifier")

    def test_what_the_plan_allows_and_no_file_uses_is_reported(self):
        self.write("daemon/secret/token.c", LICENCE + RULE)
        self.assert_reported("tools/check-rooms", "daemon/secret may use sodium, and no file of it does")

    def test_instrumented_objects_are_skipped_and_say_so(self):
        self.compile("policy/text/rule.c", "-fsanitize=undefined")
        found = self.check("--build", str(self.root / "build"))
        self.assertEqual(found.stdout.count("# SKIP instrumented"), 2, found.stdout)


def add_case(title, prepare):
    setattr(CheckRooms, "test_" + title.replace(" ", "_") + "_is_reported", prepare)


def source_case(name, text, said):
    def test(self):
        self.append(name, text)
        self.assert_reported(name, said)

    return test


def object_case(name, text, said):
    def test(self):
        self.append(name, text)
        self.write("build/include/uv.h", "")
        self.compile(name, "-I", str(self.root / "build" / "include"))
        self.assert_reported(name, said, "--build", str(self.root / "build"))

    return test


for case_title, case_file, case_text, case_said in BAD_SOURCES:
    add_case(case_title, source_case(case_file, case_text, case_said))
for case_title, case_file, case_text, case_said in BAD_OBJECTS:
    add_case(case_title, object_case(case_file, case_text, case_said))
