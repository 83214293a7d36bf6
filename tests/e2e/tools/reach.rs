//! Connecting to Kafka, and soon reporting why it fails.

use super::{USAGE, command, run, run_at, said};
use millstream_tests::{scratch_dir, servers};
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// Far below librdkafka's default of a minute; the error itself is due after five seconds.
const SOON: Duration = Duration::from_secs(30);

/// One line, reported soon.
fn unreachable(servers: &str, more: &[&str]) -> String {
    let began = Instant::now();
    let mut arguments = vec!["topic", "list"];
    arguments.extend(more);
    let error = run_at(servers, &arguments, b"").failed(1);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(error.lines().count(), 1, "unexpected extra output: {error}");
    assert!(
        error.starts_with("millstream: can't reach Kafka at "),
        "{error}"
    );
    error
}

#[test]
fn a_refused_connection_is_reported_with_its_address() {
    let error = unreachable("127.0.0.1:1", &[]);
    assert!(error.contains("127.0.0.1:1: "), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn an_unknown_host_name_is_reported() {
    let error = unreachable("kafka.invalid:9092", &[]);
    assert!(
        error.contains("Failed to resolve 'kafka.invalid:9092'"),
        "{error}"
    );
    assert!(error.contains("check the host name"), "{error}");
}

#[test]
fn a_broker_that_accepts_but_never_answers_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = unreachable(&silent.local_addr().unwrap().to_string(), &[]);
    assert!(error.contains("no answer"), "{error}");
}

#[test]
fn a_closed_connection_suggests_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // As a TLS listener does with data that is not TLS.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut some = [0; 16];
            std::io::Read::read(&mut &stream, &mut some).ok();
        }
    });
    let error = unreachable(&address, &[]);
    assert!(error.contains("if it requires TLS or a login"), "{error}");
    assert!(error.contains("security.protocol"), "{error}");
}

#[test]
fn a_wrong_protocol_is_reported_with_advice() {
    let servers = servers().kafka.bootstrap();
    let tls = unreachable(&servers, &["-X", "security.protocol=SSL"]);
    assert!(tls.contains("SSL"), "{tls}");
    assert!(tls.contains("check security.protocol"), "{tls}");
    let login = [
        "-X",
        "security.protocol=SASL_PLAINTEXT",
        "-X",
        "sasl.mechanism=PLAIN",
        "-X",
        "sasl.username=ada",
        "-X",
        "sasl.password=hidden",
    ];
    let sasl = unreachable(&servers, &login);
    assert!(sasl.contains("check security.protocol"), "{sasl}");
    assert!(!sasl.contains("hidden"), "{sasl}");
}

#[test]
fn without_an_address_it_lists_where_to_set_one() {
    let none = || {
        let mut command = command("", &["topic", "list"]);
        command.env_remove("MILLSTREAM_BOOTSTRAP_SERVERS");
        command
    };
    let error = said(none(), b"").failed(USAGE);
    for way in [
        "-b host:port",
        "MILLSTREAM_BOOTSTRAP_SERVERS",
        "-c",
        "millstream.toml",
    ] {
        assert!(error.contains(way), "{way}: {error}");
    }
    // If the folder has a configuration, its [kafka] is used, even without other tables.
    let dir = scratch_dir("configured");
    let servers = servers().kafka.bootstrap();
    let text =
        format!("[kafka]\nbootstrap-servers = \"{servers}\"\n[store]\nurl = \"${{UNSET}}\"\n");
    fs::write(dir.join("millstream.toml"), text).unwrap();
    let mut here = none();
    here.current_dir(&dir);
    said(here, b"").done();
    // An option takes precedence.
    let mut elsewhere = none();
    elsewhere.current_dir(&dir).args(["-b", "127.0.0.1:1"]);
    assert!(said(elsewhere, b"").failed(1).contains("127.0.0.1:1: "));
}

#[test]
fn a_password_comes_from_the_environment_and_is_never_printed() {
    let file = scratch_dir("secret").join("kafka.toml");
    let servers = servers().kafka.bootstrap();
    let text = format!(
        "[kafka]\nbootstrap-servers = \"{servers}\"\n[kafka.properties]\n\
         \"security.protocol\" = \"SASL_PLAINTEXT\"\n\"sasl.mechanism\" = \"PLAIN\"\n\
         \"sasl.username\" = \"ada\"\n\"sasl.password\" = \"${{THE_PASSWORD}}\"\n"
    );
    fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let list = || command("", &["topic", "list", "-c", &file]);
    let unset = said(list(), b"").failed(USAGE);
    assert!(unset.contains("`THE_PASSWORD` is not set"), "{unset}");
    let mut set = list();
    set.env("THE_PASSWORD", "hunter2");
    let error = said(set, b"").failed(1);
    assert!(
        error.contains("SASL") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn a_wrong_property_is_a_usage_error() {
    for (property, says) in [
        ("nonsense=1", "No such configuration property: \"nonsense\""),
        ("socket.timeout.ms=soon", "socket.timeout.ms"),
        ("bootstrap.servers=x:1", "use -b instead"),
        ("acks=1", "use produce --acks instead"),
        ("nonsense", "expected key=value"),
    ] {
        let error = run(&["topic", "list", "-X", property]).failed(USAGE);
        assert!(error.contains(says), "{property}: {error}");
    }
    for servers in ["kafka:none", "127.0.0.1", "kafka:9092,kafka"] {
        let error = run_at(servers, &["topic", "list"], b"").failed(USAGE);
        let says = format!("invalid brokers `{servers}`: expected host:port");
        assert!(error.contains(&says), "{error}");
    }
}

#[test]
fn a_broker_that_stops_answering_is_reported() {
    let kafka = servers().own_kafka(&[]);
    kafka.pause();
    let error = unreachable(&kafka.bootstrap(), &[]);
    kafka.resume();
    assert!(error.contains("no answer"), "{error}");
}
