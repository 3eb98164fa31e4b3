/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * token_internal: what token.c (tokens, keyed hashes), crc.c, seal.c, keyfile.c (the file with
 * the keys) and peppers.c (changes of its peppers) share.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/secret/token.h"

#define SECRET_KEY     32 /* bytes of the master and of the pepper */
#define SECRET_TAG_KEY 16 /* of SipHash */
#define SECRET_NUMBERS 256
#define SECRET_PATH    4096

/* In locked memory, which is read-only except while a pepper changes. */
struct secrets {
	uint8_t master[SECRET_KEY];
	/* By their number, so that no thread reads one that changes. */
	uint8_t peppers[SECRET_NUMBERS][SECRET_KEY];
	_Atomic uint32_t number;     /* of the pepper in use, modulo SECRET_NUMBERS */
	_Atomic uint32_t has_old;    /* the pepper before it is still valid */
	_Atomic uint32_t has_staged; /* the pepper after it is there */
	char path[SECRET_PATH];
	uint8_t seal[SECRET_KEY]; /* of seals, and of secret_mix */
	uint8_t tags[SECRET_PURPOSES][SECRET_TAG_KEY];
	uint8_t chain[SECRET_KEY]; /* of the audit trail, its head and copies */
	uint8_t fingerprint[SECRET_FINGERPRINT];
};

/* The pepper in use, or with `old` the one before it. */
static inline const uint8_t *secret_pepper_of(const struct secrets *secrets, bool old)
{
	uint32_t number = atomic_load_explicit(&secrets->number, memory_order_acquire);

	return secrets->peppers[(uint8_t)(number - old)];
}

/* The peppers of a file. The function that fills it wipes it. */
struct secret_peppers {
	uint8_t number; /* of the one in use */
	bool has_old, has_staged;
	uint8_t in_use[SECRET_KEY], old[SECRET_KEY], staged[SECRET_KEY];
};

/* keyfile.c: replaces the file, durably, by one with these peppers. */
int secret_replace_file(
	const struct secrets *secrets, const struct secret_peppers *peppers, char *why);
