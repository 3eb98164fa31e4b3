/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/pepper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/share/share_internal.h"
#include "daemon/store/trail.h"

uint8_t share_pepper_newest(const struct secrets *secrets)
{
	return (uint8_t)(secrets_pepper(secrets) + secrets_have_staged(secrets));
}

/* --- the record ------------------------------------------------------------------------------- */

/* The realm, and a copy of the record. *out_len 0: there is none yet. */
static int get_record(struct store_read *read, struct store_shared *out_place,
	uint8_t out[static SECRET_PEPPERS], size_t *out_len)
{
	struct pol_str text;
	int r = store_get_shared(read, out_place);

	*out_len = 0;
	if (r < 0) {
		return r;
	}
	r = store_get_setting(read, SHARE_SET_PEPPER, &text);
	if (r == 0 && text.len != SECRET_PEPPERS) {
		return -EBADMSG;
	}
	if (r == 0) {
		memcpy(out, text.ptr, text.len);
		*out_len = text.len;
	}
	return r == -ENOENT ? 0 : r;
}

int share_pepper_get(struct store *store, struct store_read *read, struct secret_shared *out)
{
	const struct secrets *secrets = store_secrets(store);
	uint8_t record[SECRET_PEPPERS];
	struct store_shared place;
	size_t len;
	int r = get_record(read, &place, record, &len);

	if (r < 0) {
		return r;
	}
	if (len == 0) {
		*out = (struct secret_shared){ secrets_pepper(secrets), secrets_have_old(secrets),
			secrets_have_staged(secrets) };
		return 0;
	}
	return secrets_read_shared(
		       secrets, place.realm, (struct pol_str){ (const char *)record, len }, out)
		       ? 0
		       : -EBADMSG;
}

int share_pepper_put(struct store *store, struct store_write *write, enum secret_step step)
{
	uint8_t record[SECRET_PEPPERS];
	struct store_shared place;
	size_t len;
	int r = get_record(store_write_reader(write), &place, record, &len);

	if (r == 0) {
		r = secrets_plan(store_secrets(store), place.realm,
			(struct pol_str){ (const char *)record, len }, step, record);
	}
	return r < 0 ? r
		     : store_put_setting(write, SHARE_SET_PEPPER,
			       (struct pol_str){ (const char *)record, sizeof record });
}

/* --- the file --------------------------------------------------------------------------------- */

static void report(const struct secrets *secrets)
{
	log_info("the secrets' file follows the shared store", "pepper=%u old=%s staged=%s",
		(unsigned)secrets_pepper(secrets), secrets_have_old(secrets) ? "yes" : "no",
		secrets_have_staged(secrets) ? "yes" : "no");
}

static int follow(struct share_pepper *pepper, const struct store_shared *place,
	struct pol_str record, char why[static SHARE_WHY])
{
	struct secrets *secrets = store_secrets(pepper->store);
	struct secret_shared wanted;
	char reason[SECRET_WHY];
	int r = secrets_follow(secrets, place->realm, record, reason);

	pepper->failed = r < 0;
	pepper->behind = r < 0 && (!secrets_read_shared(secrets, place->realm, record, &wanted) ||
					  wanted.number != secrets_pepper(secrets));
	if (r < 0) {
		snprintf(why, SHARE_WHY, "the new pepper: %.400s", reason);
		return r;
	}
	memcpy(pepper->seen, record.ptr, sizeof pepper->seen);
	if (r > 0) {
		report(secrets);
	}
	return r;
}

int share_pepper_follow(
	struct share_pepper *pepper, struct store_read *read, char why[static SHARE_WHY])
{
	uint8_t record[SECRET_PEPPERS];
	struct store_shared place;
	size_t len;
	int r = get_record(read, &place, record, &len);

	why[0] = '\0';
	if (r == -ENOENT || (r == 0 && len == 0)) {
		pepper->failed = pepper->behind = false;
		return 0;
	}
	if (r < 0) {
		pepper->failed = pepper->behind = true;
		snprintf(why, SHARE_WHY, "the record of the peppers: %s", store_explain(r));
		return r;
	}
	if (!pepper->failed && memcmp(record, pepper->seen, sizeof record) == 0) {
		return 0;
	}
	return follow(pepper, &place, (struct pol_str){ (const char *)record, len }, why);
}

/* --- of this host ----------------------------------------------------------------------------- */

static void add_name(const char *name, char *out)
{
	size_t len = strlen(out), room = SHARE_LACKING - len;

	snprintf(out + len, room, "%s%s", len > 0 ? ", " : "", name);
}

int share_pepper_lacking(struct share *share, uint8_t number, char out[static SHARE_LACKING])
{
	struct share_host *hosts;
	size_t count;
	int64_t now;
	int r = share_get_hosts(share, &hosts, &count, &now), lacking = 0;

	out[0] = '\0';
	if (r < 0 || count == 0) {
		return r < 0 ? r : -EAGAIN;
	}
	for (size_t i = 0; i < count; i++) {
		if (!hosts[i].gone && hosts[i].pepper != number) {
			add_name(hosts[i].name, out);
			lacking++;
		}
	}
	free(hosts);
	return lacking;
}

void share_follow_pepper(struct share *share)
{
	struct share_append *append = &share->append;
	char why[SHARE_WHY] = "";
	int r = store_read_renew(share->reader);

	if (r < 0) {
		return;
	}
	r = share_pepper_follow(&share->pepper, share->reader, why);
	store_read_reset(share->reader);
	if (share->pepper.behind) {
		append->least = STORE_ENDS;
		append->least_why = SHARE_PEPPER_BEHIND;
	}
	share_note_problem(share, SHARE_PEPPER, why);
	if (r > 0) {
		share_wake_watcher(share);
	}
}

static int enter_begin(struct store_write *write)
{
	char actor[32];
	struct store_audit audit = {
		.time = (int64_t)time(NULL),
		.kind = STORE_AUDIT_STORE,
		.flags = STORE_AUDIT_MADE,
		.uid = (uint32_t)getuid(),
		.pid = (uint32_t)getpid(),
		.action = POL_STR("store.share"),
		.target = POL_STR(SHARE_SET_PEPPER),
	};

	snprintf(actor, sizeof actor, "uid:%u", (unsigned)audit.uid);
	audit.actor = pol_str_of(actor);
	return store_append_audit(write, &audit);
}

int share_begin_pepper(struct share *share, const uint8_t realm[static SHARE_REALM])
{
	struct store *store = share->options.store;
	uint8_t record[SECRET_PEPPERS];
	struct store_write *write = NULL;
	int r = secrets_plan(
		store_secrets(store), realm, (struct pol_str){ NULL, 0 }, SECRET_KEEP, record);

	if (r == 0) {
		r = store_write_begin(store, &write);
	}
	if (write == NULL) {
		return r;
	}
	store_write_alone(write);
	store_write_job(write);
	r = store_put_setting(
		write, SHARE_SET_PEPPER, (struct pol_str){ (const char *)record, sizeof record });
	if (r == 0) {
		r = enter_begin(write);
	}
	if (r == 0) {
		r = store_write_keep(write);
	}
	if (r < 0) {
		store_write_abort(write);
		return r;
	}
	return store_write_commit(write, true);
}

int share_check_pepper(struct share *share, struct store_read *read,
	const uint8_t realm[static SHARE_REALM], char why[static SHARE_WHY])
{
	struct pol_str record;
	int r = store_get_setting(read, SHARE_SET_PEPPER, &record);

	if (r == -ENOENT || share_is_on(share)) {
		return 0; /* one that joins again has what its file followed */
	}
	if (r == 0 && !secrets_have_shared(store_secrets(share->options.store), realm, record)) {
		snprintf(why, SHARE_WHY,
			"this host's secrets' file lacks the pepper that the other hosts use: copy "
			"the file `pepper` of one of them to this host again, and start it again");
		r = -EPERM;
	}
	return r;
}
