/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/http/authzen.h"

#define SCHEME "https://"

/* Longest identifier: a host's name of 253 bytes and a port, and room. */
#define MAX_IDENTIFIER 300

static const struct api_form {
	const char *path;
	const char *member; /* of the metadata */
} forms[AUTHZEN_APIS] = {
	[AUTHZEN_EVALUATION] = { "/access/v1/evaluation", "access_evaluation_endpoint" },
	[AUTHZEN_EVALUATIONS] = { "/access/v1/evaluations", "access_evaluations_endpoint" },
	[AUTHZEN_SUBJECTS] = { "/access/v1/search/subject", "search_subject_endpoint" },
	[AUTHZEN_RESOURCES] = { "/access/v1/search/resource", "search_resource_endpoint" },
	[AUTHZEN_ACTIONS] = { "/access/v1/search/action", "search_action_endpoint" },
};

const char *authzen_path(enum authzen_api api)
{
	return forms[api].path;
}

bool authzen_is_json(const char *content_type)
{
	static const char type[] = "application/json";
	const char *after;

	if (content_type == NULL || strncasecmp(content_type, type, sizeof type - 1) != 0) {
		return false;
	}
	after = content_type + sizeof type - 1;
	after += strspn(after, " \t");
	return *after == '\0' || *after == ';';
}

const char *authzen_check_identifier(const char *url)
{
	const char *host = url + sizeof SCHEME - 1;

	if (strncmp(url, SCHEME, sizeof SCHEME - 1) != 0) {
		return "must begin with https://, as the clients see it before this program";
	}
	if (strlen(url) > MAX_IDENTIFIER) {
		return "is too long";
	}
	if (host[0] == '\0' ||
		strspn(host,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") !=
			strlen(host)) {
		return "must be https:// and a host, with a port or without, and nothing after it";
	}
	return NULL;
}

char *authzen_metadata(const char *url)
{
	json_t *document = json_pack("{s:s}", "policy_decision_point", url);
	char endpoint[MAX_IDENTIFIER + 64];
	char *text = NULL;
	bool good = document != NULL;

	for (enum authzen_api api = AUTHZEN_EVALUATION; good && api < AUTHZEN_APIS; api++) {
		snprintf(endpoint, sizeof endpoint, "%s%s", url, forms[api].path);
		good = json_object_set_new(document, forms[api].member, json_string(endpoint)) == 0;
	}
	if (good) {
		text = json_dumps(document, JSON_COMPACT);
	}
	json_decref(document);
	return text;
}
