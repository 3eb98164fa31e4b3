/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * config: the settings of authz-http, from its file (authz-http.conf(5)).
 *
 * Filled once at the start, then read-only. Its texts live until http_config_finish. A zeroed
 * listener believes nothing: no proxy, no preflight.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/http/address.h"
#include "policy/text/arena.h"
#include "policy/text/str.h"

enum {
	HTTP_MAX_LISTENERS = 16,
	HTTP_MAX_PROXIES = 64,         /* networks of a listener, looked through for each address */
	HTTP_MAX_REALM = 256,          /* bytes: WWW-Authenticate must fit an answer's texts */
	HTTP_MAX_PRINCIPAL_FACTS = 64, /* as many as a request may have */
	HTTP_MAX_HOSTS = 1024,         /* hosts of a listener, looked through for each request */
	HTTP_MAX_ORIGINS = 16,         /* of the console of a listener */

	HTTP_CONNECTIONS = 1024,
	HTTP_MIN_CONNECTIONS = 16,
	HTTP_MAX_CONNECTIONS = 65536,
	HTTP_IDLE = 60,              /* seconds */
	HTTP_DRAIN = 5,              /* seconds, beside the timeout */
	HTTP_TIMEOUT = 1000,         /* milliseconds for one answer of the daemon */
	HTTP_MAX_TIMEOUT = 60 * 1000 /* milliseconds */
};

/* How the longest times are written. */
#define HTTP_MAX_IDLE  "1h"
#define HTTP_MAX_DRAIN "10m"

/* Which headers say what the client asked the web server for. */
enum http_family {
	HTTP_NGINX = 0, /* X-Original-Method, X-Original-URI; knows 2xx, 401 and 403 alone */
	HTTP_FORWARDED, /* X-Forwarded-Method, X-Forwarded-Uri: Caddy, Traefik */
	HTTP_ENVOY,     /* the request line, after a prefix */
};

/* Headers of an allowed answer, X-Authz-Principal and so on. */
enum { HTTP_ANSWER_HEADER_COUNT = 6 };
enum http_answer_header {
	HTTP_ANSWER_HEADER_REASON = 1 << 0,
	HTTP_ANSWER_HEADER_PRINCIPAL = 1 << 1,
	HTTP_ANSWER_HEADER_KEY = 1 << 2,
	HTTP_ANSWER_HEADER_TENANT = 1 << 3,
	HTTP_ANSWER_HEADER_ENVIRONMENT = 1 << 4,
	HTTP_ANSWER_HEADER_RENEW = 1 << 5,
	HTTP_ANSWER_HEADER_ALL = (1 << HTTP_ANSWER_HEADER_COUNT) - 1,
};

/* As browsers send them: "https://console.example.org". */
struct http_origins {
	const char *items[HTTP_MAX_ORIGINS];
	size_t count;
};

struct http_host {
	const char *name; /* in small letters, without a port */
	const char *tenant;
};

struct http_listener {
	const char *path; /* of a Unix socket; NULL: the loopback address and port */
	mode_t mode;
	bool has_group;
	gid_t group;
	bool ip6; /* of the loopback address: ::1, else 127.0.0.1 */
	uint16_t port;

	enum http_family family;
	const char *service;      /* NULL: none is sent */
	const char *environment;  /* the same */
	const char *tenant;       /* the same */
	const char *token_header; /* beside Authorization: Bearer; NULL: none */
	const char *token_cookie; /* the same */
	const char *realm;        /* of WWW-Authenticate */
	const char *prefix;       /* of HTTP_ENVOY: before each target */
	bool tenant_from_host;    /* the tenant is that of the host in hosts; `tenant` is NULL */
	struct http_host *hosts;
	size_t host_count;
	struct http_network proxies[HTTP_MAX_PROXIES];
	size_t proxy_count;
	bool preflight_pass;
	bool missing_pass; /* a decision that lacks facts passes: the application asks again */
	unsigned headers_left_out; /* of the answer to an allowed request: bits of
				      http_answer_header */
	const char *authzen;       /* the identifier of the decision point; NULL: no AuthZEN here */
	/* Facts `principal.NAME` that AuthZEN's callers may state, without `principal.`. */
	const char *principal_facts[HTTP_MAX_PRINCIPAL_FACTS];
	size_t principal_fact_count;
	bool console; /* the console for a team */
	struct http_origins console_origins;
	const char *identity; /* the header with the user that the web server has authenticated;
			       * NULL: none */
};

struct http_config {
	struct pol_arena arena;
	const char *authz;         /* the daemon's socket */
	const char *console_authz; /* the one for managing, for the console; NULL: the same */
	bool has_server;           /* a user whose daemon is trusted, too */
	uid_t server;
	unsigned connections; /* of all listeners together */
	unsigned idle;        /* seconds */
	unsigned timeout_ms;
	unsigned drain_ms; /* after SIGTERM, to end */
	bool log_json;
	bool metrics;
	struct http_listener listeners[HTTP_MAX_LISTENERS];
	size_t listener_count;
};

/* The settings before a file is read. http_config_finish frees them. */
void http_config_init(struct http_config *config);
void http_config_finish(struct http_config *config);

/*
 * Reads a file of `NAME VALUE…` lines, whose words are those of the policy language. 0; or a
 * negative errno, after every problem was written to standard error as FILE:LINE:COLUMN.
 */
int http_config_read(struct http_config *config, const char *path);
