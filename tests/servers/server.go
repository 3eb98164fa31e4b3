// SPDX-License-Identifier: Apache-2.0

// Go's net/http with gorilla/mux and the routes of routes.json: server SOCKET ROUTES. See
// js/server.js.
package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"

	"github.com/gorilla/mux"
)

type route struct{ Method, Path string }

func main() {
	var routes []route
	text, err := os.ReadFile(os.Args[2])
	if err == nil {
		err = json.Unmarshal(text, &routes)
	}
	if err != nil {
		panic(err)
	}
	rest := regexp.MustCompile(`\{(\w+)\.\.\.\}`)
	name := regexp.MustCompile(`\{(\w+)`)
	router := mux.NewRouter()
	for _, r := range routes {
		r := r
		names := name.FindAllStringSubmatch(r.Path, -1)
		answer := func(w http.ResponseWriter, req *http.Request) {
			values := []string{}
			for _, n := range names {
				values = append(values, mux.Vars(req)[n[1]])
			}
			list, _ := json.Marshal(values)
			w.Header().Set("X-Raw", req.RequestURI)
			w.Header().Set("X-Route", r.Method+" "+r.Path)
			w.Header().Set("X-Values", url.PathEscape(string(list)))
		}
		methods := []string{r.Method}
		if r.Method == "GET" {
			methods = append(methods, "HEAD")
		}
		router.HandleFunc(rest.ReplaceAllString(r.Path, "{$1:.*}"), answer).Methods(methods...)
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	panic(http.Serve(listener, router))
}
