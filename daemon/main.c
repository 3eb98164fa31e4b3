/* SPDX-License-Identifier: Apache-2.0 */
/* authzd: reads options and configuration, then runs the server, or restores the store. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/host/activation.h"
#include "daemon/host/log.h"
#include "daemon/host/memory.h"
#include "daemon/host/rights.h"
#include "daemon/serve/server.h"
#include "daemon/store/offline.h"

#define DEFAULT_CONFIG "/etc/authz/authzd.conf"

/* EXIT_UNCHECKED: the store is perhaps sound, and could not be looked at. */
enum { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNCHECKED = 3 };

static const char usage_text[] =
	"usage: authzd --policy DIR [--state DIR] [--socket PATH] [--config FILE] [--workers N]\n"
	"              [--connections N] [--user-connections N] [--idle TIME]\n"
	"              [--log-format text|json] [--strict] [--no-confinement]\n"
	"       authzd [--restore FILE [--accept-lost-keys]] [--accept-rollback] [--state DIR]\n"
	"              [--config FILE]\n"
	"       authzd --accept-clock|--verify-store [--state DIR] [--config FILE]\n";

static const char help_text[] =
	"\n"
	"Decides who may do what, for the programs of this machine.\n"
	"\n"
	"  --policy DIR        the folder of *.policy files\n"
	"  --state DIR         where keys, principals and assignments are kept\n"
	"  --socket PATH       the Unix socket, for everything, mode 0600\n"
	"  --config FILE       the configuration (as root: " DEFAULT_CONFIG ", if there)\n"
	"  --workers N         threads that decide (one a core)\n"
	"  --connections N     connections of all users together (1024)\n"
	"  --user-connections N\n"
	"                      connections of one user (256)\n"
	"  --idle TIME         when connections are scarce, those idle for TIME are closed "
	"(60s)\n"
	"  --log-format FORM   text or json, a line an event on standard error\n"
	"  --strict            do not start with the last good policy when the folder is broken\n"
	"  --no-confinement    files and system calls are not limited: for debugging alone\n"
	"  --restore FILE      instead of serving: puts a copy of the store in the store's place\n"
	"  --accept-rollback   instead of serving: takes a store that was rolled back as it is,\n"
	"                      enters that in the audit trail, and ends\n"
	"  --accept-lost-keys  with --restore: also a copy with keys whose pepper is gone\n"
	"  --accept-clock      instead of serving: takes the present time as right, though the "
	"store\n"
	"                      knows a later one, enters that in the audit trail, and ends\n"
	"  --verify-store      instead of serving: checks every page and record of the store\n"
	"  -h, --help          this\n"
	"  --version           the version\n"
	"\n"
	"SIGHUP reads the policy again, SIGTERM ends. See authzd(8), authzd.conf(5).\n";

enum option_code {
	OPTION_POLICY = 1,
	OPTION_STATE,
	OPTION_SOCKET,
	OPTION_CONFIG,
	OPTION_WORKERS,
	OPTION_CONNECTIONS,
	OPTION_USER_CONNECTIONS,
	OPTION_IDLE,
	OPTION_LOG,
	OPTION_STRICT,
	OPTION_NO_CONFINEMENT,
	OPTION_RESTORE,
	OPTION_ACCEPT,
	OPTION_ACCEPT_LOST,
	OPTION_ACCEPT_CLOCK,
	OPTION_VERIFY,
	OPTION_VERSION
};

static const struct option options[] = {
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "workers", required_argument, NULL, OPTION_WORKERS },
	{ "connections", required_argument, NULL, OPTION_CONNECTIONS },
	{ "user-connections", required_argument, NULL, OPTION_USER_CONNECTIONS },
	{ "idle", required_argument, NULL, OPTION_IDLE },
	{ "log-format", required_argument, NULL, OPTION_LOG },
	{ "strict", no_argument, NULL, OPTION_STRICT },
	{ "no-confinement", no_argument, NULL, OPTION_NO_CONFINEMENT },
	{ "restore", required_argument, NULL, OPTION_RESTORE },
	{ "accept-rollback", no_argument, NULL, OPTION_ACCEPT },
	{ "accept-lost-keys", no_argument, NULL, OPTION_ACCEPT_LOST },
	{ "accept-clock", no_argument, NULL, OPTION_ACCEPT_CLOCK },
	{ "verify-store", no_argument, NULL, OPTION_VERIFY },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Options that are not settings of the configuration. */
struct command_line {
	const char *config;
	const char *restore; /* a file; NULL: none */
	bool accept_rollback;
	bool accept_lost;
	bool accept_clock;
	bool verify;
};

static bool serves(const struct command_line *line)
{
	return line->restore == NULL && !line->accept_rollback && !line->accept_clock &&
	       !line->verify;
}

/* Those tasks that exclude each other: a restore and an accepted rollback go together, an accepted
 * rollback and an accepted clock too. */
static bool is_one_task(const struct command_line *line)
{
	bool accepts = line->accept_rollback || line->accept_clock;

	return !(line->verify && (accepts || line->restore != NULL)) &&
	       !(line->accept_clock && line->restore != NULL);
}

/* What to do after an option. */
enum outcome { GO_ON, DONE, USAGE_ERROR };

static enum outcome usage_error(const char *message, const char *value)
{
	fprintf(stderr, "authzd: %s: %s\n%s", message, value, usage_text);
	return USAGE_ERROR;
}

static enum outcome read_limit(struct config *config, int code, const char *text)
{
	struct pol_str value = pol_str_of(text);

	switch (code) {
	case OPTION_WORKERS:
		return config_read_workers(value, &config->workers)
			       ? GO_ON
			       : usage_error("--workers takes a number from 1 to 64", text);
	case OPTION_CONNECTIONS:
		return config_read_connections(value, &config->connections)
			       ? GO_ON
			       : usage_error("--connections takes a number from 16 to 65536", text);
	case OPTION_USER_CONNECTIONS:
		return config_read_user_connections(value, &config->user_connections)
			       ? GO_ON
			       : usage_error(
					 "--user-connections takes a number from 1 to 65536", text);
	default:
		return config_read_idle(value, &config->idle)
			       ? GO_ON
			       : usage_error("--idle takes a number and s, m or h, from 1s to 24h",
					 text);
	}
}

static enum outcome read_log_format(struct config *config, const char *text)
{
	if (strcmp(text, "text") != 0 && strcmp(text, "json") != 0) {
		return usage_error("--log-format is text or json", text);
	}
	config->log_format = strcmp(text, "json") == 0 ? LOG_JSON : LOG_TEXT;
	config->has_log_format = true;
	return GO_ON;
}

static enum outcome read_option(struct config *config, int code, struct command_line *line)
{
	if (optarg != NULL && optarg[0] == '\0') {
		return usage_error(
			"an option's value is empty", "write one, or leave the option out");
	}
	switch (code) {
	case OPTION_POLICY:
		config->policy = optarg;
		return GO_ON;
	case OPTION_STATE:
		config->state = optarg;
		return GO_ON;
	case OPTION_SOCKET:
		config->listeners[0] = (struct config_listener){
			.path = optarg, .mode = 0600, .decide = true, .manage = true
		};
		config->listener_count = 1;
		return GO_ON;
	case OPTION_CONFIG:
		line->config = optarg;
		return GO_ON;
	case OPTION_WORKERS:
	case OPTION_CONNECTIONS:
	case OPTION_USER_CONNECTIONS:
	case OPTION_IDLE:
		return read_limit(config, code, optarg);
	case OPTION_LOG:
		return read_log_format(config, optarg);
	case OPTION_STRICT:
		config->strict = true;
		return GO_ON;
	case OPTION_NO_CONFINEMENT:
		config->confine = false;
		return GO_ON;
	case OPTION_RESTORE:
		line->restore = optarg;
		return GO_ON;
	case OPTION_ACCEPT:
		line->accept_rollback = true;
		return GO_ON;
	case OPTION_ACCEPT_LOST:
		line->accept_lost = true;
		return GO_ON;
	case OPTION_ACCEPT_CLOCK:
		line->accept_clock = true;
		return GO_ON;
	case OPTION_VERIFY:
		line->verify = true;
		return GO_ON;
	case OPTION_VERSION:
		puts("authzd " AUTHZ_VERSION);
		return DONE;
	case 'h':
		fputs(usage_text, stdout);
		fputs(help_text, stdout);
		return DONE;
	default:
		return USAGE_ERROR;
	}
}

/* A long option: the nearest one is named. */
static enum outcome unknown_option(const char *word)
{
	struct pol_str typed = { word + 2, strcspn(word + 2, "=") };
	const char *nearest = config_nearest_option(typed, options);

	if (nearest == NULL) {
		return usage_error("unknown option", word);
	}
	fprintf(stderr, "authzd: unknown option: --%.*s: did you mean '--%s'?\n%s",
		POL_STR_ARGS(typed), nearest, usage_text);
	return USAGE_ERROR;
}

/* Reports an option for which getopt_long returned '?' or ':'. */
static enum outcome refuse_option(int code, const char *word)
{
	char name[] = { '-', (char)optopt, '\0' };

	if (code == ':') {
		return usage_error("this option wants a value", word);
	}
	/* getopt_long reports a long option with an unexpected value by its code in optopt. */
	if (optopt == OPTION_VERSION || optopt == OPTION_ACCEPT || optopt == OPTION_ACCEPT_CLOCK ||
		optopt == OPTION_VERIFY || optopt == OPTION_NO_CONFINEMENT ||
		optopt == OPTION_STRICT || strncmp(word, "--help=", 7) == 0) {
		return usage_error("this option takes no value", word);
	}
	return optopt != 0 ? usage_error("unknown option", name) : unknown_option(word);
}

static enum outcome read_options(
	struct config *config, int argc, char **argv, struct command_line *line)
{
	enum outcome outcome = GO_ON;
	int code;

	opterr = 0;
	while (outcome == GO_ON && (code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (code == '?' || code == ':') {
			return refuse_option(code, argv[optind - 1]);
		}
		outcome = read_option(config, code, line);
	}
	if (outcome == GO_ON && optind < argc) {
		return usage_error("there are no arguments but options", argv[optind]);
	}
	if (outcome == GO_ON && line->accept_lost && line->restore == NULL) {
		return usage_error("goes with --restore FILE alone", "--accept-lost-keys");
	}
	if (outcome == GO_ON && !is_one_task(line)) {
		return usage_error("give one of them alone",
			"--restore, --accept-clock, --verify-store (and --accept-rollback)");
	}
	return outcome;
}

/* Root's default is the packaged file, if it exists. */
static const char *find_config(const char *named)
{
	if (named != NULL) {
		return named;
	}
	return geteuid() == 0 && access(DEFAULT_CONFIG, F_OK) == 0 ? DEFAULT_CONFIG : NULL;
}

static int configure(struct config *config, const struct command_line *line)
{
	const char *path = find_config(line->config);
	char why[CONFIG_WHY];

	if (path != NULL && config_read(config, path) < 0) {
		return EXIT_FAILED;
	}
	if (config->policy == NULL && serves(line)) {
		usage_error("no policy: name its folder", "--policy DIR");
		return EXIT_USAGE;
	}
	if (config_defaults(config, why) < 0) {
		fprintf(stderr, "authzd: %s\n", why);
		return EXIT_FAILED;
	}
	return EXIT_CLEAN;
}

static int serve(const struct config *config, const struct activation *activation)
{
	struct server server = SERVER_NONE;
	int r = server_init(&server, config, activation);

	if (r == 0) {
		r = server_run(&server);
	}
	server_finish(&server);
	log_stop();
	return r == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

static int verify(const struct config *config)
{
	switch (restore_verify(config)) {
	case 0:
		return EXIT_CLEAN;
	case -EBADMSG:
	case -EIO:
		return EXIT_FAILED;
	default:
		return EXIT_UNCHECKED;
	}
}

static int restore(const struct config *config, const struct command_line *line)
{
	int r;

	if (line->verify) {
		return verify(config);
	}
	if (line->restore != NULL) {
		r = restore_run(config, line->restore, line->accept_rollback, line->accept_lost);
	} else {
		r = restore_accept(config, line->accept_rollback, line->accept_clock);
	}
	return r == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct command_line line = { .config = NULL };
	struct activation activation;
	struct config config;
	enum outcome outcome;
	int status;

	if (activation_read(&activation) < 0 || rights_begin(activation.count) < 0) {
		return EXIT_FAILED;
	}
	memory_return_large();
	config_init(&config);
	outcome = read_options(&config, argc, argv, &line);
	if (outcome != GO_ON) {
		config_finish(&config);
		return outcome == DONE ? EXIT_CLEAN : EXIT_USAGE;
	}
	status = configure(&config, &line);
	if (status == EXIT_CLEAN) {
		log_init(config.log_format);
		status = serves(&line) ? serve(&config, &activation) : restore(&config, &line);
	}
	config_finish(&config);
	return status;
}
