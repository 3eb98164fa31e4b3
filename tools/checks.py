#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of tools/check, cheap ones first.

Every step runs even when an earlier one failed, so that one run shows every failure. What a failing
step printed is shown; a passing one shows only its count. Build folders are kept for the next run:
`build` (gcc, as everybody uses it) and build-check/ (the others). The last line is
`N passed, N failed`, and the exit status is 0 when nothing failed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OTHERS = ROOT / "build-check"
CORES = len(os.sched_getaffinity(0))
FUZZ_SECONDS = 30  # of a core, for each target
# Many tests wait for a clock, a disk or an answer most of the time, and none goes by how fast it is.
TESTS_AT_ONCE = 2 * CORES
LINES_SHOWN = 200  # of a failing command's output: its end says why

# Standard input is nobody's; messages are English; llvm-symbolizer names a report's functions.
ENVIRONMENT = {
    **os.environ,
    "LC_ALL": "C.UTF-8",
    "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin:/usr/lib/llvm-14/bin",
}
GCC = {"CC": "gcc"}
CLANG = {"CC": "clang-14"}


class Failed(Exception):
    """A step cannot go on; what it printed says why."""


class Step:
    """Counts what a step proved, and runs its commands."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def expect(self, good, what):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            say(f"FAILED: {what}")

    def run(self, *command, env=None, check=True, cwd=ROOT, timeout=1200):
        """Runs a command, shows its output only when it failed, and gives that output."""
        try:
            done = subprocess.run(
                [str(word) for word in command], cwd=cwd, env={**ENVIRONMENT, **(env or {})},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", check=False, timeout=timeout,
            )
            status, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as error:
            status, output = "no end", (error.stdout or b"").decode(errors="replace")
        if status != 0 and check:
            show(output)
            raise Failed(f"{' '.join(str(word) for word in command)}: exit {status}")
        return status, output


def say(text=""):
    print(text, flush=True)


def show(output):
    lines = output.rstrip().split("\n")
    if len(lines) > LINES_SHOWN:
        say(f"    … {len(lines) - LINES_SHOWN} lines before these")
    for line in lines[-LINES_SHOWN:]:
        say(f"    {line}")


def tracked(*patterns):
    """Our files that fit, relative: those of git and those not yet added to it."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others",
               "--exclude-standard", "--", *patterns]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted({name for name in out.stdout.split("\n") if name and (ROOT / name).is_file()})


# Building and testing


def configure(step, folder, *options, env):
    """A build folder with exactly these options; one of another compiler or option is replaced."""
    folder.parent.mkdir(exist_ok=True)
    command = ["meson", "setup", folder, "--werror", *options]
    mark = folder / "tools-check"
    wanted = json.dumps([str(word) for word in command] + sorted(env.items()))
    if (folder / "build.ninja").exists():
        if folder == BUILD:
            step.run("meson", "configure", folder, "-Dwerror=true", *options)
        if folder == BUILD or mark.exists() and mark.read_text() == wanted:
            step.run("ninja", "-C", folder, "build.ninja")  # what meson knows is as old as its last run
            return
    shutil.rmtree(folder, ignore_errors=True)
    step.run(*command, env=env)
    mark.write_text(wanted)


def build(step, folder, *options, env, targets=()):
    configure(step, folder, *options, env=env)
    for report in folder.glob("sanitizer-report*"):
        report.unlink()
    step.run("ninja", "-C", folder, *targets)


def count_tap(step, title, entry, output):
    """One meson test that speaks TAP: every line of it is a test, and no line at all is a failure."""
    good = len(re.findall(r"^ok\b(?!.*# *SKIP)", output, re.MULTILINE | re.IGNORECASE))
    bad = len(re.findall(r"^not ok\b", output, re.MULTILINE))
    skipped = len(re.findall(r"^ok\b.*# *SKIP", output, re.MULTILINE | re.IGNORECASE))
    step.passed += good
    step.failed += bad
    step.skipped += skipped
    if good + bad + skipped == 0:
        step.expect(False, f"{title}: ran no test")
    elif entry["result"] not in ("OK", "SKIP") and bad == 0:
        step.expect(False, f"{title}: {entry['result'].lower()} after {good} tests")


def run_tests(step, folder, *options, suites):
    """meson test, counted test by test. Every suite that is asked for must have run some."""
    timeout = ("--timeout-multiplier", "4") if folder != BUILD else ()
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    status, output = step.run(
        "meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", "--num-processes", TESTS_AT_ONCE,
        *timeout, *options, *(word for suite in suites for word in ("--suite", suite)), check=False,
    )
    if status != 0:
        show(output)
    tests = json.loads((folder / "meson-info" / "intro-tests.json").read_text())
    known = {test["name"]: test for test in tests}
    seen = set()
    failed_before = step.failed
    for line in log.read_text().split("\n") if log.exists() else ():
        if not line:
            continue
        entry = json.loads(line)
        name = entry["name"].split(" / ")[-1]
        test = known.get(name, {"suite": [], "protocol": "tap"})
        seen.update(suite.split(":")[-1] for suite in test["suite"])
        if test["protocol"] == "tap":
            count_tap(step, name, entry, entry.get("stdout", ""))
        else:
            step.expect(entry["result"] == "OK", f"{name}: {entry['result'].lower()}")
    for suite in suites:
        if suite not in seen:
            step.expect(False, f"suite {suite} ran no test")
    if status != 0 and step.failed == failed_before:
        step.expect(False, f"meson test: exit {status}")


STARTS_DAEMONS = ("e2e", "attack", "servers")


def suites_present():
    """The suites that the tree has tests for: a folder with test sources must run as its suite."""
    folders = {name.split("/")[1] for name in tracked("tests/*/test_*.c", "tests/*/test_*.py")}
    rooms = {"policy": "*.c", "client": "*.c", "daemon": "*.c", "fuzz": "*_fuzz.c"}
    folders.update(room for room, files in rooms.items() if tracked(f"tests/{room}/{files}"))
    if tracked("tests/attack/*.py"):
        folders.add("attack")
    return sorted(folders)


def expect_no_reports(step, folder):
    """A sanitizer's report in a file counts, whatever the test that left it said of itself."""
    reports = sorted(folder.glob("sanitizer-report*"))
    for report in reports[:5]:
        say(f"{report.name}:")
        show(report.read_text(errors="replace"))
    step.expect(not reports, f"{len(reports)} sanitizer reports in {folder.name}")


# The steps


def step_format(step):
    """clang-format changes nothing"""
    files = tracked("*.c", "*.h")
    status, output = step.run(
        "clang-format-14", "--dry-run", "-Werror", "--ferror-limit=3", *files, check=False
    )
    if status != 0:
        show(output)
    step.expect(status == 0, "format: clang-format-14 -i FILE mends it")


def step_rooms(step):
    """sources keep to their rooms, and lists fit the sources"""
    status, output = step.run(ROOT / "tools" / "check-rooms", check=False)
    if status != 0:
        show(output)
    count_tap(step, "check-rooms", {"result": "OK" if status == 0 else "FAIL"}, output)
    listed = (ROOT / "tests" / "e2e" / "meson.build").read_text()
    for name in tracked("tests/e2e/test_*.py"):
        word = Path(name).stem.removeprefix("test_")
        step.expect(f"'{word}'" in listed, f"{name} is not in tests/e2e/meson.build")
    status, output = step.run(ROOT / "tests" / "mutation" / "mutate.py", "--check", check=False)
    if status != 0:
        show(output)
    count_tap(step, "mutation", {"result": "OK" if status == 0 else "FAIL"}, output)


def step_order(step):
    """every swap that tests/cases/prove_order.py makes in the order of reasons can be made"""
    status, output = step.run(ROOT / "tests" / "cases" / "prove_order.py", "--check", check=False)
    if status != 0:
        show(output)
    count_tap(step, "prove_order", {"result": "OK" if status == 0 else "FAIL"}, output)


def step_words(step):
    """comments, messages and manuals are in plain words"""
    status, output = step.run(ROOT / "tools" / "check-words", check=False)
    if status != 0:
        show(output)
    count_tap(step, "check-words", {"result": "OK" if status == 0 else "FAIL"}, output)


def step_gcc(step):
    """gcc, warnings are errors, every test"""
    build(step, BUILD, env=GCC, targets=("all", "bench"))
    run_tests(step, BUILD, suites=suites_present())


def step_clang(step):
    """clang, warnings are errors, every test that starts no daemon: asan runs those as clang built it"""
    folder = OTHERS / "clang"
    build(step, folder, env=CLANG, targets=("all", "bench"))
    run_tests(step, folder, suites=[suite for suite in suites_present() if suite not in STARTS_DAEMONS])


def step_asan(step):
    """clang's address, leak and undefined sanitizers, every test but those with real web servers"""
    folder = OTHERS / "asan"
    build(step, folder, "-Db_sanitize=address,undefined", "-Db_lundef=false", env=CLANG)
    run_tests(step, folder, suites=[suite for suite in suites_present() if suite != "servers"])
    expect_no_reports(step, folder)


def programs(folder, *wanted):
    """The executables that a build folder knows, by the file they are defined in."""
    targets = json.loads((folder / "meson-info" / "intro-targets.json").read_text())
    return [
        target for target in targets
        if target["type"] == "executable"
        and str(Path(target["defined_in"]).parent.relative_to(ROOT)) in wanted
    ]


def installed(folder):
    """What a build folder makes to be installed."""
    targets = json.loads((folder / "meson-info" / "intro-targets.json").read_text())
    return [target for target in targets if target["installed"]]


def works_under_tsan(step):
    """A prefix under which a thread-sanitized program starts here: some kernels place memory where
    the sanitizer wants its shadow, unless address space randomization is off."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text("int main(void) { return 0; }\n")
        program = Path(folder) / "empty"
        step.run("clang-14", "-fsanitize=thread", source, "-o", program)
        for prefix in ((), ("setarch", "-R")):
            if step.run(*prefix, program, check=False)[0] == 0:
                return prefix
    raise Failed("no thread-sanitized program starts on this kernel")


def step_tsan(step):
    """the daemon under the thread sanitizer, end to end"""
    folder = OTHERS / "tsan"
    options = ("-Db_sanitize=thread", "-Db_lundef=false")
    configure(step, folder, *options, env=CLANG)
    # The end to end tests also install what strangers build against.
    wanted = [
        os.path.relpath(target["filename"][0], folder)
        for target in [*programs(folder, "daemon", "tools", "tests/e2e"), *installed(folder)]
    ]
    if not wanted:
        say("nothing to run yet: no daemon")
        return
    build(step, folder, *options, env=CLANG, targets=wanted)
    prefix = works_under_tsan(step)
    wrapper = ("--wrapper", " ".join(prefix)) if prefix else ()
    run_tests(step, folder, *wrapper, suites=("e2e",))
    expect_no_reports(step, folder)


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


def step_tidy(step):
    """clang-tidy finds nothing in our sources"""
    folder = OTHERS / "clang"
    configure(step, folder, env=CLANG)
    commands = json.loads((folder / "compile_commands.json").read_text())
    ours = sorted({
        os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT) for entry in commands
    })
    ours = [name for name in ours if name.split("/")[0] in ("policy", "client", "daemon", "tools")]

    def tidy(name):
        command = ("clang-tidy-14", "-p", folder, "--quiet", f"--checks={TIDY_CHECKS}",
                   "--warnings-as-errors=*", "--header-filter=^(policy|client|daemon|tools)/", name)
        return name, *step.run(*command, check=False)

    with ThreadPoolExecutor(CORES) as pool:
        for name, status, output in pool.map(tidy, ours):
            if status != 0:
                show(re.sub(r"^\d+ warnings? .*\n?", "", output, flags=re.MULTILINE))
            step.expect(status == 0, f"tidy: {name}")
    if not ours:
        step.expect(False, "tidy: no source to look at")


def step_symbols(step):
    """libauthz exports what client/authz.map lists, and nothing else"""
    libraries = sorted((BUILD / "client").glob("libauthz.so.*[0-9]"))
    listing = ROOT / "client" / "authz.map"
    if not libraries and not listing.exists():
        say("nothing to look at yet: no libauthz")
        return
    if not libraries:
        step.expect(False, "libauthz is not built: run the step gcc first")
        return
    text = re.sub(r"#.*", "", listing.read_text())
    listed = set(re.findall(r"\b(authz_\w+)\s*;", text))
    _, output = step.run("nm", "-D", "--defined-only", "--format=posix", libraries[-1])
    names = (line.split() for line in output.split("\n") if line)
    exported = {words[0].split("@")[0] for words in names if words[1] != "A"}
    for name in sorted(listed | exported):
        where = "exported and not in authz.map" if name in exported else "in authz.map and not exported"
        step.expect(name in listed and name in exported, f"{name}: {where}")
    step.expect(bool(exported), "libauthz exports nothing")


def fuzz_one(step, target, seconds):
    """One target for some seconds, from its seeds; what it found is left in its work folder."""
    program = Path(target["filename"][0])
    work = program.parent / f"{program.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    (work / "found").mkdir(parents=True)
    seeds = [ROOT / "tests" / "fuzz" / "seeds" / program.name.removesuffix("_fuzz")]
    seeds = [folder for folder in seeds if folder.is_dir()]
    status, output = step.run(
        program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
        "-print_final_stats=1", f"-artifact_prefix={work}/", work / "found", *seeds,
        check=False, timeout=seconds * 10,
        env={"ASAN_OPTIONS": "allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
    )
    ran = re.search(r"stat::number_of_executed_units: *(\d+)", output)
    return program.name, status, output, int(ran.group(1)) if ran else 0, bool(seeds)


def step_fuzz(step):
    """every target of tests/fuzz for 30 seconds of a core"""
    folder = OTHERS / "fuzz"
    options = ("-Db_sanitize=address,undefined", "-Db_lundef=false",
               "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=all")
    configure(step, folder, *options, env=CLANG)
    targets = programs(folder, "tests/fuzz")
    if not targets:
        sources = tracked("tests/fuzz/*_fuzz.c")
        if sources:
            step.expect(False, f"{len(sources)} fuzz sources and no target")
        else:
            say("nothing to run yet: no target")
        return
    build(step, folder, *options, env=CLANG,
          targets=[os.path.relpath(target["filename"][0], folder) for target in targets])
    # All at once, so that no core is idle while the last one runs.
    seconds = FUZZ_SECONDS * max(len(targets), CORES) // CORES
    with ThreadPoolExecutor(len(targets)) as pool:
        runs = pool.map(lambda one: fuzz_one(step, one, seconds), targets)
        for name, status, output, ran, seeded in runs:
            if status != 0 or ran == 0:
                show(output)
            say(f"{name}: {ran} runs{'' if seeded else ', without seeds'}")
            step.expect(status == 0 and ran > 0, f"fuzz: {name}")


def step_install(step):
    """meson install leaves what users need, and it works from there"""
    build(step, BUILD, env=GCC)
    with tempfile.TemporaryDirectory(prefix="authz-install-") as folder:
        step.run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", env={"DESTDIR": folder})
        installed = [path for path in Path(folder).rglob("*") if path.is_file()]
        names = {path.name for path in installed}
        options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
        prefix = Path(folder + next(one["value"] for one in options if one["name"] == "prefix"))
        if not installed:
            say("nothing to install yet")
            return
        if (ROOT / "daemon" / "main.c").exists():
            for name in ("authzd", "authzd.8"):
                step.expect(name in names or f"{name}.gz" in names, f"install: no {name}")
        if (ROOT / "tools" / "authzcheck.c").exists():
            for name in ("authzcheck", "authzcheck.1"):
                step.expect(name in names or f"{name}.gz" in names, f"install: no {name}")
        step.expect((prefix / "include/authz/module.h").is_file(), "install: no authz/module.h")
        step.expect("authz-module.pc" in names, "install: no authz-module.pc")
        if (ROOT / "client" / "authz.h").exists():
            for name in ("authz.h", "libauthz.so", "libauthz.a"):
                found = any(path.name == name for path in Path(folder).rglob("libauthz*")) or name in names
                step.expect(found, f"install: no {name}")
            step.expect((prefix / "share/bash-completion/completions/authzcheck").is_file(),
                        "install: no completion of bash in the prefix")
            for path in installed:
                step.expect(prefix in path.parents, f"install: {path} is outside the prefix")
            link_against_installed(step, Path(folder))


def link_against_installed(step, folder):
    """A program of somebody else's, with nothing but pkg-config to guide it."""
    descriptions = list(folder.rglob("*.pc"))
    step.expect(len(descriptions) >= 1, "install: no pkg-config file")
    if not descriptions:
        return
    # Of nobody's packages but ours: who uses the library needs the C library and it.
    env = {"PKG_CONFIG_LIBDIR": ":".join({str(path.parent) for path in descriptions}),
           "PKG_CONFIG_SYSROOT_DIR": str(folder)}
    _, flags = step.run("pkg-config", "--cflags", "--libs", "authz", env=env)
    source = folder / "user.c"
    source.write_text("#include <authz.h>\n#include <stdio.h>\n"
                      "int main(void) { return puts(authz_strerror(0)) < 0; }\n")
    step.run("gcc", "-Wall", "-Werror", source, *flags.split(), "-o", folder / "user")
    library = next(folder.rglob("libauthz.so"))
    status, output = step.run(folder / "user", env={"LD_LIBRARY_PATH": str(library.parent)}, check=False)
    if status != 0:
        show(output)
    step.expect(status == 0, "install: a program linked against libauthz does not run")


STEPS = {
    "format": step_format, "rooms": step_rooms, "order": step_order, "words": step_words,
    "gcc": step_gcc,
    "symbols": step_symbols, "install": step_install, "clang": step_clang, "asan": step_asan,
    "tsan": step_tsan, "tidy": step_tidy, "fuzz": step_fuzz,
}


def run_step(name):
    step = Step(name)
    say(f"\n== {name}: {STEPS[name].__doc__}")
    begun = time.monotonic()
    try:
        STEPS[name](step)
    except Failed as error:
        step.expect(False, str(error))
    except Exception as error:  # a mistake of ours must not end the run without its last line
        step.expect(False, f"{type(error).__name__}: {error}")
    seconds = time.monotonic() - begun
    say(f"{step.passed} passed, {step.failed} failed, {step.skipped} skipped in {seconds:.0f} s")
    return step, seconds


def main():
    listing = "\n".join(f"  {name:8} {step.__doc__}" for name, step in STEPS.items())
    parser = argparse.ArgumentParser(
        prog="tools/check", description="Runs everything that has to hold before a change lands.",
        epilog=f"steps, in their order:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these; default: every step")
    options = parser.parse_args()
    unknown = [name for name in options.steps if name not in STEPS]
    if unknown:
        parser.error(f"no step {unknown[0]}; there are {', '.join(STEPS)}")

    done = [run_step(name) for name in STEPS if not options.steps or name in options.steps]
    passed = sum(step.passed for step, _ in done)
    failed = sum(step.failed for step, _ in done)
    say(f"\n{'step':10}{'seconds':>8}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for step, seconds in done:
        say(f"{step.name:10}{seconds:8.0f}{step.passed:8}{step.failed:8}{step.skipped:9}")
    total = sum(seconds for _, seconds in done)
    say(f"{'all':10}{total:8.0f}{passed:8}{failed:8}{sum(step.skipped for step, _ in done):9}\n")
    if passed == 0 and failed == 0:
        failed = 1
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
