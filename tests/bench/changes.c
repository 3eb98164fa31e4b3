/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of keys, as fast as they are answered: for tests/bench/run --fleet.
 *
 *     bench-changes SOCKET OUTSTANDING SECONDS KEY…
 *
 * Each key is disabled, and in the next round enabled again. A request is sent for each answer, so
 * that OUTSTANDING are always under way; those of one read are sent together. Prints one JSON
 * object: how many, how many a second, and from a request to its answer the median and the 99th
 * percentile, in ms.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/wire.h"

#define MAX_SAMPLES     ((size_t)1 << 20)
#define MAX_OUTSTANDING 1024
#define MAX_REQUEST     64
#define MAX_ANSWER      8192
#define KID             12

struct changes {
	int fd;
	char *const *keys;
	unsigned count;
	uint32_t id;
	uint8_t out[MAX_OUTSTANDING * MAX_REQUEST];
	size_t out_len;
	uint8_t in[MAX_OUTSTANDING * MAX_ANSWER];
	size_t in_len;
	double sent[MAX_OUTSTANDING]; /* by id */
	double *samples;
	size_t sampled;
};

_Noreturn static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench-changes: %s: %s\n", what, why);
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void connect_to(struct changes *changes, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	changes->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(path) >= sizeof address.sun_path) {
		fail(path, "is too long");
	}
	memcpy(address.sun_path, path, strlen(path));
	if (changes->fd < 0 || connect(changes->fd, (const struct sockaddr *)(const void *)&address,
				       sizeof address) < 0) {
		fail(path, "cannot connect");
	}
}

/* Puts [0, id, method, [{"id": key}]] to what is to be sent. */
static void put_request(struct changes *changes)
{
	uint32_t id = changes->id++;
	const char *method = id / changes->count % 2 == 0 ? "\xackeys.disable" : "\xabkeys.enable";
	const uint8_t begin[] = { 0x94, 0x00, 0xce, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
		(uint8_t)(id >> 8), (uint8_t)id };
	uint8_t *at = changes->out + changes->out_len;

	memcpy(at, begin, sizeof begin);
	at += sizeof begin;
	memcpy(at, method, strlen(method));
	at += strlen(method);
	memcpy(at, "\x91\x81\xa2id\xac", 6);
	memcpy(at + 6, changes->keys[id % changes->count], KID);
	changes->out_len = (size_t)(at + 6 + KID - changes->out);
	changes->sent[id % MAX_OUTSTANDING] = now_ms();
}

static void send_all(struct changes *changes)
{
	for (size_t done = 0; done < changes->out_len;) {
		ssize_t n = send(
			changes->fd, changes->out + done, changes->out_len - done, MSG_NOSIGNAL);

		if (n <= 0) {
			fail("the daemon", "takes no request");
		}
		done += (size_t)n;
	}
	changes->out_len = 0;
}

/* [1, id, nil, result]; an id has one, two, three or five bytes. */
static void take_answer(struct changes *changes, const uint8_t *bytes, size_t len)
{
	static const size_t widths[] = { [0] = 1, [1] = 2, [2] = 4 }; /* of 0xcc, 0xcd, 0xce */
	uint32_t id = 0;
	size_t at = 3, width = 0;

	if (len > 8 && bytes[2] >= 0xcc && bytes[2] <= 0xce) {
		width = widths[bytes[2] - 0xcc];
	}
	id = width == 0 ? bytes[2] : 0;
	for (size_t i = 0; i < width; i++) {
		id = id << 8 | bytes[at++];
	}
	if (len < 4 || bytes[0] != 0x94 || bytes[1] != 1 || bytes[at] != 0xc0) {
		fail("a change", "was refused");
	}
	if (changes->sampled < MAX_SAMPLES) {
		changes->samples[changes->sampled++] =
			now_ms() - changes->sent[id % MAX_OUTSTANDING];
	}
}

/* Returns how many answers came. */
static unsigned read_answers(struct changes *changes)
{
	ssize_t n = recv(changes->fd, changes->in + changes->in_len,
		sizeof changes->in - changes->in_len, 0);
	struct wire_walk walk;
	size_t at = 0, len;
	unsigned count = 0;

	if (n <= 0) {
		fail("the daemon", "has gone");
	}
	changes->in_len += (size_t)n;
	wire_walk_init(&walk, MAX_ANSWER);
	while (at < changes->in_len &&
		wire_walk(&walk, changes->in + at, changes->in_len - at, &len) == WIRE_COMPLETE) {
		take_answer(changes, changes->in + at, len);
		at += len;
		count++;
		wire_walk_init(&walk, MAX_ANSWER);
	}
	changes->in_len -= at;
	memmove(changes->in, changes->in + at, changes->in_len);
	return count;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run(struct changes *changes, unsigned outstanding, double seconds)
{
	double begin = now_ms(), end;
	unsigned answered = outstanding;
	size_t count;

	do {
		for (unsigned i = 0; i < answered; i++) {
			put_request(changes);
		}
		send_all(changes);
		answered = read_answers(changes);
		end = now_ms();
	} while (end - begin < seconds * 1e3);
	count = changes->sampled;
	for (outstanding -= answered; outstanding > 0;) {
		outstanding -= read_answers(changes);
	}
	qsort(changes->samples, changes->sampled, sizeof *changes->samples, compare);
	printf("{\"count\": %zu, \"rate\": %.1f, \"p50\": %.4f, \"p99\": %.4f}\n", count,
		(double)count * 1e3 / (end - begin), changes->samples[changes->sampled / 2],
		changes->samples[changes->sampled * 99 / 100]);
}

int main(int argc, char **argv)
{
	static struct changes changes;
	unsigned long outstanding = argc > 4 ? strtoul(argv[2], NULL, 10) : 0;

	if (outstanding == 0 || outstanding > MAX_OUTSTANDING ||
		(unsigned long)argc - 4 < outstanding) {
		fprintf(stderr, "usage: bench-changes SOCKET OUTSTANDING SECONDS KEY…, at least "
				"OUTSTANDING keys\n");
		return 2;
	}
	changes.keys = argv + 4;
	changes.count = (unsigned)argc - 4;
	for (unsigned i = 0; i < changes.count; i++) {
		if (strlen(changes.keys[i]) != KID) {
			fail(changes.keys[i], "is not a key");
		}
	}
	changes.samples = malloc(MAX_SAMPLES * sizeof *changes.samples);
	if (changes.samples == NULL) {
		fail("samples", "out of memory");
	}
	connect_to(&changes, argv[1]);
	run(&changes, (unsigned)outstanding, strtod(argv[3], NULL));
	close(changes.fd);
	free(changes.samples);
	return 0;
}
