/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pepper: the peppers of a shared store: SECRET_PEPPERS in daemon/secret/token.h.
 *
 * The setting SHARE_SET_PEPPER has those that every host's secrets' file is to have; it is put when
 * the store is shared, and by each step of a rotation (tend/pepper.h). After each commit, and at
 * the start, the file is made to follow it. So a host that ended between the two, or was away for
 * several steps, needs nothing else.
 *
 * A host whose file cannot take the pepper in use does not know the tokens that others make, and
 * may only end things: a hash that it would make is one that the others are about to drop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "daemon/share/log.h"

#define SHARE_SET_PEPPER "pepper"

struct share;
struct store;
struct store_read;
struct store_write;

struct share_pepper {
	struct store *store;
	uint8_t seen[SECRET_PEPPERS]; /* the record that the file follows */
	bool failed;                  /* the file does not follow the record */
	bool behind;                  /* nor has it the pepper in use */
};

/* Makes the file follow the record, if the store is part of a realm and has one. 0; 1: the file has
 * changed; negative errno: `failed`, and `why` says why. The writer's thread, outside of
 * transactions, or before there is one. */
int share_pepper_follow(
	struct share_pepper *pepper, struct store_read *read, char why[static SHARE_WHY]);

/* What the record, or without one the file, says. -ENOENT: the store is a single one; -EBADMSG. */
int share_pepper_get(struct store *store, struct store_read *read, struct secret_shared *out);
/* Puts the record after a step, from the one before; the caller enters it in the trail, as a
 * setting (store/shared.h). -EBUSY: the step cannot follow; -ENOENT: a single store. */
int share_pepper_put(struct store *store, struct store_write *write, enum secret_step step);

/* The number of the newest pepper that the file has. Any thread. */
uint8_t share_pepper_newest(const struct secrets *secrets);

/* --- of this host ----------------------------------------------------------------------------- */

#define SHARE_LACKING 300 /* bytes of the names of hosts */

/* Which hosts that are not gone have not reported a pepper: their number, and their names with
 * commas, cut. -EAGAIN: the hosts have not been read yet. Any thread. */
int share_pepper_lacking(struct share *share, uint8_t number, char out[static SHARE_LACKING]);
/* Follows the record, and notes what is wrong. The writer's thread, outside of transactions. */
void share_follow_pepper(struct share *share);
/* Puts the record of a realm that begins, with its entry. The writer's thread. */
int share_begin_pepper(struct share *share, const uint8_t realm[static SHARE_REALM]);
/* May the host join with its file? `read` has the store as it will be. -EPERM. */
int share_check_pepper(struct share *share, struct store_read *read,
	const uint8_t realm[static SHARE_REALM], char why[static SHARE_WHY]);
