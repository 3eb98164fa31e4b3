/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes_fuzz: any bytes as what another host's batch changed, under a right sum and as they are.
 * They are applied, and the store then reads whole, or they are refused with a reason. A record
 * that is changed in the input gets a right tag, so that what follows the tag is looked at.
 */
#include <errno.h>

#include "daemon/secret/token.h"
#include "daemon/store/bytes.h"
#include "daemon/store/changes_format.h"
#include "daemon/store/shared.h"
#include "daemon/store/trail_internal.h"
#include "tests/fuzz/store.h"

enum { MAX_INPUT = 1 << 16 };

static struct store *store;

static int on_key(void *context, const struct store_key *key)
{
	(void)context;
	fuzz_require(key->kid.len == STORE_KID);
	return 0;
}

static int on_audit(void *context, const struct store_audit *audit)
{
	(void)context;
	fuzz_require(audit->sequence > 0);
	return 0;
}

static void on_problem(void *context, const struct store_problem *problem)
{
	(void)context;
	fuzz_require(problem->what <= STORE_RECORD_UNLISTED);
}

static void read_all(struct store_read *read)
{
	const struct store_audit_filter all = { .kind = STORE_AUDIT_NONE };
	struct store_verify verify = { .checked = 0 };
	struct pol_str text;
	struct store_shared shared;

	(void)store_walk_keys(read, (struct pol_str){ NULL, 0 }, on_key, NULL);
	(void)store_list_audit(read, &all, 1, on_audit, NULL);
	(void)store_get_setting(read, "max_lag", &text);
	fuzz_require(store_get_shared(read, &shared) == -ENOENT);
	while (store_verify(read, &verify, 64, 0, on_problem, NULL) == 0) {
	}
}

static void apply(struct pol_str changes)
{
	struct store_write *write = NULL;
	char why[STORE_WHY] = "";
	int r;

	fuzz_require(store_write_begin(store, &write) == 0);
	r = store_apply_changes(write, changes, why);
	if (r == 0) {
		fuzz_require(!store_write_owes(write));
		read_all(store_write_reader(write));
	} else {
		fuzz_require(why[0] != '\0');
	}
	store_write_abort(write);
}

/* Gives each whole record a right tag, and each entry of the trail. */
static void tag_records(uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (size - at >= CHANGES_HEADER) {
		size_t key = store_get16(bytes + at + CHANGES_KEY_LEN);
		size_t value = store_get32(bytes + at + CHANGES_VALUE_LEN);
		uint8_t *record = bytes + at + CHANGES_HEADER + key;

		if (key + value > size - at - CHANGES_HEADER) {
			return;
		}
		if (bytes[at + CHANGES_TABLE] == STORE_AUDIT && value >= AUDIT_TEXT) {
			uint8_t tag[STORE_CHAIN];

			store_audit_chain(store, record, value, tag);
			memcpy(record, tag, sizeof tag);
		} else if (value > STORE_AT_BODY && value <= STORE_MAX_ROLE) {
			secret_tag(store->secrets, SECRET_RECORDS, record + SECRET_TAG,
				value - SECRET_TAG, record);
		}
		at += CHANGES_HEADER + key + value;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes;

	if (store == NULL) {
		fuzz_folder();
		store = fuzz_store();
	}
	if (size > MAX_INPUT) {
		return 0;
	}
	bytes = malloc(size + CHANGES_SUM);
	fuzz_require(bytes != NULL);
	memcpy(bytes, data, size);
	apply((struct pol_str){ (const char *)bytes, size });
	for (int tagged = 0; tagged < 2; tagged++) {
		if (tagged) {
			tag_records(bytes, size);
		}
		store_put32(
			bytes + size, secret_crc32((struct pol_str){ (const char *)bytes, size }));
		apply((struct pol_str){ (const char *)bytes, size + CHANGES_SUM });
	}
	free(bytes);
	return 0;
}
