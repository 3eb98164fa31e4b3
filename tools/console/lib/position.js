/* SPDX-License-Identifier: Apache-2.0 */
/* position: FILE:LINE of the policy as a link to the text, where this program can read the folder. */
import { signal } from '@preact/signals';
import { call, session } from './api.js';
import { href } from './route.js';

/* The policy folder's path, or '' where it is not known. */
const folder = signal(null);

async function find() {
	folder.value = '';
	try {
		folder.value = (await call('policy.status')).folder || '';
	} catch {
		/* It is for those who manage the daemon. Names stay as they came. */
	}
}

/* A file's name within the folder. */
export function file_name(path) {
	if (folder.value === null && session.value) {
		find();
	}
	return folder.value && path.startsWith(`${folder.value}/`) ? path.slice(folder.value.length + 1) : path;
}

/* {file, line, link} for <Position>; null: the policy has no such position. */
export function position(of) {
	if (!of?.file) {
		return null;
	}
	const file = file_name(of.file);

	return { file, line: of.line, link: session.value?.folder ? href('policy', file, { line: of.line }) : undefined };
}
