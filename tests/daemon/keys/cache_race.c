/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that put and find what is known of a few keys and principals, while a writer drops and
 * commits: nothing from before a commit is found after it, and nothing is seen half written. Plain
 * C, so that it runs under the thread sanitizer. Exit status 0: well.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/keys/key_cache.h"

/* The writer commits at least VERSIONS times, and on until a thread found something. */
enum { THREADS = 3, KEYS = 2, VERSIONS = 20000 };

static struct key_cache *keys;
static struct principal_cache *principals;
/* The last transaction that everybody sees. */
static _Atomic uint64_t committed = 1;
static _Atomic bool done;
static _Atomic unsigned failures, found;

static const struct pol_str kid = { "1aaaaaaaaaaa", 12 };

/* What a record holds says when it was read. */
static void use_key(uint64_t number)
{
	const uint64_t mark[2] = { number, ~number };
	uint64_t view = committed;
	struct key_known known;

	if (key_cache_find(keys, kid, mark, &known)) {
		found++;
		failures += known.number != number || (uint64_t)known.expires_at < view ||
			    known.principal.count != (uint32_t)known.expires_at * 2;
		return;
	}
	known = (struct key_known){
		.number = number,
		.expires_at = (int64_t)view,
		.environment = { "live", 4 },
		.principal = { 1, (uint32_t)view * 2 },
	};
	key_cache_put(keys, kid, mark, &known, view);
}

static void use_principal(uint32_t tenant)
{
	uint64_t view = committed;
	struct principal_cache_key key;
	struct principal_state state;
	struct principal_ref ref;
	struct principal_name name;
	uint32_t role;

	principal_cache_key_make(1, tenant, (struct pol_str){ "alice", 5 }, &key);
	if (principal_cache_find(principals, &key, &state, &ref)) {
		found++;
		failures += state.roles[0] < view || state.roles[0] != state.roles[1];
		if (principal_cache_recall(principals, ref, 1, &state, &name)) {
			failures += state.roles[0] < view || name.tenant != tenant;
		}
		return;
	}
	role = (uint32_t)view;
	state = (struct principal_state){ .role_count = 2, .roles = { role, role } };
	principal_cache_put(principals, &key, &state, view);
}

static void *use(void *data)
{
	(void)data;
	while (!done) {
		for (uint32_t i = 1; i <= KEYS; i++) {
			use_key(i);
			use_principal(i);
		}
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	if (key_cache_create(&keys) < 0 || principal_cache_create(&principals) < 0) {
		return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, use, NULL);
	}
	for (uint64_t version = 2; version <= VERSIONS || found == 0; version++) {
		for (uint32_t i = 1; i <= KEYS; i++) {
			key_cache_drop(keys, version, i);
			principal_cache_drop(
				principals, version, i, (struct pol_str){ "alice", 5 });
		}
		committed = version;
	}
	done = true;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	key_cache_destroy(keys);
	principal_cache_destroy(principals);
	printf("found %u failures %u\n", found, failures);
	return failures != 0;
}
