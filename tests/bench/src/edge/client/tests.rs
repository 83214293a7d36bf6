use super::http::Answer;
use super::sse::Parser;
use crate::edge::clients::payload;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

/// Both kinds of bodies, cut at every place.
#[test]
fn a_stream_is_read_in_pieces_of_any_length() {
    let data = String::from_utf8(payload(42, 60)).unwrap();
    let events = format!(
        "id: 0-0\nretry: 1500\n\n:\n\nid: 1-1\r\nevent: x\r\ndata: {data}\r\n\r\n\
         id:2-0\revent: gap\rdata: {{}}\r\rid: 3-0\ndata: a\ndata: b\n\n"
    );
    let expected = "0-0/retry1500  1-1/data/42 2-0/data/gap 3-0/data ";
    let chunk = |text: &str| format!("{:x};x=y\r\n{text}\r\n", text.len());
    let (one, two) = events.split_at(70);
    let chunked = [chunk(one), chunk(two), "0\r\n\r\n".to_owned()].concat();
    check_at_every_cut(&format!("{HEAD}\r\n{events}"), expected, true);
    let head = format!("{HEAD}Transfer-Encoding: chunked\r\n");
    check_at_every_cut(&format!("{head}\r\n{chunked}"), expected, false);
    let refused = Answer::default().decode(b"HTTP/1.1 503 No\r\n\r\n", &mut |_| {});
    assert_eq!(refused, Err("answered http/1.1 503 no".to_owned()));
}

fn check_at_every_cut(answer: &str, expected: &str, open: bool) {
    for cut in 1..answer.len() {
        let (mut read, mut parser, mut told) =
            (Answer::default(), Parser::default(), String::new());
        let mut more = true;
        for piece in [&answer[..cut], &answer[cut..]] {
            let mut body = |bytes: &[u8]| {
                parser.feed(bytes, &mut |frame| {
                    told += &String::from_utf8_lossy(&frame.id);
                    told += &frame
                        .retry
                        .map_or(String::new(), |retry| format!("/retry{retry}"));
                    told += if frame.has_data { "/data" } else { "" };
                    told += &frame.made_at.map_or(String::new(), |at| format!("/{at}"));
                    told += if frame.is_gap() { "/gap " } else { " " };
                });
            };
            more = more && read.decode(piece.as_bytes(), &mut body).unwrap();
        }
        assert_eq!((told.as_str(), more), (expected, open), "cut at {cut}");
    }
}
