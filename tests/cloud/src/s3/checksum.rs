//! The checksums that S3 verifies, keeps and gives back (user guide, "Checking object integrity").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::not_served;
use crate::call::ApiError;
use crate::shape::text;

/// A checksum of a whole object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    pub algorithm: Algorithm,
    /// Base64 of the sum, the highest byte first.
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Crc32,
    Crc32C,
    Crc64Nvme,
    Sha256,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Crc32, Self::Crc32C, Self::Crc64Nvme, Self::Sha256];

    /// As `ChecksumAlgorithm` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32C => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha256 => "SHA256",
        }
    }

    /// The member that carries it.
    pub fn member(self) -> String {
        format!("Checksum{}", self.name())
    }

    fn of(self, bytes: &[u8]) -> String {
        match self {
            Self::Crc32 => STANDARD.encode((crc(bytes, 0xEDB8_8320, u64::from(u32::MAX)) as u32).to_be_bytes()),
            Self::Crc32C => STANDARD.encode((crc(bytes, 0x82F6_3B78, u64::from(u32::MAX)) as u32).to_be_bytes()),
            Self::Crc64Nvme => STANDARD.encode(crc(bytes, 0x9A6C_9329_AC4B_C9B5, u64::MAX).to_be_bytes()),
            Self::Sha256 => STANDARD.encode(Sha256::digest(bytes)),
        }
    }
}

/// A reflected CRC with its polynomial in reverse; `ones` is both its start and what its end is turned over with.
fn crc(bytes: &[u8], polynomial: u64, ones: u64) -> u64 {
    let mut table = [0_u64; 256];
    for (entry, byte) in table.iter_mut().zip(0_u64..) {
        *entry = (0..8).fold(byte, |sum, _| if sum & 1 == 1 { (sum >> 1) ^ polynomial } else { sum >> 1 });
    }
    let step = |sum: u64, byte: &u8| table[((sum ^ u64::from(*byte)) & 0xFF) as usize] ^ (sum >> 8);
    bytes.iter().fold(ones, step) ^ ones
}

/// The checksum with which the bytes are kept: the caller's, which must be right, or S3's own.
pub(super) fn verified(input: &Value, bytes: &[u8]) -> Result<Checksum, ApiError> {
    let given: Vec<(Algorithm, &str)> =
        Algorithm::ALL.into_iter().filter_map(|one| Some((one, text(input, &one.member())?))).collect();
    if let Some(named) = text(input, "ChecksumAlgorithm") {
        let Some(named) = Algorithm::ALL.into_iter().find(|one| one.name() == named) else {
            return Err(not_served(&format!("the local cloud's S3 does not serve the checksum {named}")));
        };
        if !given.iter().any(|(one, _)| *one == named) {
            let message = "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                           headers were found.";
            return Err(ApiError::client("InvalidRequest", message));
        }
    }
    match given.as_slice() {
        [] => Ok(Checksum { algorithm: Algorithm::Crc64Nvme, value: Algorithm::Crc64Nvme.of(bytes) }),
        [(algorithm, value)] if algorithm.of(bytes) == *value => {
            Ok(Checksum { algorithm: *algorithm, value: (*value).to_owned() })
        }
        [(algorithm, _)] => {
            let message = format!("The {} you specified did not match the calculated checksum.", algorithm.name());
            Err(ApiError::client("BadDigest", message))
        }
        _ => Err(ApiError::client("InvalidRequest", "Expecting a single x-amz-checksum- header.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hex(algorithm: Algorithm, bytes: &[u8]) -> String {
        STANDARD.decode(algorithm.of(bytes)).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The check values of the catalogue of CRC algorithms (reveng), and FIPS 180's of "abc".
    #[test]
    fn the_sums_are_those_of_the_standards() {
        assert_eq!(hex(Algorithm::Crc32, b"123456789"), "cbf43926");
        assert_eq!(hex(Algorithm::Crc32C, b"123456789"), "e3069283");
        assert_eq!(hex(Algorithm::Crc64Nvme, b"123456789"), "ae8b14860a799888");
        assert!(hex(Algorithm::Sha256, b"abc").starts_with("ba7816bf8f01cfea"));
        assert_eq!(Algorithm::Crc32.of(b""), "AAAAAA==");
    }

    #[test]
    fn a_wrong_missing_or_doubled_checksum_is_refused() {
        let right =
            verified(&json!({"ChecksumCRC32": "y/Q5Jg==", "ChecksumAlgorithm": "CRC32"}), b"123456789").unwrap();
        assert_eq!(right, Checksum { algorithm: Algorithm::Crc32, value: "y/Q5Jg==".to_owned() });
        for (input, code) in [
            (json!({"ChecksumCRC32": "AAAAAA=="}), "BadDigest"),
            (json!({"ChecksumAlgorithm": "CRC32"}), "InvalidRequest"),
            (json!({"ChecksumAlgorithm": "SHA1"}), "NotImplemented"),
            (json!({"ChecksumCRC32": "y/Q5Jg==", "ChecksumSHA256": "x"}), "InvalidRequest"),
        ] {
            assert_eq!(verified(&input, b"123456789").unwrap_err().code, code, "{input}");
        }
    }

    #[test]
    fn without_a_checksum_s3_takes_its_own() {
        assert_eq!(verified(&json!({}), b"123456789").unwrap().algorithm, Algorithm::Crc64Nvme);
    }
}
