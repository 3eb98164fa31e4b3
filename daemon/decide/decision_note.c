/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/decision_note.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon/decide/ask.h"
#include "daemon/decide/subject.h"
#include "daemon/host/log.h"
#include "daemon/host/log_sink.h"
#include "policy/text/timetext.h"
#include "policy/text/unicode.h"

/* Who comes first: what is asked for may be long enough to fill a line of the log. */
#define MARKED                                                                                     \
	"reason=%.*s key=%.*s principal=%.*s revision=%s service=%.*s action=%.*s "                \
	"resource=%.*s%s%.*s"

static void warn(
	const struct call *call, const struct pol_facts *facts, const struct pol_decision *decision)
{
	struct pol_str path = ask_without_query(facts->path);

	log_warn("a decision that the policy marks",
		decision->allow ? "allow=true " MARKED : "allow=false " MARKED,
		POL_STR_ARGS(decision->reason), POL_STR_ARGS(facts->key),
		POL_STR_ARGS(facts->principal), pol_snapshot_revision(call->snapshot),
		POL_STR_ARGS(facts->service), POL_STR_ARGS(facts->verb), POL_STR_ARGS(facts->tree),
		facts->tree.len > 0 ? ":" : "", POL_STR_ARGS(path));
}

/* --- a line of JSON --------------------------------------------------------------------------- */

struct line {
	char *at;
	char *end; /* room for the closing brace and the newline is kept after it */
};

static void put(struct line *line, struct pol_str text)
{
	size_t room = (size_t)(line->end - line->at);
	size_t len = text.len < room ? text.len : room;

	memcpy(line->at, text.ptr, len);
	line->at += len;
}

/* Bytes of one line of the log of decisions. */
#define MAX_LINE 8192

/* No name of the policy or the store is longer, escaped; what a request names may be. */
#define MAX_TEXT 800

/* Two of the 16-bit plane. */
#define LONGEST_ESCAPE 12

/* What may not stand there as it is; outside of the 16-bit plane it takes two escapes. */
static void put_escape(struct line *line, uint32_t character)
{
	char escape[16];
	int len;

	if (character < 0x10000) {
		len = snprintf(escape, sizeof escape, "\\u%04x", (unsigned)character);
	} else {
		len = snprintf(escape, sizeof escape, "\\u%04x\\u%04x",
			(unsigned)(0xd7c0 + (character >> 10)),
			(unsigned)(0xdc00 + (character & 0x3ff)));
	}
	put(line, (struct pol_str){ escape, (size_t)len });
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Nearly all that is ever written, at once. */
static struct pol_str plain_run(struct pol_str text, size_t most)
{
	size_t len = 0;

	while (len < text.len && len < most && is_plain(text.ptr[len])) {
		len++;
	}
	return (struct pol_str){ text.ptr, len };
}

/* Writes the character that `text` begins with and that is not plain, and returns its bytes. One
 * that could look like the end of a line or like other text is escaped as well. */
static size_t put_special(struct line *line, struct pol_str text)
{
	uint32_t character = 0;
	size_t len = pol_unicode_decode(text, &character);

	if (len == 0) {
		put_escape(line, 0xfffd);
		return 1;
	}
	if (character == '"' || character == '\\') {
		put(line, character == '"' ? POL_STR("\\\"") : POL_STR("\\\\"));
	} else if (pol_unicode_refused(character) != NULL) {
		put_escape(line, character);
	} else {
		put(line, (struct pol_str){ text.ptr, len });
	}
	return len;
}

/* Whole characters alone, so that a line that is cut is still one; about `most` bytes. */
static void put_escaped(struct line *line, struct pol_str text, size_t most)
{
	const char *start = line->at;

	while (text.len > 0 && line->end - line->at > LONGEST_ESCAPE &&
		(size_t)(line->at - start) < most) {
		size_t room = (size_t)(line->end - line->at) - LONGEST_ESCAPE;
		size_t left = most - (size_t)(line->at - start);
		struct pol_str run = plain_run(text, room < left ? room : left);
		size_t len = run.len;

		if (len > 0) {
			put(line, run);
		} else {
			len = put_special(line, text);
		}
		text.ptr += len;
		text.len -= len;
	}
}

static void put_number(struct line *line, struct pol_str name, uint32_t number)
{
	char digits[10]; /* of 32 bits */
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(line, name);
	put(line, (struct pol_str){ digits + at, sizeof digits - at });
}

static void put_text(struct line *line, struct pol_str name, struct pol_str text)
{
	put(line, name);
	put_escaped(line, text, MAX_TEXT);
	put(line, POL_STR("\""));
}

static void put_known(struct line *line, struct pol_str name, struct pol_str text)
{
	if (text.len > 0) {
		put_text(line, name, text);
	}
}

static void put_subject(struct line *line, const struct subject *subject)
{
	if (subject->verified) {
		put_text(line, POL_STR(",\"key\":\""), subject->key.kid);
		put_text(line, POL_STR(",\"environment\":\""), subject->key.environment);
	}
	if (subject->known_principal) {
		put_text(line, POL_STR(",\"principal\":\""), subject->facts.principal);
	}
	if (subject->verified || subject->known_principal) {
		put_text(line, POL_STR(",\"tenant\":\""), subject->tenant);
	}
}

static struct pol_str ip_text(const struct pol_ip *ip, char out[static INET6_ADDRSTRLEN])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(ip->bytes, mapped, sizeof mapped) == 0;

	return pol_str_of(inet_ntop(
		v4 ? AF_INET : AF_INET6, v4 ? ip->bytes + 12 : ip->bytes, out, INET6_ADDRSTRLEN));
}

static size_t format_line(const struct call *call, const struct subject *subject,
	const struct pol_facts *facts, const struct pol_decision *decision,
	char line[static MAX_LINE])
{
	struct line out = { line, line + MAX_LINE - 2 };
	char time[POL_TIME_TEXT] = "", ip[INET6_ADDRSTRLEN];

	(void)pol_timetext_format(call->now, time);
	put_text(&out, POL_STR("{\"time\":\""), pol_str_of(time));
	put(&out, decision->allow ? POL_STR(",\"allow\":true") : POL_STR(",\"allow\":false"));
	put_number(&out, POL_STR(",\"status\":"), decision->status);
	put_number(&out, POL_STR(",\"uid\":"), call->peer->uid);
	put_text(&out, POL_STR(",\"reason\":\""), decision->reason);
	put_text(&out, POL_STR(",\"revision\":\""),
		pol_str_of(pol_snapshot_revision(call->snapshot)));
	put_subject(&out, subject);
	put_known(&out, POL_STR(",\"service\":\""), facts->service);
	if (facts->ip.known) {
		put_text(&out, POL_STR(",\"ip\":\""), ip_text(&facts->ip, ip));
	}
	put_text(&out, POL_STR(",\"action\":\""), facts->verb);
	put(&out, POL_STR(",\"resource\":\""));
	if (facts->tree.len > 0) {
		put_escaped(&out, facts->tree, MAX_TEXT);
		put(&out, POL_STR(":"));
	}
	/* Last, for it may be long: what is cut is cut here. */
	out.end--;
	put_escaped(&out, ask_without_query(facts->path), MAX_LINE);
	out.end += 3;
	put(&out, POL_STR("\"}\n"));
	return (size_t)(out.at - line);
}

void decision_note_write(struct call *call, const struct subject *subject,
	const struct pol_facts *facts, const struct pol_decision *decision)
{
	char line[MAX_LINE];

	if ((decision->marks & POL_MARK_WARN) != 0) {
		warn(call, facts, decision);
	}
	if ((decision->marks & POL_MARK_LOG) != 0 && call->context->decision_log != NULL) {
		log_sink_put(call->context->decision_log, line,
			format_line(call, subject, facts, decision, line));
	}
}
