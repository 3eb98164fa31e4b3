/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * address: IP addresses and networks, IPv4 as the IPv4-mapped IPv6 addresses of RFC 4291. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

#define HTTP_ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN: the longest text and its NUL */

struct http_address {
	uint8_t bytes[16];
};

struct http_network {
	struct http_address first;
	unsigned bits; /* of the mapped address: 96 to 128 for IPv4 */
};

/* Reads an address as it stands in X-Forwarded-For: alone, `[IPv6]`, or either with a port
 * (`IPv4:PORT`, `[IPv6]:PORT`). False: the text is not an address. */
bool http_address_read(struct pol_str text, struct http_address *out);

/* Writes it as people do. */
void http_address_write(const struct http_address *address, char out[static HTTP_ADDRESS_TEXT]);

/* Reads ADDRESS or ADDRESS/BITS. False: the text is neither, or bits after the prefix are set. */
bool http_network_read(struct pol_str text, struct http_network *out);

bool http_network_has(const struct http_network *network, const struct http_address *address);
