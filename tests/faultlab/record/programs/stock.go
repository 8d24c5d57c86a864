// stock answers how many articles there are: stock ADDRESS.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

type shelf struct{ amount int }

func find(shelves map[string]*shelf, name string) int { return shelves[name].amount }

func main() {
	logger := log.New(os.Stderr, "[stock] ", log.LstdFlags)
	shelves := map[string]*shelf{"/": {3}, "/articles": {12}, "/cart": {1}, "/health": {0}, "/favicon.ico": {0}}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		amount := find(shelves, r.URL.Path)
		logger.Printf("%s %s -> %d", r.Method, r.URL.Path, amount)
		fmt.Fprintln(w, amount)
	})
	logger.Printf("serving on %s", os.Args[1])
	server := &http.Server{Addr: os.Args[1], ErrorLog: logger}
	logger.Fatal(server.ListenAndServe())
}
