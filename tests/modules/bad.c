/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bad: what a module must not be. Which of it is chosen by the macros that it is compiled with:
 * NAME, and one of those below.
 */

#include <authz/module.h>

#ifndef ABI
#define ABI POL_MODULE_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct pol_module)
#endif
#ifndef TABLE
#define TABLE authz_module
#endif
#ifndef VERSION
#define VERSION "1"
#endif

#ifdef UNRESOLVED
extern bool nobody_has_this(void);
#else
static bool nobody_has_this(void)
{
	return false;
}
#endif

#ifdef WRITABLE_CODE
__asm__(".pushsection .both,\"awx\",@progbits\n.byte 0\n.popsection");
#endif
#ifdef CHANGED_CODE
__asm__(".pushsection .text\n.quad authz_module\n.popsection");
#endif

static bool prepare_bad(const struct pol_prepare *prepare, const void **out)
{
	(void)out;
#ifdef WILD
	prepare->error(prepare, (struct pol_span){ 7, 1U << 31, 1U << 31 }, "%s\x80\xff%0999d",
		"made up ", 1);
#else
	(void)prepare;
#endif
#ifdef GREEDY
	while (prepare->alloc(prepare, 1024, 1024) != NULL) {
	}
#endif
#ifdef NOTE
	prepare->note(prepare, "%s", NOTE);
#endif
#ifdef REASON
	return !nobody_has_this();
#else
	return nobody_has_this();
#endif
}

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
#ifdef REASON
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR(REASON) };
#else
	return (struct pol_answer){ .verdict = POL_ALLOW };
#endif
}

extern POL_EXPORT const struct pol_module TABLE;
const struct pol_module TABLE = {
	.abi = ABI,
	.size = SIZE,
	.name = NAME,
	.version = VERSION,
	.groups = POL_GROUPS_ALL,
	.prepare = prepare_bad,
	.decide = decide,
};
