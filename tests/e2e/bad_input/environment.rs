//! `"${NAME}"` in place of a number, a boolean, a duration, a size or a keyword.

use super::USAGE;
use super::configs::good;
use millstream_tests::{Daemon, scratch_dir};
use std::path::Path;
use std::process::{Command, Output};

fn check(file: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(Daemon::program());
    command.args(["config", "check", "-c"]).arg(file);
    command.envs(environment.iter().copied()).output().unwrap()
}

const GOOD: [(&str, &str); 8] = [
    ("N", "3"),
    ("YES", "true"),
    ("SHARE", "0.25"),
    ("WHOLE", "1"),
    ("AGE", "24h"),
    ("AMOUNT", "64MiB"),
    ("WORD", "always"),
    ("PORT", "0"),
];

#[test]
fn a_variable_can_hold_a_value_of_any_type() {
    let text = good("127.0.0.1:0")
        .replace("max-events = 1000", "max-events = \"${N}00\"")
        .replace("\"24h\"", "\"${AGE}\"")
        .replace("anonymous = true", "anonymous = \"${YES}\"")
        .replace(
            "\"always\"",
            "\"${WORD}\"\nworkers = \"${N}\"\nreplays = \"${YES}\"",
        )
        .replace("\"64MiB\"", "\"${AMOUNT}\"")
        .replace(
            "[admin]\nlisten = \"127.0.0.1:0\"",
            "[admin]\nlisten = \":${PORT}\"",
        );
    let breaker = "breaker = { max-failures = \"${SHARE}\", min-records = \"${N}\" }\n";
    let rate = "[tasks]\nrequest-topic = \"r\"\nrate = { per-second = \"${WHOLE}\" }\n";
    let text = format!("{text}{breaker}{rate}");
    let file = scratch_dir("config").join("millstream.toml");
    std::fs::write(&file, &text).unwrap();
    let output = check(&file, &GOOD);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    for (name, value, says) in [
        (
            "N",
            "many",
            "is invalid: expected a whole number, 0 or more",
        ),
        ("N", "-7", "is invalid: expected a whole number, 0 or more"),
        ("N", "", "is invalid: expected a whole number, 0 or more"),
        ("N", "70000", "expected a number from 1 to"),
        ("YES", "yes", "is invalid: expected true or false"),
        ("SHARE", "half", "is invalid: expected a number"),
        ("AGE", "24 hours", "use 500ms, 30s, 5m, 24h or 7d"),
        ("AMOUNT", "64MB", "use 512KiB or 64MiB"),
        ("WORD", "allways", "did you mean `always`?"),
        ("PORT", "x", "invalid address"),
    ] {
        let environment: Vec<_> = GOOD
            .into_iter()
            .map(|good| if good.0 == name { (name, value) } else { good })
            .collect();
        let output = check(&file, &environment);
        let told = String::from_utf8(output.stderr).unwrap();
        println!("{}", told.trim_end());
        assert_eq!(output.status.code(), Some(USAGE), "{name}: {told}");
        let place = format!("millstream: {}:", file.display());
        let rest = told
            .strip_prefix(&place)
            .unwrap_or_else(|| panic!("{told}"));
        assert!(
            rest.starts_with(|c: char| c.is_ascii_digit()),
            "no line: {told}"
        );
        assert!(told.contains(says), "{told:?} does not contain {says:?}");
    }
    // An unset variable is named.
    let output = check(&file, &GOOD[1..]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("`N` is not set"), "{told}");
    // A literal number in quotes is still rejected.
    std::fs::write(&file, text.replace("\"${N}\"", "\"3\"")).unwrap();
    let told = String::from_utf8(check(&file, &GOOD).stderr).unwrap();
    assert!(told.contains("expected a whole number"), "{told}");
}
