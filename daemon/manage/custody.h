/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * custody: which callers have received the secrets of a subject.
 *
 * What a caller grants to a key whose secret it received, it grants to itself; so it does when
 * another key, whose secret it also received, makes the call. A record says who received its
 * secrets: the caller that created the key, or those that custody_list named. These are followed up
 * to a peer, which received the secrets that it created without a token, or to a principal, which
 * received those that it created while a peer impersonated it. All keys of one principal, and the
 * principal itself, count as one holder, so a list says to which principal each key is bound, and
 * the record of a key can be removed. A peer is its uid, whichever its process and groups are.
 * Those of superusers do not count, nor of users that a `manage` line gives everything: they may
 * give anything. The writer's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/store/env.h"

/* Keys that are followed for one question. When there are more, `own` is set. */
#define CUSTODY_MAX 64

/* A key, or a principal that was impersonated, of the subject's tenant. */
struct custody_receiver {
	bool is_key;
	char kid[STORE_KID];
	char principal[STORE_MAX_NAME];
	uint8_t principal_len;
};

/* The callers that received secrets of the subject, among those that received the caller's. */
struct custody {
	bool own; /* the caller itself, or a peer that received its secret; or it cannot be said */
	struct custody_receiver receivers[CUSTODY_MAX]; /* that received the caller's secret too */
	uint32_t count;
};

/* The subject is a key, or a principal with all its keys that are not revoked. 0 or a negative
 * errno. */
int custody_of_key(struct call *call, const struct store_key *key, struct custody *out);
int custody_of_principal(
	struct call *call, uint32_t tenant, struct pol_str id, struct custody *out);

/* What the record of a secret says of its receivers, as in struct store_rotation. */
struct custody_text {
	char text[UINT8_MAX];
	size_t len;
};

/* Lists those that receive a secret which the caller receives now: the caller, and all that
 * received its secrets. All are named, because the records of the caller's keys change and are
 * removed: a key would otherwise lose its receivers when two keys rotate each other. 0 or a
 * negative errno. */
int custody_list(struct call *call, struct custody_text *out);
