/* SPDX-License-Identifier: Apache-2.0 */
/* keys: all keys, to search, filter, sort, select many, and switch on and off. */
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { list, may } from '../lib/api.js';
import { fits, is_filtered, list_params, NARROWING, sort_of, sort_text, values_of } from '../lib/keys.js';
import { useLoad } from '../lib/load.js';
import { go, set_query } from '../lib/route.js';
import { tenant_param, use_tenant_of } from '../lib/tenant.js';
import { now } from '../lib/time.js';
import { Empty, Head, Loaded } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';
import { ShowAll } from '../parts/filter.js';
import { Found } from '../parts/found.js';
import { Table } from '../parts/table.js';
import { Tenant } from '../parts/tenant.js';
import { KeyNew } from './key_new.js';
import { turn } from './key_turn.js';
import { BulkBar } from './keys_bulk.js';
import { columns } from './keys_columns.js';
import { KeysFilter } from './keys_filter.js';

const MOST = 50000;    /* keys that the page holds; above, the daemon narrows the list */
const SHOW_MS = 250;   /* between two drawings of a list that is being loaded */
const USUAL = 'name';  /* the order without a word of the address */
const ROW = 52;        /* pixels: two lines */

/*
 * {of: what useLoad has, with data {keys, more}; put(records): what calls answered about keys, in the place of what the list said}.
 * A list that is loaded again is not shown in parts, so that nothing jumps.
 */
function useKeys(query) {
	const [is_big, set_big] = useState(false);
	const params = { ...list_params(query, is_big), tenant: tenant_param(true) };
	const text = JSON.stringify(params);
	const whole = useRef(null);
	const [newer, set_newer] = useState(new Map());
	const of = useLoad(async (show) => {
		let shown_at = 0;
		const { items, more } = await list('keys.list', params, (keys, is_last) => {
			if (whole.current !== text && !is_last && Date.now() - shown_at > SHOW_MS) {
				shown_at = Date.now();
				show({ keys, more: false });
			}
		}, MOST);

		whole.current = text;
		set_big((was) => was || more);
		set_newer(new Map());
		return { keys: items, more };
	}, [text]);
	const data = useMemo(() => of.data && newer.size > 0
		? { ...of.data, keys: of.data.keys.map((key) => newer.get(key.id) || key).filter((key) => key !== null && (params.status === 'deleted') === (key.deleted_at !== undefined)) }
		: of.data, [of.data, newer]);

	return { of: { ...of, data }, put: (pairs) => set_newer((was) => new Map([...was, ...pairs])) };
}

function Nothing({ query, all, create }) {
	if (all.length > 0 || is_filtered(query)) {
		return html`<p>No key is found.</p>`;
	}
	return html`<${Empty} title="There are no keys yet"><p>A key lets a program or a person make requests. What it may do comes from a principal, from roles or from scopes.</p>
		${create}<//>`;
}

export function KeysPage({ query }) {
	use_tenant_of(query);
	const [selected, select] = useState(new Set());
	const { of, put } = useKeys(query);
	const keys = of.data?.keys || [];
	const sort = sort_of(query.sort, USUAL);
	const apart = ['deleted', 'altered'].includes(query.status) ? query.status : undefined;
	const at = now();
	const found = useMemo(() => keys.filter((key) => fits(key, query, at)), [of.data, query]);
	const turn_here = async (key, on) => {
		const record = await turn(key, on);

		if (record) {
			put([[key.id, record]]);
		}
	};
	const environments = useMemo(() => values_of(keys, 'environment').length, [of.data]);
	const shape = useMemo(() => columns({ turn: turn_here, apart, tenants: tenant_param(true) === '*', environments }), [apart, tenant_param(true), environments]);
	const is_chosen = (key) => selected.has(key.id);
	const chosen = useMemo(() => keys.filter(is_chosen), [selected, of.data]);
	const hidden = chosen.length - (chosen.length > 0 ? found.filter(is_chosen).length : 0);
	const bulk_done = (results) => {
		put(results.map(({ key, result }) => [key.id, result.status === undefined ? null : result]));
		select(new Set([...selected].filter((id) => !results.some(({ key }) => key.id === id))));
	};
	const create = may('create', '/keys') && html`<button type="button" class="primary" onClick=${() => open_dialog(KeyNew)}>New key</button>`;

	/* What is selected among deleted keys has no meaning among the others. */
	useEffect(() => select(new Set()), [apart, tenant_param(true)]);
	return html`<${Head} title="Keys" about="Each key lets its holder make requests, as far as its principal, its roles or its scopes allow. A scope is a named part of the policy, for keys alone.">
			<${Tenant} all />${create}
		<//>
		<${Loaded} of=${of}>${(data) => html`
			<${KeysFilter} query=${query} all=${data.keys} />
			${data.more && html`<p class="box warn">There are more keys than the ${MOST.toLocaleString('en')} that this page holds. Choose a status, a principal or a label: the daemon then looks among all of them.</p>`}
			${chosen.length > 0 ? html`<${BulkBar} keys=${chosen} hidden=${hidden} apart=${apart} clear=${() => select(new Set())} done=${bulk_done} />`
			: html`<${Found} found=${found.length} all=${data.keys.length} word="key" busy=${of.loading}><${ShowAll} query=${query} words=${NARROWING} /><//>`}
			<${Table} columns=${shape} rows=${found} id=${(key) => key.id} open=${(key) => go('keys', key.id)} label="Keys" height=${ROW}
				sort=${sort} set_sort=${(to) => set_query({ sort: sort_text(to, USUAL) })}
				selected=${selected} select=${select} busy=${of.loading && keys.length === 0} empty=${html`<${Nothing} query=${query} all=${data.keys} create=${create} />`} />`}<//>`;
}
