//! A Redis user who loses and regains permissions while the daemon stores.

use super::load::{Lines, Load};
use super::wait_not_ready;
use millstream_tests::{Daemon, Redis, servers, wait_until};

/// The commands of a transaction and of the look-up before it.
const COMMANDS: [&str; 6] = ["multi", "exec", "watch", "hmget", "xadd", "hset"];

fn permit(redis: &Redis, rules: &[&str]) {
    let words = [&["ACL", "SETUSER", "mill"], rules].concat();
    redis.order(&words);
}

/// A daemon under load whose user has all permissions.
fn under_load(name: &str) -> (Redis, Load, Daemon) {
    let redis = servers().own_redis(&["--user", "mill", "on", ">word", "~*", "&*", "+@all"]);
    let load = Load::new(name);
    let lines = Lines {
        pipeline: "batch = { max-records = 20 }",
        ..Lines::default()
    };
    let address = format!("mill:word@{}", redis.addr());
    let daemon = Daemon::ready(&load.config(&address, lines));
    (redis, load, daemon)
}

#[test]
fn refusing_each_command_for_a_while_loses_and_duplicates_nothing() {
    let (redis, load, daemon) = under_load("refused");
    for command in COMMANDS {
        let from = load.done(&redis);
        load.produce(1500);
        load.wait_done(&redis, from + 300);
        permit(&redis, &[&format!("-{command}")]);
        load.produce(300); // the earlier records may be processed by now
        wait_not_ready(
            &daemon,
            &format!("no permissions to run the '{command}' command"),
        );
        permit(&redis, &[&format!("+{command}")]);
    }
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn refusing_several_commands_at_any_moment_loses_and_duplicates_nothing() {
    let (redis, load, daemon) = under_load("changing");
    let all = load.produce(12_000);
    for round in 0.. {
        let done = load.done(&redis);
        if done >= all {
            break;
        }
        // MULTI together with each other command: without MULTI the others would run as half a
        // transaction.
        let other = format!("-{}", COMMANDS[1 + round % 5]);
        let rules = match round % 2 {
            0 => ["-multi", other.as_str()],
            _ => ["-xadd", "-publish"],
        };
        permit(&redis, &rules);
        wait_until("the command is refused", super::LONG, || {
            (redis.refusals("mill") > 0).then_some(())
        });
        redis.order(&["ACL", "LOG", "RESET"]);
        permit(&redis, &["+@all"]);
        load.wait_done(&redis, (done + 200).min(all));
    }
    load.assert_complete_and_healthy(&redis, &daemon);
}
