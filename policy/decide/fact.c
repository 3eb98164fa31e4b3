/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/fact.h"

#include <stdio.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/cidr.h"

/* Bytes of an id that are shown; what is longer would not fit. */
#define SHOWN 80

void pol_fact_address(const struct pol_ip *ip, char out[POL_FACT_TEXT])
{
	char text[POL_IP_TEXT + 1];

	if (!ip->known) {
		snprintf(out, POL_FACT_TEXT, "no address was stated");
		return;
	}
	pol_cidr_format_ip(ip, text);
	snprintf(out, POL_FACT_TEXT, "%s", text);
}

static void write_id(const char *kind, struct pol_str id, char out[POL_FACT_TEXT])
{
	if (id.len > SHOWN) {
		id.len = SHOWN;
		/* Between characters: the next byte begins one. */
		while (id.len > 0 && ((unsigned char)id.ptr[id.len] & 0xc0) == 0x80) {
			id.len--;
		}
	}
	snprintf(out, POL_FACT_TEXT, "counted for %s %.*s", kind, POL_STR_ARGS(id));
}

static void write_prefix(
	const struct pol_charge *charge, const struct pol_ip *ip, char out[POL_FACT_TEXT])
{
	static const unsigned char mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	unsigned bits = charge->prefix6 != 0 ? charge->prefix6 : POL_CHARGE_PREFIX6;
	struct pol_ip prefix = *ip;
	char text[POL_IP_TEXT + 1];

	if (memcmp(ip->bytes, mapped, sizeof mapped) == 0 || bits >= 128) {
		pol_cidr_format_ip(ip, text);
		snprintf(out, POL_FACT_TEXT, "counted for %s", text);
		return;
	}
	for (unsigned bit = bits; bit < 128; bit++) {
		prefix.bytes[bit / 8] &= (unsigned char)~(0x80U >> (bit % 8));
	}
	pol_cidr_format_ip(&prefix, text);
	snprintf(out, POL_FACT_TEXT, "counted for %s/%u", text, bits);
}

void pol_fact_counted(
	const struct pol_charge *charge, const struct pol_facts *facts, char out[POL_FACT_TEXT])
{
	out[0] = '\0';
	switch (charge->per) {
	case POL_PER_KEY:
		write_id("key", facts->key, out);
		break;
	case POL_PER_PRINCIPAL:
		write_id("principal", facts->principal, out);
		break;
	case POL_PER_TENANT:
		snprintf(out, POL_FACT_TEXT, "counted for the tenant");
		break;
	case POL_PER_IP:
		write_prefix(charge, &facts->ip, out);
		break;
	}
}

void pol_fact_module(const struct pol_module *module, char out[POL_FACT_TEXT])
{
	snprintf(out, POL_FACT_TEXT, "module '%.*s'", SHOWN, module->name);
}

static bool is_missing(const struct pol_fact_set *missing, uint32_t fact)
{
	return (missing->words[fact / 64] >> fact % 64 & 1) != 0;
}

/* The room for names: the rest is for how many more there are, and the verb. */
#define MISSING_NAMES (POL_FACT_TEXT - sizeof " and 999 more are not known")

void pol_fact_missing(const struct pol_snapshot *snapshot, const struct pol_fact_set *missing,
	char out[POL_FACT_TEXT])
{
	uint32_t named = 0;
	uint32_t more = 0;
	size_t len = 0;

	out[0] = '\0';
	for (uint32_t fact = 0; fact < snapshot->fact_count && fact < 64 * POL_FACT_WORDS; fact++) {
		struct pol_str name = snapshot->facts[fact].name;

		if (!is_missing(missing, fact)) {
			continue;
		}
		if (more > 0 || len + sizeof ", " + name.len > MISSING_NAMES) {
			more++;
			continue;
		}
		len += (size_t)snprintf(out + len, POL_FACT_TEXT - len, "%s%.*s",
			named > 0 ? ", " : "", POL_STR_ARGS(name));
		named++;
	}
	if (named > 0 && more > 0) {
		snprintf(out + len, POL_FACT_TEXT - len, " and %u more are not known", more);
	} else if (named + more > 1) {
		snprintf(out + len, POL_FACT_TEXT - len, "%s are not known",
			named > 0 ? "" : "several facts");
	} else if (named + more == 1) {
		snprintf(out + len, POL_FACT_TEXT - len, "%s is not known",
			named > 0 ? "" : "one fact");
	}
}
