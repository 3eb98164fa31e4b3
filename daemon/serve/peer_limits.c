/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/peer_limits.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct quota_user {
	struct quota_user *next; /* in quota.users */
	uid_t uid;
	unsigned holders; /* connections, the exempt ones too */
	unsigned connections;
	size_t bytes;
};

struct quota {
	pthread_mutex_t lock;
	struct quota_user *users; /* as many as uids are connected: a handful */
	unsigned connections;
	size_t bytes;
};

int quota_create(struct quota **out)
{
	struct quota *quota = calloc(1, sizeof *quota);
	int r;

	if (quota == NULL) {
		return -ENOMEM;
	}
	r = pthread_mutex_init(&quota->lock, NULL);
	if (r != 0) {
		free(quota);
		return -r;
	}
	*out = quota;
	return 0;
}

void quota_destroy(struct quota *quota)
{
	if (quota == NULL) {
		return;
	}
	assert(quota->users == NULL);
	pthread_mutex_destroy(&quota->lock);
	free(quota);
}

static struct quota_user *find_user(struct quota *quota, uid_t uid)
{
	struct quota_user *user = quota->users;

	while (user != NULL && user->uid != uid) {
		user = user->next;
	}
	if (user == NULL) {
		user = calloc(1, sizeof *user);
		if (user != NULL) {
			user->uid = uid;
			user->next = quota->users;
			quota->users = user;
		}
	}
	return user;
}

static void drop_if_empty(struct quota *quota, struct quota_user *user)
{
	struct quota_user **link = &quota->users;

	if (user->holders > 0 || user->bytes > 0) {
		return;
	}
	while (*link != user) {
		link = &(*link)->next;
	}
	*link = user->next;
	free(user);
}

int quota_connect(struct quota *quota, uid_t uid, bool exempt, struct quota_user **out)
{
	struct quota_user *user;
	int r = 0;

	pthread_mutex_lock(&quota->lock);
	user = find_user(quota, uid);
	if (user == NULL) {
		r = -ENOMEM;
	} else if (!exempt && user->connections >= QUOTA_CONNECTIONS_UID) {
		r = -EDQUOT;
	} else if (!exempt && quota->connections >= QUOTA_CONNECTIONS) {
		r = -EUSERS;
	} else {
		user->holders++;
		user->connections += !exempt;
		quota->connections += !exempt;
		*out = user;
	}
	if (r < 0 && user != NULL) {
		drop_if_empty(quota, user);
	}
	pthread_mutex_unlock(&quota->lock);
	return r;
}

void quota_disconnect(struct quota *quota, struct quota_user *user, bool exempt)
{
	pthread_mutex_lock(&quota->lock);
	assert(user->holders > 0);
	user->holders--;
	user->connections -= !exempt;
	quota->connections -= !exempt;
	drop_if_empty(quota, user);
	pthread_mutex_unlock(&quota->lock);
}

bool quota_charge(struct quota *quota, struct quota_user *user, size_t bytes, bool manages)
{
	size_t all = manages ? QUOTA_MEMORY : QUOTA_MEMORY - QUOTA_RESERVE;
	size_t own = manages ? QUOTA_MEMORY_UID + QUOTA_RESERVE : QUOTA_MEMORY_UID;
	bool fits;

	pthread_mutex_lock(&quota->lock);
	fits = bytes <= own && quota->bytes <= all - bytes && user->bytes <= own - bytes;
	if (fits) {
		quota->bytes += bytes;
		user->bytes += bytes;
	}
	pthread_mutex_unlock(&quota->lock);
	return fits;
}

void quota_release(struct quota *quota, struct quota_user *user, size_t bytes)
{
	if (bytes == 0) {
		return;
	}
	pthread_mutex_lock(&quota->lock);
	assert(user->bytes >= bytes && quota->bytes >= bytes);
	quota->bytes -= bytes;
	user->bytes -= bytes;
	drop_if_empty(quota, user);
	pthread_mutex_unlock(&quota->lock);
}
