/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/policy_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/names.h"
#include "daemon/host/parallel.h"
#include "daemon/host/zonefile.h"
#include "daemon/load/feed.h"
#include "daemon/load/plugin.h"

/* Bytes of all time zones that one policy reads: several times all that exist. */
#define ZONES_MAX ((size_t)16 << 20)

struct policy_host_zone {
	struct policy_host_zone *next; /* in host.zones */
	struct pol_str name;
	struct pol_str bytes;
};

static void digest(struct policy_host *host, struct pol_str bytes)
{
	host->digest = pol_str_hash(bytes, host->digest);
}

/* --- what was asked --------------------------------------------------------------------------- */

enum kind { USER, GROUP, ZONE };

struct policy_host_question {
	struct policy_host_question *next; /* in questions.first */
	enum kind kind;
	size_t len;
	char name[];
};

static void note_question(struct policy_host *host, enum kind kind, struct pol_str name)
{
	struct policy_host_question *question = malloc(sizeof *question + name.len);

	if (question == NULL) {
		host->asked.lost = true;
		return;
	}
	*question = (struct policy_host_question){ .kind = kind, .len = name.len };
	memcpy(question->name, name.ptr, name.len);
	*(host->asked.first == NULL ? &host->asked.first : &host->asked.last->next) = question;
	host->asked.last = question;
}

struct policy_host_questions policy_host_take_asked(struct policy_host *host)
{
	struct policy_host_questions asked = host->asked;

	host->asked = (struct policy_host_questions){ .first = NULL };
	return asked;
}

void policy_host_questions_finish(struct policy_host_questions *questions)
{
	while (questions->first != NULL) {
		struct policy_host_question *question = questions->first;

		questions->first = question->next;
		free(question);
	}
	*questions = (struct policy_host_questions){ .first = NULL };
}

/* --- users ------------------------------------------------------------------------------------ */

static enum pol_status on_user(void *context, bool is_group, struct pol_str name, uint32_t *out_id)
{
	struct policy_host *host = context;
	char text[NAMES_MAX + 1];
	bool found = false;
	uint32_t id = 0;
	int r;

	if (name.len == 0 || name.len >= sizeof text || memchr(name.ptr, 0, name.len) != NULL) {
		return POL_ENOTFOUND;
	}
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	r = names_find(host->names, is_group, text, &found, &id);
	if (r != 0) {
		return r == -ENOMEM ? POL_ENOMEM : POL_EINVALID;
	}
	note_question(host, is_group ? GROUP : USER, name);
	digest(host, is_group ? POL_STR("group") : POL_STR("user"));
	digest(host, name);
	if (!found) {
		return POL_ENOTFOUND;
	}
	digest(host, (struct pol_str){ (const char *)&id, sizeof id });
	*out_id = id;
	return POL_OK;
}

/* --- time zones ------------------------------------------------------------------------------- */

static enum pol_status on_zone(void *context, struct pol_str name, struct pol_str *out)
{
	struct policy_host *host = context;
	struct policy_host_zone *zone = host->zones;
	enum pol_status status;

	while (zone != NULL && !pol_str_equal(zone->name, name)) {
		zone = zone->next;
	}
	if (zone != NULL) {
		*out = zone->bytes;
		return POL_OK;
	}
	zone = pol_arena_alloc(&host->arena, 1, sizeof *zone);
	if (zone == NULL) {
		return POL_ENOMEM;
	}
	zone->name = pol_arena_copy(&host->arena, name);
	status = zonefile_read(&host->arena, name, &zone->bytes);
	if (status != POL_OK || zone->name.ptr == NULL) {
		return status != POL_OK ? status : POL_ENOMEM;
	}
	note_question(host, ZONE, name);
	digest(host, name);
	digest(host, zone->bytes);
	zone->next = host->zones;
	host->zones = zone;
	*out = zone->bytes;
	return POL_OK;
}

bool policy_host_ask(struct policy_host *host, const struct policy_host_questions *questions)
{
	const struct policy_host_question *question = questions->first;
	bool answered = !questions->lost;

	for (; answered && question != NULL; question = question->next) {
		struct pol_str name = { question->name, question->len };
		struct pol_str bytes;
		uint32_t id;

		if (question->kind == ZONE) {
			answered = on_zone(host, name, &bytes) == POL_OK;
		} else {
			enum pol_status status = on_user(host, question->kind == GROUP, name, &id);

			answered = status == POL_OK || status == POL_ENOTFOUND;
		}
	}
	return answered;
}

/* --- modules ---------------------------------------------------------------------------------- */

static enum pol_status on_module(
	void *context, struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY])
{
	struct policy_host *host = context;

	return plugin_find(host->plugins, host->folder, name, out, why);
}

static enum pol_status on_data(
	void *context, struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY])
{
	struct policy_host *host = context;

	return plugin_data(host->folder, name, out, why);
}

static enum pol_status on_last_data(void *context, struct pol_str name, struct pol_str *out)
{
	const struct policy_host *host = context;

	return feeds_last(host->feeds, name, out);
}

/* Without memory the fault is in the policy's diagnostics alone. */
static void on_data_fault(
	void *context, struct pol_str name, struct pol_str module, struct pol_str why)
{
	struct policy_host *host = context;
	struct feed_fault *fault = pol_arena_alloc(&host->arena, 1, sizeof *fault);

	if (fault == NULL) {
		return;
	}
	fault->name = pol_arena_copy(&host->arena, name);
	fault->module = pol_arena_copy(&host->arena, module);
	fault->why = pol_arena_copy(&host->arena, why);
	if (host->arena.status == POL_OK) {
		fault->next = host->faults;
		host->faults = fault;
	}
}

void policy_host_use_feeds(struct policy_host *host, struct feeds *feeds, bool lack)
{
	if (feeds != NULL) {
		host->feeds = feeds;
		host->interface.last_data = on_last_data;
		host->interface.data_fault = on_data_fault;
		host->interface.data_may_lack = lack;
	}
}

/* --- lifetime --------------------------------------------------------------------------------- */

void policy_host_init(struct policy_host *host, struct names *names, struct plugins *plugins,
	struct plugin_folder *folder)
{
	*host = (struct policy_host){
		.interface = {
			.context = host,
			.zone = on_zone,
			.user = on_user,
			.module = on_module,
			.data = on_data,
			.parallel = parallel_for,
		},
		.digest = POL_HASH_SEED,
		.names = names,
		.plugins = plugins,
		.folder = folder,
	};
	pol_arena_init(&host->arena, ZONES_MAX);
}

void policy_host_finish(struct policy_host *host)
{
	policy_host_questions_finish(&host->asked);
	pol_arena_finish(&host->arena);
	*host = (struct policy_host){ .digest = 0 };
}
