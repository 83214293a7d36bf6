from dataclasses import dataclass

from millstream import Events, Failure, Keys, Record, State, clock, log


@dataclass
class Order:
    customer: str
    total: float


def keys(record: Record, keys: Keys) -> None:
    keys.add(record.json(Order).customer)


def transform(record: Record, events: Events, state: State) -> None:
    order = record.json(Order)
    count = (state.json(order.customer, int) or 0) + 1
    if order.total > 100:
        state.set_for(order.customer, str(count), 50)
    else:
        state.set_json(order.customer, count)
    log.info("order", count, "of", order.customer)
    if order.total < 0:
        raise Failure.rejected("the total is negative")
    if order.total == 0:
        state.get("other")
    events.client(order.customer, kind="orders", json={"at": clock.now(), "count": count})
