#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that every pair of neighbours in the order of reasons is held by a test.

    tests/cases/prove_order.py [--check] [WORD...]

Copies the tree to a temporary folder and builds the tests there. Then, for each swap of the list
below, asks two neighbours in the opposite order, builds the test that has the pair's row, and
expects it to fail with the second reason where the first was expected. Only the swaps whose names
contain one of the words, if any are given. Takes about ten seconds for each swap.

With --check nothing is built: each swap's old text must be in its file exactly once. tools/check
does this, so that the list does not fall after the code.

Prints TAP. Exit status 0 when everything held.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
LINES_SHOWN = 30

# For each test the targets that it needs.
TARGETS = {
    "eval": ("tests/policy/eval_test",),
    "key_state": ("tests/daemon/key_state_test",),
    "authorize": ("daemon/authzd", "tools/authzcheck"),
}


class Edit(NamedTuple):
    file: str
    old: str
    new: str


class Swap(NamedTuple):
    name: str
    test: str
    said: str  # what the failing test prints
    edits: tuple


def swap(name, file, first, second, between="", *, said=None):
    """Swaps two texts that follow each other; `between` stays between them."""
    wanted, got = said or name.split(" | ")
    return Swap(name, "eval", f"expected {wanted}, got {got}",
                (Edit(file, first + between + second, second + between + first),))


def change(name, file, old, new, *, said):
    wanted, got = said
    return Swap(name, "eval", f"expected {wanted}, got {got}", (Edit(file, old, new),))


def step(name, call):
    return f"\tSTEP({name}, {call});\n"


EVAL = "policy/decide/eval.c"
SUBJECT = "policy/decide/subject.c"
TOKEN = step("TOKEN", "check_key(facts)")
PRINCIPAL = step("PRINCIPAL", "check_principal(facts)")
ENVIRONMENT = step("ENVIRONMENT", "check_environment(facts)")
SERVICE = step("SERVICE", 'eval->stack == NULL ? POL_STR("unknown_service") : go_on')
AUTHENTICATE = step("AUTHENTICATE", "run_group(eval, POL_GROUP_AUTHENTICATE)")
FORGET = "\tdrop_peer(eval);\n"
RESOURCE = step("RESOURCE", "find_resource(eval)")
NETWORKS = step("NETWORKS", "check_networks(facts)")
ACCOUNT = step("ACCOUNT", "run_group(eval, POL_GROUP_ACCOUNT)")
SUBJECT_STEP = step("SUBJECT", "check_subject(eval)")
AUTHORIZE = step("AUTHORIZE", "run_group(eval, POL_GROUP_AUTHORIZE)")
FACTS = step("FACTS", "eval->uncertain ? pol_eval_check_missing(eval) : go_on")
CHARGES = step("CHARGES", "take_charges(eval)")

INACTIVE_PRINCIPAL = """\
	case POL_PRINCIPAL_INACTIVE:
		return POL_STR("inactive_principal");
"""
READ_PATH = """\
	if (read_path(eval, path) != POL_OK) {
		return POL_STR("malformed_path");
	}
"""
FIND_NODE = "\tstatus = recall_node(eval);\n"
NO_TREE = """\
	if (pol_tree_number(eval->snapshot, eval->tree) == POL_NONE) {
		return POL_STR("unknown_resource");
	}
"""
NO_PERMISSIONS = """\
	if (pol_tree_node_run(eval->snapshot, eval->node).count == 0) {
		return POL_STR("unknown_resource");
	}
"""
NO_VERB = """\
	if (pol_tree_node_verb(eval->snapshot, eval->node, facts->verb, facts->http, &eval->run) !=
			POL_OK ||
		eval->run.count == 0) {
		return POL_STR("unknown_action");
	}
"""
DENIED = """\
	if (denied) {
		return POL_STR("denied");
	}
"""
KEY_REVOKED = """\
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return POL_KEY_REVOKED;
	}
"""
KEY_INACTIVE = """\
	if ((key->flags & STORE_KEY_DISABLED) != 0 || now < key->not_before) {
		return POL_KEY_INACTIVE;
	}
"""
KEY_EXPIRED = """\
	if ((key->expires_at != 0 && now >= key->expires_at) || secret_rules_live(key, now) == 0) {
		return POL_KEY_EXPIRED;
	}
"""
WRONG_SECRET = """\
	if (found == KEY_SECRET_WRONG || key->deleted_at != 0) {
		spend_time_of_count(call);
		return POL_KEY_UNKNOWN;
	}
"""
ADD_SCOPE = """\
			add(&snapshot->scopes[facts->scopes[i]], at, table, &bits->scopes,
				&bits->denied);
"""
ADD_HELD = "\t\tadd_held(question, &facts->held[i], at, &bits->roles, &bits->denied);\n"
PLACES = "\tif (!is_at_key(question)) {\n"

SWAPS = (
    # What the daemon finds out before anything is judged.
    Swap("not_trusted | malformed_token", "authorize", "'unauthenticated' != 'not_trusted'", (
        Edit("daemon/decide/authorize.c", "r = ask.not_trusted ? 0 : subject_gather(call, &ask.who, &subject);",
             "r = subject_gather(call, &ask.who, &subject);"),
        Edit("daemon/decide/outcome.c", "\tif (ask->not_trusted) {\n",
             "\tif (ask->not_trusted && subject->facts.key_state != POL_KEY_MALFORMED) {\n"),
    )),
    Swap("malformed_token | unknown_key", "authorize", "'unknown_key' != 'malformed_token'", (
        Edit("daemon/decide/subject_key.c", "out->state = sound ? POL_KEY_UNKNOWN : POL_KEY_MALFORMED;",
             "out->state = POL_KEY_UNKNOWN;"),
    )),
    Swap("unknown_key | revoked_key", "authorize", "'revoked_key' != 'unknown_key'", (
        Edit("daemon/decide/subject_key.c", WRONG_SECRET,
             "\tif (state == POL_KEY_REVOKED) {\n\t\tsubject->verified = true;\n"
             "\t\treturn state;\n\t}\n" + WRONG_SECRET),
    )),
    Swap("revoked_key | inactive_key", "key_state", "revoked, switched off: expected", (
        Edit("daemon/keys/secret_rules.c", KEY_REVOKED + KEY_INACTIVE, KEY_INACTIVE + KEY_REVOKED),
    )),
    Swap("inactive_key | expired_key", "key_state", "switched off, over: expected", (
        Edit("daemon/keys/secret_rules.c", KEY_INACTIVE + KEY_EXPIRED, KEY_EXPIRED + KEY_INACTIVE),
    )),
    # The steps of policy/decide/eval, and what is asked inside each.
    swap("expired_key | unknown_principal", EVAL, TOKEN, PRINCIPAL),
    change("unknown_principal | inactive_tenant", EVAL, "\tswitch (facts->principal_state) {\n",
           "\tif (facts->tenant_inactive) {\n\t\treturn POL_STR(\"inactive_tenant\");\n\t}\n"
           "\tswitch (facts->principal_state) {\n", said=("unknown_principal", "inactive_tenant")),
    change("inactive_principal | inactive_tenant", EVAL, INACTIVE_PRINCIPAL,
           INACTIVE_PRINCIPAL.replace("return POL", "return facts->tenant_inactive ? "
                                      "POL_STR(\"inactive_tenant\") : POL"),
           said=("inactive_principal", "inactive_tenant")),
    swap("inactive_tenant | wrong_environment", EVAL, PRINCIPAL, ENVIRONMENT),
    change("wrong_environment | wrong_tenant", EVAL, "\tif (facts->wrong_environment) {\n",
           "\tif (facts->wrong_environment && !facts->wrong_tenant) {\n",
           said=("wrong_environment", "wrong_tenant")),
    swap("wrong_tenant | unknown_service", EVAL, ENVIRONMENT, SERVICE),
    swap("unknown_service | malformed_path", EVAL, SERVICE, AUTHENTICATE + FORGET + RESOURCE),
    swap("missing_token | malformed_path", EVAL, AUTHENTICATE + FORGET, RESOURCE),
    swap("no_decision | malformed_path", EVAL, AUTHENTICATE + FORGET, RESOURCE),
    change("malformed_path | unknown_resource", EVAL, READ_PATH + FIND_NODE,
           NO_TREE + READ_PATH + FIND_NODE, said=("malformed_path", "unknown_resource")),
    change("unknown_resource | unknown_action, of a tree", EVAL, FIND_NODE,
           "\tif (pol_names_find(&eval->snapshot->verb_names, facts->verb) == POL_NONE) {\n"
           "\t\treturn POL_STR(\"unknown_action\");\n\t}\n" + FIND_NODE,
           said=("unknown_resource", "unknown_action")),
    swap("unknown_resource | unknown_action", EVAL, NO_PERMISSIONS, NO_VERB),
    swap("unknown_action | network", EVAL, RESOURCE, NETWORKS),
    swap("network | mfa", EVAL, NETWORKS, ACCOUNT),
    swap("network | quota", EVAL, NETWORKS, ACCOUNT),
    change("a line of a group | the next one, network", "policy/decide/stack.c", "\tif (!tally->failed) {\n",
           "\t{\n", said=("network", "mfa")),
    change("a line of a group | the next one, mfa", "policy/decide/stack.c", "\tif (!tally->failed) {\n",
           "\t{\n", said=("mfa", "network")),
    change("a line of a group | the next one, role", "policy/decide/stack.c", "\tif (!tally->failed) {\n",
           "\t{\n", said=("role", "deny")),
    change("a line of a group | the next one, deny", "policy/decide/stack.c", "\tif (!tally->failed) {\n",
           "\t{\n", said=("deny", "role")),
    swap("mfa | denied", EVAL, ACCOUNT, SUBJECT_STEP),
    swap("quota | denied", EVAL, ACCOUNT, SUBJECT_STEP),
    change("denied | scope", EVAL, DENIED,
           "\tif (!request->scopes_allow) {\n\t\treturn POL_STR(\"scope\");\n\t}\n" + DENIED,
           said=("denied", "scope")),
    # A denial that is looked at only where the scopes allow.
    change("denied by a role | scope", SUBJECT, ADD_HELD,
           "\t\tif (bits->scopes.sure == 0) {\n\t\t\tcontinue;\n\t\t}\n" + ADD_HELD,
           said=("denied", "scope")),
    change("denied by a scope | scope", SUBJECT, ADD_SCOPE,
           ADD_SCOPE + "\t\t\tbits->denied.sure &= bits->scopes.sure;\n",
           said=("denied", "scope")),
    change("denied by anyone | scope", SUBJECT, "\tadd_scopes(snapshot, facts, at, table, bits);\n",
           "\tuint64_t before = bits->denied.sure;\n\tbits->denied.sure = 0;\n"
           "\tadd_scopes(snapshot, facts, at, table, bits);\n"
           "\tbits->denied.sure |= before & bits->scopes.sure;\n",
           said=("denied", "scope")),
    change("denied by one method of several | scope", EVAL, "denied = denied || bits.denied.sure != 0;",
           "denied = denied || (bits.denied.sure != 0 && (bits.scopes.sure | anyone) == at.mask);",
           said=("denied", "scope")),
    swap("scope | role", EVAL, SUBJECT_STEP, AUTHORIZE),
    swap("scope | deny", EVAL, SUBJECT_STEP, AUTHORIZE),
    # What narrows a key, each asked only where some role is held.
    change("scope, by scopes | role", SUBJECT, "if (!has_scopes(facts)) {",
           "if (!has_scopes(facts) || facts->held_count == 0) {",
           said=("scope", "role")),
    change("scope, by scopes that are gone | role", SUBJECT, "return facts->narrowed_by_scopes ||",
           "return (facts->narrowed_by_scopes && facts->held_count > 0) ||",
           said=("scope", "role")),
    change("scope, by places | role", SUBJECT, PLACES,
           PLACES.replace("if (!", "if (facts->held_count > 0 && !"), said=("scope", "role")),
    change("scope, by places that are gone | role", SUBJECT, "nowhere = facts->narrowed &&",
           "nowhere = facts->held_count > 0 && facts->narrowed &&", said=("scope", "role")),
    swap("role | missing_fact", EVAL, AUTHORIZE, FACTS),
    swap("missing_fact | quota", EVAL, FACTS, CHARGES,
         "\t/* The last step, so that a denied request is not charged. */\n"),
    # What is unknown, looked at before the scopes and the denials that stand without it.
    change("scope | missing_fact", "policy/decide/eval_conditions.c",
           "\treason = pol_eval_refuse(request, denied.sure != 0);\n",
           "\treason = eval->uncertain ? POL_STR(\"missing_fact\") : pol_eval_refuse(request, denied.sure != 0);\n",
           said=("scope", "missing_fact")),
    swap("role | quota", EVAL, AUTHORIZE, CHARGES,
         FACTS + "\t/* The last step, so that a denied request is not charged. */\n"),
)


def check(one):
    """What keeps a swap from being made, or None."""
    for edit in one.edits:
        count = (ROOT / edit.file).read_text().count(edit.old)
        if count != 1:
            return f"{edit.file} has this text {count} times, not once:\n{edit.old}"
        if edit.old == edit.new:
            return f"{edit.file}: changes nothing"
    return None


def copy(folder):
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def run_test(folder, test):
    """(built, passed, output)"""
    status, output = run("ninja", "-C", "build", *TARGETS[test], cwd=folder)
    if status != 0:
        return False, False, output
    status, _ = run("meson", "test", "-C", "build", "--no-rebuild", test, cwd=folder)
    return True, status == 0, (folder / "build/meson-logs/testlog.txt").read_text(errors="replace")


def prove(folder, one):
    """Why the swap proves nothing, or None."""
    before = {edit.file: (folder / edit.file).read_text() for edit in one.edits}
    try:
        for edit in one.edits:
            path = folder / edit.file
            path.write_text(path.read_text().replace(edit.old, edit.new))
        built, passed, output = run_test(folder, one.test)
    finally:
        for file, text in before.items():
            (folder / file).write_text(text)
    if built and not passed and one.said in output:
        return None
    why = ("does not build" if not built else f"test '{one.test}' passes" if passed
           else f"test '{one.test}' fails, and does not say \"{one.said}\"")
    return why + ":\n" + "\n".join(output.rstrip().split("\n")[-LINES_SHOWN:])


def report(number, one, why):
    print(f"{'ok' if why is None else 'not ok'} {number} - {one.name}", flush=True)
    for line in (why or "").split("\n") if why else ():
        print(f"#   {line}", flush=True)
    return why is None


def prove_all(swaps):
    with tempfile.TemporaryDirectory(prefix="authz-order-") as name:
        folder = Path(name)
        copy(folder)
        status, output = run("meson", "setup", "build", "-Dauto_features=enabled", cwd=folder)
        for test in sorted({one.test for one in swaps}) if status == 0 else ():
            built, passed, output = run_test(folder, test)
            status = 0 if built and passed else 1
            if status != 0:
                break
        if status != 0:
            print(output)
            print("Bail out! The tests do not pass before anything is swapped")
            return False
        return all([report(i, one, prove(folder, one)) for i, one in enumerate(swaps, 1)])


def main():
    parser = argparse.ArgumentParser(description="Proves the order of reasons by swaps.")
    parser.add_argument("--check", action="store_true", help="only see that each swap can be made")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only swaps with this in their names")
    options = parser.parse_args()
    swaps = [one for one in SWAPS
             if not options.words or any(word in one.name for word in options.words)]
    if not swaps:
        parser.error("no swap has such a name")
    print(f"1..{len(swaps)}")
    stale = [(i, one, check(one)) for i, one in enumerate(swaps, 1)]
    if options.check or any(why for _, _, why in stale):
        return 0 if all([report(*row) for row in stale]) else 1
    return 0 if prove_all(swaps) else 1


if __name__ == "__main__":
    sys.exit(main())
