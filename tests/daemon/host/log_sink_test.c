/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/log_sink.h"

enum { BUFFER = 64 * 1024, LINES = 10000, TEXT = 100 };

static size_t format_dropped(char line[static LOG_SINK_DROPPED], uint64_t lines)
{
	return (size_t)snprintf(
		line, LOG_SINK_DROPPED, "dropped %llu\n", (unsigned long long)lines);
}

static struct log_sink *open_sink(int fd, const char *path)
{
	const struct log_sink_options options = {
		.path = path, .fd = fd, .buffer = BUFFER, .format_dropped = format_dropped
	};
	struct log_sink *sink = NULL;

	cr_assert_eq(log_sink_create(&options, &sink), 0);
	cr_assert_eq(log_sink_start(sink), 0);
	return sink;
}

static void put(struct log_sink *sink, const char *text)
{
	char line[256];
	int len = snprintf(line, sizeof line, "%s\n", text);

	log_sink_put(sink, line, (size_t)len);
}

/* Puts LINES lines of TEXT bytes, which a pipe and the buffers do not hold. */
static void put_many(struct log_sink *sink)
{
	char text[TEXT];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < LINES; i++) {
		put(sink, text);
	}
}

/* Reads lines until all that were put came or are reported as dropped; returns the dropped ones. */
static uint64_t read_all(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[512];
	uint64_t came = 0, dropped = 0;

	cr_assert_not_null(in);
	while (came + dropped < LINES && fgets(line, sizeof line, in) != NULL) {
		unsigned long long n;

		cr_assert_eq(line[strlen(line) - 1], '\n');
		if (sscanf(line, "dropped %llu", &n) == 1) {
			dropped += n;
		} else {
			cr_assert_eq(strlen(line), TEXT, "a whole line: %s", line);
			came++;
		}
	}
	cr_assert_eq(came + dropped, LINES);
	fclose(in);
	return dropped;
}

Test(log_sink, a_reader_that_stalls_stops_nobody_and_what_is_dropped_is_counted)
{
	struct log_sink_counts counts;
	struct log_sink *sink;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	sink = open_sink(ends[1], NULL);
	put_many(sink);
	log_sink_count(sink, &counts);
	cr_assert_gt(counts.dropped, 0);
	cr_assert_eq(read_all(ends[0]), counts.dropped);
	cr_assert_eq(log_sink_destroy(sink), counts.dropped);
	close(ends[1]);
}

Test(log_sink, the_end_waits_for_no_reader)
{
	struct log_sink *sink;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	sink = open_sink(ends[1], NULL);
	put_many(sink);
	cr_assert_gt(log_sink_destroy(sink), 0);
	close(ends[0]);
	close(ends[1]);
}

Test(log_sink, tokens_are_redacted)
{
	char line[256] = { 0 };
	struct log_sink *sink;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	sink = open_sink(ends[1], NULL);
	put(sink, "/a_live_1kT9aQ2mZx7B_0123456789abcdefghijklmnopqrstuvwxyz01/x");
	cr_assert_eq(log_sink_destroy(sink), 0);
	cr_assert_gt(read(ends[0], line, sizeof line - 1), 0);
	cr_assert_str_eq(line, "/a_live_1kT9aQ2mZx7B_.../x\n");
	close(ends[0]);
	close(ends[1]);
}

Test(log_sink, a_file_is_appended_to_and_its_lines_are_whole)
{
	char path[] = "/tmp/log_sink_XXXXXX";
	int fd = mkstemp(path);
	struct log_sink *sink;
	char text[64] = { 0 };

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "before\n", 7), 7);
	sink = open_sink(-1, path);
	put(sink, "one");
	put(sink, "two");
	cr_assert_eq(log_sink_destroy(sink), 0);
	cr_assert_eq(pread(fd, text, sizeof text - 1, 0), 15);
	cr_assert_str_eq(text, "before\none\ntwo\n");
	close(fd);
	unlink(path);
}
