/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret_internal.h"

/*
 * The file is three lines, so that an operator sees what it is and a copy by terminal works:
 *     authzd secrets 1
 *     master HEX
 *     pepper HEX
 */
#define HEAD       "authzd secrets 1\nmaster "
#define MIDDLE     "\npepper "
#define HEX        ((size_t)(2 * SECRET_KEY))
#define HEAD_LEN   (sizeof HEAD - 1)
#define MIDDLE_LEN (sizeof MIDDLE - 1)
#define FILE_LEN   (HEAD_LEN + HEX + MIDDLE_LEN + HEX + 1)

static bool parse_file(const char *text, size_t len, struct secrets *out)
{
	const char *second = text + HEAD_LEN + HEX;
	size_t a = 0, b = 0;

	if (len != FILE_LEN || memcmp(text, HEAD, HEAD_LEN) != 0 ||
		memcmp(second, MIDDLE, MIDDLE_LEN) != 0 || text[FILE_LEN - 1] != '\n') {
		return false;
	}
	if (sodium_hex2bin(out->master, SECRET_KEY, text + HEAD_LEN, HEX, NULL, &a, NULL) != 0 ||
		sodium_hex2bin(out->pepper, SECRET_KEY, second + MIDDLE_LEN, HEX, NULL, &b, NULL) !=
			0) {
		return false;
	}
	return a == SECRET_KEY && b == SECRET_KEY;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The folder's entry is made durable too: a store must never outlive its pepper. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".")
				     : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd, r = 0;

	if (folder == NULL) {
		return -ENOMEM;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0) {
		return -errno;
	}
	if (fsync(fd) < 0) {
		r = -errno;
	}
	close(fd);
	return r;
}

static int write_file(const char *path, const char *text)
{
	size_t size = strlen(path) + sizeof ".new";
	char *aside = malloc(size);
	int fd = -1, r;

	if (aside == NULL) {
		return -ENOMEM;
	}
	snprintf(aside, size, "%s.new", path);
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	r = write_all(fd, text, FILE_LEN);
	if (r == 0 && fsync(fd) < 0) {
		r = -errno;
	}
	close(fd);
	/* link, not rename: it never replaces a file that appeared meanwhile. */
	if (r == 0 && link(aside, path) < 0) {
		r = -errno;
	}
	unlink(aside);
	if (r == 0) {
		r = sync_folder(path);
	}
out:
	free(aside);
	return r;
}

static int create_file(const char *path, struct secrets *out)
{
	char *text = sodium_malloc(FILE_LEN + HEX);
	char *at = text;
	int r;

	if (text == NULL) {
		return -ENOMEM;
	}
	randombytes_buf(out->master, SECRET_KEY);
	randombytes_buf(out->pepper, SECRET_KEY);
	memcpy(at, HEAD, HEAD_LEN);
	at += HEAD_LEN;
	sodium_bin2hex(at, HEX + 1, out->master, SECRET_KEY);
	at += HEX;
	memcpy(at, MIDDLE, MIDDLE_LEN);
	at += MIDDLE_LEN;
	sodium_bin2hex(at, HEX + 1, out->pepper, SECRET_KEY);
	at[HEX] = '\n';
	r = write_file(path, text);
	sodium_free(text);
	return r;
}

static int check_file(int fd, const char *path, char *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, SECRET_WHY, "%s: is no regular file", path);
		return -EINVAL;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		snprintf(why, SECRET_WHY,
			"%s: belongs to uid %u: chown it to the daemon's user or root", path,
			(unsigned)st.st_uid);
		return -EPERM;
	}
	if ((st.st_mode & 077) != 0) {
		snprintf(why, SECRET_WHY, "%s: others may read it: chmod 600 it", path);
		return -EPERM;
	}
	return 0;
}

static int read_file(int fd, const char *path, struct secrets *out, char *why)
{
	char *text;
	size_t len = 0;
	int r = check_file(fd, path, why);

	if (r < 0) {
		return r;
	}
	text = sodium_malloc(FILE_LEN + 1);
	if (text == NULL) {
		return -ENOMEM;
	}
	while (len <= FILE_LEN) {
		ssize_t n = read(fd, text + len, FILE_LEN + 1 - len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			r = -errno;
			goto out;
		}
		if (n == 0) {
			break;
		}
		len += (size_t)n;
	}
	if (!parse_file(text, len, out)) {
		snprintf(why, SECRET_WHY,
			"%s: is no secrets' file of authzd: put back the one that belongs to "
			"the store",
			path);
		r = -EINVAL;
	}
out:
	sodium_free(text);
	return r;
}

static void derive(struct secrets *secrets)
{
	/* One context a purpose; the numbers leave room for versions of each. */
	crypto_kdf_derive_from_key(
		secrets->tags[SECRET_RECORDS], SECRET_TAG_KEY, 1, "records_", secrets->master);
	crypto_kdf_derive_from_key(
		secrets->tags[SECRET_CURSORS], SECRET_TAG_KEY, 1, "cursors_", secrets->master);
	crypto_kdf_derive_from_key(
		secrets->tags[SECRET_DEAD], SECRET_TAG_KEY, 1, "dead____", secrets->master);
	crypto_kdf_derive_from_key(
		secrets->tags[SECRET_USED], SECRET_TAG_KEY, 1, "used____", secrets->master);
	crypto_kdf_derive_from_key(secrets->chain, SECRET_KEY, 1, "trail___", secrets->master);
	crypto_kdf_derive_from_key(secrets->seal, SECRET_KEY, 1, "sealing_", secrets->master);
	randombytes_buf(secrets->tags[SECRET_VERIFIED], SECRET_TAG_KEY);
	randombytes_buf(secrets->tags[SECRET_CHARGED], SECRET_TAG_KEY);
}

int secrets_open(const char *path, bool create, struct secrets **out, char why[static SECRET_WHY])
{
	struct secrets *secrets;
	int fd, r;

	why[0] = '\0';
	if (sodium_init() < 0) {
		return -EIO;
	}
	secrets = sodium_malloc(sizeof *secrets);
	if (secrets == NULL) {
		return -ENOMEM;
	}
	memset(secrets, 0, sizeof *secrets);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		r = read_file(fd, path, secrets, why);
		close(fd);
	} else {
		r = -errno;
		if (r == -ENOENT && create) {
			r = create_file(path, secrets);
		}
	}
	if (r < 0) {
		goto fail;
	}
	derive(secrets);
	sodium_mprotect_readonly(secrets);
	*out = secrets;
	return 0;

fail:
	if (why[0] == '\0') {
		snprintf(why, SECRET_WHY, "%s: %s", path, strerror(-r));
	}
	secrets_close(secrets);
	return r;
}

bool secrets_are_locked(const struct secrets *secrets)
{
	/* sodium_malloc locks and says nothing when it could not; locking again says it. */
	union {
		const struct secrets *in;
		void *out;
	} same = { .in = secrets };

	return sodium_mlock(same.out, sizeof *secrets) == 0;
}

void secrets_close(struct secrets *secrets)
{
	if (secrets != NULL) {
		sodium_free(secrets);
	}
}
