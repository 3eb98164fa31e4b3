/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that are read at a time; a line has 150 at most. */
enum { CHUNK = 16 * 1024, LINE = 256 };

/* The state of a connection that both ends have open. */
#define ESTABLISHED " 01 "

static const char *const paths[] = { "/proc/net/tcp", "/proc/net/tcp6" };

int http_peers_open(struct http_peers *peers)
{
	int r = 0;

	peers->kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	for (size_t i = 0; i < 2; i++) {
		peers->tables[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
		/* A kernel without IPv6 has no second one. */
		if (peers->tables[i] < 0 && (i == 0 || errno != ENOENT)) {
			r = -errno;
		}
	}
	return r;
}

void http_peers_close(struct http_peers *peers)
{
	if (peers->kernel >= 0) {
		close(peers->kernel);
	}
	peers->kernel = -1;
	for (size_t i = 0; i < 2; i++) {
		if (peers->tables[i] >= 0) {
			close(peers->tables[i]);
		}
		peers->tables[i] = -1;
	}
}

/* --- one connection --------------------------------------------------------------------------- */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

struct reply {
	struct nlmsghdr head;
	union {
		struct inet_diag_msg found;
		struct nlmsgerr error;
	} body;
};

static void fill_end(const struct sockaddr *address, __be32 out[4], __be16 *port)
{
	const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET6) {
		memcpy(out, &ip6->sin6_addr, sizeof ip6->sin6_addr);
		*port = ip6->sin6_port;
	} else {
		out[0] = ip4->sin_addr.s_addr;
		*port = ip4->sin_port;
	}
}

/* The kernel finds a listening socket, too, where no connection is. */
static bool is_answer(const struct reply *reply, const struct inet_diag_sockid *asked)
{
	const struct inet_diag_msg *found = &reply->body.found;

	return found->idiag_state == TCP_ESTABLISHED &&
	       found->id.idiag_sport == asked->idiag_sport &&
	       found->id.idiag_dport == asked->idiag_dport;
}

/* 1: found; 0: there is none; -1: the kernel does not say. It answers before send(2) returns. */
static int ask_kernel(
	int fd, const struct sockaddr *client, const struct sockaddr *server, uid_t *out)
{
	struct question question = {
		.head = { .nlmsg_len = sizeof question,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = (__u8)server->sa_family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = 1U << TCP_ESTABLISHED,
			.id = { .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } } },
	};
	struct inet_diag_sockid *id = &question.body.id;
	struct reply reply;
	ssize_t got;

	fill_end(client, id->idiag_src, &id->idiag_sport);
	fill_end(server, id->idiag_dst, &id->idiag_dport);
	while (fd >= 0 && recv(fd, &reply, sizeof reply, MSG_DONTWAIT) > 0) {
	}
	if (fd < 0 || send(fd, &question, sizeof question, 0) != (ssize_t)sizeof question) {
		return -1;
	}
	/* What follows in an answer is cut off. */
	got = recv(fd, &reply, sizeof reply, MSG_DONTWAIT);
	if (got >= (ssize_t)(sizeof reply.head + sizeof reply.body.error) &&
		reply.head.nlmsg_type == NLMSG_ERROR) {
		return reply.body.error.error == -ENOENT ? 0 : -1;
	}
	if (got < (ssize_t)sizeof reply || reply.head.nlmsg_type != SOCK_DIAG_BY_FAMILY) {
		return -1;
	}
	*out = reply.body.found.idiag_uid;
	return is_answer(&reply, id);
}

/* --- all connections -------------------------------------------------------------------------- */

/* The words of an address as the kernel prints them: as numbers of this machine. */
static unsigned word_at(const unsigned char *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof word);
	return word;
}

void http_peer_write(const struct sockaddr *address, bool mapped, char out[HTTP_PEER_ADDRESS])
{
	const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;
	const unsigned char *bytes = ip6->sin6_addr.s6_addr;

	if (address->sa_family == AF_INET6) {
		snprintf(out, HTTP_PEER_ADDRESS, "%08X%08X%08X%08X:%04X", word_at(bytes),
			word_at(bytes + 4), word_at(bytes + 8), word_at(bytes + 12),
			ntohs(ip6->sin6_port));
	} else {
		snprintf(out, HTTP_PEER_ADDRESS, "%s%08X:%04X",
			mapped ? "0000000000000000FFFF0000" : "", (unsigned)ip4->sin_addr.s_addr,
			ntohs(ip4->sin_port));
	}
}

/* "  sl  local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …" */
bool http_peer_read(const char *line, const char *client, const char *server, uid_t *out)
{
	const char *at = strstr(line, client);
	size_t len = strlen(client), server_len = strlen(server);
	unsigned uid;

	if (at == NULL || at[len] != ' ' || strncmp(at + len + 1, server, server_len) != 0 ||
		strncmp(at + len + 1 + server_len, ESTABLISHED, sizeof ESTABLISHED - 1) != 0) {
		return false;
	}
	at += len + 1 + server_len + sizeof ESTABLISHED - 1;
	if (sscanf(at, "%*x:%*x %*x:%*x %*x %u", &uid) != 1) {
		return false;
	}
	*out = uid;
	return true;
}

struct wanted {
	char client[HTTP_PEER_ADDRESS], server[HTTP_PEER_ADDRESS];
};

/* Looks at the whole lines of `text`; how many bytes they are. */
static size_t look(char *text, size_t len, const struct wanted *wanted, bool *found, uid_t *out)
{
	char *line = text, *end;

	while (!*found && (end = memchr(line, '\n', len - (size_t)(line - text))) != NULL) {
		*end = '\0';
		*found = http_peer_read(line, wanted->client, wanted->server, out);
		line = end + 1;
	}
	return (size_t)(line - text);
}

static bool look_through(int fd, const struct wanted *wanted, uid_t *out)
{
	char text[CHUNK];
	size_t kept = 0;
	bool found = false;
	ssize_t n;

	if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0) {
		return false;
	}
	while (!found && (n = read(fd, text + kept, sizeof text - kept)) > 0) {
		size_t len = kept + (size_t)n, used = look(text, len, wanted, &found, out);

		kept = len - used < LINE ? len - used : 0;
		memmove(text, text + used, kept);
	}
	return found;
}

bool http_peers_find(const struct http_peers *peers, const struct sockaddr *client,
	const struct sockaddr *server, uid_t *out)
{
	bool ip6 = server->sa_family == AF_INET6;
	struct wanted own, mapped;
	int r = ask_kernel(peers->kernel, client, server, out);

	if (r >= 0) {
		return r > 0;
	}
	http_peer_write(client, false, own.client);
	http_peer_write(server, false, own.server);
	http_peer_write(client, true, mapped.client);
	http_peer_write(server, true, mapped.server);
	/* The kernel may pass over a row if others come and go meanwhile. */
	for (unsigned turn = 0; turn < 2; turn++) {
		if (look_through(peers->tables[ip6], &own, out) ||
			/* A program that speaks IPv6 alone has its socket in the other table. */
			(!ip6 && look_through(peers->tables[1], &mapped, out))) {
			return true;
		}
	}
	return false;
}
