/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/http/authzen_test.h"

/* What a request asks the daemon. */
static void expect_question(const char *body, const char *question)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATION, body);
	char asked[4096];

	snprintf(asked, sizeof asked, "authorize_many {'requests':[%s]}", question);
	expect_asked(authzen, asked);
	authzen_destroy(authzen);
}

static void expect_refused(enum authzen_api api, const char *body, const char *message)
{
	char shown[512];

	snprintf(shown, sizeof shown, "'%s'", message);
	expect_answer(begin(api, body), 400, shown);
}

Test(authzen_evaluation, an_allowed_request_is_a_decision_and_nothing_else)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATION, REQUEST);

	expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
	reply(authzen, "{'revision':'r','results':[" ALLOWED "]}");
	expect_answer(authzen, 200, "{'decision':true}");
}

Test(authzen_evaluation, a_denial_has_its_reason)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATION, REQUEST);

	expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
	reply(authzen, "{'revision':'r','results':[" DENIED "]}");
	expect_answer(authzen, 200, "{'decision':false,'context':{'reason':'role'}}");
}

Test(authzen_evaluation, each_entity_has_its_place_in_the_question)
{
	static const char *const rows[][2] = {
		{ "{'subject':{'type':'service','id':'s'}," READ "," RECORD "}",
			"{'principal':'s','action':'read','resource':'record:/record-1'}" },
		{ "{'subject':{'type':'token','id':'ak_live_1'}," READ "," RECORD "}",
			"{'token':'ak_live_1','action':'read','resource':'record:/record-1'}" },
		{ "{" ALICE ",'action':{'name':'GET'},'resource':{'type':'api','id':'/loans/7?x'}}",
			"{'principal':'alice','method':'GET','path':'/loans/7?x','tree':'api'}" },
		{ "{" ALICE
		  ",'action':{'name':'VERSION-CONTROL'},'resource':{'type':'api','id':'a'}}",
			"{'principal':'alice','method':'VERSION-CONTROL','path':'/"
			"a','tree':'api'}" },
		{ "{" ALICE ",'action':{'name':'Get'},'resource':{'type':'api','id':''}}",
			"{'principal':'alice','action':'Get','resource':'api:/'}" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_question(rows[i][0], rows[i][1]);
	}
}

Test(authzen_evaluation, what_the_configuration_says_applies_to_all_questions)
{
	const struct authzen_scope scope = {
		.service = "shop", .environment = "test", .tenant = "acme"
	};
	struct authzen *authzen = begin_in(AUTHZEN_EVALUATION, &scope, REQUEST);

	expect_asked(authzen,
		"authorize_many {'service':'shop','environment':'test','tenant':'acme',"
		"'requests':[" ASKED "]}");
	authzen_destroy(authzen);
}

Test(authzen_evaluation, unknown_members_and_properties_are_ignored)
{
	expect_question(
		"{'foo':'bar','evaluations':7,'subject':{'type':'user','id':'alice','x':[],"
		"'properties':{'role':{'deep':[1.5,null]}}},'action':{'name':'read','properties':{}"
		"},"
		"'resource':{'type':'record','id':'record-1','properties':{'status':null}}}",
		ASKED);
}

Test(authzen_evaluation, the_context_gives_facts_and_what_is_none_is_unknown)
{
	static const char *const rows[][2] = {
		{ "{'ip':'192.0.2.1','time':'2025-06-27T18:03:00-07:00','mfa_at':1751072000}",
			"'ip':'192.0.2.1','mfa_at':1751072000,'time':1751072580," },
		{ "{'ip':'2001:db8::1','time':1751072580,'mfa_at':'2025-06-28T01:03:00Z'}",
			"'ip':'2001:db8::1','mfa_at':1751072580,'time':1751072580," },
		{ "{'time':'2025-06-27T18:03-07:00','ip':'192.0.2.256'}", "" },
		{ "{'time':'2025-06-27','ip':7,'mfa_at':true}", "" },
		{ "{'time':1.5,'ip':null,'mfa_at':-1}", "" },
		{ "{'time':9223372036854775807,'mfa_at':'9999-99-99T00:00:00Z'}", "" },
		{ "{}", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char body[512], question[512];

		snprintf(body, sizeof body, "{" ALICE "," READ "," RECORD ",'context':%s}",
			rows[i][0]);
		snprintf(question, sizeof question,
			"{'principal':'alice',%s'action':'read','resource':'record:/record-1'}",
			rows[i][1]);
		expect_question(body, question);
	}
}

Test(authzen_evaluation, a_member_that_is_missing_or_of_another_type_is_refused)
{
	static const char *const rows[][2] = {
		{ "{" READ "," RECORD "}", "subject: is missing" },
		{ "{" ALICE "," RECORD "}", "action: is missing" },
		{ "{" ALICE "," READ "}", "resource: is missing" },
		{ "{'subject':{'id':'a'}," READ "," RECORD "}", "subject.type: is missing" },
		{ "{'subject':{'type':'user'}," READ "," RECORD "}", "subject.id: is missing" },
		{ "{" ALICE ",'action':{}," RECORD "}", "action.name: is missing" },
		{ "{" ALICE "," READ ",'resource':{'id':'x'}}", "resource.type: is missing" },
		{ "{" ALICE "," READ ",'resource':{'type':'x'}}", "resource.id: is missing" },
		{ "{'subject':'alice'," READ "," RECORD "}", "subject: must be an object" },
		{ "{" ALICE ",'action':{'name':123}," RECORD "}", "action.name: must be a string" },
		{ "{" ALICE "," READ ",'resource':null}", "resource: must be an object" },
		{ "{" ALICE "," READ "," RECORD ",'context':[]}", "context: must be an object" },
		{ "{'subject':{'type':'user','id':'a','properties':[]}," READ "," RECORD "}",
			"subject.properties: must be an object" },
		{ "{" ALICE ",'action':{'name':'read','properties':1}," RECORD "}",
			"action.properties: must be an object" },
		{ "[]", "the body must be an object" },
		{ "", "the body is empty" },
		{ "{", "the body is not JSON: line 1, column 1" },
		{ "'alice'", "the body is not JSON: line 1, column 7" },
		{ REQUEST "{}", "the body is not JSON: line 1, column 111" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_refused(AUTHZEN_EVALUATION, rows[i][0], rows[i][1]);
		expect_refused(AUTHZEN_EVALUATIONS, rows[i][0], rows[i][1]);
	}
}

/* The status of bytes as a body. */
static int status_of(const void *bytes, size_t len)
{
	const struct authzen_scope scope = { 0 };
	struct authzen_call call;
	struct authzen *authzen;
	int status;

	cr_assert_eq(authzen_begin(AUTHZEN_EVALUATION, &scope, bytes, len, &authzen), 0);
	status = authzen_next(authzen, &call) ? 0 : authzen_answer(authzen).status;
	authzen_destroy(authzen);
	return status;
}

Test(authzen_evaluation, text_that_programs_read_differently_is_refused)
{
	static const char *const bodies[] = {
		"{" ALICE "," ALICE "," READ "," RECORD "}",
		"{" ALICE "," READ "," RECORD ",'x':{'a':1,'a':2}}",
		"{" ALICE "," READ "," RECORD ",'x':'\\u0000'}",
		"{" ALICE "," READ "," RECORD ",'x':'\xc3\x28'}",
		"{" ALICE "," READ "," RECORD ",'x':'\\ud800'}",
		"{" ALICE "," READ "," RECORD ",'x':99999999999999999999999}",
		"{" ALICE "," READ "," RECORD ",'x':1e999}",
		"{" ALICE "," READ "," RECORD ",'x':NaN}",
		"{" ALICE "," READ "," RECORD ",}",
	};

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		const char *body = quoted(bodies[i]);

		cr_expect_eq(status_of(body, strlen(body)), 400, "%s", body);
	}
	cr_expect_eq(status_of("{}\0", 3), 400);
}

Test(authzen_evaluation, a_body_is_bounded_in_size_and_depth)
{
	static char body[AUTHZEN_MAX_BODY + 1];
	const char *request = quoted(REQUEST);
	size_t len = strlen(request);

	memset(body, ' ', sizeof body);
	memcpy(body, request, len);
	cr_expect_eq(status_of(body, sizeof body - 1), 0);
	cr_expect_eq(status_of(body, sizeof body), 400);
	memset(body, '[', sizeof body);
	cr_expect_eq(status_of(body, sizeof body - 1), 400);
}

Test(authzen_evaluation, a_text_is_bounded)
{
	char body[AUTHZEN_MAX_TEXT + 256], id[AUTHZEN_MAX_TEXT + 2];

	memset(id, 'a', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	snprintf(
		body, sizeof body, "{'subject':{'type':'user','id':'%s'}," READ "," RECORD "}", id);
	expect_refused(AUTHZEN_EVALUATION, body, "subject.id: must have at most 8192 bytes");
	id[sizeof id - 2] = '\0';
	snprintf(
		body, sizeof body, "{'subject':{'type':'user','id':'%s'}," READ "," RECORD "}", id);
	cr_expect_eq(status_of(quoted(body), strlen(body)), 0);
}

Test(authzen_evaluation, types_that_nobody_has_are_denied_without_a_question)
{
	expect_answer(begin(AUTHZEN_EVALUATION,
			      "{'subject':{'type':'spaceship','id':'x'}," READ "," RECORD "}"),
		200, "{'decision':false,'context':{'reason':'unknown_principal'}}");
	expect_answer(begin(AUTHZEN_EVALUATION, "{" ALICE "," READ
						",'resource':{'type':'record:/record-1','id':''}}"),
		200, "{'decision':false,'context':{'reason':'unknown_resource'}}");
	expect_answer(
		begin(AUTHZEN_EVALUATION, "{" ALICE "," READ ",'resource':{'type':'','id':'x'}}"),
		200, "{'decision':false,'context':{'reason':'unknown_resource'}}");
}

Test(authzen_evaluation, nothing_is_allowed_without_an_answer_that_says_so)
{
	static const char *const results[] = { "7", "{}", "{'results':7}", "{'results':[]}",
		"{'results':[{}]}", "{'results':[{'allow':1}]}", "{'results':[{'allow':'true'}]}",
		"{'results':[{'allow':true,'reason':7}]}", "{'results':[true]}",
		"{'results':[" ALLOWED "," ALLOWED "]}" };

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		struct authzen *authzen = begin(AUTHZEN_EVALUATION, REQUEST);

		expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
		reply(authzen, results[i]);
		expect_answer(authzen, 503, "'the answer of the daemon cannot be read'");
	}
}

Test(authzen_evaluation, an_error_of_the_daemon_is_no_decision)
{
	static const struct {
		const char *code;
		int status;
	} rows[] = { { "overloaded", 503 }, { "stale", 503 }, { "internal", 500 },
		{ "invalid_request", 500 } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct authzen *authzen = begin(AUTHZEN_EVALUATION, REQUEST);

		expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
		authzen_refused(authzen, rows[i].code, "", "no.");
		expect_answer(authzen, rows[i].status, "'the daemon refused the question: no.'");
	}
}

Test(authzen_evaluation, without_memory_the_answer_is_503)
{
	expect_503_without_memory(AUTHZEN_EVALUATION,
		"{\"subject\":{\"type\":\"ship\",\"id\":\"x\"},\"action\":{\"name\":"
		"\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"record-1\"}}");
}

Test(authzen_evaluation, without_a_daemon_the_answer_is_503)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATION, REQUEST);

	expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
	authzen_unavailable(authzen);
	expect_answer(authzen, 503, "'the daemon does not answer'");
}

Test(authzen_evaluation, the_content_type_is_json_with_or_without_parameters)
{
	cr_expect(authzen_is_json("application/json"));
	cr_expect(authzen_is_json("Application/JSON ; charset=utf-8"));
	cr_expect_not(authzen_is_json("application/jsonp"));
	cr_expect_not(authzen_is_json("text/json"));
	cr_expect_not(authzen_is_json(""));
	cr_expect_not(authzen_is_json(NULL));
}

Test(authzen_evaluation, the_metadata_name_every_endpoint_below_the_identifier)
{
	char *metadata = authzen_metadata("https://pdp.example.com:8443");

	cr_assert_str_eq(metadata, quoted("{'policy_decision_point':'https://pdp.example.com:8443',"
					  "'access_evaluation_endpoint':'https://"
					  "pdp.example.com:8443/access/v1/evaluation',"
					  "'access_evaluations_endpoint':'https://"
					  "pdp.example.com:8443/access/v1/evaluations',"
					  "'search_subject_endpoint':'https://pdp.example.com:8443/"
					  "access/v1/search/subject',"
					  "'search_resource_endpoint':'https://"
					  "pdp.example.com:8443/access/v1/search/resource',"
					  "'search_action_endpoint':'https://pdp.example.com:8443/"
					  "access/v1/search/action'}"));
	authzen_free_text(metadata);
}

Test(authzen_evaluation, an_identifier_is_an_https_url_without_path_query_and_fragment)
{
	static const char *const wrong[] = { "", "https://", "http://pdp.example.com",
		"https://pdp.example.com/", "https://pdp.example.com?x",
		"https://pdp.example.com#x", "https://ann@pdp.example.com", "https://a b" };

	cr_expect_null(authzen_check_identifier("https://pdp.example.com"));
	cr_expect_null(authzen_check_identifier("https://[2001:db8::1]:8443"));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_expect_not_null(authzen_check_identifier(wrong[i]), "%s", wrong[i]);
	}
}
