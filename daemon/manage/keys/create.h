/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * new_key: a key on its way into the store: what keys.create and keys.import have in common.
 */

#include "daemon/call/call.h"
#include "daemon/decide/actor.h"
#include "daemon/manage/check.h"
#include "daemon/manage/retry.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"

/* What the new record points to. */
struct new_key {
	struct store_key key;
	uint8_t roles[CHECK_NAMES_SIZE];
	uint8_t scopes[CHECK_NAMES_SIZE];
	uint8_t places[CHECK_PLACES_SIZE];
	uint8_t networks[STORE_MAX_LIST * STORE_NETWORK];
	uint8_t hash[SECRET_HASH];
	char token[SECRET_MAX_TOKEN];
	struct secret_token parts;
	struct retry retry; /* keys.create's */
};

/* Judges keys.create's parameters and fills the record, but for its kid, hash and created_by;
 * new_key->key was zeroed. 0; 1: refused, the error is written; negative errno. */
int keys_check_new(struct call *call, struct new_key *new_key);
