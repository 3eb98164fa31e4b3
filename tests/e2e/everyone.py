# SPDX-License-Identifier: Apache-2.0
"""A tenant for tests of roles that every principal, or every caller, holds."""

import people

POLICY = people.POLICY + """
role reader { allow read on api:/loans/{loan} }
role putter { allow update on api:/loans/{loan} }
role blocked { deny all on api:/loans/{loan} }
role managing { allow all on authz:/assignments, authz:/keys/**, authz:/principals/** }
stack open {
    authenticate sufficient key anonymous=allow
    authorize sufficient role
    authorize sufficient scope
    authorize required deny
}
"""


class EveryoneTest(people.PeopleTest):
    policy = POLICY

    def by_name(self, principal, path, method="GET", **params):
        return self.c.call("authorize", principal=principal, method=method, path=path, **params)["allow"]

    def by_token(self, secret, path, method="GET", **params):
        return self.ask(secret, method, path, **params)["allow"]

    def without_token(self, path, method="GET", **params):
        return self.c.call("authorize", service="open", method=method, path=path, **params)["allow"]
