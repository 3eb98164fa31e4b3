/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * create: what keys.create and keys.import share.
 */

#include "daemon/call/call.h"
#include "daemon/decide/actor.h"
#include "daemon/manage/check.h"
#include "daemon/manage/custody.h"
#include "daemon/manage/retry.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"

/* A new key, and the memory that its record points to. The caller wipes `token`. */
struct new_key {
	struct store_key key;
	uint8_t roles[CHECK_NAMES_SIZE];
	uint8_t scopes[CHECK_NAMES_SIZE];
	uint8_t places[CHECK_PLACES_SIZE];
	uint8_t networks[STORE_MAX_LIST * STORE_NETWORK];
	uint8_t hash[SECRET_HASH];
	char token[SECRET_MAX_TOKEN];
	struct secret_token parts;
	struct custody_text receivers;
	struct retry retry; /* for keys.create */
};

/* Checks the parameters of keys.create and the caller's authority, and fills new_key->key, which
 * the caller zeroed, except kid, hash and created_by. 0 to go on, 1 if refused, or a negative
 * errno. The writer's thread. */
int keys_check_new(struct call *call, struct new_key *new_key);

/* Draws a token of the key's prefix, whose id no key has: new_key->parts, and kid. 0 or a negative
 * errno. */
int keys_draw_id(struct call *call, struct new_key *new_key);

/* Stores the key with new_key->hash, in the caller's name. 0 or a negative errno. */
int keys_save_new(struct call *call, struct new_key *new_key);
