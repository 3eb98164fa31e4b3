/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/method.h"

/* The HTTP Method Registry of IANA, sorted. Its "*" is no method, it only keeps the name free. */
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

bool pol_is_method(struct pol_str word)
{
	size_t low = 0;
	size_t high = METHOD_COUNT;

	if (word.len == 0 || word.ptr[0] < 'A' || word.ptr[0] > 'Z') {
		return false;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = word.ptr[0] - methods[middle].ptr[0];

		if (order == 0) {
			order = pol_str_compare(word, methods[middle]);
		}
		if (order == 0) {
			return true;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return false;
}
