//! `aws-chunked`: a body in chunks of its own inside the HTTP body, with checksums after it (S3 API reference, "Signature
//! calculations: transferring a payload in multiple chunks").
//!
//! Signatures of chunks are not checked, as no signature is here; lengths are, and the checksums that stand in the trailer are
//! handed on as the headers that they would otherwise be.

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue};

use crate::call::ApiError;

const CODING: &str = "aws-chunked";

fn incomplete(what: &str) -> ApiError {
    let message = format!(
        "You did not provide the number of bytes specified by the Content-Length HTTP header: the {CODING} body {what}"
    );
    ApiError::client("IncompleteBody", message)
}

/// The headers and the body without the coding, where the body has it.
pub fn unwrapped<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(HeaderMap, Cow<'a, [u8]>), ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let codings: Vec<&str> = text("content-encoding").split(',').map(str::trim).collect();
    let streams = text("x-amz-content-sha256").starts_with("STREAMING-");
    if !streams && !codings.contains(&CODING) {
        return Ok((headers.clone(), Cow::Borrowed(body)));
    }
    let (content, trailers) = chunks(body)?;
    let told = text("x-amz-decoded-content-length");
    if !told.is_empty() && told.parse() != Ok(content.len()) {
        return Err(incomplete(&format!(
            "holds {} bytes, and x-amz-decoded-content-length says {told}",
            content.len()
        )));
    }
    let mut plain = headers.clone();
    plain.remove(CONTENT_ENCODING);
    plain.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
    let kept: Vec<&str> = codings.into_iter().filter(|coding| !coding.is_empty() && *coding != CODING).collect();
    if let Ok(kept) = HeaderValue::from_str(&kept.join(","))
        && !kept.is_empty()
    {
        plain.insert(CONTENT_ENCODING, kept);
    }
    let announced = text("x-amz-trailer").to_ascii_lowercase();
    for (name, value) in trailers {
        if !announced.split(',').any(|known| known.trim() == name.as_str()) {
            let message = format!("The trailer {name} was not announced in x-amz-trailer.");
            return Err(ApiError::client("MalformedTrailerError", message));
        }
        plain.insert(name, value);
    }
    if let Some(missing) =
        announced.split(',').map(str::trim).find(|name| !name.is_empty() && !plain.contains_key(*name))
    {
        let message = format!("The request contained trailing data that was not well-formed: {missing} is missing.");
        return Err(ApiError::client("MalformedTrailerError", message));
    }
    Ok((plain, Cow::Owned(content)))
}

type Chunks = (Vec<u8>, Vec<(HeaderName, HeaderValue)>);

fn chunks(mut rest: &[u8]) -> Result<Chunks, ApiError> {
    let mut content = Vec::new();
    loop {
        let head = line(&mut rest).ok_or_else(|| incomplete("ends before its last chunk"))?;
        let size = head.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| incomplete("has a chunk whose size is no number"))?;
        if size == 0 {
            break;
        }
        let chunk = rest.get(..size).ok_or_else(|| incomplete("ends inside a chunk"))?;
        content.extend_from_slice(chunk);
        rest =
            rest[size..].strip_prefix(b"\r\n").ok_or_else(|| incomplete("has a chunk that is longer than it says"))?;
    }
    let mut trailers = Vec::new();
    while let Some(text) = line(&mut rest).filter(|text| !text.is_empty()) {
        let (name, value) = text.split_once(':').ok_or_else(|| incomplete("has a trailer without a colon"))?;
        if name.eq_ignore_ascii_case("x-amz-trailer-signature") {
            continue;
        }
        match (HeaderName::from_bytes(name.trim().as_bytes()), HeaderValue::from_str(value.trim())) {
            (Ok(name), Ok(value)) => trailers.push((name, value)),
            _ => return Err(incomplete("has a trailer that is no header")),
        }
    }
    Ok((content, trailers))
}

/// The text up to the next line end, which is taken away with it.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 2..];
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    const TRAILER: [(&str, &str); 4] = [
        ("content-encoding", "gzip,aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "7"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];

    #[test]
    fn chunks_are_joined_and_the_trailer_becomes_a_header() {
        let body = b"5\r\nab\r\nc\r\n2;chunk-signature=00\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        let (headers, content) = unwrapped(&headers(&TRAILER), body).unwrap();
        assert_eq!(&*content, b"ab\r\ncde");
        assert_eq!(headers["x-amz-checksum-crc32"], "AAAAAA==");
        assert_eq!((&headers["content-encoding"], &headers["content-length"]), (&"gzip".parse().unwrap(), &7.into()));
    }

    #[test]
    fn a_plain_body_stays_as_it_is() {
        let given = headers(&[("content-encoding", "gzip")]);
        let (headers, content) = unwrapped(&given, b"5\r\nabcde\r\n").unwrap();
        assert_eq!((headers, &*content), (given, &b"5\r\nabcde\r\n"[..]));
    }

    #[test]
    fn a_damaged_body_is_refused() {
        for (body, code, part) in [
            (&b"7\r\nabc"[..], "IncompleteBody", "ends inside a chunk"),
            (b"x\r\n", "IncompleteBody", "no number"),
            (b"2\r\nabc\r\n0\r\n\r\n", "IncompleteBody", "longer than it says"),
            (b"7\r\nabcdefg\r\n", "IncompleteBody", "before its last chunk"),
            (b"6\r\nabcdef\r\n0\r\n\r\n", "IncompleteBody", "holds 6 bytes"),
            (b"7\r\nabcdefg\r\n0\r\n\r\n", "MalformedTrailerError", "is missing"),
            (b"7\r\nabcdefg\r\n0\r\nx-amz-meta-a:b\r\n\r\n", "MalformedTrailerError", "not announced"),
        ] {
            let error = unwrapped(&headers(&TRAILER), body).unwrap_err();
            assert_eq!(error.code, code, "{part}");
            assert!(error.message.contains(part), "{part} in {}", error.message);
        }
    }
}
