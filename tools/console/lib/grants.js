/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants: reads lines of grants, `allow GET on api:/loans/** except DELETE when …`, as the policy language has
 * them, into sets of permissions. What it does not understand it says so of: such a line is kept as text.
 * Pure, and tested by itself and against the daemon.
 */
import { walk } from './nodes.js';
import { tree_of } from './permissions.js';

const TOKEN = /\s*(?:(,)|((?:[^\s,{}"#]|\{[^\s{},"/]+\})+)|([{}]))/y;
const PATTERN = /^[a-z][a-z0-9_-]*:\//;

class Unreadable extends Error {}

/* The words of a line up to `when`, which only what follows the patterns can be. */
function tokens_of(text) {
	const tokens = [];

	TOKEN.lastIndex = 0;
	while (TOKEN.lastIndex < text.length && text.slice(TOKEN.lastIndex).trim() !== '') {
		const at = TOKEN.lastIndex;
		const [match, comma, word, brace] = TOKEN.exec(text) || [];

		if (match === undefined) {
			throw new Unreadable(text.slice(at));
		}
		/* Two places have a `{` at the beginning of a word: a block, and nothing else before `when`. */
		tokens.push({ text: comma || word || brace, at: at + match.length - (comma || word || brace).length });
		if (word === 'when' && tokens.length > 4) {
			break;
		}
	}
	return tokens;
}

class Reader {
	constructor(text) {
		this.tokens = tokens_of(text);
		this.next = 0;
	}
	peek() {
		return this.tokens[this.next]?.text;
	}
	take(expected) {
		const token = this.tokens[this.next++];

		if (!token || expected !== undefined && token.text !== expected) {
			throw new Unreadable();
		}
		return token.text;
	}
	list(read) {
		const items = [read()];

		while (this.peek() === ',') {
			this.take();
			items.push(read());
		}
		return items.flat();
	}
	verbs() {
		const verbs = this.list(() => {
			const verb = this.take();

			if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(verb)) {
				throw new Unreadable();
			}
			return verb;
		});

		return verbs[0] === 'all' ? null : verbs;
	}
	/* PATTERN { /, /a { /b } }: what is in the block is joined to what stands before it. */
	joined(base) {
		if (this.peek() !== '{') {
			return [base];
		}
		const all = [];

		this.take('{');
		while (this.peek() !== '}') {
			const path = this.take();

			if (path === ',') {
				continue;
			}
			if (!path.startsWith('/')) {
				throw new Unreadable();
			}
			all.push(...this.joined(path === '/' ? base : join(base, path)));
		}
		this.take('}');
		return all;
	}
	patterns() {
		return this.list(() => {
			const pattern = this.take();

			if (!PATTERN.test(pattern)) {
				throw new Unreadable();
			}
			return this.joined(pattern);
		});
	}
}

function join(base, path) {
	return base.endsWith(':/') ? base + path.slice(1) : base + path;
}

/*
 * {deny, verbs, patterns, except, when}: `verbs` null is `all`; `except` null or {verbs, patterns}, in which null is any;
 * `when` the condition's text. null: it is not a line that this understands.
 */
export function parse(text) {
	try {
		const reader = new Reader(text);
		const effect = reader.take();

		if (effect !== 'allow' && effect !== 'deny') {
			return null;
		}
		const line = { deny: effect === 'deny', verbs: reader.verbs(), patterns: null, except: null, when: null };

		reader.take('on');
		line.patterns = reader.patterns();
		if (reader.peek() === 'except') {
			reader.take();
			line.except = { verbs: null, patterns: null };
			if (PATTERN.test(reader.peek() || '')) {
				line.except.patterns = reader.patterns();
			} else {
				line.except.verbs = reader.verbs();
				if (reader.peek() === 'on') {
					reader.take();
					line.except.patterns = reader.patterns();
				}
			}
		}
		if (reader.peek() === 'when') {
			line.when = text.slice(reader.tokens[reader.next].at + 4).trim();
			return line.when === '' ? null : line;
		}
		return reader.peek() === undefined ? line : null;
	} catch (error) {
		if (error instanceof Unreadable) {
			return null;
		}
		throw error;
	}
}

/* The nodes that a pattern selects; none if it names one that is not declared. */
function nodes_of(pattern, index) {
	const colon = pattern.indexOf(':');
	const root = index.by_resource.get(pattern.slice(0, colon + 2));
	const segments = pattern.slice(colon + 2).split('/').filter((segment) => segment !== '');
	let nodes = root ? [root] : [];

	for (const [i, segment] of segments.entries()) {
		if (segment === '**') {
			return i === segments.length - 1 ? [...walk(nodes)] : [];
		}
		nodes = nodes.flatMap((node) => node.children.filter((child) => segment === '*' ? !child.name.endsWith('...}') : child.name === `/${segment}`));
	}
	return nodes;
}

function selects(permission, verbs) {
	return verbs === null || verbs.includes(permission.word) || verbs.includes(permission.action);
}

/* The ids of the permissions that a parsed line selects, whatever its condition. null: a pattern or a verb selects nothing,
 * which the daemon refuses. */
export function select(line, index) {
	const found = new Set(), used = new Set();

	for (const pattern of line.patterns) {
		const chosen = nodes_of(pattern, index).flatMap((node) => node.permissions).filter((one) => selects(one, line.verbs));

		if (chosen.length === 0) {
			return null;
		}
		for (const one of chosen) {
			found.add(one.id);
			used.add(one.word).add(one.action);
		}
	}
	if (line.verbs?.some((verb) => !used.has(verb))) {
		return null;
	}
	if (line.except) {
		const inside = line.except.patterns && new Set(line.except.patterns.flatMap((pattern) => nodes_of(pattern, index)).map((node) => node.resource));

		for (const id of found) {
			const one = index.by_id.get(id);

			if ((inside === null || inside.has(one.resource)) && selects(one, line.except.verbs)) {
				found.delete(id);
			}
		}
	}
	return found;
}

/*
 * What lines come to: {allow, deny: sets of ids; lines}. Of each line: {text, deny, when, ids, trees, is_drawn}: a line
 * is drawn as boxes if it is understood and has no condition; the others stay as they are written. `ids` is then
 * where the condition counts, or empty.
 */
export function read(texts, index) {
	const allow = new Set(), deny = new Set();
	const lines = texts.map((text) => {
		const line = parse(text);
		const ids = line && select(line, index);
		const is_drawn = ids !== null && line.when === null;

		if (is_drawn) {
			for (const id of ids) {
				(line.deny ? deny : allow).add(id);
			}
		}
		return { text, deny: line?.deny || false, when: ids ? line.when : null, ids: ids || new Set(),
			trees: new Set((line?.patterns || []).map(tree_of)), is_drawn };
	});

	return { allow, deny, lines };
}
