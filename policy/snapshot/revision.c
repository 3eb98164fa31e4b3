/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/revision.h"

#include <stdio.h>
#include <string.h>

#define PRIME1 UINT64_C(0x9e3779b185ebca87)
#define PRIME2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME3 UINT64_C(0x165667b19e3779f9)
#define PRIME4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME5 UINT64_C(0x27d4eb2f165667c5)

static uint64_t rotate(uint64_t value, int by)
{
	return value << by | value >> (64 - by);
}

/* Reads little-endian on each machine, so that the revision is the same. */
static uint64_t read(const unsigned char *at, int bytes)
{
	uint64_t value = 0;

	for (int i = bytes - 1; i >= 0; i--) {
		value = value << 8 | at[i];
	}
	return value;
}

static uint64_t round64(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * PRIME2, 31) * PRIME1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
	return (hash ^ round64(0, lane)) * PRIME1 + PRIME4;
}

static uint64_t finish(uint64_t hash, const unsigned char *at, size_t left)
{
	for (; left >= 8; left -= 8, at += 8) {
		hash = rotate(hash ^ round64(0, read(at, 8)), 27) * PRIME1 + PRIME4;
	}
	if (left >= 4) {
		hash = rotate(hash ^ read(at, 4) * PRIME1, 23) * PRIME2 + PRIME3;
		left -= 4;
		at += 4;
	}
	for (; left > 0; left--, at++) {
		hash = rotate(hash ^ *at * PRIME5, 11) * PRIME1;
	}
	hash = (hash ^ hash >> 33) * PRIME2;
	hash = (hash ^ hash >> 29) * PRIME3;
	return hash ^ hash >> 32;
}

uint64_t pol_revision_hash64(struct pol_str text, uint64_t seed)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	size_t left = text.len;
	uint64_t hash = seed + PRIME5;

	if (left >= 32) {
		uint64_t lanes[4] = { seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1 };

		for (; left >= 32; left -= 32, at += 32) {
			for (int i = 0; i < 4; i++) {
				lanes[i] = round64(lanes[i], read(at + (ptrdiff_t)8 * i, 8));
			}
		}
		hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
		       rotate(lanes[3], 18);
		for (int i = 0; i < 4; i++) {
			hash = merge(hash, lanes[i]);
		}
	}
	return finish(hash + text.len, at, left);
}

/* The length of the folder that all names share, with its last slash. */
static size_t shared_folder(const struct pol_source *sources, size_t count)
{
	struct pol_str first = sources[0].name;
	size_t shared = first.len;

	for (size_t i = 1; i < count; i++) {
		size_t k = 0;

		while (k < shared && k < sources[i].name.len &&
			sources[i].name.ptr[k] == first.ptr[k]) {
			k++;
		}
		shared = k;
	}
	while (shared > 0 && first.ptr[shared - 1] != '/') {
		shared--;
	}
	return shared;
}

uint64_t pol_revision_of(const struct pol_source *sources, size_t count)
{
	size_t skip = count > 0 ? shared_folder(sources, count) : 0;
	uint64_t sum = 0;

	/* A sum, so that the order does not matter. The hash of each file includes its name and
	 * both lengths. */
	for (size_t i = 0; i < count; i++) {
		struct pol_str name = { sources[i].name.ptr + skip, sources[i].name.len - skip };

		sum += pol_revision_hash64(sources[i].text, pol_revision_hash64(name, 0));
	}
	return sum;
}

void pol_revision_text(uint64_t sources, uint64_t more, char out[POL_REVISION_TEXT])
{
	snprintf(out, POL_REVISION_TEXT, "%016llx", (unsigned long long)(sources + more));
}
