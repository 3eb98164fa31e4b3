/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/registry.h"

#include <stdio.h>

#include "policy/decide/modules/modules.h"

static const struct pol_module *const built_in[] = {
	&pol_module_deny,
	&pol_module_hours,
	&pol_module_key,
	&pol_module_log,
	&pol_module_mfa,
	&pol_module_network,
	&pol_module_peer,
	&pol_module_permit,
	&pol_module_principal,
	&pol_module_quota,
	&pol_module_role,
	&pol_module_scope,
	&pol_module_warn,
};

size_t pol_registry_modules(const struct pol_module *const **out)
{
	*out = built_in;
	return sizeof built_in / sizeof *built_in;
}

const struct pol_module *pol_registry_find(struct pol_str name)
{
	char why[POL_MODULE_WHY];

	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++) {
		if (pol_str_equal(pol_str_of(built_in[i]->name), name) &&
			pol_registry_fits(built_in[i], name, why)) {
			return built_in[i];
		}
	}
	return NULL;
}

/* Is it a word of printable ASCII? The version is shown on terminals. */
static bool is_version(const char *text)
{
	size_t len = 0;

	while (text != NULL && len <= POL_MODULE_VERSION_MAX && text[len] > ' ' &&
		text[len] < 0x7f) {
		len++;
	}
	return len > 0 && len <= POL_MODULE_VERSION_MAX && text[len] == '\0';
}

bool pol_registry_fits(
	const struct pol_module *module, struct pol_str name, char why[POL_MODULE_WHY])
{
	if (module->abi != POL_MODULE_ABI) {
		snprintf(why, POL_MODULE_WHY,
			"it was built for version %u of the module interface, and this is version "
			"%u: build it again with the header of this authzd",
			(unsigned)module->abi, POL_MODULE_ABI);
	} else if (module->size != sizeof *module) {
		snprintf(why, POL_MODULE_WHY,
			"its table says that it has %u bytes, and this version's has %zu: begin it "
			"with .abi = POL_MODULE_ABI, .size = sizeof(struct pol_module)",
			(unsigned)module->size, sizeof *module);
	} else if (module->name == NULL || !pol_str_equal(pol_str_of(module->name), name)) {
		snprintf(why, POL_MODULE_WHY, "it calls itself '%.32s': a module's file is NAME.so",
			module->name != NULL ? module->name : "");
	} else if (!is_version(module->version)) {
		snprintf(why, POL_MODULE_WHY,
			"its version is not a word of 1 to %d printable characters",
			POL_MODULE_VERSION_MAX);
	} else if (module->decide == NULL) {
		snprintf(why, POL_MODULE_WHY, "it has no 'decide'");
	} else if (module->groups == 0 || (module->groups & ~POL_GROUPS_ALL) != 0) {
		snprintf(why, POL_MODULE_WHY, "it serves no group that a stack has");
	} else {
		return true;
	}
	return false;
}
