//! The README's quickstart, run exactly as written.

use millstream_tests::{
    Daemon, create_topic, delete_topic, free_port, scratch_dir, servers, unique, workspace,
};
use std::fs;
use std::process::{Command, Stdio};

/// The shell commands in a section of the README, in order.
fn commands(section: &str) -> String {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, after) = readme
        .split_once(&format!("\n## {section}\n"))
        .expect("the section exists");
    let section = after.split("\n## ").next().unwrap_or_default();
    let blocks = section.split("```sh\n").skip(1);
    let commands: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(!commands.is_empty(), "the section has commands");
    commands.concat()
}

/// Replaces only the addresses of the servers, and the names that separate this run from others.
#[test]
fn the_quickstart_can_be_pasted_line_by_line() {
    const EXAMPLE: &str = "examples/quickstart/millstream.toml";
    let folder = scratch_dir("quickstart");
    // An unused name: the quickstart creates the topic.
    let topic = create_topic("quickstart", 1);
    delete_topic(&topic);
    let [sse, admin] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let redis = format!(
        "{}\"\nkey-prefix = \"{}\"",
        servers().redis.url(),
        unique("quickstart")
    );
    let listeners =
        format!("[http]\nlisten = \"{sse}\"\n[admin]\nlisten = \"{admin}\"\n[[pipeline]]");
    let config = fs::read_to_string(workspace().join(EXAMPLE)).unwrap();
    let config = config
        .replace("127.0.0.1:9092", &servers().kafka.bootstrap())
        .replace(
            "group-id = \"millstream\"",
            &format!("group-id = \"{topic}\""),
        )
        .replace("redis://127.0.0.1:6379\"", &redis)
        .replace(
            "topics = [\"notifications\"]",
            &format!("topics = [\"{topic}\"]"),
        )
        .replace("[[pipeline]]", &listeners);
    let own = folder.join("millstream.toml");
    fs::write(&own, config).unwrap();
    let script = commands("Quickstart")
        .replace(EXAMPLE, "millstream.toml")
        .replace(
            "topic create notifications",
            &format!("topic create {topic}"),
        )
        .replace("produce notifications", &format!("produce {topic}"))
        .replace("127.0.0.1:8080", &sse)
        .replace("127.0.0.1:9090", &admin);
    let program = Daemon::program();
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", &script])
        .current_dir(&folder)
        .env("PATH", path)
        .env("XDG_STATE_HOME", &folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let log = fs::read_to_string(folder.join("quickstart.log")).unwrap_or_default();
    assert!(output.status.success(), "{said}\n{errors}\n{log}");
    let event =
        "event: hello\ndata: {\"clientId\":\"ada\",\"eventType\":\"hello\",\"text\":\"it works\"}";
    assert!(said.contains(event), "{said}\n{errors}\n{log}");
}
