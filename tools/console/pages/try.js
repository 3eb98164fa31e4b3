/* SPDX-License-Identifier: Apache-2.0 */
/* try: asks how a request would be answered, without a secret, and without counting as a use. */
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../lib/api.js';
import { read_facts, read_typed } from '../lib/facts.js';
import { useLoad } from '../lib/load.js';
import { go } from '../lib/route.js';
import { key_id } from '../lib/text.js';
import { from_local } from '../lib/time.js';
import { Card, Empty, ErrorBox, Head } from '../parts/bits.js';
import { Answer } from './try_answer.js';
import { WhereAndWhen, What, Whose } from './try_form.js';

const EMPTY = { as: 'principal', id: '', ask: 'path', method: 'GET', path: '', tree: 'api', action: '', resource: '', service: '', environment: '', tenant: '', ip: '', time: '', mfa: '', facts: '', given: {} };
const BELOW = '(max-width: 70rem)'; /* as the style has it: the answer is below the request */

/* The parameters of decisions.try, without what was left empty. */
function params_of(form, types) {
	const { facts, wrong, param = 'facts' } = types.length > 0 ? read_typed(form.given, types) : read_facts(form.facts);

	if (wrong) {
		throw Object.assign(new Error(wrong), { code: 'invalid_request', param });
	}
	const all = {
		[form.as]: form.as === 'nobody' ? undefined : form.as === 'key' ? key_id(form.id) : form.id,
		...(form.ask === 'path' ? { method: form.method, path: form.path, tree: form.tree } : { action: form.action, resource: form.resource }),
		service: form.service, environment: form.environment, tenant: form.tenant, ip: form.ip,
		time: from_local(form.time), mfa_at: from_local(form.mfa), facts,
	};

	return Object.fromEntries(Object.entries(all).filter(([key, value]) => key !== 'nobody' && value !== '' && value !== undefined));
}

/* Only what differs from an empty form is in the address; of facts nothing, as they may be private. */
function query_of(form) {
	return Object.fromEntries(Object.entries(form).filter(([key, value]) => value !== EMPTY[key] && key !== 'facts' && key !== 'given'));
}

export function TryPage({ query }) {
	const [form, set_form] = useState({ ...EMPTY, ...query, facts: '', given: {} });
	const [asked, set_asked] = useState(null);
	const [error, set_error] = useState(null);
	const answer = useRef(null);
	const names = useLoad(() => call('policy.names').catch(() => ({})));
	const set = (key) => (value) => set_form((was) => ({ ...was, [key]: value }));
	const wrong = (key) => error?.param === key ? error.message : undefined;
	const types = names.data?.fact_types || [];
	const trees = (names.data?.trees || ['api']).filter((tree) => tree !== 'authz');
	const ask = async (event) => {
		event?.preventDefault();
		set_error(null);
		try {
			const params = params_of(form, types);

			go('try', null, query_of(form));
			set_asked({ params, by_hand: event !== undefined, decision: await call('decisions.try', params) });
		} catch (problem) {
			set_asked(null);
			set_error(problem);
		}
	};

	/* Where the answer is below the request it comes into sight. */
	useEffect(() => {
		if (asked?.by_hand && matchMedia(BELOW).matches) {
			answer.current.scrollIntoView({ block: 'start' });
		}
	}, [asked]);
	/* A link to this page has the question: it is asked at once. */
	useEffect(() => {
		if (form.path !== '' || form.resource !== '') {
			ask();
		}
	}, []);
	return html`<${Head} title="Try" about="How would this request be answered? Nothing is counted as a use, no quota is charged, and no secret is needed." />
	<div class="columns try">
		<form class="card stack" onSubmit=${ask}>
			<h2>The request</h2>
			<${Whose} form=${form} set=${set} wrong=${wrong} />
			<${What} form=${form} set=${set} wrong=${wrong} trees=${trees} />
			<${WhereAndWhen} form=${form} set=${set} wrong=${wrong} names=${names.data} types=${types} error=${error} />
			<${ErrorBox} error=${error} />
			<div class="row"><button class="primary">Ask</button></div>
		</form>
		<div class="stack answer" ref=${answer}>
		${asked ? html`<${Answer} asked=${asked} />` : html`<${Card}><${Empty} title="No question yet"><p>The answer comes with its reasons: each step, and where in the policy it is written.</p><//><//>`}
		</div>
	</div>`;
}
