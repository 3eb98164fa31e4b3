// SPDX-License-Identifier: Apache-2.0
import { Unavailable } from './errors.js';

const isText = (value) => typeof value === 'string' && value !== '';
const NEEDS = {
  always: () => true,
  never: ({ reason, status }) => isText(reason) && Number.isInteger(status),
  when: ({ when, tree }) => isText(when) && Array.isArray(tree) && tree.length > 0,
};

function isReadable(result) {
  const { plan, revision, node, missing } = result ?? {};
  return typeof plan === 'string' && Object.hasOwn(NEEDS, plan) && NEEDS[plan](result) && isText(revision) &&
    (node === undefined || isText(node)) &&
    (missing === undefined || (Array.isArray(missing) && missing.every(isText)));
}

// Of which resources a request would be allowed. An object is always true in JavaScript: compare `plan`.
export class Plan {
  constructor(result) {
    Object.freeze(Object.assign(this, result));
  }
}

export function readPlan(result) {
  if (!isReadable(result)) {
    throw new Unavailable('EPROTO', 'the answer cannot be read: it is not a plan');
  }
  return new Plan({ status: 200, missing: [], ...result });
}
