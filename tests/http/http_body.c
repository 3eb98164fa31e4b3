/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "client/http/dispatch.h"
#include "client/http/memory.h"

#define MOST 1000

static struct http_listener listener;
static struct http_connection connection;
static struct http_door door;
static char target[] = "/calls";

static struct http_exchange *make(void)
{
	struct http_exchange *exchange = calloc(1, sizeof *exchange);

	cr_assert_not_null(exchange);
	door.listener = &listener;
	door.routes[0] = (struct http_route){ "/calls", "POST", MOST, NULL };
	connection.peer = HTTP_PEER_UNKNOWN;
	exchange->door = &door;
	exchange->own = &connection;
	exchange->target = target;
	exchange->head.method = "POST";
	exchange->head.target = exchange->target;
	return exchange;
}

Test(http_body, a_body_in_parts_of_a_byte_is_copied_few_times)
{
	struct http_exchange *exchange = make();
	const char *before = NULL;
	unsigned moves = 0;

	for (unsigned i = 0; i < MOST; i++) {
		http_dispatch_take_body(exchange, &(char){ (char)i }, 1);
		moves += exchange->body != before;
		before = exchange->body;
	}
	cr_expect_leq(moves, 11, "it moved %u times", moves);
	cr_assert_eq(exchange->body_len, MOST);
	for (unsigned i = 0; i < MOST; i++) {
		cr_expect_eq(exchange->body[i], (char)i);
	}
	cr_expect_not(exchange->body_too_large);
	http_dispatch_take_body(exchange, "x", 1);
	cr_expect(exchange->body_too_large);
	http_dispatch_drop_body(exchange);
	free(exchange);
}

/* All of HTTP_MEMORY can be taken again when bodies were dropped. */
Test(http_body, the_memory_of_bodies_is_given_back)
{
	struct http_exchange *exchange = make();

	for (unsigned i = 0; i < 3; i++) {
		http_dispatch_take_body(exchange, "0123456789", 10);
		http_dispatch_take_body(exchange, "0", 1);
		cr_expect_not(http_memory_has(HTTP_MEMORY - 10));
		http_dispatch_drop_body(exchange);
		cr_expect(http_memory_has(HTTP_MEMORY));
	}
	http_memory_take(HTTP_MEMORY - 5);
	http_dispatch_take_body(exchange, "0123456789", 10);
	cr_expect(exchange->no_memory);
	cr_expect_null(exchange->body);
	cr_expect(http_memory_has(5));
	free(exchange);
}

Test(http_body, of_another_users_program_nothing_is_kept)
{
	struct http_exchange *exchange = make();

	connection.peer = HTTP_PEER_FOREIGN;
	http_dispatch_take_body(exchange, "0123456789", 10);
	cr_expect_null(exchange->body);
	cr_expect(http_memory_has(HTTP_MEMORY));
	free(exchange);
}
