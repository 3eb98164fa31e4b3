# SPDX-License-Identifier: Apache-2.0
"""The step of checks.py that runs clang-tidy, and remembers which sources it found clean."""

import contextlib
import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks_step import CLANG, CORES, OTHERS, ROOT, Failed, configure, show

TIDY_CHECKS = ",".join((
    "-*",
    "clang-analyzer-*",
    # Takes every "or NULL" of a callee for possible here; the sanitizers see the real ones.
    "-clang-analyzer-core.NullDereference", "-clang-analyzer-core.NonNullParamChecker",
    # Wants Annex K's memcpy_s and kin, which no libc here has.
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling",
    "bugprone-argument-comment bugprone-assert-side-effect bugprone-bad-signal-to-kill-thread "
    "bugprone-copy-constructor-init bugprone-dynamic-static-initializers "
    "bugprone-infinite-loop bugprone-integer-division bugprone-macro-repeated-side-effects "
    "bugprone-misplaced-operator-in-strlen-in-alloc bugprone-misplaced-pointer-arithmetic-in-alloc "
    "bugprone-misplaced-widening-cast bugprone-multiple-statement-macro "
    "bugprone-posix-return bugprone-redundant-branch-condition "
    "bugprone-signal-handler bugprone-signed-char-misuse bugprone-sizeof-container "
    "bugprone-string-literal-with-embedded-nul "
    "bugprone-suspicious-enum-usage bugprone-suspicious-include bugprone-suspicious-memory-comparison "
    "bugprone-suspicious-memset-usage bugprone-suspicious-missing-comma "
    "bugprone-suspicious-semicolon bugprone-suspicious-string-compare bugprone-terminating-continue "
    "bugprone-too-small-loop-variable bugprone-undefined-memory-manipulation "
    "bugprone-unused-return-value",
    "performance-*",
    "-performance-no-int-to-ptr",  # a tagged word is an idiom, not a slip
    "readability-braces-around-statements",
)).replace(" ", ",")


# States of one function that the analyzer looks at: a ninth of what it does by itself, in a sixth of the
# time. The rest mostly repeat: of 1,633 blocks of code in forty files taken at random, 3 are reached only
# by more of them. AUTHZ_TIDY_STATES=225000 tools/check tidy looks at all of them.
TIDY_STATES = int(os.environ.get("AUTHZ_TIDY_STATES", "25000"))
TIDY_DEPTH = ("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={TIDY_STATES}")


# A source is not looked at again while nothing that it is compiled from has changed: what was clean is
# remembered for this long.
TIDY_DAYS = 30


def tidy_cache():
    """The folder of marks, one for each state of a source that was clean."""
    for home in (Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser(), OTHERS):
        folder = home / "authzd-tidy"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            for mark in folder.iterdir():
                if mark.stat().st_mtime < time.time() - TIDY_DAYS * 86400:
                    mark.unlink(missing_ok=True)
            return folder
    raise Failed("no folder for what clang-tidy found clean")


def tidy_key(step, entry):
    """A hash of all that clang-tidy's answer depends on: the source as its headers complete it, with the
    comments that silence a check, the options, and which checks there are."""
    words = shlex.split(entry["command"])
    words = words[words[0].endswith("ccache"):]
    for option in ("-o", "-MQ", "-MF"):
        if option in words:
            at = words.index(option)
            words[at:at + 2] = []
    words = [word for word in words if word not in ("-c", "-MD")]
    _, completed = step.run(*words, "-E", "-C", cwd=entry["directory"])
    parts = (TIDY_CHECKS, str(TIDY_DEPTH), tidy_version(), " ".join(words), completed)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def tidy_version():
    return subprocess.run(["clang-tidy-14", "--version"], check=True, capture_output=True, text=True).stdout


def step_tidy(step):
    """clang-tidy finds nothing in our sources"""
    folder = OTHERS / "clang"
    configure(step, folder, env=CLANG)
    commands = json.loads((folder / "compile_commands.json").read_text())
    # One command for each source: clang-tidy looks at a source that two libraries compile twice, and its
    # second look at the arguments of a variadic function is wrong.
    once = {os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT): entry for entry in commands}
    listed = OTHERS / "tidy"
    listed.mkdir(exist_ok=True)
    (listed / "compile_commands.json").write_text(json.dumps(list(once.values())))
    ours = sorted(once)
    ours = [name for name in ours if name.split("/")[0] in ("policy", "client", "daemon", "tools")]

    clean = tidy_cache()

    def tidy(name):
        mark = clean / tidy_key(step, once[name])
        if mark.exists():
            mark.touch()
            return name, 0, ""
        command = ("clang-tidy-14", "-p", listed, "--quiet", f"--checks={TIDY_CHECKS}",
                   "--warnings-as-errors=*", "--header-filter=^(policy|client|daemon|tools)/",
                   *(f"--extra-arg={word}" for word in TIDY_DEPTH), name)
        status, output = step.run(*command, check=False)
        if status == 0:
            mark.touch()
        return name, status, output

    with ThreadPoolExecutor(CORES) as pool:
        for name, status, output in pool.map(tidy, ours):
            if status != 0:
                show(re.sub(r"^\d+ warnings? .*\n?", "", output, flags=re.MULTILINE))
            step.expect(status == 0, f"tidy: {name}")
    if not ours:
        step.expect(False, "tidy: no source to look at")
