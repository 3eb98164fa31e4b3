/* SPDX-License-Identifier: Apache-2.0 */
/* policy.status and policy.reload; the table of methods. */
#include "daemon/manage/policy.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/call/methods.h"
#include "daemon/config/config.h"

int policy_admit(struct call *call)
{
	return peer_manages(call->peer) ? 0 : call_error(call, "forbidden", "%s", PEER_NOT_MANAGER);
}

/* Only a superuser sees ids of all keys and principals. */
static void encode_dangling(struct call *call, const struct report_policy *report)
{
	const struct report_source *source = &call->context->report;
	struct wire_buf *out = call->out;

	wire_put_cstr(out, "dangling");
	wire_put_map(out, 2);
	wire_put_cstr(out, "total");
	wire_put_int(out, (int64_t)report->dangling);
	wire_put_cstr(out, "items");
	if (call->peer->superuser) {
		source->encode_dangling(source->data, out);
	} else {
		wire_put_array(out, 0);
	}
}

/* With the daemon's working folder before a relative path. */
static void encode_folder(struct wire_buf *out, const char *path)
{
	char whole[2 * PATH_MAX];

	if (path[0] != '/' && getcwd(whole, PATH_MAX) != NULL) {
		size_t len = strlen(whole);

		snprintf(whole + len, sizeof whole - len, "%s%s", len > 1 ? "/" : "", path);
		path = whole;
	}
	wire_put_cstr(out, "folder");
	wire_put_cstr(out, path);
}

/* nil: the policy that answers is that of the folder. */
static void encode_last_good(struct wire_buf *out, const struct report_policy *report)
{
	wire_put_cstr(out, "last_good");
	if (!report->last_good) {
		wire_put_nil(out);
		return;
	}
	wire_put_map(out, 2);
	wire_put_cstr(out, "kept_at");
	wire_put_int(out, report->kept_at);
	wire_put_cstr(out, "why");
	wire_put_cstr(out, report->broken);
}

void policy_encode(struct call *call, const struct report_policy *report)
{
	const struct report_source *source = &call->context->report;
	struct wire_buf *out = call->out;
	const struct pol_counts counts = pol_snapshot_counts(call->snapshot);
	const struct {
		const char *name;
		size_t value;
	} numbers[] = {
		{ "roles", counts.roles },
		{ "scopes", counts.scopes },
		{ "trees", counts.trees },
		{ "nodes", counts.nodes },
		{ "permissions", counts.permissions },
		{ "tests", counts.tests },
		{ "bytes", counts.bytes },
		{ "reloads", report->reloads },
		{ "refused", report->refused },
		{ "warnings", report->warnings },
		{ "errors", report->errors },
	};
	uint32_t pairs = 6;
	size_t at = wire_open_map(out);

	wire_put_cstr(out, "revision");
	wire_put_cstr(out, report->revision);
	wire_put_cstr(out, "commit");
	if (report->commit[0] != '\0') {
		wire_put_cstr(out, report->commit);
	} else {
		wire_put_nil(out);
	}
	wire_put_cstr(out, "serial");
	wire_put_int(out, (int64_t)report->serial);
	wire_put_cstr(out, "snapshot");
	wire_put_int(out, (int64_t)call->serial);
	wire_put_cstr(out, "loaded_at");
	wire_put_int(out, report->loaded_at);
	wire_put_cstr(out, "attempted_at");
	wire_put_int(out, report->attempted_at);
	wire_put_cstr(out, "ok");
	wire_put_bool(out, report->ok);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		wire_put_cstr(out, numbers[i].name);
		wire_put_int(out, (int64_t)numbers[i].value);
		pairs++;
	}
	wire_put_cstr(out, "diagnostics");
	source->encode_diagnostics(source->data, out);
	wire_put_cstr(out, "attempts");
	source->encode_attempts(source->data, out);
	encode_dangling(call, report);
	encode_last_good(out, report);
	encode_folder(out, call->context->config->policy);
	wire_close_map(out, at, pairs + 6);
}

static int policy_status(struct call *call)
{
	const struct report_source *source = &call->context->report;
	struct report report;
	int r = policy_admit(call);

	if (r != 0) {
		return r;
	}
	source->fill(source->data, call->now, &report);
	wire_put_result(call->out, call->id);
	policy_encode(call, &report.policy);
	return 0;
}

/* Runs after the reload, which dispatch_admit allowed, and answers with its result. */
static int policy_reload(struct call *call)
{
	const struct report_source *source = &call->context->report;
	struct report report;
	struct wire_error err;

	source->fill(source->data, call->now, &report);
	if (report.policy.ok) {
		wire_put_result(call->out, call->id);
		wire_put_map(call->out, 3);
		wire_put_cstr(call->out, "revision");
		wire_put_cstr(call->out, report.policy.revision);
		wire_put_cstr(call->out, "diagnostics");
		source->encode_diagnostics(source->data, call->out);
		encode_dangling(call, &report.policy);
		return 0;
	}
	wire_error_set(&err, WIRE_INVALID_POLICY, (struct wire_str){ NULL, 0 },
		"the policy was refused with %llu %s: revision %s goes on answering",
		(unsigned long long)report.policy.errors,
		report.policy.errors == 1 ? "error" : "errors", report.policy.revision);
	wire_begin_error(call->out, &call->id, &err, 1);
	wire_put_cstr(call->out, "diagnostics");
	source->encode_diagnostics(source->data, call->out);
	wire_put_nil(call->out);
	return 1;
}

const struct method policy_methods[] = {
	{ "policy.names", NULL, 0, METHOD_MANAGES | METHOD_ANY_AGE, policy_names },
	{ "policy.reload", NULL, 0, METHOD_MANAGES | METHOD_RELOADS, policy_reload },
	{ "policy.status", NULL, 0, METHOD_MANAGES | METHOD_ANY_AGE, policy_status },
	/* It shows what the files declare, which does not come from the store. */
	{ "policy.tree", policy_tree_fields, POLICY_TREE_FIELDS,
		METHOD_MANAGES | METHOD_TOKEN | METHOD_ANY_AGE, policy_tree },
};
const size_t policy_method_count = sizeof policy_methods / sizeof policy_methods[0];
