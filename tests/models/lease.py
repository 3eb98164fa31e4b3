#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Searches the protocol of leases (daemon/share/lease.h, fresh.h, everywhere.h) exhaustively.

One change is committed while one host, B, follows the log: on a primary, or on the standby that was promoted
meanwhile, when the old primary still answers. B enters its row of `host`, looks, applies, is cut off, ends
and begins again; its worker may stop between any two steps. Another host answers `everywhere` by what the
rows of `host` report or by its clock, and marks and deletes B's row. The clocks run 1 % apart.

It must hold: once `everywhere` was answered, B's worker allows no request that it reads after that by a store
without the change. Then each rule is left out, and the search must find what that breaks. Prints TAP.
"""

import sys
from collections import namedtuple

MAX_LAG = 100
RAISES = 2  # of the beat
NEVER = -1000000

State = namedtuple("State", (
    "time short long "
    # The old primary, and the standby that may be promoted; a raise of the beat on its way: 0, sent, acknowledged
    "promoted old_head old_beat raising new_head new_beat raises "
    "committed answered "
    # B: its row (None: none; what it reports), when that was marked; a row of an earlier start of B
    "row marked other "
    "entered connection looks_sent flight looks beat anchor applied restarted "
    "worker loaded_anchor loaded_state"))

START = State(0, 0, 0, False, 0, 0, 0, 0, 0, 0, NEVER, False, None, NEVER, False,
              False, 0, 0, None, (), 0, NEVER, 0, False, 0, NEVER, 0)

# The two parts that are searched apart: a fail-over, in which no row is deleted; and rows that are marked and
# deleted, and a host that begins again, with `standbys none`.
# Each with steps in time of 1, and longer ones, and looks that B sends.
FAIL_OVER = {"fail_over": True, "rows": False, "short": 0, "long": 2, "step": 52, "looks": 3}
ROWS = {"fail_over": False, "rows": True, "beats": 0, "short": 3, "long": 2, "step": 50, "looks": 2}

RULES = {
    "beats": 2, "sent_before": True, "anchor_first": True, "row_first": True, "margin": 3, "applied": True,
    "same_connection": True, "row_needed": True, "delete_late": True, "unreached": True,
}

# Each rule that is left out.
WITHOUT = {
    "the beat is raised by two": (FAIL_OVER, {"beats": 1}),
    "the beat is raised at all": (FAIL_OVER, {"beats": 0}),
    "the time of a look is that before it was sent": (ROWS, {"sent_before": False}),
    "the anchor is loaded before the view": (ROWS, {"anchor_first": False}),
    "a row is entered before the first look": (ROWS, {"row_first": False}),
    "three percent are added to max_lag": (ROWS, {"margin": 0}),
    "the head that a look saw is applied": (ROWS, {"applied": False}),
    "the later look is on the same connection": (FAIL_OVER, {"same_connection": False}),
    "a look counts only with its row": (ROWS, {"row_needed": False}),
    "a row that is marked is deleted only after max_lag": (ROWS, {"delete_late": False}),
    "a row that is marked counts as one that has not reported": (ROWS, {"unreached": False}),
}


def slow(time):
    """B's clock, which is 1 % slower than that of the host that answers."""
    return time * 100 // 101


def settle(s, rules):
    """The newest look that counts becomes the anchor."""
    for at in range(len(s.looks) - 1, -1, -1):
        sent, head, beat, connection = s.looks[at]
        if ((head <= s.applied or not rules["applied"]) and s.beat - beat >= rules["beats"]
                and (connection == s.connection or not rules["same_connection"])):
            return s._replace(anchor=max(s.anchor, sent), looks=s.looks[at + 1:])
    return s


def steps_of_time(s, rules):
    if s.short < rules["short"]:
        yield s._replace(time=s.time + 1, short=s.short + 1)
    if s.long < rules["long"]:
        yield s._replace(time=s.time + rules["step"], long=s.long + 1)


def steps_of_beat(s):
    if not s.promoted:
        yield s._replace(promoted=True)
    if s.raises < RAISES and s.raising == 0:
        yield s._replace(raising=1, raises=s.raises + 1)
    if s.raising == 1 and not s.promoted:
        yield s._replace(raising=2, new_beat=s.old_beat + 1)
    if s.raising == 2:
        yield s._replace(raising=0, old_beat=s.old_beat + 1)
    if s.raises < RAISES and s.promoted:
        yield s._replace(new_beat=s.new_beat + 1, raises=s.raises + 1)


def steps_of_change(s):
    if s.committed == NEVER:
        if s.promoted:
            yield s._replace(new_head=1, committed=s.time)
        else:
            yield s._replace(new_head=1, old_head=1, committed=s.time)


def steps_of_others(s, rules):
    """The host that made the change."""
    wait = MAX_LAG + rules["margin"]
    if s.committed != NEVER and not s.answered:
        lacks = s.row == 0 and (s.marked == NEVER or rules["unreached"])
        if not lacks and not s.other:
            yield s._replace(answered=True)
        if s.time - s.committed >= wait:
            yield s._replace(answered=True)
    if rules["rows"] and s.row is not None and s.marked == NEVER:
        yield s._replace(marked=s.time)
    if s.marked != NEVER and (s.time - s.marked >= wait or not rules["delete_late"]):
        yield s._replace(row=None, marked=NEVER)


def steps_of_watcher(s, rules):
    # What is entered on a server that was replaced has no acknowledgement, so that B does not go on.
    on_primary = s.connection > 0 or not s.promoted
    if s.row is None and on_primary and s.flight is None and (rules["row_first"] or s.looks_sent > 0):
        yield s._replace(row=s.applied, marked=NEVER, entered=True)
    if s.flight is None and s.looks_sent < rules["looks"] and (s.entered or not rules["row_first"]):
        yield s._replace(flight=(slow(s.time), None, None, None), looks_sent=s.looks_sent + 1)
    if s.flight is not None and s.flight[1] is None:
        head, beat = (s.new_head, s.new_beat) if s.connection > 0 else (s.old_head, s.old_beat)
        has_row = s.row is not None or not on_primary
        counts = has_row or not rules["row_needed"] or not rules["row_first"]
        after = s._replace(flight=(s.flight[0], head, beat, counts))
        if on_primary and s.row is not None:
            after = after._replace(row=s.applied, marked=NEVER)
        yield after
    if s.flight is not None and s.flight[1] is not None:
        sent, head, beat, counts = s.flight
        if not rules["sent_before"]:
            sent = slow(s.time)
        if counts:
            looks = (s.looks + ((sent, head, beat, s.connection),))[-2:]
            yield settle(s._replace(flight=None, looks=looks, beat=beat), rules)
        else:
            yield s._replace(flight=None, entered=False)
    if s.applied == 0 and any(look[1] == 1 for look in s.looks):
        yield settle(s._replace(applied=1), rules)
    if s.connection == 0 and s.promoted:
        looks = () if rules["same_connection"] else s.looks
        yield s._replace(connection=1, flight=None, looks=looks, beat=0)
    if rules["rows"] and not s.restarted and s.worker == 0 and s.flight is None and s.row is not None:
        yield s._replace(restarted=True, other=s.other or s.row == 0, row=None, marked=NEVER, entered=False,
                         looks=(), beat=0, anchor=NEVER)


def steps_of_worker(s, rules):
    """Requests that were read before the answer are of no interest."""
    anchor = s._replace(loaded_anchor=s.anchor, worker=s.worker + 1)
    state = s._replace(loaded_state=s.applied, worker=s.worker + 1)
    if s.worker == 0 and s.answered:
        yield anchor if rules["anchor_first"] else state
    elif s.worker == 1:
        yield state if rules["anchor_first"] else anchor


def allows_old(s):
    return (s.worker == 2 and s.loaded_state == 0 and s.loaded_anchor != NEVER
            and slow(s.time) - s.loaded_anchor <= MAX_LAG)


def search(rules, most=4_000_000):
    """Gives a state that must not be, or None, and how many were seen."""
    seen = {START}
    todo = [START]
    while todo:
        s = todo.pop()
        for part in (steps_of_time(s, rules), steps_of_beat(s) if rules["fail_over"] else (), steps_of_change(s),
                     steps_of_others(s, rules), steps_of_watcher(s, rules), steps_of_worker(s, rules)):
            for after in part:
                if after in seen:
                    continue
                if allows_old(after):
                    return after, len(seen)
                seen.add(after)
                todo.append(after)
        assert len(seen) < most, "too many states: the model has grown"
    return None, len(seen)


def main():
    print(f"1..{2 + len(WITHOUT)}")
    number, failed = 0, False

    def say(good, what, states, found):
        nonlocal number, failed
        number += 1
        failed = failed or not good
        print(f"{'ok' if good else 'not ok'} {number} - {what} # {states} states", flush=True)
        if not good and found is not None:
            print(f"# {found}")

    for name, part in (("a fail-over", FAIL_OVER), ("rows that end", ROWS)):
        found, states = search({**RULES, **part})
        say(found is None, f"nothing is allowed by the old store after the answer, with {name}", states, found)
    for what, (part, change) in WITHOUT.items():
        found, states = search({**RULES, **part, **change})
        say(found is not None, f"it is found what breaks unless {what}", states, None)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
