/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures what asking another process costs: the least that a decision would cost more if the
 * store and the secrets were in a process of their own.
 *
 *     bench-split ROUNDS
 *
 * Two processes send 96 bytes (a token) and 128 bytes (what a worker needs of a key) to and fro
 * over a socketpair, first one at a time, then 64 in one go, as a worker could that has read 64
 * requests. Prints {"one":US,"of64":US}, microseconds for each question.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUESTION = 96, ANSWER = 128, MANY = 64 };

static void fail(const char *what)
{
	fprintf(stderr, "bench-split: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0) {
			fail("send");
		}
		bytes += n;
		len -= (size_t)n;
	}
}

/* False at the end. */
static int receive_all(int fd, char *bytes, size_t len)
{
	return recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static void serve(int fd, size_t many)
{
	static char bytes[MANY * ANSWER];

	while (receive_all(fd, bytes, many * QUESTION)) {
		send_all(fd, bytes, many * ANSWER);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Microseconds for each question of `rounds` times `many`. */
static double measure(long rounds, size_t many)
{
	static char bytes[MANY * ANSWER];
	double begin, end;
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
		fail("cannot start");
	}
	child = fork();
	if (child < 0) {
		fail("cannot start");
	}
	if (child == 0) {
		close(pair[0]);
		serve(pair[1], many);
		_exit(0);
	}
	close(pair[1]);
	begin = seconds();
	for (long i = 0; i < rounds; i++) {
		send_all(pair[0], bytes, many * QUESTION);
		if (!receive_all(pair[0], bytes, many * ANSWER)) {
			fail("receive");
		}
	}
	end = seconds();
	close(pair[0]);
	waitpid(child, NULL, 0);
	return (end - begin) * 1e6 / (double)rounds / (double)many;
}

int main(int argc, char **argv)
{
	long rounds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

	if (rounds < MANY) {
		fputs("usage: bench-split ROUNDS\n", stderr);
		return 2;
	}
	measure(rounds / 10 + 1, 1);
	printf("{\"one\":%.3f,", measure(rounds, 1));
	printf("\"of64\":%.3f}\n", measure(rounds / MANY, MANY));
	return 0;
}
