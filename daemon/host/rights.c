/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/rights.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int rights_drop(const char *user, uid_t uid, gid_t gid)
{
	if (geteuid() == 0 && user != NULL && uid != 0) {
		if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
			setresuid(uid, uid, uid) != 0) {
			int r = -errno;

			fprintf(stderr, "authzd: cannot become user %s: %s\n", user, strerror(-r));
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
