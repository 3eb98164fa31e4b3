/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_words: one method, or one action without methods, at a node and everywhere below it, by one press. */
import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';
import { words_below } from '../lib/permissions.js';
import { Chip } from '../parts/permission_chips.js';

const MOST = 12; /* words, the most frequent ones */

/* The node, or the nearest one above it with something below. */
export function place_of(node, index, root) {
	let place = node;

	while (place && place.children.length === 0 && place !== root) {
		const parent = place.resource.slice(0, place.resource.lastIndexOf('/'));

		place = index.by_resource.get(parent) || index.by_resource.get(`${parent}/`) || root;
	}
	return place || root;
}

/* node: with all below it; press(permissions): what a chip does. */
export function Words({ node, draft, layer, inherited, press }) {
	const words = useMemo(() => words_below(node).slice(0, MOST), [node]);

	return words.length > 0 && html`<div class="row everywhere" role="group" aria-label=${`At and below ${node.resource}`}><span class="dim">All at and below <code>${node.resource}</code></span>
		${words.map(({ word, permissions }) => html`<${Chip} key=${word} text=${word} label=${`${word} at and below ${node.resource}`} permissions=${permissions} draft=${draft} layer=${layer}
			inherited=${inherited} press=${press} />`)}</div>`;
}
