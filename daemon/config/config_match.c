/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/peer.h"

static bool is_subject(const struct config_subject *who, const struct peer *peer)
{
	/* uid 65534 stands for users that the kernel cannot name: no line applies to it, whatever
	 * its groups are. */
	if (peer->uid == PEER_OVERFLOW) {
		return false;
	}
	return who->is_group ? peer_has_group(peer, (gid_t)who->id) : peer->uid == (uid_t)who->id;
}

static bool is_one_of(const struct config_subject *subjects, size_t count, const struct peer *peer)
{
	for (size_t i = 0; i < count; i++) {
		if (is_subject(&subjects[i], peer)) {
			return true;
		}
	}
	return false;
}

bool config_match_trusts(const struct config *config, const struct peer *peer)
{
	return is_one_of(config->trusts, config->trust_count, peer);
}

bool config_match_impersonates(const struct config *config, const struct peer *peer)
{
	return is_one_of(config->impersonators, config->impersonator_count, peer);
}

bool config_match_manager(const struct config *config, const struct peer *peer)
{
	for (size_t i = 0; i < config->manager_count; i++) {
		if (is_subject(&config->managers[i].who, peer)) {
			return true;
		}
	}
	return false;
}

bool config_match_manager_line(const struct config *config, const struct peer *peer, size_t number,
	struct pol_str *out_pattern)
{
	const struct config_manager *manager = &config->managers[number];

	if (!is_subject(&manager->who, peer)) {
		return false;
	}
	*out_pattern = manager->pattern;
	return true;
}

static bool is_for_everything(const struct config_manager *manager)
{
	return manager->action_count == 0 && pol_str_equal(manager->pattern, POL_STR("authz:/**"));
}

bool config_match_manager_all(const struct config *config, const struct peer *peer)
{
	for (size_t i = 0; i < config->manager_count; i++) {
		if (is_for_everything(&config->managers[i]) &&
			is_subject(&config->managers[i].who, peer)) {
			return true;
		}
	}
	return false;
}

bool config_match_uid_all(const struct config *config, uid_t uid)
{
	for (size_t i = 0; i < config->manager_count; i++) {
		const struct config_subject *who = &config->managers[i].who;

		if (is_for_everything(&config->managers[i]) && !who->is_group &&
			who->id == (id_t)uid) {
			return uid != (uid_t)65534;
		}
	}
	return false;
}

/* Cuts the next segment off; false at the end. */
static bool next_segment(struct pol_str *rest, struct pol_str *out)
{
	const char *slash;

	if (rest->len == 0) {
		return false;
	}
	slash = memchr(rest->ptr, '/', rest->len);
	out->ptr = rest->ptr;
	out->len = slash != NULL ? (size_t)(slash - rest->ptr) : rest->len;
	rest->ptr += out->len + (slash != NULL);
	rest->len -= out->len + (slash != NULL);
	return true;
}

/* `*` matches one segment, a final `**` any number of them. Both are normalised. */
static bool matches(struct pol_str pattern, struct pol_str resource)
{
	struct pol_str wanted, got;

	while (next_segment(&pattern, &wanted)) {
		if (pol_str_equal(wanted, POL_STR("**")) && pattern.len == 0) {
			return true;
		}
		if (!next_segment(&resource, &got)) {
			return false;
		}
		if (!pol_str_equal(wanted, POL_STR("*")) && !pol_str_equal(wanted, got)) {
			return false;
		}
	}
	return resource.len == 0;
}

static bool has_action(const struct config_manager *manager, struct pol_str action)
{
	for (size_t i = 0; i < manager->action_count; i++) {
		if (pol_str_equal(manager->actions[i], action)) {
			return true;
		}
	}
	return manager->action_count == 0;
}

bool config_match_manager_allows(const struct config *config, const struct peer *peer,
	struct pol_str resource, struct pol_str action)
{
	for (size_t i = 0; i < config->manager_count; i++) {
		const struct config_manager *manager = &config->managers[i];

		if (is_subject(&manager->who, peer) && has_action(manager, action) &&
			matches(manager->pattern, resource)) {
			return true;
		}
	}
	return false;
}
