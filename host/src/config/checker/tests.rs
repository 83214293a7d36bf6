use crate::config::fixture::{GOOD, refused};
use crate::config::{Role, parse};
use std::path::Path;

#[test]
fn an_address_without_a_host_is_loopback() {
    for (listen, address) in [
        (":8414", "127.0.0.1:8414"),
        ("localhost:8414", "127.0.0.1:8414"),
        ("LOCALHOST:8414", "127.0.0.1:8414"),
        ("[::1]:8414", "[::1]:8414"),
        ("127.0.0.2:8414", "127.0.0.2:8414"),
    ] {
        let tables = format!("[http]\nlisten = {listen:?}\n[admin]\nlisten = {listen:?}\n[store]");
        let text = GOOD.replace("[store]", &tables);
        let settings =
            parse(Path::new("m.toml"), &text, Role::All).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(settings.http.listen.to_string(), address);
        assert_eq!(settings.admin.to_string(), address);
    }
    for wrong in [
        "",
        ":",
        "localhost",
        "localhost:",
        ":x",
        ":65536",
        "8414",
        "here:80",
        ":::80",
        "::1",
    ] {
        let table = format!("[http]\nlisten = {wrong:?}\n[store]");
        refused("[store]", &table, 5, &["invalid address", "localhost:8080"]);
    }
}
