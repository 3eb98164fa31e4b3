/* SPDX-License-Identifier: Apache-2.0 */

/*
 * geo: allows by the country of the client's address.
 *
 *	account required geo allow=CH,LI data=countries
 *
 * The data file has networks and their countries, one a line: `203.0.113.0/24 CH`. The longest
 * network that contains the address gives the country; an address in none of them has none.
 */

#include <authz/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bits of an address: 0 to 128. IPv4 has 96 of them in common. */
enum { LENGTHS = 129, IPV4 = 96 };

struct entry {
	struct pol_network network;
	char country[2];
};

struct geo {
	const struct entry *entries; /* by length, then by bytes */
	size_t begin[LENGTHS + 1];   /* where each length begins */
	const char (*allowed)[2];
	size_t allowed_count;
};

enum { ALLOW, DATA, NAMES };
static const char *const names[NAMES] = { [ALLOW] = "allow", [DATA] = "data" };

static bool is_country(struct pol_str text)
{
	return text.len == 2 && text.ptr[0] >= 'A' && text.ptr[0] <= 'Z' && text.ptr[1] >= 'A' &&
	       text.ptr[1] <= 'Z';
}

static bool read_allowed(
	const struct pol_prepare *prepare, const struct pol_option *option, struct geo *geo)
{
	char(*allowed)[2] = prepare->alloc(prepare, option->count, sizeof *allowed);
	bool good = true;

	if (allowed == NULL) {
		return false;
	}
	for (size_t i = 0; i < option->count; i++) {
		const struct pol_word *word = &option->values[i];

		if (!is_country(word->text)) {
			prepare->error(prepare, word->at,
				"'%.*s' is not a country: write two capital letters (ISO 3166-1), "
				"as "
				"in CH",
				POL_STR_ARGS(word->text));
			good = false;
		} else {
			memcpy(allowed[i], word->text.ptr, 2);
		}
	}
	geo->allowed = (const char(*)[2])allowed;
	geo->allowed_count = option->count;
	return good;
}

/* Takes the text up to the next of the characters, and that character, off the beginning. */
static struct pol_str cut(struct pol_str *rest, char at)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, at, rest->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
	struct pol_str head = { rest->ptr, len };

	len += end != NULL;
	rest->ptr += len;
	rest->len -= len;
	return head;
}

static int by_length_and_bytes(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->network.bits != y->network.bits
		       ? x->network.bits - y->network.bits
		       : memcmp(x->network.bytes, y->network.bytes, sizeof x->network.bytes);
}

static bool read_entries(const struct pol_prepare *prepare, const struct pol_word *name,
	struct pol_str text, struct geo *geo)
{
	size_t lines = 1, count = 0;
	struct entry *entries;

	for (size_t i = 0; i < text.len; i++) {
		lines += text.ptr[i] == '\n';
	}
	entries = prepare->alloc(prepare, lines, sizeof *entries);
	if (entries == NULL) {
		return false;
	}
	for (size_t line = 1; text.len > 0; line++) {
		struct pol_str country = cut(&text, '\n');
		struct pol_str network;

		if (country.len == 0 || country.ptr[0] == '#') {
			continue;
		}
		network = cut(&country, ' ');
		if (!prepare->network(network, &entries[count].network) || !is_country(country)) {
			prepare->data_error(
				prepare, name, line, "is not of the form 'NETWORK COUNTRY'");
			return false;
		}
		memcpy(entries[count].country, country.ptr, 2);
		count++;
	}
	if (count == 0) {
		prepare->data_error(prepare, name, 0, "names no network");
		return false;
	}
	qsort(entries, count, sizeof *entries, by_length_and_bytes);
	for (size_t bits = 0, i = 0; bits <= LENGTHS; bits++) {
		while (i < count && entries[i].network.bits < bits) {
			i++;
		}
		geo->begin[bits] = i;
	}
	geo->entries = entries;
	prepare->note(prepare, "%zu networks", count);
	return true;
}

static bool prepare_geo(const struct pol_prepare *prepare, const void **out)
{
	struct pol_option options[NAMES];
	struct geo *geo = prepare->alloc(prepare, 1, sizeof *geo);
	struct pol_str text;
	bool good;

	if (geo == NULL || !prepare->options(prepare, names, NAMES, options)) {
		return false;
	}
	if (options[ALLOW].count == 0 || options[DATA].count != 1) {
		prepare->error(prepare, prepare->module.at,
			"module 'geo' wants countries and one data file, as in 'geo allow=CH,LI "
			"data=countries'");
		return false;
	}
	good = read_allowed(prepare, &options[ALLOW], geo);
	if (!prepare->data(prepare, options[DATA].values, &text) ||
		!read_entries(prepare, options[DATA].values, text, geo)) {
		return false;
	}
	*out = geo;
	return good;
}

static const struct entry *find(const struct geo *geo, const struct pol_ip *ip)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	int shortest = memcmp(ip->bytes, mapped, sizeof mapped) == 0 ? IPV4 : 0;

	for (int bits = LENGTHS - 1; bits >= shortest; bits--) {
		size_t first = geo->begin[bits], end = geo->begin[bits + 1];
		struct entry key = { .network = { .bits = (uint8_t)bits } };
		const struct entry *found;

		if (first == end) {
			continue;
		}
		memcpy(key.network.bytes, ip->bytes, (size_t)bits / 8);
		if (bits % 8 != 0) {
			key.network.bytes[bits / 8] =
				(unsigned char)(ip->bytes[bits / 8] & 0xff << (8 - bits % 8));
		}
		found = bsearch(
			&key, geo->entries + first, end - first, sizeof key, by_length_and_bytes);
		if (found != NULL) {
			return found;
		}
	}
	return NULL;
}

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	const struct geo *geo = state;
	const struct pol_ip *ip = &request->facts->ip;
	const struct entry *entry = ip->known ? find(geo, ip) : NULL;

	for (size_t i = 0; entry != NULL && i < geo->allowed_count; i++) {
		if (memcmp(entry->country, geo->allowed[i], 2) == 0) {
			return (struct pol_answer){ .verdict = POL_ALLOW };
		}
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("country") };
}

static void fact(const void *state, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	const struct pol_ip *ip = &request->facts->ip;
	const struct entry *entry = ip->known ? find(state, ip) : NULL;

	if (!ip->known) {
		snprintf(out, POL_FACT_TEXT, "no address was stated");
	} else if (entry == NULL) {
		snprintf(out, POL_FACT_TEXT, "the address is in no network of the data file");
	} else {
		snprintf(out, POL_FACT_TEXT, "the address is in %.2s", entry->country);
	}
}

const struct pol_module authz_module = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "geo",
	.version = "1.2.0",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.prepare = prepare_geo,
	.decide = decide,
	.fact = fact,
};
