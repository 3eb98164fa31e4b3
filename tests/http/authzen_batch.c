/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/http/authzen_test.h"

#define SHARED    ALICE "," READ
#define ONE(id)   "{'resource':{'type':'record','id':'" id "'}}"
#define ABOUT(id) "{'principal':'alice','action':'read','resource':'record:/" id "'}"
#define THREE     "'evaluations':[" ONE("1") "," ONE("2") "," ONE("3") "]"

#define OPTION(semantic) "'options':{'evaluations_semantic':'" semantic "'}"

#define NO  "{'decision':false,'context':{'reason':'role'}}"
#define YES "{'decision':true}"

/* Asks one at a time until the answers end, and then expects this one. */
static void expect_one_by_one(
	const char *body, const char *const answers[], size_t count, const char *expected)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS, body);

	for (size_t i = 0; i < count; i++) {
		char asked[512], result[512];

		snprintf(asked, sizeof asked,
			"authorize_many "
			"{'requests':[{'principal':'alice','action':'read','resource':"
			"'record:/%zu'}]}",
			i + 1);
		expect_asked(authzen, asked);
		snprintf(result, sizeof result, "{'results':[%s]}", answers[i]);
		reply(authzen, result);
	}
	expect_answer(authzen, 200, expected);
}

Test(authzen_batch, all_evaluations_are_asked_together_and_answered_in_their_order)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS, "{" SHARED "," THREE "}");

	expect_asked(authzen,
		"authorize_many {'requests':[" ABOUT("1") "," ABOUT("2") "," ABOUT("3") "]}");
	reply(authzen, "{'results':[" ALLOWED "," DENIED "," ALLOWED "]}");
	expect_answer(authzen, 200, "{'evaluations':[" YES "," NO "," YES "]}");
}

Test(authzen_batch, deny_on_first_deny_asks_nothing_after_a_denial)
{
	expect_one_by_one("{" SHARED "," OPTION("deny_on_first_deny") "," THREE "}",
		(const char *const[]){ ALLOWED, DENIED }, 2, "{'evaluations':[" YES "," NO "]}");
}

Test(authzen_batch, permit_on_first_permit_asks_nothing_after_a_permit)
{
	expect_one_by_one("{" SHARED "," OPTION("permit_on_first_permit") "," THREE "}",
		(const char *const[]){ DENIED, ALLOWED }, 2, "{'evaluations':[" NO "," YES "]}");
	expect_one_by_one("{" SHARED "," OPTION("permit_on_first_permit") "," THREE "}",
		(const char *const[]){ DENIED, DENIED, DENIED }, 3,
		"{'evaluations':[" NO "," NO "," NO "]}");
}

Test(authzen_batch, execute_all_is_the_default_and_can_be_named)
{
	struct authzen *authzen =
		begin(AUTHZEN_EVALUATIONS, "{" SHARED "," OPTION("execute_all") "," THREE "}");

	expect_asked(authzen,
		"authorize_many {'requests':[" ABOUT("1") "," ABOUT("2") "," ABOUT("3") "]}");
	authzen_destroy(authzen);
}

Test(authzen_batch, an_entity_of_an_evaluation_replaces_the_default_as_a_whole)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS,
		"{" ALICE "," READ
		",'resource':{'type':'record','id':'1'},'context':{'ip':'192.0.2.1'},"
		"'evaluations':[{},{'context':{},'action':{'name':'write'}},"
		"{'subject':{'type':'user'}}]}");

	expect_asked(authzen,
		"authorize_many {'requests':["
		"{'principal':'alice','ip':'192.0.2.1','action':'read','resource':'record:/1'},"
		"{'principal':'alice','action':'write','resource':'record:/1'}]}");
	reply(authzen, "{'results':[" ALLOWED "," ALLOWED "]}");
	expect_answer(authzen, 200,
		"{'evaluations':[" YES "," YES ",{'decision':false,'context':{'reason':"
		"'invalid_request','error':{'status':400,'message':"
		"'evaluations[2].subject.id: is missing'}}}]}");
}

Test(authzen_batch, an_evaluation_that_is_wrong_is_denied_alone)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS,
		"{" SHARED ",'evaluations':[{}," ONE("1") ",7,{'resource':{'type':'X','id':''}}]}");

	expect_asked(authzen, "authorize_many {'requests':[" ABOUT("1") "]}");
	reply(authzen, "{'results':[" ALLOWED "]}");
	expect_answer(authzen, 200,
		"{'evaluations':[{'decision':false,'context':{'reason':'invalid_request','error':"
		"{'status':400,'message':'evaluations[0].resource: is missing'}}}," YES
		",{'decision':false,'context':{'reason':'invalid_request','error':{'status':400,"
		"'message':'evaluations[2]: must be an object'}}},"
		"{'decision':false,'context':{'reason':'unknown_resource'}}]}");
}

Test(authzen_batch, an_evaluation_that_is_wrong_counts_as_a_denial)
{
	expect_answer(begin(AUTHZEN_EVALUATIONS,
			      "{" SHARED
			      "," OPTION("deny_on_first_deny") ",'evaluations':[{}," ONE("1") "]}"),
		200,
		"{'evaluations':[{'decision':false,'context':{'reason':'invalid_request','error':"
		"{'status':400,'message':'evaluations[0].resource: is missing'}}}]}");
}

Test(authzen_batch, without_evaluations_it_is_one_evaluation)
{
	static const char *const bodies[] = { REQUEST,
		"{" ALICE "," READ "," RECORD ",'evaluations':[]}" };

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct authzen *authzen = begin(AUTHZEN_EVALUATIONS, bodies[i]);

		expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
		reply(authzen, "{'results':[" ALLOWED "]}");
		expect_answer(authzen, 200, YES);
	}
}

Test(authzen_batch, what_is_wrong_with_the_whole_batch_is_refused)
{
	static const char *const rows[][2] = {
		{ "{'evaluations':{}}", "'evaluations: must be an array'" },
		{ "{'options':[]," THREE "}", "'options: must be an object'" },
		{ "{" OPTION("all") "," THREE "}",
			"'options.evaluations_semantic: must be execute_all, deny_on_first_deny or "
			"permit_on_first_permit'" },
		{ "{'options':{'evaluations_semantic':null}," THREE "}",
			"'options.evaluations_semantic: must be a string'" },
		{ "{'subject':7," THREE "}", "'subject: must be an object'" },
		{ "{'subject':{'type':'user'}," THREE "}", "'subject.id: is missing'" },
		{ "{'context':7," THREE "}", "'context: must be an object'" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_answer(begin(AUTHZEN_EVALUATIONS, rows[i][0]), 400, rows[i][1]);
	}
}

/* A batch of this many evaluations of one resource. */
static const char *many(size_t count)
{
	static char body[64 * 1024];
	size_t len = (size_t)snprintf(
		body, sizeof body, "{" ALICE "," READ "," RECORD ",'evaluations':[");

	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(body + len, sizeof body - len, i == 0 ? "{}" : ",{}");
	}
	snprintf(body + len, sizeof body - len, "]}");
	return body;
}

/* Answers a call of execute_all with this many permits. */
static void permit(struct authzen *authzen, size_t count)
{
	struct authzen_call call;
	char result[8192];
	size_t len = (size_t)snprintf(result, sizeof result, "{'results':[");

	cr_assert(authzen_next(authzen, &call));
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(
			result + len, sizeof result - len, "%s" ALLOWED, i == 0 ? "" : ",");
	}
	snprintf(result + len, sizeof result - len, "]}");
	reply(authzen, result);
}

Test(authzen_batch, a_call_has_at_most_a_chunk_of_questions)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS, many(2 * AUTHZEN_CHUNK + 1));
	struct authzen_call call;

	permit(authzen, AUTHZEN_CHUNK);
	permit(authzen, AUTHZEN_CHUNK);
	permit(authzen, 1);
	cr_expect_not(authzen_next(authzen, &call));
	cr_expect_eq(authzen_answer(authzen).status, 200);
	authzen_destroy(authzen);
}

Test(authzen_batch, a_call_with_long_texts_is_no_larger_than_the_daemon_reads)
{
	static char body[AUTHZEN_MAX_BODY];
	const struct authzen_scope scope = { 0 };
	size_t len = (size_t)snprintf(body, sizeof body,
		"{\"action\":{\"name\":\"read\"},\"subject\":{"
		"\"type\":\"user\",\"id\":\"%08000d\"},\"resource\":{\"type\":\"a%08000d\",\"id\":"
		"\"%08000d\"},"
		"\"evaluations\":[",
		0, 0, 0);
	struct authzen_call call;
	struct authzen *authzen;

	for (size_t i = 0; i < AUTHZEN_CHUNK; i++) {
		len += (size_t)snprintf(body + len, sizeof body - len, i == 0 ? "{}" : ",{}");
	}
	len += (size_t)snprintf(body + len, sizeof body - len, "]}");
	cr_assert_eq(authzen_begin(AUTHZEN_EVALUATIONS, &scope, body, len, &authzen), 0);
	cr_assert(authzen_next(authzen, &call));
	cr_expect_gt(call.len, WIRE_MAX_REQUEST / 2);
	cr_expect_lt(call.len, WIRE_MAX_REQUEST - 1024);
	authzen_destroy(authzen);
}

Test(authzen_batch, a_batch_is_bounded)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS, many(AUTHZEN_MAX_EVALUATIONS));
	struct authzen_call call;

	cr_expect(authzen_next(authzen, &call));
	authzen_destroy(authzen);
	expect_answer(begin(AUTHZEN_EVALUATIONS, many(AUTHZEN_MAX_EVALUATIONS + 1)), 400,
		"'evaluations: must be at most 1024'");
}

Test(authzen_batch, no_answer_in_the_middle_ends_the_whole_batch)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATIONS, many(2 * AUTHZEN_CHUNK));
	struct authzen_call call;

	permit(authzen, AUTHZEN_CHUNK);
	cr_assert(authzen_next(authzen, &call));
	authzen_unavailable(authzen);
	expect_answer(authzen, 503, "'the daemon does not answer'");
}

Test(authzen_batch, without_memory_the_answer_is_503)
{
	expect_503_without_memory(AUTHZEN_EVALUATIONS,
		"{\"subject\":{\"type\":\"ship\",\"id\":\"x\"},\"action\":{\"name\":\"read\"},"
		"\"resource\":{\"type\":\"record\",\"id\":\"1\"},\"evaluations\":[{},7,{},{},{}]}");
}
