/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_internal.h"
#include "policy/text/nearest.h"

typedef void (*read_value)(
	struct config_reader *reader, const struct config_word *values, size_t count);

struct row {
	const char *name;
	size_t min, max; /* values */
	bool repeats;
	const char *syntax;
	read_value read;
};

static const char *copy(struct config_reader *reader, const struct config_word *word)
{
	const char *text = config_copy(reader->config, word->text);

	if (text == NULL) {
		pol_diag_error(reader->diags, word->at, "the configuration is too large");
	}
	return text;
}

static void read_path(
	struct config_reader *reader, const struct config_word *value, const char **out)
{
	if (value->text.len == 0 || value->text.ptr[0] != '/') {
		pol_diag_error(
			reader->diags, value->at, "write an absolute path, as in /etc/authz");
		return;
	}
	if (*out == NULL) {
		*out = copy(reader, value);
	}
}

static bool find_user(
	struct config_reader *reader, const struct config_word *name, uid_t *out, gid_t *out_group)
{
	const char *text = copy(reader, name);
	const struct passwd *user = text != NULL ? getpwnam(text) : NULL;

	if (user == NULL) {
		pol_diag_error(reader->diags, name->at, "this machine has no user '%.*s'",
			POL_STR_ARGS(name->text));
		return false;
	}
	*out = user->pw_uid;
	if (out_group != NULL) {
		*out_group = user->pw_gid;
	}
	return true;
}

static bool find_group(struct config_reader *reader, const struct config_word *name, gid_t *out)
{
	const char *text = copy(reader, name);
	const struct group *group = text != NULL ? getgrnam(text) : NULL;

	if (group == NULL) {
		pol_diag_error(reader->diags, name->at, "this machine has no group '%.*s'",
			POL_STR_ARGS(name->text));
		return false;
	}
	*out = group->gr_gid;
	return true;
}

static void on_policy(struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->policy);
}

static void on_state(struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->state);
}

static void on_pepper(struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->pepper);
}

static void on_modules(struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->modules);
}

static void on_subuid(struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->subuid);
}

static void on_policy_owner(
	struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	reader->config->has_policy_owner =
		find_user(reader, &values[0], &reader->config->policy_owner, NULL);
}

static void on_user(struct config_reader *reader, const struct config_word *values, size_t count)
{
	struct config *config = reader->config;
	uid_t uid;
	gid_t gid;

	(void)count;
	if (!find_user(reader, &values[0], &uid, &gid)) {
		return;
	}
	if (geteuid() != 0 && geteuid() != uid) {
		pol_diag_error(reader->diags, values[0].at,
			"only root can become '%.*s': start as root or as that user, or leave the "
			"line out",
			POL_STR_ARGS(values[0].text));
		return;
	}
	config->user = copy(reader, &values[0]);
	config->uid = uid;
	config->gid = gid;
}

static void on_workers(struct config_reader *reader, const struct config_word *values, size_t count)
{
	unsigned n;

	(void)count;
	if (!config_read_workers(values[0].text, &n)) {
		pol_diag_error(reader->diags, values[0].at,
			"write a number of workers from 1 to %d", CONFIG_MAX_WORKERS);
	} else if (reader->config->workers == 0) {
		reader->config->workers = n;
	}
}

static void on_connections(
	struct config_reader *reader, const struct config_word *values, size_t count)
{
	unsigned n;

	(void)count;
	if (!config_read_connections(values[0].text, &n)) {
		pol_diag_error(reader->diags, values[0].at,
			"write a number of connections from %d to %d", CONFIG_MIN_CONNECTIONS,
			CONFIG_MAX_CONNECTIONS);
	} else if (reader->config->connections == 0) {
		reader->config->connections = n;
	}
}

static void on_user_connections(
	struct config_reader *reader, const struct config_word *values, size_t count)
{
	unsigned n;

	(void)count;
	if (!config_read_user_connections(values[0].text, &n)) {
		pol_diag_error(reader->diags, values[0].at,
			"write a number of connections from 1 to %d", CONFIG_MAX_CONNECTIONS);
	} else if (reader->config->user_connections == 0) {
		reader->config->user_connections = n;
	}
}

static void on_idle(struct config_reader *reader, const struct config_word *values, size_t count)
{
	uint32_t seconds;

	(void)count;
	if (!config_read_idle(values[0].text, &seconds)) {
		pol_diag_error(reader->diags, values[0].at,
			"write a number and s, m or h, as in '60s', from 1s to 24h");
	} else if (reader->config->idle == 0) {
		reader->config->idle = seconds;
	}
}

static void on_watch(struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	if (!pol_str_equal(values[0].text, POL_STR("yes")) &&
		!pol_str_equal(values[0].text, POL_STR("no"))) {
		pol_diag_error(reader->diags, values[0].at, "write yes or no");
		return;
	}
	reader->config->watch = pol_str_equal(values[0].text, POL_STR("yes"));
}

static void on_log(struct config_reader *reader, const struct config_word *values, size_t count)
{
	bool json = pol_str_equal(values[0].text, POL_STR("json"));

	(void)count;
	if (!json && !pol_str_equal(values[0].text, POL_STR("text"))) {
		pol_diag_error(reader->diags, values[0].at, "write text or json");
		return;
	}
	if (!reader->config->has_log_format) {
		reader->config->log_format = json ? LOG_JSON : LOG_TEXT;
	}
}

static bool read_mode(struct config_reader *reader, const struct config_word *word, mode_t *out)
{
	mode_t mode = 0;

	for (size_t i = 0; i < word->text.len; i++) {
		char c = word->text.ptr[i];

		if (c < '0' || c > '7' || mode > 0777) {
			mode = 01000;
			break;
		}
		mode = mode * 8 + (mode_t)(c - '0');
	}
	if (word->text.len < 3 || mode == 0 || mode > 0777) {
		pol_diag_error(reader->diags, word->at,
			"write the socket's mode as three octal digits, as in 0660");
		return false;
	}
	*out = mode;
	return true;
}

static void on_listen(struct config_reader *reader, const struct config_word *values, size_t count)
{
	struct config *config = reader->config;
	struct config_listener listener = { 0 };
	const struct config_word *kind = &values[count - 1];
	bool both = pol_str_equal(kind->text, POL_STR("both"));

	listener.decide = both || pol_str_equal(kind->text, POL_STR("decide"));
	listener.manage = both || pol_str_equal(kind->text, POL_STR("manage"));
	if (!listener.decide && !listener.manage) {
		pol_diag_error(reader->diags, kind->at, "end the line with decide, manage or both");
		return;
	}
	read_path(reader, &values[0], &listener.path);
	if (listener.path == NULL || !read_mode(reader, &values[1], &listener.mode)) {
		return;
	}
	if (count == 4) {
		listener.has_group = find_group(reader, &values[2], &listener.group);
	}
	for (size_t i = 0; i < config->listener_count; i++) {
		if (strcmp(config->listeners[i].path, listener.path) == 0) {
			pol_diag_error(reader->diags, values[0].at, "this socket is listed twice");
			return;
		}
	}
	if (config->listener_count == CONFIG_MAX_LISTENERS) {
		pol_diag_error(reader->diags, values[0].at,
			"more than %d sockets are not supported", CONFIG_MAX_LISTENERS);
	} else if (!reader->listeners_given) {
		config->listeners[config->listener_count++] = listener;
	}
}

static bool read_subject(
	struct config_reader *reader, const struct config_word *values, struct config_subject *out)
{
	uid_t uid = 0;
	gid_t gid = 0;

	out->is_group = pol_str_equal(values[0].text, POL_STR("group"));
	if (!out->is_group && !pol_str_equal(values[0].text, POL_STR("user"))) {
		pol_diag_error(reader->diags, values[0].at, "write user NAME or group NAME");
		return false;
	}
	if (out->is_group ? !find_group(reader, &values[1], &gid)
			  : !find_user(reader, &values[1], &uid, NULL)) {
		return false;
	}
	out->id = out->is_group ? (id_t)gid : (id_t)uid;
	return true;
}

/* A copy of the array with room for one more element; the arrays of a configuration are short. */
static void *append(struct config_reader *reader, const void *old, size_t count, size_t size)
{
	uint8_t *grown = pol_arena_alloc(&reader->config->arena, count + 1, size);

	if (grown == NULL) {
		pol_diag_error(
			reader->diags, reader->words[0].at, "the configuration is too large");
	} else if (count > 0) {
		memcpy(grown, old, count * size);
	}
	return grown;
}

static void on_trust(struct config_reader *reader, const struct config_word *values, size_t count)
{
	struct config *config = reader->config;
	struct config_subject who, *grown;

	(void)count;
	if (!read_subject(reader, values, &who)) {
		return;
	}
	grown = append(reader, config->trusts, config->trust_count, sizeof who);
	if (grown != NULL) {
		grown[config->trust_count++] = who;
		config->trusts = grown;
	}
}

static bool is_one_of(struct pol_str word, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (pol_str_equal(word, pol_str_of(*list))) {
			return true;
		}
	}
	return false;
}

static bool read_pattern(
	struct config_reader *reader, const struct config_word *word, struct pol_str *out)
{
	static const char *const nouns[] = { "keys", "principals", "roles", "assignments", "grants",
		"audit", "*", "**", NULL };
	struct pol_str first = word->text;
	const char *slash;

	if (!pol_str_starts(word->text, POL_STR("authz:/")) || word->text.len < 8) {
		pol_diag_error(reader->diags, word->at,
			"write a place in the tree authz, as in authz:/keys/**");
		return false;
	}
	first.ptr += 7;
	first.len -= 7;
	slash = memchr(first.ptr, '/', first.len);
	if (slash != NULL) {
		first.len = (size_t)(slash - first.ptr);
	}
	if (!is_one_of(first, nouns)) {
		pol_diag_error(reader->diags, word->at,
			"the tree authz has no '/%.*s': it has keys, principals, roles, "
			"assignments, "
			"grants and audit",
			POL_STR_ARGS(first));
		return false;
	}
	out->ptr = copy(reader, word);
	out->len = word->text.len;
	return out->ptr != NULL;
}

static void on_manage(struct config_reader *reader, const struct config_word *values, size_t count)
{
	static const char *const actions[] = { "list", "create", "read", "update", "disable",
		"enable", "rotate", "revoke", "delete", "restore", "issue", "grant", NULL };
	struct config *config = reader->config;
	struct config_manager manager = { .action_count = count - 3 };
	struct config_manager *grown;

	if (!read_subject(reader, values, &manager.who) ||
		!read_pattern(reader, &values[2], &manager.pattern)) {
		return;
	}
	manager.actions = pol_arena_alloc(&config->arena, count, sizeof *manager.actions);
	for (size_t i = 3; i < count && manager.actions != NULL; i++) {
		if (count == 4 && pol_str_equal(values[i].text, POL_STR("all"))) {
			manager.action_count = 0;
		} else if (!is_one_of(values[i].text, actions)) {
			pol_diag_error(reader->diags, values[i].at,
				"the tree authz has no action '%.*s'",
				POL_STR_ARGS(values[i].text));
			return;
		} else {
			manager.actions[i - 3].ptr = copy(reader, &values[i]);
			manager.actions[i - 3].len = values[i].text.len;
		}
	}
	grown = append(reader, config->managers, config->manager_count, sizeof manager);
	if (grown != NULL && manager.actions != NULL) {
		grown[config->manager_count++] = manager;
		config->managers = grown;
	}
}

static void on_decision_log(
	struct config_reader *reader, const struct config_word *values, size_t count)
{
	(void)count;
	if (!pol_str_equal(values[0].text, POL_STR("-"))) {
		read_path(reader, &values[0], &reader->config->decision_log);
	}
}

static const struct row rows[] = {
	{ "connections", 1, 1, false, "connections N", on_connections },
	{ "decision_log", 1, 1, false, "decision_log FILE|-", on_decision_log },
	{ "idle", 1, 1, false, "idle TIME", on_idle },
	{ "listen", 3, 4, true, "listen PATH MODE [GROUP] decide|manage|both", on_listen },
	{ "log", 1, 1, false, "log text|json", on_log },
	{ "manage", 4, CONFIG_MAX_WORDS, true, "manage user|group NAME PATTERN ACTION,…",
		on_manage },
	{ "modules", 1, 1, false, "modules DIR", on_modules },
	{ "pepper", 1, 1, false, "pepper FILE", on_pepper },
	{ "policy", 1, 1, false, "policy DIR", on_policy },
	{ "policy_owner", 1, 1, false, "policy_owner USER", on_policy_owner },
	{ "state", 1, 1, false, "state DIR", on_state },
	{ "subuid", 1, 1, false, "subuid FILE", on_subuid },
	{ "trust", 2, 2, true, "trust user|group NAME", on_trust },
	{ "user", 1, 1, false, "user NAME", on_user },
	{ "user_connections", 1, 1, false, "user_connections N", on_user_connections },
	{ "watch", 1, 1, false, "watch yes|no", on_watch },
	{ "workers", 1, 1, false, "workers N", on_workers },
};

void config_read_line(struct config_reader *reader)
{
	const struct config_word *name = &reader->words[0];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		size_t errors = reader->diags->errors;

		if (!pol_str_equal(name->text, pol_str_of(row->name))) {
			continue;
		}
		if (!row->repeats && (reader->seen & UINT64_C(1) << i) != 0) {
			pol_diag_error(reader->diags, name->at, "'%s' is set twice", row->name);
		} else if (reader->count - 1 < row->min || reader->count - 1 > row->max) {
			pol_diag_error(reader->diags, name->at, "write it as: %s", row->syntax);
		} else {
			row->read(reader, &reader->words[1], reader->count - 1);
		}
		if (reader->diags->errors == errors) {
			reader->seen |= UINT64_C(1) << i;
		}
		return;
	}
	struct pol_nearest nearest = pol_nearest_to(name->text);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pol_nearest_offer(&nearest, pol_str_of(rows[i].name));
	}
	pol_diag_error(reader->diags, name->at, "unknown name '%.*s'" POL_NEAREST,
		POL_STR_ARGS(name->text), POL_NEAREST_ARGS(nearest));
}
