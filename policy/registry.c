/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/registry.h"

#include "policy/modules/modules.h"

static const struct pol_module *const built_in[] = {
	&pol_module_deny,
	&pol_module_key,
	&pol_module_mfa,
	&pol_module_network,
	&pol_module_permit,
	&pol_module_principal,
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
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++) {
		if (pol_str_equal(pol_str_of(built_in[i]->name), name) &&
			pol_module_fault(built_in[i], name) == NULL) {
			return built_in[i];
		}
	}
	return NULL;
}

const char *pol_module_fault(const struct pol_module *module, struct pol_str name)
{
	if (module->abi != POL_MODULE_ABI) {
		return "it was built for another version of the module interface";
	}
	if (module->size != sizeof *module) {
		return "its table has another size than this version's";
	}
	if (module->name == NULL || !pol_str_equal(pol_str_of(module->name), name)) {
		return "it calls itself by another name";
	}
	if (module->decide == NULL) {
		return "it has no 'decide'";
	}
	if (module->groups == 0 || (module->groups & ~POL_GROUPS_ALL) != 0) {
		return "it serves no group that a stack has";
	}
	return NULL;
}

bool pol_registry_is_planned(struct pol_str name)
{
	static const struct pol_str planned[] = {
		POL_STR_INIT("hours"),
		POL_STR_INIT("log"),
		POL_STR_INIT("peer"),
		POL_STR_INIT("quota"),
	};

	for (size_t i = 0; i < sizeof planned / sizeof *planned; i++) {
		if (pol_str_equal(planned[i], name)) {
			return true;
		}
	}
	return false;
}
