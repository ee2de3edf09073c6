//! Blocks of addresses. EC2 takes an address inside a block for the block itself and keeps the canonical form.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A block of IPv4 addresses in its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    base: u32,
    bits: u32,
}

impl Cidr {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits): (Ipv4Addr, u32) = (address.parse().ok()?, bits.parse().ok()?);
        let mask = mask(bits, 32)?;
        Some(Self { base: u32::from(address) & u32::try_from(mask).ok()?, bits })
    }

    /// How many bits the block's name has.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// How many addresses the block has.
    pub fn size(self) -> u64 {
        1 << (32 - self.bits)
    }

    pub fn contains(self, other: Self) -> bool {
        self.bits <= other.bits
            && u64::from(other.base - self.base.min(other.base)) < self.size()
            && other.base >= self.base
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The n-th address.
    pub fn address(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base.saturating_add(n))
    }

    /// The n-th block of that many bits inside this one.
    pub fn part(self, bits: u32, n: u32) -> Self {
        Self { base: self.base.saturating_add(n << (32 - bits)), bits }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.bits)
    }
}

/// The canonical form of a block of IPv6 addresses.
pub(super) fn canonical_v6(text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (Ipv6Addr, u32) = (address.parse().ok()?, bits.parse().ok()?);
    Some(format!("{}/{bits}", Ipv6Addr::from(u128::from(address) & mask(bits, 128)?)))
}

/// A mask of that many leading bits out of `width`.
fn mask(bits: u32, width: u32) -> Option<u128> {
    let rest = width.checked_sub(bits)?;
    let all = u128::MAX >> (128 - width);
    Some(if rest == 128 { 0 } else { all >> rest << rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_inside_a_block_stands_for_the_block() {
        for (given, wanted) in
            [("100.68.0.18/18", "100.68.0.0/18"), ("0.0.0.0/0", "0.0.0.0/0"), ("10.1.2.3/32", "10.1.2.3/32")]
        {
            assert_eq!(Cidr::parse(given).unwrap().to_string(), wanted);
        }
        assert_eq!(canonical_v6("2001:db8:0:0::7/32").unwrap(), "2001:db8::/32");
        assert_eq!(canonical_v6("::/0").unwrap(), "::/0");
    }

    #[test]
    fn what_is_no_block_is_none() {
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/-1", ""] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
        for text in ["::/129", "10.0.0.0/8", "::"] {
            assert_eq!(canonical_v6(text), None, "{text}");
        }
    }

    #[test]
    fn blocks_lie_in_each_other_or_apart() {
        let block = |text: &str| Cidr::parse(text).unwrap();
        assert!(block("10.0.0.0/16").contains(block("10.0.255.0/24")));
        assert!(!block("10.0.0.0/16").contains(block("10.1.0.0/24")));
        assert!(!block("10.1.0.0/16").contains(block("10.0.0.0/24")));
        assert!(block("10.0.0.0/24").overlaps(block("10.0.0.0/16")));
        assert!(!block("10.0.0.0/24").overlaps(block("10.0.1.0/24")));
        assert!(block("0.0.0.0/0").contains(block("255.255.255.255/32")));
    }

    #[test]
    fn parts_follow_each_other() {
        let whole = Cidr::parse("10.0.0.0/16").unwrap();
        assert_eq!(whole.part(20, 3).to_string(), "10.0.48.0/20");
        assert_eq!(whole.part(20, 3).address(4).to_string(), "10.0.48.4");
        assert_eq!(whole.part(24, 0).size(), 256);
    }
}
