/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/tree.h"

#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/unicode.h"

uint32_t pol_tree_number(const struct pol_snapshot *snapshot, struct pol_str name)
{
	return pol_names_find(&snapshot->tree_names, name);
}

static struct pol_str trim(struct pol_str text)
{
	while (text.len > 0 && (text.ptr[text.len - 1] == '.' || text.ptr[text.len - 1] == ' ')) {
		text.len--;
	}
	return text;
}

/* Changes ASCII capitals to small letters in eight bytes at once. The two sums set the highest bit
 * of each byte that is at least 'A', and of each that is greater than 'Z'. */
static uint64_t fold_word(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = word & 0x7f * ones;
	uint64_t is_upper = ((low + (0x80 - 'A') * ones) ^ (low + (0x7f - 'Z') * ones)) & ~word;

	return word | (is_upper & 0x80 * ones) >> 2;
}

/* All bytes of a text shorter than eight, as a number. Texts of different lengths may give the same
 * number; the caller hashes the length. */
static uint64_t load_short(const char *text, size_t len)
{
	uint32_t first;
	uint32_t last;

	if (len >= sizeof first) {
		memcpy(&first, text, sizeof first);
		memcpy(&last, text + len - sizeof last, sizeof last);
		return first | (uint64_t)last << 32;
	}
	if (len == 0) {
		return 0;
	}
	return (unsigned char)text[0] | (uint64_t)(unsigned char)text[len / 2] << 8 |
	       (uint64_t)(unsigned char)text[len - 1] << 16;
}

/* A multiplicative hash, eight bytes at a time; the last eight may overlap those before. The names
 * in the table come from the policy, so collisions are not chosen by an attacker. *out_bytes
 * becomes all bytes of the name, or'ed. */
static inline uint32_t hash_ascii(uint32_t parent, struct pol_str name, uint64_t *out_bytes)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = (POL_HASH_SEED ^ parent) * factor;
	uint64_t bytes = 0;
	uint64_t word;

	hash ^= name.len;
	if (name.len < sizeof word) {
		word = load_short(name.ptr, name.len);
		bytes = word;
		hash = (hash ^ fold_word(word)) * factor;
	} else {
		for (size_t i = 0; i + sizeof word < name.len; i += sizeof word) {
			memcpy(&word, name.ptr + i, sizeof word);
			bytes |= word;
			hash = (hash ^ fold_word(word)) * factor;
			hash ^= hash >> 32;
		}
		memcpy(&word, name.ptr + name.len - sizeof word, sizeof word);
		bytes |= word;
		hash = (hash ^ fold_word(word)) * factor;
	}
	/* A second multiplication spreads names that differ only in a digit or two. */
	hash = (hash ^ hash >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
	*out_bytes = bytes;
	return (uint32_t)(hash >> 32);
}

/* The longest name that is folded: no longer segment can be in a request. */
#define FOLDED POL_PATH_BYTES

/* Writes the folded name. A folded character is at most half as long again. */
static struct pol_str fold_name(struct pol_str name, char *buffer)
{
	size_t used = 0;

	while (name.len > 0) {
		uint32_t character = (unsigned char)name.ptr[0];
		size_t len = pol_unicode_decode(name, &character);

		len = len > 0 ? len : 1;
		name.ptr += len;
		name.len -= len;
		used += pol_unicode_encode(pol_unicode_fold(character), buffer + used);
	}
	return (struct pol_str){ buffer, used };
}

/* Names that are not ASCII: the folded name is hashed, which may be ASCII. */
static uint32_t hash_unicode(uint32_t parent, struct pol_str name)
{
	char folded[2 * FOLDED];
	uint64_t bytes;

	if (name.len > FOLDED) {
		name.len = FOLDED;
	}
	return hash_ascii(parent, fold_name(name, folded), &bytes);
}

static inline uint32_t hash_literal(uint32_t parent, struct pol_str name)
{
	uint64_t bytes;
	uint32_t hash;

	name = trim(name);
	hash = hash_ascii(parent, name, &bytes);
	return (bytes & UINT64_C(0x8080808080808080)) == 0 ? hash : hash_unicode(parent, name);
}

uint32_t pol_tree_literal_hash(uint32_t parent, struct pol_str name)
{
	return hash_literal(parent, name);
}

/* Are the bytes of two names of this length equal? Without a call, since most names are short. */
static inline bool is_same_short(const char *a, const char *b, size_t len)
{
	return len < sizeof(uint64_t) ? load_short(a, len) == load_short(b, len)
				      : pol_str_same_words(a, b, len);
}

_Static_assert(POL_LITERAL_HEAD <= 2 * sizeof(uint64_t), "two words are all of a short name");

static bool is_literal(
	const struct pol_snapshot *snapshot, const struct pol_literal *literal, struct pol_str name)
{
	if (literal->len != name.len) {
		return false;
	}
	return name.len <= POL_LITERAL_HEAD
		       ? is_same_short(literal->head, name.ptr, name.len)
		       : memcmp(snapshot->nodes[literal->node].name.ptr, name.ptr, name.len) == 0;
}

static inline enum pol_literal_match find_literal(const struct pol_snapshot *snapshot,
	uint32_t parent, struct pol_str name, uint32_t hash, uint32_t *out_node)
{
	enum pol_literal_match match = POL_LITERAL_NONE;

	for (uint32_t i = hash & snapshot->literal_mask; snapshot->literals[i].node != 0;
		i = (i + 1) & snapshot->literal_mask) {
		const struct pol_literal *literal = &snapshot->literals[i];

		if (literal->hash != hash || literal->parent != parent) {
			continue;
		}
		if (is_literal(snapshot, literal, name)) {
			*out_node = literal->node;
			return POL_LITERAL_EXACT;
		}
		if (pol_unicode_equal_fold(trim(snapshot->nodes[literal->node].name), trim(name))) {
			match = POL_LITERAL_ALIKE;
		}
	}
	return match;
}

enum pol_literal_match pol_tree_literal_find(const struct pol_snapshot *snapshot, uint32_t parent,
	struct pol_str name, uint32_t *out_node)
{
	return find_literal(snapshot, parent, name, hash_literal(parent, name), out_node);
}

enum pol_literal_match pol_tree_literal_find_hashed(const struct pol_snapshot *snapshot,
	uint32_t parent, struct pol_str name, uint32_t hash, uint32_t *out_node)
{
	return find_literal(snapshot, parent, name, hash, out_node);
}

/* Would the segment become the name of a literal child, or one similar to it, if it were decoded
 * once more, or several times? */
static bool becomes_literal(
	const struct pol_snapshot *snapshot, uint32_t parent, struct pol_str segment)
{
	char bytes[POL_PATH_BYTES];
	size_t len = segment.len;
	uint32_t node;

	memcpy(bytes, segment.ptr, len);
	for (int layer = 0; layer < POL_PATH_LAYERS; layer++) {
		size_t before = len;

		if (!pol_path_decode_again(bytes, len, &len) || len == before) {
			break;
		}
		if (pol_tree_literal_find(snapshot, parent, (struct pol_str){ bytes, len },
			    &node) != POL_LITERAL_NONE) {
			return true;
		}
	}
	return false;
}

static bool is_rest(const struct pol_snapshot *snapshot, uint32_t node)
{
	return node != POL_NONE && snapshot->nodes[node].kind == POL_SEGMENT_REST;
}

enum pol_status pol_tree_find(const struct pol_snapshot *snapshot, uint32_t tree,
	const struct pol_path *path, uint32_t *out_node)
{
	bool beside = false; /* a parameter stands beside a literal that was taken */
	uint32_t node;

	if (tree >= snapshot->tree_count) {
		return POL_ENOTFOUND;
	}
	node = snapshot->trees[tree].root;
	for (uint32_t i = 0; i < path->count; i++) {
		uint32_t parent = node;
		uint32_t wild;

		if ((path->percent >> i & 1) != 0 &&
			becomes_literal(snapshot, parent, path->segments[i])) {
			return POL_EINVALID;
		}
		switch (pol_tree_literal_find(snapshot, parent, path->segments[i], &node)) {
		case POL_LITERAL_EXACT:
			/* A router that compares raw text would match that parameter instead. */
			beside = beside || snapshot->nodes[parent].wild != POL_NONE;
			if ((path->encoded >> i & 1) != 0 && beside) {
				return POL_ENOTFOUND;
			}
			break;
		case POL_LITERAL_ALIKE:
			return POL_ENOTFOUND;
		case POL_LITERAL_NONE:
			wild = snapshot->nodes[parent].wild;
			if (wild == POL_NONE) {
				return POL_ENOTFOUND;
			}
			if (is_rest(snapshot, wild)) {
				*out_node = wild;
				return POL_OK;
			}
			node = wild;
			break;
		}
	}
	if (pol_tree_node_run(snapshot, node).count == 0 &&
		is_rest(snapshot, snapshot->nodes[node].wild)) {
		node = snapshot->nodes[node].wild;
	}
	*out_node = node;
	return POL_OK;
}

enum pol_status pol_tree_find_requested(const struct pol_snapshot *snapshot, uint32_t tree,
	const struct pol_path *path, uint32_t *out_node)
{
	enum pol_status status = pol_tree_find(snapshot, tree, path, out_node);

	if (status != POL_OK || !path->slash || !snapshot->trees[tree].strict_slash ||
		is_rest(snapshot, *out_node)) {
		return status;
	}
	*out_node = snapshot->nodes[*out_node].wild;
	return is_rest(snapshot, *out_node) ? POL_OK : POL_ENOTFOUND;
}

struct pol_run pol_tree_node_run(const struct pol_snapshot *snapshot, uint32_t node)
{
	uint32_t first = snapshot->nodes[node].first;

	return (struct pol_run){ first, snapshot->nodes[node + 1].first - first };
}

/* Finds the permission of a method, or of an action without methods, in a node's run. */
static enum pol_status find_permission(
	const struct pol_snapshot *snapshot, struct pol_run run, uint32_t verb, struct pol_run *out)
{
	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		if (snapshot->permissions[i] == verb) {
			*out = (struct pol_run){ i, 1 };
			return POL_OK;
		}
	}
	return POL_ENOTFOUND;
}

enum pol_status pol_tree_node_verb(const struct pol_snapshot *snapshot, uint32_t node,
	struct pol_str verb, bool http, struct pol_run *out)
{
	uint32_t number = pol_names_find(&snapshot->verb_names, verb);
	enum pol_status status;

	if (number == POL_NONE) {
		return POL_ENOTFOUND;
	}
	if (snapshot->verb_is_method[number]) {
		struct pol_run run = pol_tree_node_run(snapshot, node);

		status = find_permission(snapshot, run, number, out);
		if (status != POL_OK && number == POL_VERB_HEAD) {
			status = find_permission(snapshot, run, POL_VERB_GET, out);
		}
		return status;
	}
	if (http) {
		return POL_ENOTFOUND;
	}
	for (uint32_t i = snapshot->nodes[node].action; i < snapshot->nodes[node + 1].action; i++) {
		if (snapshot->actions[i].verb == number) {
			*out = snapshot->actions[i].run;
			return POL_OK;
		}
	}
	return POL_ENOTFOUND;
}

/* The last node whose permissions begin at or before that one. */
uint32_t pol_tree_permission_node(const struct pol_snapshot *snapshot, uint32_t permission)
{
	uint32_t low = 0, high = snapshot->node_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot->nodes[middle].first <= permission) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

uint32_t pol_tree_run_action(const struct pol_snapshot *snapshot, uint32_t node, struct pol_run run)
{
	uint32_t end = snapshot->nodes[node + 1].action;

	for (uint32_t i = snapshot->nodes[node].action; i < end; i++) {
		struct pol_run own = snapshot->actions[i].run;

		if (run.first >= own.first && run.first + run.count <= own.first + own.count) {
			return i;
		}
	}
	return POL_NONE;
}
