/* SPDX-License-Identifier: Apache-2.0 */

/*
 * intruder: does, inside authz-http, what code would try that got into it by a request. It is
 * preloaded (ld.so(8)), and takes the place of recv(3): a request for /intrude/ATTEMPT makes the
 * attempt. One that the program survives is answered by a line on standard error: `done` or, if it
 * failed, `failed`.
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED ssize_t __recv_chk(int fd, void *room, size_t size, size_t room_size, int flags);

static long execute(void)
{
	char *const words[] = { (char *)(size_t) "/bin/true", NULL };

	return execve(words[0], words, words + 1);
}

static long make_process(void)
{
	return fork();
}

static void *run_thread(void *data)
{
	return data;
}

static long make_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, run_thread, NULL) == 0 ? 0 : -1;
}

static long trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long make_network_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long make_datagram_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long make_stream_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long listen_again(void)
{
	return listen(STDERR_FILENO, 1);
}

static long bind_socket(void)
{
	static const struct sockaddr address = { .sa_family = AF_UNIX };

	return bind(STDERR_FILENO, &address, sizeof address);
}

static long read_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long read_process(void)
{
	return syscall(SYS_process_vm_readv, 1, NULL, 0UL, NULL, 0UL, 0UL);
}

static long signal_process(void)
{
	return kill(getppid(), 0);
}

static long make_code_of_data(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long remove_file(void)
{
	return unlink(ELSEWHERE);
}

static const struct {
	const char *name;
	long (*run)(void);
} attempts[] = {
	{ "execve", execute },
	{ "fork", make_process },
	{ "thread", make_thread },
	{ "ptrace", trace },
	{ "network", make_network_socket },
	{ "datagram", make_datagram_socket },
	{ "stream", make_stream_socket },
	{ "listen", listen_again },
	{ "bind", bind_socket },
	{ "open", read_file },
	{ "read-process", read_process },
	{ "signal-process", signal_process },
	{ "code", make_code_of_data },
	{ "remove", remove_file },
};

static void intrude(const char *bytes, size_t len)
{
	static const char line[] = "GET /intrude/";

	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
		size_t skip = sizeof line - 1, name = strlen(attempts[i].name);

		if (len > skip + name && memcmp(bytes, line, skip) == 0 &&
			memcmp(bytes + skip, attempts[i].name, name) == 0 &&
			bytes[skip + name] == ' ') {
			const char *said = attempts[i].run() < 0 ? "failed\n" : "done\n";

			(void)!write(STDERR_FILENO, said, strlen(said));
		}
	}
}

EXPORTED ssize_t recv(int fd, void *room, size_t size, int flags)
{
	ssize_t n = recvfrom(fd, room, size, flags, NULL, NULL);

	if (n > 0) {
		intrude(room, (size_t)n);
	}
	return n;
}

/* The same, where the library was compiled with _FORTIFY_SOURCE. */
EXPORTED ssize_t __recv_chk(int fd, void *room, size_t size, size_t room_size, int flags)
{
	(void)room_size;
	return recv(fd, room, size, flags);
}
