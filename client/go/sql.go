// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Dialect is a kind of database.
type Dialect string

const (
	PostgreSQL Dialect = "postgresql"
	MySQL      Dialect = "mysql"   // 8.0.17 or later
	MariaDB    Dialect = "mariadb" // 10.6 or later
	SQLite     Dialect = "sqlite"
)

// Columns has, for each fact such as "resource.owner" and for each parameter of the path such as "{booking}", the SQL
// expression that yields what the program would send as that fact: NULL if it would send none; a time as whole Unix
// seconds, a duration in seconds; a set as text[] in PostgreSQL, elsewhere as a JSON array of strings. The expressions
// go into the text as they are: they are the program's own, never a caller's.
type Columns map[string]string

// Where is what follows WHERE, in parentheses, and the parameters in the order of their placeholders: string, int64,
// and, in PostgreSQL, bool.
type Where struct {
	Text       string
	Parameters []any
}

// SQLError says why a plan has no Where: there is no column for one of its facts, the database cannot compare
// addresses, or the plan has what this version does not know.
type SQLError struct{ Message string }

func (e *SQLError) Error() string { return "authz: " + e.Message }

// Where makes the condition of a query: with placeholders $1, $2 … in PostgreSQL, and ? in the others. All values of
// the plan are parameters. Strings are compared by bytes, whatever the collation of a column. The error is an SQLError.
func (p Plan) Where(columns Columns, dialect Dialect) (Where, error) {
	placeholder := "?"
	if dialect == PostgreSQL {
		placeholder = "$1"
	}
	return p.WhereWith(columns, dialect, placeholder, 1)
}

// WhereWith is Where with another placeholder, "$1", "?" or "%s"; with "$1", first is the number of the first parameter.
func (p Plan) WhereWith(columns Columns, dialect Dialect, placeholder string, first int) (where Where, err error) {
	w := &sqlWriter{columns: columns, placeholder: placeholder, first: first}
	switch dialect {
	case PostgreSQL:
		w.dialect = postgres
	case MySQL:
		w.dialect = mysql
	case MariaDB:
		w.dialect = mariadb
	case SQLite:
		w.dialect = sqlite
	default:
		return Where{}, &SQLError{"no such dialect: " + string(dialect)}
	}
	if placeholder != "$1" && placeholder != "?" && placeholder != "%s" {
		return Where{}, &SQLError{"no such placeholder: " + placeholder}
	}
	switch p.Kind {
	case PlanAlways:
		return Where{Text: "(1 = 1)"}, nil
	case PlanWhen:
		text := w.condition(p.Tree)
		if w.err != nil {
			return Where{}, w.err
		}
		return Where{text, w.parameters}, nil
	}
	return Where{Text: "(1 = 0)"}, nil // so that a Plan that was never read lists nothing
}

// sqlDialect has, for each kind of value, what stands around a column and around a placeholder, so that they compare
// as they must, whatever the column's type and the driver's; and the comparisons of sets that are there.
type sqlDialect struct {
	columns, values     map[string][2]string
	set                 func(w *sqlWriter, set sqlOperand) string
	has, hasAny, hasAll func(w *sqlWriter, left, right sqlOperand) string
	boolean             func(value bool) any
}

// sqlWriter writes the condition of a tree. The parameters are bound in the order in which they stand in the text. The
// first error counts, and then nothing of the text.
type sqlWriter struct {
	dialect     *sqlDialect
	columns     Columns
	placeholder string
	first       int
	parameters  []any
	err         error
}

// sqlOperand is a side of a comparison.
type sqlOperand struct {
	kind  string   // "fact", "parameter", or the type of a value
	name  string   // of a fact or a parameter
	typed string   // "string", "word", …
	words []string // of a fact of words, all of them
	value any
}

// isOpen: each row has its own value of it.
func (o sqlOperand) isOpen() bool { return o.kind == "fact" || o.kind == "parameter" }

// What compares alike.
var sqlKinds = map[string]string{"string": "text", "word": "text", "int": "int", "time": "int", "duration": "int",
	"bool": "bool", "address": "address", "network": "address"}

var sqlSigns = map[string]string{"is": "=", "is not": "<>", "<": "<", "<=": "<="}

func (w *sqlWriter) fail(format string, arguments ...any) string {
	if w.err == nil {
		w.err = &SQLError{fmt.Sprintf(format, arguments...)}
	}
	return ""
}

// join writes each of several parts.
func join[T any](parts []T, between string, write func(T) string) string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = write(part)
	}
	return strings.Join(texts, between)
}

func (w *sqlWriter) condition(tree any) string {
	parts, _ := tree.([]any)
	if len(parts) < 2 {
		return w.fail("the plan cannot be read")
	}
	name, _ := parts[0].(string)
	switch {
	case name == "and" || name == "or":
		return "(" + join(parts[1:], " "+strings.ToUpper(name)+" ", w.condition) + ")"
	case name == "present" && len(parts) == 2:
		return "(" + w.column(w.read(parts[1])) + " IS NOT NULL)"
	case name == "absent" && len(parts) == 2:
		return "(" + w.column(w.read(parts[1])) + " IS NULL)"
	case len(parts) == 3:
		return "(" + w.comparison(name, w.read(parts[1]), w.read(parts[2])) + ")"
	}
	return w.fail("the plan cannot be read")
}

// read reads ["fact", NAME, TYPE], ["parameter", NAME, TYPE] or [TYPE, VALUE].
func (w *sqlWriter) read(side any) sqlOperand {
	parts, _ := side.([]any)
	if len(parts) < 2 {
		w.fail("the plan cannot be read")
		return sqlOperand{}
	}
	kind, _ := parts[0].(string)
	operand := sqlOperand{kind: kind, typed: kind, value: parts[1]}
	if !operand.isOpen() {
		return operand
	}
	operand.name, _ = parts[1].(string)
	if len(parts) != 3 {
		w.fail("the plan cannot be read")
		return operand
	}
	switch typed := parts[2].(type) {
	case string:
		operand.typed = typed
	case []any: // "word" and the words
		if len(typed) == 2 {
			operand.typed, _ = typed[0].(string)
			operand.words = textsOf(typed[1])
		}
	}
	return operand
}

func textsOf(list any) []string {
	items, _ := list.([]any)
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i], _ = item.(string)
	}
	return texts
}

func (w *sqlWriter) comparison(name string, left, right sqlOperand) string {
	if name == "is not" && left.kind == "word" {
		left, right = right, left
	}
	if name == "is not" && left.kind == "fact" && right.kind == "word" {
		return w.otherWords(left, right)
	}
	if sign := sqlSigns[name]; sign != "" {
		return w.operand(left) + " " + sign + " " + w.operand(right)
	}
	switch name {
	case "within":
		return w.operand(left) + " <<= " + w.operand(right)
	case "not within":
		return "NOT " + w.operand(left) + " <<= " + w.operand(right)
	case "has":
		return w.there(left, right) + w.dialect.has(w, left, right)
	case "has not":
		return w.there(left, right) + "NOT (" + w.dialect.has(w, left, right) + ")"
	case "has any":
		return w.there(left, right) + w.dialect.hasAny(w, left, right)
	case "has none":
		return w.there(left, right) + "NOT (" + w.dialect.hasAny(w, left, right) + ")"
	case "has all":
		return w.there(left, right) + w.dialect.hasAll(w, left, right)
	case "has not all":
		return w.there(left, right) + "NOT (" + w.dialect.hasAll(w, left, right) + ")"
	}
	return w.fail("the plan has the comparison %q, which this version does not know", name)
}

// there says that both sides are: NULL is in no set, and an empty one has nothing of it.
func (w *sqlWriter) there(sides ...sqlOperand) string {
	text := ""
	for _, side := range sides {
		if side.isOpen() {
			text += w.column(side) + " IS NOT NULL AND "
		}
	}
	return text
}

// otherWords: a word that is not this one is one of the others; a text that is none of them is nothing.
func (w *sqlWriter) otherWords(fact, word sqlOperand) string {
	var others []string
	this, _ := word.value.(string)
	for _, other := range fact.words {
		if other != this {
			others = append(others, other)
		}
	}
	if len(others) == 0 {
		return "1 = 0"
	}
	return w.operand(fact) + " IN (" + join(others, ", ", func(other string) string {
		return w.operand(sqlOperand{kind: "word", typed: "word", value: other})
	}) + ")"
}

func (w *sqlWriter) operand(operand sqlOperand) string {
	kind := sqlKinds[operand.typed]
	if kind == "" {
		return w.fail("the plan compares the type %q, which this version does not know", operand.typed)
	}
	around, known := w.dialect.values[kind]
	if !known {
		return w.fail("the plan compares addresses, which only PostgreSQL can")
	}
	if operand.isOpen() {
		around = w.dialect.columns[kind]
		return around[0] + w.column(operand) + around[1]
	}
	return around[0] + w.bind(operand.value) + around[1]
}

// column is the caller's expression.
func (w *sqlWriter) column(operand sqlOperand) string {
	name := operand.name
	if operand.kind == "parameter" {
		name = "{" + name + "}"
	}
	expression, there := w.columns[name]
	if !there || !operand.isOpen() {
		return w.fail("the plan depends on %s, for which there is no column", name)
	}
	return "(" + expression + ")"
}

func (w *sqlWriter) bind(value any) string {
	if truth, isBool := value.(bool); isBool {
		value = w.dialect.boolean(truth)
	}
	w.parameters = append(w.parameters, value)
	if w.placeholder == "$1" {
		return fmt.Sprintf("$%d", w.first+len(w.parameters)-1)
	}
	return w.placeholder
}

func (w *sqlWriter) set(set sqlOperand) string { return w.dialect.set(w, set) }

// member is the column or the parameter of a string, as it is.
func (w *sqlWriter) member(operand sqlOperand) string {
	if operand.isOpen() {
		return w.column(operand)
	}
	return w.bind(operand.value)
}

// The cast to text takes away the own equality of a type such as citext. An address of IPv4 may be written as one of
// IPv6.
var postgres = &sqlDialect{
	columns: map[string][2]string{"text": {"", `::text COLLATE "C"`},
		"address": {"regexp_replace(host(", `::inet), '^::ffff:([0-9.]+)$', '\1')::inet`}},
	values: map[string][2]string{"text": {"", "::text"}, "int": {"", "::bigint"}, "bool": {"", "::boolean"},
		"address": {"", "::inet"}},
	boolean: func(value bool) any { return value },
	set: func(w *sqlWriter, set sqlOperand) string {
		if set.isOpen() {
			return w.column(set) + `::text[] COLLATE "C"`
		}
		return "ARRAY[" + join(textsOf(set.value), ", ", func(member string) string {
			return w.bind(member)
		}) + "]::text[]"
	},
	has: func(w *sqlWriter, left, right sqlOperand) string {
		return w.operand(right) + " = ANY (" + w.set(left) + ")"
	},
	hasAny: func(w *sqlWriter, left, right sqlOperand) string { return w.set(left) + " && " + w.set(right) },
	hasAll: func(w *sqlWriter, left, right sqlOperand) string { return w.set(left) + " @> " + w.set(right) },
}

func boolAsInt(value bool) any {
	if value {
		return int64(1)
	}
	return int64(0)
}

// jsonSet is a set as a JSON array.
func jsonSet(w *sqlWriter, set sqlOperand) string {
	if set.isOpen() {
		return w.column(set)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(textsOf(set.value)); err != nil {
		return w.fail("the plan cannot be read")
	}
	return w.bind(strings.TrimSuffix(out.String(), "\n"))
}

// The bytes of UTF-8: a collation takes `a` for `A`, or for `a` and a space.
var mysqlText = [2]string{"CAST(CONVERT(", " USING utf8mb4) AS BINARY)"}

var mysql = &sqlDialect{
	columns: map[string][2]string{"text": mysqlText},
	values: map[string][2]string{"text": mysqlText, "int": {"CAST(", " AS SIGNED)"},
		"bool": {"CAST(", " AS SIGNED)"}},
	boolean: boolAsInt,
	set:     jsonSet,
	has: func(w *sqlWriter, left, right sqlOperand) string {
		return "JSON_CONTAINS(" + w.set(left) + ", JSON_QUOTE(CONVERT(" + w.member(right) + " USING utf8mb4)))"
	},
	hasAny: func(w *sqlWriter, left, right sqlOperand) string {
		return "JSON_OVERLAPS(" + w.set(left) + ", " + w.set(right) + ")"
	},
	hasAll: func(w *sqlWriter, left, right sqlOperand) string {
		return "JSON_CONTAINS(" + w.set(left) + ", " + w.set(right) + ")"
	},
}

// mariadbMembers are the members of a set as rows. JSON_CONTAINS takes an escape such as \u00e4 for another text than
// the letter; JSON_TABLE reads both alike.
func mariadbMembers(w *sqlWriter, set sqlOperand, name string) string {
	return "JSON_TABLE(" + w.set(set) + ", '$[*]' COLUMNS (authz_member LONGTEXT PATH '$')) AS " + name
}

const mariadbSame = "CAST(authz_a.authz_member AS BINARY) = CAST(authz_b.authz_member AS BINARY)"

var mariadb = &sqlDialect{
	columns: mysql.columns,
	values:  mysql.values,
	boolean: boolAsInt,
	set:     jsonSet,
	has: func(w *sqlWriter, left, right sqlOperand) string {
		return w.operand(right) + " IN (SELECT CAST(authz_a.authz_member AS BINARY) FROM " +
			mariadbMembers(w, left, "authz_a") + ")"
	},
	hasAny: func(w *sqlWriter, left, right sqlOperand) string {
		return "EXISTS (SELECT 1 FROM " + mariadbMembers(w, left, "authz_a") + ", " +
			mariadbMembers(w, right, "authz_b") + " WHERE " + mariadbSame + ")"
	},
	hasAll: func(w *sqlWriter, left, right sqlOperand) string {
		return "NOT EXISTS (SELECT 1 FROM " + mariadbMembers(w, right, "authz_b") + " WHERE NOT EXISTS " +
			"(SELECT 1 FROM " + mariadbMembers(w, left, "authz_a") + " WHERE " + mariadbSame + "))"
	},
}

// sqliteRow: the caller's expressions stand in a row of their own outside of json_each, whose columns such as `value`
// and `id` would hide the caller's.
func sqliteRow(w *sqlWriter, left, right sqlOperand) string {
	return "(SELECT " + w.set(left) + " AS a, " + w.set(right) + " AS b) AS authz_s"
}

// A column of numbers would take a text for a number, and '07' for 7; a driver may bind a number as a text.
var sqlite = &sqlDialect{
	columns: map[string][2]string{"text": {"CAST(", " AS TEXT) COLLATE BINARY"}},
	values: map[string][2]string{"text": {}, "int": {"CAST(", " AS INTEGER)"},
		"bool": {"CAST(", " AS INTEGER)"}},
	boolean: boolAsInt,
	set:     jsonSet,
	has: func(w *sqlWriter, left, right sqlOperand) string {
		return w.operand(right) + " IN (SELECT authz_a.value FROM (SELECT " + w.set(left) +
			" AS a) AS authz_s, json_each(authz_s.a) AS authz_a)"
	},
	hasAny: func(w *sqlWriter, left, right sqlOperand) string {
		return "EXISTS (SELECT 1 FROM " + sqliteRow(w, left, right) + ", json_each(authz_s.a) AS authz_a, " +
			"json_each(authz_s.b) AS authz_b WHERE authz_a.value = authz_b.value)"
	},
	hasAll: func(w *sqlWriter, left, right sqlOperand) string {
		return "NOT EXISTS (SELECT 1 FROM " + sqliteRow(w, left, right) + ", json_each(authz_s.b) AS authz_b " +
			"WHERE authz_b.value NOT IN (SELECT authz_a.value FROM json_each(authz_s.a) AS authz_a))"
	},
}
