/* SPDX-License-Identifier: Apache-2.0 */
/* The peppers in memory and in the file: a rotation, and those of a shared store. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/secret/token_internal.h"

uint8_t secrets_pepper(const struct secrets *secrets)
{
	return (uint8_t)atomic_load_explicit(&secrets->number, memory_order_acquire);
}

bool secrets_have_old(const struct secrets *secrets)
{
	return atomic_load_explicit(&secrets->has_old, memory_order_acquire) != 0;
}

bool secrets_have_staged(const struct secrets *secrets)
{
	return atomic_load_explicit(&secrets->has_staged, memory_order_acquire) != 0;
}

static void get(const struct secrets *secrets, struct secret_peppers *out)
{
	uint8_t number = secrets_pepper(secrets);

	*out = (struct secret_peppers){ .number = number,
		.has_old = secrets_have_old(secrets),
		.has_staged = secrets_have_staged(secrets) };
	memcpy(out->in_use, secrets->peppers[number], SECRET_KEY);
	if (out->has_old) {
		memcpy(out->old, secrets->peppers[(uint8_t)(number - 1)], SECRET_KEY);
	}
	if (out->has_staged) {
		memcpy(out->staged, secrets->peppers[(uint8_t)(number + 1)], SECRET_KEY);
	}
}

/* Another thread may be hashing with the pepper that was in use or the one before it, so these are
 * wiped at the next change only. All are in place before the number changes, so that another thread
 * reads a valid pepper at any time. */
static void take(struct secrets *secrets, const struct secret_peppers *peppers)
{
	uint8_t number = peppers->number, before = secrets_pepper(secrets);

	sodium_mprotect_readwrite(secrets);
	for (unsigned i = 0; i < SECRET_NUMBERS; i++) {
		if ((uint8_t)(number - i) > 1 && (uint8_t)(before - i) > 1) {
			sodium_memzero(secrets->peppers[i], SECRET_KEY);
		}
	}
	memcpy(secrets->peppers[number], peppers->in_use, SECRET_KEY);
	if (peppers->has_old) {
		memcpy(secrets->peppers[(uint8_t)(number - 1)], peppers->old, SECRET_KEY);
		atomic_store_explicit(&secrets->has_old, 1, memory_order_release);
	}
	if (peppers->has_staged) {
		memcpy(secrets->peppers[(uint8_t)(number + 1)], peppers->staged, SECRET_KEY);
	}
	atomic_store_explicit(&secrets->number, number, memory_order_release);
	atomic_store_explicit(&secrets->has_old, peppers->has_old, memory_order_release);
	atomic_store_explicit(&secrets->has_staged, peppers->has_staged, memory_order_release);
	sodium_mprotect_readonly(secrets);
}

static int replace(
	struct secrets *secrets, const struct secret_peppers *peppers, char why[static SECRET_WHY])
{
	int r = secret_replace_file(secrets, peppers, why);

	if (r == 0) {
		take(secrets, peppers);
	}
	return r;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void stage(struct secret_peppers *peppers)
{
	peppers->has_staged = true;
	randombytes_buf(peppers->staged, SECRET_KEY);
}

static void use_staged(struct secret_peppers *peppers)
{
	peppers->number++;
	peppers->has_old = true;
	memcpy(peppers->old, peppers->in_use, SECRET_KEY);
	memcpy(peppers->in_use, peppers->staged, SECRET_KEY);
	peppers->has_staged = false;
	sodium_memzero(peppers->staged, SECRET_KEY);
}

static void drop_old(struct secret_peppers *peppers)
{
	peppers->has_old = false;
	sodium_memzero(peppers->old, SECRET_KEY);
}

/* False: the step cannot follow. */
static bool step_on(struct secret_peppers *peppers, enum secret_step step)
{
	switch (step) {
	case SECRET_KEEP:
		return true;
	case SECRET_STAGE:
		if (peppers->has_old || peppers->has_staged) {
			return false;
		}
		stage(peppers);
		return true;
	case SECRET_SWITCH:
		if (peppers->has_old || !peppers->has_staged) {
			return false;
		}
		use_staged(peppers);
		return true;
	case SECRET_DROP:
		if (!peppers->has_old) {
			return false;
		}
		drop_old(peppers);
		return true;
	}
	return false;
}

int secrets_rotate(struct secrets *secrets, char why[static SECRET_WHY])
{
	struct secret_peppers peppers;
	int r = -EBUSY;

	why[0] = '\0';
	get(secrets, &peppers);
	/* One that was staged before the store became a single one again serves as well. */
	if (peppers.has_staged || step_on(&peppers, SECRET_STAGE)) {
		r = step_on(&peppers, SECRET_SWITCH) ? replace(secrets, &peppers, why) : -EBUSY;
	}
	sodium_memzero(&peppers, sizeof peppers);
	return r;
}

int secrets_drop_old(struct secrets *secrets, char why[static SECRET_WHY])
{
	struct secret_peppers peppers;
	int r = 0;

	why[0] = '\0';
	get(secrets, &peppers);
	if (step_on(&peppers, SECRET_DROP)) {
		r = replace(secrets, &peppers, why);
	}
	sodium_memzero(&peppers, sizeof peppers);
	return r;
}

/* --- the peppers of a shared store ------------------------------------------------------------ */

enum {
	SHARED_NUMBER = 0,
	SHARED_HAS_OLD,
	SHARED_HAS_STAGED,
	SHARED_IN_USE,
	SHARED_OLD = SHARED_IN_USE + SECRET_KEY,
	SHARED_STAGED = SHARED_OLD + SECRET_KEY,
	SHARED_END = SHARED_STAGED + SECRET_KEY,
};

_Static_assert(SECRET_PEPPERS == SHARED_END + SECRET_SEAL, "three peppers, sealed");

/* What the seal's key is derived from, so that a record of another realm is no record of this one.
 */
struct known {
	uint8_t bytes[8 + SECRET_REALM];
};

static struct pol_str known_of(const uint8_t realm[static SECRET_REALM], struct known *known)
{
	memcpy(known->bytes, "peppers_", 8);
	memcpy(known->bytes + 8, realm, SECRET_REALM);
	return (struct pol_str){ (const char *)known->bytes, sizeof known->bytes };
}

static void seal(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	const struct secret_peppers *peppers, uint8_t out[static SECRET_PEPPERS])
{
	uint8_t plain[SHARED_END];
	struct known known;

	plain[SHARED_NUMBER] = peppers->number;
	plain[SHARED_HAS_OLD] = peppers->has_old;
	plain[SHARED_HAS_STAGED] = peppers->has_staged;
	memcpy(plain + SHARED_IN_USE, peppers->in_use, SECRET_KEY);
	memcpy(plain + SHARED_OLD, peppers->old, SECRET_KEY);
	memcpy(plain + SHARED_STAGED, peppers->staged, SECRET_KEY);
	secret_seal(secrets, known_of(realm, &known), plain, sizeof plain, out);
	sodium_memzero(plain, sizeof plain);
}

static bool unseal(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, struct secret_peppers *out)
{
	uint8_t plain[SHARED_END];
	struct known known;

	if (sealed.len != SECRET_PEPPERS ||
		!secret_open(secrets, known_of(realm, &known), (const uint8_t *)sealed.ptr,
			sealed.len, plain)) {
		return false;
	}
	*out = (struct secret_peppers){ .number = plain[SHARED_NUMBER],
		.has_old = plain[SHARED_HAS_OLD] != 0,
		.has_staged = plain[SHARED_HAS_STAGED] != 0 };
	memcpy(out->in_use, plain + SHARED_IN_USE, SECRET_KEY);
	memcpy(out->old, plain + SHARED_OLD, SECRET_KEY);
	memcpy(out->staged, plain + SHARED_STAGED, SECRET_KEY);
	sodium_memzero(plain, sizeof plain);
	return true;
}

bool secrets_read_shared(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, struct secret_shared *out)
{
	struct secret_peppers peppers;

	if (!unseal(secrets, realm, sealed, &peppers)) {
		return false;
	}
	*out = (struct secret_shared){ peppers.number, peppers.has_old, peppers.has_staged };
	sodium_memzero(&peppers, sizeof peppers);
	return true;
}

int secrets_plan(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, enum secret_step step, uint8_t out[static SECRET_PEPPERS])
{
	struct secret_peppers peppers;
	int r = 0;

	if (sealed.len == 0) {
		get(secrets, &peppers);
	} else if (!unseal(secrets, realm, sealed, &peppers)) {
		return -EBADMSG;
	}
	if (step_on(&peppers, step)) {
		seal(secrets, realm, &peppers, out);
	} else {
		r = -EBUSY;
	}
	sodium_memzero(&peppers, sizeof peppers);
	return r;
}

static bool is_same(const struct secret_peppers *a, const struct secret_peppers *b)
{
	return a->number == b->number && a->has_old == b->has_old &&
	       a->has_staged == b->has_staged &&
	       sodium_memcmp(a->in_use, b->in_use, SECRET_KEY) == 0 &&
	       (!a->has_old || sodium_memcmp(a->old, b->old, SECRET_KEY) == 0) &&
	       (!a->has_staged || sodium_memcmp(a->staged, b->staged, SECRET_KEY) == 0);
}

int secrets_follow(struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed, char why[static SECRET_WHY])
{
	struct secret_peppers wanted, peppers;
	int r = 0;

	why[0] = '\0';
	if (!unseal(secrets, realm, sealed, &wanted)) {
		snprintf(why, SECRET_WHY, "the record of the peppers was altered");
		return -EBADMSG;
	}
	get(secrets, &peppers);
	if (!is_same(&wanted, &peppers)) {
		r = replace(secrets, &wanted, why);
		r = r == 0 ? 1 : r;
	}
	sodium_memzero(&wanted, sizeof wanted);
	sodium_memzero(&peppers, sizeof peppers);
	return r;
}

/* The file's pepper of this number; NULL: it has none. */
static const uint8_t *find(const struct secrets *secrets, uint8_t number)
{
	uint8_t in_use = secrets_pepper(secrets);

	return number == in_use || (secrets_have_old(secrets) && number == (uint8_t)(in_use - 1)) ||
			       (secrets_have_staged(secrets) && number == (uint8_t)(in_use + 1))
		       ? secrets->peppers[number]
		       : NULL;
}

bool secrets_have_shared(const struct secrets *secrets, const uint8_t realm[static SECRET_REALM],
	struct pol_str sealed)
{
	struct secret_peppers wanted;
	const uint8_t *found;
	bool have;

	if (!unseal(secrets, realm, sealed, &wanted)) {
		return false;
	}
	found = find(secrets, wanted.number);
	have = found != NULL
		       ? sodium_memcmp(found, wanted.in_use, SECRET_KEY) == 0
		       : (uint8_t)(secrets_pepper(secrets) - wanted.number) <= SECRET_NUMBERS / 2;
	sodium_memzero(&wanted, sizeof wanted);
	return have;
}
