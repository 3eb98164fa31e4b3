/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants_write: few and readable lines for a set of permissions: `all on X/**` for a whole subtree, a word
 * that is held wherever it is below, such as `GET on X/**`, `all … except` where little is left out, and node by node
 * what remains; nodes with the same words share a line. Pure, and tested by itself and against the daemon.
 */
import { parse } from './grants.js';
import { below, tree_of, words_of } from './permissions.js';
import { walk } from './nodes.js';

const WIDTH = 100;      /* characters of a line that lists several patterns */
const MANY = 200;       /* lines, of those that a role can have: more are packed tighter */
const MOST = 256;       /* lines that a role can have */
const PACKED = 4000;
const LEFT_OUT = 8;     /* permissions that `except` may name, of that many at least */
const EXCEPTED = 3;     /* patterns of an exception that is put to a line */
const COMMON = 8;       /* nodes: a word that this many have, or a quarter of the nodes, is written for the subtree */

function pattern_of(node, is_deep) {
	return is_deep && node.children.length > 0 ? `${node.resource.replace(/\/$/, '')}/**` : node.resource;
}

/* A node with nothing of its own and one child says less than the child. */
function narrowed(node) {
	const used = node.children.filter((child) => below(child).length > 0);

	return node.permissions.length === 0 && used.length === 1 ? narrowed(used[0]) : node;
}

/* The ids in subtrees below the node that are held as a whole, each of which has a line of its own. */
function in_whole_subtrees(node, held) {
	return node.children.flatMap((child) => {
		const all = child.children.length > 0 ? below(child) : [];

		return all.length > 0 && all.every((one) => held.has(one.id)) ? all.map((one) => one.id) : in_whole_subtrees(child, held);
	});
}

/* The words below the node that are held wherever they are, and are in more than one of its branches: [[word, permissions]] */
function whole_words(node, held) {
	const by_word = new Map();

	for (const [branch, start] of [[node], ...node.children.map((child) => [...walk([child])])].entries()) {
		for (const one of start.flatMap((each) => each.permissions)) {
			for (const word of new Set([one.action, one.word])) {
				const known = by_word.get(word) || { list: [], branches: new Set() };

				known.list.push(one);
				known.branches.add(branch);
				by_word.set(word, known);
			}
		}
	}
	return [...by_word].filter(([, { list, branches }]) => branches.size > 1 && list.every((one) => held.has(one.id))).map(([word, { list }]) => [word, list]);
}

/* Those of these words that are worth a line for the subtree, the most frequent first; takes what they cover from `left`. */
function common_words(node, held, left) {
	const whole = whole_words(node, held);
	const apart = new Set(whole.length > 0 ? in_whole_subtrees(node, held) : []);
	const nodes = whole.length > 0 ? [...walk([node])].filter((one) => one.permissions.length > 0).length : 0;
	const words = [];

	for (;;) {
		let best = null, most = 1;

		for (const [word, list] of whole) {
			const fresh = new Set(list.filter((one) => left.has(one.id) && !apart.has(one.id)).map((one) => one.resource)).size;

			if (fresh > most && (fresh >= COMMON || fresh * 4 >= nodes)) {
				[best, most] = [[word, list], fresh];
			}
		}
		if (best === null) {
			return words;
		}
		words.push(best[0]);
		for (const one of best[1]) {
			left.delete(one.id);
		}
	}
}

function patterns_in(lines) {
	return lines.reduce((sum, line) => sum + line.patterns.length + (line.exceptions || 0), 0);
}

/* [{verbs (null: all), patterns, except}] for what is held at and below the node. `left`: what has no line yet. */
function cover(start, held, left, may_except) {
	const node = narrowed(start);
	const all = below(node);
	const missing = all.filter((one) => !held.has(one.id));

	if (!all.some((one) => left.has(one.id))) {
		return [];
	}
	if (missing.length === 0) {
		all.forEach((one) => left.delete(one.id));
		return [{ verbs: null, patterns: [pattern_of(node, true)] }];
	}
	const short = may_except && all.length >= LEFT_OUT && missing.length <= LEFT_OUT && missing.length * 4 <= all.length ? all_except(node, missing) : null;
	if (short !== null && patterns_in(cover(node, held, new Set(left), false)) > patterns_in([short])) {
		all.forEach((one) => left.delete(one.id));
		return [short];
	}
	const lines = [];
	const words = common_words(node, held, left);
	if (words.length > 0) {
		lines.push({ verbs: words, patterns: [pattern_of(node, true)] });
	}
	if (node.permissions.some((one) => left.has(one.id))) {
		const is_whole = node.permissions.every((one) => held.has(one.id));

		lines.push({ verbs: is_whole ? null : words_of(node, (id) => left.has(id)), patterns: [pattern_of(node, false)] });
		node.permissions.forEach((one) => left.delete(one.id));
	}
	return lines.concat(node.children.flatMap((child) => cover(child, held, left, may_except)));
}

/* `all on X/** except …`, if one exception says what is missing. */
function all_except(node, missing) {
	const ids = new Set(missing.map((one) => one.id));
	const exceptions = grouped(cover(node, ids, new Set(ids), false));
	const words = exceptions.flatMap((one) => one.verbs || []);
	const is_everywhere = exceptions.every((one) => one.verbs !== null)
		&& below(node).every((one) => ids.has(one.id) || !words.includes(one.word) && !words.includes(one.action));

	if (!is_everywhere && (exceptions.length > 1 || exceptions[0].patterns.length > 3)) {
		return null;
	}
	const where = is_everywhere ? '' : exceptions[0].patterns.join(', ');
	return { verbs: null, patterns: [pattern_of(node, true)], exceptions: is_everywhere ? 1 : exceptions[0].patterns.length, except: [[...new Set(words)].join(', '), where].filter(Boolean).join(' on ') };
}

/* Lines with the same words as one. */
function grouped(lines) {
	const by_words = new Map();

	for (const line of lines) {
		const key = `${line.verbs === null ? 'all' : [...line.verbs].sort().join()} ${line.except || ''} ${line.except ? line.patterns : ''} ${tree_of(line.patterns[0])}`;
		const known = by_words.get(key);

		if (known) {
			known.patterns = [...known.patterns, ...line.patterns];
		} else {
			by_words.set(key, { ...line });
		}
	}
	return [...by_words.values()];
}

function written(effect, lines, width) {
	return lines.flatMap(({ verbs, patterns, except }) => {
		const begin = `${effect} ${verbs === null ? 'all' : verbs.join(', ')} on `;
		const texts = [];
		let text = '';

		for (const pattern of patterns) {
			if (text !== '' && begin.length + text.length + pattern.length > width) {
				texts.push(text);
				text = '';
			}
			text += text === '' ? pattern : `, ${pattern}`;
		}
		return [...texts, text].map((part) => begin + part + (except ? ` except ${except}` : ''));
	});
}

/* The lines for the permissions in `left`, not yet as text; they may go over others that are held. */
function lines_for(roots, held, left) {
	return grouped(roots.flatMap((root) => cover(root, held, new Set(below(root).map((one) => one.id).filter((id) => left.has(id))), true)));
}

/* Lines for exactly what is left, or over what is held where that is shorter. */
function shortest(roots, held, left) {
	const exact = lines_for(roots, left, left), wide = lines_for(roots, held, left);

	return patterns_in(wide) < patterns_in(exact) ? wide : exact;
}

/* The lines that allow, or deny, exactly these permissions of these trees. */
export function write(effect, roots, ids) {
	const lines = lines_for(roots, ids, ids);
	const texts = written(effect, lines, WIDTH);

	return texts.length <= MANY ? texts : written(effect, lines, PACKED);
}

/* A line with an exception for those that were taken from it; null if it has one already, or one does not say it. */
function with_exception(line, roots, taken) {
	const parsed = parse(line.text);
	const exceptions = parsed.except === null ? lines_for(roots, taken, taken) : [];

	if (exceptions.length !== 1 || exceptions[0].except || exceptions[0].patterns.length > EXCEPTED) {
		return null;
	}
	const [{ verbs, patterns }] = exceptions;

	return { text: `${line.text} except ${verbs === null ? '' : `${verbs.join(', ')} on `}${patterns.join(', ')}`, size: parsed.patterns.length + patterns.length };
}

/* The texts for what is left of a line, and is in no other line. */
function mended(line, held, left, index, width) {
	if (left.size === 0) {
		return [];
	}
	const roots = index.roots.filter((root) => line.trees.has(tree_of(root.resource)));
	const lines = shortest(roots, held, left);
	const excepting = with_exception(line, roots, new Set([...line.ids].filter((id) => !held.has(id))));

	return excepting !== null && excepting.size < patterns_in(lines) ? [excepting.text] : written(line.deny ? 'deny' : 'allow', lines, width);
}

/* Of one effect: {of_line: a map from each of these lines to its texts, more: the texts of what no line has}. */
function patched(effect, drawn, held, index, width) {
	const of_line = new Map(drawn.filter((line) => [...line.ids].every((id) => held.has(id))).map((line) => [line, [line.text]]));
	const covered = new Set([...of_line.keys()].flatMap((line) => [...line.ids]));
	const left_of = (ids) => new Set([...ids].filter((id) => held.has(id) && !covered.has(id)));

	for (const line of drawn.filter((one) => !of_line.has(one))) {
		const left = left_of(line.ids);

		of_line.set(line, mended(line, held, left, index, width));
		left.forEach((id) => covered.add(id));
	}
	const more = left_of(held);
	return { of_line, more: more.size > 0 ? written(effect, shortest(index.roots, held, more), width) : [] };
}

/* The lines in the order in which they were, what is more at the end of what is allowed and of what is denied. */
function in_order(lines, now, index, width) {
	const drawn = (deny) => lines.map(({ line }) => line).filter((line) => line.is_drawn && line.deny === deny);
	const allow = patched('allow', drawn(false), now.allow, index, width), deny = patched('deny', drawn(true), now.deny, index, width);
	const texts_of = (line) => line.is_drawn ? (line.deny ? deny : allow).of_line.get(line) : [line.text];
	const all = (some) => some.flatMap(({ line, kept }) => texts_of(line).map((text) => text === line.text ? { text, kept } : { text }));
	const end = lines.findLastIndex(({ line }) => !line.deny) + 1;

	return [...all(lines.slice(0, end)), ...allow.more.map((text) => ({ text })), ...all(lines.slice(end)), ...deny.more.map((text) => ({ text }))];
}

/*
 * The lines of a role after its boxes were changed: [{text, kept: the index in `was.lines`, or undefined}]. `was` is what
 * read() gave, `now` has `allow` and `deny`. A line stays as it is written as long as all that it comes to is still
 * wanted, and so does one that is not drawn as boxes; of the others what is left is written in their place, and
 * new lines are for what no line has. Those in `without` go. Where that would be more lines than a role
 * can have, all boxes are written from the beginning.
 */
export function rewrite(was, now, index, without = new Set()) {
	const lines = was.lines.map((line, kept) => ({ line, kept })).filter(({ kept }) => !without.has(kept));

	for (const width of [WIDTH, PACKED]) {
		const found = in_order(lines, now, index, width);

		if (found.length <= (width === WIDTH ? Math.max(MANY, lines.length) : MOST)) {
			return found;
		}
	}
	const texts = lines.filter(({ line }) => !line.is_drawn);
	const kept = (deny) => texts.filter(({ line }) => line.deny === deny).map(({ line, kept: i }) => ({ text: line.text, kept: i }));

	return [
		...kept(false), ...write('allow', index.roots, now.allow).map((text) => ({ text })),
		...kept(true), ...write('deny', index.roots, now.deny).map((text) => ({ text })),
	];
}
