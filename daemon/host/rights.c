/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/rights.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/config/config.h"

int rights_drop(const struct config *config)
{
	if (geteuid() == 0 && config->user != NULL && config->uid != 0) {
		if (initgroups(config->user, config->gid) != 0 ||
			setresgid(config->gid, config->gid, config->gid) != 0 ||
			setresuid(config->uid, config->uid, config->uid) != 0) {
			int r = -errno;

			fprintf(stderr, "authzd: cannot become user %s: %s\n", config->user,
				strerror(-r));
			return r;
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) {
		int r = -errno;

		fprintf(stderr, "authzd: cannot give up rights: %s\n", strerror(-r));
		return r;
	}
	return 0;
}
