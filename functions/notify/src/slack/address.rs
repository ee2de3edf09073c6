//! Where Slack may be: the list of allowed hosts, and nothing beside it.
//!
//! An address must be https and its host must stand on the list, exactly. `http` is allowed for loopback hosts that are on
//! the list, which is how the local cloud and the tests stand in for Slack. Errors never show an address: a webhook's
//! address is its secret.

use hyper::Uri;

/// Why an address is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("it is not an address")]
    Malformed,
    #[error("it is not https (http is for listed loopback hosts only)")]
    Plain,
    #[error("it holds a user or a password")]
    UserInfo,
    #[error("the host is not on the list of allowed hosts")]
    Host,
    #[error("the list holds something that is not a host (host or host:port, separated by commas)")]
    List,
}

/// The allowed hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed(Vec<String>);

/// The address under which the methods of a bot are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

impl Allowed {
    /// Reads `host,host:port`.
    ///
    /// # Errors
    /// An entry is not a host, or there is none.
    pub fn parse(list: &str) -> Result<Self, AddressError> {
        let hosts: Vec<String> =
            list.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect();
        let legal = |host: &String| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
        if hosts.is_empty() || !hosts.iter().all(legal) { Err(AddressError::List) } else { Ok(Self(hosts)) }
    }

    /// Checks an address.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn check(&self, address: &str) -> Result<Uri, AddressError> {
        let uri: Uri = address.trim().parse().map_err(|_| AddressError::Malformed)?;
        let (Some(authority), Some(scheme)) = (uri.authority(), uri.scheme_str()) else {
            return Err(AddressError::Malformed);
        };
        if authority.as_str().contains('@') {
            return Err(AddressError::UserInfo);
        }
        let host = authority.host().to_ascii_lowercase();
        let is_loopback = matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]");
        match scheme {
            "https" => {}
            "http" if is_loopback => {}
            _ => return Err(AddressError::Plain),
        }
        let with_port = authority.port_u16().map(|port| format!("{host}:{port}"));
        let usual_port = matches!(authority.port_u16(), None | Some(443));
        let listed =
            |entry: &String| Some(entry) == with_port.as_ref() || (*entry == host && (usual_port || is_loopback));
        if self.0.iter().any(listed) { Ok(uri) } else { Err(AddressError::Host) }
    }

    /// Checks the address of an API.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn base(&self, address: &str) -> Result<Base, AddressError> {
        self.check(address).map(|_| Base(address.trim().trim_end_matches('/').to_owned()))
    }
}

impl Base {
    /// The address of a method, such as `chat.postMessage`.
    ///
    /// # Errors
    /// Never for a method of ours.
    pub fn method(&self, name: &str) -> Result<Uri, AddressError> {
        format!("{}/{name}", self.0).parse().map_err(|_| AddressError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, address: &str) -> Result<(), AddressError> {
        Allowed::parse(list).and_then(|allowed| allowed.check(address)).map(|_| ())
    }

    #[test]
    fn slack_is_reached_over_https_only() {
        assert_eq!(check("hooks.slack.com", "https://hooks.slack.com/services/T/B/x"), Ok(()));
        assert_eq!(check("hooks.slack.com", "https://HOOKS.slack.com:443/services"), Ok(()));
        assert_eq!(check("hooks.slack.com", "http://hooks.slack.com/services"), Err(AddressError::Plain));
    }

    #[test]
    fn a_host_that_is_not_listed_exactly_is_refused() {
        for address in [
            "https://hooks.slack.com.evil.example/",
            "https://evil.hooks.slack.com/",
            "https://hooks.slack.com:8443/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert_eq!(check("hooks.slack.com", address), Err(AddressError::Host), "{address}");
        }
        assert_eq!(check("hooks.slack.com", "https://hooks.slack.com@evil.example/"), Err(AddressError::UserInfo));
        for address in ["", "hooks.slack.com/x", "https://", "file:///etc/passwd", "a b"] {
            assert!(check("hooks.slack.com", address).is_err(), "{address}");
        }
    }

    #[test]
    fn plain_http_is_for_listed_loopback_hosts() {
        assert_eq!(check("127.0.0.1", "http://127.0.0.1:9000/hook"), Ok(()));
        assert_eq!(check("127.0.0.1:9000", "http://127.0.0.1:9000/hook"), Ok(()));
        assert_eq!(check("127.0.0.1:9000", "http://127.0.0.1:9001/hook"), Err(AddressError::Host));
        assert_eq!(check("hooks.slack.com", "http://127.0.0.1:9000/hook"), Err(AddressError::Host));
        assert_eq!(check("10.0.0.1", "http://10.0.0.1/hook"), Err(AddressError::Plain));
    }

    #[test]
    fn a_list_of_something_else_is_refused() {
        for list in ["", " , ", "https://hooks.slack.com", "hooks.slack.com/services", "*"] {
            assert_eq!(Allowed::parse(list), Err(AddressError::List), "{list}");
        }
    }
}
