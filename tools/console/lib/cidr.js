/* SPDX-License-Identifier: Apache-2.0 */
/* cidr: is a text a network that the daemon takes? For a word while one types; the daemon decides. Pure, and tested by itself. */

/* The address as its bytes, or null. */
function bytes4(text) {
	const parts = text.split('.');

	return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256) ? parts.map(Number) : null;
}

function bytes6(text) {
	const halves = text.split('::');

	if (halves.length > 2 || !/^[0-9a-fA-F:.]+$/.test(text)) {
		return null;
	}
	const read = (half, is_last) => {
		const parts = half === '' ? [] : half.split(':');
		const bytes = [];

		for (const [i, part] of parts.entries()) {
			const tail = is_last && i === parts.length - 1 && part.includes('.') ? bytes4(part) : null;
			if (tail) {
				bytes.push(...tail);
			} else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
				bytes.push(parseInt(part, 16) >> 8, parseInt(part, 16) & 255);
			} else {
				return null;
			}
		}
		return bytes;
	};
	const head = read(halves[0], halves.length === 1), tail = halves.length === 2 ? read(halves[1], true) : [];

	if (head === null || tail === null) {
		return null;
	}
	const missing = 16 - head.length - tail.length;
	if (halves.length === 1 ? missing !== 0 : missing < 2) {
		return null;
	}
	return [...head, ...Array(missing).fill(0), ...tail];
}

/* What is wrong with the network, in words; undefined: nothing. */
export function wrong_network(text) {
	const [address, bits, more] = text.split('/');
	const bytes = bytes4(address) || bytes6(address);

	if (bytes === null || more !== undefined) {
		return `${text} is not a network: write it as 10.1.0.0/16 or 2001:db8::/32`;
	}
	if (bits === undefined) {
		return undefined;
	}
	if (!/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > bytes.length * 8) {
		return `${text}: the length after the slash is from 0 to ${bytes.length * 8}`;
	}
	const is_network = bytes.every((byte, i) => {
		const kept = Math.max(0, Math.min(8, Number(bits) - i * 8));
		return (byte & (255 >> kept)) === 0;
	});
	return is_network ? undefined : `${text}: bits after the first ${bits} are set`;
}
