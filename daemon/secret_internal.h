/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret_internal: what secret.c (tokens, keyed hashes), secret_crc.c and secret_file.c (where the
 * keys come from) share.
 */

#include <stdint.h>

#include "daemon/secret.h"

#define SECRET_KEY     32 /* bytes of the master and of the pepper */
#define SECRET_TAG_KEY 16 /* of SipHash */

/* Lies in locked memory whole. */
struct secrets {
	uint8_t master[SECRET_KEY];
	uint8_t pepper[SECRET_KEY];
	uint8_t seal[SECRET_KEY];
	uint8_t tags[SECRET_PURPOSES][SECRET_TAG_KEY];
	uint8_t chain[SECRET_KEY]; /* of the audit trail */
};

/* CRC-32 (IEEE 802.3). */
uint32_t secret_crc32(struct pol_str bytes);
