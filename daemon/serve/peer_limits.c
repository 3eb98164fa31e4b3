/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/peer_limits.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct peer_limits_user {
	struct peer_limits_user *next; /* in limits.users */
	uid_t uid;
	unsigned holders; /* connections, the exempt ones too */
	unsigned connections;
	size_t bytes;
};

struct peer_limits {
	pthread_mutex_t lock;
	struct peer_limits_user *users; /* as many as uids are connected: a handful */
	unsigned connections;
	size_t bytes;
};

int peer_limits_create(struct peer_limits **out)
{
	struct peer_limits *limits = calloc(1, sizeof *limits);
	int r;

	if (limits == NULL) {
		return -ENOMEM;
	}
	r = pthread_mutex_init(&limits->lock, NULL);
	if (r != 0) {
		free(limits);
		return -r;
	}
	*out = limits;
	return 0;
}

void peer_limits_destroy(struct peer_limits *limits)
{
	if (limits == NULL) {
		return;
	}
	assert(limits->users == NULL);
	pthread_mutex_destroy(&limits->lock);
	free(limits);
}

static struct peer_limits_user *find_user(struct peer_limits *limits, uid_t uid)
{
	struct peer_limits_user *user = limits->users;

	while (user != NULL && user->uid != uid) {
		user = user->next;
	}
	if (user == NULL) {
		user = calloc(1, sizeof *user);
		if (user != NULL) {
			user->uid = uid;
			user->next = limits->users;
			limits->users = user;
		}
	}
	return user;
}

static void drop_if_empty(struct peer_limits *limits, struct peer_limits_user *user)
{
	struct peer_limits_user **link = &limits->users;

	if (user->holders > 0 || user->bytes > 0) {
		return;
	}
	while (*link != user) {
		link = &(*link)->next;
	}
	*link = user->next;
	free(user);
}

int peer_limits_connect(
	struct peer_limits *limits, uid_t uid, bool exempt, struct peer_limits_user **out)
{
	struct peer_limits_user *user;
	int r = 0;

	pthread_mutex_lock(&limits->lock);
	user = find_user(limits, uid);
	if (user == NULL) {
		r = -ENOMEM;
	} else if (!exempt && user->connections >= PEER_LIMITS_CONNECTIONS_UID) {
		r = -EDQUOT;
	} else if (!exempt && limits->connections >= PEER_LIMITS_CONNECTIONS) {
		r = -EUSERS;
	} else {
		user->holders++;
		user->connections += !exempt;
		limits->connections += !exempt;
		*out = user;
	}
	if (r < 0 && user != NULL) {
		drop_if_empty(limits, user);
	}
	pthread_mutex_unlock(&limits->lock);
	return r;
}

void peer_limits_disconnect(struct peer_limits *limits, struct peer_limits_user *user, bool exempt)
{
	pthread_mutex_lock(&limits->lock);
	assert(user->holders > 0);
	user->holders--;
	user->connections -= !exempt;
	limits->connections -= !exempt;
	drop_if_empty(limits, user);
	pthread_mutex_unlock(&limits->lock);
}

bool peer_limits_charge(
	struct peer_limits *limits, struct peer_limits_user *user, size_t bytes, bool manages)
{
	size_t all = manages ? PEER_LIMITS_MEMORY : PEER_LIMITS_MEMORY - PEER_LIMITS_RESERVE;
	size_t own =
		manages ? PEER_LIMITS_MEMORY_UID + PEER_LIMITS_RESERVE : PEER_LIMITS_MEMORY_UID;
	bool fits;

	pthread_mutex_lock(&limits->lock);
	fits = bytes <= own && limits->bytes <= all - bytes && user->bytes <= own - bytes;
	if (fits) {
		limits->bytes += bytes;
		user->bytes += bytes;
	}
	pthread_mutex_unlock(&limits->lock);
	return fits;
}

void peer_limits_release(struct peer_limits *limits, struct peer_limits_user *user, size_t bytes)
{
	if (bytes == 0) {
		return;
	}
	pthread_mutex_lock(&limits->lock);
	assert(user->bytes >= bytes && limits->bytes >= bytes);
	limits->bytes -= bytes;
	user->bytes -= bytes;
	drop_if_empty(limits, user);
	pthread_mutex_unlock(&limits->lock);
}
