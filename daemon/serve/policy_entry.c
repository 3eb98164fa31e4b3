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

static const struct pol_str field = { "revision", sizeof "revision" - 1 };

int policy_entry_add(const struct writer_turn *turn, const struct policy_entry *entry)
{
	static const char *const triggers[] = { [RELOAD_WATCH] = "watch",
		[RELOAD_SIGNAL] = "signal",
		[RELOAD_REQUEST] = "request",
		[RELOAD_BY_START] = "start" };
	const struct audit_change change = audit_change_of(turn, entry->by, ACTION);
	bool same = strcmp(entry->commit_from, entry->commit_to) == 0;
	struct audit_note note;
	const struct audit_entry audit = { .kind = STORE_AUDIT_POLICY, .note = &note };

	audit_note_init(&note);
	audit_note_text(&note, field.ptr, pol_str_of(entry->from), pol_str_of(entry->to));
	/* A commit is there with each revision, even when it is the one of the revision before. */
	audit_note_text(&note, "commit", pol_str_of(same ? "" : entry->commit_from),
		pol_str_of(entry->commit_to));
	audit_note_text(&note, "trigger", pol_str_of(""), pol_str_of(triggers[entry->trigger]));
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

static bool take_revision(const struct store_audit *audit, char out[static POL_REVISION_TEXT])
{
	struct store_list left = audit->fields;
	struct pol_str name, from, to;

	while (store_list_next(&left, &name) && store_list_next(&left, &from) &&
		store_list_next(&left, &to)) {
		if (pol_str_equal(name, field) && to.len < POL_REVISION_TEXT) {
			memcpy(out, to.ptr, to.len);
			out[to.len] = '\0';
			return true;
		}
	}
	return false;
}

/* 1: found. */
static int on_audit(void *context, const struct store_audit *audit)
{
	return audit->kind == STORE_AUDIT_POLICY && pol_str_equal(audit->action, POL_STR(ACTION)) &&
			       take_revision(audit, context)
		       ? 1
		       : 0;
}

bool policy_entry_newest(struct store_read *read, char out[static POL_REVISION_TEXT])
{
	const struct store_audit_filter all = { .backwards = true };

	return store_list_audit(read, &all, UINT64_MAX, on_audit, out) == 1;
}

/* --- its commit ------------------------------------------------------------------------------- */

void policy_entry_find_commit(const struct build_options *options, char out[static COMMIT_TEXT])
{
	char why[FOLDER_WHY];
	int r = commit_read(options->path, &options->owners, out, why);

	if (r < 0 && r != -ENOENT) {
		log_info("the commit of the policy is not known", "why=%s", why);
	}
}
