/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/host/confine.h"
#include "daemon/host/log.h"

/*
 * The lists were made from a trace of all end-to-end tests and then from the reason for each call.
 * Calls of later versions of the C library and libuv are in them where they do no harm. A call that
 * makes a process or a file system, or that reaches another process, is in none.
 */

/* What every program makes. */
static const int common[] = {
	/* memory; mmap and mprotect are below */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	/* the process itself; qsort(3) asks for the size of memory */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sysinfo),
	/* time and chance */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	SCMP_SYS(time),
	/* descriptors that are there, and what stat(2) shows, which is not contents */
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(getcwd),
	SCMP_SYS(lseek),
	SCMP_SYS(newfstatat),
	SCMP_SYS(read),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(statx),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* loops */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	/* the sockets that are there: none can be listened at again, which would show clients
	 * another user */
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(shutdown),
};

/* `threads`; clone is below. */
static const int thread_calls[] = {
	SCMP_SYS(membarrier),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(wait4),
};

/* `files`, where Landlock allows them, and memory that is mapped from them or kept out of swap. */
static const int file_calls[] = {
	SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),
	SCMP_SYS(getdents64),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(mlock),
	SCMP_SYS(msync),
	SCMP_SYS(munlock),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
};

/* `connects`; socket and setsockopt are below. */
static const int connect_calls[] = {
	SCMP_SYS(connect),
	SCMP_SYS(sendmsg),
};

/* `network`. The C library asks the kernel by a socket of its own which addresses this machine has,
 * and binds that one; nothing can be listened at. */
static const int network_calls[] = {
	SCMP_SYS(access),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(openat),
	SCMP_SYS(pread64),
	SCMP_SYS(recvmsg),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(setsockopt),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(uname),
};

/* Callers try something else when the kernel does not have them: pthread_create(3) calls clone,
 * whose flags can be checked, and libuv does without io_uring. */
static const int absent[] = {
	SCMP_SYS(clone3),
	SCMP_SYS(io_uring_setup),
};

/* fcntl(2): no signals, leases or owners. */
static const int fcntl_commands[] = {
	F_DUPFD_CLOEXEC,
	F_GETFD,
	F_SETFD,
	F_GETFL,
	F_SETFL,
	F_GETLK,
	F_SETLK,
	F_SETLKW,
};

/* libuv's. A terminal takes none. */
static const unsigned long ioctl_requests[] = { FIONBIO, FIOCLEX };

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* What the flags of a new thread must have, among these. Without CLONE_THREAD it would be a
 * process; the others would give it a view of the system with rights of its own. */
#define CLONE_MUST (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_NEVER                                                                                \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
		CLONE_NEWPID | CLONE_NEWNET)

/* The call, if the argument has this value. */
static int allow_equal(scmp_filter_ctx filter, int call, unsigned argument, scmp_datum_t value)
{
	const struct scmp_arg_cmp condition = {
		.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* A condition: the bits of the mask have this value in the argument. */
static struct scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){
		.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value
	};
}

static int allow_masked(
	scmp_filter_ctx filter, int call, unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
	const struct scmp_arg_cmp condition = masked(argument, mask, value);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

static int allow_each(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 0, NULL);
	}
	return r;
}

static int allow_common(scmp_filter_ctx filter)
{
	int r = allow_each(filter, common, LENGTH(common));

	for (size_t i = 0; i < LENGTH(absent) && r == 0; i++) {
		r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), absent[i], 0, NULL);
	}
	for (size_t i = 0; i < LENGTH(fcntl_commands) && r == 0; i++) {
		r = allow_equal(filter, SCMP_SYS(fcntl), 1, (scmp_datum_t)fcntl_commands[i]);
	}
	for (size_t i = 0; i < LENGTH(ioctl_requests) && r == 0; i++) {
		r = allow_equal(filter, SCMP_SYS(ioctl), 1, ioctl_requests[i]);
	}
	return r;
}

/* Memory is writable or code, never both, and never becomes code. */
static int allow_memory(scmp_filter_ctx filter)
{
	int r = allow_masked(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);

	return r < 0 ? r : allow_masked(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
}

/* A module is loaded from a sealed copy in memory. Only files are mapped as code. */
static int allow_modules(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp code[] = {
		masked(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		masked(3, MAP_ANONYMOUS, 0),
	};
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), LENGTH(code), code);

	if (r == 0) {
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 0, NULL);
	}
	return r < 0 ? r : allow_equal(filter, SCMP_SYS(fcntl), 1, F_ADD_SEALS);
}

/* A new decision log after SIGHUP. Ids have 32 bits. */
static int allow_group(scmp_filter_ctx filter, gid_t group)
{
	const struct scmp_arg_cmp conditions[] = {
		masked(1, UINT32_MAX, UINT32_MAX), /* the owner stays */
		masked(2, UINT32_MAX, group),
	};

	return seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(fchown), LENGTH(conditions), conditions);
}

/* uv_thread_create asks for the size of a stack, but sets no limit; the reload's thread lowers its
 * own priority. */
static int allow_limits(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp asks[] = {
		{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0 },
		{ .arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0 },
	};
	int r = seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), LENGTH(asks), asks);

	return r < 0 ? r : allow_equal(filter, SCMP_SYS(setpriority), 0, PRIO_PROCESS);
}

/* Every handler but that of SIGSYS. The kernel looks at the low half of the argument alone, so the
 * high half must be zero: not SIGSYS is not enough. */
static int allow_handlers(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp below = {
		.arg = 0, .op = SCMP_CMP_LT, .datum_a = SIGSYS, .datum_b = 0
	};
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1, &below);

	/* From 32 to 63. */
	_Static_assert(SIGSYS == 31, "the signals above SIGSYS begin with 32");
	return r < 0 ? r : allow_masked(filter, SCMP_SYS(rt_sigaction), 0, ~UINT64_C(0x1f), 0x20);
}

/* Signals to this process alone. */
static int allow_signals(scmp_filter_ctx filter)
{
	int r = allow_equal(filter, SCMP_SYS(tgkill), 0, (scmp_datum_t)getpid());

	return r < 0 ? r : allow_handlers(filter);
}

/* Threads, but no process. */
static int allow_threads(scmp_filter_ctx filter)
{
	int r = allow_each(filter, thread_calls, LENGTH(thread_calls));

	if (r == 0) {
		r = allow_masked(filter, SCMP_SYS(clone), 0, CLONE_MUST | CLONE_NEVER, CLONE_MUST);
	}
	return r < 0 ? r : allow_limits(filter);
}

/* Sockets: the kernel is asked who is at the other end, and answers go to where the socket is
 * connected. */
static int allow_sockets(scmp_filter_ctx filter)
{
	int r = allow_equal(filter, SCMP_SYS(getsockopt), 1, SOL_SOCKET);

	return r < 0 ? r : allow_equal(filter, SCMP_SYS(sendto), 4, 0);
}

/* A setsockopt(2) of this option. */
static int allow_option(scmp_filter_ctx filter, int level, int name)
{
	const struct scmp_arg_cmp conditions[] = {
		{ .arg = 1, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)level, .datum_b = 0 },
		{ .arg = 2, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)name, .datum_b = 0 },
	};

	return seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), LENGTH(conditions), conditions);
}

/* A stream to a Unix socket, with deadlines, and what an HTTP library sets on a connection. */
static int allow_connects(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp stream[] = {
		{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX, .datum_b = 0 },
		masked(1, ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), SOCK_STREAM),
	};
	static const int options[][2] = {
		{ SOL_SOCKET, SO_RCVTIMEO },
		{ SOL_SOCKET, SO_SNDTIMEO },
		{ IPPROTO_TCP, TCP_NODELAY },
		{ IPPROTO_TCP, TCP_CORK },
	};
	int r = allow_each(filter, connect_calls, LENGTH(connect_calls));

	if (r == 0) {
		r = seccomp_rule_add_array(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), LENGTH(stream), stream);
	}
	for (size_t i = 0; i < LENGTH(options) && r == 0; i++) {
		r = allow_option(filter, options[i][0], options[i][1]);
	}
	return r;
}

/* A client of a server on another machine. */
static int allow_network(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int r = allow_each(filter, network_calls, LENGTH(network_calls));

	for (size_t i = 0; i < LENGTH(families) && r == 0; i++) {
		r = allow_equal(filter, SCMP_SYS(socket), 0, (scmp_datum_t)families[i]);
	}
	return r < 0 ? r : allow_equal(filter, SCMP_SYS(ioctl), 1, FIONREAD);
}

/* The signal of a call that is not allowed. SIGSYS is blocked here, so that a second such call ends
 * the process at once, and the filter lets nobody change this handler. */
static void on_refused(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	log_signal("ended: a system call that this program does not make was refused, as by "
		   "foreign code",
		"call", (unsigned)info->si_syscall);
	syscall(SYS_execve, NULL, NULL, NULL);
	_exit(1);
}

static int set_attributes(scmp_filter_ctx filter, bool this_thread)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (r == 0) {
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, !this_thread);
	}
	if (r == 0) {
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	}
	return r < 0 ? r : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static int allow_needs(scmp_filter_ctx filter, const struct confine_calls *needs)
{
	int r = 0;

	if (needs->threads) {
		r = allow_threads(filter);
	}
	if (r == 0 && needs->files) {
		r = allow_each(filter, file_calls, LENGTH(file_calls));
	}
	if (r == 0 && needs->connects) {
		r = allow_connects(filter);
	}
	if (r == 0 && needs->network) {
		r = allow_network(filter);
	}
	if (r == 0 && needs->modules) {
		r = allow_modules(filter);
	}
	if (r == 0 && needs->group != NULL) {
		r = allow_group(filter, *needs->group);
	}
	return r;
}

static int load(scmp_filter_ctx filter, const struct confine_calls *needs)
{
	struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };
	int r = set_attributes(filter, needs->this_thread);

	if (r == 0) {
		r = allow_common(filter);
	}
	if (r == 0) {
		r = allow_memory(filter);
	}
	if (r == 0) {
		r = allow_signals(filter);
	}
	if (r == 0) {
		r = allow_sockets(filter);
	}
	if (r == 0) {
		r = allow_needs(filter, needs);
	}
	if (r == 0 && sigaction(SIGSYS, &action, NULL) != 0) {
		r = -errno;
	}
	return r == 0 ? seccomp_load(filter) : r;
}

int confine_calls(const struct confine_calls *needs)
{
	const uint32_t action = SECCOMP_RET_TRAP;
	scmp_filter_ctx filter;
	int r;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) {
		return -EOPNOTSUPP;
	}
	filter = seccomp_init(SCMP_ACT_TRAP);
	if (filter == NULL) {
		return -ENOMEM;
	}
	r = load(filter, needs);
	seccomp_release(filter);
	return r;
}
