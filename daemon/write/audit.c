/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/peer.h"
#include "daemon/store/shared.h"
#include "daemon/write/writer.h"

struct audit_change audit_change_of(
	const struct writer_turn *turn, const struct peer *peer, const char *action)
{
	struct audit_change change = {
		.read = turn->read,
		.write = turn->write,
		.now = turn->now,
		.actor = "daemon",
		.action = action,
	};

	if (peer != NULL) {
		change.uid = (uint32_t)peer->uid;
		change.pid = (uint32_t)peer->pid;
		snprintf(change.actor, sizeof change.actor, "uid:%u%s%.*s", (unsigned)peer->uid,
			turn->host != NULL ? "@" : "", SHARE_HOST,
			turn->host != NULL ? turn->host : "");
	}
	return change;
}

int audit_enter(const struct audit_change *change, const struct audit_entry *entry)
{
	struct store_audit audit = {
		.time = change->now,
		.uid = change->uid,
		.pid = change->pid,
		.tenant = entry->tenant,
		.kind = (uint8_t)entry->kind,
		.flags = (uint8_t)entry->flags,
		.actor = pol_str_of(change->actor),
		.action = pol_str_of(change->action),
		.target = entry->target,
	};

	if (entry->note != NULL) {
		audit.fields = store_pack_list(&entry->note->pack);
	}
	return store_append_audit(change->write, &audit);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The kid is copied: the put may move what it was read from. */
static int enter_key(const struct audit_change *change, const struct audit_note *note,
	uint32_t tenant, const char kid[static STORE_KID], uint32_t flags)
{
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_KEY,
		.tenant = tenant,
		.target = { kid, STORE_KID },
		.flags = flags,
		.note = note,
	};

	return audit_enter(change, &entry);
}

int audit_create_key(const struct audit_change *change, struct store_key *key)
{
	struct audit_note note;
	int r;

	audit_note_init(&note);
	audit_note_key(&note, NULL, key);
	r = store_create_key(change->write, key);
	return r < 0 ? r : enter_key(change, &note, key->tenant, key->kid.ptr, STORE_AUDIT_MADE);
}

int audit_update_key(const struct audit_change *change, const struct store_key *key)
{
	char kid[STORE_KID];
	uint32_t tenant = key->tenant;
	struct audit_note note;
	struct store_key before;
	int r = store_get_key(change->read, key->kid, &before);

	if (r < 0) {
		return r;
	}
	audit_note_init(&note);
	audit_note_key(&note, &before, key);
	memcpy(kid, key->kid.ptr, sizeof kid);
	r = store_update_key(change->write, key);
	return r < 0 ? r : enter_key(change, &note, tenant, kid, STORE_AUDIT_MADE);
}

int audit_remove_key(const struct audit_change *change, struct pol_str kid)
{
	char copy[STORE_KID];
	uint32_t tenant;
	struct audit_note note;
	struct store_key before;
	int r = store_get_key(change->read, kid, &before);

	if (r < 0) {
		return r;
	}
	audit_note_init(&note);
	audit_note_key(&note, &before, NULL);
	memcpy(copy, before.kid.ptr, sizeof copy);
	tenant = before.tenant;
	r = store_remove_key(change->write, (struct pol_str){ copy, sizeof copy });
	return r < 0 ? r : enter_key(change, &note, tenant, copy, STORE_AUDIT_REMOVED);
}

int audit_remove_altered_key(
	const struct audit_change *change, const char kid[static STORE_KID], uint32_t tenant)
{
	struct audit_note note;
	int r = store_remove_altered_key(change->write, kid);

	audit_note_init(&note);
	audit_note_text(&note, "status", POL_STR("altered"), (struct pol_str){ NULL, 0 });
	return r < 0 ? r : enter_key(change, &note, tenant, kid, STORE_AUDIT_REMOVED);
}

/* --- principals ------------------------------------------------------------------------------- */

static int enter_principal(const struct audit_change *change, const struct audit_note *note,
	uint32_t tenant, struct pol_str id, uint32_t flags)
{
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_PRINCIPAL,
		.tenant = tenant,
		.target = id,
		.flags = flags,
		.note = note,
	};

	return audit_enter(change, &entry);
}

int audit_put_principal(const struct audit_change *change, const struct store_principal *principal)
{
	char id[STORE_MAX_NAME];
	struct pol_str target = { id, principal->id.len };
	uint32_t tenant = principal->tenant;
	struct store_principal before;
	struct audit_note note;
	int r = store_get_holder(change->read, tenant, principal->id, &before);

	if ((r < 0 && r != -ENOENT) || target.len > sizeof id) {
		return r < 0 ? r : -E2BIG;
	}
	audit_note_init(&note);
	audit_note_principal(&note, r == 0 ? &before : NULL, principal);
	memcpy(id, principal->id.ptr, target.len);
	r = store_put_principal(change->write, principal);
	return r < 0 ? r : enter_principal(change, &note, tenant, target, STORE_AUDIT_MADE);
}

int audit_delete_principal(const struct audit_change *change, uint32_t tenant, struct pol_str id)
{
	char copy[STORE_MAX_NAME];
	struct pol_str target = { copy, id.len };
	struct store_principal before;
	struct audit_note note;
	int r = store_get_holder(change->read, tenant, id, &before);

	if ((r < 0 && r != -EBADMSG) || id.len > sizeof copy) {
		return r < 0 && r != -EBADMSG ? r : -E2BIG;
	}
	audit_note_init(&note);
	if (r == 0) {
		audit_note_principal(&note, &before, NULL);
	} else {
		audit_note_text(&note, "status", POL_STR("altered"), (struct pol_str){ NULL, 0 });
	}
	memcpy(copy, id.ptr, id.len);
	r = store_delete_principal(change->write, tenant, id);
	return r < 0 ? r : enter_principal(change, &note, tenant, target, STORE_AUDIT_REMOVED);
}

/* --- alarms ----------------------------------------------------------------------------------- */

/* Entries about the target that are looked at: with more changes in an hour than this, the alarm
 * may be entered twice. */
#define AUDIT_LOOKED 256

struct alarms {
	const struct audit_change *change;
	unsigned looked;
	bool found;
};

static int on_entry(void *context, const struct store_audit *audit)
{
	struct alarms *alarms = context;

	if (audit->time <= alarms->change->now - AUDIT_ALARM_SECONDS) {
		return 1;
	}
	alarms->found = audit->kind == STORE_AUDIT_ALARM &&
			pol_str_equal(audit->action, pol_str_of(alarms->change->action));
	return alarms->found || ++alarms->looked == AUDIT_LOOKED;
}

int audit_alarm(const struct audit_change *change, const struct audit_entry *entry)
{
	const struct store_audit_filter filter = {
		.kind = STORE_AUDIT_ALARM, .target = entry->target, .backwards = true
	};
	struct alarms alarms = { .change = change };
	struct store_shared shared;
	int r = store_get_shared(change->read, &shared);

	if (r == 0) {
		r = store_list_audit(change->read, &filter, UINT64_MAX, on_entry, &alarms);
	}
	if ((r < 0 && r != -ENOENT) || alarms.found) {
		return r < 0 ? r : 0;
	}
	return audit_enter(change, entry);
}

/* The id comes from an altered file: what is not printable ASCII becomes `?`. */
static struct pol_str plain(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e) {
			text[i] = '?';
		}
	}
	return (struct pol_str){ text, len };
}

int audit_altered(const struct audit_change *change, struct store *store)
{
	struct audit_change alarm = *change;
	struct audit_note note;
	struct audit_entry entry = { .kind = STORE_AUDIT_ALARM, .note = &note };
	struct store_altered altered;

	if (!store_take_altered(store, change->now, &altered)) {
		return 0;
	}
	audit_note_init(&note);
	audit_note_text(&note, "table", (struct pol_str){ NULL, 0 }, pol_str_of(altered.table));
	audit_note_number(&note, "refused", 0, (int64_t)altered.count);
	entry.target = plain(altered.id, altered.id_len);
	alarm.action = "alarm.altered_record";
	return audit_alarm(&alarm, &entry);
}
