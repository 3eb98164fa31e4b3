/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_internal.h"
#include "policy/text/nearest.h"

/* Bytes of `shared`: room for several servers and files of certificates. */
enum { CONFIG_MAX_SHARED = 4096 };

typedef void (*read_value)(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count);

struct row {
	const char *name;
	size_t min, max; /* values */
	bool repeats;
	const char *syntax;
	read_value read;
};

static void read_path(
	struct config_reader *reader, const struct pol_setting_word *value, const char **out)
{
	if (value->text.len == 0 || value->text.ptr[0] != '/') {
		pol_diag_error(reader->diags, value->at,
			"'%.*s' is not an absolute path: write one as in /etc/authz",
			POL_STR_ARGS(value->text));
		return;
	}
	if (*out == NULL) {
		*out = config_copy_word(reader, value);
	}
}

static void on_policy(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->policy);
}

static void on_state(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->state);
}

static void on_pepper(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->pepper);
}

static void on_modules(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->modules);
}

static void on_subuid(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->subuid);
}

static void on_policy_owner(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	reader->config->has_policy_owner =
		config_find_user(reader, &values[0], &reader->config->policy_owner, NULL) &&
		config_check_own(reader, &values[0], reader->config->policy_owner);
}

static void on_user(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct config *config = reader->config;
	uid_t uid;
	gid_t gid;

	(void)count;
	if (!config_find_user(reader, &values[0], &uid, &gid) ||
		!config_check_own(reader, &values[0], uid)) {
		return;
	}
	if (geteuid() != 0 && geteuid() != uid) {
		pol_diag_error(reader->diags, values[0].at,
			"only root can become '%.*s': start as root or as that user, or leave the "
			"line out",
			POL_STR_ARGS(values[0].text));
		return;
	}
	config->user = config_copy_word(reader, &values[0]);
	config->uid = uid;
	config->gid = gid;
}

static void on_workers(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	unsigned n;

	(void)count;
	if (!config_read_workers(values[0].text, &n)) {
		pol_diag_error(reader->diags, values[0].at,
			"workers %.*s: write a number from 1 to %d", POL_STR_ARGS(values[0].text),
			CONFIG_MAX_WORKERS);
	} else if (reader->config->workers == 0) {
		reader->config->workers = n;
	}
}

static void on_connections(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	unsigned n;

	(void)count;
	if (!config_read_connections(values[0].text, &n)) {
		pol_diag_error(reader->diags, values[0].at,
			"connections %.*s: write a number from %d to %d",
			POL_STR_ARGS(values[0].text), CONFIG_MIN_CONNECTIONS,
			CONFIG_MAX_CONNECTIONS);
	} else if (reader->config->connections == 0) {
		reader->config->connections = n;
	}
}

static void on_user_connections(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	unsigned n;

	(void)count;
	if (!config_read_user_connections(values[0].text, &n)) {
		pol_diag_error(reader->diags, values[0].at,
			"user_connections %.*s: write a number from 1 to %d",
			POL_STR_ARGS(values[0].text), CONFIG_MAX_CONNECTIONS);
	} else if (reader->config->user_connections == 0) {
		reader->config->user_connections = n;
		reader->user_connections = values[0].at;
	}
}

static void on_idle(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	uint32_t seconds;

	(void)count;
	if (!config_read_idle(values[0].text, &seconds)) {
		pol_diag_error(reader->diags, values[0].at,
			"idle %.*s: write a number and s, m or h, as in '60s', from 1s to 24h",
			POL_STR_ARGS(values[0].text));
	} else if (reader->config->idle == 0) {
		reader->config->idle = seconds;
	}
}

static void read_yes(struct config_reader *reader, const struct pol_setting_word *value,
	const char *name, bool *out)
{
	if (!pol_str_equal(value->text, POL_STR("yes")) &&
		!pol_str_equal(value->text, POL_STR("no"))) {
		pol_diag_error(reader->diags, value->at, "%s %.*s: write yes or no", name,
			POL_STR_ARGS(value->text));
		return;
	}
	*out = pol_str_equal(value->text, POL_STR("yes"));
}

static void on_watch(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_yes(reader, &values[0], "watch", &reader->config->watch);
}

static void on_start_stale(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_yes(reader, &values[0], "start_stale", &reader->config->start_stale);
}

/* Commas separate words in this file, and servers in a CONNINFO: host=db1,db2. */
static bool ends_with_comma(const struct config_reader *reader, const struct pol_setting_word *word)
{
	struct pol_str text = reader->lexer.text;
	size_t end = (size_t)word->at.offset + word->at.length;

	return end < text.len && text.ptr[end] == ',';
}

/* NAME=VALUE words, or one text of them or a URI, which has no password: another program may read
 * the configuration. libpq checks the rest when it connects. */
static void on_shared(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	char text[CONFIG_MAX_SHARED];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		struct pol_str word = values[i].text;

		if (word.len == 0 || len + word.len + 2 > sizeof text ||
			memchr(word.ptr, 0, word.len) != NULL) {
			pol_diag_error(reader->diags, values[i].at,
				"shared: a word is empty or has a byte 0, or the text is longer "
				"than %zu bytes",
				sizeof text - 2);
			return;
		}
		memcpy(text + len, word.ptr, word.len);
		len += word.len;
		text[len++] = ends_with_comma(reader, &values[i]) ? ',' : ' ';
	}
	reader->config->shared = config_copy(reader->config, (struct pol_str){ text, len - 1 });
	if (reader->config->shared == NULL) {
		pol_diag_error(reader->diags, values[0].at, "the configuration is too large");
	}
}

static void on_host(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	if (!config_is_host(values[0].text)) {
		pol_diag_error(reader->diags, values[0].at,
			"'%.*s' is not a host's name: write letters, digits, '.', '-' and '_', at "
			"most %d",
			POL_STR_ARGS(values[0].text), CONFIG_MAX_HOST);
		return;
	}
	reader->config->host = config_copy_word(reader, &values[0]);
}

static void on_log(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	bool json = pol_str_equal(values[0].text, POL_STR("json"));

	(void)count;
	if (!json && !pol_str_equal(values[0].text, POL_STR("text"))) {
		pol_diag_error(reader->diags, values[0].at, "log %.*s: write text or json",
			POL_STR_ARGS(values[0].text));
		return;
	}
	if (!reader->config->has_log_format) {
		reader->config->log_format = json ? LOG_JSON : LOG_TEXT;
	}
}

static bool read_mode(struct config_reader *reader, const struct pol_setting_word *word,
	const char *what, const char *example, mode_t *out)
{
	unsigned mode;

	if (!pol_settings_mode(word->text, &mode)) {
		pol_diag_error(reader->diags, word->at,
			"'%.*s' is not a mode: write the %s's as three octal digits, as in %s",
			POL_STR_ARGS(word->text), what, example);
		return false;
	}
	*out = mode;
	return true;
}

/* OWNER:GROUP, OWNER: or GROUP. */
static void read_owners(struct config_reader *reader, const struct pol_setting_word *word,
	struct config_listener *listener)
{
	const char *colon = word->text.len > 0 ? memchr(word->text.ptr, ':', word->text.len) : NULL;
	struct pol_setting_word part = *word;

	if (colon != NULL) {
		part.text.len = (size_t)(colon - word->text.ptr);
		listener->has_owner = config_find_user(reader, &part, &listener->owner, NULL);
		part.text.ptr = colon + 1;
		part.text.len = word->text.len - part.text.len - 1;
	}
	if (colon == NULL || part.text.len > 0) {
		listener->has_group = config_find_group(reader, &part, &listener->group);
	}
}

static void on_listen(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct config *config = reader->config;
	struct config_listener listener = { 0 };
	const struct pol_setting_word *kind = &values[count - 1];
	bool both = pol_str_equal(kind->text, POL_STR("both"));

	listener.decide = both || pol_str_equal(kind->text, POL_STR("decide"));
	listener.manage = both || pol_str_equal(kind->text, POL_STR("manage"));
	if (!listener.decide && !listener.manage) {
		pol_diag_error(reader->diags, kind->at,
			"'%.*s': end the line with decide, manage or both",
			POL_STR_ARGS(kind->text));
		return;
	}
	read_path(reader, &values[0], &listener.path);
	if (listener.path == NULL ||
		!read_mode(reader, &values[1], "socket", "0660", &listener.mode)) {
		return;
	}
	if (count == 4) {
		read_owners(reader, &values[2], &listener);
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

/* A log that others may write proves nothing. */
static bool read_log_mode(
	struct config_reader *reader, const struct pol_setting_word *word, mode_t *out)
{
	if (!read_mode(reader, word, "log", "0640", out)) {
		return false;
	}
	if ((*out & 0133) != 0 || (*out & 0600) != 0600) {
		pol_diag_error(reader->diags, word->at,
			"mode %.*s: only the daemon's user may write the log, and nobody executes "
			"it: write 0600, 0640 or 0644",
			POL_STR_ARGS(word->text));
		return false;
	}
	return true;
}

static void on_decision_log(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct config *config = reader->config;

	if (pol_str_equal(values[0].text, POL_STR("-"))) {
		if (count > 1) {
			pol_diag_error(reader->diags, values[1].at,
				"standard output is open already: no mode or group after '-'");
		}
		return;
	}
	read_path(reader, &values[0], &config->decision_log);
	if (count > 1 && !read_log_mode(reader, &values[1], &config->log_mode)) {
		return;
	}
	if (count > 2) {
		config->has_log_group = config_find_group(reader, &values[2], &config->log_group);
	}
}

static const struct row rows[] = {
	{ "connections", 1, 1, false, "connections N", on_connections },
	{ "decision_log", 1, 3, false, "decision_log FILE [MODE [GROUP]], or decision_log -",
		on_decision_log },
	{ "host", 1, 1, false, "host NAME", on_host },
	{ "idle", 1, 1, false, "idle TIME", on_idle },
	{ "impersonate", 2, 2, true, "impersonate user|group NAME", config_on_impersonate },
	{ "listen", 3, 4, true, "listen PATH MODE [[OWNER:]GROUP] decide|manage|both", on_listen },
	{ "log", 1, 1, false, "log text|json", on_log },
	{ "manage", 4, CONFIG_MAX_WORDS, true, "manage user|group NAME PATTERN ACTION,…",
		config_on_manage },
	{ "modules", 1, 1, false, "modules DIR", on_modules },
	{ "pepper", 1, 1, false, "pepper FILE", on_pepper },
	{ "policy", 1, 1, false, "policy DIR", on_policy },
	{ "policy_owner", 1, 1, false, "policy_owner USER", on_policy_owner },
	{ "shared", 1, CONFIG_MAX_WORDS, false, "shared CONNINFO, as in host=db dbname=authz",
		on_shared },
	{ "start_stale", 1, 1, false, "start_stale yes|no", on_start_stale },
	{ "state", 1, 1, false, "state DIR", on_state },
	{ "subuid", 1, 1, false, "subuid FILE", on_subuid },
	{ "trust", 2, 2, true, "trust user|group NAME", config_on_trust },
	{ "user", 1, 1, false, "user NAME", on_user },
	{ "user_connections", 1, 1, false, "user_connections N", on_user_connections },
	{ "watch", 1, 1, false, "watch yes|no", on_watch },
	{ "workers", 1, 1, false, "workers N", on_workers },
};

void config_read_line(struct config_reader *reader)
{
	const struct pol_setting_word *name = &reader->words[0];

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
