/* SPDX-License-Identifier: Apache-2.0 */
/* samples: the daemon's status, asked again and again while a page is open, as lines over time. Pure. */

const KEPT = 300; /* samples: ten minutes of one every two seconds */

/* Adds a status to the samples: {times, allowed, denied, p50, p99}, per second since the one before. */
export function add_sample(samples, status, at) {
	const last = samples.last;
	const next = { ...samples, last: { at, counters: status.counters, started: status.started_at } };

	/* After a restart of the daemon its counters begin again. */
	if (last === undefined || last.started !== status.started_at || at <= last.at) {
		return next;
	}
	const rate = (name) => (status.counters[name] - last.counters[name]) / (at - last.at);
	const row = { times: at, allowed: rate('allowed'), denied: rate('denied'), p50: status.latency_ns.p50 / 1000, p99: status.latency_ns.p99 / 1000 };

	for (const key of Object.keys(row)) {
		next[key] = [...samples[key], row[key]].slice(-KEPT);
	}
	return next;
}

export const NO_SAMPLES = { times: [], allowed: [], denied: [], p50: [], p99: [], last: undefined };
