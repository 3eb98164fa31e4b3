/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: what a component shows of the daemon. The page has no state of its own: after a change it
 * loads again, with `changed()` for all that is shown.
 */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';

const changes = signal(0);

/* Nobody answered, which passes by itself: asked again after a while. */
const AWAY = ['no_daemon', 'no_answer', 'overloaded'];
const AGAIN = 3000; /* milliseconds */

/* Something was changed: everything that is shown is loaded again. */
export function changed() {
	changes.value++;
}

/* How often something was changed: a component that reads it is drawn again then. */
export function useChanges() {
	return changes.value;
}

/*
 * Runs `load(show)` when the component appears, when something in `on` changes, and after changed().
 * Returns {data, error, loading, reload}. `data` keeps what was there until the next answer, so that
 * nothing flickers; `load` may call show(part) with what it has so far. An answer that comes after a
 * newer question is dropped. While nobody answers it is asked again every few seconds.
 */
export function useLoad(load, on = []) {
	const [state, set] = useState({ data: undefined, error: null, loading: true });
	const turn = useRef(0);
	const timer = useRef(0);
	const run = () => {
		const mine = ++turn.current;
		const is_mine = () => turn.current === mine;
		const fail = (error) => {
			set((was) => ({ ...was, error, loading: false }));
			if (AWAY.includes(error.code)) {
				timer.current = setTimeout(run, AGAIN);
			}
		};

		clearTimeout(timer.current);
		set((was) => ({ ...was, loading: true }));
		Promise.resolve(load((data) => is_mine() && set({ data, error: null, loading: true }) === undefined))
			.then((data) => is_mine() && set({ data, error: null, loading: false }))
			.catch((error) => is_mine() && fail(error));
	};
	const seen = changes.value;

	useEffect(() => {
		run();
		return () => {
			turn.current++;
			clearTimeout(timer.current);
		};
	}, [...on, seen]);
	return { ...state, reload: run };
}

/* Runs `tick` every `ms` milliseconds while the page is seen. */
export function useTick(tick, ms) {
	useEffect(() => {
		const timer = setInterval(() => document.visibilityState === 'visible' && tick(), ms);

		return () => clearInterval(timer);
	}, [ms]);
}
