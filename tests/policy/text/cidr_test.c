/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/text/cidr.h"

struct fit {
	const char *network;
	const char *ip;
	bool has;
};

static const struct fit fits[] = {
	{ "10.0.0.0/8", "10.255.1.2", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.1.2.3", "10.1.2.3", true },
	{ "10.1.2.3", "10.1.2.2", false },
	{ "10.1.2.2/31", "10.1.2.3", true },
	{ "10.1.2.0/23", "10.1.3.255", true },
	{ "10.1.2.0/23", "10.1.4.0", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "203.0.113.9", false },
	{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
	{ "10.0.0.0/8", "::ffff:10.9.9.9", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "2001:db8::1", "2001:db8::2", false },
	{ "fe80::/10", "febf::1", true },
	{ "fe80::/10", "fec0::1", false },
};

Test(cidr, a_network_contains_the_addresses_of_its_prefix)
{
	for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
		const struct fit *fit = &fits[i];
		struct pol_network network;
		struct pol_ip ip;

		cr_assert_eq(pol_cidr_parse(pol_str_of(fit->network), &network), POL_OK, "%s",
			fit->network);
		cr_assert_eq(pol_cidr_parse_ip(pol_str_of(fit->ip), &ip), POL_OK, "%s", fit->ip);
		cr_expect_eq(pol_cidr_contains(&network, &ip), fit->has, "%s has %s", fit->network,
			fit->ip);
	}
}

Test(cidr, an_unknown_address_is_in_no_network)
{
	struct pol_network network;
	struct pol_ip ip = { 0 };

	cr_assert_eq(pol_cidr_parse(POL_STR("::/0"), &network), POL_OK);
	cr_expect(!pol_cidr_contains(&network, &ip));
	network = (struct pol_network){ 0 };
	cr_expect(!pol_cidr_contains(&network, &ip));
}

Test(cidr, text_that_is_not_a_network_is_refused)
{
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
		"10.0.0/8", "10.0.0.0.0/8", "010.0.0.0/8", "10.0.0.0/8 ", " 10.0.0.0/8",
		"10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "256.0.0.0", "2001:db8::/129",
		"2001:db8:::/32", "1::2::3", "fe80::1%eth0", "localhost", "::/1000",
		"2001:db8:0000:0000:0000:0000:0000:0000:0000:0000/32" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pol_network network = { .bits = 77 };

		cr_expect_eq(
			pol_cidr_parse(pol_str_of(bad[i]), &network), POL_EINVALID, "%s", bad[i]);
		cr_expect_eq(network.bits, 77, "%s", bad[i]);
	}
}

Test(cidr, bits_after_the_prefix_have_an_error_of_their_own)
{
	static const char *const bad[] = { "10.0.0.1/8", "0.0.0.1/0", "2001:db8::1/32", "::1/0",
		"10.1.3.0/23" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pol_network network;

		cr_expect_eq(
			pol_cidr_parse(pol_str_of(bad[i]), &network), POL_ELIMIT, "%s", bad[i]);
	}
}

Test(cidr, an_address_with_a_nul_is_refused)
{
	struct pol_ip ip;

	cr_expect_eq(pol_cidr_parse_ip(POL_STR("10.0.0.1\0.9"), &ip), POL_EINVALID);
}
