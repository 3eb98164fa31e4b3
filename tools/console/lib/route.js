/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: the address after the #: `#/keys/1abc?status=active`. It names the page, the record and what
 * the page filters by, so that a link can be kept and sent. It never holds a secret.
 */
import { signal } from '@preact/signals';
import { without_secrets } from './text.js';

function read() {
	const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
	const parts = path.split('/').filter((part) => part !== '').map((part) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	});

	return { page: parts[0] || 'keys', id: parts[1], part: parts[2], query: Object.fromEntries(new URLSearchParams(query)) };
}

/* {page, id, part, query}: texts, or undefined. */
export const route = signal(read());

let shown = -1; /* the number of the history's entry whose page is shown */
let keeper = null;

/* Entries are numbered, so that the page can go back to the one that it came from. */
function entry() {
	if (history.state?.entry === undefined) {
		history.replaceState({ entry: shown + 1 }, '');
	}
	return history.state.entry;
}

shown = entry();

addEventListener('hashchange', () => {
	const here = entry();
	const steps = here - shown;

	if (steps !== 0 && keeper?.holds()) {
		const { ask } = keeper;

		history.go(-steps);
		/* Every hashchange closes the dialog, the one that this step makes, too. */
		addEventListener('hashchange', () => setTimeout(() => ask(() => history.go(steps))), { once: true });
		return;
	}
	shown = here;
	route.value = read();
});

/*
 * While holds() is true, the page stays when the address changes, by a link or by the browser's Back, and
 * ask(leave) is called instead; leave() goes on. Returns what ends this.
 */
export function keep_page(holds, ask) {
	const mine = { holds, ask };

	keeper = mine;
	return () => {
		keeper = keeper === mine ? null : keeper;
	};
}

/* The address of a page: href('keys', id), href('keys', null, {status: 'revoked'}). */
export function href(page, id, query) {
	const words = new URLSearchParams(Object.entries(query || {}).filter(([, value]) => value !== undefined && value !== '')
		.map(([word, value]) => [word, without_secrets(String(value))]));
	const tail = words.toString();

	return `#/${page}${id === undefined || id === null ? '' : `/${encodeURIComponent(id)}`}${tail ? `?${tail}` : ''}`;
}

export function go(page, id, query) {
	location.hash = href(page, id, query);
}

/* Changes what the page filters by, without an entry in the browser's history. */
export function set_query(query) {
	history.replaceState(history.state, '', href(route.value.page, route.value.id, { ...route.value.query, ...query }));
	route.value = read();
}
