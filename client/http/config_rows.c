/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "client/authz.h"
#include "client/http/authzen.h"
#include "client/http/config_internal.h"
#include "policy/text/nearest.h"
#include "policy/text/timetext.h"

typedef void (*read_value)(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count);

/* Where a name may stand, and how often. */
enum place {
	GLOBAL,   /* once, anywhere: about the program */
	SCOPED,   /* about the listener above it; before the first one, about all that do not say
		   * otherwise */
	REPEATED, /* as SCOPED, and several times */
};

struct row {
	const char *name;
	size_t min, max; /* values */
	enum place place;
	const char *syntax;
	read_value read;
};

/* --- values ----------------------------------------------------------------------------------- */

const char *http_config_copy(struct http_reader *reader, const struct pol_setting_word *word)
{
	char *text = pol_arena_alloc(&reader->config->arena, word->text.len + 1, 1);

	if (text == NULL) {
		pol_diag_error(reader->diags, word->at, "the configuration is too large");
		return NULL;
	}
	memcpy(text, word->text.ptr, word->text.len);
	text[word->text.len] = '\0';
	return text;
}

bool http_config_choose(struct http_reader *reader, const struct pol_setting_word *word,
	const char *yes, const char *no, bool *out)
{
	*out = pol_str_equal(word->text, pol_str_of(yes));
	if (!*out && !pol_str_equal(word->text, pol_str_of(no))) {
		pol_diag_error(reader->diags, word->at, "'%.*s' is neither %s nor %s",
			POL_STR_ARGS(word->text), yes, no);
		return false;
	}
	return true;
}

bool http_config_name(
	struct http_reader *reader, const struct pol_setting_word *word, const char **out)
{
	for (size_t i = 0; i == 0 || i < word->text.len; i++) {
		if (word->text.len == 0 ||
			(!isalnum((unsigned char)word->text.ptr[i]) &&
				strchr("!#$%&'*+-.^_`|~", word->text.ptr[i]) == NULL)) {
			pol_diag_error(reader->diags, word->at,
				"'%.*s' cannot be the name of a header or a cookie: write letters, "
				"digits, '-' and '_'",
				POL_STR_ARGS(word->text));
			return false;
		}
	}
	*out = http_config_copy(reader, word);
	return *out != NULL;
}

/* --- about the program ------------------------------------------------------------------------ */

const char *http_config_socket(struct http_reader *reader, const struct pol_setting_word *word)
{
	if (word->text.len == 0 || word->text.ptr[0] != '/' || word->text.len >= AUTHZ_PATH_SIZE) {
		pol_diag_error(reader->diags, word->at,
			"'%.*s' is not an absolute path of at most %d bytes: name the daemon's "
			"socket, "
			"as in /run/authz/authz.sock",
			POL_STR_ARGS(word->text), AUTHZ_PATH_SIZE - 1);
		return NULL;
	}
	return http_config_copy(reader, word);
}

static void on_authz(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	reader->config->authz = http_config_socket(reader, &values[0]);
}

static void on_server_user(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	const char *name = http_config_copy(reader, &values[0]);

	(void)count;
	reader->config->has_server =
		name != NULL && authz_find_user(name, &reader->config->server) == AUTHZ_OK;
	if (name != NULL && !reader->config->has_server) {
		pol_diag_error(reader->diags, values[0].at, "this machine has no user '%s'", name);
	}
}

static void on_connections(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	if (!pol_settings_number(values[0].text, HTTP_MIN_CONNECTIONS, HTTP_MAX_CONNECTIONS,
		    &reader->config->connections)) {
		pol_diag_error(reader->diags, values[0].at,
			"connections %.*s: write a number from %d to %d",
			POL_STR_ARGS(values[0].text), HTTP_MIN_CONNECTIONS, HTTP_MAX_CONNECTIONS);
	}
}

/* A number and s, m or h, from one second to `max`. */
static bool read_seconds(struct http_reader *reader, const struct pol_setting_word *word,
	const char *name, const char *max_text, unsigned *out)
{
	uint64_t seconds, max;

	if (pol_timetext_parse_duration(pol_str_of(max_text), &max) != POL_OK ||
		pol_timetext_parse_duration(word->text, &seconds) != POL_OK || seconds == 0 ||
		seconds > max) {
		pol_diag_error(reader->diags, word->at,
			"%s %.*s: write a number and s, m or h, as in '60s', from 1s to %s", name,
			POL_STR_ARGS(word->text), max_text);
		return false;
	}
	*out = (unsigned)seconds;
	return true;
}

static void on_idle(struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	read_seconds(reader, &values[0], "idle", HTTP_MAX_IDLE, &reader->config->idle);
}

static void on_drain(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	unsigned seconds;

	(void)count;
	if (read_seconds(reader, &values[0], "drain", HTTP_MAX_DRAIN, &seconds)) {
		reader->config->drain_ms = seconds * 1000;
	}
}

static void on_timeout(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct pol_str text = values[0].text;
	uint64_t seconds = 0;
	unsigned ms = 0;
	bool is_ms = text.len > 2 && memcmp(text.ptr + text.len - 2, "ms", 2) == 0;

	(void)count;
	if (is_ms) {
		text.len -= 2;
		ms = pol_settings_number(text, 1, HTTP_MAX_TIMEOUT, &ms) ? ms : 0;
	} else if (pol_timetext_parse_duration(text, &seconds) == POL_OK && seconds > 0 &&
		   seconds <= HTTP_MAX_TIMEOUT / 1000) {
		ms = (unsigned)seconds * 1000;
	}
	if (ms == 0) {
		pol_diag_error(reader->diags, values[0].at,
			"timeout %.*s: write a number and ms or s, as in '500ms', from 1ms to 60s",
			POL_STR_ARGS(values[0].text));
		return;
	}
	reader->config->timeout_ms = ms;
}

static void on_log(struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	http_config_choose(reader, &values[0], "json", "text", &reader->config->log_json);
}

static void on_metrics(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	http_config_choose(reader, &values[0], "on", "off", &reader->config->metrics);
}

static void on_authzen(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	const char *url = http_config_copy(reader, &values[0]);
	const char *why = url != NULL ? authzen_check_identifier(url) : NULL;

	(void)count;
	if (why != NULL) {
		pol_diag_error(reader->diags, values[0].at, "authzen %s: %s", url, why);
		return;
	}
	reader->listener->authzen = url;
}

/* --- listeners -------------------------------------------------------------------------------- */

static void on_family(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	static const char *const names[] = { "nginx", "forwarded", "envoy" };

	(void)count;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (pol_str_equal(values[0].text, pol_str_of(names[i]))) {
			reader->listener->family = (enum http_family)i;
			return;
		}
	}
	pol_diag_error(reader->diags, values[0].at,
		"family %.*s: write nginx, forwarded (Caddy, Traefik) or envoy",
		POL_STR_ARGS(values[0].text));
}

static void on_service(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	reader->listener->service = http_config_copy(reader, &values[0]);
}

static void on_environment(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	reader->listener->environment = http_config_copy(reader, &values[0]);
}

static void on_tenant(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	bool from_host = count == 2 && pol_str_equal(values[0].text, POL_STR("from")) &&
			 pol_str_equal(values[1].text, POL_STR("host"));

	if (count == 2 && !from_host) {
		pol_diag_error(reader->diags, values[0].at,
			"write it as: tenant NAME, or tenant from host");
		return;
	}
	reader->listener->tenant_from_host = from_host;
	reader->listener->tenant = from_host ? NULL : http_config_copy(reader, &values[0]);
}

/* The listener's hosts with room for one more; NULL: no memory. The array of `common` is shared by
 * its listeners, so each of them that has more hosts gets one of its own. */
static struct http_host *grow_hosts(struct http_reader *reader)
{
	const struct http_listener *listener = reader->listener;
	size_t count = listener->host_count, size = 1;
	bool shared = listener != &reader->common && listener->hosts == reader->common.hosts;
	struct http_host *hosts;

	while (size <= count) {
		size *= 2;
	}
	/* It is full when its size is a power of two. */
	if (!shared && count > 0 && (count & (count - 1)) != 0) {
		return listener->hosts;
	}
	hosts = pol_arena_alloc(&reader->config->arena, size, sizeof *hosts);
	if (hosts != NULL && count > 0) {
		memcpy(hosts, listener->hosts, count * sizeof *hosts);
	}
	return hosts;
}

static void on_host(struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct http_listener *listener = reader->listener;
	struct http_host *hosts, host;
	char *name;

	(void)count;
	if (listener->host_count == HTTP_MAX_HOSTS) {
		pol_diag_error(reader->diags, values[0].at,
			"more than %d hosts of one listener are not supported", HTTP_MAX_HOSTS);
		return;
	}
	name = pol_arena_alloc(&reader->config->arena, values[0].text.len + 1, 1);
	host = (struct http_host){ .name = name, .tenant = http_config_copy(reader, &values[1]) };
	hosts = grow_hosts(reader);
	if (name == NULL || hosts == NULL || host.tenant == NULL) {
		pol_diag_error(reader->diags, values[0].at, "the configuration is too large");
		return;
	}
	for (size_t i = 0; i < values[0].text.len; i++) {
		name[i] = (char)tolower((unsigned char)values[0].text.ptr[i]);
	}
	name[values[0].text.len] = '\0';
	for (size_t i = 0; i < listener->host_count; i++) {
		if (strcmp(hosts[i].name, name) == 0) {
			pol_diag_error(reader->diags, values[0].at, "this host is listed twice");
			return;
		}
	}
	hosts[listener->host_count++] = host;
	listener->hosts = hosts;
}

static void on_token(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct http_listener *listener = reader->listener;
	bool is_cookie, *given;

	(void)count;
	if (!http_config_choose(reader, &values[0], "cookie", "header", &is_cookie)) {
		return;
	}
	given = is_cookie ? &reader->has_cookie_here : &reader->has_header_here;
	if (*given) {
		pol_diag_error(reader->diags, values[0].at,
			"'token %s' is set twice: a listener has one %s for tokens",
			is_cookie ? "cookie" : "header", is_cookie ? "cookie" : "header");
		return;
	}
	*given = true;
	http_config_name(
		reader, &values[1], is_cookie ? &listener->token_cookie : &listener->token_header);
}

static void on_realm(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	if (values[0].text.len > HTTP_MAX_REALM) {
		pol_diag_error(reader->diags, values[0].at, "a realm has at most %d bytes",
			HTTP_MAX_REALM);
		return;
	}
	for (size_t i = 0; i < values[0].text.len; i++) {
		unsigned char c = (unsigned char)values[0].text.ptr[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\') {
			pol_diag_error(reader->diags, values[0].at,
				"a realm is printable ASCII without '\"' and '\\'");
			return;
		}
	}
	reader->listener->realm = http_config_copy(reader, &values[0]);
}

static void on_prefix(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct pol_str text = values[0].text;

	(void)count;
	if (text.len < 2 || text.ptr[0] != '/' || text.ptr[text.len - 1] == '/') {
		pol_diag_error(reader->diags, values[0].at,
			"'%.*s': a prefix begins with '/' and ends without it, as in /check",
			POL_STR_ARGS(text));
		return;
	}
	reader->listener->prefix = http_config_copy(reader, &values[0]);
}

static void on_proxies(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	struct http_listener *listener = reader->listener;

	listener->proxy_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!http_network_read(values[i].text, &listener->proxies[i])) {
			pol_diag_error(reader->diags, values[i].at,
				"'%.*s' is not an address or network: write one as in 10.0.0.0/8, "
				"with "
				"no bits after the prefix",
				POL_STR_ARGS(values[i].text));
			return;
		}
		listener->proxy_count++;
	}
}

static void on_preflight(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	http_config_choose(reader, &values[0], "pass", "ask", &reader->listener->preflight_pass);
}

static void on_missing(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	(void)count;
	http_config_choose(reader, &values[0], "pass", "refuse", &reader->listener->missing_pass);
}

/* `department`, or `principal.department`. */
static void on_principal_facts(
	struct http_reader *reader, const struct pol_setting_word *values, size_t count)
{
	static const struct pol_str space = POL_STR_INIT("principal.");
	struct http_listener *listener = reader->listener;

	listener->principal_fact_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct pol_setting_word name = values[i];

		if (pol_str_starts(name.text, space)) {
			name.text.ptr += space.len;
			name.text.len -= space.len;
		}
		if (name.text.len == 0) {
			pol_diag_error(reader->diags, values[i].at,
				"write the name of a fact, as in department");
			return;
		}
		listener->principal_facts[i] = http_config_copy(reader, &name);
		listener->principal_fact_count += listener->principal_facts[i] != NULL;
	}
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct row rows[] = {
	{ "answer_headers", 1, HTTP_ANSWER_HEADER_COUNT, SCOPED, "answer_headers NAME,…|none",
		http_config_on_answer_headers },
	{ "authz", 1, 1, GLOBAL, "authz PATH", on_authz },
	{ "authzen", 1, 1, SCOPED, "authzen URL", on_authzen },
	{ "connections", 1, 1, GLOBAL, "connections N", on_connections },
	{ "console", 1, 1, SCOPED, "console on|off", http_config_on_console },
	{ "console_authz", 1, 1, GLOBAL, "console_authz PATH", http_config_on_console_authz },
	{ "console_origin", 1, 1, REPEATED, "console_origin URL", http_config_on_console_origin },
	{ "drain", 1, 1, GLOBAL, "drain TIME", on_drain },
	{ "environment", 1, 1, SCOPED, "environment NAME", on_environment },
	{ "family", 1, 1, SCOPED, "family nginx|forwarded|envoy", on_family },
	{ "host", 2, 2, REPEATED, "host NAME TENANT", on_host },
	{ "identity", 2, 2, SCOPED, "identity header NAME", http_config_on_identity },
	{ "idle", 1, 1, GLOBAL, "idle TIME", on_idle },
	{ "listen", 1, 3, REPEATED, "listen PATH MODE [GROUP], or listen 127.0.0.1:PORT",
		http_config_on_listen },
	{ "log", 1, 1, GLOBAL, "log text|json", on_log },
	{ "metrics", 1, 1, GLOBAL, "metrics on|off", on_metrics },
	{ "missing", 1, 1, SCOPED, "missing pass|refuse", on_missing },
	{ "prefix", 1, 1, SCOPED, "prefix PATH", on_prefix },
	{ "preflight", 1, 1, SCOPED, "preflight pass|ask", on_preflight },
	{ "principal_facts", 1, HTTP_MAX_PRINCIPAL_FACTS, SCOPED, "principal_facts NAME,…",
		on_principal_facts },
	{ "proxies", 1, HTTP_MAX_PROXIES, SCOPED, "proxies NETWORK,…", on_proxies },
	{ "realm", 1, 1, SCOPED, "realm TEXT", on_realm },
	{ "server_user", 1, 1, GLOBAL, "server_user USER", on_server_user },
	{ "service", 1, 1, SCOPED, "service NAME", on_service },
	{ "tenant", 1, 2, SCOPED, "tenant NAME, or tenant from host", on_tenant },
	{ "timeout", 1, 1, GLOBAL, "timeout TIME", on_timeout },
	{ "token", 2, 2, REPEATED, "token header|cookie NAME", on_token },
};

void http_config_line(struct http_reader *reader)
{
	const struct pol_setting_word *name = &reader->words[0];
	struct pol_nearest nearest = pol_nearest_to(name->text);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		uint64_t bit = UINT64_C(1) << i;
		uint64_t *seen = row->place == GLOBAL ? &reader->seen : &reader->seen_here;

		pol_nearest_offer(&nearest, pol_str_of(row->name));
		if (!pol_str_equal(name->text, pol_str_of(row->name))) {
			continue;
		}
		if (row->place != REPEATED && (*seen & bit) != 0) {
			pol_diag_error(reader->diags, name->at, "'%s' is set twice", row->name);
		} else if (reader->count - 1 < row->min || reader->count - 1 > row->max) {
			pol_diag_error(reader->diags, name->at, "write it as: %s", row->syntax);
		} else {
			row->read(reader, &reader->words[1], reader->count - 1);
			*seen |= row->place == REPEATED ? 0 : bit;
		}
		return;
	}
	pol_diag_error(reader->diags, name->at, "unknown name '%.*s'" POL_NEAREST,
		POL_STR_ARGS(name->text), POL_NEAREST_ARGS(nearest));
}
