/* SPDX-License-Identifier: Apache-2.0 */
/* try_answer: a decision with its story, what would allow it, and who else may. */
import { html } from 'htm/preact';
import { list } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { href } from '../lib/route.js';
import { count, REASONS } from '../lib/text.js';
import { Badge, Card, Facts, Loaded } from '../parts/bits.js';
import { Story, WhatWouldAllow } from '../parts/story.js';

const PAGES = { role: 'roles', principal: 'people', key: 'keys' };
const WORDS = { role: 'Roles', principal: 'People and services', key: 'Keys', everyone: 'Every principal', anyone: 'Every caller' };
const MOST = 12; /* of a kind that are listed at once */

/* What `who` is asked of a question: its request, and its facts. */
function who_params({ method, path, tree, action, resource, facts, tenant }) {
	return { method, path, tree, action, resource, facts, tenant };
}

function WhoElse({ params }) {
	const who = useLoad(() => list('who', who_params(params), () => true, 2000), [JSON.stringify(params)]);

	return html`<${Card} title="Who may do this"><${Loaded} of=${who}>${({ items, more }) => {
		const kinds = Object.keys(WORDS).filter((kind) => items.some((one) => one.kind === kind));

		return kinds.length === 0 ? html`<p class="dim">Nobody.</p>` : html`<dl class="facts">${kinds.map((kind) => {
			const of = items.filter((one) => one.kind === kind);
			return html`<div key=${kind}><dt>${WORDS[kind]} <span class="count">${of.length}${more ? '+' : ''}</span></dt><dd class="chips">
				${of.slice(0, MOST).map((one, i) => PAGES[kind]
					? html`<a key=${i} class="chip" href=${href(PAGES[kind], one.id)} title=${one.when ? `when ${one.when}` : one.name}>${kind === 'key' ? one.name || one.id : one.id}${one.when && ' ?'}</a>`
					: html`<span class="chip" key=${i}>${(one.through || []).map((role) => role.role).join(', ') || 'may'}</span>`)}
				${of.length > MOST && html`<details><summary>${count(of.length - MOST, 'more', 'more')}</summary>${of.slice(MOST).map((one, i) => html`<a key=${i} class="chip" href=${href(PAGES[kind], one.id)}>${one.id}</a> `)}</details>`}
			</dd></div>`;
		})}</dl>`;
	}}<//><//>`;
}

export function Answer({ asked }) {
	const { decision, params } = asked;
	const explain = decision.explain || {};

	return html`<section class="card verdict ${decision.allow ? 'yes' : 'no'}" aria-live="polite">
		<p class="word">${decision.allow ? 'Allow' : 'Deny'} <span class="code">${decision.status}</span></p>
		<p class="why">${REASONS[decision.reason] || 'a module’s own reason'} <code class="dim">${decision.reason}</code></p>
		${decision.fact && html`<p>${decision.fact}</p>`}
		${decision.missing?.length > 0 && html`<p>Not given: ${decision.missing.map((name) => html`<code key=${name}>${name}</code> `)}</p>`}
		<${Facts} rows=${[
			['Principal', decision.principal && html`<a href=${href('people', decision.principal)}>${decision.principal}</a>`],
			['Key', decision.key && html`<a href=${href('keys', decision.key)}>${decision.key}</a>`],
			['Environment', decision.environment],
			['Quota', decision.quota && `${decision.quota.remaining} of ${decision.quota.limit} left`],
			['Secret', decision.renew && html`<${Badge} tone="warn">is due to be renewed<//>`],
		]} />
	</section>
	${!decision.allow && (explain.needed || explain.none || explain.key_at) && html`<${Card} title="What would allow it">
		<${WhatWouldAllow} explain=${explain} principal=${decision.principal} /><//>`}
	${decision.explain && html`<${Card} title="How it was decided"><${Story} decision=${decision} /><//>`}
	<${WhoElse} params=${params} />`;
}
