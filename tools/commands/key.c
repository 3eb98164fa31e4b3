/* SPDX-License-Identifier: Apache-2.0 */

/* key: the verbs of keys. */

#include <stdio.h>

#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/token.h"
#include "tools/verb.h"

static bool is_revoked(struct wire_cursor record)
{
	return pol_str_equal(record_str(record, "status"), POL_STR("revoked"));
}

/* A key whose time has not come is inactive as well, and must not begin to work later. */
static bool can_be_disabled(const struct app *app, struct wire_cursor record)
{
	return !is_revoked(record) &&
	       (!pol_str_equal(record_str(record, "status"), POL_STR("inactive")) ||
		       record_int(record, "not_before", 0) > app->now);
}

static bool can_be_revoked(const struct app *app, struct wire_cursor record)
{
	(void)app;
	return !is_revoked(record);
}

/* Another secret does not bring back a key that has ended, except one that only its schedule
 * ended. */
static bool can_be_rotated(const struct app *app, struct wire_cursor record)
{
	int64_t expires_at = record_int(record, "expires_at", 0);

	return !is_revoked(record) && (expires_at == 0 || expires_at > app->now);
}

static const struct bulk disable = { "disabled", NULL, can_be_disabled };
static const struct bulk enable = { "enabled", "inactive", NULL };
static const struct bulk rotate = { "rotated", NULL, can_be_rotated };
static const struct bulk revoke = { "revoked", NULL, can_be_revoked };
static const struct bulk delete = { "deleted", NULL, NULL };
static const struct bulk restore = { "restored", "deleted", NULL };
static const struct bulk purge = { "purged", "deleted", NULL };

static int show_purged(struct app *app, struct wire_cursor answer)
{
	printf("%s is gone\n", record_text(&app->arena, answer, "id"));
	return EXIT_YES;
}

static int run_prolong(struct app *app)
{
	if (!app->args.given[FLAG_OVERLAP]) {
		return app_fail(
			app, EXIT_USAGE, "usage", "for how long from now? give --overlap TIME");
	}
	return verb_run(app);
}

/* Its token is the secret to be renewed. */
static int run_renew(struct app *app)
{
	struct params params;
	bool given = false;
	int status;

	params_begin(&params);
	status = token_put(app, &params, &given);
	if (status == EXIT_YES && !given) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"whose? give the current secret: --token-file FILE, --token - or "
			"$AUTHZ_TOKEN");
	}
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	return verb_call(app, &params);
}

const struct command commands_key[KEY_COMMANDS] = {
	{
		.name = "key create",
		.summary = "Create a key; its secret is shown once",
		.text = "A key is bound for ever to a principal, to roles, or to scopes alone.\n"
			"Scopes and places beside a principal or roles narrow it. When standard\n"
			"output is not a terminal, the secret alone is written there. --count\n"
			"creates that many keys, all alike, and prints a line for each.\n",
		.examples =
			"  authzcheck key create --principal alice --name laptop --expires-in 90d\n"
			"  authzcheck key create --scope loans:read --environment test\n"
			"  (umask 077; authzcheck key create --role collector >collector.key)\n"
			"  authzcheck key create --principal billing --rotate-every 90d\n"
			"  (umask 077; authzcheck key create --role gate --count 50 >gates.keys)\n",
		.flags = { FLAG_PRINCIPAL, FLAG_ROLE, FLAG_SCOPE, FLAG_AT, FLAG_NAME, FLAG_LABEL,
			FLAG_ENVIRONMENT, FLAG_TENANT, FLAG_EXPIRES_IN, FLAG_EXPIRES_AT,
			FLAG_NOT_BEFORE, FLAG_NETWORK, FLAG_ROTATE_EVERY, FLAG_COUNT_OF },
		.by_token = true,
		.run = key_create_run,
		.method = "keys.create",
		.makes_secret = true,
	},
	{
		.name = "key import",
		.words = "[FILE]",
		.summary = "Take over tokens made elsewhere, by their SHA-256",
		.text = "The tokens keep working, with the rights that they are given here; the\n"
			"daemon does not see them before they are used. FILE (-: standard\n"
			"input) holds one JSON object a line: \"hash\", and what the options of\n"
			"key create say: \"principal\" or \"roles\", \"scopes\", \"at\",\n"
			"\"name\", \"label\", \"tenant\", \"environment\", \"networks\",\n"
			"\"expires_in\", \"expires_at\", \"not_before\". Each key's id is printed\n"
			"with its line. --dry-run says what would be refused and changes\n"
			"nothing; it judges each line alone, not what all of them exceed.\n"
			"When the daemon's disk is full it stops and says how far it came.\n",
		.examples =
			"  authzcheck key import --principal alice \\\n"
			"      --hash \"$(printf %s \"$TOKEN\" | sha256sum | cut -c-64)\"\n"
			"  authzcheck key import --dry-run tokens.jsonl\n"
			"  authzcheck key import tokens.jsonl >ids\n"
			"  echo '{\"hash\": \"…\", \"scopes\": [\"loans:read\"], \"expires_in\": "
			"\"90d\"}' |\n"
			"      authzcheck key import -\n",
		.flags = { FLAG_HASH, FLAG_PRINCIPAL, FLAG_ROLE, FLAG_SCOPE, FLAG_AT, FLAG_NAME,
			FLAG_LABEL, FLAG_ENVIRONMENT, FLAG_TENANT, FLAG_EXPIRES_IN, FLAG_EXPIRES_AT,
			FLAG_NOT_BEFORE, FLAG_NETWORK, FLAG_DRY_RUN },
		.max_words = 1,
		.run = key_import_run,
		.method = "keys.import",
		.show = key_import_show,
	},
	{
		.name = "key list",
		.summary = "List keys",
		.text = "STATUS is active, inactive, expired, revoked or deleted. Without it\n"
			"deleted keys are not shown. With altered it lists the keys of all\n"
			"tenants whose records were changed outside of the daemon: they are\n"
			"refused, and can be revoked or purged.\n",
		.examples = "  authzcheck key list\n"
			    "  authzcheck key list --principal alice --status active\n"
			    "  authzcheck key list --tenant '*' --columns key,tenant,status\n"
			    "  authzcheck key list --json | jq -r '.items[].id'\n",
		.flags = { FLAG_PRINCIPAL, FLAG_LABEL, FLAG_STATUS, FLAG_TENANT, LIST_FLAGS },
		.by_token = true,
		.all_tenants = true,
		.run = list_run,
		.list = &show_keys,
	},
	{
		.name = "key show",
		.words = "KEY",
		.summary = "Show one key, with its last use",
		.text = "Shows everything but the secret, which cannot be shown again. KEY is\n"
			"the id that key list prints.\n",
		.examples = "  authzcheck key show 13kT9aQ2mZx7\n"
			    "  authzcheck key show 13kT9aQ2mZx7 --json\n",
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "keys.get",
		.params = { "id" },
	},
	{
		.name = "key edit",
		.words = "KEY",
		.summary = "Change a key's name, label, scopes, networks, expiry or schedule",
		.text = "A list replaces the one that was there. An empty --name '' or --label\n"
			"'' removes it, an empty --network '' lets the key work from anywhere,\n"
			"--expires-at never removes the expiry, and --rotate-every never the\n"
			"schedule. Principal, tenant and environment cannot be changed.\n",
		.examples = "  authzcheck key edit 13kT9aQ2mZx7 --name laptop --expires-at 90d\n"
			    "  authzcheck key edit 13kT9aQ2mZx7 --scope loans:read,deals:read\n",
		.flags = { FLAG_NAME, FLAG_LABEL, FLAG_SCOPE, FLAG_NETWORK, FLAG_EXPIRES_AT,
			FLAG_ROTATE_EVERY },
		.min_words = 1,
		.by_token = true,
		.edits = true,
		.run = verb_run,
		.method = "keys.update",
		.params = { "id" },
	},
	{
		.name = "key disable",
		.words = "[KEY]",
		.summary = "Switch a key off, or many; the next request is refused",
		.text = "key enable switches it on again. Without KEY it is done to every key\n"
			"that the options name, after a question.\n"
			"\n"
			"--local, in a store that several hosts share: this host refuses it at\n"
			"once, also while the database is away, and appends the change when it\n"
			"is back.\n",
		.examples = "  authzcheck key disable 13kT9aQ2mZx7\n"
			    "  authzcheck key disable --principal alice --dry-run\n"
			    "  authzcheck key disable --label ci --yes\n",
		.flags = { BULK_FLAGS, FLAG_LOCAL },
		.max_words = 1,
		.by_token = true,
		.run = bulk_run,
		.method = "keys.disable",
		.params = { "id" },
		.bulk = &disable,
	},
	{
		.name = "key enable",
		.words = "[KEY]",
		.summary = "Switch a key on again, or many",
		.text = "A revoked key stays revoked. Without KEY it is done to every key that\n"
			"the options name and that is switched off, after a question.\n",
		.examples = "  authzcheck key enable 13kT9aQ2mZx7\n"
			    "  authzcheck key enable --principal alice\n",
		.flags = { BULK_FLAGS },
		.max_words = 1,
		.by_token = true,
		.run = bulk_run,
		.method = "keys.enable",
		.params = { "id" },
		.bulk = &enable,
	},
	{
		.name = "key rotate",
		.words = "[KEY]",
		.summary = "Give a key another secret, or many; shown once",
		.text = "The key's id, scopes, limits and history stay. --mode overlap, the\n"
			"default: the new secret is valid at once, and the old one for\n"
			"--overlap more (without it, the policy's rotation_overlap). --mode\n"
			"confirm: the same, but the time of the old one begins at the first use\n"
			"of the new one, which must come within 7 days. --mode immediate, after\n"
			"a leak: the old one ends at once. When standard output is not a\n"
			"terminal, the secret alone is written there. Without KEY it is done to\n"
			"every key that the options name, after a question; each line is then a\n"
			"key's id and its new secret.\n",
		.examples =
			"  (umask 077; authzcheck key rotate 13kT9aQ2mZx7 --mode confirm >new)\n"
			"  authzcheck key rotate 13kT9aQ2mZx7 --mode immediate --finish-old\n"
			"  (umask 077; authzcheck key rotate --all --label ci --yes >ci.keys)\n",
		.flags = { FLAG_MODE, FLAG_OVERLAP, FLAG_FINISH_OLD, BULK_FLAGS },
		.max_words = 1,
		.by_token = true,
		.run = bulk_run,
		.method = "keys.rotate",
		.params = { "id" },
		.makes_secret = true,
		.bulk = &rotate,
	},
	{
		.name = "key finish",
		.words = "KEY",
		.summary = "End the old secret of a rotation now",
		.text = "From the next request on the new secret is the only one. While the new\n"
			"one waits for its first use, there is no old one to end: see key\n"
			"rollback.\n",
		.examples = "  authzcheck key finish 13kT9aQ2mZx7\n",
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "keys.finish",
		.params = { "id" },
	},
	{
		.name = "key prolong",
		.words = "KEY",
		.summary = "Give the old secret of a rotation more time",
		.text = "It is valid for --overlap from now, but no longer than the policy's\n"
			"rotation_max_overlap after the rotation.\n",
		.examples = "  authzcheck key prolong 13kT9aQ2mZx7 --overlap 7d\n",
		.flags = { FLAG_OVERLAP },
		.min_words = 1,
		.by_token = true,
		.run = run_prolong,
		.method = "keys.prolong",
		.params = { "id" },
	},
	{
		.name = "key rollback",
		.words = "KEY",
		.summary = "Undo a rotation while the old secret lives",
		.text = "The old secret is the current one again, and the new one ends at once.\n"
			"A new one that waits for its first use is dropped.\n",
		.examples = "  authzcheck key rollback 13kT9aQ2mZx7\n",
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "keys.rollback",
		.params = { "id" },
	},
	{
		.name = "key renew",
		.summary = "As its holder, fetch the successor of a secret that is due",
		.text = "For keys with a schedule (--rotate-every), when they are due. The new\n"
			"secret is valid from its first use, and the old one for some time\n"
			"after that, but not longer than the schedule allows. When standard\n"
			"output is not a terminal, the secret alone is written there.\n",
		.examples = "  (umask 077; authzcheck key renew --token-file ci.key >ci.new &&\n"
			    "      mv ci.new ci.key)\n",
		.flags = { FLAG_TOKEN, FLAG_TOKEN_FILE },
		.asks = true,
		.run = run_renew,
		.method = "keys.renew",
		.makes_secret = true,
	},
	{
		.name = "key revoke",
		.words = "[KEY]",
		.summary = "Revoke a key for ever, or many; the next request is refused",
		.text = "Nothing brings it back; a key that is to work again is disabled\n"
			"instead (key disable). Without KEY it is done to every key that the\n"
			"options name, after a question. --everywhere, in a store that several\n"
			"hosts share: it ends when no host allows it any more. --local: as of\n"
			"key disable.\n",
		.examples = "  authzcheck key revoke 13kT9aQ2mZx7\n"
			    "  authzcheck key revoke --principal alice --yes\n"
			    "  authzcheck key revoke 13kT9aQ2mZx7 --everywhere\n",
		.flags = { BULK_FLAGS, FLAG_LOCAL },
		.max_words = 1,
		.by_token = true,
		.run = bulk_run,
		.method = "keys.revoke",
		.params = { "id" },
		.bulk = &revoke,
	},
	{
		.name = "key delete",
		.words = "[KEY]",
		.summary = "Hide a key, or many; it can be restored for 30 days",
		.text = "It no longer works, and only key list --status deleted shows it; after\n"
			"30 days it is removed. Without KEY it is done to every key that the\n"
			"options name, after a question.\n",
		.examples = "  authzcheck key delete 13kT9aQ2mZx7\n"
			    "  authzcheck key delete --all --status revoked\n",
		.flags = { BULK_FLAGS },
		.max_words = 1,
		.by_token = true,
		.run = bulk_run,
		.method = "keys.delete",
		.params = { "id" },
		.bulk = &delete,
	},
	{
		.name = "key restore",
		.words = "[KEY]",
		.summary = "Bring a deleted key back, or many, switched off",
		.text = "key enable makes it work again. A revoked key stays revoked. Without\n"
			"KEY it is done to every deleted key that the options name, after a\n"
			"question.\n",
		.examples = "  authzcheck key restore 13kT9aQ2mZx7\n"
			    "  authzcheck key restore --principal alice\n",
		.flags = { BULK_FLAGS },
		.max_words = 1,
		.by_token = true,
		.run = bulk_run,
		.method = "keys.restore",
		.params = { "id" },
		.bulk = &restore,
	},
	{
		.name = "key purge",
		.words = "[KEY]",
		.summary = "Remove a deleted key for good, or many",
		.text = "Its history goes with it; the audit trail keeps its records. One whose\n"
			"record was altered need not be deleted before. Without\n"
			"KEY it is done to every deleted key that the options name, after a\n"
			"question.\n",
		.examples = "  authzcheck key purge 13kT9aQ2mZx7\n"
			    "  authzcheck key purge --all --dry-run\n",
		.flags = { BULK_FLAGS },
		.max_words = 1,
		.run = bulk_run,
		.method = "keys.purge",
		.params = { "id" },
		.show = show_purged,
		.bulk = &purge,
	},
	{
		.name = "key audit",
		.summary = "Find keys that are idle, expiring, or have more than they use",
		.text = "Lists those of the keys that may still work which were never used, are\n"
			"idle, have no expiry, expire soon, are due to be renewed or overdue,\n"
			"were made under an old pepper, or have permissions that they never\n"
			"used. For the latter it names the scopes that would have been enough;\n"
			"--json lists what was not used. Uses are recorded within ten seconds.\n"
			"Exit status 1 when it finds any. --key shows one key, whether or not\n"
			"there is anything to find, with what it used and did not use.\n",
		.examples = "  authzcheck key audit\n"
			    "  authzcheck key audit --idle 30d --principal alice\n"
			    "  authzcheck key audit --key 13kT9aQ2mZx7\n"
			    "  authzcheck key audit --json |\n"
			    "      jq -r '.items[] | select(.narrower) | .id'\n",
		.flags = { FLAG_KEY, FLAG_IDLE, FLAG_EXPIRING, FLAG_PRINCIPAL, FLAG_LABEL,
			FLAG_TENANT, LIST_FLAGS },
		.by_token = true,
		.all_tenants = true,
		.run = key_audit_run,
		.list = &show_audit,
	},
	{
		.name = "key pattern",
		.words = "[DIR]",
		.summary = "Print the regular expression that finds keys in text",
		.text = "For secret scanners (RE2, PCRE, grep -E): one expression finds every\n"
			"key of every environment. With a policy folder it finds the prefixes\n"
			"of that policy alone. --format gitleaks prints a rule for that\n"
			"scanner. No daemon is needed.\n",
		.examples = "  git grep -E \"$(authzcheck key pattern)\"\n"
			    "  authzcheck key pattern --format gitleaks policy/ >>.gitleaks.toml\n",
		.flags = { FLAG_FORMAT, FLAG_MODULES },
		.formats = { "text", "gitleaks" },
		.max_words = 1,
		.run = key_pattern_run,
	},
};
