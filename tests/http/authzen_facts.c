/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/http/authzen_test.h"

static const char *const names[] = { "branch", "clearance.level" };
static const struct authzen_scope scope = { .allowed = { names, 2 } };

/* What the daemon is asked for a request with these properties and this context; NULL: none. A
 * value of no type is shown as 1.5. */
static void expect_facts(const char *where, const char *object, const char *facts)
{
	char body[20000], asked[20000], part[4][4096] = { "", "", "", "" };
	static const char *const wheres[] = { "subject", "resource", "action", "context" };
	struct authzen *authzen;

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(where, wheres[i]) == 0) {
			snprintf(part[i], sizeof part[i],
				i < 3 ? ",'properties':%s" : ",'context':%s", object);
		}
	}
	snprintf(body, sizeof body,
		"{'subject':{'type':'user','id':'alice'%s},'resource':{'type':'record','id':'r'%s},"
		"'action':{'name':'read'%s}%s}",
		part[0], part[1], part[2], part[3]);
	snprintf(asked, sizeof asked,
		"authorize_many {'requests':[{'principal':'alice',%s%s%s'action':'read','resource':"
		"'record:/r'}]}",
		facts != NULL ? "'facts':{" : "", facts != NULL ? facts : "",
		facts != NULL ? "},'undeclared':'ignore'," : "");
	authzen = begin_in(AUTHZEN_EVALUATION, &scope, body);
	expect_asked(authzen, asked);
	authzen_destroy(authzen);
}

Test(authzen_facts, each_place_has_its_space)
{
	expect_facts("resource", "{'owner':'bob'}", "'resource.owner':'bob'");
	expect_facts("action", "{'soft':true}", "'action.soft':true");
	expect_facts("context", "{'amount':-5}", "'context.amount':-5");
	expect_facts("subject", "{'branch':'north'}", "'principal.branch':'north'");
}

Test(authzen_facts, of_the_subject_only_those_of_the_configuration_are_taken)
{
	expect_facts("subject", "{'role':'admin','branch':'n','clearance':{'level':3,'x':1}}",
		"'principal.branch':'n','principal.clearance.level':3");
	expect_facts("subject", "{'role':'admin','clearance':3}", NULL);
}

Test(authzen_facts, objects_are_joined_by_dots_and_are_no_values)
{
	expect_facts("resource", "{'owner':{'name':'bob','level':{'x':3}}}",
		"'resource.owner':1.5,'resource.owner.name':'bob','resource.owner.level':1.5,"
		"'resource.owner.level.x':3");
	expect_facts("resource", "{'owner':{}}", "'resource.owner':1.5");
}

Test(authzen_facts, null_is_absent_and_what_can_be_no_value_is_of_no_type)
{
	expect_facts("resource", "{'a':null,'b':{'c':null}}", "'resource.b':1.5");
	expect_facts("resource", "{'a':0.5}", "'resource.a':1.5");
	expect_facts(
		"resource", "{'a':['x','y'],'b':[]}", "'resource.a':['x','y'],'resource.b':[]");
	expect_facts("resource", "{'a':['x',7],'b':[['x']]}", "'resource.a':1.5,'resource.b':1.5");
}

Test(authzen_facts, two_properties_of_one_name_are_of_no_type)
{
	expect_facts(
		"resource", "{'a.b':'x','a':{'b':'y'}}", "'resource.a.b':1.5,'resource.a':1.5");
}

Test(authzen_facts, names_that_no_fact_has_are_ignored)
{
	expect_facts(
		"resource", "{'':1,'own er':1,'gr\\u00fcn':1,'own':{'':1}}", "'resource.own':1.5");
}

Test(authzen_facts, what_the_daemon_knows_is_ignored)
{
	expect_facts("context",
		"{'environment':'live','service':'s','mfa_age':1,'mfa':{'age':2},'x':1}",
		"'context.mfa':1.5,'context.mfa.age':2,'context.x':1");
	expect_facts("subject", "{'id':'bob','tenant':'t','kind':'user','roles':['admin']}", NULL);
}

Test(authzen_facts, text_and_sets_that_are_too_large_are_of_no_type)
{
	char text[2048], set[2048], object[4096], facts[4096];
	size_t len;

	for (size_t i = 1024; i <= 1025; i++) {
		memset(text, 'x', i);
		text[i] = '\0';
		snprintf(object, sizeof object, "{'a':'%s'}", text);
		snprintf(facts, sizeof facts, i == 1024 ? "'resource.a':'%s'" : "'resource.a':1.5",
			text);
		expect_facts("resource", object, facts);
	}
	for (size_t i = 256; i <= 257; i++) {
		len = 0;
		for (size_t k = 0; k < i; k++) {
			len += (size_t)snprintf(
				set + len, sizeof set - len, "%s'x'", k > 0 ? "," : "");
		}
		snprintf(object, sizeof object, "{'a':[%s]}", set);
		snprintf(facts, sizeof facts, i == 256 ? "'resource.a':[%s]" : "'resource.a':1.5",
			set);
		expect_facts("resource", object, facts);
	}
}

/* The only mistake that the daemon still finds is the caller's, not the configuration's. */
Test(authzen_facts, facts_that_are_too_large_are_a_bad_request)
{
	struct authzen *authzen = begin(AUTHZEN_EVALUATION,
		"{'subject':{'type':'user','id':'alice'},'resource':{'type':'record','id':'r',"
		"'properties':{'a':1}},'action':{'name':'read'}}");

	expect_asked(authzen,
		"authorize_many {'requests':[{'principal':'alice','facts':{'resource.a':1},"
		"'undeclared':'ignore','action':'read','resource':'record:/r'}]}");
	authzen_refused(authzen, "invalid_request", "requests[0].facts",
		"requests[0].facts: has more than 64 facts");
	expect_answer(authzen, 400, "'requests[0].facts: has more than 64 facts'");
}

/* A request with this many properties, each with text of this length. */
static struct authzen *with_properties(unsigned count, size_t len)
{
	static char text[AUTHZEN_MAX_BODY], value[1024];
	size_t at;
	struct authzen *authzen;

	memset(value, 'x', len);
	value[len] = '\0';
	at = (size_t)snprintf(text, sizeof text,
		"{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"read\"},"
		"\"resource\":{\"type\":\"record\",\"id\":\"r\",\"properties\":{");
	for (unsigned i = 0; i < count; i++) {
		at += (size_t)snprintf(text + at, sizeof text - at, "%s\"p%u\":\"%s\"",
			i > 0 ? "," : "", i, value);
		cr_assert_lt(at, sizeof text - 8);
	}
	memcpy(text + at, "}}}", 4);
	cr_assert_eq(authzen_begin(AUTHZEN_EVALUATION, &scope, text, at + 3, &authzen), 0);
	return authzen;
}

Test(authzen_facts, properties_beyond_the_bounds_are_a_bad_request)
{
	static const struct {
		unsigned count;
		size_t len;
		bool good;
	} rows[] = { { 1024, 1, true }, { 1025, 1, false }, { 120, 1000, true },
		{ 252, 1023, false } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct authzen *authzen = with_properties(rows[i].count, rows[i].len);
		struct authzen_call call;

		cr_expect_eq(authzen_next(authzen, &call), rows[i].good, "%zu", i);
		if (!rows[i].good) {
			cr_expect_eq(authzen_answer(authzen).status, 400);
		}
		authzen_destroy(authzen);
	}
}
