/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/method.h"

/* The IANA HTTP Method Registry, sorted, without "*", which it only reserves. */
static const struct pol_str methods[] = {
	POL_STR_INIT("ACL"),
	POL_STR_INIT("BASELINE-CONTROL"),
	POL_STR_INIT("BIND"),
	POL_STR_INIT("CHECKIN"),
	POL_STR_INIT("CHECKOUT"),
	POL_STR_INIT("CONNECT"),
	POL_STR_INIT("COPY"),
	POL_STR_INIT("DELETE"),
	POL_STR_INIT("GET"),
	POL_STR_INIT("HEAD"),
	POL_STR_INIT("LABEL"),
	POL_STR_INIT("LINK"),
	POL_STR_INIT("LOCK"),
	POL_STR_INIT("MERGE"),
	POL_STR_INIT("MKACTIVITY"),
	POL_STR_INIT("MKCALENDAR"),
	POL_STR_INIT("MKCOL"),
	POL_STR_INIT("MKREDIRECTREF"),
	POL_STR_INIT("MKWORKSPACE"),
	POL_STR_INIT("MOVE"),
	POL_STR_INIT("OPTIONS"),
	POL_STR_INIT("ORDERPATCH"),
	POL_STR_INIT("PATCH"),
	POL_STR_INIT("POST"),
	POL_STR_INIT("PRI"),
	POL_STR_INIT("PROPFIND"),
	POL_STR_INIT("PROPPATCH"),
	POL_STR_INIT("PUT"),
	POL_STR_INIT("QUERY"),
	POL_STR_INIT("REBIND"),
	POL_STR_INIT("REPORT"),
	POL_STR_INIT("SEARCH"),
	POL_STR_INIT("TRACE"),
	POL_STR_INIT("UNBIND"),
	POL_STR_INIT("UNCHECKOUT"),
	POL_STR_INIT("UNLINK"),
	POL_STR_INIT("UNLOCK"),
	POL_STR_INIT("UPDATE"),
	POL_STR_INIT("UPDATEREDIRECTREF"),
	POL_STR_INIT("VERSION-CONTROL"),
};

#define METHOD_COUNT (sizeof methods / sizeof *methods)

size_t pol_method_count(void)
{
	return METHOD_COUNT;
}

struct pol_str pol_method_name(size_t i)
{
	return methods[i];
}

/* For each letter from A on, the index of its first method; then the number of methods. */
static const unsigned char by_letter[27] = { 0, 1, 3, 7, 8, 8, 8, 9, 10, 10, 10, 10, 13, 20, 20, 22,
	28, 29, 31, 32, 33, 39, 40, 40, 40, 40, 40 };

bool pol_method_is_registered(struct pol_str word)
{
	unsigned letter = word.len > 0 ? (unsigned char)word.ptr[0] - (unsigned)'A' : 26;

	if (letter >= 26) {
		return false;
	}
	for (unsigned i = by_letter[letter]; i < by_letter[letter + 1]; i++) {
		if (pol_str_equal(word, methods[i])) {
			return true;
		}
	}
	return false;
}

bool pol_method_is_safe(struct pol_str method)
{
	static const struct pol_str safe[] = {
		POL_STR_INIT("GET"),
		POL_STR_INIT("HEAD"),
		POL_STR_INIT("OPTIONS"),
		POL_STR_INIT("PRI"),
		POL_STR_INIT("PROPFIND"),
		POL_STR_INIT("QUERY"),
		POL_STR_INIT("REPORT"),
		POL_STR_INIT("SEARCH"),
		POL_STR_INIT("TRACE"),
	};

	for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) {
		if (pol_str_equal(method, safe[i])) {
			return true;
		}
	}
	return false;
}
