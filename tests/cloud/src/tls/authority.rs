//! The certificate authority: a root that clients are told of, an intermediate that reads like Amazon's, and leaves that
//! are exactly what the world says is served.

use std::sync::OnceLock;
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;

use crate::acm::ISSUER;
use crate::shape::{integer, text, texts};

/// Why no certificate can be made or served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate cannot be made")]
    Make(#[from] rcgen::Error),
    #[error("the world's answer is no certificate: {0}")]
    Answer(String),
    #[error("the certificate cannot be served")]
    Serve(#[from] rustls::Error),
    #[error("ACM did not say what is served: {0}")]
    Refused(String),
}

/// What the world says is served for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub serial: Vec<u8>,
    pub names: Vec<String>,
    /// Seconds since the epoch, both included.
    pub not_before: u64,
    pub not_after: u64,
}

impl Served {
    /// Reads the answer of ACM's `_Served`.
    ///
    /// # Errors
    /// Where a member is missing or makes no sense.
    pub fn read(answer: &Value) -> Result<Self, TlsError> {
        let bad = || TlsError::Answer(answer.to_string());
        let byte = |hex: &str| u8::from_str_radix(hex, 16).ok();
        let serial: Option<Vec<u8>> = text(answer, "Serial").ok_or_else(bad)?.split(':').map(byte).collect();
        let at = |member: &str| integer(answer, member).and_then(|at| u64::try_from(at).ok()).ok_or_else(bad);
        Ok(Self {
            serial: serial.ok_or_else(bad)?,
            names: texts(answer, "Names"),
            not_before: at("NotBefore")?,
            not_after: at("NotAfter")?,
        })
    }
}

/// The authority of this process.
#[derive(Debug)]
pub struct Authority {
    root_pem: String,
    intermediate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A leaf with its chain and its key.
pub(super) struct Leaf {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Every process has one: making it takes longer than serving.
static AUTHORITY: OnceLock<Result<Authority, rcgen::Error>> = OnceLock::new();

impl Authority {
    /// The one of this process.
    ///
    /// # Errors
    /// Where its keys cannot be made.
    pub fn of_process() -> Result<&'static Self, TlsError> {
        AUTHORITY.get_or_init(Self::new).as_ref().map_err(|error| TlsError::Make(error.clone()))
    }

    fn new() -> Result<Self, rcgen::Error> {
        let root_key = KeyPair::generate()?;
        let root_params = ca("pitcrew local root")?;
        let root = root_params.self_signed(&root_key)?;
        let root_issuer = Issuer::new(root_params, root_key);
        let key = KeyPair::generate()?;
        let params = ca(ISSUER)?;
        let intermediate = params.signed_by(&key, &root_issuer)?;
        Ok(Self { root_pem: root.pem(), intermediate, issuer: Issuer::new(params, key) })
    }

    /// What clients have to trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The certificate that is served, with serial, names and dates as the world has them.
    pub(super) fn leaf(&self, served: &Served) -> Result<Leaf, TlsError> {
        let mut params = CertificateParams::new(served.names.clone())?;
        params.serial_number = Some(SerialNumber::from_slice(&served.serial));
        let epoch = date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(served.not_before);
        params.not_after = epoch + Duration::from_secs(served.not_after);
        if let Some(name) = served.names.first() {
            params.distinguished_name.remove(DnType::CommonName);
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf {
            chain: vec![certificate.der().clone(), self.intermediate.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }
}

/// An authority's certificate, valid whatever the cloud's clock shows.
fn ca(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CountryName, "US");
    params.distinguished_name.push(DnType::OrganizationName, "Amazon (Local)");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2100, 1, 1));
    Ok(params)
}
