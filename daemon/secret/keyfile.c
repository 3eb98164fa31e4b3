/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/durable.h"
#include "daemon/secret/token_internal.h"

/*
 * The secrets' file is text, so that an operator can see what it is and copy it by a terminal:
 *     authzd secrets 1
 *     master HEX
 *     pepper HEX
 * Since the first rotation it has the pepper's number too, and the old pepper, or zeroes when that
 * is no longer valid:
 *     authzd secrets 2
 *     master HEX
 *     pepper HEX
 *     number 001
 *     old HEX
 * and in a shared store, while the hosts are given a new pepper, that one:
 *     authzd secrets 3
 *     ...
 *     old HEX
 *     staged HEX
 */
#define HEAD       "authzd secrets 1\nmaster "
#define HEAD_2     "authzd secrets 2\nmaster "
#define HEAD_3     "authzd secrets 3\nmaster "
#define MIDDLE     "\npepper "
#define NUMBER     "\nnumber "
#define OLD        "\nold "
#define STAGED     "\nstaged "
#define HEX        ((size_t)(2 * SECRET_KEY))
#define HEAD_LEN   (sizeof HEAD - 1)
#define MIDDLE_LEN (sizeof MIDDLE - 1)
#define NUMBER_LEN (sizeof NUMBER - 1)
#define OLD_LEN    (sizeof OLD - 1)
#define STAGED_LEN (sizeof STAGED - 1)
#define DIGITS     ((size_t)3)
#define FIRST_LEN  (HEAD_LEN + HEX + MIDDLE_LEN + HEX + 1)
#define SECOND_LEN (FIRST_LEN + NUMBER_LEN + DIGITS + OLD_LEN + HEX)
#define FILE_LEN   (SECOND_LEN + STAGED_LEN + HEX)

/* The rest of the text that is parsed. */
struct cut {
	const char *at;
	size_t left;
	bool bad;
};

static void cut_text(struct cut *cut, const char *text, size_t len)
{
	cut->bad = cut->bad || cut->left < len || memcmp(cut->at, text, len) != 0;
	if (!cut->bad) {
		cut->at += len;
		cut->left -= len;
	}
}

static void cut_key(struct cut *cut, uint8_t out[SECRET_KEY])
{
	size_t len = 0;

	cut->bad = cut->bad || cut->left < HEX ||
		   sodium_hex2bin(out, SECRET_KEY, cut->at, HEX, NULL, &len, NULL) != 0 ||
		   len != SECRET_KEY;
	if (!cut->bad) {
		cut->at += HEX;
		cut->left -= HEX;
	}
}

static uint32_t cut_number(struct cut *cut)
{
	uint32_t number = 0;

	cut->bad = cut->bad || cut->left < DIGITS;
	for (size_t i = 0; i < DIGITS && !cut->bad; i++) {
		char c = *cut->at++;

		cut->left--;
		cut->bad = c < '0' || c > '9';
		number = number * 10 + (uint32_t)(c - '0');
	}
	cut->bad = cut->bad || number > UINT8_MAX;
	return number;
}

static bool parse_file(const char *text, size_t len, struct secrets *out)
{
	struct cut cut = { text, len, false };
	bool third = len == FILE_LEN, second = third || len == SECOND_LEN;
	uint8_t pepper[SECRET_KEY];
	uint32_t number = 0;

	cut_text(&cut, third ? HEAD_3 : second ? HEAD_2 : HEAD, HEAD_LEN);
	cut_key(&cut, out->master);
	cut_text(&cut, MIDDLE, MIDDLE_LEN);
	cut_key(&cut, pepper);
	if (second) {
		cut_text(&cut, NUMBER, NUMBER_LEN);
		number = cut_number(&cut);
		cut_text(&cut, OLD, OLD_LEN);
		cut_key(&cut, out->peppers[(uint8_t)(number - 1)]);
	}
	if (third) {
		cut_text(&cut, STAGED, STAGED_LEN);
		cut_key(&cut, out->peppers[(uint8_t)(number + 1)]);
	}
	cut_text(&cut, "\n", 1);
	if (!cut.bad && cut.left == 0) {
		memcpy(out->peppers[(uint8_t)number], pepper, SECRET_KEY);
		atomic_init(&out->number, number);
		atomic_init(&out->has_old,
			second && !sodium_is_zero(out->peppers[(uint8_t)(number - 1)], SECRET_KEY));
		atomic_init(&out->has_staged, third);
	}
	sodium_memzero(pepper, sizeof pepper);
	return !cut.bad && cut.left == 0;
}

static char *put_text(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static char *put_key(char *at, const uint8_t *key)
{
	sodium_bin2hex(at, HEX + 1, key, SECRET_KEY);
	return at + HEX;
}

static int create_file(const char *path, struct secrets *out)
{
	char *text = sodium_malloc(FIRST_LEN + HEX);
	char *at = text;
	int r;

	if (text == NULL) {
		return -ENOMEM;
	}
	randombytes_buf(out->master, SECRET_KEY);
	randombytes_buf(out->peppers[0], SECRET_KEY);
	at = put_key(put_text(at, HEAD, HEAD_LEN), out->master);
	at = put_key(put_text(at, MIDDLE, MIDDLE_LEN), out->peppers[0]);
	*at = '\n';
	/* The folder's entry too, so that a crash cannot lose the pepper of a store. */
	r = durable_write(path, text, FIRST_LEN, false);
	sodium_free(text);
	return r;
}

int secret_replace_file(
	const struct secrets *secrets, const struct secret_peppers *peppers, char *why)
{
	static const uint8_t none[SECRET_KEY] = { 0 };
	bool third = peppers->has_staged;
	char *text = sodium_malloc(FILE_LEN + HEX);
	char digits[16];
	char *at = text;
	int r;

	if (text == NULL) {
		return -ENOMEM;
	}
	snprintf(digits, sizeof digits, "%03u", (unsigned)peppers->number);
	at = put_key(put_text(at, third ? HEAD_3 : HEAD_2, HEAD_LEN), secrets->master);
	at = put_key(put_text(at, MIDDLE, MIDDLE_LEN), peppers->in_use);
	at = put_text(put_text(at, NUMBER, NUMBER_LEN), digits, DIGITS);
	at = put_key(put_text(at, OLD, OLD_LEN), peppers->has_old ? peppers->old : none);
	if (third) {
		at = put_key(put_text(at, STAGED, STAGED_LEN), peppers->staged);
	}
	*at = '\n';
	r = durable_write(secrets->path, text, third ? FILE_LEN : SECOND_LEN, true);
	sodium_free(text);
	if (r < 0) {
		snprintf(why, SECRET_WHY, "%.300s cannot be replaced: %s", secrets->path,
			strerror(-r));
	}
	return r;
}

static int check_file(int fd, const char *path, char *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, SECRET_WHY, "%s: is not a regular file", path);
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

/* Removes the file's other name, if a start was interrupted between link and unlink. */
static void remove_left(int fd, const char *path)
{
	char aside[SECRET_PATH + sizeof ".new"];
	struct stat st, left;

	snprintf(aside, sizeof aside, "%s.new", path);
	if (fstat(fd, &st) == 0 && st.st_nlink > 1 && lstat(aside, &left) == 0 &&
		left.st_dev == st.st_dev && left.st_ino == st.st_ino) {
		unlink(aside);
	}
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
			"%s: is not a secrets' file of authzd: put back the one that belongs to "
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
	/* Each purpose has a context; the subkey's number, 1, can serve as a version later. */
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
	crypto_kdf_derive_from_key(
		secrets->fingerprint, SECRET_FINGERPRINT, 1, "finger__", secrets->master);
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
	if ((size_t)snprintf(secrets->path, sizeof secrets->path, "%s", path) >=
		sizeof secrets->path) {
		r = -ENAMETOOLONG;
		goto fail;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		r = read_file(fd, path, secrets, why);
		if (r == 0) {
			remove_left(fd, path);
		}
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
	/* sodium_malloc locks the pages, but does not report a failure; locking again does. */
	union {
		const struct secrets *in;
		void *out;
	} same = { .in = secrets };

	return sodium_mlock(same.out, sizeof *secrets) == 0;
}

void secrets_fingerprint(const struct secrets *secrets, uint8_t out[static SECRET_FINGERPRINT])
{
	memcpy(out, secrets->fingerprint, SECRET_FINGERPRINT);
}

void secrets_close(struct secrets *secrets)
{
	if (secrets != NULL) {
		sodium_free(secrets);
	}
}
