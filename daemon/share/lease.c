/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/lease.h"

#include <string.h>

/* A beat that is raised once may have been on its way when the look was answered: a server that has
 * been replaced since still shows it. The second raise began after the first one was seen. */
#define BEATS 2

static bool counts(const struct share_lease *lease, const struct share_look *look)
{
	return look->sequence <= lease->applied &&
	       (lease->standbys != SHARE_STANDBYS_SYNCHRONOUS || lease->beat - look->beat >= BEATS);
}

/* The newest look that counts becomes the anchor; it and those before it are not needed any more.
 */
static void settle(struct share_lease *lease)
{
	for (size_t i = lease->count; i > 0; i--) {
		const struct share_look *look = &lease->looks[i - 1];

		if (counts(lease, look)) {
			if (look->sent > lease->anchor) {
				lease->anchor = look->sent;
			}
			lease->count -= i;
			memmove(lease->looks, lease->looks + i,
				lease->count * sizeof lease->looks[0]);
			return;
		}
	}
}

void share_lease_look(struct share_lease *lease, const struct share_look *look)
{
	if (look->connection != lease->connection || look->beat < lease->beat) {
		lease->count = 0;
	}
	lease->connection = look->connection;
	lease->beat = look->beat;
	/* The older ones stay: new ones for ever in their place would never be confirmed. */
	if (lease->count == SHARE_LEASE_LOOKS) {
		lease->count--;
	}
	lease->looks[lease->count++] = *look;
	settle(lease);
}

void share_lease_apply(struct share_lease *lease, uint64_t sequence)
{
	lease->applied = sequence;
	settle(lease);
}

void share_lease_drop(struct share_lease *lease, bool anchor)
{
	lease->count = 0;
	if (anchor) {
		lease->anchor = 0;
	}
}

uint64_t share_lease_anchor(const struct share_lease *lease)
{
	return lease->anchor;
}

void share_proof_update(struct share_proof *proof, enum share_standbys standbys, uint64_t max_lag,
	uint64_t applied, uint64_t least)
{
	if (proof->standbys != standbys || proof->max_lag != max_lag) {
		*proof = (struct share_proof){
			.standbys = standbys, .max_lag = max_lag, .sequence = applied
		};
	}
	if (standbys != SHARE_STANDBYS_UNKNOWN && max_lag != 0 && least >= proof->sequence) {
		proof->ready = true;
	}
}

bool share_proof_is_over(const struct share_proof *proof, uint64_t since, uint64_t now)
{
	return proof->ready && now >= since && now - since >= SHARE_LEASE_MARGIN(proof->max_lag);
}
