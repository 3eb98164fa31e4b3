// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const webPolicy = `
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
    /health { GET }
    /once { GET }
    /notes/{note} { DELETE, PATCH }
}
facts { resource.owner string }
role anyone { allow GET on api:/health }
role viewer {
    allow GET on api:/**
    allow PATCH on api:/notes/{note} when resource.owner is principal.id
}
principal web { role viewer }
stack web {
    authenticate sufficient key
    authenticate optional principal
    authorize required role
}
stack counted {
    authenticate required key
    account required quota name=counted limit=1 period=24h per=principal
    authorize required role
}
`

// site is a real web server with a guard, before a handler that says who was let in.
type site struct {
	t      *testing.T
	daemon *daemon
	token  string
	guard  *Guard
	server *httptest.Server
}

func newSite(t *testing.T) *site {
	d := startDaemon(t)
	d.must(os.WriteFile(filepath.Join(d.folder, "policy", "a.policy"), []byte(webPolicy), 0o600))
	client := d.client()
	if _, _, err := client.Policy.Reload(soon(t)); err != nil {
		t.Fatal(err)
	}
	key := good[Key](t)(client.Keys.Create(soon(t), NewKey{Principal: "web"}))
	s := &site{t: t, daemon: d, token: key.APIKey.Reveal(), guard: &Guard{Client: client, Service: "web"}}
	s.server = httptest.NewServer(s.guard.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decision := FromContext(r.Context())
		_, _ = io.WriteString(w, "let in "+decision.Principal)
	})))
	t.Cleanup(s.server.Close)
	return s
}

// send sends a request as it is written, and returns the answer with its body.
func (s *site) send(line string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	socket, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer socket.Close()
	method, _, _ := strings.Cut(line, " ")
	_, _ = io.WriteString(socket, line+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+
		strings.Join(append(headers, "\r\n"), "\r\n"))
	answer, err := http.ReadResponse(bufio.NewReader(socket), &http.Request{Method: method})
	if err != nil {
		s.t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	return answer, string(body)
}

func (s *site) expect(status int, line string, headers ...string) *http.Response {
	s.t.Helper()
	answer, body := s.send(line, headers...)
	if answer.StatusCode != status || (status == 200) != strings.HasPrefix(body, "let in") {
		s.t.Errorf("%s %q: %d %s", line, headers, answer.StatusCode, body)
	}
	var said problem
	if status != 200 && (json.Unmarshal([]byte(body), &said) != nil || said.Status != status ||
		answer.Header.Get("Content-Type") != "application/problem+json") {
		s.t.Errorf("%s: no problem details: %s", line, body)
	}
	return answer
}

func TestAGuardAnswersAsTheDaemonDecides(t *testing.T) {
	s := newSite(t)
	bearer := "Authorization: Bearer " + s.token
	s.expect(200, "GET /loans/7?x=/health", bearer)
	s.expect(200, "GET http://h/loans/7", bearer)
	s.expect(403, "DELETE /loans/7", bearer)
	s.expect(403, "DELETE http://h/loans/7", bearer)
	s.expect(404, "GET /nowhere", bearer)
	s.expect(400, "GET /loans/../health", bearer)
	s.expect(400, "GET /loans/a%2Fb", bearer)
	for _, name := range []string{"X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"} {
		s.expect(400, "DELETE /loans/7", bearer, name+": GET")
		s.expect(400, "GET /loans/7", bearer, name+": DELETE")
	}
	s.guard.Overrides = true
	s.expect(403, "DELETE /loans/7", bearer, "X-HTTP-Method-Override: GET")
	s.expect(200, "GET /loans/7", bearer, "X-HTTP-Method-Override: DELETE")
	if _, body := s.send("GET /loans/7", bearer); body != "let in web" {
		t.Error(body)
	}
	if got := s.expect(401, "GET /loans/7").Header.Get("WWW-Authenticate"); got != `Bearer realm="authz"` {
		t.Error(got)
	}
	for _, wrong := range []string{bearer + "x", "Authorization: Bearer "} {
		answer := s.expect(401, "GET /loans/7", wrong)
		if !strings.Contains(answer.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Error(answer.Header)
		}
	}
	s.expect(401, "GET /loans/7?token="+s.token)
}

func TestAGuardTakesTheTokenFromItsHeaderAndCookieAndNeverTwo(t *testing.T) {
	s := newSite(t)
	s.expect(401, "GET /loans", "X-API-Key: "+s.token)
	s.guard.Header, s.guard.Cookie = "X-API-Key", "session"
	s.expect(200, "GET /loans", "X-API-Key: "+s.token)
	s.expect(200, "GET /loans", "Cookie: session="+s.token)
	s.expect(200, "GET /loans", "Authorization: bearer "+s.token, "X-API-Key: "+s.token)
	s.expect(401, "GET /loans", "Authorization: Bearer "+s.token, "X-API-Key: other")
	s.expect(401, "GET /loans", "Authorization: Bearer ", "X-API-Key: "+s.token)
	s.expect(401, "GET /loans", "Authorization: Bearer "+s.token, "X-API-Key: ")
	s.expect(401, "GET /loans", "Authorization: Bearer "+s.token, "Authorization: Bearer other")
	s.expect(401, "GET /loans", "Authorization: Bearer other", "Authorization: Bearer "+s.token)
}

func TestAGuardSaysWhenAQuotaIsUsedUp(t *testing.T) {
	s := newSite(t)
	s.guard.Service = "counted"
	s.expect(200, "GET /loans", "Authorization: Bearer "+s.token)
	answer := s.expect(429, "GET /loans", "Authorization: Bearer "+s.token)
	if answer.Header.Get("Retry-After") == "" || !strings.HasPrefix(answer.Header.Get("RateLimit"), `"default";r=0;t=`) {
		t.Error(answer.Header)
	}
}

func TestAGuardLetsNothingPassWithoutAnAnswer(t *testing.T) {
	s := newSite(t)
	denied := 0
	s.guard.Denied = func(_ *http.Request, decision Decision, err error) {
		if denied++; decision.Allowed() || err == nil {
			t.Error(decision, err)
		}
	}
	s.guard.Prepare = func(*http.Request, *Request) error { return errors.New("no tenant") }
	s.expect(503, "GET /loans", "Authorization: Bearer "+s.token)
	s.guard.Prepare = nil
	s.guard.Client = clientAt(t, s.daemon.socket, 50*time.Millisecond)
	s.daemon.stop()
	if s.expect(503, "GET /loans", "Authorization: Bearer "+s.token).Header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
	s.daemon.start()
	s.guard.Client, s.guard.Denied = s.daemon.client(), nil
	s.expect(200, "GET /loans", "Authorization: Bearer "+s.token)
	if denied != 2 {
		t.Errorf("%d were denied", denied)
	}
}

func TestAPreflightPassesOnlyIfToldToAndWithoutAToken(t *testing.T) {
	s := newSite(t)
	preflight := []string{"Origin: https://x", "Access-Control-Request-Method: GET"}
	s.expect(401, "OPTIONS /loans", preflight...)
	s.guard.Preflight = true
	s.expect(200, "OPTIONS /loans", preflight...)
	s.expect(400, "OPTIONS /loans", append(preflight, "X-HTTP-Method-Override: DELETE")...)
	s.expect(401, "OPTIONS /loans", preflight[0])
	s.expect(401, "GET /loans", preflight...)
	s.expect(403, "OPTIONS /loans", append(preflight, "Authorization: Bearer "+s.token)...)
	if FromContext(soon(t)).Allowed() {
		t.Error("a context without a decision allows")
	}
}

func TestTheTargetIsThatOfTheRequestLine(t *testing.T) {
	for uri, wanted := range map[string]string{"/a%2Fb?c": "/a%2Fb?c", "//x/y": "//x/y",
		"http://h": "/", "http://h?q": "/?q", "http://h/a/../b": "/a/../b", "*": "*", "h:80": "h:80",
		"/a?b=http://c/d": "/a?b=http://c/d"} {
		if got := target(uri); got != wanted {
			t.Errorf("%s: %s, not %s", uri, got, wanted)
		}
	}
}

func TestWhatLacksFactsIsDeniedAndPassesOnlyIfThatIsWanted(t *testing.T) {
	s := newSite(t)
	bearer := "Authorization: Bearer " + s.token
	_, body := s.send("PATCH /notes/7", bearer)
	if s.expect(403, "PATCH /notes/7", bearer); !strings.Contains(body, `"missing_fact"`) {
		t.Error(body)
	}
	s.guard.MissingPass = true
	if _, body = s.send("PATCH /notes/7", bearer); body != "let in web" {
		t.Error(body)
	}
	s.expect(403, "DELETE /notes/7", bearer)
	s.expect(401, "PATCH /notes/7")
	s.expect(404, "PATCH /nowhere", bearer)
	s.guard.Prepare = func(_ *http.Request, request *Request) error {
		request.Facts = Facts{"resource.owner": "bob"}
		return nil
	}
	s.expect(403, "PATCH /notes/7", bearer)

	inner := &Guard{Client: s.guard.Client, Service: "web", Prepare: s.guard.Prepare}
	outer := &Guard{Client: s.guard.Client, Service: "web", MissingPass: true}
	ran := false
	s.server.Config.Handler = outer.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if decision := FromContext(r.Context()); decision.Allowed() || len(decision.Missing) != 1 {
			t.Errorf("%+v", decision)
		}
		inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			ran = true
			_, _ = io.WriteString(w, "let in")
		})).ServeHTTP(w, r)
	}))
	s.expect(403, "PATCH /notes/7", bearer)
	if ran {
		t.Error("a handler ran whose facts are denied")
	}
	inner.Prepare = func(_ *http.Request, request *Request) error {
		request.Facts = Facts{"resource.owner": "web"}
		return nil
	}
	s.expect(200, "PATCH /notes/7", bearer)
	if !ran {
		t.Error("the handler did not run")
	}
}
