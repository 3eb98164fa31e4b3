/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/nearest.h"

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

struct pol_nearest pol_nearest_to(struct pol_str word)
{
	/* none in one letter, one edit in a short word, up to three in a long one */
	unsigned distance = word.len < 2 ? 0 : word.len < 6 ? 1 : word.len < 12 ? 2 : 3;

	return (struct pol_nearest){ .word = word, .distance = distance };
}

/* The distance between two words of at most POL_NEAREST_MAX bytes. Stops early, with some value
 * greater than `most`, once the distance must be. Dynamic programming over three rows: a row
 * depends on the two above it. */
static unsigned distance(struct pol_str a, struct pol_str b, unsigned most)
{
	unsigned rows[3][POL_NEAREST_MAX + 1] = { { 0 } };
	unsigned *before = rows[0];
	unsigned *above = rows[1];
	unsigned *row = rows[2];
	unsigned low_above = 0;
	unsigned low = 0;

	for (unsigned j = 0; j <= b.len; j++) {
		row[j] = j;
	}
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = i;
		low_above = low;
		low = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned char x = fold(a.ptr[i - 1]);
			unsigned char y = fold(b.ptr[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == fold(b.ptr[j - 2]) && y == fold(a.ptr[i - 2])) {
				row[j] = least(row[j], before[j - 2] + 1);
			}
			low = least(low, row[j]);
		}
		if (low > most && low_above > most) {
			return low;
		}
	}
	return row[b.len];
}

void pol_nearest_offer(struct pol_nearest *nearest, struct pol_str candidate)
{
	size_t len = nearest->word.len;
	size_t gap = len > candidate.len ? len - candidate.len : candidate.len - len;
	unsigned found;

	if (len == 0 || len > POL_NEAREST_MAX || candidate.len > POL_NEAREST_MAX ||
		gap > nearest->distance || pol_str_equal(nearest->word, candidate)) {
		return;
	}
	found = distance(nearest->word, candidate, nearest->distance);
	if (found > nearest->distance || (found == nearest->distance && nearest->best.len > 0 &&
						 pol_str_compare(nearest->best, candidate) <= 0)) {
		return;
	}
	nearest->best = candidate;
	nearest->distance = found;
}
