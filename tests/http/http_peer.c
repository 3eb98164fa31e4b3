/* SPDX-License-Identifier: Apache-2.0 */
/* Whose socket is at the other end of a connection. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/http/peer.h"

#define CLIENT "0100007F:A1B2"
#define SERVER "0100007F:1267"
#define ROW    "   7: "
#define REST   " 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000 20 4 30 10 -1"

static bool reads(const char *line, uid_t *out)
{
	return http_peer_read(line, CLIENT, SERVER, out);
}

Test(peer, the_clients_own_row_has_the_user)
{
	uid_t uid = 7;

	cr_expect(reads(ROW CLIENT " " SERVER " 01" REST, &uid));
	cr_expect_eq(uid, 1000);
}

Test(peer, other_rows_do_not)
{
	uid_t uid = 7;

	cr_expect(!reads(ROW SERVER " " CLIENT " 01" REST, &uid), "the server's end");
	cr_expect(!reads(ROW CLIENT " 0100007F:1268 01" REST, &uid), "another server");
	cr_expect(!reads(ROW "0200007F:A1B2 " SERVER " 01" REST, &uid), "another address");
	cr_expect(!reads(ROW CLIENT " " SERVER " 01", &uid), "cut");
	cr_expect(!reads("  sl  local_address rem_address   st", &uid));
	cr_expect(!reads("", &uid));
	cr_expect_eq(uid, 7);
}

Test(peer, a_socket_that_was_closed_is_nobodys)
{
	static const char *const states[] = { "04", "05", "06", "08", "0A", "02" };
	char line[256];
	uid_t uid = 7;

	/* The kernel shows user 0 for sockets that no process has any more. */
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		snprintf(line, sizeof line, "%s %s%s", ROW CLIENT " " SERVER, states[i], REST);
		cr_expect(!reads(line, &uid), "%s", states[i]);
	}
}

/* From here on it looks through the tables. */
static void ask_no_kernel(struct http_peers *peers)
{
	close(peers->kernel);
	peers->kernel = -1;
}

Test(peer, a_client_that_speaks_ipv6_alone_is_found)
{
	struct sockaddr_in server = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			   client;
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
	int listener = socket(AF_INET, SOCK_STREAM, 0), end = socket(AF_INET6, SOCK_STREAM, 0);
	socklen_t len = sizeof server;
	struct http_peers peers;
	int accepted;

	if (end < 0) {
		cr_skip_test("a host without IPv6");
	}
	cr_assert_eq(http_peers_open(&peers), 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&server, sizeof server), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&server, &len), 0);
	mapped.sin6_port = server.sin_port;
	memcpy(&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	cr_assert_eq(connect(end, (struct sockaddr *)&mapped, sizeof mapped), 0);
	accepted = accept(listener, (struct sockaddr *)&client, &len);
	cr_assert_geq(accepted, 0);
	for (int i = 0; i < 2; i++) {
		uid_t uid = (uid_t)-1;

		cr_expect(http_peers_find(
			&peers, (struct sockaddr *)&client, (struct sockaddr *)&server, &uid));
		cr_expect_eq(uid, getuid());
		if (i == 0) {
			ask_no_kernel(&peers);
		}
	}
	http_peers_close(&peers);
	close(accepted);
	close(end);
	close(listener);
}

Test(peer, the_kernel_shows_real_connections)
{
	static const int families[] = { AF_INET, AF_INET6, AF_INET, AF_INET6 };
	struct http_peers peers;

	cr_assert_eq(http_peers_open(&peers), 0);
	for (size_t i = 0; i < 4; i++) {
		struct sockaddr_storage server = { .ss_family = (sa_family_t)families[i] }, client;
		socklen_t len = sizeof server, client_len = sizeof client;
		int listener = socket(families[i], SOCK_STREAM, 0);
		int end = socket(families[i], SOCK_STREAM, 0);
		uid_t uid = (uid_t)-1;

		if (i == 2) {
			ask_no_kernel(&peers);
		}
		if (families[i] == AF_INET6) {
			((struct sockaddr_in6 *)&server)->sin6_addr = in6addr_loopback;
			len = sizeof(struct sockaddr_in6);
		} else {
			((struct sockaddr_in *)&server)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			len = sizeof(struct sockaddr_in);
		}
		if (listener < 0 || bind(listener, (struct sockaddr *)&server, len) != 0) {
			continue; /* a host without IPv6 */
		}
		cr_assert_eq(listen(listener, 1), 0);
		cr_assert_eq(getsockname(listener, (struct sockaddr *)&server, &len), 0);
		cr_assert_eq(connect(end, (struct sockaddr *)&server, len), 0);
		cr_assert_eq(getsockname(end, (struct sockaddr *)&client, &client_len), 0);
		cr_expect(http_peers_find(
			&peers, (struct sockaddr *)&client, (struct sockaddr *)&server, &uid));
		cr_expect_eq(uid, getuid());
		close(end);
		cr_expect(!http_peers_find(&peers, (struct sockaddr *)&client,
				  (struct sockaddr *)&server, &uid),
			"it was closed");
		close(listener);
	}
	http_peers_close(&peers);
}
