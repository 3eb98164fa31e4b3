// SPDX-License-Identifier: Apache-2.0

// A server that authzd protects: main PORT. run starts it with a daemon.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"

	"authzd.internal/authz"
)

func loans(w http.ResponseWriter, r *http.Request) {
	loan := strings.TrimPrefix(r.URL.Path, "/loans/")
	answer := map[string]string{"loan": loan, "principal": authz.FromContext(r.Context()).Principal}
	if r.Method == http.MethodDelete {
		answer = map[string]string{"deleted": loan}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func main() {
	client, err := authz.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	guard := &authz.Guard{Client: client}

	mux := http.NewServeMux()
	mux.HandleFunc("/loans/", loans)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], guard.Wrap(mux)))
}
