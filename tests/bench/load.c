/* SPDX-License-Identifier: Apache-2.0 */

/*
 * load: sends the same request to a server as fast as it answers.
 *
 * The request is a file of bytes in which an id and, where tokens are given, a token are put in
 * place before each sending; the answer is one of known length, compared with a file of its bytes
 * wherever the mask says that they are always the same, so that fast and wrong answers are
 * noticed. Prints one JSON object: how many, how fast, and, with one request
 * outstanding on a connection, the percentiles of the time from send to answer.
 */

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  UINT64_C(1000000000)
#define WARM_NS   (NS_PER_S / 5)    /* not measured: connections open, caches fill */
#define ID_BYTES  4                 /* of a uint32, after its tag */
#define FIRST_ID  UINT32_C(0x10000) /* from here on an id has the same width in every answer */
#define MAX_CONNS 1024
#define SAMPLES   ((size_t)1 << 24)

struct blob {
	unsigned char *data;
	size_t len;
};

struct conn {
	int fd;
	size_t got; /* bytes of answers in buffer */
	uint64_t sent_at;
	unsigned char *buffer;
};

struct load {
	const char *path;
	struct blob request, answer, mask, tokens;
	size_t id_at, token_at, token_len;
	size_t connections, outstanding;
	double seconds;

	struct conn conns[MAX_CONNS];
	unsigned char *batch; /* outstanding requests, one after the other */
	size_t buffer_len;
	uint32_t id;
	uint64_t random;
	uint64_t begun, until;
	uint64_t answered, measured, wrong;
	uint32_t *samples; /* ns */
	size_t sampled;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2014). */
static uint64_t draw(struct load *load)
{
	load->random ^= load->random >> 12;
	load->random ^= load->random << 25;
	load->random ^= load->random >> 27;
	return load->random * UINT64_C(0x2545f4914f6cdd1d);
}

static void put_request(struct load *load, unsigned char *to)
{
	uint32_t id = load->id++;

	if (load->id < FIRST_ID) {
		load->id = FIRST_ID;
	}
	memcpy(to, load->request.data, load->request.len);
	for (size_t i = 0; i < ID_BYTES; i++) {
		to[load->id_at + i] = (unsigned char)(id >> (8 * (ID_BYTES - 1 - i)));
	}
	if (load->token_len > 0) {
		uint64_t which = draw(load) % (load->tokens.len / load->token_len);

		memcpy(to + load->token_at, load->tokens.data + which * load->token_len,
			load->token_len);
	}
}

static int send_requests(struct load *load, struct conn *conn, size_t count)
{
	size_t len = count * load->request.len;
	size_t sent = 0;

	for (size_t i = 0; i < count; i++) {
		put_request(load, load->batch + i * load->request.len);
	}
	conn->sent_at = now_ns();
	while (sent < len) {
		ssize_t r = send(conn->fd, load->batch + sent, len - sent, MSG_NOSIGNAL);

		if (r < 0 && errno != EINTR) {
			perror("load: send");
			return -1;
		}
		sent += r > 0 ? (size_t)r : 0;
	}
	return 0;
}

static bool is_right(const struct load *load, const unsigned char *answer)
{
	unsigned char differs = 0;

	for (size_t i = 0; i < load->answer.len; i++) {
		differs |= (unsigned char)((answer[i] ^ load->answer.data[i]) & load->mask.data[i]);
	}
	return differs == 0;
}

static void count_answer(
	struct load *load, struct conn *conn, const unsigned char *answer, uint64_t now)
{
	load->answered++;
	load->wrong += !is_right(load, answer);
	if (now - load->begun < WARM_NS) {
		return;
	}
	load->measured++;
	if (load->outstanding == 1 && load->sampled < SAMPLES) {
		uint64_t took = now - conn->sent_at;

		load->samples[load->sampled++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	}
}

/* Reads once; counts each complete answer and sends another request for it. */
static int serve_conn(struct load *load, struct conn *conn)
{
	ssize_t r = read(conn->fd, conn->buffer + conn->got, load->buffer_len - conn->got);
	size_t used = 0;
	size_t count = 0;
	uint64_t now;

	if (r <= 0) {
		if (r < 0 && errno == EINTR) {
			return 0;
		}
		fprintf(stderr, "load: %s\n", r == 0 ? "the server closed" : strerror(errno));
		return -1;
	}
	now = now_ns();
	conn->got += (size_t)r;
	for (; conn->got - used >= load->answer.len; used += load->answer.len) {
		count_answer(load, conn, conn->buffer + used, now);
		count++;
	}
	conn->got -= used;
	memmove(conn->buffer, conn->buffer + used, conn->got);
	return count > 0 && now < load->until ? send_requests(load, conn, count) : 0;
}

static int open_conn(struct load *load, struct conn *conn)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(load->path) >= sizeof address.sun_path) {
		fprintf(stderr, "load: %s: too long for a socket\n", load->path);
		return -1;
	}
	memcpy(address.sun_path, load->path, strlen(load->path) + 1);
	conn->buffer = malloc(load->buffer_len);
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->buffer == NULL || conn->fd < 0 ||
		connect(conn->fd, (struct sockaddr *)&address, sizeof address) < 0) {
		perror("load: connect");
		return -1;
	}
	return 0;
}

static int run_many(struct load *load)
{
	struct epoll_event events[MAX_CONNS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int r = epoll < 0 ? -1 : 0;

	for (size_t i = 0; i < load->connections && r == 0; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };

		r = epoll_ctl(epoll, EPOLL_CTL_ADD, load->conns[i].fd, &event);
		if (r == 0) {
			r = send_requests(load, &load->conns[i], load->outstanding);
		}
	}
	while (r == 0 && now_ns() < load->until) {
		int ready = epoll_wait(epoll, events, MAX_CONNS, 100);

		for (int i = 0; i < ready && r == 0; i++) {
			r = serve_conn(load, &load->conns[events[i].data.u64]);
		}
	}
	if (epoll >= 0) {
		close(epoll);
	}
	return r;
}

static int run(struct load *load)
{
	int r = 0;

	for (size_t i = 0; i < load->connections && r == 0; i++) {
		r = open_conn(load, &load->conns[i]);
	}
	load->begun = now_ns();
	load->until = load->begun + (uint64_t)(load->seconds * (double)NS_PER_S) + WARM_NS;
	if (r < 0 || load->connections > 1) {
		return r < 0 ? r : run_many(load);
	}
	r = send_requests(load, &load->conns[0], load->outstanding);
	while (r == 0 && now_ns() < load->until) {
		r = serve_conn(load, &load->conns[0]);
	}
	return r;
}

static int compare_samples(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double percentile_us(const struct load *load, double part)
{
	size_t at = (size_t)((double)load->sampled * part);

	if (load->sampled == 0) {
		return 0;
	}
	return load->samples[at < load->sampled ? at : load->sampled - 1] / 1000.0;
}

static void report(struct load *load)
{
	double seconds = (double)(now_ns() - load->begun - WARM_NS) / (double)NS_PER_S;

	qsort(load->samples, load->sampled, sizeof *load->samples, compare_samples);
	printf("{\"answered\": %llu, \"wrong\": %llu, \"rate\": %.1f, \"p50\": %.2f, \"p99\": "
	       "%.2f, "
	       "\"p999\": %.2f, \"max\": %.2f}\n",
		(unsigned long long)load->answered, (unsigned long long)load->wrong,
		(double)load->measured / seconds, percentile_us(load, 0.5),
		percentile_us(load, 0.99), percentile_us(load, 0.999), percentile_us(load, 1));
}

static struct blob read_file(const char *path)
{
	struct blob out = { 0 };
	FILE *file = fopen(path, "rb");
	long len;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (len = ftell(file)) > 0) {
		rewind(file);
		out.data = malloc((size_t)len);
		out.len = out.data == NULL ? 0 : fread(out.data, 1, (size_t)len, file);
	}
	if (file != NULL) {
		fclose(file);
	}
	if (out.len == 0) {
		fprintf(stderr, "load: %s: nothing to read there\n", path);
	}
	return out;
}

static bool parse_options(struct load *load, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "s:r:a:m:t:i:p:l:c:o:n:")) != -1) {
		switch (option) {
		case 's':
			load->path = optarg;
			break;
		case 'r':
			load->request = read_file(optarg);
			break;
		case 'a':
			load->answer = read_file(optarg);
			break;
		case 'm':
			load->mask = read_file(optarg);
			break;
		case 't':
			load->tokens = read_file(optarg);
			break;
		case 'i':
			load->id_at = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			load->token_at = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			load->token_len = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			load->connections = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			load->outstanding = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			load->seconds = strtod(optarg, NULL);
			break;
		default:
			return false;
		}
	}
	return load->path != NULL && load->answer.len > 0 && load->answer.len == load->mask.len &&
	       load->id_at + ID_BYTES <= load->request.len &&
	       load->token_at + load->token_len <= load->request.len &&
	       (load->token_len == 0 || load->tokens.len >= load->token_len) &&
	       load->connections > 0 && load->connections <= MAX_CONNS && load->outstanding > 0;
}

static const char usage[] =
	"usage: bench-load -s SOCKET -r REQUEST -a ANSWER -m MASK [-t TOKENS -p AT -l LENGTH]\n"
	"                  -i ID_AT -c CONNECTIONS -o OUTSTANDING -n SECONDS\n";

int main(int argc, char **argv)
{
	struct load *load = calloc(1, sizeof *load);
	int status = 2;

	if (load == NULL || !parse_options(load, argc, argv)) {
		fputs(usage, stderr);
		goto out;
	}
	load->id = FIRST_ID;
	load->random = now_ns() | 1;
	load->buffer_len = load->answer.len * (load->outstanding + 1);
	load->batch = malloc(load->request.len * load->outstanding);
	load->samples = malloc(SAMPLES * sizeof *load->samples);
	if (load->batch == NULL || load->samples == NULL) {
		perror("load");
		goto out;
	}
	status = run(load) < 0;
	report(load);
out:
	if (load != NULL) {
		for (size_t i = 0; i < MAX_CONNS; i++) {
			free(load->conns[i].buffer);
		}
		free(load->batch);
		free(load->samples);
		free(load->request.data);
		free(load->answer.data);
		free(load->mask.data);
		free(load->tokens.data);
	}
	free(load);
	return status;
}
