// SPDX-License-Identifier: Apache-2.0

// The Go client's replayer of cases.json: replay FILE. See README.md of the folder above.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"authzd.internal/authz"
)

type object = map[string]any

type many struct {
	Shared   object   `json:"shared"`
	Requests []object `json:"requests"`
}

type step struct {
	Check  object `json:"check"`
	Many   *many  `json:"check_many"`
	Call   string `json:"call"`
	Params object `json:"params"`
}

type document struct {
	Cases []struct {
		Name    string `json:"name"`
		Socket  string `json:"socket"`
		Timeout int    `json:"timeout_ms"`
		Do      []step `json:"do"`
	} `json:"cases"`
}

// whole makes integers of the numbers of JSON.
func whole(value any) any {
	switch value := value.(type) {
	case float64:
		return int64(value)
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

func requestOf(fields object) authz.Request {
	var request authz.Request
	texts := map[string]*string{
		"principal": &request.Principal, "method": &request.Method, "path": &request.Path,
		"tree": &request.Tree, "action": &request.Action, "resource": &request.Resource,
		"service": &request.Service, "environment": &request.Environment,
		"tenant": &request.Tenant, "ip": &request.IP, "as_of": &request.AsOf,
	}
	for name, value := range fields {
		place, isText := texts[name]
		switch {
		case name == "token":
			request.Token = authz.NewSecret(value.(string))
		case isText && value == "": // present and empty
			request.More = object{name: ""}
		case isText:
			*place = value.(string)
		case name == "mfa_at":
			request.MFAAt = time.Unix(int64(value.(float64)), 0)
		case name == "time":
			request.Time = time.Unix(int64(value.(float64)), 0)
		case name == "facts":
			request.Facts = authz.Facts(whole(value).(object))
		case name == "undeclared" && value == "ignore":
			request.IgnoreUndeclared = true
		default:
			log.Fatalf("a request has the field %s, which the client lacks", name)
		}
	}
	return request
}

func put(out object, name, text string) {
	if text != "" {
		out[name] = text
	}
}

func decisionOf(d authz.Decision) object {
	out := object{"allow": d.Allowed(), "status": d.Status, "reason": d.Reason}
	put(out, "revision", d.Revision)
	put(out, "key", d.Key)
	put(out, "principal", d.Principal)
	put(out, "tenant", d.Tenant)
	put(out, "environment", d.Environment)
	if d.Renew {
		out["renew"], out["renew_by"] = true, d.RenewBy.Unix()
	}
	if d.Missing != nil {
		out["missing"] = d.Missing
	}
	if d.Quota != nil {
		out["quota"] = object{"limit": d.Quota.Limit, "remaining": d.Quota.Remaining,
			"reset": int64(d.Quota.Reset / time.Second)}
	}
	return out
}

func errorOf(err error) object {
	var refused *authz.Error
	if errors.As(err, &refused) {
		out := object{"code": refused.Code, "message": refused.Message}
		put(out, "param", refused.Param)
		return object{"error": out}
	}
	if errors.Is(err, authz.ErrUnavailable) {
		return object{"unavailable": true}
	}
	log.Fatalf("an error that is neither: %v", err)
	return nil
}

func doMany(client *authz.Client, asked *many) object {
	var requests []authz.Request
	for _, fields := range asked.Requests {
		requests = append(requests, requestOf(fields))
	}
	decisions, err := client.AuthorizeMany(context.Background(), requestOf(asked.Shared), requests)
	results, allows := []object{}, []bool{}
	for _, decision := range decisions {
		results = append(results, decisionOf(decision))
		allows = append(allows, decision.Allowed())
	}
	if err != nil {
		got := errorOf(err)
		got["allows"] = allows
		return got
	}
	return object{"results": results}
}

func do(client *authz.Client, one step) object {
	switch {
	case one.Check != nil:
		decision, err := client.Check(context.Background(), requestOf(one.Check))
		if err != nil {
			got := errorOf(err)
			got["allow"] = decision.Allowed()
			return got
		}
		return decisionOf(decision)
	case one.Many != nil:
		return doMany(client, one.Many)
	}
	params, _ := whole(one.Params).(object)
	result, err := client.Call(context.Background(), one.Call, params)
	if err != nil {
		return errorOf(err)
	}
	return object{"result": result}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: replay FILE")
	}
	text, err := os.ReadFile(os.Args[1])
	var file document
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, one := range file.Cases {
		client, err := authz.New(&authz.Options{Socket: one.Socket,
			Timeout: time.Duration(one.Timeout) * time.Millisecond})
		if err != nil {
			log.Fatal(err)
		}
		got := []object{}
		for _, what := range one.Do {
			got = append(got, do(client, what))
		}
		_ = client.Close()
		line, err := json.Marshal(object{"name": one.Name, "got": got})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
}
