//! Header names that are not text.

use super::{Fixture, LONG};
use millstream_tests::{RawHeaders, guest, servers, wait_until};

#[test]
fn header_names_that_are_not_utf8_reach_the_dead_letter_unchanged() {
    let place = Fixture::new(1);
    let pipeline = "transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";
    let daemon = place.daemon(pipeline, &guest("test-ruling"));
    let value = |bytes: &[u8]| Some(bytes.to_vec());
    let strange: RawHeaders = vec![
        (b"\xff\xfe".to_vec(), value(b"1")),
        (b"caf\xe9".to_vec(), None),
        ("é".into(), value(b"")),
        (b"caf\xe9".to_vec(), value(b"\x00\xff")),
        (b"two\r\nlines".to_vec(), value(b"2")),
    ];
    let nameless: RawHeaders = [strange.clone(), vec![(Vec::new(), value(b"3"))]].concat();
    let kafka = &servers().kafka;
    kafka.produce_raw(&place.topic, b"plain", &nameless);
    kafka.produce_raw(&place.topic, b"copy headers", &strange);
    let letters = wait_until("both records have letters", LONG, || {
        Some(kafka.read_raw_headers(&place.dead)).filter(|letters| letters.len() >= 2)
    });
    assert_eq!(letters.len(), 2);
    let [plain, copied] = [&letters[0], &letters[1]];
    assert_eq!(plain[..nameless.len()], nameless);
    assert_eq!(plain.len(), nameless.len() + 13);
    assert_eq!(copied[..strange.len()], strange);
    // And the headers that a policy adds.
    assert_eq!(copied[copied.len() - strange.len()..], strange);
    assert_eq!(copied.len(), 2 * strange.len() + 13);
    assert_eq!(daemon.terminate(), Some(0));
}
