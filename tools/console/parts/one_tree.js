/* SPDX-License-Identifier: Apache-2.0 */
/* one_tree: the chooser of one tree of several, and what is of it. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { tree_of } from '../lib/permissions.js';

const NONE = [];

/* of: things with a `resource`. Returns {tree, shown: those of the chosen tree, pick: the chooser where there is a choice}. */
export function useOneTree(of = NONE) {
	const [tree, set_tree] = useState('');
	const names = useMemo(() => [...new Set(of.map((one) => tree_of(one.resource)))], [of]);
	const shown = useMemo(() => tree === '' ? of : of.filter((one) => tree_of(one.resource) === tree), [of, tree]);
	const pick = names.length > 1 && html`<select aria-label="Tree" value=${tree} onChange=${(event) => set_tree(event.currentTarget.value)}>
		<option value="">All trees</option>${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select>`;

	return { tree, shown, pick };
}
