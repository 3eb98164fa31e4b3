# SPDX-License-Identifier: Apache-2.0
"""A caller who may read one resource wants another one, by a spelling that servers read in two ways."""

import unittest

import attack

# The caller may do everything to what {user}, {loan} and /bank stand for, and nothing to /users/me.
POLICY = """
tree api {
    /users { /me { GET, DELETE }, /kiosk { GET }, /{user} { GET, DELETE } }
    /loans/{loan} { GET, /payments { GET } }
    /reports { /all { GET }, /{kind}/{page} { GET } }
    /bank { GET, /{k} { GET } }
}
tree strict {
    strict_slash yes
    /bank { GET, /{k} { GET } }
    /docs { PUT, /{path...} { GET } }
}
role caller {
    allow all on api:/users/{user}, api:/loans/**, api:/reports/{kind}/**, api:/bank, strict:/bank
    allow all on strict:/docs
}
role owner { allow all on api:/**, strict:/** }
principal caller { role caller }
principal owner { role owner }
"""


class EncodedPaths(attack.Attack):
    def setUp(self):
        super().setUp()
        self.client = self.daemon({"a.policy": POLICY}).client()

    def ask(self, path, tree="api", principal="caller", method="GET"):
        return self.client.call(
            "authorize", principal=principal, tree=tree, method=method, path=path)

    def assert_denied(self, tried, path, reason, **facts):
        # Everybody is refused, also one who may do everything: the path has two meanings.
        for principal in ("caller", "owner"):
            self.denied(f"{tried}, {path} as {principal}",
                        self.ask(path, principal=principal, **facts), reason)

    def test_the_spellings_without_tricks_are_answered(self):
        for path in ("/users/7", "/loans/7/payments", "/loans/7%20a", "/loans/%2541", "/bank/"):
            self.assertTrue(self.ask(path)["allow"], path)
        self.denied("asks for the account plainly", self.ask("/users/me"), "role")

    def test_a_query_cannot_be_hidden_in_the_path(self):
        for path in ("/loans/7%3f/payments", "/loans/7%3F", "/users/me%3Fx", "/users/me%23",
                     "/loans/7%23/payments", "/loans/7%253f/payments"):
            self.assert_denied("lets nginx's $uri begin a query", path, "malformed_path")

    def test_a_second_decoding_yields_no_sibling(self):
        for path in ("/users/%256de", "/users/m%2565", "/users/%25256de", "/users/%254DE",
                     "/users/me%252E"):
            self.assert_denied("has a rewriting proxy decode again", path, "malformed_path")
        self.assert_denied("deletes it so", "/users/%256de", "malformed_path", method="DELETE")

    def test_an_encoded_spelling_is_no_sibling_and_no_parameter(self):
        for path in ("/users/%6de", "/users/m%65", "/reports/%61ll"):
            self.assert_denied("has the framework match raw text", path, "unknown_resource")

    def test_case_is_that_of_unicode(self):
        for path in ("/users/\u212aiosk", "/users/%E2%84%AAiosk", "/users/\u212aIOSK.",
                     "/users/kio\u017fk", "/users/KIOSK", "/users/ME"):
            self.assert_denied("has a router fold case", path, "unknown_resource")

    def test_a_strict_tree_has_no_empty_parameter(self):
        self.assertTrue(self.ask("/bank", tree="strict")["allow"])
        for path in ("/bank/", "/bank/?k=7", "/bank/7/"):
            self.assert_denied("reads /bank/:k with an empty k", path, "unknown_resource",
                               tree="strict")
        self.denied("reads the folder by the right to its name",
                    self.ask("/docs/", tree="strict"), "role")


if __name__ == "__main__":
    unittest.main()
