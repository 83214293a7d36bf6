use millstream_tests::{servers, streams, unique};
use std::collections::BTreeMap;

#[test]
fn redis_evicts_nothing() {
    let policy = redis::cmd("CONFIG")
        .arg("GET")
        .arg("maxmemory-policy")
        .clone();
    let policy: (String, String) = policy.query(&mut servers().redis.connect()).unwrap();
    assert_eq!(policy.1, "noeviction");
}

#[test]
fn a_killed_redis_keeps_its_port_and_its_persisted_data() {
    let redis = servers().own_redis(&["--appendonly", "yes", "--appendfsync", "always"]);
    redis::cmd("SET")
        .arg("a")
        .arg("1")
        .exec(&mut redis.connect())
        .unwrap();
    redis.kill();
    redis.start();
    let kept: String = redis::cmd("GET")
        .arg("a")
        .query(&mut redis.connect())
        .unwrap();
    assert_eq!(kept, "1");
}

#[test]
fn a_rewound_redis_has_its_earlier_data_and_appends_from_there() {
    let redis = servers().own_redis(&["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]);
    let push = |what: &str| {
        let mut push = redis::cmd("RPUSH");
        let answer = push.arg("list").arg(what).exec(&mut redis.connect());
        answer.unwrap();
    };
    push("kept");
    let mark = redis.mark();
    push("lost");
    redis.rewind(mark);
    push("new");
    redis.kill();
    redis.start();
    let mut range = redis::cmd("LRANGE");
    range.arg("list").arg(0).arg(-1);
    let list: Vec<String> = range.query(&mut redis.connect()).unwrap();
    assert_eq!(list, ["kept", "new"]);
}

#[test]
fn streams_are_read_completely_and_by_client() {
    let prefix = unique("streams");
    let mut pipe = redis::pipe();
    for n in 0..5001 {
        let key = format!(
            "{prefix}:{{0}}:client:{}",
            if n == 0 { "one" } else { "many" }
        );
        let xadd = pipe.cmd("XADD").arg(key).arg("*").arg("type").arg("t");
        xadd.arg("data")
            .arg(n)
            .arg("source")
            .arg(format!("topic/0/{n}/0"));
    }
    pipe.exec(&mut servers().redis.connect()).unwrap();
    let streams = streams(&prefix);
    let sizes = streams
        .iter()
        .map(|(client, entries)| (client.as_str(), entries.len()));
    assert_eq!(
        sizes.collect::<BTreeMap<_, _>>(),
        BTreeMap::from([("many", 5000), ("one", 1)])
    );
    assert_eq!(streams["many"][4999].source, "topic/0/5000/0");
    assert_eq!(streams["many"][4999].data, "5000");
}
