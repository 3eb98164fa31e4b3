/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/share/share_internal.h"

void share_get_status(struct share *share, struct share_status *out)
{
	struct share_fresh *fresh = share->options.fresh;
	uint64_t anchor = atomic_load_explicit(&fresh->anchor, memory_order_acquire);
	uint64_t now = share_now();

	pthread_mutex_lock(&share->lock);
	*out = share->status;
	out->standbys = share->settings.standbys;
	memcpy(out->policy, share->settings.policy, sizeof out->policy);
	pthread_mutex_unlock(&share->lock);
	snprintf(out->host, sizeof out->host, "%s", share->options.host);
	out->on = share_is_on(share);
	out->applied = atomic_load_explicit(&fresh->applied, memory_order_acquire);
	out->max_lag_ns = atomic_load_explicit(&fresh->max_lag, memory_order_acquire);
	out->lag_ns = anchor == 0 || now < anchor ? UINT64_MAX : now - anchor;
	out->stale = out->on &&
		     (atomic_load_explicit(&fresh->stale, memory_order_acquire) ||
			     (out->max_lag_ns != 0 && out->lag_ns > out->max_lag_ns));
	out->appended = atomic_load(&share->append.appended);
	out->lost = atomic_load(&share->append.lost);
	out->unanswered = atomic_load(&share->append.unanswered);
	out->applied_rows = atomic_load(&share->append.applied);
	out->work = atomic_load(&share->work);
	out->work_done = atomic_load(&share->work_done);
	out->work_total = atomic_load(&share->work_total);
}

int share_get_hosts(
	struct share *share, struct share_host **out, size_t *out_count, int64_t *out_now)
{
	struct share_host *hosts = NULL;
	int r = 0;

	pthread_mutex_lock(&share->lock);
	*out_count = share->host_count;
	*out_now = share->hosts_read;
	if (share->host_count > 0) {
		hosts = malloc(share->host_count * sizeof *hosts);
		if (hosts == NULL) {
			r = -ENOMEM;
		} else {
			memcpy(hosts, share->hosts, share->host_count * sizeof *hosts);
		}
	}
	pthread_mutex_unlock(&share->lock);
	*out = hosts;
	return r;
}

const uint8_t *share_get_instance(const struct share *share)
{
	return share->instance;
}
