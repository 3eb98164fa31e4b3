/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/written.h"

#include <string.h>

#include "policy/language/lex.h"
#include "policy/snapshot/compiled.h"

static const struct pol_origin *origin_of(const struct pol_snapshot *snapshot, uint32_t role)
{
	const struct pol_origin *origin;

	if (role >= snapshot->role_count - snapshot->stored_count) {
		return NULL;
	}
	origin = &snapshot->role_origins[role];
	return origin->line > 0 && origin->at.file < snapshot->file_count ? origin : NULL;
}

/* What is left of the file, and how far the statement that begins there was read. */
struct reading {
	const char *at;
	const char *end;
	uint32_t open;   /* braces */
	char last;       /* the last byte that is not a space; a comma continues on the next line */
	bool condition;  /* `when` was read */
	bool joint;      /* the last word was one after which a line may end */
	bool more;       /* the next line that is not empty is known to go on */
	uint32_t parens; /* of the condition */
	char word[4];    /* the word that is being read, or its first bytes */
	size_t word_len;
};

/* Takes a byte outside of quotes, or the beginning of a text in quotes, for where a condition is.
 */
static void look_for_condition(struct reading *reading, char c)
{
	static const struct pol_str joints[] = { POL_STR_INIT("when"), POL_STR_INIT("and"),
		POL_STR_INIT("or"), POL_STR_INIT("not") };
	struct pol_str word = { reading->word, reading->word_len };

	reading->more = reading->more && strchr(" \t\r\n", c) != NULL;
	if (strchr(" \t\r\n,{}()<>=\"", c) == NULL) {
		if (reading->word_len < sizeof reading->word) {
			reading->word[reading->word_len] = c;
		}
		reading->word_len++;
		return;
	}
	for (size_t i = 0; word.len > 0 && i < sizeof joints / sizeof *joints; i++) {
		reading->joint = word.len <= sizeof reading->word && pol_str_equal(word, joints[i]);
		if (reading->joint) {
			reading->condition = reading->condition || i == 0;
			break;
		}
	}
	reading->word_len = 0;
	if (strchr("(){}\"", c) != NULL) {
		reading->joint = false;
	}
	reading->parens += reading->condition && c == '(';
	reading->parens -= reading->parens > 0 && c == ')';
}

/* At the end of a line: does the condition go on, or begin, in the next one? */
static bool condition_goes_on(struct reading *reading)
{
	struct pol_str rest = { reading->at, (size_t)(reading->end - reading->at) };

	if (reading->more || reading->parens > 0 || reading->joint) {
		return true;
	}
	reading->more = reading->condition ? pol_lex_begins(rest, POL_STR("and")) ||
						     pol_lex_begins(rest, POL_STR("or"))
					   : pol_lex_begins(rest, POL_STR("when"));
	return reading->more;
}

/* Adds a byte; a run of spaces is one. False: there is no room. */
static bool put(struct pol_written *out, char c)
{
	bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';

	if (space && (out->len == 0 || out->text[out->len - 1] == ' ')) {
		return true;
	}
	if (out->len == sizeof out->text) {
		return false;
	}
	out->text[out->len++] = space ? ' ' : c;
	return true;
}

/* Copies a quoted text as it is; `at` is at its first quote, then at the last. */
static bool put_quoted(struct reading *reading, struct pol_written *out)
{
	bool room = true;

	do {
		if (*reading->at == '\\' && reading->at + 1 < reading->end) {
			room = room && out->len < sizeof out->text;
			if (room) {
				out->text[out->len++] = *reading->at;
			}
			reading->at++;
		}
		room = room && out->len < sizeof out->text;
		if (room) {
			out->text[out->len++] = *reading->at;
		}
		reading->at++;
	} while (reading->at < reading->end && *reading->at != '"' && *reading->at != '\n');
	if (reading->at < reading->end && room && out->len < sizeof out->text) {
		out->text[out->len++] = *reading->at;
		return true;
	}
	return false;
}

/* Does the statement go on with this byte? */
static bool goes_on(struct reading *reading)
{
	if (*reading->at == '\n') {
		look_for_condition(reading, '\n');
		return reading->open > 0 || reading->last == ',' || condition_goes_on(reading);
	}
	return *reading->at != '}' || reading->open > 0;
}

/* `#` begins a comment at the start of a line or after a space. */
static bool at_comment(const struct reading *reading, const struct pol_written *out)
{
	return *reading->at == '#' && (out->len == 0 || out->text[out->len - 1] == ' ');
}

static bool read_statement(struct reading *reading, struct pol_written *out)
{
	for (; reading->at < reading->end && goes_on(reading); reading->at++) {
		char c = *reading->at;

		if (at_comment(reading, out)) {
			while (reading->at + 1 < reading->end && reading->at[1] != '\n') {
				reading->at++;
			}
			continue;
		}
		/* A brace of a parameter, {loan}, is closed by its own. */
		reading->open += c == '{';
		reading->open -= c == '}';
		reading->last = strchr(" \t\r\n", c) != NULL ? reading->last : c;
		look_for_condition(reading, c);
		if (c == '"' ? !put_quoted(reading, out) : !put(out, c)) {
			return false;
		}
	}
	return true;
}

/* Cuts to whole characters, and says that it is cut. */
static void cut(struct pol_written *out)
{
	if (out->len > sizeof out->text - strlen("...")) {
		out->len = sizeof out->text - strlen("...");
	}
	while (out->len > 0 && ((unsigned char)out->text[out->len] & 0xc0) == 0x80) {
		out->len--;
	}
	memcpy(out->text + out->len, "...", strlen("..."));
	out->len += strlen("...");
}

void pol_written_statement(struct pol_str file, size_t offset, struct pol_written *out)
{
	struct reading reading = { .at = file.ptr + offset, .end = file.ptr + file.len };

	out->len = 0;
	if (!read_statement(&reading, out)) {
		cut(out);
	}
	while (out->len > 0 && out->text[out->len - 1] == ' ') {
		out->len--;
	}
}

bool pol_written_grant(
	const struct pol_snapshot *snapshot, uint32_t role, uint32_t index, struct pol_written *out)
{
	const struct pol_origin *origin = origin_of(snapshot, role);
	const struct pol_rule *rule;

	if (origin == NULL || index >= origin->rule_count) {
		return false;
	}
	rule = &origin->rules[index];
	pol_written_statement(snapshot->files[rule->at.file].text, rule->at.offset, out);
	out->file = snapshot->files[rule->at.file].name;
	out->line = rule->line;
	return true;
}

bool pol_written_role(const struct pol_snapshot *snapshot, uint32_t role, struct pol_str *out_file,
	uint32_t *out_line)
{
	const struct pol_origin *origin = origin_of(snapshot, role);

	if (origin == NULL) {
		return false;
	}
	*out_file = snapshot->files[origin->at.file].name;
	*out_line = origin->line;
	return true;
}

/* Where the line ends on which the statement does that has this byte in its first line: after the
 * `}` of its block, or without one, at a line end that no comma precedes. */
static uint32_t statement_end(struct pol_lexer *lexer)
{
	struct pol_token token;
	uint32_t open = 0;
	bool comma = false;

	do {
		uint32_t before = lexer->pos;

		pol_lex(lexer, &token);
		if (token.kind == POL_TOKEN_END ||
			(token.kind == POL_TOKEN_NL && open == 0 && !comma)) {
			return before;
		}
		open += token.kind == POL_TOKEN_OPEN;
		open -= token.kind == POL_TOKEN_CLOSE && open > 0;
		comma = token.kind == POL_TOKEN_COMMA || (comma && token.kind == POL_TOKEN_NL);
	} while (true);
}

bool pol_written_whole(
	const struct pol_snapshot *snapshot, uint32_t role, struct pol_written_text *out)
{
	const struct pol_origin *origin = origin_of(snapshot, role);
	struct pol_line_cursor lines = { 0 };
	struct pol_diags ignored;
	struct pol_lexer lexer;
	struct pol_str text;
	uint32_t begin, end;

	if (origin == NULL) {
		return false;
	}
	text = snapshot->files[origin->at.file].text;
	for (begin = origin->at.offset; begin > 0 && text.ptr[begin - 1] != '\n'; begin--) {
	}
	pol_diags_init(&ignored, snapshot->files, snapshot->file_count);
	pol_lexer_init(&lexer, &ignored, origin->at.file, text);
	lexer.pos = lexer.line_start = begin;
	end = statement_end(&lexer);
	pol_diags_finish(&ignored);
	while (end > begin && strchr(" \t\r\n", text.ptr[end - 1]) != NULL) {
		end--;
	}
	*out = (struct pol_written_text){ .file = snapshot->files[origin->at.file].name,
		.line = origin->line,
		.text = { text.ptr + begin, end - begin } };
	out->end_line = pol_diag_span_line(
		snapshot->files, &lines, (struct pol_span){ origin->at.file, end, 0 });
	return true;
}

uint32_t pol_written_parent(const struct pol_snapshot *snapshot, uint32_t role, uint32_t index)
{
	const struct pol_origin *origin = origin_of(snapshot, role);

	return origin != NULL && index < origin->parent_count ? origin->parents[index] : POL_NONE;
}
