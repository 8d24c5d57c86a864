// courier plans tours: courier MODE ARGUMENT COUNT.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

type tour struct {
	id    int
	stops map[string]int
}

func (t *tour) add(street string) { t.stops[street]++ }

func ask(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("fetch distances: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 500 {
		return fmt.Errorf("fetch distances: upstream status %s", answer.Status)
	}
	return nil
}

func main() {
	mode, argument := os.Args[1], os.Args[2]
	count, _ := strconv.Atoi(os.Args[3])
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	log.Printf("courier v0.19.4 starting")
	if mode == "listen" {
		if _, err := net.Listen("tcp", argument); err != nil {
			log.Fatalf("cannot serve: %v", err)
		}
	}
	for i := 1; i <= count; i++ {
		switch {
		case mode == "ask":
			if err := ask(argument); err != nil {
				log.Printf("ERROR tour %d: %v", i, err)
				time.Sleep(200 * time.Millisecond)
				continue
			}
		case mode == "map" && i > 12:
			next := &tour{id: i}
			next.add("Elm Street")
		case mode == "index" && i > 12:
			stops := []string{"Elm Street", "Oak Road"}
			log.Printf("tour %d ends in %s", i, stops[i-10])
		case mode == "stuck" && i > 12:
			var both sync.WaitGroup
			both.Add(2)
			go both.Done()
			both.Wait()
		}
		log.Printf("tour %d planned", i)
		time.Sleep(60 * time.Millisecond)
	}
	log.Printf("done")
}
