use crate::cdp::Cdp;
use crate::http::get;
use crate::janitor::scratch_dir;
use crate::process::{Process, find_program};
use crate::wait::wait_until;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

const START: Duration = Duration::from_secs(60);

/// The first flags keep it from connecting to anything but the page's server.
const FLAGS: &[&str] = &[
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--ignore-certificate-errors", // tests create their own
    "--no-first-run",
    "--headless",
    "--no-sandbox", // root can't use the sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage", // /dev/shm is small in containers
    "--window-size=1280,800",
    "--remote-debugging-port=0",
];

/// A headless Chromium with one page. Dropping it kills it.
pub struct Browser {
    cdp: Cdp,
    _process: Process,
}

impl Browser {
    /// Starts a browser with a fresh profile, goes to `url` and waits until the page is loaded.
    pub fn open(url: &str) -> Self {
        let profile = scratch_dir("browser");
        let process = start(&profile);
        let mut cdp = Cdp::connect(&page(&profile));
        for domain in ["Page", "Runtime", "Network"] {
            cdp.call(&format!("{domain}.enable"), &json!({}));
        }
        let mut browser = Browser {
            cdp,
            _process: process,
        };
        browser.goto(url);
        browser
    }

    /// Goes to another page and waits until it is loaded.
    pub fn goto(&mut self, url: &str) {
        let went = self.cdp.call("Page.navigate", &json!({ "url": url }));
        assert!(went.get("errorText").is_none(), "{url}: {went}");
        let loaded = "location.href != 'about:blank' && document.readyState == 'complete'";
        wait_until(&format!("{url} is loaded"), START, || {
            (self.eval(loaded) == true).then_some(())
        });
    }

    /// The value of an expression, awaited if it is a promise; panics with the exception of the
    /// page.
    pub fn eval(&mut self, js: &str) -> Value {
        let params = json!({ "expression": js, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.cdp.call("Runtime.evaluate", &params);
        assert!(answer.get("exceptionDetails").is_none(), "{js}: {answer}");
        answer["result"]["value"].take()
    }

    /// Stops reporting what the page does, as in a user's browser. Otherwise the browser reports
    /// each event and keeps it until someone reads it.
    pub fn unwatched(&mut self) {
        for domain in ["Network", "Runtime", "Page"] {
            self.cdp.call(&format!("{domain}.disable"), &json!({}));
        }
    }

    /// Waits until the expression is true.
    pub fn wait_for(&mut self, js: &str, timeout: Duration) {
        wait_until(&format!("in the browser: {js}"), timeout, || {
            (self.eval(js) == true).then_some(())
        });
    }

    /// Writes a screenshot of the page as a PNG.
    pub fn screenshot(&mut self, path: impl AsRef<Path>) {
        let shot = self.cdp.call("Page.captureScreenshot", &json!({}));
        let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        fs::write(path, png).unwrap();
    }

    /// Makes the page see a user who prefers dark pages.
    pub fn prefer_dark(&mut self) {
        let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.cdp
            .call("Emulation.setEmulatedMedia", &json!({ "features": dark }));
    }

    /// Makes the page offline, so that its requests fail, or online again. Chromium keeps open
    /// connections, event streams too; to cut those, open the page through a [`Link`](crate::Link).
    pub fn set_offline(&mut self, offline: bool) {
        let unlimited = -1;
        let conditions = json!({
            "offline": offline, "latency": 0,
            "downloadThroughput": unlimited, "uploadThroughput": unlimited,
        });
        self.cdp
            .call("Network.emulateNetworkConditions", &conditions);
    }

    /// The protocol (`h2`) of each answer so far from a URL that contains this text.
    pub fn protocols_of(&mut self, part: &str) -> Vec<String> {
        self.eval("0"); // receives the earlier events
        let answers = self.cdp.events("Network.responseReceived");
        let answers = answers.map(|event| &event["params"]["response"]);
        let of = answers.filter(|answer| answer["url"].as_str().unwrap().contains(part));
        of.filter_map(|answer| Some(answer["protocol"].as_str()?.to_owned()))
            .collect()
    }

    /// The exceptions that the page did not catch.
    pub fn exceptions(&mut self) -> Vec<String> {
        self.eval("0"); // receives the earlier events
        let thrown = self.cdp.events("Runtime.exceptionThrown");
        thrown.map(|event| event["params"].to_string()).collect()
    }
}

fn start(profile: &Path) -> Process {
    let mut command = Process::command(&find_program("chromium"));
    command.args(FLAGS).arg("about:blank");
    command.arg(format!("--user-data-dir={}", profile.display()));
    let log = File::create(profile.join("log")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log);
    Process::start(command)
}

/// The debugger URL of the only page, requested at the port that the browser wrote to a file.
fn page(profile: &Path) -> String {
    let port = wait_until("Chromium has started", START, || {
        let written = fs::read_to_string(profile.join("DevToolsActivePort")).ok()?;
        let (port, _) = written.split_once('\n')?; // the line is complete
        Some(port.to_owned())
    });
    wait_until("Chromium has a page", START, || {
        let list: Value =
            serde_json::from_str(&get(&format!("127.0.0.1:{port}"), "/json/list").text()).ok()?;
        let pages = list.as_array()?.iter();
        let mut pages = pages.filter(|target| target["type"] == "page");
        Some(pages.next()?["webSocketDebuggerUrl"].as_str()?.to_owned())
    })
}
