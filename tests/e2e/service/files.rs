//! What a package brings beside the program.

use millstream_tests::{Daemon, scratch_dir};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn millstream(arguments: &[&str]) -> String {
    text(
        &Command::new(Daemon::program())
            .args(arguments)
            .output()
            .unwrap(),
    )
}

/// The highest exposure that the unit may have, in tenths, of `systemd-analyze security`.
const EXPOSURE: &str = "20";

#[test]
fn the_unit_is_valid_and_hardened() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/millstream.service");
    let mut analyze = Command::new("systemd-analyze");
    let output = analyze
        .args([
            "security",
            "--offline=true",
            "--no-pager",
            "--threshold",
            EXPOSURE,
        ])
        .arg(&unit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}", said.lines().last().unwrap_or_default());
    assert!(output.status.success(), "{said}");
    let unit = fs::read_to_string(unit).unwrap();
    // A swap makes memory executable.
    assert!(!unit.contains("MemoryDenyWriteExecute=yes"));
}

#[test]
fn the_version_names_what_the_program_is_made_of() {
    let told = millstream(&["--version"]);
    println!("{told}");
    for part in [
        "millstream 0.",
        "commit: ",
        "librdkafka: 2.",
        "wasmtime: ",
        "features: schemas",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(millstream(&["-V"]).lines().count(), 1);
}

#[test]
fn shells_complete_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = millstream(&["completions", shell]);
        assert!(
            script.contains("registry") && script.contains("offsets"),
            "{shell}"
        );
        assert!(
            !script.contains("compile-plugin"),
            "{shell}: hidden commands stay hidden"
        );
    }
    let script = millstream(&["completions", "bash"]);
    let file = scratch_dir("completions").join("millstream");
    fs::write(&file, script).unwrap();
    // Completes `millstream conf<TAB>`.
    let ask = r#"source "$1"; COMP_WORDS=(millstream conf); COMP_CWORD=1; _millstream millstream conf millstream; echo "${COMPREPLY[@]}""#;
    let completed = Command::new("bash")
        .args(["-c", ask, "bash"])
        .arg(&file)
        .output();
    assert_eq!(text(&completed.unwrap()).trim(), "config");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = scratch_dir("man");
    millstream(&["man", "--folder", folder.to_str().unwrap()]);
    let pages: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in [
        "millstream.1",
        "millstream-run.1",
        "millstream-dlq-replay.1",
    ] {
        assert!(pages.iter().any(|found| found == page), "{page}: {pages:?}");
    }
    assert!(
        pages.iter().all(|page| !page.contains("compile-plugin")),
        "{pages:?}"
    );
    let page = fs::read_to_string(folder.join("millstream-run.1")).unwrap();
    assert!(
        page.starts_with(".ie") && page.contains(".TH millstream-run 1"),
        "{page:.200}"
    );
    assert!(millstream(&["man"]).contains(".TH millstream 1"));
}
