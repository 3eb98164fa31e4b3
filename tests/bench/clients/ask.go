// SPDX-License-Identifier: Apache-2.0

// Go's client and a bare round trip, in turns: see ../clients.py.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"sort"
	"strconv"
	"time"

	"authzd.internal/authz"
	"github.com/vmihailenco/msgpack/v5"
)

const firstID = 0x10000 // ids from here on have one width

// bare is a function that asks once: what msgpack and a socket alone take.
func bare(path string, params map[string]any) func() bool {
	socket, err := net.Dial("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	number := uint32(firstID)
	room := make([]byte, 1<<16)
	return func() bool {
		number++
		request, err := msgpack.Marshal([]any{0, number, "authorize", []any{params}})
		if err == nil {
			_, err = socket.Write(request)
		}
		count := 0
		if err == nil {
			count, err = socket.Read(room)
		}
		var answer []any
		if err == nil {
			err = msgpack.Unmarshal(room[:count], &answer)
		}
		if err != nil {
			log.Fatal(err)
		}
		return answer[3].(map[string]any)["allow"].(bool)
	}
}

// turn is the median time of a call in one turn, in microseconds.
func turn(ask func() bool, seconds float64) float64 {
	var taken []float64
	begun := time.Now()
	for before := begun; before.Sub(begun).Seconds() < seconds; {
		if !ask() {
			log.Fatal("denied")
		}
		now := time.Now()
		taken = append(taken, float64(now.Sub(before).Nanoseconds())/1e3)
		before = now
	}
	sort.Float64s(taken)
	return taken[len(taken)/2]
}

func main() {
	var params map[string]any
	if err := json.Unmarshal([]byte(os.Args[3]), &params); err != nil {
		log.Fatal(err)
	}
	turns, _ := strconv.Atoi(os.Args[4])
	seconds, _ := strconv.ParseFloat(os.Args[5], 64)
	client, err := authz.New(&authz.Options{Socket: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	request := authz.Request{Principal: params["principal"].(string), Method: params["method"].(string),
		Path: params["path"].(string)}
	asks := map[string]func() bool{
		"echo": bare(os.Args[2], params), "bare": bare(os.Args[1], params),
		"client": func() bool { return client.Allowed(context.Background(), request) },
	}
	found := map[string][]float64{}
	for i := 0; i < turns; i++ {
		for _, name := range []string{"echo", "client", "bare"} {
			found[name] = append(found[name], turn(asks[name], seconds))
		}
	}
	text, _ := json.Marshal(found)
	fmt.Println(string(text))
}
