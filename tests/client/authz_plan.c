/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/client/authz_loop_test.h"

/*
 * Plans: what an answer is read into, and that one which cannot be read whole is AUTHZ_NEVER.
 */

/* The result of an answer, as packed bytes without the envelope. */
struct result {
	const char *bytes;
	size_t len;
};

#define RESULT(literal)                                                                            \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
#define PLAN(kind) "\xa4plan" kind
#define WHEN       PLAN("\xa4when")
#define ALWAYS                                                                                     \
	PLAN("\xa6"                                                                                \
	     "always")
#define NEVER      PLAN("\xa5never")
#define REVISION   "\xa8revision\xa1r"
#define TREE(term) "\xa4tree" term
#define OWNER                                                                                      \
	"\x93\xa4"                                                                                 \
	"fact\xaeresource.owner\xa6string"
#define ANN                                                                                        \
	"\x92\xa6string\xa3"                                                                       \
	"ann"
#define IS_ANN "\x93\xa2is" OWNER ANN
#define STATE                                                                                      \
	"\x93\xa4"                                                                                 \
	"fact\xaeresource.state\x92\xa4word\x92\xa5"                                               \
	"draft\xa4paid"
#define REFUSED "\xa6reason\xa4role\xa6status\xcd\x01\x93"

static void answer(struct fake_server *server, int fd, unsigned number)
{
	struct wire_buf buf;
	uint32_t id;
	char method[32];

	(void)number;
	while (fake_read(fd, &id, method, sizeof method)) {
		const struct result *result = server->data;

		cr_assert_str_eq(method, "plan");
		wire_buf_init(&buf, WIRE_MAX_RESPONSE);
		wire_put_result(&buf, id);
		wire_put_raw(&buf, result->bytes, result->len);
		fake_send(fd, buf.data, buf.len);
		wire_buf_finish(&buf);
	}
}

static const struct authz_request about = {
	.principal = "ann", .action = "list", .resource = "bookings:/bookings/{booking}"
};

static int ask(const struct result *result, struct authz_plan *out)
{
	struct fake_server server;
	struct result copy = *result;
	struct authz *authz;
	int r;

	fake_start(&server, answer);
	server.data = &copy;
	authz = client_of(&server, LONG_MS);
	memset(out, 1, sizeof *out);
	r = authz_plan(authz, &about, out);
	authz_destroy(authz);
	fake_stop(&server);
	return r;
}

static bool is_refusal(const struct authz_plan *plan)
{
	return plan->kind == AUTHZ_NEVER && plan->status == 503 && plan->tree == NULL &&
	       plan->memory == NULL && strcmp(plan->reason, "unavailable") == 0;
}

Test(authz_plan, a_tree_is_read_with_all_that_is_in_it)
{
	static const struct result result =
		RESULT("\x86" WHEN REVISION "\xa4when\xa1x\xa4node\xa3"
		       "t:/"
		       "\xa7missing\x91\xa3"
		       "a.b" TREE("\x94\xa2or" IS_ANN "\x92\xa6"
				  "absent" STATE "\x93\xa1<\x92\xa4time\x11"
				  "\x93\xa4"
				  "fact\xa1t\xa4time"));
	struct authz_plan plan;
	const struct authz_term *parts;

	cr_assert_eq(ask(&result, &plan), AUTHZ_OK);
	cr_expect_eq(plan.kind, AUTHZ_WHEN);
	cr_expect_eq(plan.status, 200);
	cr_expect_str_eq(plan.reason, "ok");
	cr_expect_str_eq(plan.when, "x");
	cr_expect_str_eq(plan.node, "t:/");
	cr_assert_eq(plan.missing_count, 1);
	cr_expect_str_eq(plan.missing[0], "a.b");
	cr_assert_eq(plan.tree->kind, AUTHZ_OR);
	cr_assert_eq(plan.tree->part_count, 3);
	parts = plan.tree->parts;
	cr_expect_eq(parts[0].kind, AUTHZ_IS);
	cr_expect_eq(parts[0].parts[0].kind, AUTHZ_FACT);
	cr_expect_eq(parts[0].parts[0].type, AUTHZ_STRING);
	cr_expect_str_eq(parts[0].parts[0].text, "resource.owner");
	cr_expect_eq(parts[0].parts[1].kind, AUTHZ_VALUE);
	cr_expect_str_eq(parts[0].parts[1].text, "ann");
	cr_expect_eq(parts[1].kind, AUTHZ_ABSENT);
	cr_expect_eq(parts[1].parts[0].type, AUTHZ_WORD);
	cr_assert_eq(parts[1].parts[0].item_count, 2);
	cr_expect_str_eq(parts[1].parts[0].items[1], "paid");
	cr_expect_eq(parts[2].kind, AUTHZ_LESS);
	cr_expect_eq(parts[2].parts[0].number, 17);
	authz_plan_finish(&plan);
	cr_expect(is_refusal(&plan));
	authz_plan_finish(&plan);
}

Test(authz_plan, always_and_never_have_no_tree)
{
	static const struct result always = RESULT("\x82" ALWAYS REVISION),
				   never = RESULT("\x84" NEVER REVISION REFUSED);
	struct authz_plan plan;

	cr_assert_eq(ask(&always, &plan), AUTHZ_OK);
	cr_expect_eq(plan.kind, AUTHZ_ALWAYS);
	cr_expect_null(plan.tree);
	authz_plan_finish(&plan);
	cr_assert_eq(ask(&never, &plan), AUTHZ_OK);
	cr_expect_eq(plan.kind, AUTHZ_NEVER);
	cr_expect_eq(plan.status, 403);
	cr_expect_str_eq(plan.reason, "role");
	authz_plan_finish(&plan);
}

Test(authz_plan, what_cannot_be_read_whole_is_never)
{
	static const struct result results[] = { RESULT("\xc0"), RESULT("\x80"),
		RESULT("\x81" ALWAYS), RESULT("\x81" REVISION),
		RESULT("\x82" PLAN("\xa5"
				   "maybe") REVISION),
		RESULT("\x82" WHEN REVISION), RESULT("\x83" ALWAYS REVISION TREE(IS_ANN)),
		RESULT("\x82" NEVER REVISION), RESULT("\x83" WHEN REVISION TREE("\xc0")),
		RESULT("\x83" WHEN REVISION TREE("\x90")),
		RESULT("\x83" WHEN REVISION TREE("\x92\xa3"
						 "and" IS_ANN)),
		RESULT("\x83" WHEN REVISION TREE("\x92\xa3not" IS_ANN)),
		RESULT("\x83" WHEN REVISION TREE("\x92\xa2is" OWNER)),
		RESULT("\x83" WHEN REVISION TREE("\x93\xa2is" OWNER "\x92\xa6string\x07")),
		RESULT("\x83" WHEN REVISION TREE("\x93\xa2is" OWNER "\x92\xa6string\xa3"
						 "a\0n")),
		RESULT("\x83" WHEN REVISION TREE("\x93\xa2is" OWNER "\x92\xa4"
						 "blob\xa1"
						 "a")),
		RESULT("\x84" WHEN REVISION TREE(IS_ANN) TREE(IS_ANN)) };

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		struct authz_plan plan;

		cr_expect_eq(ask(&results[i], &plan), AUTHZ_EPROTO, "%zu", i);
		cr_expect(is_refusal(&plan), "%zu", i);
	}
}

/* Nobody listens: an error at once, and a plan that is never. */
Test(authz_plan, without_a_daemon_it_is_never)
{
	const struct authz_options options = { .socket = "/nonexistent/s", .timeout_ms = SHORT_MS };
	const struct authz_request wrong = { .principal = "ann", .action = "list" };
	struct authz *authz;
	struct authz_plan plan;

	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	memset(&plan, 1, sizeof plan);
	cr_expect_eq(authz_plan(authz, &about, &plan), AUTHZ_ECONNECT);
	cr_expect(is_refusal(&plan));
	memset(&plan, 1, sizeof plan);
	cr_expect_eq(authz_plan(authz, &wrong, &plan), AUTHZ_EINVAL);
	cr_expect(is_refusal(&plan));
	authz_plan_finish(NULL);
	authz_destroy(authz);
}

static void on_plan(void *data, int error, struct authz_plan *plan)
{
	struct log *log = data;

	log->called++;
	log->last_error = error;
	log->allowed += plan->kind == AUTHZ_WHEN && plan->tree->kind == AUTHZ_IS;
	authz_plan_finish(plan);
}

Test(authz_plan, a_loop_gets_plans_too)
{
	static struct result result = RESULT("\x83" WHEN REVISION TREE(IS_ANN)),
			     broken = RESULT("\x82" WHEN REVISION);
	struct fake_server server;
	struct authz *authz;
	struct log log;

	fake_start(&server, answer);
	server.data = &result;
	authz = loop_client(&server, LONG_MS, &log);
	cr_assert_eq(authz_plan_start(authz, &about, on_plan, &log), AUTHZ_OK);
	cr_assert_eq(authz_plan_start(authz, &about, on_plan, &log), AUTHZ_OK);
	cr_expect_eq(authz_plan_start(authz, &about, NULL, &log), AUTHZ_EINVAL);
	cr_expect_eq(run(authz, &log, 2), AUTHZ_OK);
	cr_expect_eq(log.allowed, 2);
	server.data = &broken;
	cr_assert_eq(authz_plan_start(authz, &about, on_plan, &log), AUTHZ_OK);
	cr_expect_eq(run(authz, &log, 3), AUTHZ_OK);
	cr_expect_eq(log.last_error, AUTHZ_EPROTO);
	cr_expect_eq(log.allowed, 2);
	authz_destroy(authz);
	fake_stop(&server);
}
