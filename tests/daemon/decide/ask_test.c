/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/ask.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct peer stranger = { .trusted = false };
static const struct peer trusted = { .trusted = true };

/* A question of one field for each letter: what it says is `text`, 7 or true. */
static void set(struct wire_value values[static ASK_MANY_FIELDS], const char *letters)
{
	static const char names[] = "tpmhearsvnikc..x"; /* the dots: facts, undeclared */

	memset(values, 0, ASK_MANY_FIELDS * sizeof values[0]);
	for (; *letters != '\0'; letters++) {
		size_t field = (size_t)(strchr(names, *letters) - names);

		cr_assert_lt(field, ASK_FIELDS);
		values[field].given = true;
		if (field == ASK_MFA_AT || field == ASK_TIME) {
			values[field].integer = 7;
		} else if (field == ASK_EXPLAIN) {
			values[field].boolean = true;
		} else {
			values[field].text = (struct wire_str){ "text", 4 };
		}
	}
}

static const char *read_by(const struct peer *peer, const struct wire_value *values,
	struct ask *out, const char **param)
{
	const struct call call = { .peer = peer };

	return ask_read(&call, values, out, param);
}

/* t: token, p: principal, m: method, h: path, e: tree, a: action, r: resource, s: service, v:
 * environment, n: tenant, i: ip, k: mfa_at, c: time, x: explain. */
Test(ask, what_is_wrong_with_a_request_names_its_parameter)
{
	static const struct {
		const char *given, *param;
	} rows[] = {
		{ "", "method" },
		{ "t", "method" },
		{ "tpmh", "principal" },
		{ "mha", "action" },
		{ "mhr", "action" },
		{ "ear", "action" },
		{ "m", "path" },
		{ "h", "method" },
		{ "e", "method" },
		{ "me", "path" },
		{ "a", "resource" },
		{ "r", "action" },
		{ "mhi", "ip" },
		{ "mh", NULL },
		{ "mhe", NULL },
		{ "ar", NULL },
		{ "tmh", NULL },
		{ "par", NULL },
		{ "tmhesvnkcx", NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wire_value values[ASK_MANY_FIELDS];
		const char *param = NULL, *wrong;
		struct ask ask;

		set(values, rows[i].given);
		wrong = read_by(&trusted, values, &ask, &param);
		cr_expect_eq(wrong != NULL, rows[i].param != NULL, "%s", rows[i].given);
		if (wrong != NULL && rows[i].param != NULL) {
			cr_expect_str_eq(param, rows[i].param, "%s", rows[i].given);
		}
	}
}

Test(ask, only_a_trusted_peer_may_state_facts)
{
	static const struct {
		const char *given;
		bool states;
	} rows[] = {
		{ "mh", false },
		{ "tmhesvn", false },
		{ "pmh", true },
		{ "mhk", true },
		{ "mhc", true },
		{ "mhx", true },
		{ "arx", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wire_value values[ASK_MANY_FIELDS];
		const char *param;
		struct ask ask;

		set(values, rows[i].given);
		cr_assert_null(read_by(&stranger, values, &ask, &param), "%s", rows[i].given);
		cr_expect_eq(ask.not_trusted, rows[i].states, "%s", rows[i].given);
		cr_assert_null(read_by(&trusted, values, &ask, &param), "%s", rows[i].given);
		cr_expect_not(ask.not_trusted, "%s", rows[i].given);
	}
}

Test(ask, an_address_is_a_fact_too)
{
	struct wire_value values[ASK_MANY_FIELDS];
	const char *param;
	struct ask ask;

	set(values, "mhi");
	values[ASK_IP].text = (struct wire_str){ "192.0.2.7", 9 };
	cr_assert_null(read_by(&stranger, values, &ask, &param));
	cr_expect(ask.not_trusted);
	cr_expect(ask.ip.known);
	set(values, "mh");
	cr_assert_null(read_by(&stranger, values, &ask, &param));
	cr_expect_not(ask.not_trusted);
	cr_expect_not(ask.ip.known);
}

/* `explain: false` asks for nothing. */
Test(ask, explain_counts_when_it_is_true)
{
	struct wire_value values[ASK_MANY_FIELDS];
	const char *param;
	struct ask ask;

	set(values, "mhx");
	cr_assert_null(read_by(&trusted, values, &ask, &param));
	cr_expect(ask.explain);
	values[ASK_EXPLAIN].boolean = false;
	cr_assert_null(read_by(&stranger, values, &ask, &param));
	cr_expect_not(ask.explain);
	cr_expect_not(ask.not_trusted);
}

Test(ask, what_is_not_given_is_empty_and_the_tree_is_api)
{
	struct wire_value values[ASK_MANY_FIELDS];
	const char *param;
	struct ask ask;

	memset(&ask, 0xff, sizeof ask);
	set(values, "mh");
	cr_assert_null(read_by(&trusted, values, &ask, &param));
	cr_expect(ask.http);
	cr_expect(pol_str_equal(ask.tree, POL_STR("api")));
	cr_expect(pol_str_equal(ask.verb, POL_STR("text")));
	cr_expect(pol_str_equal(ask.path, POL_STR("text")));
	cr_expect_eq(ask.service.len, 0);
	cr_expect_eq(ask.mfa_at, 0);
	cr_expect_eq(ask.time, 0);
	cr_expect_not(ask.who.has_token || ask.who.has_principal || ask.who.has_environment ||
		      ask.who.has_tenant);
	set(values, "tarsvnkc");
	cr_assert_null(read_by(&trusted, values, &ask, &param));
	cr_expect_not(ask.http);
	cr_expect_eq(ask.tree.len, 0);
	cr_expect(pol_str_equal(ask.service, POL_STR("text")));
	cr_expect_eq(ask.mfa_at, 7);
	cr_expect_eq(ask.time, 7);
	cr_expect(ask.who.has_token && ask.who.has_environment && ask.who.has_tenant);
	cr_expect(pol_str_equal(ask.who.token, POL_STR("text")));
	cr_expect(pol_str_equal(ask.who.environment, POL_STR("text")));
	cr_expect(pol_str_equal(ask.who.tenant, POL_STR("text")));
}

Test(ask, an_empty_tree_is_refused)
{
	struct wire_value values[ASK_MANY_FIELDS];
	const char *param = "";
	struct ask ask;

	set(values, "mhe");
	values[ASK_TREE].text.len = 0;
	cr_assert_not_null(read_by(&trusted, values, &ask, &param));
	cr_expect_str_eq(param, "tree");
}
