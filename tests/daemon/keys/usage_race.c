/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that use the same few keys while one reads and one flushes: no count is lost and nothing
 * is seen half written. Plain C, so that it runs under the thread sanitizer, which the test
 * framework does not bear. Exit status 0: well.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/keys/usage.h"

enum { THREADS = 4, KEYS = 3, ROUNDS = 20000 };

struct shared {
	struct store *store;
	struct usage *usage;
	struct secret_token token;
	uint8_t hash[STORE_HASH];
	_Atomic unsigned running;
	_Atomic unsigned failures;
};

/* The address's bytes are all alike, so that a mixture of two shows. */
static void *use_keys(void *data)
{
	struct shared *shared = data;
	struct store_read *read;

	if (store_read_open(shared->store, &read) < 0 || store_read_renew(read) < 0) {
		shared->failures++;
		return NULL;
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t number = 1 + i % KEYS;
		struct store_key key = {
			.kid = shared->token.kid, .number = number, .hash = shared->hash
		};
		struct pol_ip ip = { .known = true };
		struct usage_event event = { .now = i, .ip = &ip, .denied = i % 2 != 0 };

		memset(ip.bytes, (int)(i & 0xff), sizeof ip.bytes);
		struct usage_token presented;

		usage_token_make(shared->usage, &shared->token, store_read_view(read), &presented);
		if (!usage_verify(shared->usage, &presented, &key, KEY_SECRET_CURRENT)) {
			shared->failures++;
		}
		usage_count(shared->usage, read, number, &event);
	}
	store_read_close(read);
	shared->running--;
	return NULL;
}

static void *look(void *data)
{
	struct shared *shared = data;
	struct store_read *read;
	uint64_t last = 0;

	if (store_read_open(shared->store, &read) < 0 || store_read_renew(read) < 0) {
		shared->failures++;
		return NULL;
	}
	while (shared->running > 0) {
		struct store_use use;

		if (usage_get(shared->usage, read, 1, &use) < 0 || use.uses < last) {
			shared->failures++;
		}
		for (int i = 1; i < 16; i++) {
			shared->failures += use.ip[i] != use.ip[0];
		}
		last = use.uses;
	}
	store_read_close(read);
	return NULL;
}

static void flush(struct shared *shared)
{
	struct store_write *write;
	bool more = true;

	while (more) {
		if (store_write_begin(shared->store, &write) < 0) {
			shared->failures++;
			return;
		}
		if (usage_flush(shared->usage, write, &more) < 0 || store_write_keep(write) < 0 ||
			store_write_commit(write, false) < 0) {
			shared->failures++;
			more = false;
		}
		usage_flushed(shared->usage, true);
	}
}

static int run(struct shared *shared)
{
	pthread_t threads[THREADS], looker;
	struct store_read *read;
	uint64_t uses = 0, denials = 0;

	shared->running = THREADS;
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, use_keys, shared);
	}
	pthread_create(&looker, NULL, look, shared);
	while (shared->running > 0 && shared->failures == 0) {
		flush(shared);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	shared->running = 0;
	pthread_join(looker, NULL);
	flush(shared);
	if (store_read_open(shared->store, &read) < 0 || store_read_renew(read) < 0) {
		return 1;
	}
	for (uint64_t number = 1; number <= KEYS; number++) {
		struct store_use use;

		if (store_get_use(read, number, &use) < 0) {
			return 1;
		}
		uses += use.uses;
		denials += use.denials;
	}
	store_read_close(read);
	printf("uses %llu denials %llu failures %u\n", (unsigned long long)uses,
		(unsigned long long)denials, shared->failures);
	return uses != THREADS * ROUNDS || denials != THREADS * ROUNDS / 2 || shared->failures != 0;
}

int main(void)
{
	char folder[] = "/tmp/authzd-race-XXXXXX", path[64], pepper[64], lock[64];
	char text[SECRET_MAX_TOKEN], why[STORE_WHY];
	struct shared *shared = calloc(1, sizeof *shared);
	struct store_options options = {
		.path = path, .pepper = pepper, .map_size = STORE_MAP_SIZE_SMALL, .readers = 8
	};
	int failed = 1;

	if (shared == NULL || mkdtemp(folder) == NULL) {
		return 1;
	}
	snprintf(path, sizeof path, "%s/store", folder);
	snprintf(lock, sizeof lock, "%s/store-lock", folder);
	snprintf(pepper, sizeof pepper, "%s/pepper", folder);
	if (store_open(&options, &shared->store, why) < 0) {
		fprintf(stderr, "%s\n", why);
	} else if (usage_create(shared->store, &shared->usage) == 0) {
		secret_token_make(POL_STR("ak_live_"), text, &shared->token);
		secret_token_hash(
			store_secrets(shared->store), &shared->token, false, shared->hash);
		failed = run(shared);
	}
	usage_destroy(shared->usage);
	store_close(shared->store);
	unlink(path);
	unlink(lock);
	unlink(pepper);
	rmdir(folder);
	free(shared);
	return failed;
}
