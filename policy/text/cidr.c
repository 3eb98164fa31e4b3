/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/cidr.h"

#include <arpa/inet.h>
#include <string.h>

/* The prefix of IPv4-mapped addresses, ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
#define MAPPED_BYTES 12
static const unsigned char mapped[MAPPED_BYTES] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_mapped(const unsigned char bytes[16])
{
	return memcmp(bytes, mapped, sizeof mapped) == 0;
}

/* Reads a decimal number. Leading zeros are refused, because some programs read them as octal. */
static bool read_decimal(struct pol_str text, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (text.len == 0 || text.len > 3 || (text.ptr[0] == '0' && text.len > 1)) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*out = value;
	return value <= max;
}

enum pol_status pol_cidr_parse_ip(struct pol_str text, struct pol_ip *out)
{
	struct pol_ip ip = { .known = true };
	char copy[POL_IP_TEXT + 1];
	int read;

	/* inet_pton would stop at a NUL. */
	if (text.len == 0 || text.len > POL_IP_TEXT || memchr(text.ptr, 0, text.len) != NULL) {
		return POL_EINVALID;
	}
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	if (memchr(text.ptr, ':', text.len) != NULL) {
		read = inet_pton(AF_INET6, copy, ip.bytes);
	} else {
		memcpy(ip.bytes, mapped, sizeof mapped);
		read = inet_pton(AF_INET, copy, ip.bytes + sizeof mapped);
	}
	if (read != 1) {
		return POL_EINVALID;
	}
	*out = ip;
	return POL_OK;
}

void pol_cidr_format_ip(const struct pol_ip *ip, char out[POL_IP_TEXT + 1])
{
	bool v4 = is_mapped(ip->bytes);

	out[0] = '\0';
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, ip->bytes + (v4 ? sizeof mapped : 0), out,
		POL_IP_TEXT + 1);
}

static bool has_bits_after_prefix(const struct pol_network *network)
{
	for (unsigned bit = network->bits; bit < 128; bit++) {
		if ((network->bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) {
			return true;
		}
	}
	return false;
}

enum pol_status pol_cidr_parse(struct pol_str text, struct pol_network *out)
{
	const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
	struct pol_str address = text;
	struct pol_network network = { .bits = 128 };
	struct pol_ip ip;

	if (slash != NULL) {
		address.len = (size_t)(slash - text.ptr);
	}
	if (pol_cidr_parse_ip(address, &ip) != POL_OK) {
		return POL_EINVALID;
	}
	memcpy(network.bytes, ip.bytes, sizeof network.bytes);
	if (slash != NULL) {
		bool v4 = memchr(address.ptr, ':', address.len) == NULL;
		struct pol_str number = { slash + 1, text.len - address.len - 1 };
		unsigned bits;

		if (!read_decimal(number, v4 ? 32 : 128, &bits)) {
			return POL_EINVALID;
		}
		network.bits = (uint8_t)(v4 ? bits + MAPPED_BYTES * 8 : bits);
	}
	if (has_bits_after_prefix(&network)) {
		return POL_ELIMIT;
	}
	*out = network;
	return POL_OK;
}

bool pol_cidr_contains(const struct pol_network *network, const struct pol_ip *ip)
{
	unsigned whole = network->bits / 8;
	unsigned rest = network->bits % 8;
	unsigned char mask = (unsigned char)(0xff00U >> rest);

	if (!ip->known || network->bits > 128) {
		return false;
	}
	if (network->bits < MAPPED_BYTES * 8 && is_mapped(ip->bytes)) {
		return false;
	}
	return memcmp(network->bytes, ip->bytes, whole) == 0 &&
	       (rest == 0 || ((network->bytes[whole] ^ ip->bytes[whole]) & mask) == 0);
}
