/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/call/dispatch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/host/log.h"
#include "daemon/host/redact.h"
#include "daemon/store/env.h"

/* In the order of how often they are called. */
static const struct {
	const struct method *methods;
	const size_t *count;
} nouns[] = {
	{ authorize_methods, &authorize_method_count },
	{ plan_methods, &plan_method_count },
	{ permissions_methods, &permissions_method_count },
	{ who_methods, &who_method_count },
	{ whoami_methods, &whoami_method_count },
	{ keys_methods, &keys_method_count },
	{ principals_methods, &principals_method_count },
	{ assignments_methods, &assignments_method_count },
	{ roles_methods, &roles_method_count },
	{ tenants_methods, &tenants_method_count },
	{ pepper_methods, &pepper_method_count },
	{ policy_methods, &policy_method_count },
	{ decisions_methods, &decisions_method_count },
	{ audit_methods, &audit_method_count },
	{ store_methods, &store_method_count },
	{ hosts_methods, &hosts_method_count },
	{ status_methods, &status_method_count },
};

const struct method *dispatch_find(struct wire_str name)
{
	for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++) {
		for (size_t k = 0; k < *nouns[i].count; k++) {
			const struct method *method = &nouns[i].methods[k];

			/* By length first: a name from a request may hold a NUL. */
			if (strlen(method->name) == name.len &&
				memcmp(method->name, name.ptr, name.len) == 0) {
				return method;
			}
		}
	}
	return NULL;
}

/* May the peer act as a principal? */
static int admit_impersonation(
	const struct method *method, const struct peer *peer, struct wire_error *err)
{
	struct wire_str none = { NULL, 0 };

	if ((method->flags & METHOD_TOKEN) == 0) {
		wire_error_set(err, WIRE_FORBIDDEN, none,
			"this method is for peers that manage: no principal may call it");
	} else if (!peer->may_manage) {
		wire_error_set(err, WIRE_FORBIDDEN, none,
			"this socket is for decisions: use a socket for managing to impersonate");
	} else if (!peer->impersonates) {
		wire_error_set(err, WIRE_FORBIDDEN, none,
			"you may impersonate nobody: an `impersonate` line of the configuration "
			"can allow it");
	} else {
		return 0;
	}
	return WIRE_EPARAM;
}

int dispatch_admit(const struct method *method, const struct peer *peer, enum dispatch_by by,
	struct wire_error *err)
{
	struct wire_str none = { NULL, 0 };
	bool has_token = by == DISPATCH_BY_TOKEN;

	if ((method->flags & METHOD_MANAGES) == 0) {
		if (peer->may_decide) {
			return 0;
		}
		wire_error_set(err, WIRE_FORBIDDEN, none,
			"this socket is for managing only: use one for decisions");
		return WIRE_EPARAM;
	}
	if (by == DISPATCH_BY_PRINCIPAL) {
		return admit_impersonation(method, peer, err);
	}
	if (has_token && (method->flags & METHOD_TOKEN) == 0) {
		wire_error_set(err, WIRE_FORBIDDEN, none,
			"this method is for peers that manage and takes no token");
		return WIRE_EPARAM;
	}
	if (!peer->may_manage && !has_token) {
		wire_error_set(err, WIRE_FORBIDDEN, none,
			"this socket is for decisions: %suse a socket for managing",
			(method->flags & METHOD_TOKEN) != 0 ? "give a token, or " : "");
		return WIRE_EPARAM;
	}
	/* The handler runs after the reload, which is too late, or when the change had its turn. */
	if (((method->flags & METHOD_RELOADS) != 0 ||
		    (method->flags & (METHOD_CHANGES | METHOD_TOKEN)) == METHOD_CHANGES) &&
		!peer_manages(peer)) {
		wire_error_set(err, WIRE_FORBIDDEN, none, "%s", PEER_NOT_MANAGER);
		return WIRE_EPARAM;
	}
	return 0;
}

static bool manages(const struct method *method)
{
	return (method->flags & METHOD_MANAGES) != 0;
}

/* What changes this host alone is nowhere else. */
static bool has_everywhere(const struct method *method)
{
	const uint32_t both = METHOD_CHANGES | METHOD_MANAGES;

	return (method->flags & (both | METHOD_LOCAL)) == both;
}

/* With the common parameters. */
__attribute__((noinline)) static int decode_all(const struct method *method,
	struct wire_cursor params, struct wire_value values[], struct wire_error *err)
{
	struct wire_field fields[WIRE_MAX_FIELDS];
	uint32_t count = method->field_count;

	if (count > 0) {
		memcpy(fields, method->fields, count * sizeof fields[0]);
	}
	if (manages(method)) {
		fields[count++] = (struct wire_field)WIRE_FIELD("token", WIRE_KIND_TEXT, 0);
		fields[count++] = (struct wire_field)WIRE_FIELD("impersonate", WIRE_KIND_TEXT, 0);
	}
	fields[count++] = (struct wire_field)WIRE_FIELD("as_of", WIRE_KIND_TEXT, 0);
	if (has_everywhere(method)) {
		fields[count++] = (struct wire_field)WIRE_FIELD("everywhere", WIRE_KIND_BOOL, 0);
	}
	return wire_decode_params(params, fields, count, values, err);
}

int dispatch_decode_params(const struct method *method, struct wire_cursor params,
	struct wire_value values[], struct wire_error *err)
{
	/* Decisions seldom have a common parameter: their fields are tried first as they are. */
	if (!manages(method) && wire_decode_params(params, method->fields, method->field_count,
					values, err) == WIRE_OK) {
		values[method->field_count] = (struct wire_value){ .given = false };
		return WIRE_OK;
	}
	return decode_all(method, params, values, err);
}

/* By whom a call with these values is. WIRE_EPARAM: by two. */
static int find_caller(const struct method *method, const struct wire_value *values,
	enum dispatch_by *out, struct wire_error *err)
{
	const struct wire_value *token = &values[method->field_count];
	const struct wire_value *principal = token + 1;

	*out = DISPATCH_BY_PEER;
	if (!manages(method)) {
		return 0;
	}
	if (token->given && principal->given) {
		wire_error_set(err, WIRE_INVALID_REQUEST, WIRE_STR("impersonate"),
			"impersonate: give either token or impersonate");
		return WIRE_EPARAM;
	}
	*out = token->given       ? DISPATCH_BY_TOKEN
	       : principal->given ? DISPATCH_BY_PRINCIPAL
				  : DISPATCH_BY_PEER;
	return 0;
}

int dispatch_decode(const struct wire_request *request, const struct peer *peer,
	const struct method **out, struct wire_value values[static WIRE_MAX_FIELDS],
	struct wire_error *err)
{
	const struct method *method = dispatch_find(request->method);
	enum dispatch_by by = DISPATCH_BY_PEER;
	int r;

	if (method == NULL) {
		wire_error_set(err, WIRE_UNKNOWN_METHOD, (struct wire_str){ NULL, 0 },
			"this daemon has no method of that name");
		return WIRE_EPARAM;
	}
	r = dispatch_decode_params(method, request->params, values, err);
	if (r == 0) {
		r = find_caller(method, values, &by, err);
	}
	if (r == 0) {
		r = dispatch_admit(method, peer, by, err);
	}
	if (r == 0) {
		*out = method;
	}
	return r;
}

enum dispatch_by dispatch_by(const struct call *call)
{
	const struct wire_value *token = &call->params[call->method->field_count];

	if (!manages(call->method)) {
		return DISPATCH_BY_PEER;
	}
	/* Both are refused when they are decoded. */
	return token[0].given   ? DISPATCH_BY_TOKEN
	       : token[1].given ? DISPATCH_BY_PRINCIPAL
				: DISPATCH_BY_PEER;
}

struct wire_str dispatch_caller(const struct call *call)
{
	const struct wire_value *token = &call->params[call->method->field_count];

	return token[dispatch_by(call) == DISPATCH_BY_PRINCIPAL ? 1 : 0].text;
}

const struct wire_value *dispatch_as_of(
	const struct method *method, const struct wire_value *values)
{
	const struct wire_value *as_of = &values[method->field_count + (manages(method) ? 2 : 0)];

	return as_of->given ? as_of : NULL;
}

bool dispatch_local(const struct method *method, const struct wire_value *values)
{
	return (method->flags & METHOD_MARKS) != 0 && values[1].given && values[1].boolean;
}

bool dispatch_everywhere(const struct method *method, const struct wire_value *values)
{
	const struct wire_value *everywhere = &values[method->field_count + 3];

	return has_everywhere(method) && everywhere->given && everywhere->boolean;
}

void dispatch_fail(struct wire_buf *out, uint32_t id, int error)
{
	struct wire_error err;
	bool host = error == -ENOMEM || error == -ENOSPC || error == -EDQUOT || error == -EFBIG ||
		    error == -EMFILE || error == -ENFILE || error == -EAGAIN || error == -ENOBUFS;

	wire_error_set(&err, host ? WIRE_OVERLOADED : WIRE_INTERNAL, (struct wire_str){ NULL, 0 },
		"%s",
		error == -ENOBUFS ? "this user's requests and answers take as much memory as one "
				    "user may have: read answers before you send more"
				  : store_explain(error));
	wire_put_error(out, &id, &err);
}

int dispatch_run(struct call *call, call_handler run)
{
	struct wire_buf *out = call->out;
	/* What goes on has a buffer of its own. */
	size_t mark = call->done > 0 ? 0 : out->len;
	int r = run(call);

	if (r == CALL_MORE) {
		wire_buf_rewind(out, mark);
		return r;
	}
	if (r >= 0 && out->status == WIRE_OK && out->len == mark) {
		r = -EPROTO;
	}
	if (r >= 0 && out->status == WIRE_OK && out->len - mark <= WIRE_MAX_RESPONSE) {
		return r;
	}
	if (r >= 0) {
		r = out->status == WIRE_ENOMEM ? -ENOMEM : -EMSGSIZE;
	}
	wire_buf_rewind(out, mark);
	if (r == -EMSGSIZE) {
		call_error(call, "limit_reached",
			"the answer is larger than 4 MiB: ask for less with `limit`");
		return r;
	}
	/* The writer logs changes without room, once for many. */
	if (r != -ENOSPC && r != -EDQUOT && r != -EFBIG) {
		log_error("a call failed", "method=%s error=%s", call->method->name, strerror(-r));
	}
	dispatch_fail(out, call->id, r);
	return r;
}

__attribute__((format(printf, 4, 0))) static void encode_error(
	struct call *call, const char *code, const char *param, const char *format, va_list args)
{
	char message[WIRE_MESSAGE_SIZE];
	struct wire_error err;

	vsnprintf(message, sizeof message, format, args);
	/* Clients log messages. */
	message[redact_tokens(message, strlen(message), "...")] = '\0';
	wire_error_set(&err, wire_code_find((struct wire_str){ code, strlen(code) }),
		(struct wire_str){ param, param != NULL ? strlen(param) : 0 }, "%s", message);
	wire_put_error(call->out, &call->id, &err);
}

int call_error(struct call *call, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	encode_error(call, code, NULL, format, args);
	va_end(args);
	return 1;
}

int call_stale(struct call *call)
{
	return call_error(call, "stale", "%s",
		call->late ? "this host does not have the change that as_of names"
			   : "what this host knows of the shared store is not recent enough");
}

int call_invalid(struct call *call, const char *param, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	encode_error(call, "invalid_request", param, format, args);
	va_end(args);
	return 1;
}
