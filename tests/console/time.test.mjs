/* SPDX-License-Identifier: Apache-2.0 */
/* Times in words, and days. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

/* Before the zone is read: one in which midnight UTC is the day before. */
process.env.TZ = 'America/Los_Angeles';
const { ago, date, duration, from_local, to_local, utc_date } = await import('../../tools/console/lib/time.js');

const MIDNIGHT = Date.UTC(2026, 10, 30) / 1000;

test('a day that the daemon counts has its own date, wherever the reader is', () => {
	assert.match(utc_date(MIDNIGHT), /30/);
	assert.match(date(MIDNIGHT), /29/);
});

test('a time is said by its largest unit', () => {
	assert.equal(ago(100, 100), 'just now');
	assert.equal(ago(100 - 3 * 86400, 100), '3 days ago');
	assert.equal(ago(100 + 2 * 3600, 100), 'in 2 hours');
});

test('a duration is said by the largest unit that is exact', () => {
	assert.equal(duration(90 * 86400), '90 days');
	assert.equal(duration(36 * 3600), '36 hours');
	assert.equal(duration(1), '1 second');
});

test('what a field holds comes back as the same minute', () => {
	assert.equal(from_local(to_local(MIDNIGHT)), MIDNIGHT);
	assert.equal(from_local(''), undefined);
});
