/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/custody.h"

#include <errno.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/write/audit.h"

/* Keys of a principal that are not revoked: when there are more, `own` is set. */
#define MAX_KEYS 1024

/* A holder of secrets: a key, or the principal to which it is bound. */
struct holder {
	char kid[STORE_KID];
	char principal[STORE_MAX_NAME];
	uint8_t principal_len; /* 0: the key is bound to none, or there is no such key any more */
};

/* Holders, each with those that received its secrets after it. */
struct chain {
	struct call *call;
	struct holder holders[CUSTODY_MAX];
	uint32_t count;
	uint32_t keys; /* of the principal, so far */
	bool full;     /* not all were followed */
	bool peer;     /* the caller, a peer without a token, received a secret */
};

static const struct pol_str by_key = { "key:", 4 };

static bool is_known(const struct chain *chain, const char *kid)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		if (memcmp(chain->holders[i].kid, kid, STORE_KID) == 0) {
			return true;
		}
	}
	return false;
}

/* Adds the key that an entry such as created_by names. */
static void add_receiver(struct chain *chain, struct pol_str by)
{
	const struct call *call = chain->call;
	struct holder *holder = &chain->holders[chain->count];

	if (by.len != by_key.len + STORE_KID || memcmp(by.ptr, by_key.ptr, by_key.len) != 0) {
		chain->peer =
			chain->peer ||
			(call->actor == NULL && pol_str_equal(by, pol_str_of(call->change->actor)));
		return;
	}
	if (is_known(chain, by.ptr + by_key.len)) {
		return;
	}
	if (chain->count == CUSTODY_MAX) {
		chain->full = true;
		return;
	}
	memcpy(holder->kid, by.ptr + by_key.len, STORE_KID);
	holder->principal_len = 0;
	chain->count++;
}

static void add_receivers(struct chain *chain, const struct store_key *key)
{
	const struct store_rotation *rotation = &key->rotation;
	struct pol_str by = rotation->received_by;

	add_receiver(chain, by.len > 0 ? by : key->created_by);
	if (rotation->other != STORE_OTHER_NONE) {
		by = rotation->other_received_by;
		add_receiver(chain, by.len > 0 ? by : key->created_by);
	}
}

/* Looks up the holders, and adds those that received their secrets. */
static int follow(struct chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		struct holder *holder = &chain->holders[i];
		struct store_key key;
		int r = store_get_key(
			chain->call->read, (struct pol_str){ holder->kid, STORE_KID }, &key);

		if (r == -ENOENT || r == -EBADMSG) {
			continue;
		}
		if (r < 0) {
			return r;
		}
		if (key.principal.len <= sizeof holder->principal && key.principal.len > 0) {
			memcpy(holder->principal, key.principal.ptr, key.principal.len);
			holder->principal_len = (uint8_t)key.principal.len;
		}
		add_receivers(chain, &key);
	}
	return 0;
}

static bool has_principal(const struct holder *holder, struct pol_str id)
{
	return holder->principal_len > 0 &&
	       pol_str_equal((struct pol_str){ holder->principal, holder->principal_len }, id);
}

static bool is_same(const struct holder *a, const struct holder *b)
{
	return memcmp(a->kid, b->kid, STORE_KID) == 0 ||
	       has_principal(a, (struct pol_str){ b->principal, b->principal_len });
}

/* The caller's key, and all that received its secrets. */
static int follow_caller(struct call *call, struct chain *out)
{
	*out = (struct chain){ .call = call };
	if (call->actor == NULL) {
		return 0;
	}
	memcpy(out->holders[0].kid, call->actor->kid, STORE_KID);
	out->count = 1;
	return follow(out);
}

/* Finds the holders that are in both chains; `id`: the subject is this principal. */
static int compare(
	struct call *call, const struct chain *subject, struct pol_str id, struct custody *out)
{
	struct chain caller;
	int r = follow_caller(call, &caller);

	out->own = subject->peer || subject->full || caller.full;
	out->count = 0;
	for (uint32_t i = 0; r == 0 && i < caller.count; i++) {
		const struct holder *holder = &caller.holders[i];
		bool shared = id.len > 0 && has_principal(holder, id);

		for (uint32_t k = 0; k < subject->count && !shared; k++) {
			shared = is_same(holder, &subject->holders[k]);
		}
		if (shared && i == 0) {
			out->own = true;
		} else if (shared) {
			memcpy(out->kids[out->count++], holder->kid, STORE_KID);
		}
	}
	return r;
}

int custody_of_key(struct call *call, const struct store_key *key, struct custody *out)
{
	struct chain chain = { .call = call, .count = 1 };
	int r;

	/* A key that is not stored yet: its secret will be the caller's. */
	if (key->kid.len != STORE_KID) {
		out->own = true;
		return 0;
	}
	memcpy(chain.holders[0].kid, key->kid.ptr, STORE_KID);
	r = follow(&chain);
	return r < 0 ? r : compare(call, &chain, key->principal, out);
}

/* A revoked key has no valid secret, for ever; a disabled or deleted one may have. */
static int on_key(void *context, const struct store_key *key)
{
	struct chain *chain = (struct chain *)context;

	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return 0;
	}
	chain->full = chain->full || chain->keys++ == MAX_KEYS;
	add_receivers(chain, key);
	return chain->full;
}

int custody_of_principal(struct call *call, uint32_t tenant, struct pol_str id, struct custody *out)
{
	struct chain chain = { .call = call };
	int r = store_list_keys(call->read, tenant, id, 0, on_key, &chain);

	if (r >= 0) {
		r = follow(&chain);
	}
	return r < 0 ? r : compare(call, &chain, id, out);
}
