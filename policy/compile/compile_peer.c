/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/compile/compile.h"
#include "policy/text/host.h"

/* Lines `peer user NAME` and `peer group NAME`. Each is kept by its name, for the policy's tests,
 * and by the number that the host has for the name. */

enum pol_status pol_compile_peer_begin(struct pol_compiler *compiler, struct pol_peers *peers)
{
	const struct pol_ast *ast = compiler->ast;
	struct pol_snapshot *snapshot = compiler->snapshot;
	size_t most = 0;

	for (size_t i = 0; i < ast->principals_count; i++) {
		most += ast->principals[i].peer_count;
	}
	*peers = (struct pol_peers){ 0 };
	peers->owners = pol_arena_alloc(compiler->scratch, most, sizeof *peers->owners);
	peers->lines = pol_arena_alloc(compiler->scratch, most, sizeof *peers->lines);
	snapshot->peers = pol_arena_alloc(&snapshot->arena, most, sizeof *snapshot->peers);
	if (peers->owners == NULL || peers->lines == NULL) {
		return compiler->scratch->status;
	}
	if (snapshot->peers == NULL) {
		return snapshot->arena.status;
	}
	return pol_names_init(&snapshot->peer_names, &snapshot->arena, most);
}

static const char *kind_of(const struct pol_ast_peer *peer)
{
	return peer->group ? "group" : "user";
}

/* Asks the host for the number of the name. False: there is none, which is reported, or no host. */
static bool ask_host(
	struct pol_compiler *compiler, const struct pol_ast_peer *peer, uint32_t *out_id)
{
	const struct pol_host *host = compiler->host;
	const struct pol_word *name = &peer->name;

	if (host == NULL || host->user == NULL) {
		return false;
	}
	switch (host->user(host->context, peer->group, name->text, out_id)) {
	case POL_OK:
		return true;
	case POL_ENOTFOUND:
		pol_diag_warning(compiler->diags, name->at, POL_WARNING_UNKNOWN_PEER,
			"this machine has no %s '%.*s': nobody is known by it", kind_of(peer),
			POL_STR_ARGS(name->text));
		return false;
	case POL_ENOMEM:
	case POL_ELIMIT:
	case POL_EINVALID:
		break;
	}
	pol_diag_error(compiler->diags, name->at,
		"this machine cannot be asked now who %s '%.*s' is: load the policy again later",
		kind_of(peer), POL_STR_ARGS(name->text));
	return false;
}

/* Adds one line, or reports that an earlier line names the same peer. */
static enum pol_status add_peer(struct pol_compiler *compiler, struct pol_peers *peers,
	const struct pol_ast_peer *peer, uint32_t principal)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_str prefix = peer->group ? POL_STR("group ") : POL_STR("user ");
	size_t len = prefix.len + peer->name.text.len;
	char *text = pol_arena_alloc(&snapshot->arena, len, 1);
	struct pol_diag *diag;
	uint32_t was;
	uint32_t id;

	if (text == NULL) {
		return snapshot->arena.status;
	}
	memcpy(text, prefix.ptr, prefix.len);
	memcpy(text + prefix.len, peer->name.text.ptr, peer->name.text.len);
	was = pol_names_add(&snapshot->peer_names, (struct pol_str){ text, len }, peers->count);
	if (was != peers->count) {
		diag = pol_diag_error(compiler->diags, peer->name.at,
			"peer %s '%.*s' is principal '%.*s' already", kind_of(peer),
			POL_STR_ARGS(peer->name.text), POL_STR_ARGS(peers->owners[was]->id.text));
		pol_diag_note(compiler->diags, diag, peers->lines[was]->name.at, "declared here");
		return POL_OK;
	}
	snapshot->peers[peers->count] = (struct pol_peer){ .principal = principal,
		.line = peers->count,
		.group = peer->group,
		.known = ask_host(compiler, peer, &id) };
	if (snapshot->peers[peers->count].known) {
		snapshot->peers[peers->count].id = id;
	}
	peers->count++;
	return POL_OK;
}

enum pol_status pol_compile_peer_add(struct pol_compiler *compiler, struct pol_peers *peers,
	const struct pol_ast_principal *principal, uint32_t number)
{
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < principal->peer_count; i++) {
		peers->owners[peers->count] = principal;
		peers->lines[peers->count] = &principal->peers[i];
		status = add_peer(compiler, peers, &principal->peers[i], number);
	}
	return status;
}

/* Known peers first: users, then groups, each by number. */
static int compare(const void *a, const void *b)
{
	const struct pol_peer *left = (const struct pol_peer *)a;
	const struct pol_peer *right = (const struct pol_peer *)b;

	if (left->known != right->known) {
		return left->known ? -1 : 1;
	}
	if (left->group != right->group) {
		return left->group ? 1 : -1;
	}
	if (left->id != right->id) {
		return left->id < right->id ? -1 : 1;
	}
	return left->line < right->line ? -1 : left->line > right->line;
}

/* Reports two names of one number, unless both are the same principal's. */
static void report_same(
	struct pol_compiler *compiler, const struct pol_peers *peers, const struct pol_peer *pair)
{
	const struct pol_ast_peer *first = peers->lines[pair[0].line];
	const struct pol_ast_peer *second = peers->lines[pair[1].line];
	struct pol_diag *diag;

	if (pair[0].principal == pair[1].principal) {
		return;
	}
	diag = pol_diag_error(compiler->diags, second->name.at,
		"%s '%.*s' is the same to this machine as '%.*s', which is principal '%.*s' "
		"already",
		kind_of(second), POL_STR_ARGS(second->name.text), POL_STR_ARGS(first->name.text),
		POL_STR_ARGS(peers->owners[pair[0].line]->id.text));
	pol_diag_note(compiler->diags, diag, first->name.at, "declared here");
}

void pol_compile_peer_end(struct pol_compiler *compiler, const struct pol_peers *peers)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_peer *all = snapshot->peers;

	snapshot->peer_principals =
		pol_arena_alloc(&snapshot->arena, peers->count, sizeof *snapshot->peer_principals);
	for (uint32_t i = 0; snapshot->peer_principals != NULL && i < peers->count; i++) {
		snapshot->peer_principals[i] = all[i].principal;
	}
	if (peers->count > 0) {
		qsort(all, peers->count, sizeof *all, compare);
	}
	while (snapshot->peer_count < peers->count && all[snapshot->peer_count].known) {
		snapshot->peer_count++;
	}
	for (uint32_t i = 1; i < snapshot->peer_count; i++) {
		if (all[i].group == all[i - 1].group && all[i].id == all[i - 1].id) {
			report_same(compiler, peers, &all[i - 1]);
		}
	}
}
