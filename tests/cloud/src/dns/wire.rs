//! Records between the resolver's answer and the messages of the DNS.

use std::str::FromStr;

use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use serde_json::Value;

use crate::route53::{DnsName, record_octets};

/// The name of a question or a record, as Route 53 reads it; none where it is not one that it would take.
pub fn read_name(name: &Name) -> Option<DnsName> {
    DnsName::of(name.iter().map(<[u8]>::to_vec).collect()).ok()
}

/// One record of `_Query`'s answer for a message; none where the value has no octets that the cloud knows.
pub fn record(found: &Value) -> Option<Record> {
    let text = |member: &str| found[member].as_str().unwrap_or_default();
    let owner = DnsName::parse(text("Name")).ok()?;
    let name = Name::from_labels(owner.labels().iter().map(Vec::as_slice)).ok()?;
    let code = RecordType::from_str(text("Type")).ok()?;
    let octets = record_octets(text("Type"), text("Data")).ok()??;
    let ttl = u32::try_from(found["Ttl"].as_i64().unwrap_or_default()).unwrap_or_default();
    Some(Record::from_rdata(name, ttl, RData::Unknown { code, rdata: NULL::with(octets) }))
}

/// A record's value as Route 53 writes it.
pub fn value(data: &RData) -> String {
    let name = |name: &Name| read_name(name).map_or_else(|| name.to_ascii(), |name| name.to_string());
    match data {
        RData::A(address) => address.0.to_string(),
        RData::AAAA(address) => address.0.to_string(),
        RData::CNAME(target) => name(&target.0),
        RData::NS(server) => name(&server.0),
        RData::PTR(target) => name(&target.0),
        RData::MX(mx) => format!("{} {}", mx.preference, name(&mx.exchange)),
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {} {}",
            name(&soa.mname),
            name(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        RData::TXT(text) => text.txt_data.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(" "),
        RData::CAA(caa) => {
            let flags = caa.reserved_flags | if caa.issuer_critical { 128 } else { 0 };
            format!("{flags} {} {}", caa.tag, quoted(&caa.value))
        }
        RData::Unknown { code: RecordType::DS, rdata } => ds(&rdata.anything),
        other => other.to_string(),
    }
}

fn quoted(octets: &[u8]) -> String {
    let mut out = String::from("\"");
    for octet in octets {
        match octet {
            b'"' | b'\\' => out.extend(['\\', char::from(*octet)]),
            b' '..=b'~' => out.push(char::from(*octet)),
            other => out.push_str(&format!("\\{other:03o}")),
        }
    }
    out.push('"');
    out
}

fn ds(octets: &[u8]) -> String {
    let [high, low, algorithm, digest_type, digest @ ..] = octets else { return String::new() };
    let digest: String = digest.iter().map(|octet| format!("{octet:02X}")).collect();
    format!("{} {algorithm} {digest_type} {digest}", u16::from_be_bytes([*high, *low]))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Message;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_comes_over_the_wire_as_it_was() {
        for (kind, data) in [
            ("A", "192.0.2.1"),
            ("AAAA", "2001:db8::1"),
            ("CNAME", "_x.acm-validations.aws."),
            ("NS", "ns-1.awsdns-01.com."),
            ("SOA", "ns-1.awsdns-01.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"),
            ("MX", "10 mail.octank.dev."),
            ("TXT", "\"a \\\"b\\\"\" \"\\303\\274\""),
            ("CAA", "0 issue \"amazon.com\""),
            ("CAA", "128 issuewild \";\""),
            ("DS", "4711 8 2 00FFAB"),
        ] {
            let found = json!({"Name": "\\052.octank.dev.", "Type": kind, "Ttl": 60, "Data": data});
            let mut message = Message::query();
            message.add_answer(record(&found).unwrap());
            let read = Message::from_vec(&message.to_vec().unwrap()).unwrap();
            assert_eq!(value(&read.answers[0].data), data, "{kind}");
            assert_eq!(read_name(&read.answers[0].name).unwrap().to_string(), "\\052.octank.dev.");
            assert_eq!(read.answers[0].ttl, 60);
        }
    }
}
