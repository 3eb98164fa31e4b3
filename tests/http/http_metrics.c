/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "client/http/metrics.h"

enum { PAGE = 64 * 1024 };

/* The page, NUL-terminated. Static; good until the next call. */
static const char *page(const struct http_metrics *metrics, const struct wire_buf *status)
{
	static char text[PAGE];
	struct wire_buf out;

	wire_buf_init(&out, PAGE - 1);
	http_metrics_write(metrics, status != NULL ? status->data : NULL,
		status != NULL ? status->len : 0, &out);
	cr_assert_eq(out.status, WIRE_OK);
	memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	wire_buf_finish(&out);
	return text;
}

/* Has the page this line, once? */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line), found = 0;

	for (const char *at = text; (at = strstr(at, line)) != NULL; at += len) {
		found += (at == text || at[-1] == '\n') && at[len] == '\n';
	}
	return found == 1;
}

static void expect_line(const char *text, const char *line)
{
	cr_expect(has_line(text, line), "%s is not in\n%s", line, text);
}

Test(http_metrics, decisions_are_counted_by_result_and_reason)
{
	struct http_metrics metrics = { 0 };
	const char *text;

	http_metrics_count(&metrics, true, "ok", 1);
	http_metrics_count(&metrics, true, "ok", 1);
	http_metrics_count(&metrics, false, "role", 1);
	http_metrics_count(&metrics, false, "ok", 1);
	text = page(&metrics, NULL);
	expect_line(text, "authz_http_decisions_total{result=\"allow\",reason=\"ok\"} 2");
	expect_line(text, "authz_http_decisions_total{result=\"deny\",reason=\"ok\"} 1");
	expect_line(text, "authz_http_decisions_total{result=\"deny\",reason=\"role\"} 1");
	cr_expect_null(strstr(text, "result=\"allow\",reason=\"role\""));
	cr_expect_null(strstr(text, "other"));
}

Test(http_metrics, what_confines_the_program_is_shown)
{
	struct http_metrics metrics = { .confined = { .files = 4 } };
	const char *text = page(&metrics, NULL);

	expect_line(text, "authz_http_confined{by=\"seccomp\"} 0");
	expect_line(text, "authz_http_confined{by=\"landlock\"} 1");
	metrics.confined = (struct confined){ .calls = true };
	text = page(&metrics, NULL);
	expect_line(text, "authz_http_confined{by=\"seccomp\"} 1");
	expect_line(text, "authz_http_confined{by=\"landlock\"} 0");
}

Test(http_metrics, what_has_no_place_or_is_no_reason_is_counted_as_other)
{
	struct http_metrics metrics = { 0 };
	char reason[80];

	for (unsigned i = 0; i < HTTP_REASONS + 2; i++) {
		snprintf(reason, sizeof reason, "reason_%u", i);
		http_metrics_count(&metrics, false, reason, 1);
	}
	http_metrics_count(&metrics, false, "reason_0", 1);
	expect_line(page(&metrics, NULL),
		"authz_http_decisions_total{result=\"deny\",reason=\"reason_0\"} 2");
	expect_line(page(&metrics, NULL),
		"authz_http_decisions_total{result=\"other\",reason=\"other\"} 2");
	memset(&metrics, 0, sizeof metrics);
	memset(reason, 'r', sizeof reason - 1);
	reason[sizeof reason - 1] = '\0';
	http_metrics_count(&metrics, true, reason, 1);
	http_metrics_count(&metrics, true, "", 1);
	http_metrics_count(&metrics, true, "a\"} 1\nauthz_http_x 1", 1);
	expect_line(page(&metrics, NULL),
		"authz_http_decisions_total{result=\"other\",reason=\"other\"} 3");
	cr_expect_null(strstr(page(&metrics, NULL), "authz_http_x"));
}

Test(http_metrics, a_latency_is_in_the_bucket_of_its_bound_and_in_all_above)
{
	struct http_metrics metrics = { 0 };
	const char *text;

	http_metrics_count(&metrics, true, "ok", 50000);
	http_metrics_count(&metrics, true, "ok", 50001);
	http_metrics_count(&metrics, true, "ok", 2000000000);
	text = page(&metrics, NULL);
	expect_line(text, "authz_http_latency_seconds_bucket{le=\"5e-05\"} 1");
	expect_line(text, "authz_http_latency_seconds_bucket{le=\"0.0001\"} 2");
	expect_line(text, "authz_http_latency_seconds_bucket{le=\"1\"} 2");
	expect_line(text, "authz_http_latency_seconds_bucket{le=\"+Inf\"} 3");
	expect_line(text, "authz_http_latency_seconds_count 3");
	expect_line(text, "authz_http_latency_seconds_sum 2.000100001");
}

Test(http_metrics, what_is_open_and_whether_the_daemon_answers_are_gauges)
{
	const struct http_metrics metrics = { .in_flight = 7, .connections = 9 };
	struct wire_buf status;

	expect_line(page(&metrics, NULL), "authz_http_in_flight 7");
	expect_line(page(&metrics, NULL), "authz_http_connections 9");
	expect_line(page(&metrics, NULL), "authz_http_daemon_status 0");
	wire_buf_init(&status, 16);
	wire_put_map(&status, 0);
	expect_line(page(&metrics, &status), "authz_http_daemon_status 1");
	wire_buf_finish(&status);
}

Test(http_metrics, numbers_and_truth_of_the_status_are_samples)
{
	const struct http_metrics metrics = { 0 };
	struct wire_buf status;
	const char *text;

	wire_buf_init(&status, 1024);
	wire_put_map(&status, 8);
	wire_put_cstr(&status, "missing_facts");
	wire_put_map(&status, 2);
	wire_put_cstr(&status, "resource.owner");
	wire_put_int(&status, 7);
	wire_put_cstr(&status, "a\"} 1\nauthzd_y 1");
	wire_put_int(&status, 8);
	wire_put_cstr(&status, "revision");
	wire_put_cstr(&status, "1f2e3d");
	wire_put_cstr(&status, "connections");
	wire_put_int(&status, -3);
	wire_put_cstr(&status, "version");
	wire_put_cstr(&status, "0.1.0");
	wire_put_cstr(&status, "sockets");
	wire_put_array(&status, 1);
	wire_put_int(&status, 5);
	wire_put_cstr(&status, "Not-a-name");
	wire_put_int(&status, 6);
	wire_put_cstr(&status, "store");
	wire_put_map(&status, 2);
	wire_put_cstr(&status, "bytes");
	wire_put_int(&status, 4096);
	wire_put_cstr(&status, "low");
	wire_put_bool(&status, true);
	wire_put_cstr(&status, "last");
	wire_put_int(&status, 1);
	text = page(&metrics, &status);
	expect_line(text, "authzd_policy_info{revision=\"1f2e3d\"} 1");
	expect_line(text, "authzd_missing_facts_total{fact=\"resource.owner\"} 7");
	cr_expect_null(strstr(text, "authzd_y"));
	expect_line(text, "authzd_connections -3");
	expect_line(text, "authzd_store_bytes 4096");
	expect_line(text, "authzd_store_low 1");
	expect_line(text, "authzd_last 1");
	cr_expect_null(strstr(text, "0.1.0"));
	cr_expect_null(strstr(text, "Not-a-name"));
	cr_expect_null(strstr(text, "sockets"));
	wire_buf_finish(&status);
}

Test(http_metrics, a_status_of_no_form_ends_the_page_and_breaks_no_line)
{
	const struct http_metrics metrics = { 0 };
	struct wire_buf status;
	const char *text;

	wire_buf_init(&status, 1024);
	wire_put_map(&status, 3);
	wire_put_cstr(&status, "first");
	wire_put_int(&status, 1);
	wire_put_cstr(&status, "revision");
	wire_put_cstr(&status, "a\"} 1\nauthzd_x 1");
	for (size_t len = 0; len <= status.len; len++) {
		struct wire_buf part = status;

		part.len = len;
		text = page(&metrics, &part);
		cr_expect_eq(text[strlen(text) - 1], '\n');
		cr_expect_null(strstr(text, "authzd_x"));
	}
	expect_line(page(&metrics, &status), "authzd_first 1");
	wire_buf_finish(&status);
}
