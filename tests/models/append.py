#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All orders in which two hosts append to one log, each a change, with a server that is replaced.

A state has the server's log, how much of it a standby has, the statements that were sent, and the
hosts: what each has applied, the row that it sends, and whether it was answered. Every step that
can happen in a state is tried: a statement arrives, late too; an answer is lost; a wait for the
standby is cancelled; a host is killed; a standby is promoted, or with asynchronous standbys one
that lacks rows; a host looks only after the time in which hosts give back. One host has the faults
of hosts, the other one has none, which keeps the states few.

With all rules no state breaks a promise. With any one rule taken out, some state does: so each rule
is there for a hole, and the model finds it.
"""

import sys
from collections import namedtuple

# A row names what it follows, as its tag does.
# change: 0 or 1 are the two hosts' first ones, 2 is the second one of host 1.
Row = namedtuple("Row", "change run before")
# place: where it stands once it is done; 0: it is not done; -1: its place was taken.
Statement = namedtuple("Statement", "host server row place awaited")
# phase: idle, wait (for an answer), again (without one), found (in its place), over.
Host = namedtuple("Host", "applied phase row sent runs timeouts server diverged change")
# old: the log of a primary beside which another one was promoted, and which still answers.
State = namedtuple("State", "log safe server statements hosts answered promotions kills lapses old")

RULES = {
    "same row": "the same row is sent again when there was no answer",
    "taken": "the batch runs again only if another row has the place",
    "tag": "the tag is in the compare",
    "warning": "a warning is no answer",
    "beat": "a row that is found counts after one more durable commit",
    "still": "what changes nothing is answered only if the head is still n",
    "proof": "and only after a durable commit, which a primary that was replaced cannot make",
    "newest": "a look begins with the host's newest row",
    "hold": "after a change of the server nothing is appended before the hosts gave back",
    "wait": "nor is answered what changes nothing",
}


class Broken(Exception):
    """A promise is broken in this state."""


class Model:
    """The steps, with the rules that are kept."""

    def __init__(self, rules, synchronous):
        self.rules = rules
        self.synchronous = synchronous

    def first(self):
        faulty = Host((), "idle", None, False, 0, 1, 0, False, 0)
        return State((), 0, 0, (), (faulty, faulty._replace(timeouts=0, change=1)), frozenset(), 1, 1,
                     0 if self.synchronous else 1, None)

    def check(self, state):
        log = state.log
        for at, row in enumerate(log):
            if row.before != log[:at]:
                raise Broken("a row follows another one than its tag says")
        owners = [row.change for row in log]
        if len(set(owners)) != len(owners):
            raise Broken("a change was made twice")
        for host in state.hosts:
            if (host.server == state.server and not host.diverged
                    and log[:len(host.applied)] != host.applied):
                raise Broken("a host goes on with rows that the log lacks")
        if self.synchronous and not state.answered <= set(owners):
            raise Broken("an answered change was lost")
        if not self.synchronous and state.promotions == 0 and state.lapses:
            self.check_survivors(state)

    def check_survivors(self, state):
        """An answered change that a living host had is in the log, once all hosts looked."""
        if any(host.server != state.server for host in state.hosts):
            return
        kept = {row.change for row in state.log}
        had = {row.change for host in state.hosts for row in host.applied}
        if not (state.answered & had) <= kept:
            raise Broken("an answered change was lost although a host has it")

    def steps(self, state):
        for at, statement in enumerate(state.statements):
            if statement.place == 0 and statement.server == state.server:
                yield self.arrive(state, at)
        if state.lapses and not state.promotions:
            yield state._replace(lapses=0)
        if state.safe < len(state.log):
            yield state._replace(safe=len(state.log))
        if state.promotions:
            yield from self.promote(state)
        for number in (0, 1):
            yield from self.host_steps(state, number)

    # --- the server ---

    def arrive(self, state, at):
        statement = state.statements[at]
        before = statement.row.before
        fits = before == state.log if "tag" in self.rules else len(before) == len(state.log)
        place = len(state.log) + 1 if fits else -1
        log = state.log + (statement.row,) if fits else state.log
        statements = list(state.statements)
        if statement.awaited:
            statements[at] = statement._replace(place=place)
        else:
            del statements[at]
        return state._replace(log=log, safe=state.safe if self.synchronous else len(log),
                              statements=tuple(sorted(statements)))

    def promote(self, state):
        """The standby has what it acknowledged, and perhaps more. What was sent to the old server
        does not reach it."""
        for length in range(state.safe if self.synchronous else 0, len(state.log) + 1):
            hosts = tuple(host._replace(phase="again" if host.phase in ("wait", "found")
                                        else host.phase) for host in state.hosts)
            yield state._replace(log=state.log[:length], safe=length, server=state.server + 1,
                                 statements=(), hosts=hosts, promotions=0,
                                 old=state.log if self.synchronous else None)

    @staticmethod
    def flying(state, host):
        """The statements when a host waits for none of its own any more."""
        return tuple(sorted(s._replace(awaited=False) if s.host == host else s
                            for s in state.statements if s.place == 0 or s.host != host))

    # --- a host ---

    def put(self, state, number, **changes):
        hosts = list(state.hosts)
        hosts[number] = hosts[number]._replace(**changes)
        return state._replace(hosts=tuple(hosts))

    def answer(self, state, number, place):
        change = state.hosts[number].change
        state = state._replace(statements=self.flying(state, number))
        state = self.put(state, number, phase="over", applied=state.log[:place])
        return state._replace(answered=state.answered | {change})

    def send(self, state, number, row):
        statement = Statement(number, state.server, row, 0, True)
        statements = self.flying(state, number) + (statement,)
        return self.put(state._replace(statements=tuple(sorted(statements))), number,
                        phase="wait", row=row)

    def may_append(self, state):
        return ("hold" not in self.rules or not (state.lapses or self.synchronous)
                or all(host.server == state.server or host.diverged for host in state.hosts))

    def host_steps(self, state, number):
        host = state.hosts[number]
        if host.diverged:
            return
        if host.server != state.server and host.phase not in ("wait", "found"):
            if host.server >= 0 and state.old is not None and "proof" not in self.rules:
                self.ask(state, number, state.old)
            yield self.look(state, number)
            # A row may be sent again before the look, if the time to give back is over.
            if (host.phase == "again" and "same row" in self.rules and host.server >= 0
                    and (self.synchronous or not state.lapses)):
                yield self.send(self.put(state, number, sent=True), number, host.row)
            return
        if state.kills and host.phase in ("wait", "again", "found"):
            # It forgets what it sent, and its client was not answered. Host 1 has another change.
            next_one = {"phase": "idle", "change": 2} if number == 1 else {"phase": "over"}
            yield self.put(state._replace(statements=self.flying(state, number)), number,
                           row=None, server=-1, runs=0, sent=False, **next_one)._replace(kills=0)
        if host.phase == "wait":
            yield from self.wait(state, number)
        elif host.phase == "found":
            if state.safe >= len(host.row.before) + 1 or not self.synchronous:
                yield self.answer(state, number, len(host.row.before) + 1)
        else:
            yield from self.begin(state, number)

    def begin(self, state, number):
        host = state.hosts[number]
        if host.phase != "again" and host.applied != state.log:
            yield self.put(state, number, applied=state.log)
        if "wait" not in self.rules or self.may_append(state):
            self.ask(state, number, state.log)
        if not self.may_append(state):
            return
        if host.phase == "again" and "same row" in self.rules:
            yield self.send(self.put(state, number, sent=True), number, host.row)
        elif host.phase in ("idle", "again") and host.runs < (3 if number == 0 else 2):
            yield self.send(self.put(state, number, sent=False, runs=host.runs + 1), number,
                            Row(host.change, host.runs, host.applied))

    def ask(self, state, number, log):
        """A question whose answer is `already so`, or no: by what the host has applied, and the log of its server."""
        host = state.hosts[number]
        if "still" in self.rules and host.applied != log:
            return
        known = {row.change for row in host.applied}
        made = {row.change for row in state.log}
        if state.lapses and "hold" in self.rules:
            made |= {row.change for other in state.hosts for row in other.applied}
        if (state.answered & made) - known:
            raise Broken("a host answered by a state before an answered change")

    def wait(self, state, number):
        host = state.hosts[number]
        statement = next(s for s in state.statements if s.host == number and s.awaited)
        done = state._replace(statements=self.flying(state, number))
        if host.timeouts:
            yield self.put(done, number, phase="again", sent=True, timeouts=host.timeouts - 1)
        if statement.place == 0:
            return
        if statement.place > 0:
            if state.safe >= statement.place or not self.synchronous:
                yield self.answer(state, number, statement.place)
            elif "warning" not in self.rules:
                yield self.answer(state, number, statement.place)
            return
        place = len(host.row.before)
        if host.sent and state.log[place:place + 1] == (host.row,):
            if "beat" in self.rules:
                yield self.put(done, number, phase="found")
            else:
                yield self.answer(state, number, place + 1)
        elif host.sent and len(state.log) <= place and "taken" in self.rules:
            yield self.put(done, number, phase="again", server=-1)
        else:
            yield self.put(done, number, phase="idle", row=None, sent=False)

    def look(self, state, number):
        """The first look at this server."""
        host = state.hosts[number]
        log, applied = state.log, host.applied
        seen = self.put(state, number, server=state.server)
        if "newest" not in self.rules or log[:len(applied)] == applied:
            return seen
        if applied[:len(log)] == log:
            return seen._replace(log=applied)
        return self.put(seen, number, diverged=True)


def search(rules, synchronous):
    """Visits all states. (number of states, the promise that is broken or None)"""
    model = Model(rules, synchronous)
    seen = {model.first()}
    waiting = list(seen)
    try:
        while waiting:
            following = []
            for state in waiting:
                for step in model.steps(state):
                    if step not in seen:
                        seen.add(step)
                        model.check(step)
                        following.append(step)
            waiting = following
    except Broken as broken:
        return len(seen), str(broken)
    return len(seen), None


def main():
    failed = 0
    for synchronous in (True, False):
        count, broken = search(set(RULES), synchronous)
        print(f"{'not ok' if broken else 'ok'} - all rules, standbys "
              f"{'synchronous' if synchronous else 'asynchronous'}: {count} states"
              f"{': ' + broken if broken else ''}")
        failed += broken is not None
    for rule, text in RULES.items():
        hole = search(set(RULES) - {rule}, False)[1] or search(set(RULES) - {rule}, True)[1]
        print(f"{'ok' if hole else 'not ok'} - without: {text}: {hole or 'no hole was found'}")
        failed += hole is None
    print(f"1..{2 + len(RULES)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
