/* SPDX-License-Identifier: Apache-2.0 */
/* role_tree: what a role comes to, with what it inherits: each permission with the role that it is from. */
import { html } from 'htm/preact';
import { useMemo } from 'preact/hooks';
import { walk } from '../lib/nodes.js';
import { effect, outcome } from '../lib/role_effect.js';
import { Legend, SIGNS } from './legend.js';
import { useOneTree } from './one_tree.js';
import { Tree } from './tree.js';

/* The permissions of a node in words: one chip for an action whose methods all come to the same. */
function chips_of(node, found) {
	const chips = [];

	for (const one of node.permissions) {
		const entry = found.get(one.id), state = outcome(entry);
		const key = JSON.stringify([one.action, entry]);
		const last = chips[chips.length - 1];

		if (state === 'none') {
			continue;
		}
		if (last?.key === key) {
			last.words.push(one.word);
		} else {
			chips.push({ key, action: one.action, words: [one.word], all: node.permissions.filter((other) => other.action === one.action).length, state, entry });
		}
	}
	return chips.map((chip) => ({ ...chip, text: chip.words.length === chip.all ? chip.action : `${chip.action} ${chip.words.join(' ')}` }));
}

function why(chip, own) {
	const from = (kind, names) => names.length > 0 && `${kind} by ${names.map((name) => name === own ? 'this role' : name).join(', ')}`;
	const when = (kind, lines) => lines.map((line) => `${kind} by ${line.role === own ? 'this role' : line.role} when ${line.when}`);
	const { entry } = chip;

	return [from('denied', entry.deny), from('allowed', entry.allow), ...when('denied', entry.deny_when), ...when('allowed', entry.allow_when)].filter(Boolean).join('\n');
}

/* The roles from which a chip is. */
function roles_of({ entry, state }) {
	return [...new Set([...(state === 'denied' ? entry.deny : entry.allow), ...entry.allow_when.map((line) => line.role), ...entry.deny_when.map((line) => line.role)])];
}

function Chip({ chip, own }) {
	const { entry, state } = chip;
	const roles = roles_of(chip);
	const is_own = roles.includes(own);

	return html`<span class="together"><span class="chip ${SIGNS[state].tone} ${is_own ? '' : 'inherited'}" title=${why(chip, own)}>${SIGNS[state].sign} ${chip.text}<span class="unseen"> ${state}</span>${!is_own && html` <small>${roles.join(', ')}</small>`}</span>
		${state === 'sometimes' && entry.allow.length === 0 && entry.allow_when.map((line, i) => html`<span class="chip info" key=${i}>when ${line.when}</span>`)}
		${state === 'sometimes' && entry.deny_when.map((line, i) => html`<span class="chip warn" key=${`d${i}`}>not when ${line.when}</span>`)}</span>`;
}

/* What the legend explains of these nodes. */
function kinds_of(nodes, found, own) {
	const chips = [...walk(nodes)].flatMap((node) => chips_of(node, found));
	const kinds = new Set(chips.map((chip) => chip.state));

	if (chips.some((chip) => chip.entry.deny_when.length > 0 && chip.state === 'sometimes')) {
		kinds.add('unless');
	}
	if (chips.some((chip) => !roles_of(chip).includes(own))) {
		kinds.add('inherited');
	}
	return kinds;
}

/* A tree with only the nodes that hold something, and what is above them. */
function pruned(nodes, found) {
	return nodes.flatMap((node) => {
		const children = pruned(node.children, found);

		return children.length > 0 || chips_of(node, found).length > 0 ? [{ ...node, children }] : [];
	});
}

/* How many permissions below a node are allowed or denied, always or sometimes. */
function named_below(node, found) {
	return [...walk(node.children)].flatMap((one) => one.permissions).filter((one) => outcome(found.get(one.id)) !== 'none').length;
}

/* index: of the trees; records: of roles.get, the role itself first. */
export function RoleTree({ index, records, label }) {
	const found = useMemo(() => effect(records, index), [records, index]);
	const roots = useMemo(() => pruned(index.roots, found), [index, found]);
	const { tree, shown, pick } = useOneTree(roots);
	const own = records[0]?.name;
	const kinds = useMemo(() => kinds_of(roots, found, own), [roots, found, own]);

	return roots.length === 0 ? html`<p class="dim">It allows and denies nothing.</p>` : html`<${Legend} kinds=${kinds} /><${Tree} key=${tree} nodes=${shown} label=${label} tools=${pick}
		row=${(node, is_here, is_open) => html`${chips_of(node, found).map((chip) => html`<${Chip} key=${chip.key} chip=${chip} own=${own} />`)}
			${!is_open && html`<span class="dim">${named_below(node, found).toLocaleString('en')} below</span>`}`}
		words=${(node) => chips_of(node, found).map((chip) => `${chip.text} ${chip.state}`).join(', ')} />`;
}
