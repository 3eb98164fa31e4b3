/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/peer_limits.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

struct peer_limits_user {
	struct peer_limits_user *next; /* in limits.users */
	uid_t uid;
	unsigned holders; /* connections, the exempt ones too */
	unsigned counted; /* without them */
	unsigned shared;
	size_t bytes;
};

struct peer_limits {
	pthread_mutex_t lock;
	struct peer_limits_user *users; /* as many as uids are connected */
	unsigned max_of_user;
	unsigned max[PEER_LIMITS_POOLS];
	unsigned used[PEER_LIMITS_POOLS];
	unsigned sharers; /* users with shared > 0 */
	uint64_t refused;
	size_t bytes;
};

int peer_limits_create(unsigned connections, unsigned user_connections, struct peer_limits **out)
{
	struct peer_limits *limits = calloc(1, sizeof *limits);
	int r;

	if (limits == NULL) {
		return -ENOMEM;
	}
	limits->max_of_user = user_connections;
	limits->max[PEER_LIMITS_EXEMPT] = UINT_MAX;
	limits->max[PEER_LIMITS_PREFERRED] = connections / 8;
	limits->max[PEER_LIMITS_FIRST] = connections / 8;
	limits->max[PEER_LIMITS_SHARED] = connections - 2 * (connections / 8);
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

/* May a user that has `own` shared connections have one more? (own + 1) is at most 1/(users + 1) of
 * what it has and what is left. */
static bool is_fair(const struct peer_limits *limits, unsigned own)
{
	uint64_t left = limits->max[PEER_LIMITS_SHARED] - limits->used[PEER_LIMITS_SHARED];
	uint64_t users = limits->sharers + (own == 0);

	return (own + (uint64_t)1) * (users + 1) <= left + own;
}

/* Chooses the pool of a new connection. 0, -EDQUOT or -EUSERS. */
static int choose_pool(const struct peer_limits *limits, const struct peer_limits_user *user,
	bool preferred, enum peer_limits_pool *out)
{
	if (user->counted >= limits->max_of_user) {
		return -EDQUOT;
	}
	if (is_fair(limits, user->shared)) {
		*out = PEER_LIMITS_SHARED;
	} else if (preferred &&
		   limits->used[PEER_LIMITS_PREFERRED] < limits->max[PEER_LIMITS_PREFERRED]) {
		*out = PEER_LIMITS_PREFERRED;
	} else if (user->counted == 0 &&
		   limits->used[PEER_LIMITS_FIRST] < limits->max[PEER_LIMITS_FIRST]) {
		*out = PEER_LIMITS_FIRST;
	} else {
		return user->counted > 0 ? -EDQUOT : -EUSERS;
	}
	return 0;
}

int peer_limits_connect(struct peer_limits *limits, uid_t uid, bool exempt, bool preferred,
	struct peer_limits_slot *out)
{
	struct peer_limits_user *user;
	int r;

	*out = (struct peer_limits_slot){ .pool = PEER_LIMITS_EXEMPT };
	pthread_mutex_lock(&limits->lock);
	user = find_user(limits, uid);
	if (user == NULL) {
		r = -ENOMEM;
	} else if (exempt) {
		r = 0;
	} else {
		r = choose_pool(limits, user, preferred, &out->pool);
	}
	if (r == 0) {
		out->user = user;
		user->holders++;
		user->counted += !exempt;
		limits->used[out->pool]++;
		if (out->pool == PEER_LIMITS_SHARED && user->shared++ == 0) {
			limits->sharers++;
		}
	} else {
		limits->refused++;
		if (user != NULL) {
			drop_if_empty(limits, user);
		}
	}
	pthread_mutex_unlock(&limits->lock);
	return r;
}

void peer_limits_disconnect(struct peer_limits *limits, const struct peer_limits_slot *slot)
{
	struct peer_limits_user *user = slot->user;

	pthread_mutex_lock(&limits->lock);
	assert(user->holders > 0 && limits->used[slot->pool] > 0);
	user->holders--;
	user->counted -= slot->pool != PEER_LIMITS_EXEMPT;
	limits->used[slot->pool]--;
	if (slot->pool == PEER_LIMITS_SHARED && --user->shared == 0) {
		limits->sharers--;
	}
	drop_if_empty(limits, user);
	pthread_mutex_unlock(&limits->lock);
}

bool peer_limits_are_scarce(struct peer_limits *limits)
{
	bool scarce;

	pthread_mutex_lock(&limits->lock);
	scarce = !is_fair(limits, 0);
	pthread_mutex_unlock(&limits->lock);
	return scarce;
}

void peer_limits_count_refused(struct peer_limits *limits)
{
	pthread_mutex_lock(&limits->lock);
	limits->refused++;
	pthread_mutex_unlock(&limits->lock);
}

uint64_t peer_limits_refused(struct peer_limits *limits)
{
	uint64_t refused;

	pthread_mutex_lock(&limits->lock);
	refused = limits->refused;
	pthread_mutex_unlock(&limits->lock);
	return refused;
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
