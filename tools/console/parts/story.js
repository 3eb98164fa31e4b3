/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story: an explanation of a decision in the order in which it was made: who asked, what for, each line of the
 * stack with its verdict, the rules that counted, and what would allow it.
 */
import { html } from 'htm/preact';
import { position } from '../lib/position.js';
import { href } from '../lib/route.js';
import { count, REASONS } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Badge, Position } from './bits.js';

const GROUPS = { authenticate: 'Who is it?', account: 'May this subject act here and now?', authorize: 'Do roles and scopes allow it?', record: 'What is recorded' };
const ENDS = {
	token: 'It ended at the token.', principal: 'It ended at the principal.', environment: 'It ended at the environment or the tenant.',
	service: 'It ended at the service.', authenticate: 'It ended in the group authenticate.', resource: 'It ended at the resource.',
	networks: 'It ended at the networks of the key.', account: 'It ended in the group account.', subject: 'It ended at what roles and scopes deny or leave out.',
	authorize: 'It ended in the group authorize.', facts: 'It ended at a fact that was not given.', charges: 'It ended at a quota.',
};
const TONES = { allow: 'good', deny: 'bad', ignore: 'plain', error: 'bad', true: 'good', false: 'bad', unknown: 'warn' };

export function At({ of }) {
	const where = position(of);

	return where && html`<${Position} ...${where} />`;
}

function Line({ line }) {
	return html`<li>
		<code>${line.control} ${line.module}${(line.arguments || []).map((word) => ` ${word}`)}</code>
		${line.verdict ? html`<${Badge} tone=${TONES[line.verdict]}>${line.verdict}<//>` : html`<span class="dim">did not run</span>`}
		${line.reason && html`<span>${REASONS[line.reason] || line.reason}</span>`}
		${line.fact && html`<span class="dim">${line.fact}</span>`}
		${line.ends && html`<span class="dim">ends the ${line.ends}</span>`}
		<${At} of=${line} />
	</li>`;
}

function Predicates({ of }) {
	return of && of.length > 0 && html`<ul class="lines">${of.map((one, i) => html`<li key=${i}><code>${one.predicate}</code>
		<${Badge} tone=${TONES[one.truth]}>${one.truth}<//> <code class="dim">${one.values}</code></li>`)}</ul>`;
}

/* A role or scope: the one that is held, and those by which it comes to the rule. */
function Through({ of }) {
	const names = of.role || of.scope || [];

	return html`<span>${of.role ? 'role' : 'scope'} ${names.map((name, i) => html`${i > 0 && ' → '}${of.role
		? html`<a href=${href('roles', name)}>${name}</a>` : html`<strong>${name}</strong>`}`)}</span>`;
}

function Rule({ rule }) {
	return html`<li>
		<${Badge} tone=${rule.effect === 'deny' ? 'bad' : 'good'}>${rule.effect === 'deny' ? 'denies' : 'allows'}<//>
		<${Through} of=${rule} /> <code>${rule.rule}</code> <${At} of=${rule} />
		${rule.at && html`<span class="dim">at ${rule.at}</span>`}
		${rule.until && html`<span class="dim">until ${exact(rule.until)}</span>`}
		${rule.holder && html`<span class="dim">held by ${rule.holder}</span>`}
		${rule.truth && html`<span>its condition is <${Badge} tone=${TONES[rule.truth]}>${rule.truth}<//></span>`}
		<${Predicates} of=${rule.predicates} />
	</li>`;
}

function Needed({ of }) {
	return html`<li>
		<${Through} of=${of} /> <code>${of.rule}</code> <${At} of=${of} />
		${of.held && html`<span class="dim">held, but ${of.at ? `only at ${[of.at].flat().join(', ')}` : 'at other places alone'}</span>`}
		${of.when && html`<span class="dim">when ${of.when}</span>`}
	</li>`;
}

/* What would allow it: roles, scopes, or one of each. */
export function WhatWouldAllow({ explain, principal }) {
	const { missing = [], needed = [], none = [], more } = explain;

	if (explain.key_at) {
		return html`<p>The key counts at ${explain.key_at.join(', ')} alone: no scope helps here.</p>`;
	}
	if (none.length > 0) {
		return html`<p>${missing.length === 0 ? 'A rule denies it, or the stack refuses it whatever roles and scopes allow.' : `No ${none.join(' and no ')} of the policy would allow it.`}</p>`;
	}
	if (needed.length === 0) {
		return null;
	}
	return html`${['role', 'scope'].filter((kind) => needed.some((one) => one[kind])).map((kind) => html`<div key=${kind}>
		<p>${missing.length > 1 ? `One ${kind} of these, and one of the other kind:` : `Any ${kind} of these:`}</p>
		<ul class="lines">${needed.filter((one) => one[kind]).map((one, i) => html`<${Needed} key=${i} of=${one} />`)}</ul></div>`)}
		${more > 0 && html`<p class="dim">and ${count(more, 'other')}</p>`}
		${principal && missing.includes('role') && html`<p><a href=${href('people', principal)}>Assign a role to ${principal}</a></p>`}`;
}

export function Story({ decision }) {
	const { explain } = decision;
	const { resource, action, has, groups = [], stack, rules = [] } = explain;

	return html`<ol class="story">
		${resource && html`<li><h3>What was asked for</h3><p><code>${action || '?'}</code> on <code>${resource}</code></p>
			${has && html`<p class="dim">It has ${has.join(', ')}.</p>`}</li>`}
		${stack && html`<li><h3>Which stack decided</h3><p>${stack.name ? html`stack <strong>${stack.name}</strong>` : 'the built-in stack'} <${At} of=${stack} /></p></li>`}
		${groups.map((group) => html`<li key=${group.group} class=${group.passed === false ? 'stopped' : ''}>
			<h3>${GROUPS[group.group] || group.group} ${group.passed === undefined ? html`<span class="dim">did not run</span>`
			: html`<${Badge} tone=${group.passed ? 'good' : 'bad'}>${group.passed ? 'passed' : 'refused'}<//>`}</h3>
			${group.lines?.length > 0 && html`<ul class="lines">${group.lines.map((line, i) => html`<${Line} key=${i} line=${line} />`)}</ul>`}
		</li>`)}
		${rules.length > 0 && html`<li><h3>Rules that counted</h3><ul class="lines">${rules.map((rule, i) => html`<${Rule} key=${i} rule=${rule} />`)}</ul></li>`}
		${explain.quota && html`<li><h3>Quota</h3><p>${explain.quota} is used up.</p></li>`}
		${explain.fact && html`<li><h3>Networks of the key</h3><p>${explain.fact}</p></li>`}
		${explain.ended && html`<li class="stopped"><h3>The end</h3><p>${ENDS[explain.ended] || explain.ended}</p></li>`}
	</ol>`;
}
