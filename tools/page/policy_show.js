// SPDX-License-Identifier: Apache-2.0
// Draws what the element #data has: a node is [depth, segment, description, actions], in preorder; an
// action is [name, methods, description, marks, conditions] with one mark for each role or scope: +
// allowed, ~ partly, ? on a condition, - denied, x partly and denied, ! on a condition and denied, . not
// allowed; a number after a mark says how often it comes. The conditions, if there are any, are numbers of
// texts by the number of the role or scope.
// Text reaches the page as text alone.
'use strict';
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
// Drawn at once; a button draws as many again. A row of the matrix has many cells.
const ROWS = { tree: 400, matrix: 150 };
const COLUMNS = 40;
const SYMBOLS = { all: '●', when: '◇', some: '◐', denied: '✕', none: '·' };
const WORDS = {
	all: 'allowed', when: 'allowed on a condition', some: 'partly allowed', denied: 'denied', none: 'not allowed',
};

const byId = (id) => document.getElementById(id);

function element(name, className, text) {
	const made = document.createElement(name);
	if (className) {
		made.className = className;
	}
	if (text !== undefined) {
		made.textContent = text;
	}
	return made;
}

// --- the nodes ---

const nodes = data.nodes.map(([depth, segment, description, actions]) =>
	({ depth, segment, description, actions, parent: -1, end: 0, first: 0, path: '', words: '' }));
const actions = [];

(function link() {
	const above = [];
	nodes.forEach((node, i) => {
		while (above.length > node.depth) {
			nodes[above.pop()].end = i;
		}
		node.parent = above.length > 0 ? above[above.length - 1] : -1;
		const parent = nodes[node.parent];
		if (!parent) {
			node.path = `${node.segment}:/`;
		} else {
			node.path = parent.path + (parent.depth > 0 ? '/' : '') + node.segment;
		}
		node.first = actions.length;
		actions.push(...node.actions);
		node.words = [node.path, node.description, ...node.actions.flatMap((a) => a.slice(0, 3))]
			.join('\n').toLowerCase();
		above.push(i);
	});
	while (above.length > 0) {
		nodes[above.pop()].end = nodes.length;
	}
})();

const hasChildren = (i) => nodes[i].end > i + 1;
const lastAction = (i) => (nodes[i].end < nodes.length ? nodes[nodes[i].end].first : actions.length);

// The marks of an action, one character each. They are unpacked when they are looked at first.
const unpacked = [];
function marksOf(number) {
	unpacked[number] ??= actions[number][3].replace(/(\D)(\d+)/g, (_, mark, count) => mark.repeat(count));
	return unpacked[number];
}

// What a holder may do of the actions [from, to).
function sum(holder, from, to) {
	const counts = { total: to - from, all: 0, when: 0, some: 0, denied: 0 };
	for (let i = from; i < to; i++) {
		const mark = marksOf(i)[holder];
		counts.all += mark === '+';
		counts.when += mark === '?' || mark === '!';
		counts.some += mark === '~' || mark === 'x';
		counts.denied += mark === '-' || mark === 'x' || mark === '!';
	}
	return counts;
}

function state(counts) {
	if (counts.total > 0 && counts.all === counts.total) {
		return 'all';
	}
	if (counts.all + counts.some > 0) {
		return 'some';
	}
	if (counts.when > 0) {
		return 'when';
	}
	return counts.total > 0 && counts.denied === counts.total ? 'denied' : 'none';
}

const stateOf = (holder, i) => state(sum(holder, i, i + 1));

function describe(counts) {
	const denied = counts.denied > 0 ? `, ${counts.denied} denied` : '';
	const when = counts.when > 0 ? `, ${counts.when} on conditions` : '';
	return `${counts.all} of ${counts.total} allowed${when}${denied}`;
}

// The text of the condition on which a holder may do an action; empty: there is none.
function conditionOf(holder, number) {
	const at = actions[number][4]?.[holder];
	return at === undefined ? '' : data.conditions[at];
}

function explain(how, holder, number) {
	const when = conditionOf(holder, number);
	return when ? `${WORDS[how]}: when ${when}` : WORDS[how];
}

// --- what is seen ---

const view = {
	search: data.search, holder: data.holder, matrix: false, open: new Set(), rows: 0, focus: 0,
	column: '', firstColumn: 0,
};
const step = () => (view.matrix ? ROWS.matrix : ROWS.tree);
let kept = null; // with a search: whether each node is shown; else null

function openRoots() {
	nodes.forEach((node, i) => {
		if (node.depth === 0) {
			view.open.add(i);
		}
	});
}

function search() {
	const word = view.search.trim().toLowerCase();
	let found = 0;
	kept = null;
	if (word === '') {
		return -1;
	}
	kept = new Array(nodes.length).fill(false);
	nodes.forEach((node, i) => {
		if (node.words.includes(word)) {
			found++;
			for (let at = i; at >= 0 && !kept[at]; at = nodes[at].parent) {
				kept[at] = true;
			}
		}
	});
	return found;
}

const isOpen = (i) => (kept ? !view.open.has(~i) : view.open.has(i));

// A search opens everything; what is closed by hand then is noted under another number.
function setOpen(i, open) {
	if (kept) {
		view.open[open ? 'delete' : 'add'](~i);
	} else {
		view.open[open ? 'add' : 'delete'](i);
	}
}

function visible() {
	const list = [];
	for (let i = 0; i < nodes.length;) {
		if (kept && !kept[i]) {
			i = nodes[i].end;
			continue;
		}
		list.push(i);
		i = isOpen(i) ? i + 1 : nodes[i].end;
	}
	return list;
}

// Text with the word that is searched for marked.
function put(into, text) {
	const word = view.search.trim().toLowerCase();
	const at = word === '' ? -1 : text.toLowerCase().indexOf(word);
	if (at < 0 || text.toLowerCase().length !== text.length) {
		into.append(text);
		return;
	}
	into.append(text.slice(0, at), element('mark', '', text.slice(at, at + word.length)),
		text.slice(at + word.length));
}

const label = (i) => (nodes[i].depth === 0 ? `${nodes[i].segment}:` : `/${nodes[i].segment}`);

// --- the tree ---

function chip([name, methods, description], number) {
	const how = view.holder < 0 ? '' : stateOf(view.holder, number);
	const made = element('span', `chip ${how}`);
	if (how) {
		made.append(element('span', 'mark', SYMBOLS[how]));
	}
	put(made, name);
	if (methods) {
		const small = element('small');
		put(small, ` ${methods}`);
		made.append(small);
	}
	const meaning = how && explain(how, view.holder, number);
	made.title = [meaning, description].filter(Boolean).join(': ');
	if (how) {
		made.setAttribute('aria-label', `${name} ${methods} ${meaning}`);
		made.setAttribute('role', 'img');
	}
	return made;
}

function treeRow(i, at) {
	const node = nodes[i];
	const row = element('div', 'row');
	const path = element('span', 'path');
	row.setAttribute('role', 'treeitem');
	row.setAttribute('aria-level', node.depth + 1);
	row.tabIndex = at === view.focus ? 0 : -1;
	row.dataset.node = i;
	row.title = node.path;
	row.style.setProperty('--level', node.depth);
	if (hasChildren(i)) {
		row.setAttribute('aria-expanded', isOpen(i));
	}
	row.append(element('span', 'toggle', hasChildren(i) ? (isOpen(i) ? '▾' : '▸') : ''));
	put(path, label(i));
	row.append(path);
	if (view.holder >= 0 && hasChildren(i)) {
		const counts = sum(view.holder, node.first, lastAction(i));
		const how = state(counts);
		row.append(element('span', `count ${how}`, `${SYMBOLS[how]} ${describe(counts)}`));
	}
	if (node.actions.length > 0) {
		const chips = element('span', 'chips');
		node.actions.forEach((action, k) => chips.append(chip(action, node.first + k)));
		row.append(chips);
		node.actions.forEach(([name], k) => {
			const when = view.holder < 0 ? '' : conditionOf(view.holder, node.first + k);
			if (when) {
				row.append(element('span', 'text condition', `${name} when ${when}`));
			}
		});
	}
	if (node.description) {
		const text = element('span', 'text');
		put(text, node.description);
		row.append(text);
	}
	return row;
}

function drawTree(list) {
	const rows = list.slice(0, view.rows).map(treeRow);
	byId('tree').replaceChildren(...rows);
}

// --- the matrix ---

function columns() {
	const word = view.column.trim().toLowerCase();
	const list = [];
	data.holders.forEach((holder, i) => {
		if (`${holder[0]} ${holder[1]}`.toLowerCase().includes(word)) {
			list.push(i);
		}
	});
	return list;
}

function cell(how, title) {
	const made = element('td', how, how === 'none' ? '' : SYMBOLS[how]);
	made.title = title;
	made.setAttribute('aria-label', title);
	return made;
}

function matrixRow(level, head, from, to, shown) {
	const row = element('tr');
	const heading = element('th', head.className);
	heading.scope = 'row';
	heading.style.setProperty('--level', level);
	heading.append(head);
	row.append(heading);
	for (const holder of shown) {
		const counts = sum(holder, from, to);
		const how = state(counts);
		row.append(cell(how, `${data.holders[holder][1]}: ` +
			(to - from === 1 ? explain(how, holder, from) : describe(counts))));
	}
	return row;
}

function nodeRows(i, shown) {
	const node = nodes[i];
	const more = hasChildren(i) || node.actions.length > 0;
	const head = element(more ? 'button' : 'span', 'node', more ? (isOpen(i) ? '▾ ' : '▸ ') : '');
	put(head, label(i));
	head.title = node.path;
	if (more) {
		head.type = 'button';
		head.dataset.node = i;
		head.setAttribute('aria-expanded', isOpen(i));
	}
	const rows = [matrixRow(node.depth, head, node.first, lastAction(i), shown)];
	if (isOpen(i)) {
		node.actions.forEach(([name, methods, description], k) => {
			const text = element('span', 'action');
			put(text, `${name} ${methods}`.trim());
			text.title = description;
			const number = node.first + k;
			rows.push(matrixRow(node.depth + 1, text, number, number + 1, shown));
		});
	}
	return rows;
}

function drawMatrix(list) {
	const all = columns();
	view.firstColumn = Math.min(view.firstColumn, Math.max(0, all.length - 1));
	view.firstColumn -= view.firstColumn % COLUMNS;
	const shown = all.slice(view.firstColumn, view.firstColumn + COLUMNS);
	const head = element('tr');
	head.append(element('th', '', 'resource'));
	for (const holder of shown) {
		const [kind, name, description] = data.holders[holder];
		const heading = element('th', holder === view.holder ? 'chosen' : '');
		heading.scope = 'col';
		heading.title = description ? `${kind} ${name}: ${description}` : `${kind} ${name}`;
		heading.append(element('span', '', name));
		head.append(heading);
	}
	const top = element('thead');
	const body = element('tbody');
	top.append(head);
	list.slice(0, view.rows).forEach((i) => body.append(...nodeRows(i, shown)));
	byId('table').replaceChildren(top, body);
	byId('before').disabled = view.firstColumn === 0;
	byId('after').disabled = view.firstColumn + COLUMNS >= all.length;
	byId('shown-columns').textContent = all.length === 0 ? 'none has this name'
		: `${view.firstColumn + 1}–${view.firstColumn + shown.length} of ${all.length}`;
}

// --- everything ---

function remember() {
	const at = new URLSearchParams();
	if (view.search) {
		at.set('search', view.search);
	}
	if (view.holder >= 0) {
		at.set('for', data.holders[view.holder].slice(0, 2).join(' '));
	}
	if (view.matrix) {
		at.set('view', 'matrix');
	}
	try {
		history.replaceState(null, '', `#${at}`);
	} catch {
		// A page in a frame without rights of its own may not.
	}
}

function draw() {
	const found = search();
	const list = visible();
	const left = Math.max(0, list.length - view.rows);
	view.focus = Math.min(view.focus, Math.max(0, Math.min(list.length, view.rows) - 1));
	byId('tree').hidden = view.matrix;
	byId('matrix').hidden = !view.matrix;
	byId('legend').hidden = !view.matrix && view.holder < 0;
	byId('as-tree').setAttribute('aria-pressed', !view.matrix);
	byId('as-matrix').setAttribute('aria-pressed', view.matrix);
	(view.matrix ? drawMatrix : drawTree)(list);
	byId('more').hidden = left === 0;
	byId('show-more').textContent = `Show ${Math.min(left, step())} more of ${left} rows`;
	byId('status').textContent = found < 0 ? ''
		: found === 0 ? 'Nothing has this word.' : `${found} ${found === 1 ? 'resource has' : 'resources have'} it.`;
	remember();
}

function focusRow(at) {
	const rows = byId('tree').children;
	if (rows.length === 0) {
		return;
	}
	const wanted = Math.max(0, Math.min(at, rows.length - 1));
	if (rows[view.focus]) {
		rows[view.focus].tabIndex = -1;
	}
	view.focus = wanted;
	rows[wanted].tabIndex = 0;
	rows[wanted].focus();
}

function toggle(i, open) {
	setOpen(i, open === undefined ? !isOpen(i) : open);
	draw();
}

function onTreeKey(event) {
	const row = event.target.closest('.row');
	if (!row || event.ctrlKey || event.altKey || event.metaKey) {
		return;
	}
	const i = Number(row.dataset.node);
	const at = [...byId('tree').children].indexOf(row);
	const expanded = row.getAttribute('aria-expanded');
	view.focus = at;
	if (event.key === 'ArrowDown') {
		focusRow(at + 1);
	} else if (event.key === 'ArrowUp') {
		focusRow(at - 1);
	} else if (event.key === 'Home') {
		focusRow(0);
	} else if (event.key === 'End') {
		focusRow(Infinity);
	} else if (event.key === 'ArrowRight' && expanded === 'false') {
		toggle(i, true);
		focusRow(at);
	} else if (event.key === 'ArrowRight' && expanded === 'true') {
		focusRow(at + 1);
	} else if (event.key === 'ArrowLeft' && expanded === 'true') {
		toggle(i, false);
		focusRow(at);
	} else if (event.key === 'ArrowLeft' && nodes[i].parent >= 0) {
		focusRow([...byId('tree').children].findIndex((one) => Number(one.dataset.node) === nodes[i].parent));
	} else if ((event.key === 'Enter' || event.key === ' ') && expanded !== null) {
		toggle(i);
		focusRow(at);
	} else {
		return;
	}
	event.preventDefault();
}

function onMatrixKey(event) {
	const heads = [...byId('table').querySelectorAll('button')];
	const at = heads.indexOf(event.target);
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	if (at >= 0 && step && heads[at + step]) {
		heads[at + step].focus();
		event.preventDefault();
	}
}

function listen() {
	const on = (id, name, act) => byId(id).addEventListener(name, act);
	on('controls', 'submit', (event) => event.preventDefault());
	on('search', 'input', () => {
		view.search = byId('search').value;
		view.rows = step();
		view.focus = 0;
		draw();
	});
	on('holder', 'change', () => {
		view.holder = Number(byId('holder').value);
		draw();
	});
	const look = (matrix) => {
		view.matrix = matrix;
		view.rows = step();
		draw();
	};
	on('as-tree', 'click', () => look(false));
	on('as-matrix', 'click', () => look(true));
	on('open-all', 'click', () => {
		view.open = new Set(kept ? [] : nodes.keys());
		draw();
	});
	on('close-all', 'click', () => {
		view.open = new Set(kept ? [...nodes.keys()].map((i) => ~i) : []);
		view.rows = step();
		draw();
	});
	on('tree', 'click', (event) => {
		const row = event.target.closest('.row');
		if (row) {
			const at = [...byId('tree').children].indexOf(row);
			view.focus = at;
			if (row.hasAttribute('aria-expanded') && String(getSelection()) === '') {
				toggle(Number(row.dataset.node));
			}
			focusRow(at);
		}
	});
	on('tree', 'keydown', onTreeKey);
	on('table', 'keydown', onMatrixKey);
	on('table', 'click', (event) => {
		const head = event.target.closest('button');
		if (head) {
			toggle(Number(head.dataset.node));
			byId('table').querySelector(`button[data-node="${head.dataset.node}"]`).focus();
		}
	});
	on('column', 'input', () => {
		view.column = byId('column').value;
		view.firstColumn = 0;
		draw();
	});
	on('before', 'click', () => { view.firstColumn -= COLUMNS; draw(); });
	on('after', 'click', () => { view.firstColumn += COLUMNS; draw(); });
	on('show-more', 'click', () => { view.rows += step(); draw(); });
	document.addEventListener('keydown', (event) => {
		if (event.key === '/' && !/^(INPUT|SELECT)$/.test(event.target.tagName)) {
			byId('search').focus();
			event.preventDefault();
		}
	});
}

function option(i) {
	const made = element('option', '', i < 0 ? 'nobody' : data.holders[i][1]);
	made.value = i;
	return made;
}

// Thousands of options take longer to be styled than all else that is seen at first. Until the page is
// idle, or somebody reaches for them, there is only the chosen one.
function fillHolders() {
	const select = byId('holder');
	if (select.dataset.filled) {
		return;
	}
	select.dataset.filled = true;
	const groups = { role: element('optgroup'), scope: element('optgroup') };
	groups.role.label = 'Roles';
	groups.scope.label = 'Scopes';
	data.holders.forEach(([kind], i) => groups[kind].append(option(i)));
	select.replaceChildren(option(-1), ...Object.values(groups).filter((group) => group.children.length > 0));
	select.value = view.holder;
}

function offerHolders() {
	byId('holder').append(option(view.holder));
	for (const name of ['pointerdown', 'focus', 'keydown']) {
		byId('holder').addEventListener(name, fillHolders, { once: true });
	}
	addEventListener('load', () => (window.requestIdleCallback || setTimeout)(fillHolders));
}

function begin() {
	const at = new URLSearchParams(location.hash.slice(1));
	const holder = data.holders.findIndex((one) => one.slice(0, 2).join(' ') === at.get('for'));
	byId('title').textContent = data.folder;
	byId('about').textContent = data.about;
	view.search = at.get('search') ?? view.search;
	view.holder = holder >= 0 ? holder : view.holder;
	view.matrix = at.get('view') === 'matrix';
	view.rows = step();
	byId('search').value = view.search;
	offerHolders();
	openRoots();
	listen();
	draw();
}

begin();
})();
