/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/nearest.h"

enum flag_kind {
	KIND_SWITCH = 0,
	KIND_VALUE,
	KIND_LIST,  /* A,B, and may be repeated */
	KIND_ITEMS, /* may be repeated; a comma is part of the value */
};

struct flag_info {
	const char *name;
	char letter;
	enum flag_kind kind;
	const char *value;
	const char *text;
};

static const struct flag_info infos[FLAG_COUNT] = {
	[FLAG_NONE] = { "", 0, KIND_SWITCH, NULL, "" },
	[FLAG_SOCKET] = { "socket", 0, KIND_VALUE, "PATH", "the daemon's socket" },
	[FLAG_SERVER_USER] = { "server-user", 0, KIND_VALUE, "USER",
		"the user that the daemon runs as, if not trusted otherwise" },
	[FLAG_JSON] = { "json", 0, KIND_SWITCH, NULL, "one JSON document on standard output" },
	[FLAG_NO_COLOR] = { "no-color", 0, KIND_SWITCH, NULL, "no colour, not even on a terminal" },
	[FLAG_NO_PAGER] = { "no-pager", 0, KIND_SWITCH, NULL, "print lists without $PAGER" },
	[FLAG_TIMEOUT] = { "timeout", 0, KIND_VALUE, "TIME",
		"how long to wait for the daemon (default 5s; 15s for changes)" },
	[FLAG_EVERYWHERE] = { "everywhere", 0, KIND_SWITCH, NULL,
		"in a shared store, end when no host goes by what was before" },
	[FLAG_AS_OF] = { "as-of", 0, KIND_VALUE, "PLACE",
		"in a shared store, by a host that has this change" },
	[FLAG_HELP] = { "help", 'h', KIND_SWITCH, NULL, "this text" },
	[FLAG_VERSION] = { "version", 0, KIND_SWITCH, NULL, "the version" },
	[FLAG_PRINCIPAL] = { "principal", 0, KIND_VALUE, "ID", "the principal" },
	[FLAG_ROLE] = { "role", 0, KIND_LIST, "A,B", "roles" },
	[FLAG_ONE_ROLE] = { "role", 0, KIND_VALUE, "ROLE", "the role" },
	[FLAG_SCOPE] = { "scope", 0, KIND_LIST, "A,B", "scopes" },
	[FLAG_ONE_SCOPE] = { "scope", 0, KIND_VALUE, "SCOPE", "the scope" },
	[FLAG_NAME] = { "name", 0, KIND_VALUE, "TEXT", "a name for people" },
	[FLAG_LABEL] = { "label", 0, KIND_VALUE, "TEXT", "a label to find it by" },
	[FLAG_KIND] = { "kind", 0, KIND_VALUE, "KIND", "user or service" },
	[FLAG_ATTRIBUTE] = { "attribute", 0, KIND_ITEMS, "NAME=TEXT",
		"an attribute; may be repeated" },
	[FLAG_SET_ATTRIBUTE] = { "attribute", 0, KIND_ITEMS, "NAME=TEXT",
		"an attribute to set; may be repeated; '' removes all" },
	[FLAG_REMOVE_ATTRIBUTE] = { "remove-attribute", 0, KIND_LIST, "A,B",
		"attributes to remove" },
	[FLAG_API_ACCESS] = { "api-access", 0, KIND_VALUE, "yes|no",
		"whether its keys may be used" },
	[FLAG_DESCRIPTION] = { "description", 0, KIND_VALUE, "TEXT", "what it is for" },
	[FLAG_INHERITS] = { "inherits", 0, KIND_LIST, "A,B", "roles that it inherits" },
	[FLAG_GRANT] = { "grant", 0, KIND_ITEMS, "GRANT",
		"`allow …` or `deny …`, as in the policy; may be repeated" },
	[FLAG_STATUS] = { "status", 0, KIND_VALUE, "STATUS", "only those of this status" },
	[FLAG_ENVIRONMENT] = { "environment", 0, KIND_VALUE, "NAME", "the environment" },
	[FLAG_TENANT] = { "tenant", 0, KIND_VALUE, "NAME", "the tenant" },
	[FLAG_EXPIRES_IN] = { "expires-in", 0, KIND_VALUE, "TIME",
		"when it expires, from now: 90d, 12h, 30m" },
	[FLAG_EXPIRES_AT] = { "expires-at", 0, KIND_VALUE, "WHEN", "when it expires: RFC 3339" },
	[FLAG_NOT_BEFORE] = { "not-before", 0, KIND_VALUE, "WHEN",
		"when it begins to work: RFC 3339" },
	[FLAG_ROTATE_EVERY] = { "rotate-every", 0, KIND_VALUE, "TIME",
		"the schedule by which its holder renews it: 90d" },
	[FLAG_MODE] = { "mode", 0, KIND_VALUE, "MODE",
		"overlap (the default), confirm or immediate" },
	[FLAG_OVERLAP] = { "overlap", 0, KIND_VALUE, "TIME",
		"how long the old secret stays valid: 24h" },
	[FLAG_FINISH_OLD] = { "finish-old", 0, KIND_SWITCH, NULL,
		"first end the other secret of a rotation that is under way" },
	[FLAG_EVERYONE] = { "everyone", 0, KIND_SWITCH, NULL,
		"of every principal of the tenant, now and later" },
	[FLAG_ANYONE] = { "anyone", 0, KIND_SWITCH, NULL,
		"of every caller of the tenant, also without a token where a stack lets it in" },
	[FLAG_UNTIL] = { "until", 0, KIND_VALUE, "WHEN",
		"when it ends: RFC 3339, or from now: 30d" },
	[FLAG_NETWORK] = { "network", 0, KIND_LIST, "CIDR,CIDR", "the networks it works from" },
	[FLAG_AT] = { "at", 0, KIND_ITEMS, "TREE:/PATH",
		"only at or below this place; may be repeated" },
	[FLAG_SERVICE] = { "service", 0, KIND_VALUE, "NAME", "the service whose stack decides" },
	[FLAG_TREE] = { "tree", 0, KIND_VALUE, "NAME", "the resource tree" },
	[FLAG_SEARCH] = { "search", 0, KIND_VALUE, "WORD",
		"only what has this word in its path, actions or description" },
	[FLAG_UNFOLD] = { "unfold", 0, KIND_SWITCH, NULL,
		"draw also what is allowed, or not allowed, as a whole" },
	[FLAG_HTML] = { "html", 0, KIND_VALUE, "FILE",
		"write a page for a browser; - is standard output" },
	[FLAG_OUTPUT] = { "output", 'o', KIND_VALUE, "FILE",
		"write it to this file, in one step, and not to standard output" },
	[FLAG_IP] = { "ip", 0, KIND_VALUE, "ADDRESS", "the caller's address" },
	[FLAG_MFA_AT] = { "mfa-at", 0, KIND_VALUE, "WHEN",
		"when the caller last gave a second factor: RFC 3339, now, or 5m for 5 minutes "
		"ago" },
	[FLAG_TIME] = { "time", 0, KIND_VALUE, "WHEN",
		"the time at which it is decided: RFC 3339 or now" },
	[FLAG_FACT] = { "fact", 0, KIND_ITEMS, "NAME=VALUE",
		"a fact of the request, such as context.amount=500 or 'resource.regions=[\"EU\"]'; "
		"may be repeated" },
	[FLAG_SQL] = { "sql", 0, KIND_VALUE, "DIALECT",
		"the WHERE of a query: postgresql, mysql, mariadb or sqlite" },
	[FLAG_COLUMN] = { "column", 0, KIND_ITEMS, "FACT=EXPR",
		"the SQL expression of a fact or, as '{NAME}=EXPR', of a parameter; default: its "
		"name in quotes; may be repeated" },
	[FLAG_TOKEN] = { "token", 0, KIND_VALUE, "TOKEN",
		"the token; - reads it from standard input" },
	[FLAG_TOKEN_FILE] = { "token-file", 0, KIND_VALUE, "FILE",
		"a file whose first line is the token (or set $AUTHZ_TOKEN)" },
	[FLAG_IMPERSONATE] = { "impersonate", 0, KIND_VALUE, "ID",
		"call as this principal, if an 'impersonate' line names you" },
	[FLAG_EXPLAIN] = { "explain", 0, KIND_SWITCH, NULL, "explain the decision, line by line" },
	[FLAG_EXPLAIN_CODE] = { "explain", 0, KIND_VALUE, "CODE", "explain a warning's code" },
	[FLAG_LIST_CODES] = { "list", 0, KIND_SWITCH, NULL, "list the codes of all warnings" },
	[FLAG_ACTOR] = { "actor", 0, KIND_VALUE, "ACTOR",
		"only what this actor did: uid:N, key:ID, principal:ID or daemon" },
	[FLAG_KEY] = { "key", 0, KIND_VALUE, "ID", "this key alone" },
	[FLAG_TARGET_KIND] = { "kind", 0, KIND_VALUE, "KIND",
		"only what is about a key, principal, role, tenant, policy, store or alarm" },
	[FLAG_TARGET] = { "target", 0, KIND_VALUE, "ID", "with --kind: about this one alone" },
	[FLAG_OF_KEY] = { "key", 0, KIND_VALUE, "ID",
		"the key with this id, without its secret, which counts nothing" },
	[FLAG_SINCE] = { "since", 0, KIND_VALUE, "WHEN",
		"from this time on: RFC 3339, or how long ago: 7d" },
	[FLAG_BEFORE] = { "until", 0, KIND_VALUE, "WHEN",
		"up to this time: RFC 3339, or how long ago" },
	[FLAG_AFTER] = { "after", 0, KIND_VALUE, "RECORD",
		"only the records after this one, by its number" },
	[FLAG_FOLLOW] = { "follow", 'f', KIND_SWITCH, NULL,
		"wait for new records and show them, too" },
	[FLAG_LINES] = { "lines", 'n', KIND_VALUE, "N", "only the last N" },
	[FLAG_VERIFY] = { "verify", 0, KIND_SWITCH, NULL,
		"check every record of the trail, and that the store agrees with it" },
	[FLAG_STATE] = { "state", 0, KIND_VALUE, "DIR", "the daemon's state folder" },
	[FLAG_CONFIG] = { "config", 0, KIND_VALUE, "FILE", "the daemon's configuration" },
	[FLAG_ACCEPT_ROLLBACK] = { "accept-rollback", 0, KIND_SWITCH, NULL,
		"accept that later changes are lost: keys revoked since work again" },
	[FLAG_ACCEPT_LOST] = { "accept-lost-keys", 0, KIND_SWITCH, NULL,
		"accept that keys whose pepper is gone are unknown from now on" },
	[FLAG_RESTORE] = { "restore", 0, KIND_VALUE, "COPY",
		"begin again from this copy, on all hosts" },
	[FLAG_AT_PLACE] = { "at", 0, KIND_VALUE, "PLACE",
		"refuse a database that does not have this change" },
	[FLAG_DISCARD] = { "discard", 0, KIND_SWITCH, NULL,
		"replace a store that has records; a copy of it stays" },
	[FLAG_LOCAL] = { "local", 0, KIND_SWITCH, NULL,
		"refuse it on this host now, also while the shared database is away" },
	[FLAG_FORMAT] = { "format", 0, KIND_VALUE, "FORMAT", "the form of the output" },
	[FLAG_CHECK] = { "check", 0, KIND_SWITCH, NULL,
		"change no file: list those that would change" },
	[FLAG_DIFF] = { "diff", 0, KIND_SWITCH, NULL,
		"change no file: print what would change, for patch(1)" },
	[FLAG_FAIL_ON] = { "fail-on", 0, KIND_VALUE, "any|gain|loss",
		"which differences make exit status 1: default any" },
	[FLAG_AGAINST] = { "against", 0, KIND_VALUE, "SOCKET",
		"also look in the store of that daemon: what the policy lacks, or changes" },
	[FLAG_AGAINST_POLICY] = { "against", 0, KIND_VALUE, "POLICY",
		"print what differs from this policy file or folder instead" },
	[FLAG_BASE] = { "base", 0, KIND_VALUE, "PATH",
		"stands before all paths; / for nothing (default: as the server's URL has it)" },
	[FLAG_PREFIX] = { "prefix", 0, KIND_VALUE, "WORD",
		"how keys begin: acme makes acme_live_ and acme_test_" },
	[FLAG_OPENAPI] = { "openapi", 0, KIND_VALUE, "FILE", "the API's OpenAPI document" },
	[FLAG_ROUTES] = { "routes", 0, KIND_VALUE, "FILE",
		"the API's routes, as import-routes reads them" },
	[FLAG_NAME_OF_API] = { "name", 0, KIND_VALUE, "NAME",
		"what the tree and the stack are called (default api)" },
	[FLAG_MODULES] = { "modules", 0, KIND_VALUE, "DIR",
		"the folder of modules that are not built in; those that the policy names are "
		"run" },
	[FLAG_VERBOSE] = { "verbose", 'v', KIND_SWITCH, NULL,
		"a line for each test, and why it failed" },
	[FLAG_FILTER] = { "filter", 0, KIND_VALUE, "PATTERN",
		"only the tests whose name has this in it; * is any text, ? one character" },
	[FLAG_COVERAGE] = { "coverage", 0, KIND_SWITCH, NULL,
		"which rules, roles, scopes and lines of stacks no test depends on" },
	[FLAG_FAIL_UNDER] = { "fail-under", 0, KIND_VALUE, "PERCENT",
		"exit status 1 when it is less than this, from 0 to 100" },
	[FLAG_JOBS] = { "jobs", 'j', KIND_VALUE, "N",
		"how many processes work at it (default: one for each processor)" },
	[FLAG_ALL] = { "all", 0, KIND_SWITCH, NULL,
		"every key that the other options do not exclude" },
	[FLAG_DRY_RUN] = { "dry-run", 0, KIND_SWITCH, NULL,
		"show what would be done, and do nothing" },
	[FLAG_YES] = { "yes", 'y', KIND_SWITCH, NULL, "do not ask before many keys are changed" },
	[FLAG_HASH] = { "hash", 0, KIND_VALUE, "SHA256",
		"the SHA-256 of a token, in hex or base64" },
	[FLAG_IDLE] = { "idle", 0, KIND_VALUE, "TIME", "not used for this long: default 90d" },
	[FLAG_EXPIRING] = { "expiring", 0, KIND_VALUE, "TIME",
		"expires within this time: default 30d" },
	[FLAG_COLUMNS] = { "columns", 0, KIND_LIST, "A,B", "only these columns, in this order" },
	[FLAG_WIDE] = { "wide", 0, KIND_SWITCH, NULL,
		"whole values in all columns, however wide the terminal" },
	[FLAG_FAMILY] = { "family", 0, KIND_VALUE, "FAMILY",
		"ask as nginx, forwarded (Caddy, Traefik, HAProxy) or envoy; default: each in "
		"turn" },
	[FLAG_HEADER] = { "header", 0, KIND_VALUE, "NAME",
		"send the token in this header, not as a bearer token" },
	[FLAG_COOKIE] = { "cookie", 0, KIND_VALUE, "NAME", "send the token in this cookie" },
	[FLAG_LISTEN] = { "listen", 0, KIND_VALUE, "ADDRESS",
		"127.0.0.1:PORT or [::1]:PORT (default: a free port)" },
	[FLAG_NO_BROWSER] = { "no-browser", 0, KIND_SWITCH, NULL, "open no browser" },
	[FLAG_COUNT_OF] = { "count", 0, KIND_VALUE, "N", "how many" },
	[FLAG_FOR] = { "for", 0, KIND_VALUE, "TIME", "how long: 10m (default: until Ctrl-C)" },
	[FLAG_RUNNING] = { "running", 0, KIND_VALUE, "POLICY",
		"the policy that the daemon runs: a folder or a git revision" },
};

static const enum flag globals[] = { FLAG_SOCKET, FLAG_SERVER_USER, FLAG_JSON, FLAG_NO_COLOR,
	FLAG_NO_PAGER, FLAG_TIMEOUT, FLAG_EVERYWHERE, FLAG_AS_OF, FLAG_HELP, FLAG_VERSION };

enum {
	GLOBAL_COUNT = sizeof globals / sizeof globals[0],
	LONG_BASE = 256, /* what getopt_long returns for FLAG_NONE's long name */
};

size_t args_globals(const enum flag **out)
{
	*out = globals;
	return GLOBAL_COUNT;
}

const char *args_name(enum flag flag)
{
	return infos[flag].name;
}

enum flag args_find(const char *word)
{
	const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : "";
	size_t len = strcspn(name, "=");

	for (enum flag flag = FLAG_NONE + 1; flag < FLAG_COUNT; flag++) {
		const struct flag_info *info = &infos[flag];
		bool by_letter = info->letter != 0 && word[0] == '-' && word[1] == info->letter &&
				 word[2] == '\0';

		if (by_letter || (len > 0 && strlen(info->name) == len &&
					 memcmp(info->name, name, len) == 0)) {
			return flag;
		}
	}
	return FLAG_NONE;
}

bool args_takes_value(enum flag flag)
{
	return infos[flag].kind != KIND_SWITCH;
}

bool args_is_list(enum flag flag)
{
	return infos[flag].kind == KIND_LIST;
}

struct args_help args_help_of(enum flag flag, char *buf, size_t size)
{
	const struct flag_info *info = &infos[flag];
	char letter[8] = "    ";

	if (info->letter != 0) {
		snprintf(letter, sizeof letter, "-%c, ", info->letter);
	}
	snprintf(buf, size, "%s--%s%s%s", letter, info->name, info->value != NULL ? " " : "",
		info->value != NULL ? info->value : "");
	return (struct args_help){ buf, info->text };
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

const char *args_nearest(const char *word, const char *const *candidates, size_t count)
{
	struct pol_nearest nearest = pol_nearest_to(pol_str_of(word));
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		pol_nearest_offer(&nearest, pol_str_of(candidates[i]));
		if (nearest.best.ptr == candidates[i]) {
			found = candidates[i];
		}
	}
	return found;
}

static bool list_add(struct args_list *list, struct pol_arena *arena, struct pol_str item)
{
	if (list->count == list->capacity) {
		struct pol_str *items = pol_arena_grow(arena, list->items, list->count,
			list->count + 1, sizeof *items, &list->capacity);

		if (items == NULL) {
			return false;
		}
		list->items = items;
	}
	list->items[list->count++] = item;
	return true;
}

/* A,B,C; an empty text is an empty list, and an empty item a mistake. */
static bool list_split(struct args *args, struct pol_arena *arena, enum flag flag, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, ",");

		if (len == 0 || (text[len] == ',' && text[len + 1] == '\0')) {
			snprintf(args->error, sizeof args->error,
				"--%s has an empty item between its commas", infos[flag].name);
			return false;
		}
		if (!list_add(&args->lists[flag], arena, (struct pol_str){ text, len })) {
			snprintf(args->error, sizeof args->error, "out of memory");
			return false;
		}
		text += len + (text[len] == ',');
	}
	return true;
}

static bool take(struct args *args, struct pol_arena *arena, enum flag flag, const char *value)
{
	const struct flag_info *info = &infos[flag];

	switch (info->kind) {
	case KIND_LIST:
		args->given[flag] = true;
		return list_split(args, arena, flag, value);
	case KIND_ITEMS:
		args->given[flag] = true;
		if (!list_add(&args->lists[flag], arena, pol_str_of(value))) {
			snprintf(args->error, sizeof args->error, "out of memory");
			return false;
		}
		return true;
	case KIND_VALUE:
		if (args->given[flag]) {
			snprintf(args->error, sizeof args->error, "--%s was given twice",
				info->name);
			return false;
		}
		args->values[flag] = value;
		break;
	case KIND_SWITCH:
		break;
	}
	args->given[flag] = true;
	return true;
}

/* The two tables that getopt_long needs, made from ours. */
struct parser {
	enum flag accepted[FLAG_COUNT];
	size_t accepted_count;
	struct option longs[FLAG_COUNT + 1];
	char shorts[2 * FLAG_COUNT + 3];
};

static void parser_init(struct parser *parser, const enum flag *flags, size_t count, bool leading)
{
	size_t len = 0;

	memset(parser, 0, sizeof *parser);
	if (leading) {
		parser->shorts[len++] = '+';
	}
	parser->shorts[len++] = ':';
	for (size_t i = 0; i < GLOBAL_COUNT + count; i++) {
		enum flag flag = i < GLOBAL_COUNT ? globals[i] : flags[i - GLOBAL_COUNT];
		const struct flag_info *info = &infos[flag];

		parser->accepted[i] = flag;
		parser->longs[i] = (struct option){ info->name,
			info->kind == KIND_SWITCH ? no_argument : required_argument, NULL,
			LONG_BASE + (int)flag };
		if (info->letter != 0) {
			parser->shorts[len++] = info->letter;
			if (info->kind != KIND_SWITCH) {
				parser->shorts[len++] = ':';
			}
		}
	}
	parser->accepted_count = GLOBAL_COUNT + count;
}

static enum flag flag_of(const struct parser *parser, int got)
{
	if (got >= LONG_BASE) {
		return (enum flag)(got - LONG_BASE);
	}
	for (size_t i = 0; i < parser->accepted_count; i++) {
		if (infos[parser->accepted[i]].letter == got) {
			return parser->accepted[i];
		}
	}
	return FLAG_NONE;
}

/* Turns getopt_long's '?' and ':' into a sentence. */
static void complain(struct args *args, const struct parser *parser, int got, const char *word)
{
	const char *names[FLAG_COUNT];
	const char *nearest;
	char name[64];

	if (got == ':') {
		snprintf(args->error, sizeof args->error, "%s needs a value", word);
		return;
	}
	if (optopt >= LONG_BASE) {
		snprintf(args->error, sizeof args->error, "--%s takes no value",
			infos[optopt - LONG_BASE].name);
		return;
	}
	if (optopt != 0) {
		snprintf(args->error, sizeof args->error, "unknown option '-%c'", optopt);
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)smaller(strcspn(word + 2, "="), sizeof name - 1),
		word + 2);
	for (size_t i = 0; i < parser->accepted_count; i++) {
		names[i] = infos[parser->accepted[i]].name;
	}
	nearest = args_nearest(name, names, parser->accepted_count);
	snprintf(args->error, sizeof args->error, "unknown option '--%s'%s%s%s", name,
		nearest != NULL ? ": did you mean '--" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "'?" : "");
}

int args_parse(struct args *args, struct pol_arena *arena, int argc, char **argv,
	const enum flag *flags, size_t count, bool leading)
{
	struct parser parser;

	parser_init(&parser, flags, count, leading);
	optind = 0; /* glibc: start again */
	opterr = 0;
	for (;;) {
		int before = optind > 0 ? optind : 1;
		int got = getopt_long(argc, argv, parser.shorts, parser.longs, NULL);

		if (got == -1) {
			break;
		}
		if (got == '?' || got == ':') {
			/* With permutation the word in question lies right before optind. */
			complain(args, &parser, got, argv[optind > 1 ? optind - 1 : before]);
			return -1;
		}
		if (!take(args, arena, flag_of(&parser, got), optarg)) {
			return -1;
		}
	}
	if (!leading) {
		/* getopt_long has moved them to the end. */
		args->words = (const char *const *)argv + optind;
		args->word_count = (size_t)(argc - optind);
		optind = argc;
	}
	return optind;
}
