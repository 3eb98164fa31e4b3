/* SPDX-License-Identifier: Apache-2.0 */
/* lazy: what a row of a long list shows beside its record: it is asked for when the row has been in sight for a moment. */
import { useEffect, useState } from 'preact/hooks';
import { useChanges } from './load.js';

const PAUSE = 120; /* milliseconds, so that what is scrolled past is not asked for */

const known = new Map();
let known_since = -1;

/* The result of `load` for the key, undefined until it is there, null if the daemon refuses it. */
export function useLazy(key, load) {
	const changes = useChanges();
	const [, set] = useState(0);

	if (changes !== known_since) {
		known.clear();
		known_since = changes;
	}
	useEffect(() => {
		if (known.has(key)) {
			return undefined;
		}
		const timer = setTimeout(async () => {
			const result = await load().catch(() => null);

			known.set(key, result);
			set((was) => was + 1);
		}, PAUSE);
		return () => clearTimeout(timer);
	}, [key, changes]);
	return known.get(key);
}
