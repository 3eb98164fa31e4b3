/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "policy/diag.h"
#include "policy/lex.h"

enum { MAX_FILE = 1024 * 1024, MAX_WORDS = 64 };

struct word {
	struct pol_str text;
	struct pol_span at;
};

/* One line at a time. */
struct reader {
	struct config *config;
	struct pol_lexer lexer;
	struct pol_diags *diags;
	struct word words[MAX_WORDS];
	size_t count;
	bool listeners_told; /* by an option: those of the file do not count */
	uint64_t seen;       /* a bit for each row of the table */
};

typedef void (*read_value)(struct reader *reader, const struct word *values, size_t count);

struct row {
	const char *name;
	size_t min, max; /* values */
	bool repeats;
	const char *form;
	read_value read;
};

static const char *copy(struct reader *reader, const struct word *word)
{
	const char *text = config_copy(reader->config, word->text);

	if (text == NULL) {
		pol_error(reader->diags, word->at, "the configuration is too large");
	}
	return text;
}

static void read_path(struct reader *reader, const struct word *value, const char **out)
{
	if (value->text.len == 0 || value->text.ptr[0] != '/') {
		pol_error(reader->diags, value->at, "write an absolute path, as in /etc/authz");
		return;
	}
	if (*out == NULL) {
		*out = copy(reader, value);
	}
}

static bool find_user(struct reader *reader, const struct word *name, uid_t *out, gid_t *out_group)
{
	const char *text = copy(reader, name);
	const struct passwd *user = text != NULL ? getpwnam(text) : NULL;

	if (user == NULL) {
		pol_error(reader->diags, name->at, "this machine has no user '%.*s'",
			POL_STR_ARGS(name->text));
		return false;
	}
	*out = user->pw_uid;
	if (out_group != NULL) {
		*out_group = user->pw_gid;
	}
	return true;
}

static bool find_group(struct reader *reader, const struct word *name, gid_t *out)
{
	const char *text = copy(reader, name);
	const struct group *group = text != NULL ? getgrnam(text) : NULL;

	if (group == NULL) {
		pol_error(reader->diags, name->at, "this machine has no group '%.*s'",
			POL_STR_ARGS(name->text));
		return false;
	}
	*out = group->gr_gid;
	return true;
}

static void on_policy(struct reader *reader, const struct word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->policy);
}

static void on_state(struct reader *reader, const struct word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->state);
}

static void on_pepper(struct reader *reader, const struct word *values, size_t count)
{
	(void)count;
	read_path(reader, &values[0], &reader->config->pepper);
}

static void on_policy_owner(struct reader *reader, const struct word *values, size_t count)
{
	(void)count;
	reader->config->has_policy_owner =
		find_user(reader, &values[0], &reader->config->policy_owner, NULL);
}

static void on_user(struct reader *reader, const struct word *values, size_t count)
{
	struct config *config = reader->config;
	uid_t uid;
	gid_t gid;

	(void)count;
	if (!find_user(reader, &values[0], &uid, &gid)) {
		return;
	}
	if (geteuid() != 0 && geteuid() != uid) {
		pol_error(reader->diags, values[0].at,
			"only root can become '%.*s': start as root or as that user, or leave the "
			"line out",
			POL_STR_ARGS(values[0].text));
		return;
	}
	config->user = copy(reader, &values[0]);
	config->uid = uid;
	config->gid = gid;
}

static void on_workers(struct reader *reader, const struct word *values, size_t count)
{
	unsigned long n = 0;

	(void)count;
	for (size_t i = 0; i < values[0].text.len && n <= CONFIG_MAX_WORKERS; i++) {
		char c = values[0].text.ptr[i];

		if (c < '0' || c > '9') {
			n = 0;
			break;
		}
		n = n * 10 + (unsigned)(c - '0');
	}
	if (n < 1 || n > CONFIG_MAX_WORKERS) {
		pol_error(reader->diags, values[0].at, "write a number of workers from 1 to %d",
			CONFIG_MAX_WORKERS);
		return;
	}
	if (reader->config->workers == 0) {
		reader->config->workers = (unsigned)n;
	}
}

static void on_watch(struct reader *reader, const struct word *values, size_t count)
{
	(void)count;
	if (!pol_str_equal(values[0].text, POL_STR("yes")) &&
		!pol_str_equal(values[0].text, POL_STR("no"))) {
		pol_error(reader->diags, values[0].at, "write yes or no");
		return;
	}
	reader->config->watch = pol_str_equal(values[0].text, POL_STR("yes"));
}

static void on_log(struct reader *reader, const struct word *values, size_t count)
{
	bool json = pol_str_equal(values[0].text, POL_STR("json"));

	(void)count;
	if (!json && !pol_str_equal(values[0].text, POL_STR("text"))) {
		pol_error(reader->diags, values[0].at, "write text or json");
		return;
	}
	if (!reader->config->has_log_format) {
		reader->config->log_format = json ? LOG_JSON : LOG_TEXT;
	}
}

static bool read_mode(struct reader *reader, const struct word *word, mode_t *out)
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
		pol_error(reader->diags, word->at,
			"write the socket's mode as three octal digits, as in 0660");
		return false;
	}
	*out = mode;
	return true;
}

static void on_listen(struct reader *reader, const struct word *values, size_t count)
{
	struct config *config = reader->config;
	struct config_listener listener = { 0 };
	const struct word *kind = &values[count - 1];
	bool both = pol_str_equal(kind->text, POL_STR("both"));

	listener.decide = both || pol_str_equal(kind->text, POL_STR("decide"));
	listener.manage = both || pol_str_equal(kind->text, POL_STR("manage"));
	if (!listener.decide && !listener.manage) {
		pol_error(reader->diags, kind->at, "end the line with decide, manage or both");
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
			pol_error(reader->diags, values[0].at, "this socket is listed twice");
			return;
		}
	}
	if (config->listener_count == CONFIG_MAX_LISTENERS) {
		pol_error(reader->diags, values[0].at, "more than %d sockets are not supported",
			CONFIG_MAX_LISTENERS);
	} else if (!reader->listeners_told) {
		config->listeners[config->listener_count++] = listener;
	}
}

static bool read_subject(
	struct reader *reader, const struct word *values, struct config_subject *out)
{
	uid_t uid = 0;
	gid_t gid = 0;

	out->is_group = pol_str_equal(values[0].text, POL_STR("group"));
	if (!out->is_group && !pol_str_equal(values[0].text, POL_STR("user"))) {
		pol_error(reader->diags, values[0].at, "write user NAME or group NAME");
		return false;
	}
	if (out->is_group ? !find_group(reader, &values[1], &gid)
			  : !find_user(reader, &values[1], &uid, NULL)) {
		return false;
	}
	out->id = out->is_group ? (id_t)gid : (id_t)uid;
	return true;
}

/* One more element of an array that grows by one: a configuration has a handful. */
static void *append(struct reader *reader, const void *old, size_t count, size_t size)
{
	uint8_t *grown = pol_arena_alloc(&reader->config->arena, count + 1, size);

	if (grown == NULL) {
		pol_error(reader->diags, reader->words[0].at, "the configuration is too large");
	} else if (count > 0) {
		memcpy(grown, old, count * size);
	}
	return grown;
}

static void on_trust(struct reader *reader, const struct word *values, size_t count)
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

static bool read_pattern(struct reader *reader, const struct word *word, struct pol_str *out)
{
	static const char *const nouns[] = { "keys", "principals", "roles", "assignments", "grants",
		"audit", "*", "**", NULL };
	struct pol_str first = word->text;
	const char *slash;

	if (!pol_str_starts(word->text, POL_STR("authz:/")) || word->text.len < 8) {
		pol_error(reader->diags, word->at,
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
		pol_error(reader->diags, word->at,
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

static void on_manage(struct reader *reader, const struct word *values, size_t count)
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
			pol_error(reader->diags, values[i].at,
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

static void on_absent(struct reader *reader, const struct word *values, size_t count)
{
	(void)values;
	(void)count;
	pol_error(reader->diags, reader->words[0].at,
		"this build of authzd does not have '%.*s' yet: leave the line out",
		POL_STR_ARGS(reader->words[0].text));
}

static const struct row rows[] = {
	{ "decision_log", 0, MAX_WORDS, true, "decision_log FILE", on_absent },
	{ "listen", 3, 4, true, "listen PATH MODE [GROUP] decide|manage|both", on_listen },
	{ "log", 1, 1, false, "log text|json", on_log },
	{ "manage", 4, MAX_WORDS, true, "manage user|group NAME PATTERN ACTION,…", on_manage },
	{ "modules", 0, MAX_WORDS, true, "modules DIR", on_absent },
	{ "pepper", 1, 1, false, "pepper FILE", on_pepper },
	{ "policy", 1, 1, false, "policy DIR", on_policy },
	{ "policy_owner", 1, 1, false, "policy_owner USER", on_policy_owner },
	{ "state", 1, 1, false, "state DIR", on_state },
	{ "trust", 2, 2, true, "trust user|group NAME", on_trust },
	{ "user", 1, 1, false, "user NAME", on_user },
	{ "watch", 1, 1, false, "watch yes|no", on_watch },
	{ "workers", 1, 1, false, "workers N", on_workers },
};

static void read_line(struct reader *reader)
{
	const struct word *name = &reader->words[0];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		size_t errors = reader->diags->errors;

		if (!pol_str_equal(name->text, pol_str_of(row->name))) {
			continue;
		}
		if (!row->repeats && (reader->seen & UINT64_C(1) << i) != 0) {
			pol_error(reader->diags, name->at, "'%s' is set twice", row->name);
		} else if (reader->count - 1 < row->min || reader->count - 1 > row->max) {
			pol_error(reader->diags, name->at, "write it as: %s", row->form);
		} else {
			row->read(reader, &reader->words[1], reader->count - 1);
		}
		if (reader->diags->errors == errors) {
			reader->seen |= UINT64_C(1) << i;
		}
		return;
	}
	pol_error(reader->diags, name->at, "unknown name '%.*s'", POL_STR_ARGS(name->text));
}

/* Commas separate the actions of `manage` alone; there and elsewhere they only join words. */
static void read_lines(struct reader *reader)
{
	for (;;) {
		struct pol_token token = pol_lex(&reader->lexer);
		struct word word = { .at = token.at };

		if (token.kind == POL_TOKEN_END || token.kind == POL_TOKEN_NL) {
			if (reader->count > 0) {
				read_line(reader);
			}
			reader->count = 0;
			if (token.kind == POL_TOKEN_END) {
				return;
			}
		} else if (token.kind == POL_TOKEN_OPEN || token.kind == POL_TOKEN_CLOSE) {
			pol_error(
				reader->diags, token.at, "no braces here: one NAME VALUE… a line");
		} else if (token.kind == POL_TOKEN_COMMA || token.kind == POL_TOKEN_BAD) {
			continue;
		} else if (reader->count == MAX_WORDS) {
			pol_error(reader->diags, token.at, "too many words on one line");
		} else if (!pol_token_text(&reader->config->arena, &token, &word.text)) {
			pol_error(reader->diags, token.at, "the configuration is too large");
		} else {
			reader->words[reader->count++] = word;
		}
	}
}

/* The whole file into the arena. */
static int load(struct config *config, const char *path, struct pol_str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat stat;
	char *bytes;
	size_t len = 0;
	ssize_t n = 0;
	int r = 0;

	if (fd < 0 || fstat(fd, &stat) != 0) {
		r = -errno;
		fprintf(stderr, "%s: error: cannot read the configuration: %s\n", path,
			strerror(-r));
	} else if (!S_ISREG(stat.st_mode) || stat.st_size > MAX_FILE) {
		r = -EINVAL;
		fprintf(stderr, "%s: error: no configuration: write a file of at most 1 MiB\n",
			path);
	} else if (stat.st_uid != 0 && stat.st_uid != geteuid()) {
		r = -EPERM;
		fprintf(stderr,
			"%s: error: it belongs to uid %u, who could command the daemon by it: "
			"chown "
			"%u %s\n",
			path, (unsigned)stat.st_uid, (unsigned)geteuid(), path);
	} else if ((stat.st_mode & 022) != 0) {
		r = -EPERM;
		fprintf(stderr, "%s: error: others may write it: chmod go-w %s\n", path, path);
	}
	bytes = r == 0 ? pol_arena_alloc(&config->arena, MAX_FILE, 1) : NULL;
	if (r == 0 && bytes == NULL) {
		r = -ENOMEM;
	}
	while (r == 0 && len < MAX_FILE && (n = read(fd, bytes + len, MAX_FILE - len)) > 0) {
		len += (size_t)n;
	}
	if (r == 0 && n < 0) {
		r = -errno;
	}
	if (fd >= 0) {
		close(fd);
	}
	*out = (struct pol_str){ bytes, len };
	return r;
}

static void on_text(void *context, const char *text, size_t len)
{
	fwrite(text, 1, len, context);
}

int config_read(struct config *config, const char *path)
{
	struct pol_source source = { .name = pol_str_of(path) };
	struct pol_diags diags;
	struct reader *reader;
	int r = load(config, path, &source.text);

	if (r < 0) {
		return r;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		return -ENOMEM;
	}
	pol_diags_init(&diags, &source, 1);
	reader->config = config;
	reader->diags = &diags;
	reader->listeners_told = config->listener_count > 0;
	pol_lexer_init(&reader->lexer, &diags, 0, source.text);
	read_lines(reader);
	pol_diags_sort(&diags);
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&diags, diag, on_text, stderr);
	}
	r = diags.errors > 0 ? -EINVAL : 0;
	pol_diags_finish(&diags);
	free(reader);
	return r;
}
