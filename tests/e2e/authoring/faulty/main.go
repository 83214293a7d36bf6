package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"millstream"
	"millstream/transform"
)

func main() { transform.Main(configure) }

func configure(config millstream.Config) (transform.Func, error) { return run, config.None() }

func deep(n int) int { return deep(n+1) + 1 }

var sink [][]byte
var keep = map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10}

func run(record millstream.Record, events *transform.Events) error {
	text, err := record.Text()
	if err != nil {
		return err
	}
	switch text {
	case "panic":
		panic("boom")
	case "index":
		var a []int
		_ = a[len(text)]
	case "nil":
		var p *millstream.Failure
		return millstream.Rejected(p.Message)
	case "err":
		return errors.New("plain")
	case "wrap":
		return fmt.Errorf("outer: %w", millstream.Rejected("inner"))
	case "json":
		return events.Client("a").JSON(func() {})
	case "deadlock":
		var m sync.Mutex
		m.Lock()
		m.Lock()
	case "go":
		go func() { panic("in goroutine") }()
		runtime.Gosched()
		time.Sleep(1)
	case "sleep":
		time.Sleep(time.Second)
	case "deep":
		return millstream.Rejected(fmt.Sprint(deep(0)))
	case "alloc":
		for {
			sink = append(sink, make([]byte, 1<<20))
		}
	case "garbage":
		for i := range 20000 {
			sink = [][]byte{make([]byte, 10<<10)}
			sink[0][i%100] = 1
		}
		sink = nil
	case "exit":
		os.Exit(0)
	case "goexit":
		runtime.Goexit()
	case "mapwrite":
		m := map[int]int{1: 1}
		go func() { panic(fmt.Sprint("x", m)) }()
		select {}
	case "print":
		println("debug")
		fmt.Println("debug")
		fmt.Fprintln(os.Stderr, "debug")
	case "libpanic":
		var w sync.WaitGroup
		w.Done()
	case "order":
		s := ""
		for k := range keep {
			s += k
		}
		events.Client("a").Text(s + time.Now().String())
	}
	events.Client("ok").Text(text)
	return nil
}
