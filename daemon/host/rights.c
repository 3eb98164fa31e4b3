/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/host/activation.h"

enum { FIRST_INHERITED = STDERR_FILENO + 1 };

_Static_assert(FIRST_INHERITED == ACTIVATION_FIRST, "a supervisor's sockets come first");

static int fail(const char *what, int error)
{
	fprintf(stderr, "authzd: cannot %s: %s\n", what, strerror(-error));
	return error;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static int open_standard(void)
{
	for (int fd = 0; fd < FIRST_INHERITED; fd++) {
		/* open(2) returns the lowest free number, which is fd. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != fd) {
			return -errno;
		}
	}
	return 0;
}

/* A kernel before 5.9 does not have close_range. */
static int close_inherited(int first)
{
	struct rlimit limit;

	if (close_range((unsigned)first, UINT_MAX, 0) == 0) {
		return 0;
	}
	if (errno != ENOSYS || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return -errno;
	}
	for (int fd = first; (rlim_t)fd < limit.rlim_max && fd < INT_MAX; fd++) {
		close(fd);
	}
	return 0;
}

int rights_begin(unsigned sockets)
{
	static const struct rlimit none = { 0, 0 };
	int r = open_standard();

	if (r == 0) {
		r = close_inherited(FIRST_INHERITED + (int)sockets);
	}
	if (r < 0) {
		return fail("close the descriptors it inherited", r);
	}
	umask(022);
	return setrlimit(RLIMIT_CORE, &none) == 0 ? 0 : fail("forbid core files", -errno);
}

/* --- the rights of root ----------------------------------------------------------------------- */

/* Needs CAP_SETPCAP. Without it no_new_privs alone keeps an executed program from capabilities. */
static int empty_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
			return errno == EPERM ? 0 : -errno;
		}
	}
	return 0;
}

/* All of permitted, effective and inheritable; the ambient set follows the inheritable one. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

	return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}

int rights_drop(const char *user, uid_t uid, gid_t gid)
{
	int r = empty_bounding_set();

	if (r < 0) {
		return fail("empty the bounding set of capabilities", r);
	}
	if (geteuid() == 0 && user != NULL && uid != 0) {
		if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
			setresuid(uid, uid, uid) != 0) {
			r = -errno;
			fprintf(stderr, "authzd: cannot become user %s: %s\n", user, strerror(-r));
			return r;
		}
	}
	r = drop_capabilities();
	if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			      prctl(PR_SET_DUMPABLE, 0) != 0 || clearenv() != 0)) {
		r = -errno;
	}
	return r == 0 ? 0 : fail("give up rights", r);
}

/* --- descriptors ------------------------------------------------------------------------------ */

int rights_raise_descriptors(
	unsigned long long need, unsigned long long want, unsigned long long *out_hard)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return -errno;
	}
	*out_hard = limit.rlim_max;
	if (limit.rlim_max < need) {
		return -EMFILE;
	}
	want = want > limit.rlim_max ? limit.rlim_max : want;
	if (limit.rlim_cur >= want) {
		return 0;
	}
	limit.rlim_cur = want;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : -errno;
}
