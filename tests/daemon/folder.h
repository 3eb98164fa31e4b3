/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * folder: a temporary folder for one test, and a store in it.
 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/env.h"

/* Each test runs in a process of its own, so this is not shared. */
static char folder_name[64];

static inline void folder_make(void)
{
	const char *parent = getenv("TMPDIR");
	int length = snprintf(folder_name, sizeof folder_name, "%s/authzd-test-XXXXXX",
		parent != NULL ? parent : "/tmp");

	cr_assert_lt(length, (int)sizeof folder_name, "TMPDIR is too long");
	cr_assert_not_null(mkdtemp(folder_name));
}

static inline void folder_path(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", folder_name, name);
}

static inline void folder_remove(void)
{
	DIR *dir = opendir(folder_name);
	struct dirent *entry;
	char path[512];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		folder_path(path, sizeof path, entry->d_name);
		unlink(path);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	rmdir(folder_name);
}

static inline int folder_try_store(struct store **out, char why[static STORE_WHY], size_t map_size)
{
	char path[256], pepper[256];
	struct store_options options = {
		.path = path, .pepper = pepper, .map_size = map_size, .readers = 4
	};

	folder_path(path, sizeof path, "store");
	folder_path(pepper, sizeof pepper, "pepper");
	return store_open(&options, out, why);
}

static inline struct store *folder_store(void)
{
	struct store *store = NULL;
	char why[STORE_WHY];

	cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), 0, "%s", why);
	return store;
}

/* A reader that sees all that is committed. */
static inline struct store_read *folder_reader(struct store *store)
{
	struct store_read *read = NULL;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	return read;
}

/* A key's record with a kid that ends in the number. Its texts are constants. */
static inline struct store_key folder_key(char kid[static STORE_KID + 1], unsigned number)
{
	static const uint8_t hash[STORE_HASH] = { 1, 2, 3 };

	snprintf(kid, STORE_KID + 1, "1%011u", number);
	return (struct store_key){
		.kid = { kid, STORE_KID },
		.tenant = STORE_TENANT_DEFAULT,
		.binding = 1,
		.created_at = 1000,
		.hash = hash,
		.prefix = POL_STR("ak_live_"),
		.environment = POL_STR("live"),
		.principal = POL_STR("alice"),
		.created_by = POL_STR("uid:0"),
	};
}

/* Enters what was just stored in the trail. */
static inline int folder_enter(struct store_write *write, struct pol_str target)
{
	const struct store_audit audit = {
		.time = 1000,
		.tenant = STORE_TENANT_DEFAULT,
		.kind = STORE_AUDIT_KEY,
		.flags = STORE_AUDIT_MADE,
		.actor = POL_STR("uid:0"),
		.action = POL_STR("keys.create"),
		.target = target,
	};

	return store_append_audit(write, &audit);
}

/* Stores one key in a transaction of its own. */
static inline uint64_t folder_put_key(struct store *store, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number);
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(folder_enter(write, key.kid), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	return key.number;
}
