/* SPDX-License-Identifier: Apache-2.0 */
/* role_editor_tree: a step of one tree: boxes for subtrees, chips for actions and methods, and the lines that are text. */
import { html } from 'htm/preact';
import { useMemo, useState } from 'preact/hooks';
import { useLoad } from '../lib/load.js';
import { tally } from '../lib/permissions.js';
import { effect, outcome } from '../lib/role_effect.js';
import { conditions, toggle, toggle_below, trees_of } from '../lib/role_draft.js';
import { with_ancestors } from '../lib/roles.js';
import { ErrorBox } from '../parts/bits.js';
import { SIGNS } from '../parts/legend.js';
import { PermissionChips } from '../parts/permission_chips.js';
import { Tree } from '../parts/tree.js';
import { Kept } from './role_editor_lines.js';
import { place_of, Words } from './role_editor_words.js';

const LAYERS = [['allow', 'Allow', SIGNS.allowed.sign], ['deny', 'Deny', SIGNS.denied.sign]];

/* Which layer boxes and chips change. */
function Layer({ layer, set }) {
	return html`<div class="layers" role="radiogroup" aria-label="What a press does">${LAYERS.map(([key, text, mark]) => html`<button type="button" role="radio" key=${key}
		class=${key} aria-checked=${key === layer ? 'true' : 'false'} onClick=${() => set(key)}><span aria-hidden="true">${mark}</span> ${text}</button>`)}</div>`;
}

const STATES = { none: 'false', some: 'mixed', all: 'true' };

function state_of({ held, of }) {
	return held === 0 ? 'none' : held === of ? 'all' : 'some';
}

/* What the tree says of a node for screen readers, and to search in. */
function words_of(node, draft, inherited) {
	return node.permissions.map((one) => `${one.action}${one.word === one.action ? '' : ` ${one.word}`}${draft.deny.has(one.id) ? ' denied' : draft.allow.has(one.id) ? ' allowed' : outcome(inherited.get(one.id)) === 'allowed' ? ' inherited' : ''}`).join(', ')
		+ (node.item?.description ? ` ${node.item.description}` : '');
}

export function TreeStep({ tree, trees, draft, set, by_name, error, lines, is_last }) {
	const { index } = trees;
	const [layer, set_layer] = useState('allow');
	const [entered, set_entered] = useState(null);
	const roots = useMemo(() => index.roots.filter((root) => root.resource === `${tree}:/`), [index, tree]);
	const counted = useMemo(() => ({ allow: tally(roots, draft.allow), deny: tally(roots, draft.deny) }), [roots, draft.allow, draft.deny]);
	const when = useMemo(() => conditions(draft, index), [draft.kept, index]);
	const above = useLoad(() => with_ancestors(draft.inherits, by_name), [draft.inherits.join()]);
	const inherited = useMemo(() => effect(above.data?.records || [], index), [above.data, index]);
	const kept = draft.kept.filter((one) => {
		const of = trees_of(one, index);

		return one.tree === tree || of.includes(tree) || of.length === 0 && one.tree === undefined && is_last;
	});
	const box = (node) => {
		const { held, of } = counted[layer].get(node.resource);
		const state = state_of({ held, of });

		return of > 0 && html`<button type="button" class="tri ${state} ${layer}" tabIndex="-1" aria-hidden="true" title=${`${layer === 'deny' ? 'Deny' : 'Allow'} all ${of} at and below it`}
			onClick=${() => set((was) => toggle_below(was, layer, node))}><span>${state === 'all' ? SIGNS[layer === 'deny' ? 'denied' : 'allowed'].sign : state === 'some' ? '–' : ''}</span></button>`;
	};
	const total = counted[layer].get(`${tree}:/`);

	return html`
		<p class="dim about">A box stands for a node with all below it; a chip for one action or method. A denial wins over everything that is allowed, in this role and in others.</p>
		${roots.length > 0 && html`<${Words} node=${place_of(entered, index, roots[0])} draft=${draft} layer=${layer} inherited=${inherited} press=${(permissions) => set((was) => toggle(was, layer, permissions))} />`}
		<${Tree} entered=${set_entered} nodes=${roots} label=${`The tree ${tree}`} before=${box} press=${(node) => set((was) => toggle_below(was, layer, node))}
			keys=${{ d: (node) => set((was) => toggle_below(was, 'deny', node)), a: (node) => set((was) => toggle_below(was, 'allow', node)) }}
			checked=${(node) => STATES[state_of(counted[layer].get(node.resource))]}
			words=${(node) => words_of(node, draft, inherited)}
			tools=${html`<${Layer} layer=${layer} set=${set_layer} /><span class="dim right" role="status">${total.held} of ${total.of} ${layer === 'deny' ? 'denied' : 'allowed'}</span>`}
			row=${(node, is_here) => html`<${PermissionChips} node=${node} draft=${draft} layer=${layer} inherited=${inherited} when=${when} tab=${is_here ? 0 : -1}
				press=${(permissions) => set((was) => toggle(was, layer, permissions))} />`} />
		<p class="tip keyboard"><kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>→</kbd> <kbd>←</kbd> expand and close, <kbd>Space</kbd> ticks the box, <kbd>A</kbd> allows, <kbd>D</kbd> denies, <kbd>Tab</kbd> goes to the chips of the row.</p>
		${above.data?.unread.length > 0 && html`<p class="dim">What ${above.data.unread.join(', ')} allows is not drawn: you may not read it.</p>`}
		<${ErrorBox} error=${above.error} />
		<${Kept} kept=${kept} set=${set} index=${index} error=${error} lines=${lines} tree=${tree} />`;
}
