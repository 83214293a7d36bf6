//! nginx in front of the daemon, by the file that the book shows.

use super::LONG;
use millstream_tests::{
    Certificate, Daemon, Message, Process, Sse, config, create_topic, find_program, free_port,
    produce, scratch_dir, servers, unique, wait_until,
};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Events of each client in each of the three parts.
const PART: usize = 10;

struct Nginx {
    process: Process,
    plain: String,
    tls: String,
}

impl Nginx {
    /// With `deploy/nginx.conf`, for this daemon.
    fn start(daemon: &str) -> Nginx {
        let dir = scratch_dir("nginx");
        let (plain, tls) = (free_port(), free_port());
        let (certificate, key) = certificate(&dir);
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx.conf");
        let site = fs::read_to_string(site).unwrap();
        let listen = format!("listen 127.0.0.1:{tls} ssl http2;\n    listen 127.0.0.1:{plain};");
        let site = replaced(&site, "127.0.0.1:8080", daemon);
        let site = replaced(&site, "listen 443 ssl http2;", &listen);
        let site = replaced(
            &site,
            "/etc/millstream/tls/certificate.pem",
            certificate.to_str().unwrap(),
        );
        let site = replaced(&site, "/etc/millstream/tls/key.pem", key.to_str().unwrap());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {}/{kind};\n", dir.display()))
            .concat();
        let text = format!(
            "worker_processes 2;\nworker_rlimit_nofile 16384;\npid {0}/pid;\nerror_log {0}/error.log;\n\
             events {{ worker_connections 8192; }}\n\
             http {{\n    access_log off;\n{temporary}{site}}}\n",
            dir.display()
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, text).unwrap();
        let mut command = Process::command(&program());
        command
            .arg("-p")
            .arg(&dir)
            .arg("-c")
            .arg(&file)
            .args(["-g", "daemon off;"]);
        let process = Process::start(command);
        let pid = dir.join("pid");
        wait_until("nginx has started", LONG, || pid.exists().then_some(()));
        let at = |port: u16| format!("127.0.0.1:{port}");
        Nginx {
            process,
            plain: at(plain),
            tls: at(tls),
        }
    }
}

/// Debian's administrators have /usr/sbin in their PATH, others need not.
fn program() -> PathBuf {
    let sbin = Path::new("/usr/sbin/nginx");
    match sbin.exists() {
        true => sbin.into(),
        false => find_program("nginx"),
    }
}

fn replaced(text: &str, what: &str, by: &str) -> String {
    assert!(text.contains(what), "the file has {what}");
    text.replace(what, by)
}

fn certificate(dir: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
    let made = Certificate::new();
    fs::write(&certificate, made.certificate).unwrap();
    fs::write(&key, made.key).unwrap();
    (certificate, key)
}

/// A client that reads until it has all its events, and reconnects as an EventSource does.
fn read_all(addr: &str, client: &str, total: usize, seen: &AtomicUsize, opened: &AtomicUsize) {
    let path = format!("/v1/events?client={client}");
    let (mut last, mut data): (Option<String>, Vec<String>) = (None, Vec::new());
    while data.len() < total {
        let headers: Vec<(&str, &str)> = last.iter().map(|id| ("last-event-id", &**id)).collect();
        let Ok(mut stream) = Sse::try_open(addr, &path, &headers) else {
            thread::sleep(Duration::from_millis(200));
            continue;
        };
        if stream.status != 200 {
            thread::sleep(Duration::from_millis(200));
            continue;
        }
        opened.fetch_add(1, Ordering::Relaxed);
        while data.len() < total && stream.end().is_none() {
            let Some(frame) = stream.next(Duration::from_secs(1)) else {
                continue;
            };
            last = frame.id.or(last);
            if frame.event.is_none()
                && let Some(text) = frame.data
            {
                data.push(text);
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let expected: Vec<String> = (0..total).map(|n| format!("{{\"n\":{n}}}")).collect();
    assert_eq!(data, expected, "{client}");
}

#[test]
fn clients_miss_nothing_through_a_restart_of_the_daemon_and_a_reload_of_nginx() {
    let clients: usize =
        std::env::var("MILLSTREAM_TEST_CLIENTS").map_or(100, |n| n.parse().unwrap());
    let (topic, prefix) = (create_topic("proxied", 4), unique("proxied"));
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let address = format!("127.0.0.1:{}", free_port());
    let text = config(&kafka, &redis, &topic, &prefix, "name = \"p\"");
    let text = replaced(
        &text,
        "[http]\nlisten = \"127.0.0.1:0\"",
        &format!("[http]\nlisten = \"{address}\""),
    );
    let mut daemon = Daemon::ready(&text);
    let nginx = Nginx::start(&address);
    let counts = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let [seen, opened] = &counts;
    let reading = (0..clients).map(|n| {
        let (addr, [seen, opened]) = (nginx.plain.clone(), counts.clone());
        let small = thread::Builder::new().stack_size(256 << 10);
        let read = move || read_all(&addr, &format!("c{n}"), 3 * PART, &seen, &opened);
        small.spawn(read).unwrap()
    });
    let reading: Vec<_> = reading.collect();
    let send = |part: usize| {
        let of = |n: usize| (0..clients).map(move |client| (client, part * PART + n));
        let record = |(client, n)| Message::new(format!("{{\"n\":{n}}}")).key(format!("c{client}"));
        produce(&topic, (0..PART).flat_map(of).map(record));
        wait_until("all clients have the events", LONG, || {
            let all = clients * PART * (part + 1);
            (seen.load(Ordering::Relaxed) >= all).then_some(())
        });
    };
    wait_until("all clients are connected", LONG, || {
        (opened.load(Ordering::Relaxed) >= clients).then_some(())
    });
    send(0);
    // A reload cuts no stream.
    let before = opened.load(Ordering::Relaxed);
    nginx.process.signal(Signal::HUP);
    send(1);
    assert_eq!(opened.load(Ordering::Relaxed), before, "nobody reconnected");
    // A restart of the daemon does; nobody misses anything.
    assert_eq!(daemon.terminate(), Some(0));
    daemon.restart();
    daemon.wait_ready(LONG);
    send(2);
    reading
        .into_iter()
        .for_each(|client| client.join().unwrap());
    println!(
        "{clients} clients, {} connections in all",
        opened.load(Ordering::Relaxed)
    );

    // HTTP/2 to the browser, each event at once.
    let url = format!("https://{}/v1/events?client=c0", nginx.tls);
    let mut curl = Process::command(&find_program("curl"));
    curl.args(["-skN", "--http2", "-i", "-H", "last-event-id: 0-0"])
        .arg(&url);
    curl.stdout(Stdio::piped());
    let curl = Process::start(curl);
    let mut lines = BufReader::new(curl.take_stdout().unwrap())
        .lines()
        .map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.starts_with("HTTP/2 200"), "{first}");
    assert!(lines.any(|line| line.starts_with("data:") && line.contains("{\"n\":29}")));
    assert_eq!(daemon.terminate(), Some(0));
}
