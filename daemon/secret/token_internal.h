/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret_internal: what secret.c (tokens, keyed hashes), secret_crc.c and secret_file.c (where the
 * keys come from) share.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/secret/token.h"

#define SECRET_KEY     32 /* bytes of the master and of the pepper */
#define SECRET_TAG_KEY 16 /* of SipHash */
#define SECRET_PATH    4096

/* Lies in locked memory whole. */
struct secrets {
	uint8_t master[SECRET_KEY];
	uint8_t peppers[2][SECRET_KEY]; /* by the last bit of their number */
	_Atomic uint32_t number;        /* of the pepper in use, modulo 256 */
	_Atomic uint32_t has_old;       /* the one before it is still good */
	char path[SECRET_PATH];
	uint8_t seal[SECRET_KEY];
	uint8_t tags[SECRET_PURPOSES][SECRET_TAG_KEY];
	uint8_t chain[SECRET_KEY]; /* of the audit trail */
};

/* The pepper in use, or the one before it. */
static inline const uint8_t *secret_pepper_of(const struct secrets *secrets, bool old)
{
	uint32_t number = atomic_load_explicit(&secrets->number, memory_order_acquire);

	return secrets->peppers[(number ^ old) & 1];
}

/* CRC-32 (IEEE 802.3). */
uint32_t secret_crc32(struct pol_str bytes);
