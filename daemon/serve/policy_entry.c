/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/policy_entry.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

#include "daemon/host/log.h"
#include "daemon/load/build.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"
#include "daemon/store/trail.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

#define ACTION "policy.reload"

#define REVISION "revision"
#define DATA     "data"

const char *reload_trigger_name(enum reload_trigger trigger)
{
	static const char *const names[] = { [RELOAD_WATCH] = "watch",
		[RELOAD_SIGNAL] = "signal",
		[RELOAD_REQUEST] = "request",
		[RELOAD_BY_START] = "start" };

	return names[trigger];
}

int policy_entry_add(const struct writer_turn *turn, const struct policy_entry *entry)
{
	const struct audit_change change = audit_change_of(turn, entry->by, ACTION);
	bool same = strcmp(entry->commit_from, entry->commit_to) == 0;
	struct audit_note note;
	const struct audit_entry audit = { .kind = STORE_AUDIT_POLICY, .note = &note };

	audit_note_init(&note);
	audit_note_text(&note, REVISION, pol_str_of(entry->from), pol_str_of(entry->to));
	/* A commit is there with each revision, even when it is the one of the revision before. */
	audit_note_text(&note, "commit", pol_str_of(same ? "" : entry->commit_from),
		pol_str_of(entry->commit_to));
	audit_note_text(&note, DATA, pol_str_of(""), pol_str_of(entry->data));
	audit_note_text(
		&note, "trigger", pol_str_of(""), pol_str_of(reload_trigger_name(entry->trigger)));
	return audit_enter(&change, &audit);
}

/* --- at a start ------------------------------------------------------------------------------- */

struct start_entry {
	struct writer_job job; /* first: the writer gives it back */
	const struct policy_entry *entry;
	int result;
	uv_sem_t done;
};

static int on_entry(struct writer_job *job, const struct writer_turn *turn)
{
	return policy_entry_add(turn, ((const struct start_entry *)job)->entry);
}

static void on_entered(struct writer_job *job, int result)
{
	struct start_entry *start = (struct start_entry *)job;

	start->result = result;
	uv_sem_post(&start->done);
}

int policy_entry_add_at_start(struct server *server, const struct policy_entry *entry)
{
	struct start_entry start = {
		.job = { .item = { .class = QUEUE_ENDS, .uid = QUEUE_DAEMON },
			.run = on_entry,
			.done = on_entered,
			.need = STORE_ENDS },
		.entry = entry,
	};

	if (uv_sem_init(&start.done, 0) != 0) {
		return -ENOMEM;
	}
	writer_submit(server->writer, &start.job);
	uv_sem_wait(&start.done);
	uv_sem_destroy(&start.done);
	return start.result;
}

/* --- the newest one --------------------------------------------------------------------------- */

/* The text that the entry sets the field to. False: it does not, or it is longer. */
static bool take_field(
	const struct store_audit *audit, struct pol_str field, char *out, size_t size)
{
	struct store_list left = audit->fields;
	struct pol_str name, from, to;

	while (store_list_next(&left, &name) && store_list_next(&left, &from) &&
		store_list_next(&left, &to)) {
		if (pol_str_equal(name, field) && to.len < size) {
			memcpy(out, to.ptr, to.len);
			out[to.len] = '\0';
			return true;
		}
	}
	return false;
}

static bool is_entry(const struct store_audit *audit)
{
	return audit->kind == STORE_AUDIT_POLICY && pol_str_equal(audit->action, POL_STR(ACTION));
}

struct search {
	uint64_t oldest;
	char *out;
};

/* 1: found. */
static int on_revision(void *context, const struct store_audit *audit)
{
	const struct search *search = context;

	if (audit->sequence < search->oldest) {
		return 2;
	}
	return is_entry(audit) &&
	       take_field(audit, POL_STR(REVISION), search->out, POL_REVISION_TEXT);
}

static int on_data(void *context, const struct store_audit *audit)
{
	struct feeds_entry *entry = context;

	entry->number = audit->sequence;
	return is_entry(audit) && take_field(audit, POL_STR(DATA), entry->digest, FEEDS_DIGEST);
}

static bool find_newest(
	struct store_read *read, int (*seen)(void *, const struct store_audit *), void *out)
{
	const struct store_audit_filter all = { .backwards = true };

	return store_list_audit(read, &all, UINT64_MAX, seen, out) == 1;
}

bool policy_entry_newest(
	struct store_read *read, uint64_t oldest, char out[static POL_REVISION_TEXT])
{
	struct search search = { oldest, out };

	return find_newest(read, on_revision, &search);
}

struct feeds_entry policy_entry_newest_data(struct store_read *read)
{
	struct feeds_entry entry = { 0 };

	return find_newest(read, on_data, &entry) ? entry : (struct feeds_entry){ 0 };
}

/* --- its commit ------------------------------------------------------------------------------- */

void policy_entry_find_commit(const struct build_options *options, char out[static COMMIT_TEXT])
{
	char why[FOLDER_WHY];
	int r = commit_read(options->path, &options->owners, out, why);

	if (r < 0 && r != -ENOENT) {
		log_info("the commit of the policy is not known", "why=%s%s", why,
			r == -EACCES ? "; " COMMIT_FILE " in the policy folder can say it" : "");
	}
}
