/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/confine.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

bool confine_is_built(void)
{
#ifdef AUTHZ_INSTRUMENTED
	return false;
#else
	return true;
#endif
}

bool confine_has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

	if (syscall(SYS_capget, &header, data) != 0) {
		return true;
	}
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if ((data[i].permitted | data[i].effective | data[i].inheritable) != 0) {
			return true;
		}
	}
	return false;
}
