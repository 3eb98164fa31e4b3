/* SPDX-License-Identifier: Apache-2.0 */

/*
 * echo: does the least that any libuv server on a Unix socket does.
 *
 * For every REQUEST_BYTES that a connection sends, it answers with the bytes of ANSWER_FILE,
 * without reading them; one write answers all requests of one read. What authzd costs more than
 * this is the cost of deciding. Serves until it is killed.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#define READ_BYTES ((size_t)65536)
#define BACKLOG    1024

struct echo {
	uv_loop_t loop;
	uv_pipe_t listener;
	size_t request_len;
	size_t answer_len;
	char *answers; /* as many copies as one read can bring requests */
	char input[READ_BYTES];
};

struct conn {
	uv_pipe_t pipe;
	struct echo *echo;
	size_t partial; /* bytes of an incomplete request */
};

struct late_write {
	uv_write_t request;
	char bytes[];
};

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_written(uv_write_t *request, int status)
{
	(void)status;
	free(request->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct conn *conn = handle->data;

	(void)suggested;
	*out = uv_buf_init(conn->echo->input, sizeof conn->echo->input);
}

static int write_late(struct conn *conn, const char *bytes, size_t len)
{
	struct late_write *late = malloc(sizeof *late + len);
	uv_buf_t buf;

	if (late == NULL) {
		return UV_ENOMEM;
	}
	memcpy(late->bytes, bytes, len);
	late->request.data = late;
	buf = uv_buf_init(late->bytes, (unsigned)len);
	return uv_write(&late->request, (uv_stream_t *)&conn->pipe, &buf, 1, on_written);
}

static int answer(struct conn *conn, size_t count)
{
	size_t len = count * conn->echo->answer_len;
	uv_buf_t buf = uv_buf_init(conn->echo->answers, (unsigned)len);
	int written = uv_try_write((uv_stream_t *)&conn->pipe, &buf, 1);

	if (written == UV_EAGAIN) {
		written = 0;
	}
	if (written < 0 || (size_t)written == len) {
		return written < 0 ? written : 0;
	}
	return write_late(conn, conn->echo->answers + written, len - (size_t)written);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct conn *conn = stream->data;
	size_t total;

	(void)buf;
	if (got == 0) {
		return;
	}
	if (got > 0) {
		total = conn->partial + (size_t)got;
		conn->partial = total % conn->echo->request_len;
		total /= conn->echo->request_len;
		if (total == 0 || answer(conn, total) == 0) {
			return;
		}
	}
	uv_close((uv_handle_t *)stream, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct echo *echo = listener->data;
	struct conn *conn;

	if (status < 0) {
		return;
	}
	conn = calloc(1, sizeof *conn);
	if (conn == NULL) {
		return;
	}
	conn->echo = echo;
	conn->pipe.data = conn;
	if (uv_pipe_init(&echo->loop, &conn->pipe, 0) < 0) {
		free(conn);
		return;
	}
	if (uv_accept(listener, (uv_stream_t *)&conn->pipe) < 0 ||
		uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_read) < 0) {
		uv_close((uv_handle_t *)&conn->pipe, on_closed);
	}
}

static int load_answers(struct echo *echo, const char *path)
{
	FILE *file = fopen(path, "rb");
	char one[READ_BYTES];
	size_t most;

	if (file == NULL) {
		return -1;
	}
	echo->answer_len = fread(one, 1, sizeof one, file);
	fclose(file);
	if (echo->answer_len == 0 || echo->request_len == 0) {
		return -1;
	}
	most = READ_BYTES / echo->request_len + 1;
	echo->answers = malloc(most * echo->answer_len);
	if (echo->answers == NULL) {
		return -1;
	}
	for (size_t i = 0; i < most; i++) {
		memcpy(echo->answers + i * echo->answer_len, one, echo->answer_len);
	}
	return 0;
}

static int serve(struct echo *echo, const char *path)
{
	int r = uv_loop_init(&echo->loop);

	if (r == 0) {
		r = uv_pipe_init(&echo->loop, &echo->listener, 0);
	}
	if (r == 0) {
		echo->listener.data = echo;
		r = uv_pipe_bind(&echo->listener, path);
	}
	if (r == 0) {
		r = uv_listen((uv_stream_t *)&echo->listener, BACKLOG, on_connection);
	}
	if (r < 0) {
		fprintf(stderr, "echo: %s: %s\n", path, uv_strerror(r));
		return 1;
	}
	/* The load closes the connection while answers are being sent. */
	signal(SIGPIPE, SIG_IGN);
	puts("ready");
	fflush(stdout);
	uv_run(&echo->loop, UV_RUN_DEFAULT);
	return 0;
}

int main(int argc, char **argv)
{
	struct echo *echo = calloc(1, sizeof *echo);
	int status = 2;

	if (echo == NULL || argc != 4) {
		fputs("usage: bench-echo SOCKET REQUEST_BYTES ANSWER_FILE\n", stderr);
		goto out;
	}
	echo->request_len = strtoul(argv[2], NULL, 10);
	if (load_answers(echo, argv[3]) < 0) {
		fprintf(stderr, "echo: %s: cannot read an answer from it\n", argv[3]);
		goto out;
	}
	status = serve(echo, argv[1]);
out:
	if (echo != NULL) {
		free(echo->answers);
	}
	free(echo);
	return status;
}
