/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/custody.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/context.h"
#include "daemon/config/config.h"
#include "daemon/write/audit.h"

/* Keys of a principal that are not revoked: when there are more, `own` is set. */
#define MAX_KEYS 1024

/* Bytes of `key:KID`, and of the longest `uid:N`. */
#define HOLDER_SHORT 16
/* Bytes of the longest `principal:ID`. */
#define HOLDER_BY (sizeof "principal:" - 1 + STORE_MAX_NAME)

/* A holder of secrets: a key, or the principal to which it is bound; a principal that a peer
 * impersonated; or a peer that acted itself. */
struct holder {
	char by[HOLDER_BY]; /* as in created_by */
	uint8_t by_len;
	char principal[STORE_MAX_NAME];
	uint8_t principal_len; /* 0: the key is bound to none, or it is a peer */
	bool known;            /* whether it is bound, and to which */
};

/* Holders, each with those that received its secrets after it. */
struct chain {
	struct call *call;
	struct holder holders[CUSTODY_MAX];
	uint32_t count;
	uint32_t keys; /* of the principal, so far */
	bool full;     /* not all were followed */
};

static const struct pol_str by_key = { "key:", 4 };
static const struct pol_str by_uid = { "uid:", 4 };
static const struct pol_str by_principal = { "principal:", 10 };
static const struct pol_str and_more = { "*", 1 }; /* in a list: it was too long */

static struct pol_str by_of(const struct holder *holder)
{
	return (struct pol_str){ holder->by, holder->by_len };
}

static struct pol_str principal_of(const struct holder *holder)
{
	return (struct pol_str){ holder->principal, holder->principal_len };
}

/* The kid; empty if the holder is no key. */
static struct pol_str kid_of(const struct holder *holder)
{
	bool is_key = holder->by_len == by_key.len + STORE_KID &&
		      memcmp(holder->by, by_key.ptr, by_key.len) == 0;

	return is_key ? (struct pol_str){ holder->by + by_key.len, STORE_KID }
		      : (struct pol_str){ 0 };
}

/* The principal itself, of whom all keys count. */
static bool is_principal(const struct holder *holder)
{
	return pol_str_starts(by_of(holder), by_principal);
}

/* A peer that may give anything gains nothing by what others are given. */
static bool gives_anything(const struct call *call, struct pol_str by)
{
	const struct config *config = call->context->config;
	unsigned long uid;
	char text[HOLDER_SHORT + 1] = "", *end;

	if (by.len <= by_uid.len || by.len > HOLDER_SHORT ||
		memcmp(by.ptr, by_uid.ptr, by_uid.len) != 0) {
		return false;
	}
	memcpy(text, by.ptr + by_uid.len, by.len - by_uid.len);
	uid = strtoul(text, &end, 10);
	return *end == '\0' &&
	       (uid == 0 || uid == config->uid || config_match_uid_all(config, (uid_t)uid));
}

static struct holder *find(struct chain *chain, struct pol_str by)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		if (pol_str_equal(by_of(&chain->holders[i]), by)) {
			return &chain->holders[i];
		}
	}
	return NULL;
}

static void set_principal(struct holder *holder, struct pol_str id)
{
	if (id.len > sizeof holder->principal) {
		return;
	}
	if (id.len > 0) {
		memcpy(holder->principal, id.ptr, id.len);
	}
	holder->principal_len = (uint8_t)id.len;
	holder->known = true;
}

/* Adds the key, principal or peer that created_by or an entry of a list names. */
static void add_receiver(struct chain *chain, struct pol_str entry)
{
	const char *slash = entry.len > 0 ? memchr(entry.ptr, '/', entry.len) : NULL;
	struct pol_str by = { entry.ptr, slash != NULL ? (size_t)(slash - entry.ptr) : entry.len };
	struct holder *holder = find(chain, by);

	if (holder == NULL) {
		if (gives_anything(chain->call, by)) {
			return;
		}
		if (chain->count == CUSTODY_MAX || by.len > sizeof holder->by) {
			chain->full = true;
			return;
		}
		holder = &chain->holders[chain->count++];
		memcpy(holder->by, by.ptr, by.len);
		holder->by_len = (uint8_t)by.len;
		holder->principal_len = 0;
		holder->known = false;
	}
	if (is_principal(holder)) {
		set_principal(holder,
			(struct pol_str){ by.ptr + by_principal.len, by.len - by_principal.len });
	} else if (slash != NULL) {
		set_principal(holder, (struct pol_str){ slash + 1, entry.len - by.len - 1 });
	}
}

/* Adds a key of which only the kid is known. */
static void add_key(struct chain *chain, const char kid[static STORE_KID])
{
	char by[sizeof "key:" - 1 + STORE_KID];

	memcpy(by, by_key.ptr, by_key.len);
	memcpy(by + by_key.len, kid, STORE_KID);
	add_receiver(chain, (struct pol_str){ by, sizeof by });
}

/* Adds those that a list of custody_list, or created_by, names. */
static void add_list(struct chain *chain, struct pol_str list)
{
	while (list.len > 0) {
		const char *space = memchr(list.ptr, ' ', list.len);
		size_t len = space != NULL ? (size_t)(space - list.ptr) : list.len;
		struct pol_str by = { list.ptr, len };

		if (pol_str_equal(by, and_more)) {
			chain->full = true;
		} else {
			add_receiver(chain, by);
		}
		len += space != NULL;
		list = (struct pol_str){ list.ptr + len, list.len - len };
	}
}

static void add_receivers(struct chain *chain, const struct store_key *key)
{
	const struct store_rotation *rotation = &key->rotation;
	struct pol_str by = rotation->received_by;

	add_list(chain, by.len > 0 ? by : key->created_by);
	if (rotation->other != STORE_OTHER_NONE) {
		by = rotation->other_received_by;
		add_list(chain, by.len > 0 ? by : key->created_by);
	}
}

/* Looks up the holders, and adds those that received their secrets. */
static int follow(struct chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		struct holder *holder = &chain->holders[i];
		struct pol_str kid = kid_of(holder);
		struct store_key key;
		int r = kid.len > 0 ? store_get_key(chain->call->read, kid, &key) : -ENOENT;

		if (r == 0) {
			set_principal(holder, key.principal);
			add_receivers(chain, &key);
		} else if (r != -ENOENT && r != -EBADMSG) {
			return r;
		} else if (kid.len > 0 && !holder->known) {
			/* Nothing says any more to which principal it was bound. */
			chain->full = true;
		}
	}
	return 0;
}

static bool has_principal(const struct holder *holder, struct pol_str id)
{
	return holder->principal_len > 0 && pol_str_equal(principal_of(holder), id);
}

static bool is_same(const struct holder *a, const struct holder *b)
{
	return pol_str_equal(by_of(a), by_of(b)) || has_principal(a, principal_of(b));
}

/* The caller's key, and all that received its secrets; the principal that is impersonated, to which
 * nobody else has a secret; or the peer. */
static int follow_caller(struct call *call, struct chain *out)
{
	*out = (struct chain){ .call = call };
	add_receiver(out, pol_str_of(call->change->actor));
	return follow(out);
}

static void append(struct custody_text *out, struct pol_str text)
{
	memcpy(out->text + out->len, text.ptr, text.len);
	out->len += text.len;
}

/* Appends an entry of a list. False if there is no room for it and for the end of a list that is
 * too long. */
static bool append_holder(struct custody_text *out, const struct holder *holder)
{
	bool is_key = holder->known && kid_of(holder).len > 0;
	size_t len = (out->len > 0) + holder->by_len;

	len += is_key ? 1U + holder->principal_len : 0;
	if (out->len + len + 1 + and_more.len > sizeof out->text) {
		return false;
	}
	if (out->len > 0) {
		append(out, POL_STR(" "));
	}
	append(out, by_of(holder));
	if (is_key) {
		append(out, POL_STR("/"));
		append(out, principal_of(holder));
	}
	return true;
}

_Static_assert(sizeof((struct custody_text *)0)->text >= HOLDER_SHORT + 1 + STORE_MAX_NAME + 2 &&
		       sizeof((struct custody_text *)0)->text >= HOLDER_BY + 2,
	"the caller itself is in every list");

int custody_list(struct call *call, struct custody_text *out)
{
	struct chain chain;
	int r = follow_caller(call, &chain);

	out->len = 0;
	/* A peer that may give anything is in no chain. */
	if (chain.count == 0) {
		append(out, pol_str_of(call->change->actor));
	}
	for (uint32_t i = 0; r == 0 && i < chain.count; i++) {
		if (!append_holder(out, &chain.holders[i])) {
			chain.full = true;
			break;
		}
	}
	if (chain.full) {
		append(out, POL_STR(" "));
		append(out, and_more);
	}
	return r;
}

static void add_to(struct custody *out, const struct holder *holder)
{
	struct custody_receiver *receiver = &out->receivers[out->count++];
	struct pol_str kid = kid_of(holder);

	receiver->is_key = kid.len > 0;
	receiver->principal_len = holder->principal_len;
	memcpy(receiver->principal, holder->principal, holder->principal_len);
	if (kid.len > 0) {
		memcpy(receiver->kid, kid.ptr, STORE_KID);
	}
}

/* Finds the holders that are in both chains; `id`: the subject is this principal. */
static int compare(
	struct call *call, const struct chain *subject, struct pol_str id, struct custody *out)
{
	struct chain caller;
	int r = follow_caller(call, &caller);

	out->own = subject->full || caller.full;
	out->count = 0;
	for (uint32_t i = 0; r == 0 && i < caller.count; i++) {
		const struct holder *holder = &caller.holders[i];
		bool is_peer = kid_of(holder).len == 0 && !is_principal(holder);
		bool shared = id.len > 0 && has_principal(holder, id);

		for (uint32_t k = 0; k < subject->count && !shared; k++) {
			shared = is_same(holder, &subject->holders[k]);
		}
		if (shared && (i == 0 || is_peer)) {
			out->own = true;
		} else if (shared) {
			add_to(out, holder);
		}
	}
	return r;
}

int custody_of_key(struct call *call, const struct store_key *key, struct custody *out)
{
	struct chain chain = { .call = call };
	int r;

	/* A key that is not stored yet: its secret will be the caller's. */
	if (key->kid.len != STORE_KID) {
		out->own = true;
		return 0;
	}
	add_key(&chain, key->kid.ptr);
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
