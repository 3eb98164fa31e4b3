// SPDX-License-Identifier: Apache-2.0

// The Go client's replayer of sql.json: sql FILE. It prints for each case, by dialect, what Where wrote.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"authzd.internal/authz"
)

type object = map[string]any

type document struct {
	Socket  string        `json:"socket"`
	Columns authz.Columns `json:"columns"`
	Cases   []struct {
		Plan        object `json:"plan"`
		Ask         object `json:"ask"`
		Placeholder string `json:"placeholder"`
		First       int    `json:"first"`
		Expect      object `json:"expect"`
	} `json:"cases"`
}

// whole makes integers of the numbers of JSON.
func whole(value any) any {
	switch value := value.(type) {
	case json.Number:
		number, err := value.Int64()
		if err != nil {
			log.Fatal(err)
		}
		return number
	case []any:
		for i := range value {
			value[i] = whole(value[i])
		}
	case object:
		for name := range value {
			value[name] = whole(value[name])
		}
	}
	return value
}

func asked(socket string, ask object) authz.Plan {
	client, err := authz.New(&authz.Options{Socket: socket, Timeout: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	text := func(name string) string { value, _ := ask[name].(string); return value }
	facts, _ := ask["facts"].(object)
	plan, err := client.Plan(context.Background(), authz.Request{Principal: text("principal"), Action: text("action"),
		Resource: text("resource"), Facts: facts})
	if err != nil {
		log.Fatal(err)
	}
	return plan
}

func given(fields object) authz.Plan {
	kind, _ := fields["plan"].(string)
	tree, _ := fields["tree"].([]any)
	return authz.Plan{Kind: kind, Tree: tree}
}

func write(plan authz.Plan, columns authz.Columns, dialect authz.Dialect, placeholder string, first int) object {
	where, err := plan.Where(columns, dialect)
	if placeholder != "" || first != 0 {
		if placeholder == "" {
			placeholder = map[authz.Dialect]string{authz.PostgreSQL: "$1"}[dialect]
		}
		if placeholder == "" {
			placeholder = "?"
		}
		where, err = plan.WhereWith(columns, dialect, placeholder, max(first))
	}
	if err != nil {
		return object{"error": err.Error()}
	}
	if where.Parameters == nil {
		where.Parameters = []any{}
	}
	return object{"text": where.Text, "parameters": where.Parameters}
}

func max(first int) int {
	if first == 0 {
		return 1
	}
	return first
}

func main() {
	in, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var file document
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	if err := decoder.Decode(&file); err != nil {
		log.Fatal(err)
	}
	got := []object{}
	for _, each := range file.Cases {
		var plan authz.Plan
		if each.Ask != nil {
			plan = asked(file.Socket, whole(each.Ask).(object))
		} else {
			plan = given(whole(each.Plan).(object))
		}
		written := object{}
		for dialect := range each.Expect {
			written[dialect] = write(plan, file.Columns, authz.Dialect(dialect), each.Placeholder, each.First)
		}
		got = append(got, written)
	}
	if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
		log.Fatal(err)
	}
}
