/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tools/lsp/context_internal.h"

static void expect(struct lsp_context *out, unsigned kinds)
{
	out->expects |= kinds;
}

static void keyword(struct lsp_context *out, const char *word)
{
	size_t count = 0;

	while (out->keywords[count] != NULL) {
		count++;
	}
	if (count < LSP_CONTEXT_KEYWORDS) {
		out->keywords[count] = word;
		out->expects |= LSP_EXPECT_KEYWORDS;
	}
}

static void keywords(struct lsp_context *out, const char *const *words)
{
	for (; *words != NULL; words++) {
		keyword(out, *words);
	}
}

/* Does a list begin or go on here? */
static bool in_list(const struct frame *frame)
{
	return frame->comma || pol_str_equal(frame->previous, frame->mode);
}

static bool is_resource(struct pol_str word)
{
	return memchr(word.ptr, ':', word.len) != NULL;
}

/* After `when`, or the `=` of a condition; that is the frame's mode. */
static void in_condition(const struct frame *frame, struct lsp_context *out)
{
	static const char *const after[] = { "is", "in", "not", "has", "and", "or", NULL };

	if (frame->comma || lsp_context_is_one_of(frame->previous, "in < <= > >= any all")) {
		expect(out, LSP_EXPECT_FACTS);
	} else if (lsp_context_is(frame->previous, "is")) {
		expect(out, LSP_EXPECT_FACTS);
		keyword(out, "not");
	} else if (lsp_context_is(frame->previous, "has")) {
		expect(out, LSP_EXPECT_FACTS);
		keyword(out, "any");
		keyword(out, "all");
	} else if (lsp_context_is_one_of(frame->previous, "when = and or not (")) {
		expect(out, LSP_EXPECT_FACTS | LSP_EXPECT_CONDITIONS);
		keyword(out, "not");
	} else {
		keywords(out, after);
	}
}

static void in_facts(const struct frame *frame, struct lsp_context *out)
{
	static const char *const types[] = { "string", "strings", "int", "bool", "time", "duration",
		"address", NULL };

	if (frame->count == 1) {
		keywords(out, types);
	} else if (frame->count > 1 && !lsp_context_is_one_of(frame->previous, "default |")) {
		keyword(out, "default");
	}
}

static void at_top(const struct frame *frame, struct lsp_context *out)
{
	bool role = lsp_context_is(frame->first, "role"),
	     scope = lsp_context_is(frame->first, "scope");

	for (size_t i = 0; frame->count == 0 && i < LSP_STATEMENTS; i++) {
		keyword(out, lsp_context_statements[i].keyword);
	}
	if (lsp_context_is(frame->first, "condition")) {
		if (lsp_context_is(frame->mode, "=")) {
			in_condition(frame, out);
		}
	} else if (lsp_context_is(frame->first, "exclusive") &&
		   (frame->count == 1 || frame->comma)) {
		expect(out, LSP_EXPECT_ROLES);
	} else if (frame->mode.len > 0 && (role || scope) && in_list(frame)) {
		expect(out, role ? LSP_EXPECT_ROLES : LSP_EXPECT_SCOPES);
	} else if (frame->mode.len == 0 && frame->count > 1 && (role || scope)) {
		keyword(out, role ? "inherits" : "includes");
	} else if (frame->mode.len == 0 && frame->count > 1 &&
		   lsp_context_is(frame->first, "environment")) {
		keyword(out, "prefix");
	}
}

static void in_tree(const struct frame *frame, bool own, struct lsp_context *out)
{
	if (frame->count == 0) {
		expect(out, LSP_EXPECT_VERBS | LSP_EXPECT_METHODS);
		if (own) {
			keyword(out, "strict_slash");
		}
	} else if (own && lsp_context_is(frame->first, "strict_slash")) {
		keyword(out, "yes");
		keyword(out, "no");
	} else if (frame->first.ptr[0] != '/') {
		expect(out, LSP_EXPECT_METHODS);
	}
}

static void in_grants(const struct frame *frame, struct lsp_context *out)
{
	bool fresh = pol_str_equal(frame->previous, frame->mode);

	if (frame->mode.len == 0) {
		keyword(out, "allow");
		keyword(out, "deny");
	} else if (lsp_context_is(frame->mode, "when")) {
		in_condition(frame, out);
	} else if (lsp_context_is(frame->mode, "on")) {
		if (in_list(frame)) {
			expect(out, LSP_EXPECT_PATTERNS);
		} else {
			keyword(out, "except");
			keyword(out, "when");
		}
	} else if (!in_list(frame)) {
		if (!is_resource(frame->previous)) {
			keyword(out, "on");
		}
	} else if (frame->comma && is_resource(frame->previous)) {
		expect(out, LSP_EXPECT_PATTERNS);
	} else {
		expect(out, LSP_EXPECT_VERBS);
		if (fresh) {
			keyword(out, "all");
		}
		if (fresh && lsp_context_is(frame->mode, "except")) {
			expect(out, LSP_EXPECT_PATTERNS);
		}
	}
}

/* role A, B at P, P until T; "role" was taken. */
static void in_held(const struct frame *frame, struct lsp_context *out)
{
	bool places = lsp_context_is(frame->mode, "at");

	if (in_list(frame) && !lsp_context_is(frame->mode, "until")) {
		expect(out, places ? LSP_EXPECT_PLACES : LSP_EXPECT_ROLES);
	} else if (!lsp_context_is(frame->mode, "until")) {
		if (!places) {
			keyword(out, "at");
		}
		keyword(out, "until");
	}
}

static void in_principal(const struct frame *frame, struct lsp_context *out)
{
	if (frame->count == 0) {
		keyword(out, "attribute");
		keyword(out, "peer");
		keyword(out, "role");
	} else if (lsp_context_is(frame->first, "peer") && frame->count == 1) {
		keyword(out, "user");
		keyword(out, "group");
	} else if (lsp_context_is(frame->first, "role")) {
		in_held(frame, out);
	}
}

static void in_stack(const struct frame *frame, struct lsp_context *out)
{
	static const char *const controls[] = { "required", "requisite", "sufficient", "optional",
		"include", "substack", NULL };
	static const char *const groups[] = { "authenticate", "account", "authorize", "record",
		NULL };

	if (frame->count == 0) {
		keywords(out, groups);
	} else if (frame->count == 1) {
		keywords(out, controls);
	} else if (frame->count == 2) {
		expect(out, lsp_context_is_one_of(frame->previous, "include substack")
				    ? LSP_EXPECT_STACKS
				    : LSP_EXPECT_MODULES);
	}
}

/* allow|deny VERB, VERB TREE:/path, … because REASON */
static void in_expectation(const struct frame *frame, struct lsp_context *out)
{
	if (lsp_context_is(frame->mode, "because")) {
		if (lsp_context_is(frame->previous, "because")) {
			expect(out, LSP_EXPECT_REASONS);
		}
	} else if (frame->count == 1 || (frame->comma && !is_resource(frame->previous))) {
		expect(out, LSP_EXPECT_VERBS);
	} else if (frame->comma || !is_resource(frame->previous)) {
		expect(out, LSP_EXPECT_PLACES);
	} else if (lsp_context_is(frame->first, "deny")) {
		keyword(out, "because");
	}
}

/* given FACT VALUE, …, FACT … */
static void in_given(const struct frame *frame, struct lsp_context *out)
{
	if (frame->comma || frame->count == 1) {
		expect(out, LSP_EXPECT_FACTS);
	} else if (memchr(frame->previous.ptr, '.', frame->previous.len) != NULL) {
		keyword(out, "absent");
		keyword(out, "empty");
	}
}

static void in_step(const struct frame *frame, struct lsp_context *out)
{
	static const char *const states[] = { "at", "active", "inactive", "expired", "revoked",
		"missing", "unknown", NULL };
	static const char *const subjects[] = { "role", "principal", "nobody", NULL };

	if (lsp_context_is_one_of(frame->first, "allow deny")) {
		in_expectation(frame, out);
	} else if (lsp_context_is(frame->first, "given")) {
		in_given(frame, out);
	} else if (lsp_context_is(frame->first, "as") && frame->count == 1) {
		keywords(out, subjects);
	} else if (lsp_context_is_one_of(frame->first, "and anyone everyone") &&
		   frame->count == 1) {
		keyword(out, "role");
	} else if (lsp_context_is(frame->first, "with") && frame->count == 1) {
		keyword(out, "scope");
	} else if (lsp_context_is(frame->first, "with") && in_list(frame)) {
		expect(out, LSP_EXPECT_SCOPES);
	} else if (lsp_context_is(frame->first, "key") && frame->count == 1) {
		keywords(out, states);
	} else if (lsp_context_is(frame->first, "key") && lsp_context_is(frame->mode, "at") &&
		   in_list(frame)) {
		expect(out, LSP_EXPECT_PLACES);
	} else if (lsp_context_is(frame->first, "environment") && frame->count == 1) {
		expect(out, LSP_EXPECT_ENVIRONMENTS);
	} else if (lsp_context_is(frame->first, "service") && frame->count == 1) {
		expect(out, LSP_EXPECT_STACKS);
	} else if (lsp_context_is(frame->previous, "principal") &&
		   lsp_context_is(frame->mode, "principal")) {
		expect(out, LSP_EXPECT_PRINCIPALS);
		keyword(out, "inactive");
	} else if (lsp_context_is_one_of(frame->first, "as and anyone everyone") &&
		   !lsp_context_is(frame->mode, "principal") && frame->mode.len > 0) {
		in_held(frame, out);
	}
}

static void in_test(const struct frame *frame, struct lsp_context *out)
{
	static const char *const steps[] = { "allow", "and", "anyone", "as", "deny", "environment",
		"everyone", "from", "given", "key", "mfa", "peer", "service", "time", "with",
		NULL };

	if (frame->count == 0) {
		keywords(out, steps);
	} else {
		in_step(frame, out);
	}
}

static void in_limits(const struct frame *frame, struct lsp_context *out)
{
	static const char *const limits[] = { "keys_per_principal", "secrets_per_principal",
		"key_ttl", "key_max_ttl", "rotation_overlap", "rotation_max_overlap", NULL };

	if (frame->count == 0) {
		keywords(out, limits);
	}
}

void lsp_context_expect(const struct frame *frame, bool own, struct lsp_context *out)
{
	switch (frame->block) {
	case TOP:
		at_top(frame, out);
		break;
	case TREE:
		in_tree(frame, own, out);
		break;
	case GRANTS:
		in_grants(frame, out);
		break;
	case SUFFIXES:
		expect(out, frame->count == 0 ? LSP_EXPECT_PATTERNS : 0);
		break;
	case PRINCIPAL:
		in_principal(frame, out);
		break;
	case LIMITS:
		in_limits(frame, out);
		break;
	case STACK:
		in_stack(frame, out);
		break;
	case TEST:
		in_test(frame, out);
		break;
	case FACTS:
		in_facts(frame, out);
		break;
	case PARAMETER:
		break;
	}
}
