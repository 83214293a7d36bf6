//! What a panic's message means for the plugin's author.

/// What the standard library says where a plugin does what it can't, and what to
/// do instead.
const HINTS: [(&str, &str); 3] = [
    (
        "time not implemented on this platform",
        "a plugin has no clock: use the record's timestamp",
    ),
    ("failed to spawn thread", "a plugin has no threads"),
    (
        "operation not supported on this platform",
        "a plugin has no files and no network",
    ),
];

/// The message with what to do, and without the folders of the machine that
/// built the standard library.
pub(super) fn explained(message: &str) -> String {
    let mut message = without_folders(message);
    if let Some((_, hint)) = HINTS.iter().find(|(words, _)| message.contains(words)) {
        message = format!("{message} ({hint})");
    }
    message
}

/// `/rustc/<hash>/library/std/src/...` becomes `std/src/...`.
fn without_folders(message: &str) -> String {
    const BEFORE: &str = "/rustc/";
    const BEHIND: &str = "/library/";
    let Some((start, rest)) = message.split_once(BEFORE) else {
        return message.into();
    };
    match rest.split_once(BEHIND) {
        Some((hash, rest)) if hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("{start}{rest}")
        }
        _ => message.into(),
    }
}

#[test]
fn what_a_plugin_cannot_do_is_said_in_its_own_words() {
    let clock = "panicked at /rustc/59807616e1fa/library/std/src/sys/time.rs:13:9: time not \
                 implemented on this platform";
    assert_eq!(
        explained(clock),
        "panicked at std/src/sys/time.rs:13:9: time not implemented on this platform (a plugin has \
         no clock: use the record's timestamp)"
    );
    for own in [
        "panicked at src/lib.rs:1:2: no",
        "/rustc/x",
        "/rustc/my own/library/x",
    ] {
        assert_eq!(explained(own), own);
    }
}
