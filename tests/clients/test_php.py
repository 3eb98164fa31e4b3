# SPDX-License-Identifier: Apache-2.0
"""The PHP client's own tests, against the real daemon. What all clients do alike is in ../conformance."""

import json
import os
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402
import msgpack  # noqa: E402
import scripted  # noqa: E402

CLIENT = HERE.parents[1] / "client" / "php"

POLICY = """\
tree api { /loans { list GET, create POST, /{loan} { read GET, delete DELETE } } }
role viewer { allow GET on api:/** }
role manager { allow all on authz:/** }
scope loans:read { allow GET on api:/loans/** }
limits { keys_per_principal 5 }
"""
ALLOW = {"allow": True, "status": 200, "reason": "ok", "revision": "1"}
QUESTION = "principal: 'ann', method: 'GET', path: '/'"


def php(code, path="", **environment):
    """What a program prints as JSON; $client asks at the path."""
    client = f"new Authz\\Client({json.dumps(str(path))}, 60)" if path else "null"
    text = (f"error_reporting(E_ALL); require '{CLIENT}/autoload.php'; $client = {client};"
            "function say(mixed $it) { echo json_encode($it), \"\\n\"; }"
            "function kind(callable $do) { try { $do(); return 'nothing'; }"
            " catch (Authz\\AuthzError $e) { return $e->code; } catch (Authz\\Unavailable $e)"
            " { return 'unavailable: ' . $e->getMessage(); } }" + code)
    done = subprocess.run(["php", "-r", text], capture_output=True, text=True, check=False,
                          timeout=harness.DEADLINE, env={**os.environ, **environment})
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[0] if len(lines) == 1 else lines


class StandIn:
    """A server that gives each connection, and its number, to `serve(number, read, answer)`."""

    def __init__(self, path, serve):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.ids = []  # of each connection
        self.serve = serve
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            self.ids.append([])
            threading.Thread(target=self.talk, args=(connection, len(self.ids) - 1), daemon=True).start()

    def talk(self, connection, number):
        unpacker = msgpack.Unpacker(raw=False)

        def read():
            while True:
                for message in unpacker:
                    self.ids[number].append(message[1])
                    return message
                data = connection.recv(1 << 16)
                if not data:
                    return None
                unpacker.feed(data)

        def answer(of, result):
            connection.sendall(msgpack.packb([1, of, None, result]))

        with connection:
            self.serve(number, read, answer)


def allow_all(_, read, answer):
    while message := read():
        answer(message[1], ALLOW)


class Php(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.real = self.daemon({"a.policy": POLICY})
        self.path = self.real.socket

    def stand_in(self, serve):
        self.path = self.real.folder / "s"
        return StandIn(self.path, serve)

    def test_the_life_of_a_key(self):
        self.assertEqual(php("""
            $client->principals->create('crm', kind: 'service', attributes: ['team' => 'x']);
            $client->assignments->create(principal: 'crm', role: 'viewer');
            $key = $client->keys->create(principal: 'crm', name: 'P', scopes: ['loans:read'], expires_in: '365d');
            $ask = fn (string $method) => $client->allowed(token: $key['api_key'], method: $method, path: '/loans');
            say([$ask('GET'), $ask('POST'), $client->keys->get($key['id'])['uses'], isset($key['secret'])]);
            $client->keys->update($key['id'], label: 'web', name: null);
            $new = $client->keys->rotate($key['id'], mode: 'immediate');
            say([$ask('GET'), $client->allowed(token: $new['api_key'], method: 'GET', path: '/loans')]);
            $client->keys->revoke($key['id']);
            say([$client->allowed(token: $new['api_key'], method: 'GET', path: '/loans'),
                kind(fn () => $client->keys->enable($key['id'])), kind(fn () => $client->keys->get('none'))]);
            """, self.path), [[True, False, 2, False], [False, True], [False, "conflict", "not_found"]])

    def test_a_list_has_the_items_of_all_pages(self):
        got = php("""
            $client->principals->create('crm');
            for ($i = 0; $i < 5; $i++) { $made[] = $client->keys->create(principal: 'crm')['id']; }
            $got = [];
            foreach ($client->keys->list(principal: 'crm', limit: 2) as $key) { $got[] = $key['id']; }
            try { $client->keys->create(principal: 'crm'); } catch (Authz\\AuthzError $e) { }
            say([$got === $made, $e->code, count($e->ids),
                 kind(fn () => iterator_to_array($client->keys->list(limit: 100000)))]);
            """, self.path)
        self.assertEqual(got, [True, "limit_reached", 5, "invalid_request"])

    def test_a_list_is_read_as_often_as_it_is_used_and_shows_no_token(self):
        got = php("""
            $client->principals->create('ann');
            $made = $client->keys->create(name: 'P', scopes: 'loans:read, loans:read', expires_in_days: 365);
            $keys = $client->keys->list(limit: 1);
            say([count($keys->data), count($keys->data), $keys->data[0]['id'] === $made['id'],
                 $made['expires_at'] - $made['created_at'], $client->tenants->list()->data[0]['id']]);
            $none = $client->permissions(token: 'hunter2');
            say([$none->data, $none->status, $none->reason, isset($none->reason), isset($none->other)]);
            ob_start(); var_dump($none); print_r($none); var_export($none); $text = ob_get_clean();
            say(str_contains($text, 'hunter2'));
            """, self.path)
        self.assertEqual(got, [[1, 1, True, 365 * 86400, "default"], [[], 401, "malformed_token", True, False], False])

    def test_permissions_and_several_decisions(self):
        got = php("""
            $client->principals->create('ann');
            $client->assignments->create(principal: 'ann', role: 'viewer');
            say(count(iterator_to_array($client->permissions(principal: 'ann', limit: 1), false)));
            say(array_map(fn ($d) => $d->allowed, $client->authorizeMany(
                [['path' => '/loans'], ['path' => '/loans', 'method' => 'POST']],
                ['principal' => 'ann', 'method' => 'GET'])));
            """, self.path)
        self.assertEqual(got, [2, [True, False]])

    def test_a_token_manages_what_its_roles_allow(self):
        got = php(f"""
            foreach (['boss' => 'manager', 'ann' => 'viewer'] as $id => $role) {{
                $client->principals->create($id);
                $client->assignments->create(principal: $id, role: $role);
                $token = $client->keys->create(principal: $id)['api_key'];
                $other = new Authz\\Client('{self.path}', 60, token: $token);
                say(kind(fn () => say(count(iterator_to_array($other->keys->list(), false)))));
            }}""", self.path)
        self.assertEqual(got, [1, "nothing", "forbidden"])

    def test_the_tree_is_a_list_and_a_dry_run_has_its_effect(self):
        got = php("""
            say(array_column(iterator_to_array($client->policy->tree(tree: 'api', limit: 1), false), 'resource')[1]);
            $dry = $client->roles->create('other', grants: ['allow GET on api:/loans'], dry_run: true);
            say([$dry['gains_total'], $dry['loses_total']]);
            say(kind(fn () => $client->roles->get('other')));""", self.path)
        self.assertEqual(got, ["api:/loans", [1, 0], "not_found"])

    def test_an_answer_that_is_read_in_one_step_says_what_each_of_its_fields_says(self):
        # Each byte of such answers is changed to each other byte, and both ways of reading are compared.
        usual = {**ALLOW, "key": "k", "environment": "live", "principal": "ann", "tenant": "t"}
        some = {**ALLOW, "status": 403, "allow": False, "principal": "é", "tenant": ""}
        answers = [msgpack.packb(one).hex() for one in (usual, some, {**usual, "renew": True}, {**ALLOW, "reason": ""})]
        found = php("""
            function thorough(string $map) {
                try {
                    [$result] = Authz\\Wire::take($map);
                    return $map === '' ? Authz\\Decision::of($result) : null;
                } catch (Authz\\Unavailable | TypeError) {
                    return null;
                }
            }
            $quick = 0;
            foreach (%s as $hex) {
                $whole = hex2bin($hex);
                for ($at = 0; $at < strlen($whole); $at++) {
                    for ($byte = 0; $byte < 256; $byte++) {
                        $changed = substr_replace($whole, chr($byte), $at, 1);
                        $one = Authz\\Decision::quick($changed);
                        $quick += $one !== null;
                        if ($one !== null && $one != thorough($changed)) {
                            say(bin2hex($changed));
                        }
                    }
                }
            }
            say($quick);
            say(Authz\\Decision::quick(hex2bin(%s))->principal);
        """ % (json.dumps(answers), json.dumps(answers[0])))
        self.assertEqual(len(found), 2, found[:3])
        self.assertGreater(found[0], 1000)
        self.assertEqual(found[1], "ann")

    def test_a_secret_is_shown_by_nothing(self):
        done = php("""
            $secret = new Authz\\Secret('hunter2'); $holder = ['api_key' => $secret];
            ob_start(); var_dump($holder); print_r($holder); var_export((array) $secret); echo "$secret";
            echo json_encode($holder);
            try { serialize($holder); } catch (LogicException $e) { echo 'refused'; }
            $text = ob_get_clean();
            say([str_contains($text, 'hunter2'), str_contains($text, 'refused'), $secret->reveal()]);
            $client = new Authz\\Client('/nowhere', token: $secret);
            try { $client->check(token: 'hunter2', method: 'GET', path: '/'); }
            catch (Authz\\Unavailable $e) { say(str_contains($e . print_r($e->getTrace(), true), 'hunter2')); }
            """)
        self.assertEqual(done, [[False, True, "hunter2"], False])

    def test_ids_begin_at_random_and_none_is_used_twice(self):
        server = self.stand_in(allow_all)
        for _ in range(3):
            self.assertTrue(php(f"for ($i = 0; $i < 3; $i++) {{ $got = $client->allowed({QUESTION}); }} say($got);",
                                self.path))
        self.assertEqual(len({ids[0] for ids in server.ids}), 3, server.ids)
        self.assertTrue(all(len(set(ids)) == 3 for ids in server.ids), server.ids)

    def test_an_answer_is_read_as_its_own_bytes_say_however_many_came_before(self):
        deny = {"allow": False, "status": 403, "reason": "role", "revision": "1"}
        many = [{**ALLOW, "principal": f"p{i}"} for i in range(70)]
        answers = [ALLOW, ALLOW, deny, ALLOW, {**ALLOW, "key": 1}, ALLOW, deny, *many, *many]

        def serve(_, read, answer):
            while message := read():
                answer(message[1], answers.pop(0))

        self.stand_in(serve)
        got = php(f"for ($i = 0; $i < 147; $i++) {{ try {{ $one = $client->check({QUESTION});"
                  " $all[] = [$one->allowed, $one->reason, $one->principal]; }"
                  " catch (Authz\\Unavailable) { $all[] = null; } } say($all);", self.path)
        allow = [True, "ok", None]
        self.assertEqual(got[:7], [allow, allow, [False, "role", None], allow, None, allow, [False, "role", None]])
        self.assertEqual(got[7:], 2 * [[True, "ok", f"p{i}"] for i in range(70)])

    def test_an_answer_that_came_before_allows_only_what_was_asked_now_and_whole(self):
        def serve(number, read, answer):
            first = read()
            answer(first[1], ALLOW)
            second = read()
            if number == 0:
                answer(second[1], "no map")
            else:
                answer(second[1] ^ 1, ALLOW)  # of no request
            read()

        self.stand_in(serve)
        for _ in range(2):
            self.assertEqual(php(f"say([$client->allowed({QUESTION}), $client->allowed({QUESTION})]);", self.path),
                             [True, False])

    def test_a_request_id_is_sent_by_itself_and_again(self):
        seen = []

        def serve(number, read, answer):
            message = read()
            seen.append(message[3][0]["request_id"])
            if number == 1:
                answer(message[1], {"id": "1", "secret": "s"})
                read()

        self.stand_in(serve)
        self.assertEqual(php("say($client->keys->create(principal: 'ann')['api_key']->reveal());", self.path), "s")
        self.assertEqual([len(one) for one in seen], [32, 32])
        self.assertEqual(seen[0], seen[1])

    def test_after_a_fork_the_child_has_a_connection_of_its_own(self):
        server = self.stand_in(allow_all)
        got = php(f"""$got = [$client->allowed({QUESTION})];
            $child = pcntl_fork();
            if ($child === 0) {{ exit($client->allowed({QUESTION}) ? 7 : 8); }}
            pcntl_waitpid($child, $status);
            say([...$got, pcntl_wexitstatus($status), $client->allowed({QUESTION})]);""", self.path)
        self.assertEqual(got, [True, 7, True])
        self.assertEqual([len(ids) for ids in server.ids], [2, 1])

    def test_a_daemon_that_is_stopped_is_unavailable_until_it_goes_on(self):
        process = self.real.process.pid
        self.real.pause()
        got = php(f"""
            $client = new Authz\\Client('{self.path}', 0.05);
            say(kind(fn () => $client->check({QUESTION})));
            say($client->allowed({QUESTION}));
            posix_kill({process}, SIGCONT);
            $client = new Authz\\Client('{self.path}', 60);
            say($client->check({QUESTION})->reason);""")
        self.assertEqual(got, ["unavailable: no answer before the deadline", False, "unknown_principal"])

    def test_a_daemon_that_restarts_is_waited_for_by_what_only_reads(self):
        code = (f"require '{CLIENT}/autoload.php'; $client = new Authz\\Client('{self.path}', 60);"
                f"$client->check({QUESTION}); echo \"asked\\n\"; fgets(STDIN);"
                "try { $client->principals->create('ann'); } catch (Authz\\Unavailable) { echo \"refused\\n\"; }"
                f"echo $client->check({QUESTION})->reason, \"\\n\";")
        with subprocess.Popen(["php", "-r", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as program:
            self.assertEqual(program.stdout.readline(), "asked\n")
            self.real.stop()
            program.stdin.write("\n")
            program.stdin.flush()
            self.assertEqual(program.stdout.readline(), "refused\n")  # at once, and not made
            self.real.start()
            self.assertEqual(program.stdout.readline(), "unknown_principal\n")

    def test_a_socket_that_a_stranger_may_replace_gets_no_connection(self):
        server = self.stand_in(allow_all)
        self.assertTrue(php(f"say($client->allowed({QUESTION}));", self.path))
        os.chmod(self.real.folder, 0o777)
        self.assertIn("others can write", php(f"say(kind(fn () => $client->check({QUESTION})));", self.path))
        self.assertEqual(len(server.ids), 1)

    def test_which_way_to_a_socket_is_trusted(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a folder to another user")
        top = Path("/run") / f"authz-php-{os.getpid()}"
        folder = top / "authz"
        folder.mkdir(parents=True)
        self.addCleanup(subprocess.run, ["rm", "-rf", str(top)], check=True)
        (top / "link").symlink_to("authz")

        def why(path=folder, server="null"):
            return php(f"say(Authz\\Trust::distrust('{path}/s', {server}));")

        os.chmod(top, 0o755)
        os.chmod(folder, 0o755)
        os.chown(folder, 54321, 54321)
        self.assertIsNone(why())
        self.assertIsNone(why(top / "link"))
        os.chmod(folder, 0o775)
        self.assertIn("others can write", why())
        self.assertIn("others can write", why(top / "link"))
        os.chmod(folder, 0o1777)
        self.assertIn("others can write", why())
        os.chmod(folder, 0o755)
        os.chmod(top, 0o1777)
        self.assertIn("belongs to uid 54321", why())  # a stranger's own folder, in one that all may write
        self.assertIsNone(why(server="54321"))
        os.chown(folder, 0, 0)
        self.assertIsNone(why())
        os.chown(top, 54322, 0)
        self.assertIn("belongs to uid 54322", why())

    def test_the_socket_is_found_as_the_tool_finds_it(self):
        find = "say(Authz\\Trust::defaultSocket());"
        self.assertEqual(php(find, AUTHZ_SOCKET="/given/s"), "/given/s")
        if os.geteuid() == 0:
            self.assertEqual(php(find, AUTHZ_SOCKET=""), "/run/authz/authz.sock")


class Shared(unittest.TestCase):
    """A store that several hosts share."""

    PLACE = "4711-9f86d081884c7d65"

    def serve(self, **answers):
        served = scripted.Scripted({name.replace("_", ".", 1): answer for name, answer in answers.items()})
        self.addCleanup(served.finish)
        return served

    def test_a_client_as_of_a_place_sends_it(self):
        served = self.serve(authorize=ALLOW, keys_list={"items": []})
        php(f"""$later = $client->asOf('{self.PLACE}');
            say($later->check({QUESTION})->allowed); say($later->keys->list()->data);
            say($client->check({QUESTION})->allowed); say($client->asOf(null)->check({QUESTION})->allowed);""",
            served.socket)
        self.assertEqual([params.get("as_of") for _, params in served.asked], [self.PLACE, self.PLACE, None, None])

    def test_a_change_that_some_hosts_lack_throws_with_what_it_yields(self):
        served = self.serve(keys_revoke={"id": "k", "everywhere": True, "as_of": self.PLACE},
                            keys_create={"id": "k", "secret": "s", "everywhere": False, "lacking": ["b"]})
        got = php("""say($client->keys->revoke('k', everywhere: true)['as_of']);
            try { $client->keys->create(roles: 'x', everywhere: true); say('nothing'); }
            catch (Authz\\NotEverywhere $e) { say([$e->lacking, $e->result['api_key']->reveal()]); }""", served.socket)
        self.assertEqual(got, [self.PLACE, [["b"], "s"]])
        self.assertEqual(served.asked[0], ("keys.revoke", {"id": "k", "everywhere": True}))

    def test_stale_and_a_database_that_is_away_are_kinds_of_their_own(self):
        served = self.serve(permissions=scripted.Refusal("stale"),
                            keys_revoke=scripted.Refusal("unavailable", may_stand=True))
        got = php("""try { $client->permissions(principal: 'ann')->data; } catch (Authz\\Stale $e) { say($e->code); }
            try { $client->keys->revoke('k'); } catch (Authz\\StoreUnavailable $e) { say($e->may_stand); }""",
                  served.socket)
        self.assertEqual(got, ["stale", True])

    def test_a_guard_answers_a_stale_denial_with_503(self):
        served = self.serve(authorize={"allow": False, "status": 503, "reason": "stale", "revision": "1"})
        got = php("""$answer = (new Authz\\Guard($client))->ask('GET', '/loans', []);
            say([$answer->allowed, $answer->status, $answer->headers['Retry-After']]);""", served.socket)
        self.assertEqual(got, [False, 503, "1"])


if __name__ == "__main__":
    unittest.main()
