use super::SOON;
use millstream_tests::{Link, servers, unique, wait_until};
use redis::{Client, Connection, RedisResult};
use std::time::Duration;

fn connect(link: &Link) -> Connection {
    let client = Client::open(format!("redis://{}", link.addr())).unwrap();
    let connection = client.get_connection().unwrap();
    connection.set_read_timeout(Some(SOON)).unwrap();
    connection
}

fn incr(key: &str, connection: &mut Connection) -> RedisResult<i32> {
    redis::cmd("INCR").arg(key).query(connection)
}

fn link_to_redis() -> (Link, String) {
    let url = servers().redis.url();
    (Link::to(url.trim_start_matches("redis://")), unique("link"))
}

#[test]
fn a_cut_link_refuses_connections_until_it_is_opened() {
    let (link, key) = link_to_redis();
    let mut connection = connect(&link);
    assert_eq!(incr(&key, &mut connection).unwrap(), 1);
    link.cut();
    incr(&key, &mut connection).unwrap_err();
    let client = Client::open(format!("redis://{}", link.addr())).unwrap();
    assert!(
        client
            .get_connection()
            .and_then(|mut new| incr(&key, &mut new))
            .is_err()
    );
    link.open();
    assert_eq!(incr(&key, &mut connect(&link)).unwrap(), 2);
}

#[test]
fn a_link_can_lose_the_answer_to_an_executed_command() {
    let (link, key) = link_to_redis();
    let mut connection = connect(&link);
    assert_eq!(incr(&key, &mut connection).unwrap(), 1);
    link.lose_answers();
    connection
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    incr(&key, &mut connection).unwrap_err();
    let mut direct = servers().redis.connect();
    wait_until("Redis has counted", SOON, || {
        let count: i32 = redis::cmd("GET").arg(&key).query(&mut direct).unwrap();
        (count == 2).then_some(())
    });
}

#[test]
fn a_stalled_link_continues_without_loss() {
    let (link, key) = link_to_redis();
    let mut connection = connect(&link);
    assert_eq!(incr(&key, &mut connection).unwrap(), 1);
    link.stall();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| incr(&key, &mut connection));
        link.open();
        assert_eq!(waiting.join().unwrap().unwrap(), 2);
    });
}
