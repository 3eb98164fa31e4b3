/* SPDX-License-Identifier: Apache-2.0 */

/*
 * intruder: does, in a decision, what code would try that got into the daemon. The request's
 * principal names the attempt, one of those below.
 *
 *	account required intruder
 *
 * An attempt that the daemon survives is answered: `done` or, if it failed, `failed`.
 */

#define _GNU_SOURCE

#include <authz/module.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef ELSEWHERE
#define ELSEWHERE "/tmp/authz-intruder"
#endif

static long execute(void)
{
	char *const words[] = { (char *)(size_t) "/bin/true", NULL };

	return execve(words[0], words, words + 1);
}

static long make_process(void)
{
	return fork();
}

static long trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

/* With any descriptor: the call itself must not be made. */
static long connect_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/x" };

	return connect(STDERR_FILENO, (struct sockaddr *)&address, sizeof address);
}

/* The kernel would show clients the user of now. */
static long listen_again(void)
{
	return listen(STDERR_FILENO, 1);
}

static long change_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long read_process(void)
{
	return syscall(SYS_process_vm_readv, 1, NULL, 0UL, NULL, 0UL, 0UL);
}

static long signal_process(void)
{
	return kill(1, 0);
}

static long take_over_handler(void)
{
	return signal(SIGSYS, SIG_IGN) == SIG_ERR ? -1 : 0;
}

/* The kernel looks at the low half of the number alone. */
static long take_over_handler_by_half(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	return syscall(SYS_rt_sigaction, (INT64_C(1) << 32) | SIGSYS, &ignore, NULL, 8UL);
}

static long map_writable_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) == MAP_FAILED
		       ? -1
		       : 0;
}

static long make_code_of_data(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long read_outside(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long read_memory(void)
{
	return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
}

static long write_outside(void)
{
	return open(ELSEWHERE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long write_module(void)
{
	return open(MODULES "/another.so", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long write_policy(void)
{
	return open(POLICY "/another.policy", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long rename_state(void)
{
	return rename(STATE, STATE ".old");
}

struct attempt {
	const char *name;
	long (*make)(void);
};

static const struct attempt attempts[] = {
	{ "change-namespace", change_namespace },
	{ "connect", connect_socket },
	{ "execve", execute },
	{ "fork", make_process },
	{ "listen", listen_again },
	{ "make-code-of-data", make_code_of_data },
	{ "map-writable-code", map_writable_code },
	{ "ptrace", trace },
	{ "read-memory", read_memory },
	{ "read-outside", read_outside },
	{ "read-process", read_process },
	{ "rename-state", rename_state },
	{ "signal-process", signal_process },
	{ "socket", make_socket },
	{ "take-over-handler", take_over_handler },
	{ "take-over-handler-by-half", take_over_handler_by_half },
	{ "write-module", write_module },
	{ "write-outside", write_outside },
	{ "write-policy", write_policy },
};

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	struct pol_str wanted = request->facts->principal;

	(void)state;
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
		const char *name = attempts[i].name;

		if (wanted.len == strlen(name) && memcmp(wanted.ptr, name, wanted.len) == 0) {
			bool failed = attempts[i].make() < 0;

			return (struct pol_answer){ .verdict = POL_DENY,
				.reason = failed ? POL_STR("failed") : POL_STR("done") };
		}
	}
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

extern POL_EXPORT const struct pol_module authz_module;
const struct pol_module authz_module = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "intruder",
	.version = "1",
	.groups = POL_GROUPS_ALL,
	.decide = decide,
};
