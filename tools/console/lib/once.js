/* SPDX-License-Identifier: Apache-2.0 */
/* once: an action that is under way is not begun a second time by another press. */
import { useRef } from 'preact/hooks';

/* act, as a function that does nothing while the promise of its last call is not settled. */
export function useOnce(act) {
	const is_busy = useRef(false);

	return async (...args) => {
		if (is_busy.current) {
			return;
		}
		is_busy.current = true;
		try {
			await act(...args);
		} finally {
			is_busy.current = false;
		}
	};
}
