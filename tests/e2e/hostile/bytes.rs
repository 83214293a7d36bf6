//! Unusual bytes, and too many of them.

use super::{Scene, bare, dressed};
use millstream_tests::{Message, produce, read_all};

#[test]
fn bytes_of_all_kinds_reach_the_plugin_and_a_tombstone_is_absent() {
    let scene = Scene::new(1, "max-record-bytes = \"64KiB\"");
    let noise: Vec<u8> = (0..70_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let messages = [
        Message::tombstone("k").partition(0),
        bare(""),
        bare([0xff, b'a', 0x00]),
        dressed(noise.clone()),
        bare(vec![b'x'; 60_000]),
        bare(noise),
        dressed("last"),
    ];
    produce(&scene.topic, messages);
    let originals = read_all(&scene.topic);
    let (stored, dead) = scene.wait_for(5, 2);
    let data: Vec<_> = stored.iter().map(|(data, _)| data.as_str()).collect();
    // The plugin shows bytes that are not UTF-8 as U+FFFD, and an absent value as `absent`.
    let large = "x".repeat(60_000);
    assert_eq!(data, ["absent", "", "\u{fffd}a\0", &large, "last"]);
    assert_eq!(dead.len(), 2);
    let too_large = originals
        .iter()
        .filter(|o| o.value.as_ref().is_some_and(|v| v.len() == 70_000));
    for (original, letter) in too_large.zip(&dead) {
        scene.check_letter(original, letter, "too-large", "max-record-bytes is 65536");
    }
    assert_eq!(scene.daemon.terminate(), Some(0));
}
