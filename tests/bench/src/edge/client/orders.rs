use super::connection;
use super::shared::Shared;
use crate::clock::now;
use crate::edge::protocol::{Answer, Open, Order};
use std::io::{BufRead, stdin};
use std::mem::take;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::sleep;

/// Takes orders and answers each.
pub async fn serve(shared: Rc<Shared>) {
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        let answer = obey(&shared, order).await;
        println!("{}", serde_json::to_string(&answer).unwrap());
    }
}

/// Reading blocks, so a separate thread does it. There is never more than one order at a time.
fn orders() -> mpsc::Receiver<Order> {
    let (send, orders) = mpsc::channel(1);
    thread::spawn(move || {
        for line in stdin().lock().lines() {
            let order = serde_json::from_str(&line.unwrap()).unwrap();
            if send.blocking_send(order).is_err() {
                return;
            }
        }
    });
    orders
}

async fn obey(shared: &Rc<Shared>, order: Order) -> Answer {
    match order {
        Order::Open(open) => begin(shared, open),
        Order::Status => {}
        Order::Await { received, millis } => wait(shared, received, millis).await,
        Order::Latencies => return Answer::Latencies(latencies(shared)),
        Order::Tallies => {
            let mut clients = shared.clients.borrow_mut();
            let tallies = clients.iter_mut().map(|client| take(&mut client.tally));
            return Answer::Tallies(tallies.collect());
        }
        Order::Cut => cut(shared),
    }
    Answer::Status(shared.status.borrow().clone())
}

fn begin(shared: &Rc<Shared>, open: Open) {
    let clients = shared.begin(open);
    for at in clients {
        spawn_local(connection::keep(shared.clone(), at));
    }
}

async fn wait(shared: &Shared, received: u64, millis: u64) {
    let end = Instant::now() + Duration::from_millis(millis);
    // The time of a change is stored with it, so it need not be seen at once.
    while shared.status.borrow().received < received && Instant::now() < end {
        sleep(Duration::from_millis(1)).await;
    }
}

fn cut(shared: &Shared) {
    {
        let mut status = shared.status.borrow_mut();
        status.live = 0;
        status.last_cut_at = now();
    }
    shared.all_at_once();
    shared.cut.send_modify(|cuts| *cuts += 1);
}

fn latencies(shared: &Shared) -> Vec<(u64, u64)> {
    let mut latencies = shared.latencies.borrow_mut();
    let recorded = latencies.iter_recorded();
    let recorded = recorded.map(|step| (step.value_iterated_to(), step.count_at_value()));
    let recorded = recorded.collect();
    latencies.reset();
    recorded
}
