// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

const place = "4711-9f86d081884c7d65"

// scripted answers each method as `answers` says, and notes the parameters. An answer with a code is an
// error.
type scripted struct {
	answers map[string]map[string]any
	asked   chan map[string]any
}

func (s *scripted) serve(connection net.Conn) {
	defer connection.Close()
	decoder := msgpack.NewDecoder(connection)
	for {
		request, err := decoder.DecodeSlice()
		if err != nil {
			return
		}
		params, _ := request[3].([]any)[0].(map[string]any)
		params["method"] = request[2]
		s.asked <- params
		answer := []any{1, request[1], nil, s.answers[request[2].(string)]}
		if code := s.answers[request[2].(string)]["code"]; code != nil {
			answer[2], answer[3] = answer[3], nil
		}
		bytes, _ := msgpack.Marshal(answer)
		_, _ = connection.Write(bytes)
	}
}

func startScripted(t *testing.T, answers map[string]map[string]any) (*Client, *scripted) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authz.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{answers, make(chan map[string]any, 16)}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(connection)
		}
	}()
	client, err := New(&Options{Socket: path, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = listener.Close() })
	return client, s
}

func TestAClientAsOfAPlaceSendsIt(t *testing.T) {
	allow := map[string]any{"allow": true, "status": 200, "reason": "ok", "revision": "1"}
	client, s := startScripted(t, map[string]map[string]any{"authorize": allow,
		"keys.list": {"items": []any{}}})
	ctx, ask := context.Background(), Request{Principal: "ann", Method: "GET", Path: "/"}
	later := client.AsOf(place)
	if decision, err := later.Check(ctx, ask); err != nil || !decision.Allowed() {
		t.Fatal(decision, err)
	}
	if _, err := later.Keys.List(ctx, KeyFilter{}).All(); err != nil {
		t.Fatal(err)
	}
	_, _ = client.Check(ctx, ask)
	ask.AsOf = place
	_, _ = client.Check(ctx, ask)
	for i, want := range []any{place, place, nil, place} {
		if got := (<-s.asked)["as_of"]; got != want {
			t.Errorf("call %d: as_of is %v", i, got)
		}
	}
}

func TestAChangeThatSomeHostsLackIsAnErrorBesideTheRecord(t *testing.T) {
	client, s := startScripted(t, map[string]map[string]any{
		"keys.revoke":        {"id": "k", "everywhere": true, "as_of": place},
		"keys.create":        {"id": "k", "secret": "s", "everywhere": false, "lacking": []any{"b"}},
		"principals.disable": {"id": "p"}, "keys.get": {"id": "k"}})
	ctx, everywhere := context.Background(), client.Everywhere()
	key, err := everywhere.Keys.Revoke(ctx, "k")
	if err != nil || key.AsOf != place {
		t.Fatal(key, err)
	}
	if asked := <-s.asked; asked["everywhere"] != true {
		t.Fatal(asked)
	}
	key, err = everywhere.Keys.Create(ctx, NewKey{Roles: []string{"x"}})
	var lacking *NotEverywhere
	if !errors.As(err, &lacking) || !reflect.DeepEqual(lacking.Lacking, []string{"b"}) ||
		key.APIKey.Reveal() != "s" {
		t.Fatal(key, err)
	}
	<-s.asked
	if _, err = everywhere.Keys.Get(ctx, "k"); err != nil || (<-s.asked)["everywhere"] != nil {
		t.Fatal(err)
	}
	if _, err = client.Principals.Disable(ctx, "p", ""); err != nil || (<-s.asked)["everywhere"] != nil {
		t.Fatal(err)
	}
}

func TestStaleAndADatabaseThatIsAwayAreMatched(t *testing.T) {
	client, _ := startScripted(t, map[string]map[string]any{"permissions": {"code": "stale", "message": "no"},
		"keys.revoke": {"code": "unavailable", "message": "no", "may_stand": true}})
	ctx := context.Background()
	_, err := client.Permissions(ctx, PermissionsRequest{Principal: "ann"}).All()
	if !errors.Is(err, ErrStale) || errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	_, err = client.Keys.Revoke(ctx, "k")
	var refused *Error
	if !errors.Is(err, ErrStoreUnavailable) || !errors.As(err, &refused) || !refused.MayStand {
		t.Error(err)
	}
}

func TestAGuardAnswersAStaleDenialWith503(t *testing.T) {
	client, _ := startScripted(t, map[string]map[string]any{"authorize": {"allow": false, "status": 503,
		"reason": "stale", "revision": "1"}})
	guard := &Guard{Client: client}
	answer := httptest.NewRecorder()
	guard.Wrap(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", "/loans", nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") != "1" {
		t.Error(answer.Code, answer.Header())
	}
}
