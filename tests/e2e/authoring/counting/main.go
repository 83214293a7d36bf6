package main

import (
	"strconv"
	"time"

	"millstream"
	"millstream/clock"
	"millstream/log"
	"millstream/stateful"
)

type order struct {
	Customer string  `json:"customer"`
	Total    float64 `json:"total"`
}

type count struct{}

func main() { stateful.Main(configure) }

func configure(config millstream.Config) (stateful.Plugin, error) { return count{}, config.None() }

func (count) Keys(record millstream.Record, keys *stateful.Keys) {
	var o order
	if record.JSON(&o) == nil && o.Customer != "" {
		keys.Add(o.Customer)
	}
}

func (count) Transform(record millstream.Record, state *stateful.State, events *stateful.Events) error {
	var o order
	if err := record.JSON(&o); err != nil {
		return err
	}
	if o.Customer == "" {
		return millstream.Unaddressable("the order has no customer")
	}
	var n uint64
	if _, err := state.JSON(o.Customer, &n); err != nil {
		return err
	}
	n++
	if o.Total > 100 {
		state.SetFor(o.Customer, []byte(strconv.FormatUint(n, 10)), 50*time.Millisecond)
	} else if err := state.SetJSON(o.Customer, n); err != nil {
		return err
	}
	log.Info("order %d of %s", n, o.Customer)
	if o.Total < 0 {
		return millstream.Rejected("the total is negative")
	}
	if o.Total == 0 {
		state.Get("other")
	}
	at, _ := clock.Now()
	return events.Client(o.Customer).Type("orders").JSON(struct {
		At    int64  `json:"at"`
		Count uint64 `json:"count"`
	}{at, n})
}
