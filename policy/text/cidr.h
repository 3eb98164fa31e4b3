/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * cidr: addresses and networks (RFC 4632, RFC 4291).
 *
 * Both kinds are kept as 16 bytes, IPv4 as IPv4-mapped (`::ffff:a.b.c.d`), so that a caller seen
 * through a dual-stack socket is the same caller. A network of one kind never holds an address of
 * the other: `::/0` is every IPv6 address and no IPv4 one.
 */

#include <stdbool.h>

#include "policy/text/status.h"
#include "policy/text/str.h"
#include "policy/text/word.h"

/* An address's longest text, without a NUL (RFC 4291, 2.2). */
#define POL_IP_TEXT 45

/* `10.1.2.3` or `2001:db8::1`; no zone, no leading zeros in IPv4. POL_EINVALID else; out->known
 * is set on success. */
enum pol_status pol_cidr_parse_ip(struct pol_str text, struct pol_ip *out);

/* `10.0.0.0/8`, `2001:db8::/32`, or an address alone. POL_EINVALID: none of these. POL_ELIMIT:
 * bits are set behind the prefix (`10.0.0.1/8`), which says that somebody meant something else. */
enum pol_status pol_cidr_parse(struct pol_str text, struct pol_network *out);

/* False for an address that is not known. */
bool pol_cidr_contains(const struct pol_network *network, const struct pol_ip *ip);
