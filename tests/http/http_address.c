/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "client/http/address.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static struct http_network network(const char *text)
{
	struct http_network out;

	cr_assert(http_network_read(pol_str_of(text), &out), "%s", text);
	return out;
}

static bool has(const char *net, const char *text)
{
	const struct http_network read = network(net);
	struct http_address address;

	cr_assert(http_address_read(pol_str_of(text), &address), "%s", text);
	return http_network_has(&read, &address);
}

Test(http_address, an_address_is_written_as_people_do)
{
	static const char *const rows[][2] = { { "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1:65535", "192.0.2.1" }, { "2001:0DB8:0::1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" }, { "[2001:db8::1]:1", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" }, { "[::ffff:c000:201]:80", "192.0.2.1" },
		{ "::", "::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" } };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_address address;
		char text[HTTP_ADDRESS_TEXT];

		cr_assert(http_address_read(pol_str_of(rows[i][0]), &address), "%s", rows[i][0]);
		http_address_write(&address, text);
		cr_expect_str_eq(text, rows[i][1], "%s is %s", rows[i][0], text);
	}
}

Test(http_address, what_is_not_an_address_is_not_read)
{
	static const struct pol_str rows[] = { POL_STR_INIT(""), POL_STR_INIT("host"),
		POL_STR_INIT("192.0.2"), POL_STR_INIT("192.0.2.1 "), POL_STR_INIT("192.0.2.01x"),
		POL_STR_INIT("192.0.2.1:"), POL_STR_INIT("192.0.2.1:http"),
		POL_STR_INIT("192.0.2.1:123456"), POL_STR_INIT("[192.0.2.1]"),
		POL_STR_INIT("[192.0.2.1]:80"), POL_STR_INIT("[::1"), POL_STR_INIT("[::1]80"),
		POL_STR_INIT("[::1]:"), POL_STR_INIT("[]"), POL_STR_INIT("::1]:80"),
		POL_STR_INIT("fe80::1%1"), POL_STR_INIT("::1\0"), POL_STR_INIT("192.0.2.1\0:80"),
		POL_STR_INIT("192.0.2.1/32"), POL_STR_INIT(":80"),
		POL_STR_INIT("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000") };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_address address;

		cr_expect_not(http_address_read(rows[i], &address), "%s", rows[i].ptr);
	}
}

Test(http_address, a_network_has_the_addresses_with_its_prefix)
{
	cr_expect(has("10.0.0.0/8", "10.255.0.1"));
	cr_expect_not(has("10.0.0.0/8", "11.0.0.0"));
	cr_expect(has("192.0.2.128/25", "192.0.2.255"));
	cr_expect_not(has("192.0.2.128/25", "192.0.2.127"));
	cr_expect(has("192.0.2.1", "192.0.2.1"));
	cr_expect_not(has("192.0.2.1", "192.0.2.0"));
	cr_expect(has("192.0.2.2/31", "192.0.2.3"));
	cr_expect_not(has("192.0.2.2/31", "192.0.2.4"));
	cr_expect(has("2001:db8::/33", "2001:db8:7fff::1"));
	cr_expect_not(has("2001:db8::/33", "2001:db8:8000::1"));
	cr_expect(has("::/0", "192.0.2.1"));
	cr_expect(has("::/0", "2001:db8::1"));
	cr_expect_not(has("::1", "::2"));
}

Test(http_address, a_network_of_ip4_has_no_address_of_ip6_but_those_that_stand_for_its_own)
{
	cr_expect(has("0.0.0.0/0", "192.0.2.1"));
	cr_expect_not(has("0.0.0.0/0", "2001:db8::1"));
	cr_expect_not(has("0.0.0.0/0", "::1"));
	cr_expect(has("10.0.0.0/8", "::ffff:10.1.1.1"));
	cr_expect(has("::ffff:10.0.0.0/104", "10.1.1.1"));
	cr_expect_not(has("::ffff:10.0.0.0/104", "11.1.1.1"));
	cr_expect_eq(network("10.0.0.0/8").bits, 104);
	cr_expect_eq(network("::ffff:10.0.0.0/104").bits, 104);
	cr_expect_eq(network("::ffff:10.0.0.1").bits, 128);
}

Test(http_address, what_is_not_a_network_is_not_read)
{
	static const char *const rows[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/8/8", "10.0.0.0/8 ", "::/129", "::/0000", "10.0.0.1:80", "[::1]",
		"host/8", "10.0.0.0/x", "0.0.0.0/999",
		/* Bits after the prefix. */
		"10.0.0.1/8", "10.128.0.0/8", "192.0.2.1/31", "2001:db8::1/64", "0.0.0.1/0",
		"::1/0", "::ffff:10.0.0.0/8" };

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_network out;

		cr_expect_not(http_network_read(pol_str_of(rows[i]), &out), "%s", rows[i]);
	}
}
