/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/ask.h"

#include <string.h>

#include "policy/text/cidr.h"

const struct wire_field ask_fields[ASK_MANY_FIELDS] = {
	[ASK_TOKEN] = WIRE_FIELD("token", WIRE_KIND_TEXT, 0),
	ASK_ROWS,
	[ASK_EXPLAIN] = WIRE_FIELD("explain", WIRE_KIND_BOOL, 0),
	[ASK_REQUESTS] = WIRE_FIELD("requests", WIRE_KIND_MAPS, WIRE_REQUIRED),
};

static void read_subject(const struct wire_value *values, struct subject_ask *out)
{
	*out = (struct subject_ask){
		.has_token = values[ASK_TOKEN].given,
		.has_principal = values[ASK_PRINCIPAL].given,
		.has_environment = values[ASK_ENVIRONMENT].given,
		.has_tenant = values[ASK_TENANT].given,
		/* A parameter that is not given is empty text. */
		.token = subject_str(values[ASK_TOKEN].text),
		.principal = subject_str(values[ASK_PRINCIPAL].text),
		.environment = subject_str(values[ASK_ENVIRONMENT].text),
		.tenant = subject_str(values[ASK_TENANT].text),
	};
}

/* NULL, or what is wrong with the form of the request; *out_param names the parameter. */
static const char *read_request(
	const struct wire_value *values, struct ask *ask, const char **out_param)
{
	bool http = values[ASK_METHOD].given || values[ASK_PATH].given || values[ASK_TREE].given;
	bool named = values[ASK_ACTION].given || values[ASK_RESOURCE].given;

	*out_param = http ? "action" : "method";
	if (http && named) {
		return "give either method and path, or action and resource";
	}
	if (!http && !named) {
		return "missing: give method and path, or action and resource";
	}
	ask->http = http;
	ask->tree = (struct pol_str){ NULL, 0 };
	if (named) {
		if (!values[ASK_ACTION].given || !values[ASK_RESOURCE].given) {
			*out_param = values[ASK_ACTION].given ? "resource" : "action";
			return "missing: action and resource go together";
		}
		ask->verb = subject_str(values[ASK_ACTION].text);
		ask->path = subject_str(values[ASK_RESOURCE].text);
		return NULL;
	}
	if (!values[ASK_METHOD].given || !values[ASK_PATH].given) {
		*out_param = values[ASK_METHOD].given ? "path" : "method";
		return "missing: method and path go together";
	}
	ask->verb = subject_str(values[ASK_METHOD].text);
	ask->path = subject_str(values[ASK_PATH].text);
	ask->tree = values[ASK_TREE].given ? subject_str(values[ASK_TREE].text) : POL_STR("api");
	return NULL;
}

static const char *read_who(
	const struct wire_value *values, struct ask *out, const char **out_param)
{
	read_subject(values, &out->who);
	out->explain = values[ASK_EXPLAIN].given && values[ASK_EXPLAIN].boolean;
	out->not_trusted = !out->trusted && (values[ASK_PRINCIPAL].given || values[ASK_IP].given ||
						    values[ASK_MFA_AT].given ||
						    values[ASK_TIME].given || out->explain);
	if (out->who.has_token && out->who.has_principal) {
		*out_param = "principal";
		return "give either token or principal";
	}
	return NULL;
}

/* What the policy declares. */
static const char *read_given(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param)
{
	const struct given_params params = { &values[ASK_FACTS], &values[ASK_UNDECLARED] };
	struct given_read given;
	const char *wrong;

	out->given = NULL;
	if (!params.facts->given && !params.undeclared->given) {
		return NULL;
	}
	wrong = given_read(call, &params, &given, out_param);
	out->given = given.given;
	if (given.of_principal && !out->trusted) {
		out->not_trusted = true;
	}
	return wrong;
}

static const char *read_facts(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param)
{
	out->service = (struct pol_str){ NULL, 0 };
	if (values[ASK_SERVICE].given) {
		out->service = subject_str(values[ASK_SERVICE].text);
	}
	out->ip = (struct pol_ip){ .known = false };
	if (values[ASK_IP].given &&
		pol_cidr_parse_ip(subject_str(values[ASK_IP].text), &out->ip) != POL_OK) {
		*out_param = "ip";
		return "is no IPv4 or IPv6 address";
	}
	out->mfa_at = values[ASK_MFA_AT].given ? values[ASK_MFA_AT].integer : 0;
	out->time = values[ASK_TIME].given ? values[ASK_TIME].integer : 0;
	return read_given(call, values, out, out_param);
}

static const char *read_all(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param)
{
	const char *wrong = read_who(values, out, out_param);

	if (wrong == NULL) {
		wrong = read_request(values, out, out_param);
	}
	if (wrong == NULL && values[ASK_TREE].given && values[ASK_TREE].text.len == 0) {
		*out_param = "tree";
		return "is empty";
	}
	return wrong != NULL ? wrong : read_facts(call, values, out, out_param);
}

const char *ask_read(const struct call *call, const struct wire_value *values, struct ask *out,
	const char **out_param)
{
	out->trusted = call->peer->trusted;
	return read_all(call, values, out, out_param);
}

const char *ask_read_tried(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param)
{
	out->trusted = true;
	return read_all(call, values, out, out_param);
}

const char *ask_read_listing(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param)
{
	const char *wrong;

	out->trusted = call->peer->trusted;
	wrong = read_who(values, out, out_param);
	out->http = false;
	out->tree = (struct pol_str){ NULL, 0 };
	out->path = (struct pol_str){ NULL, 0 };
	out->verb = (struct pol_str){ NULL, 0 };
	return wrong != NULL ? wrong : read_facts(call, values, out, out_param);
}

void ask_state(const struct ask *ask, struct pol_path_memo *memo, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;

	facts->service = ask->service;
	facts->tree = ask->tree;
	facts->path = ask->path;
	facts->memo = memo;
	facts->verb = ask->verb;
	facts->http = ask->http;
	facts->ip = ask->ip;
	facts->mfa_at = ask->mfa_at;
	facts->time = ask->time;
	facts->given = ask->given;
}

struct pol_str ask_without_query(struct pol_str path)
{
	const char *query = path.len > 0 ? memchr(path.ptr, '?', path.len) : NULL;

	return query != NULL ? (struct pol_str){ path.ptr, (size_t)(query - path.ptr) } : path;
}
