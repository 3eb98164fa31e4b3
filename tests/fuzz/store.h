/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store: a store in the folder of fuzz.h, with known secrets, so that a seed's tags are right in
 * every run.
 */

#include "daemon/store/env.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static inline void fuzz_secrets(char *path, size_t size)
{
	fuzz_path(path, size, "pepper");
	fuzz_write_text(path, "authzd secrets 1\nmaster " FUZZ_HEX "\npepper " FUZZ_HEX "\n");
}

static inline struct store *fuzz_store(void)
{
	static char path[128], pepper[128];
	const struct store_options options = {
		.path = path, .pepper = pepper, .map_size = STORE_MAP_SIZE_SMALL, .readers = 4
	};
	struct store *store = NULL;
	char why[STORE_WHY];

	fuzz_secrets(pepper, sizeof pepper);
	fuzz_path(path, sizeof path, "store.mdb");
	fuzz_require(store_open(&options, &store, why) == 0);
	return store;
}
