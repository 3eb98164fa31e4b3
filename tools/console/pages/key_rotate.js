/* SPDX-License-Identifier: Apache-2.0 */
/* key_rotate: the dialogs about the secrets of a key: another one in three ways, more time for the old one, and back. */
import { html } from 'htm/preact';
import { useRef, useState } from 'preact/hooks';
import { call, request_id } from '../lib/api.js';
import { ids_for } from '../lib/key_form.js';
import { other_secret } from '../lib/keys.js';
import { changed, useLoad } from '../lib/load.js';
import { after_rotation, secrets_of } from '../lib/overlap.js';
import { ago, duration, exact, now } from '../lib/time.js';
import { confirm, Form, open_dialog } from '../parts/dialog.js';
import { Check, Choice, Select } from '../parts/form.js';
import { Overlap } from '../parts/overlap.js';
import { Secret } from '../parts/secret.js';
import { say } from '../parts/toast.js';

const MODES = [
	['overlap', 'Both for a while', 'The new secret counts at once, and the old one for some time more: nothing stops while you exchange it.'],
	['confirm', 'When the new one is used', 'The old secret counts until the new one is used for the first time. For programs that you do not control.'],
	['immediate', 'At once', 'The old secret is dead with this step. For a secret that leaked.'],
];
const OVERLAPS = [['', 'as the policy says'], ['3600', '1 hour'], ['28800', '8 hours'], ['86400', '1 day'], ['259200', '3 days'], ['604800', '1 week'], ['2592000', '30 days']];
const DRAWN = 86400; /* seconds that the drawing has for an overlap of the policy that is not known yet */

/* The secrets as the dialog's choice makes them. limits: those of whoami. */
function after(record, mode, overlap, limits) {
	const usual = limits?.rotation_overlap;
	const [old, fresh] = secrets_of(after_rotation(record, mode, overlap === '' ? usual ?? DRAWN : Number(overlap), now()), now());

	return [mode === 'overlap' && overlap === '' && usual === undefined ? { ...old, says: 'ends after the time that the policy says' } : old, fresh];
}

/* What may be chosen: the policy's own, and what it does not refuse. */
function overlaps(limits) {
	return OVERLAPS.filter(([seconds]) => limits === undefined || Number(seconds) <= limits.rotation_max_overlap)
		.map(([seconds, text]) => [seconds, seconds === '' && limits !== undefined ? `${duration(limits.rotation_overlap)}, as the policy says` : text]);
}

export function KeyRotate({ record, close }) {
	const [mode, set_mode] = useState('overlap');
	const [overlap, set_overlap] = useState('');
	const [finish, set_finish] = useState(false);
	const limits = useLoad(() => call('whoami')).data?.limits;
	const id_for = useRef(ids_for(request_id));
	const other = other_secret(record);
	const send = async () => {
		const params = { id: record.id, mode, overlap: mode !== 'immediate' && overlap !== '' ? Number(overlap) : undefined, finish_old: other ? finish : undefined };
		const key = await call('keys.rotate', { ...params, request_id: id_for.current(params) });

		open_dialog(Secret, {
			title: `New secret of ${key.name || key.id}`, secret: key.secret, name: `${key.id}.key`,
			about: key.retiring_until !== undefined ? `The old secret counts until ${exact(key.retiring_until)}.`
				: key.pending_until !== undefined ? `The old secret counts until this one is used. If nobody uses it until ${exact(key.pending_until)}, it is dropped.` : 'The old secret is dead.',
		});
		changed();
	};

	return html`<${Form} title=${`Rotate ${record.name || record.id}`} about="The key gets another secret. Its id, rights and history stay." action="Make the new secret"
		danger=${mode === 'immediate'} again="It may have been done. Send it again within ten minutes without a change: then it is the same secret." send=${send} close=${close} disabled=${other !== null && !finish}>${(wrong) => html`
		<${Choice} label="When the old secret ends" value=${mode} set=${set_mode} options=${MODES} />
		${mode !== 'immediate' && html`<${Select} label=${mode === 'confirm' ? 'After the first use, the old one counts for' : 'The old one counts for'} value=${overlap} options=${overlaps(limits)} set=${set_overlap} wrong=${wrong('overlap')} />`}
		${other && html`<${Check} label=${other.state === 'pending' ? 'Drop the secret that waits for its first use' : `End the old secret now, which would end ${ago(other.until)}`}
			hint="A key has two secrets at most." value=${finish} set=${set_finish} />`}
		<${Overlap} secrets=${after(record, mode, overlap, limits)} label="The secrets after this step" />`}<//>`;
}

export function KeyProlong({ record, close }) {
	const left = record.retiring_until - now();
	const longer = OVERLAPS.slice(1).filter(([seconds]) => Number(seconds) > left);
	const [overlap, set_overlap] = useState((longer.find(([seconds]) => Number(seconds) >= 86400) || longer[0] || [''])[0]);
	const send = async () => {
		const key = await call('keys.prolong', { id: record.id, overlap: Number(overlap) });

		say(`The old secret counts until ${exact(key.retiring_until)}.`);
		changed();
		close();
	};

	return html`<${Form} title="More time for the old secret" about=${`It ends ${ago(record.retiring_until)} as it is, on ${exact(record.retiring_until)}.`} action="Give it more time" send=${send} close=${close} disabled=${overlap === ''}>
		${(wrong) => html`<${Select} label="From now on, it counts for" value=${overlap} options=${longer.length > 0 ? longer : [['', 'as long as it has already']]} set=${set_overlap} wrong=${wrong('overlap')} />
			<${Overlap} secrets=${secrets_of({ ...record, retiring_until: Math.max(record.retiring_until, now() + Number(overlap)) }, now())} label="The secrets after this step" />`}<//>`;
}

export function ask_finish(record) {
	confirm({
		title: 'End the old secret now?', action: 'End it', about: 'Requests with it are denied from now on. Do this when every program has the new one.',
		doing: async () => {
			await call('keys.finish', { id: record.id });
			say('The old secret has ended.');
			changed();
		},
	});
}

export function ask_rollback(record) {
	const is_pending = record.pending_until !== undefined;

	confirm({
		title: is_pending ? 'Drop the new secret?' : 'Back to the old secret?', action: is_pending ? 'Drop it' : 'Go back',
		about: is_pending ? 'The present secret stays, and requests with the new one are denied.' : 'The old secret is the only one again, and requests with the new one are denied from now on.',
		doing: async () => {
			await call('keys.rollback', { id: record.id });
			say(is_pending ? 'The new secret is dropped.' : 'The old secret is current again.');
			changed();
		},
	});
}
