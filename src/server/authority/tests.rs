//! Requests as clients on a socket send them, in pieces of every size.

use super::*;

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
}

fn connection(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE.as_slice(), &frames.concat()].concat()
}

/// Rewrites in chunks of every size; the result must not depend on where reads end.
#[track_caller]
fn check(input: &[u8], expected: &[u8]) {
    for size in 1..=input.len() {
        let mut scan = Authority::default();
        let mut bytes = input.to_vec();
        bytes.chunks_mut(size).for_each(|chunk| scan.rewrite(chunk));
        assert_eq!(bytes, expected, "in chunks of {size}");
    }
}

const PATH: &[u8] = b"\x82\x41\x0atmp%2Fa:80\x86\x40\x02te\x03a/b\x01\x02/x";
const HOST: &[u8] = b"\x82\x41\x0atmp-2Fa-80\x86\x40\x02te\x03a/b\x01\x02-x";

#[test]
fn only_the_authority_of_a_header_block_is_rewritten() {
    let settings = frame(4, 0, b"\x41\x02//");
    let data = frame(0, 1, b"\x41\x03%/%");
    let given = [settings.clone(), frame(HEADERS, 4, PATH), data.clone(), frame(HEADERS, 4, PATH)];
    let wanted = [settings, frame(HEADERS, 4, HOST), data, frame(HEADERS, 4, HOST)];
    check(&connection(&given), &connection(&wanted));
}

#[test]
fn padding_priority_and_continuation_are_understood() {
    let padded = |block: &[u8]| {
        let payload = [b"\x03", b"12345".as_slice(), block, b"\x41\x01/"].concat();
        frame(HEADERS, PADDED | PRIORITY | 4, &payload)
    };
    check(&connection(&[padded(PATH)]), &connection(&[padded(HOST)]));
    let split =
        |block: &[u8]| [frame(HEADERS, 0, &block[..7]), frame(CONTINUATION, 4, &block[7..])];
    check(&connection(&split(PATH)), &connection(&split(HOST)));
}

#[test]
fn long_integers_and_huffman_text_are_passed_over() {
    let long = [b"\x01\x7f\x01".as_slice(), &[b'/'; 128]].concat();
    let host = [b"\x01\x7f\x01".as_slice(), &[b'-'; 128]].concat();
    check(&connection(&[frame(HEADERS, 4, &long)]), &connection(&[frame(HEADERS, 4, &host)]));
    let given =
        connection(&[frame(HEADERS, 4, b"\xff\x81\x01\x0f\x22\x01/\x3f\x01\x41\x82//\x41\x01/")]);
    let wanted =
        connection(&[frame(HEADERS, 4, b"\xff\x81\x01\x0f\x22\x01/\x3f\x01\x41\x82//\x41\x01-")]);
    check(&given, &wanted);
}

#[test]
fn a_name_spelled_out_is_recognised() {
    let given = b"\x40\x0a:authority\x03a%b\x40\x0a:authoritx\x03a%b\x40\x0bx:authority\x01%\x00\x09authority\x01%\x00\x00\x01%";
    let wanted = b"\x40\x0a:authority\x03a-b\x40\x0a:authoritx\x03a%b\x40\x0bx:authority\x01%\x00\x09authority\x01%\x00\x00\x01%";
    check(&connection(&[frame(HEADERS, 4, given)]), &connection(&[frame(HEADERS, 4, wanted)]));
}

#[test]
fn http_1_passes_untouched() {
    let request = b"POST /a%2Fb HTTP/1.1\r\nhost: a%2Fb\r\n\r\n".to_vec();
    let get = b"GET /a%2Fb HTTP/1.1\r\nhost: a%2Fb\r\n\r\n".to_vec();
    check(&get, &get);
    check(&request, &request);
}
