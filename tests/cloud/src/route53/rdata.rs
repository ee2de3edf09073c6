//! The values of records: what Route 53 takes for a type, and the octets that the DNS sends for it.
//!
//! Owns: the presentation form of each type and its wire form. Never knows the record that a value belongs to.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::name::Name;

/// A character string has a length of one octet.
const STRING_OCTETS_MAX: usize = 255;

/// The wire form of a value; `None` for types that the cloud keeps without reading them.
///
/// # Errors
/// What the API says about a bad value, between the quotes of `Invalid Resource Record: '...'`.
pub fn wire(kind: &str, value: &str) -> Result<Option<Vec<u8>>, String> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let octets = match kind {
        "A" => value.parse::<Ipv4Addr>().ok().map(|address| address.octets().to_vec()),
        "AAAA" => value.parse::<Ipv6Addr>().ok().map(|address| address.octets().to_vec()),
        "CNAME" | "NS" | "PTR" => return name(value).map(Some),
        "MX" => match words[..] {
            [preference, host] => numbered(&[preference.parse().ok()], host)?,
            _ => None,
        },
        "SRV" => match words[..] {
            [a, b, c, host] => numbered(&[a.parse().ok(), b.parse().ok(), c.parse().ok()], host)?,
            _ => None,
        },
        "SOA" => soa(&words)?,
        "TXT" | "SPF" => return strings(value).map(Some),
        "CAA" => caa(value),
        "DS" => ds(&words),
        _ => return Ok(None),
    };
    octets.map(Some).ok_or_else(|| illegal(kind, value))
}

fn illegal(kind: &str, value: &str) -> String {
    let problem = match kind {
        "A" => "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)".to_owned(),
        "AAAA" => "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)".to_owned(),
        kind => format!("{kind}RRDATAIllegalFormat (Value is not a valid {kind} record)"),
    };
    format!("FATAL problem: {problem} encountered with '{value}'")
}

fn name(value: &str) -> Result<Vec<u8>, String> {
    let name = Name::parse(value).map_err(|bad| bad.told(value))?;
    let mut octets = Vec::new();
    for label in name.labels() {
        counted(&mut octets, label);
    }
    octets.push(0);
    Ok(octets)
}

/// One octet of length, then the octets; the caller has checked that the length fits.
fn counted(octets: &mut Vec<u8>, part: &[u8]) {
    octets.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
    octets.extend_from_slice(part);
}

fn numbered(numbers: &[Option<u16>], host: &str) -> Result<Option<Vec<u8>>, String> {
    let host = name(host)?;
    let numbers: Option<Vec<u16>> = numbers.iter().copied().collect();
    Ok(numbers.map(|numbers| numbers.iter().flat_map(|n| n.to_be_bytes()).chain(host).collect()))
}

fn soa(words: &[&str]) -> Result<Option<Vec<u8>>, String> {
    let [server, mailbox, numbers @ ..] = words else { return Ok(None) };
    let numbers: Option<Vec<u32>> = numbers.iter().map(|word| word.parse().ok()).collect();
    let Some(numbers) = numbers.filter(|numbers| numbers.len() == 5) else { return Ok(None) };
    let mut octets = name(server)?;
    octets.extend(name(mailbox)?);
    octets.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
    Ok(Some(octets))
}

fn ds(words: &[&str]) -> Option<Vec<u8>> {
    let [tag, algorithm, digest_type, digest @ ..] = words else { return None };
    let mut octets = tag.parse::<u16>().ok()?.to_be_bytes().to_vec();
    octets.push(algorithm.parse().ok()?);
    octets.push(digest_type.parse().ok()?);
    let digest = digest.concat();
    if digest.is_empty() || digest.len() % 2 != 0 || !digest.is_ascii() {
        return None;
    }
    for at in (0..digest.len()).step_by(2) {
        octets.push(u8::from_str_radix(&digest[at..at + 2], 16).ok()?);
    }
    Some(octets)
}

/// `0 issue "amazon.com"`.
fn caa(value: &str) -> Option<Vec<u8>> {
    let (flags, rest) = value.trim().split_once(' ')?;
    let (tag, quoted) = rest.trim_start().split_once(' ')?;
    let is_tag = !tag.is_empty() && tag.len() <= STRING_OCTETS_MAX && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    let inner = quoted.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut octets = vec![flags.parse().ok()?];
    counted(&mut octets, is_tag.then_some(tag)?.as_bytes());
    octets.extend_from_slice(inner.as_bytes());
    Some(octets)
}

/// `"one" "two"`: one or more strings in quotation marks; `\"` and octal numbers inside them.
fn strings(value: &str) -> Result<Vec<u8>, String> {
    let unquoted = "InvalidCharacterString (Value should be enclosed in quotation marks)";
    let told = |problem: &str| format!("FATAL problem: {problem} encountered with '{value}'");
    let mut octets = Vec::new();
    let mut rest = value.trim().bytes().peekable();
    while rest.peek().is_some() {
        if rest.next() != Some(b'"') {
            return Err(told(unquoted));
        }
        let mut part = Vec::new();
        loop {
            match rest.next() {
                Some(b'"') => break,
                Some(b'\\') => part.push(escaped(&mut rest).ok_or_else(|| told(unquoted))?),
                Some(byte) => part.push(byte),
                None => return Err(told(unquoted)),
            }
        }
        if part.len() > STRING_OCTETS_MAX {
            return Err(told("CharacterStringTooLong (Value is too long)"));
        }
        counted(&mut octets, &part);
        while rest.next_if(u8::is_ascii_whitespace).is_some() {}
    }
    if octets.is_empty() { Err(told(unquoted)) } else { Ok(octets) }
}

/// What follows a backslash: three octal digits, or a character that stands for itself.
fn escaped(rest: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> Option<u8> {
    let first = rest.next()?;
    if !(b'0'..=b'7').contains(&first) {
        return Some(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = rest.next().filter(|byte| (b'0'..=b'7').contains(byte))?;
        value = value * 8 + u32::from(digit - b'0');
    }
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_values_have_their_octets() {
        for (kind, value, octets) in [
            ("A", "192.0.2.1", vec![192, 0, 2, 1]),
            ("CNAME", "A.b.", b"\x01a\x01b\x00".to_vec()),
            ("MX", "10 m.b.", b"\x00\x0a\x01m\x01b\x00".to_vec()),
            ("TXT", "\"a b\" \"\\\"\\052\"", b"\x03a b\x02\"*".to_vec()),
            ("CAA", "0 issue \"amazon.com\"", b"\x00\x05issueamazon.com".to_vec()),
            ("CAA", "128 issue \";\"", b"\x80\x05issue;".to_vec()),
            ("DS", "1 8 2 00ff", vec![0, 1, 8, 2, 0, 255]),
        ] {
            assert_eq!(wire(kind, value), Ok(Some(octets)), "{kind} {value}");
        }
        assert_eq!(wire("AAAA", "2001:db8::1").unwrap().unwrap().len(), 16);
        assert_eq!(wire("SOA", "a. b. 1 2 3 4 5").unwrap().unwrap().len(), 26);
        assert_eq!(wire("NAPTR", "anything"), Ok(None));
    }

    #[test]
    fn bad_values_are_told_as_route_53_tells_them() {
        let told = wire("A", "octank.dev").unwrap_err();
        let wanted = "FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'octank.dev'";
        assert_eq!(told, wanted);
        for (kind, value, part) in [
            ("AAAA", "192.0.2.1", "AAAARRDATAIllegalIPv6Address"),
            ("TXT", "bare", "InvalidCharacterString"),
            ("TXT", "\"open", "InvalidCharacterString"),
            ("TXT", "", "InvalidCharacterString"),
            ("TXT", &format!("\"{}\"", "x".repeat(256)), "CharacterStringTooLong"),
            ("CNAME", "a..b", "DomainLabelEmpty"),
            ("CAA", "0 issue amazon.com", "CAARRDATAIllegalFormat"),
            ("MX", "m.b.", "MXRRDATAIllegalFormat"),
            ("DS", "1 8 2 0", "DSRRDATAIllegalFormat"),
        ] {
            let told = wire(kind, value).unwrap_err();
            assert!(told.contains(part), "{told}");
        }
    }
}
