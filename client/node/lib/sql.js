// SPDX-License-Identifier: Apache-2.0

// The WHERE of a plan: which rows a caller may have. README.md says how to use it.

// The columns have no expression for a fact of the plan, the database cannot compare addresses, or the plan has what
// this version does not know.
export class SqlError extends Error {
  constructor(message) {
    super(message);
    this.name = 'SqlError';
  }
}

// What compares alike.
const KINDS = { string: 'text', word: 'text', int: 'int', time: 'int', duration: 'int', bool: 'bool',
  address: 'address', network: 'address' };

// The method that writes a comparison of sets, and whether it is negated.
const SETS = { has: ['has', false], 'has not': ['has', true], 'has any': ['hasAny', false], 'has none': ['hasAny', true],
  'has all': ['hasAll', false], 'has not all': ['hasAll', true] };
const SIGNS = { is: '=', 'is not': '<>', '<': '<', '<=': '<=' };

const isOpen = ([kind]) => kind === 'fact' || kind === 'parameter'; // each row has its own value of it
const typeOf = ([, , type]) => (Array.isArray(type) ? type[0] : type); // of words it is an array with them
const own = (map, name) => (Object.hasOwn(map, name) ? map[name] : undefined);

// Writes the condition of a tree. The parameters are bound in the order in which they stand in the text. A dialect has
// `columns` and `values`: how a column, and a placeholder, of each kind compare as they must, whatever the column's
// type and the driver's.
class Writer {
  columns = {};
  parameters = [];

  constructor(names, placeholder, first) {
    Object.assign(this, { names, placeholder, first });
  }

  condition(tree) {
    if (!Array.isArray(tree) || typeof tree[0] !== 'string' || !tree.slice(1).every(Array.isArray)) {
      throw new SqlError('the plan cannot be read');
    }
    const [name, ...parts] = tree;
    if (name === 'and' || name === 'or') {
      return `(${parts.map((part) => this.condition(part)).join(` ${name.toUpperCase()} `)})`;
    }
    if ((name === 'present' || name === 'absent') && parts.length === 1) {
      return `(${this.column(parts[0])} IS ${name === 'present' ? 'NOT ' : ''}NULL)`;
    }
    if (parts.length !== 2) {
      throw new SqlError('the plan cannot be read');
    }
    return `(${this.comparison(name, ...parts)})`;
  }

  comparison(name, left, right) {
    if (name === 'is not' && left[0] === 'word') {
      return this.comparison(name, right, left);
    }
    if (name === 'is not' && left[0] === 'fact' && right[0] === 'word') {
      return this.otherWords(left, right);
    }
    if (own(SIGNS, name) !== undefined) {
      return `${this.operand(left)} ${SIGNS[name]} ${this.operand(right)}`;
    }
    if (name === 'within' || name === 'not within') {
      return `${name === 'within' ? '' : 'NOT '}${this.operand(left)} <<= ${this.operand(right)}`;
    }
    if (own(SETS, name) === undefined) {
      throw new SqlError(`the plan has the comparison '${name}', which this version does not know`);
    }
    const [method, negated] = SETS[name];
    // NULL is in no set, and an empty one has nothing of it: that both are there is said apart.
    const there = [left, right].filter(isOpen).map((side) => `${this.column(side)} IS NOT NULL AND `).join('');
    const found = this[method](left, right);
    return there + (negated ? `NOT (${found})` : found);
  }

  // A word that is not this one is one of the others; a text that is none of them is nothing.
  otherWords(fact, word) {
    const others = fact[2][1].filter((other) => other !== word[1]).map((other) => ['word', other]);
    return others.length === 0 ? '1 = 0'
      : `${this.operand(fact)} IN (${others.map((other) => this.operand(other)).join(', ')})`;
  }

  operand(operand) {
    const type = isOpen(operand) ? typeOf(operand) : operand[0];
    const kind = own(KINDS, type);
    if (kind === undefined) {
      throw new SqlError(`the plan compares the type '${type}', which this version does not know`);
    }
    if (this.values[kind] === undefined) {
      throw new SqlError('the plan compares addresses, which only PostgreSQL can');
    }
    return isOpen(operand) ? (this.columns[kind] ?? String)(this.column(operand))
      : this.values[kind](this.bind(this.parameter(operand[1])));
  }

  // The caller's expression.
  column([kind, fact]) {
    const name = kind === 'fact' ? fact : `{${fact}}`;
    const column = own(this.names, name);
    if (column === undefined) {
      throw new SqlError(`the plan depends on ${name}, for which there is no column`);
    }
    return `(${column})`;
  }

  bind(value) {
    this.parameters.push(value);
    return this.placeholder === '$1' ? `$${this.first + this.parameters.length - 1}` : this.placeholder;
  }

  parameter(value) {
    return value;
  }
}

class PostgreSQL extends Writer {
  // The cast to text takes away the own equality of a type such as citext. An address of IPv4 may be written as one
  // of IPv6.
  columns = {
    text: (column) => `${column}::text COLLATE "C"`,
    address: (column) => String.raw`regexp_replace(host(${column}::inet), '^::ffff:([0-9.]+)$', '\1')::inet`,
  };

  values = { text: (it) => `${it}::text`, int: (it) => `${it}::bigint`, bool: (it) => `${it}::boolean`,
    address: (it) => `${it}::inet` };

  set(operand) {
    return isOpen(operand) ? `${this.column(operand)}::text[] COLLATE "C"`
      : `ARRAY[${operand[1].map((member) => this.bind(member)).join(', ')}]::text[]`;
  }

  has(left, right) {
    return `${this.operand(right)} = ANY (${this.set(left)})`;
  }

  hasAny(left, right) {
    return `${this.set(left)} && ${this.set(right)}`;
  }

  hasAll(left, right) {
    return `${this.set(left)} @> ${this.set(right)}`;
  }
}

// Sets are JSON arrays, and booleans are 1 and 0.
class Json extends Writer {
  parameter(value) {
    return typeof value === 'boolean' ? Number(value) : value;
  }

  set(operand) {
    return isOpen(operand) ? this.column(operand) : this.bind(JSON.stringify(operand[1]));
  }
}

// The bytes of UTF-8: a collation takes `a` for `A`, or for `a` and a space.
const asBytes = (it) => `CAST(CONVERT(${it} USING utf8mb4) AS BINARY)`;
const asSigned = (it) => `CAST(${it} AS SIGNED)`;

class MySQL extends Json {
  columns = { text: asBytes };
  values = { text: asBytes, int: asSigned, bool: asSigned };

  has(left, right) {
    const array = this.set(left);
    const member = isOpen(right) ? this.column(right) : this.bind(right[1]);
    return `JSON_CONTAINS(${array}, JSON_QUOTE(CONVERT(${member} USING utf8mb4)))`;
  }

  hasAny(left, right) {
    return `JSON_OVERLAPS(${this.set(left)}, ${this.set(right)})`;
  }

  hasAll(left, right) {
    return `JSON_CONTAINS(${this.set(left)}, ${this.set(right)})`;
  }
}

const SAME_MEMBER = 'CAST(authz_a.authz_member AS BINARY) = CAST(authz_b.authz_member AS BINARY)';

// JSON_CONTAINS takes an escape such as \u00e4 for another text than the letter; JSON_TABLE reads both alike.
class MariaDB extends MySQL {
  members(operand, name) {
    return `JSON_TABLE(${this.set(operand)}, '$[*]' COLUMNS (authz_member LONGTEXT PATH '$')) AS ${name}`;
  }

  has(left, right) {
    return `${this.operand(right)} IN (SELECT CAST(authz_a.authz_member AS BINARY) FROM ${this.members(left, 'authz_a')})`;
  }

  hasAny(left, right) {
    return `EXISTS (SELECT 1 FROM ${this.members(left, 'authz_a')}, ${this.members(right, 'authz_b')} WHERE ${SAME_MEMBER})`;
  }

  hasAll(left, right) {
    return `NOT EXISTS (SELECT 1 FROM ${this.members(right, 'authz_b')} WHERE NOT EXISTS ` +
      `(SELECT 1 FROM ${this.members(left, 'authz_a')} WHERE ${SAME_MEMBER}))`;
  }
}

const asInteger = (it) => `CAST(${it} AS INTEGER)`;

// The caller's expressions stand in a row of their own, `authz_s`, outside of json_each, whose columns such as `value`
// and `id` would hide the caller's.
class SQLite extends Json {
  // A column of numbers would take a text for a number, and '07' for 7.
  columns = { text: (column) => `CAST(${column} AS TEXT) COLLATE BINARY` };
  values = { text: String, int: asInteger, bool: asInteger };

  has(left, right) {
    return `${this.operand(right)} IN (SELECT authz_a.value FROM (SELECT ${this.set(left)} AS a) AS authz_s, ` +
      'json_each(authz_s.a) AS authz_a)';
  }

  hasAny(left, right) {
    return `EXISTS (SELECT 1 FROM (SELECT ${this.set(left)} AS a, ${this.set(right)} AS b) AS authz_s, ` +
      'json_each(authz_s.a) AS authz_a, json_each(authz_s.b) AS authz_b WHERE authz_a.value = authz_b.value)';
  }

  hasAll(left, right) {
    return `NOT EXISTS (SELECT 1 FROM (SELECT ${this.set(left)} AS a, ${this.set(right)} AS b) AS authz_s, ` +
      'json_each(authz_s.b) AS authz_b WHERE authz_b.value NOT IN ' +
      '(SELECT authz_a.value FROM json_each(authz_s.a) AS authz_a))';
  }
}

const DIALECTS = { postgresql: PostgreSQL, mysql: MySQL, mariadb: MariaDB, sqlite: SQLite };

// {text, parameters}, a condition in parentheses.
export function where(plan, columns, dialect, { placeholder = dialect === 'postgresql' ? '$1' : '?', first = 1 } = {}) {
  const Dialect = own(DIALECTS, dialect);
  if (Dialect === undefined || !['$1', '?', '%s'].includes(placeholder)) {
    throw new TypeError('the dialect is postgresql, mysql, mariadb or sqlite, and the placeholder $1, ? or %s');
  }
  if (plan.plan !== 'when') {
    return { text: plan.plan === 'always' ? '(1 = 1)' : '(1 = 0)', parameters: [] };
  }
  const writer = new Dialect(columns, placeholder, first);
  return { text: writer.condition(plan.tree), parameters: writer.parameters };
}
