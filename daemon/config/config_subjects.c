/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "daemon/config/config_internal.h"
#include "daemon/config/peer.h"
#include "policy/text/nearest.h"

/* For a suggestion: names of the host that are compared, and bytes of the one that is kept. */
enum { NEAREST_NAMES = 5000, NEAREST_NAME = 256 };

const char *config_copy_word(struct config_reader *reader, const struct pol_setting_word *word)
{
	const char *text = config_copy(reader->config, word->text);

	if (text == NULL) {
		pol_diag_error(reader->diags, word->at, "the configuration is too large");
	}
	return text;
}

/* --- users and groups ------------------------------------------------------------------------- */

/* The names of a table of the host, one after the other; NULL: the end. */
typedef const char *(*next_name)(void);

static const char *next_user(void)
{
	const struct passwd *user = getpwent();

	return user != NULL ? user->pw_name : NULL;
}

static const char *next_group(void)
{
	const struct group *group = getgrent();

	return group != NULL ? group->gr_name : NULL;
}

/* The nearest name, in `keep`, since each call of `next` overwrites the one before. */
static struct pol_nearest nearest_of(struct pol_str word, next_name next, char keep[NEAREST_NAME])
{
	struct pol_nearest nearest = pol_nearest_to(word);
	const char *name;

	for (unsigned i = 0; i < NEAREST_NAMES && (name = next()) != NULL; i++) {
		pol_nearest_offer(&nearest, pol_str_of(name));
		if (nearest.best.ptr == name && nearest.best.len < NEAREST_NAME) {
			memcpy(keep, name, nearest.best.len);
			nearest.best.ptr = keep;
		} else if (nearest.best.ptr == name) {
			nearest.best = (struct pol_str){ NULL, 0 };
		}
	}
	return nearest;
}

bool config_find_user(struct config_reader *reader, const struct pol_setting_word *name, uid_t *out,
	gid_t *out_group)
{
	const char *text = config_copy_word(reader, name);
	const struct passwd *user = text != NULL ? getpwnam(text) : NULL;

	if (user == NULL) {
		char keep[NEAREST_NAME];
		struct pol_nearest nearest;

		setpwent();
		nearest = nearest_of(name->text, next_user, keep);
		endpwent();
		pol_diag_error(reader->diags, name->at,
			"this machine has no user '%.*s'" POL_NEAREST, POL_STR_ARGS(name->text),
			POL_NEAREST_ARGS(nearest));
		return false;
	}
	*out = user->pw_uid;
	if (out_group != NULL) {
		*out_group = user->pw_gid;
	}
	return true;
}

bool config_find_group(
	struct config_reader *reader, const struct pol_setting_word *name, gid_t *out)
{
	const char *text = config_copy_word(reader, name);
	const struct group *group = text != NULL ? getgrnam(text) : NULL;

	if (group == NULL) {
		char keep[NEAREST_NAME];
		struct pol_nearest nearest;

		setgrent();
		nearest = nearest_of(name->text, next_group, keep);
		endgrent();
		pol_diag_error(reader->diags, name->at,
			"this machine has no group '%.*s'" POL_NEAREST, POL_STR_ARGS(name->text),
			POL_NEAREST_ARGS(nearest));
		return false;
	}
	*out = group->gr_gid;
	return true;
}

bool config_check_own(struct config_reader *reader, const struct pol_setting_word *name, uid_t uid)
{
	if (uid == PEER_OVERFLOW) {
		pol_diag_error(reader->diags, name->at,
			"user '%.*s' is number 65534, which stands for all that the kernel cannot "
			"name, such as users of a container: their files would be taken for its "
			"own, so name a user of its own",
			POL_STR_ARGS(name->text));
		return false;
	}
	return true;
}

/* --- the lines trust, impersonate and manage ----------------------------------------------------
 */

static bool read_subject(struct config_reader *reader, const struct pol_setting_word *values,
	struct config_subject *out)
{
	uid_t uid = 0;
	gid_t gid = 0;

	out->is_group = pol_str_equal(values[0].text, POL_STR("group"));
	if (!out->is_group && !pol_str_equal(values[0].text, POL_STR("user"))) {
		pol_diag_error(reader->diags, values[0].at,
			"'%.*s' is neither user nor group: write user NAME or group NAME",
			POL_STR_ARGS(values[0].text));
		return false;
	}
	if (out->is_group ? !config_find_group(reader, &values[1], &gid)
			  : !config_find_user(reader, &values[1], &uid, NULL)) {
		return false;
	}
	out->id = out->is_group ? (id_t)gid : (id_t)uid;
	if (out->id == (id_t)PEER_OVERFLOW) {
		pol_diag_error(reader->diags, values[1].at,
			"%s '%.*s' is number 65534, which stands for all that the kernel cannot "
			"name, such as users of a container: a line can name nobody by it, so name "
			"a %s of its own",
			out->is_group ? "group" : "user", POL_STR_ARGS(values[1].text),
			out->is_group ? "group" : "user");
		return false;
	}
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

/* Adds the user or group of a line to those of its kind. */
static void add_subject(struct config_reader *reader, const struct pol_setting_word *values,
	struct config_subject **subjects, size_t *count)
{
	struct config_subject who, *grown;

	if (!read_subject(reader, values, &who)) {
		return;
	}
	grown = append(reader, *subjects, *count, sizeof who);
	if (grown != NULL) {
		grown[(*count)++] = who;
		*subjects = grown;
	}
}

void config_on_trust(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	add_subject(reader, values, &reader->config->trusts, &reader->config->trust_count);
}

void config_on_impersonate(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	add_subject(reader, values, &reader->config->impersonators,
		&reader->config->impersonator_count);
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

static struct pol_nearest nearest_in(struct pol_str word, const char *const *list)
{
	struct pol_nearest nearest = pol_nearest_to(word);

	for (; *list != NULL; list++) {
		pol_nearest_offer(&nearest, pol_str_of(*list));
	}
	return nearest;
}

static bool read_pattern(
	struct config_reader *reader, const struct pol_setting_word *word, struct pol_str *out)
{
	static const char *const nouns[] = { "keys", "principals", "roles", "assignments", "grants",
		"audit", "*", "**", NULL };
	struct pol_str first = word->text;
	const char *slash;

	if (!pol_str_starts(word->text, POL_STR("authz:/")) || word->text.len < 8) {
		pol_diag_error(reader->diags, word->at,
			"'%.*s' is not a place in the tree authz: write one as in authz:/keys/**",
			POL_STR_ARGS(word->text));
		return false;
	}
	first.ptr += 7;
	first.len -= 7;
	slash = memchr(first.ptr, '/', first.len);
	if (slash != NULL) {
		first.len = (size_t)(slash - first.ptr);
	}
	if (!is_one_of(first, nouns)) {
		struct pol_nearest nearest = nearest_in(first, nouns);

		pol_diag_error(reader->diags, word->at, "the tree authz has no '/%.*s'%s%.*s%s",
			POL_STR_ARGS(first),
			nearest.best.len > 0 ? ": did you mean '/"
					     : ": it has keys, principals, roles, assignments, "
					       "grants and audit",
			POL_STR_ARGS(nearest.best), nearest.best.len > 0 ? "'?" : "");
		return false;
	}
	out->ptr = config_copy_word(reader, word);
	out->len = word->text.len;
	return out->ptr != NULL;
}

void config_on_manage(
	struct config_reader *reader, const struct pol_setting_word *values, size_t count)
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
			struct pol_nearest nearest = nearest_in(values[i].text, actions);

			pol_diag_error(reader->diags, values[i].at,
				"the tree authz has no action '%.*s'" POL_NEAREST,
				POL_STR_ARGS(values[i].text), POL_NEAREST_ARGS(nearest));
			return;
		} else {
			manager.actions[i - 3].ptr = config_copy_word(reader, &values[i]);
			manager.actions[i - 3].len = values[i].text.len;
		}
	}
	grown = append(reader, config->managers, config->manager_count, sizeof manager);
	if (grown != NULL && manager.actions != NULL) {
		grown[config->manager_count++] = manager;
		config->managers = grown;
	}
}
