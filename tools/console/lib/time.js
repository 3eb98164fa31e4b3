/* SPDX-License-Identifier: Apache-2.0 */
/* time: Unix seconds and durations in words, in the reader's own time zone. */

const UNITS = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60]];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const utc_day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });

export function now() {
	return Math.floor(Date.now() / 1000);
}

/* "3 days ago", "in 2 hours", "just now" */
export function ago(seconds, at = now()) {
	const away = seconds - at;

	for (const [unit, length] of UNITS) {
		if (Math.abs(away) >= length) {
			return relative.format(Math.round(away / length), unit);
		}
	}
	return away > 0 ? 'in a moment' : 'just now';
}

/* Date and time to the second, of the reader's zone */
export function exact(seconds) {
	return full.format(new Date(seconds * 1000));
}

/* The time of day to the second, of the reader's zone */
export function clock(seconds) {
	return time.format(new Date(seconds * 1000));
}

export function date(seconds) {
	return day.format(new Date(seconds * 1000));
}

/* The date of a day that begins at midnight UTC, as the daemon counts days. */
export function utc_date(seconds) {
	return utc_day.format(new Date(seconds * 1000));
}

/* "90 days", "1 day", "36 hours": the largest unit that is exact */
export function duration(seconds) {
	for (const [unit, length] of [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]) {
		if (seconds % length === 0 && seconds >= length) {
			const count = seconds / length;
			return `${count} ${unit}${count === 1 ? '' : 's'}`;
		}
	}
	return '0 seconds';
}

/* What <input type="datetime-local"> holds, of Unix seconds; and back, undefined if it is empty. */
export function to_local(seconds) {
	const at = new Date(seconds * 1000);

	return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

export function from_local(text) {
	const at = new Date(text).getTime();

	return Number.isNaN(at) ? undefined : Math.floor(at / 1000);
}
