use super::SOON;
use super::rig::{Rig, assert_same};
use millstream_tests::{Frame, Message, Sse, produce};

const CLIENTS: usize = 20;
const EACH: usize = 400;

fn client(n: usize) -> String {
    format!("client-{n}")
}

#[test]
fn streams_end_cleanly_at_a_stop_under_load_and_resume_at_the_next_start() {
    let mut rig = Rig::start();
    let mut open: Vec<_> = (0..CLIENTS)
        .map(|n| rig.open(&format!("client={}", client(n))))
        .collect();
    std::thread::scope(|scope| {
        let message = |n: usize| {
            let text = format!("payload {}", n / CLIENTS);
            Message::new(text)
                .key(client(n % CLIENTS))
                .header("type", "t")
        };
        let topic = &rig.topic;
        scope.spawn(move || {
            (0..EACH).for_each(|round| {
                produce(topic, (round * CLIENTS..(round + 1) * CLIENTS).map(message));
            });
        });
        let first = rig.ask(&format!("client={}&from=earliest", client(0)), &[]);
        assert_eq!({ first }.events(100, SOON).len(), 100);
        assert_eq!(rig.daemon.terminate(), Some(0));
    });

    let seen: Vec<_> = open
        .iter_mut()
        .map(|(sse, begins)| seen(sse, begins))
        .collect();
    println!(
        "received before: {:?}",
        seen.iter().map(|(f, _)| f.len()).collect::<Vec<_>>()
    );
    rig.restart();
    for (n, (mut frames, last)) in seen.into_iter().enumerate() {
        let missing = EACH - frames.len();
        frames.extend(rig.resume(&client(n), &last).events(missing, SOON));
        assert_same(&frames, &rig.stored(&client(n), EACH));
    }
}

/// The events up to a stream's clean end, and the id to resume after.
fn seen(sse: &mut Sse, begins: &str) -> (Vec<Frame>, String) {
    let mut frames: Vec<Frame> = std::iter::from_fn(|| sse.next(SOON)).collect();
    assert_eq!(sse.end(), Some("complete"));
    frames.retain(|frame| frame.comment.is_none());
    let goodbye = frames.pop().expect("a last frame");
    let retry = goodbye.retry.expect("a retry delay");
    // From 0.5 to 1.5 seconds, plus up to three seconds.
    assert!((500..4500).contains(&retry), "{retry}");
    let nothing_else = Frame {
        retry: Some(retry),
        ..Frame::default()
    };
    assert_eq!(goodbye, nothing_else);
    let last = frames.last().and_then(|frame| frame.id.clone());
    (frames, last.unwrap_or_else(|| begins.to_owned()))
}

#[test]
fn a_stalled_reader_does_not_delay_a_stop() {
    let rig = Rig::start();
    let (_slow, _) = rig.open("client=slow");
    rig.store("slow", (0..200).map(|_| "x".repeat(100 << 10)), 200);
    let (mut idle, _) = rig.open("client=idle");
    assert_eq!(rig.daemon.terminate(), Some(0));
    while idle.next(SOON).is_some() {}
    assert_eq!(idle.end(), Some("complete"));
}
