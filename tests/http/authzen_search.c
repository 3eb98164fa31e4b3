/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/http/authzen_test.h"

#define WHO  "{'subject':{'type':'user'}," READ "," RECORD "}"
#define WHAT "{" ALICE "," READ ",'resource':{'type':'record'}}"
#define HOW  "{" ALICE "," RECORD "}"

#define ABOUT(who) "{'principal':'" who "','action':'read','resource':'record:/record-1'}"
#define USER(id)   "{'id':'" id "','kind':'user','status':'active'}"

Test(authzen_search, subjects_are_the_principals_of_the_kind_that_are_allowed)
{
	struct authzen *authzen = begin(AUTHZEN_SUBJECTS, WHO);

	expect_asked(authzen, "principals.list {'limit':64}");
	reply(authzen, "{'items':[" USER("alice") ",{'id':'s','kind':'service'}," USER("bob") "]}");
	expect_asked(authzen, "authorize_many {'requests':[" ABOUT("alice") "," ABOUT("bob") "]}");
	reply(authzen, "{'results':[" ALLOWED "," DENIED "]}");
	expect_answer(authzen, 200, "{'results':[{'type':'user','id':'alice'}]}");
}

Test(authzen_search, resources_are_nodes_without_parameters_that_are_allowed)
{
	struct authzen *authzen = begin(AUTHZEN_RESOURCES, WHAT);

	expect_asked(authzen, "permissions {'principal':'alice','tree':'record','limit':64}");
	reply(authzen, "{'status':200,'items':[{'resource':'record:/','actions':['read']},"
		       "{'resource':'record:/a','actions':['write']},{'resource':'record:/"
		       "{x}','actions':['read']},"
		       "{'resource':'record:/7/b','actions':['read']},{'resource':'record:/{x}/"
		       "b','actions':[]},"
		       "{'resource':'record:/f/{p...}','actions':['read']},"
		       "{'resource':'record:/f/g/{p...}','actions':['read']},"
		       "{'resource':'record:/{x}/{p...}','actions':['read']},"
		       "{'resource':'record:/{p...}','actions':['read']},"
		       "{'resource':'record:/a/{p...}','actions':['read']}]}");
	expect_asked(authzen, "authorize_many {'requests':["
			      "{'principal':'alice','action':'read','resource':'record:/'},"
			      "{'principal':'alice','action':'read','resource':'record:/a'},"
			      "{'principal':'alice','action':'read','resource':'record:/7/b'},"
			      "{'principal':'alice','action':'read','resource':'record:/f'},"
			      "{'principal':'alice','action':'read','resource':'record:/f/g'}]}");
	reply(authzen, "{'results':[" ALLOWED "," DENIED "," ALLOWED "," DENIED "," ALLOWED "]}");
	expect_answer(authzen, 200,
		"{'results':[{'type':'record','id':'/'},{'type':'record','id':'7/b'},"
		"{'type':'record','id':'f/g'}]}");
}

Test(authzen_search, actions_are_those_of_the_resource_itself_that_are_allowed)
{
	struct authzen *authzen = begin(AUTHZEN_ACTIONS, HOW);

	expect_asked(
		authzen, "permissions {'principal':'alice','limit':1,'at':'record:/record-1'}");
	reply(authzen, "{'items':[{'resource':'record:/record-1','actions':['read','GET']}],"
		       "'cursor':'c'}");
	expect_asked(authzen,
		"authorize_many {'requests':["
		"{'principal':'alice','action':'read','resource':'record:/record-1'},"
		"{'principal':'alice','method':'GET','path':'/record-1','tree':'record'}]}");
	reply(authzen, "{'results':[" ALLOWED "," DENIED "]}");
	expect_answer(authzen, 200, "{'results':[{'name':'read'}]}");
}

Test(authzen_search, what_is_sought_is_ignored_if_it_is_there)
{
	struct authzen *authzen =
		begin(AUTHZEN_SUBJECTS, "{'subject':{'type':'user','id':7}," READ "," RECORD "}");

	expect_asked(authzen, "principals.list {'limit':64}");
	authzen_destroy(authzen);
	authzen = begin(AUTHZEN_ACTIONS, "{" ALICE ",'action':7," RECORD "}");
	expect_asked(
		authzen, "permissions {'principal':'alice','limit':1,'at':'record:/record-1'}");
	authzen_destroy(authzen);
}

Test(authzen_search, the_configuration_and_the_facts_apply_to_all_calls)
{
	const struct authzen_scope scope = { .service = "shop",
		.environment = "test",
		.tenant = "acme" },
				   any = { .tenant = "*" };
	struct authzen *authzen = begin_in(AUTHZEN_RESOURCES, &scope,
		"{" ALICE "," READ ",'resource':{'type':'record'},'context':{'ip':'192.0.2.1'}}");

	expect_asked(authzen,
		"permissions {'principal':'alice','ip':'192.0.2.1','service':'shop','environment':"
		"'test','tenant':'acme','tree':'record','limit':64}");
	authzen_destroy(authzen);
	authzen = begin_in(AUTHZEN_SUBJECTS, &scope, WHO);
	expect_asked(authzen, "principals.list {'tenant':'acme','limit':64}");
	authzen_destroy(authzen);
	authzen = begin_in(AUTHZEN_SUBJECTS, &any, WHO);
	expect_asked(authzen, "principals.list {'limit':64}");
	authzen_destroy(authzen);
}

Test(authzen_search, nobody_and_nothing_of_an_unknown_type_is_found)
{
	static const struct {
		enum authzen_api api;
		const char *body;
	} rows[] = {
		{ AUTHZEN_SUBJECTS, "{'subject':{'type':'spaceship'}," READ "," RECORD "}" },
		{ AUTHZEN_SUBJECTS, "{'subject':{'type':'token'}," READ "," RECORD "}" },
		{ AUTHZEN_SUBJECTS,
			"{'subject':{'type':'user'}," READ ",'resource':{'type':'A:B','id':''}}" },
		{ AUTHZEN_RESOURCES, "{" ALICE "," READ ",'resource':{'type':'Big Ship'}}" },
		{ AUTHZEN_RESOURCES, "{'subject':{'type':'ship','id':'x'}," READ
				     ",'resource':{'type':'record'}}" },
		{ AUTHZEN_ACTIONS, "{'subject':{'type':'ship','id':'x'}," RECORD "}" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_answer(begin(rows[i].api, rows[i].body), 200, "{'results':[]}");
	}
}

Test(authzen_search, a_tree_or_a_resource_that_the_policy_lacks_has_no_results)
{
	struct authzen *authzen = begin(AUTHZEN_RESOURCES, WHAT);

	expect_asked(authzen, "permissions {'principal':'alice','tree':'record','limit':64}");
	authzen_refused(authzen, "invalid_request", "tree", "tree: is nothing");
	expect_answer(authzen, 200, "{'results':[]}");
	authzen = begin(AUTHZEN_ACTIONS, HOW);
	expect_asked(
		authzen, "permissions {'principal':'alice','limit':1,'at':'record:/record-1'}");
	authzen_refused(authzen, "invalid_request", "at", "at: is nothing");
	expect_answer(authzen, 200, "{'results':[]}");
}

Test(authzen_search, pages_go_on_where_the_one_before_ended)
{
	struct authzen *authzen = begin(AUTHZEN_SUBJECTS,
		"{'subject':{'type':'user'}," READ "," RECORD ",'page':{'limit':1}}");

	expect_asked(authzen, "principals.list {'limit':1}");
	reply(authzen, "{'items':[" USER("alice") "],'cursor':'a'}");
	expect_asked(authzen, "authorize_many {'requests':[" ABOUT("alice") "]}");
	reply(authzen, "{'results':[" DENIED "]}");
	expect_asked(authzen, "principals.list {'limit':1,'cursor':'a'}");
	reply(authzen, "{'items':[" USER("bob") "],'cursor':'b'}");
	expect_asked(authzen, "authorize_many {'requests':[" ABOUT("bob") "]}");
	reply(authzen, "{'results':[" ALLOWED "]}");
	expect_answer(authzen, 200,
		"{'page':{'next_token':'0a145eed0c4b25bcb','count':1},'results':[{'type':'user',"
		"'id':'bob'}]}");
	authzen = begin(AUTHZEN_SUBJECTS, "{'page':{'token':'0a145eed0c4b25bcb'}," RECORD "," READ
					  ",'subject':{'id':'x','type':'user'}}");
	expect_asked(authzen, "principals.list {'limit':64,'cursor':'b'}");
	reply(authzen, "{'items':[]}");
	expect_answer(authzen, 200, "{'page':{'next_token':'','count':0},'results':[]}");
}

Test(authzen_search, a_token_is_for_the_search_that_it_came_from)
{
	static const char *const bodies[] = {
		"{'subject':{'type':'service'}," READ "," RECORD
		",'page':{'token':'0a145eed0c4b25bcb'}}",
		"{'subject':{'type':'user'}," READ "," RECORD
		",'context':{'x':1},'page':{'token':'0a145eed0c4b25bcb'}}",
		"{'subject':{'type':'user'}," READ "," RECORD ",'page':{'token':'0a14'}}",
	};

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		expect_answer(begin(AUTHZEN_SUBJECTS, bodies[i]), 400,
			"'page.token: is of no page of this search: send the same entities with "
			"it, or "
			"begin without one'");
	}
}

Test(authzen_search, a_cursor_that_the_daemon_refuses_is_a_wrong_token)
{
	struct authzen *authzen =
		begin(AUTHZEN_SUBJECTS, "{'subject':{'type':'user'}," READ "," RECORD
					",'page':{'token':'0a145eed0c4b25bcb'}}");

	expect_asked(authzen, "principals.list {'limit':64,'cursor':'b'}");
	authzen_refused(authzen, "invalid_request", "cursor", "cursor: is none");
	expect_answer(authzen, 400, "'page.token: cursor: is none'");
}

Test(authzen_search, actions_have_pages_too)
{
	struct authzen *authzen =
		begin(AUTHZEN_ACTIONS, "{" ALICE "," RECORD ",'page':{'limit':1}}");
	static const char list[] =
		"{'items':[{'resource':'record:/record-1','actions':['read','write']}]}";
	const char *token;
	char body[256];

	expect_asked(
		authzen, "permissions {'principal':'alice','limit':1,'at':'record:/record-1'}");
	reply(authzen, list);
	expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
	reply(authzen, "{'results':[" ALLOWED "]}");
	cr_assert_not(authzen_next(authzen, &(struct authzen_call){ 0 }));
	token = strstr(authzen_answer(authzen).body, "next_token");
	cr_assert_not_null(token);
	snprintf(body, sizeof body, "{" ALICE "," RECORD ",'page':{'token':'%.17s'}}", token + 13);
	authzen_destroy(authzen);
	authzen = begin(AUTHZEN_ACTIONS, body);
	expect_asked(
		authzen, "permissions {'principal':'alice','limit':1,'at':'record:/record-1'}");
	reply(authzen, list);
	expect_asked(authzen,
		"authorize_many {'requests':[{'principal':'alice','action':'write','resource':"
		"'record:/record-1'}]}");
	reply(authzen, "{'results':[" ALLOWED "]}");
	expect_answer(
		authzen, 200, "{'page':{'next_token':'','count':1},'results':[{'name':'write'}]}");
}

Test(authzen_search, a_page_that_has_the_last_action_is_the_last_one)
{
	struct authzen *authzen =
		begin(AUTHZEN_ACTIONS, "{" ALICE "," RECORD ",'page':{'limit':1}}");

	expect_asked(
		authzen, "permissions {'principal':'alice','limit':1,'at':'record:/record-1'}");
	reply(authzen, "{'items':[{'resource':'record:/record-1','actions':['read']}]}");
	expect_asked(authzen, "authorize_many {'requests':[" ASKED "]}");
	reply(authzen, "{'results':[" ALLOWED "]}");
	expect_answer(
		authzen, 200, "{'page':{'next_token':'','count':1},'results':[{'name':'read'}]}");
}

Test(authzen_search, decisions_that_nobody_asked_for_give_no_results)
{
	struct authzen *authzen = begin(AUTHZEN_SUBJECTS, WHO);

	expect_asked(authzen, "principals.list {'limit':64}");
	reply(authzen, "{'items':[" USER("alice") "]}");
	expect_asked(authzen, "authorize_many {'requests':[" ABOUT("alice") "]}");
	reply(authzen, "{'results':[" ALLOWED "," ALLOWED "]}");
	expect_answer(authzen, 503, "'the answer of the daemon cannot be read'");
}

Test(authzen_search, the_work_for_one_page_is_bounded)
{
	struct authzen *authzen = begin(AUTHZEN_SUBJECTS, WHO);

	for (unsigned i = 0; i < AUTHZEN_MAX_ROUNDS; i++) {
		expect_asked(authzen, i == 0 ? "principals.list {'limit':64}"
					     : "principals.list {'limit':64,'cursor':'c'}");
		reply(authzen, "{'items':[],'cursor':'c'}");
	}
	expect_answer(
		authzen, 200, "{'page':{'next_token':'0a145eed0c4b25bcc','count':0},'results':[]}");
}

Test(authzen_search, a_page_of_none_asks_nothing_and_goes_on_from_where_it_is)
{
	expect_answer(begin(AUTHZEN_SUBJECTS,
			      "{'subject':{'type':'user'}," READ "," RECORD ",'page':{'limit':0}}"),
		200, "{'page':{'next_token':'0a145eed0c4b25bc','count':0},'results':[]}");
}

Test(authzen_search, a_member_that_is_missing_or_of_another_type_is_refused)
{
	static const struct {
		enum authzen_api api;
		const char *body, *message;
	} rows[] = {
		{ AUTHZEN_SUBJECTS, "{'subject':{'type':'user'}," RECORD "}",
			"'action: is missing'" },
		{ AUTHZEN_RESOURCES, "{" READ ",'resource':{'type':'r'}}",
			"'subject: is missing'" },
		{ AUTHZEN_ACTIONS, "{" ALICE "}", "'resource: is missing'" },
		{ AUTHZEN_SUBJECTS, "{'subject':{'type':'user'}," READ ",'resource':{'type':'r'}}",
			"'resource.id: is missing'" },
		{ AUTHZEN_RESOURCES, "{'subject':{'type':'user'}," READ ",'resource':{'type':'r'}}",
			"'subject.id: is missing'" },
		{ AUTHZEN_ACTIONS, "{'subject':{'type':'user'}," RECORD "}",
			"'subject.id: is missing'" },
		{ AUTHZEN_SUBJECTS, "{'subject':{}," READ "," RECORD "}",
			"'subject.type: is missing'" },
		{ AUTHZEN_ACTIONS, "{" ALICE "," RECORD ",'page':7}", "'page: must be an object'" },
		{ AUTHZEN_ACTIONS, "{" ALICE "," RECORD ",'page':{'limit':'7'}}",
			"'page.limit: must be an integer'" },
		{ AUTHZEN_ACTIONS, "{" ALICE "," RECORD ",'page':{'limit':-1}}",
			"'page.limit: must not be negative'" },
		{ AUTHZEN_ACTIONS, "{" ALICE "," RECORD ",'page':{'token':7}}",
			"'page.token: must be a string'" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_answer(begin(rows[i].api, rows[i].body), 400, rows[i].message);
	}
}

Test(authzen_search, a_daemon_that_lists_no_principals_is_an_error_that_says_what_to_do)
{
	struct authzen *authzen = begin(AUTHZEN_SUBJECTS, WHO);

	expect_asked(authzen, "principals.list {'limit':64}");
	authzen_refused(authzen, "forbidden", "", "no");
	expect_answer(authzen, 500,
		"'this program may not list principals: give it a line `manage user NAME "
		"authz:/principals list` in authzd.conf, and a socket for both'");
}

Test(authzen_search, an_answer_that_cannot_be_read_gives_no_results)
{
	static const char *const replies[] = { "7", "{}", "{'items':7}", "{'items':[7]}",
		"{'items':[{'id':7,'kind':'user'}]}", "{'items':[],'cursor':7}" };

	for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
		struct authzen *authzen = begin(AUTHZEN_SUBJECTS, WHO);

		expect_asked(authzen, "principals.list {'limit':64}");
		reply(authzen, replies[i]);
		expect_answer(authzen, 503, "'the answer of the daemon cannot be read'");
	}
}

Test(authzen_search, without_memory_the_answer_is_503)
{
	expect_503_without_memory(AUTHZEN_SUBJECTS,
		"{\"subject\":{\"type\":\"ship\"},\"action\":{\"name\":\"read\"},"
		"\"resource\":{\"type\":\"record\",\"id\":\"record-1\"},\"context\":{}}");
}
