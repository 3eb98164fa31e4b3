/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <string.h>

#include "daemon/secret/token_internal.h"

_Static_assert(sizeof(struct secret_mix) >= sizeof(crypto_generichash_blake2b_state),
	"libsodium's state fits into the bytes of secret_mix");
_Static_assert(SECRET_SEAL == crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES,
	"a nonce and a MAC");

static const uint8_t personal_digest[crypto_generichash_blake2b_PERSONALBYTES] = "authzd digest 1";
static const uint8_t personal_seal[crypto_generichash_blake2b_PERSONALBYTES] = "authzd seal 1";

/* --- digests ---------------------------------------------------------------------------------- */

static crypto_generichash_blake2b_state *state_of(struct secret_mix *mix)
{
	return (crypto_generichash_blake2b_state *)(void *)mix->state;
}

void secret_mix_begin(const struct secrets *secrets, struct secret_mix *mix)
{
	crypto_generichash_blake2b_init_salt_personal(
		state_of(mix), secrets->seal, SECRET_KEY, SECRET_HASH, NULL, personal_digest);
}

void secret_mix_add(struct secret_mix *mix, const void *bytes, size_t len)
{
	if (len > 0) {
		crypto_generichash_blake2b_update(state_of(mix), bytes, len);
	}
}

void secret_mix_end(struct secret_mix *mix, uint8_t out[static SECRET_HASH])
{
	crypto_generichash_blake2b_final(state_of(mix), out, SECRET_HASH);
	sodium_memzero(mix, sizeof *mix);
}

/* --- seals ------------------------------------------------------------------------------------ */

static void derive(
	const struct secrets *secrets, struct pol_str known, uint8_t out[static SECRET_KEY])
{
	crypto_generichash_blake2b_salt_personal(out, SECRET_KEY, (const uint8_t *)known.ptr,
		known.len, secrets->seal, SECRET_KEY, NULL, personal_seal);
}

void secret_seal(const struct secrets *secrets, struct pol_str known, const void *bytes, size_t len,
	uint8_t *out)
{
	uint8_t key[SECRET_KEY];

	derive(secrets, known, key);
	randombytes_buf(out, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, bytes, len, out, key);
	sodium_memzero(key, sizeof key);
}

bool secret_open(const struct secrets *secrets, struct pol_str known, const uint8_t *sealed,
	size_t len, void *out)
{
	uint8_t key[SECRET_KEY];
	int r;

	if (len < SECRET_SEAL) {
		return false;
	}
	derive(secrets, known, key);
	r = crypto_secretbox_open_easy(out, sealed + crypto_secretbox_NONCEBYTES,
		len - crypto_secretbox_NONCEBYTES, sealed, key);
	sodium_memzero(key, sizeof key);
	return r == 0;
}
