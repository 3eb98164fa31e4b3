/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * cidr: IP addresses and networks (RFC 4632, RFC 4291). Pure, any thread.
 *
 * IPv4 is kept IPv4-mapped (`::ffff:a.b.c.d`), so that an address is the same on an IPv4 socket and
 * on a dual-stack one. A network contains addresses of its own version only: `::/0` is every IPv6
 * address and no IPv4 address.
 */

#include <stdbool.h>

#include "policy/text/status.h"
#include "policy/text/str.h"
#include "policy/text/word.h"

/* Bytes of the longest text of an address, without a NUL (RFC 4291, 2.2). */
#define POL_IP_TEXT 45

/* Reads `10.1.2.3` or `2001:db8::1`. POL_EINVALID: neither; a zone, or leading zeros in IPv4, are
 * not accepted. Sets out->known on success. */
enum pol_status pol_cidr_parse_ip(struct pol_str text, struct pol_ip *out);

/* Writes a known address, IPv4-mapped ones as IPv4. */
void pol_cidr_format_ip(const struct pol_ip *ip, char out[POL_IP_TEXT + 1]);

/* Reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone. POL_EINVALID: none of these.
 * POL_ELIMIT: bits after the prefix are set (`10.0.0.1/8`), which is probably a mistake. */
enum pol_status pol_cidr_parse(struct pol_str text, struct pol_network *out);

/* Is the address in the network? False for an address that is not known. */
bool pol_cidr_contains(const struct pol_network *network, const struct pol_ip *ip);
