// A transform: each order becomes an event for its customer.
package main

import (
	"millstream"
	"millstream/transform"
)

type order struct {
	Customer string  `json:"customer"`
	ID       *uint64 `json:"id"`
	Total    float64 `json:"total"`
}

type update struct {
	ID    uint64  `json:"id"`
	Total float64 `json:"total"`
}

func main() { transform.Main(configure) }

func configure(config millstream.Config) (transform.Func, error) {
	return orderToEvent, config.None()
}

func orderToEvent(record millstream.Record, events *transform.Events) error {
	var order order
	if err := record.JSON(&order); err != nil {
		return err
	}
	// A field that the JSON lacks is zero; a pointer tells it from 0.
	if order.Customer == "" || order.ID == nil {
		return millstream.Malformed("the order has no customer or no id")
	}
	if order.Total < 0 {
		return millstream.Rejected("the total is negative")
	}
	return events.Client(order.Customer).Type("order").JSON(update{*order.ID, order.Total})
}
