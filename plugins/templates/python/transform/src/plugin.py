"""A transform: each order becomes an event for its customer."""

from dataclasses import dataclass

from millstream import Events, Failure, Record


@dataclass
class Order:
    customer: str
    id: int
    total: float


def transform(record: Record, events: Events) -> None:
    order = record.json(Order)
    if order.total < 0:
        raise Failure.rejected("the total is negative")
    update = {"id": order.id, "total": order.total}
    events.client(order.customer, kind="order", json=update)
