/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/bytes.h"
#include "daemon/store/copy_format.h"

_Static_assert(STORE_COPY_ROOM >= sizeof COPY_BEGINNING + COPY_HEADER + COPY_PIECE_MAX,
	"the longest piece fits");

/* Reads them all: -EBADMSG if the file ends before. */
static int read_all(int fd, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, out, len);

		if (n == 0) {
			return -EBADMSG;
		}
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			out += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int store_copy_read(int fd, uint8_t *bytes, size_t *out_len)
{
	off_t at = lseek(fd, 0, SEEK_CUR), end;
	size_t beginning = at == 0 ? sizeof COPY_BEGINNING - 1 : 0, len;
	uint8_t *header = bytes + beginning;
	int r = read_all(fd, bytes, beginning + COPY_HEADER);

	if (r < 0) {
		return r;
	}
	len = store_get32(header);
	if (len > COPY_PIECE_MAX || memcmp(bytes, COPY_BEGINNING, beginning) != 0) {
		return -EBADMSG;
	}
	r = read_all(fd, header + COPY_HEADER, len);
	if (r < 0) {
		return r;
	}
	*out_len = beginning + COPY_HEADER + len;
	at = lseek(fd, 0, SEEK_CUR);
	end = lseek(fd, 0, SEEK_END);
	return lseek(fd, at, SEEK_SET) < 0 ? -errno : at == end;
}
