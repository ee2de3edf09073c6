//! DynamoDB's number: a decimal of up to 38 significant digits, kept exact. Never a float.

use std::cmp::Ordering;
use std::fmt;

use crate::call::ApiError;

use super::bad;

/// The most significant digits that a number may have.
const DIGITS_MAX: u32 = 38;
/// The greatest power of ten of the first digit, and the least one.
const MAGNITUDE_MAX: i32 = 125;
const MAGNITUDE_MIN: i32 = -130;

/// `digits * 10^exponent`, without trailing zeros, so that equal numbers are equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    negative: bool,
    digits: u128,
    exponent: i32,
}

impl Number {
    /// Parses the text of an `N`. Errors are those of the service: no number, too many digits, out of range.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let no_number = || bad(format!("The parameter cannot be converted to a numeric value: {text}"));
        let trimmed = text.trim();
        let (negative, rest) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().map_err(|_| no_number())?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) {
            return Err(no_number());
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let kept = significant.trim_end_matches('0');
        if kept.len() > DIGITS_MAX as usize {
            return Err(bad("Attempting to store more than 38 significant digits in a Number"));
        }
        let dropped = i32::try_from(significant.len() - kept.len()).map_err(|_| no_number())?;
        let decimals = i32::try_from(fraction.len()).map_err(|_| no_number())?;
        let digits = if kept.is_empty() { 0 } else { kept.parse::<u128>().map_err(|_| no_number())? };
        let exponent = power.checked_sub(decimals).and_then(|e| e.checked_add(dropped)).ok_or_else(no_number)?;
        Self { negative, digits, exponent }.checked()
    }

    /// Brings the value into its one form and refuses what is out of range.
    fn checked(mut self) -> Result<Self, ApiError> {
        if self.digits == 0 {
            return Ok(Self { negative: false, digits: 0, exponent: 0 });
        }
        while self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.exponent += 1;
        }
        if self.digits.ilog10() >= DIGITS_MAX {
            return Err(bad("Attempting to store more than 38 significant digits in a Number"));
        }
        let magnitude = self.magnitude();
        if magnitude > MAGNITUDE_MAX {
            return Err(bad(
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            ));
        }
        if magnitude < MAGNITUDE_MIN {
            return Err(bad(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            ));
        }
        Ok(self)
    }

    /// The power of ten of the first digit.
    fn magnitude(&self) -> i32 {
        self.exponent.saturating_add(self.digits.checked_ilog10().map_or(0, |n| n as i32))
    }

    /// The digits, stretched to 38 of them so that two numbers of one magnitude compare as integers.
    fn stretched(&self) -> u128 {
        let missing = (DIGITS_MAX - 1).saturating_sub(self.digits.checked_ilog10().unwrap_or(0));
        self.digits.saturating_mul(10_u128.pow(missing))
    }

    /// The same number with the other sign.
    pub fn negated(self) -> Self {
        Self { negative: self.digits != 0 && !self.negative, ..self }
    }

    /// The exact sum; an error where it needs more digits than a number has.
    pub fn plus(self, other: Self) -> Result<Self, ApiError> {
        if self.digits == 0 {
            return Ok(other);
        }
        if other.digits == 0 {
            return Ok(self);
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let too_long = || bad("Attempting to store more than 38 significant digits in a Number");
        let shift = u32::try_from(high.exponent - low.exponent).map_err(|_| too_long())?;
        let raised = 10_u128.checked_pow(shift).and_then(|by| high.digits.checked_mul(by)).ok_or_else(too_long)?;
        let (negative, digits) = if high.negative == low.negative {
            (high.negative, raised.checked_add(low.digits).ok_or_else(too_long)?)
        } else if raised >= low.digits {
            (high.negative, raised - low.digits)
        } else {
            (low.negative, low.digits - raised)
        };
        Self { negative, digits, exponent: low.exponent }.checked()
    }

    /// The whole number of seconds or pieces that this is, rounded down; none where it does not fit.
    pub fn as_i64(&self) -> Option<i64> {
        self.to_string().split('.').next().and_then(|whole| whole.parse().ok())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |n: &Self| if n.digits == 0 { 0 } else { 1 - 2 * i8::from(n.negative) };
        let by_size =
            || self.magnitude().cmp(&other.magnitude()).then_with(|| self.stretched().cmp(&other.stretched()));
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => by_size(),
            _ => by_size().reverse(),
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    /// Plain decimals, as the service answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.digits.to_string();
        if self.exponent >= 0 {
            return write!(f, "{sign}{digits}{}", "0".repeat(self.exponent.unsigned_abs() as usize));
        }
        let decimals = self.exponent.unsigned_abs() as usize;
        if digits.len() > decimals {
            let (whole, fraction) = digits.split_at(digits.len() - decimals);
            return write!(f, "{sign}{whole}.{fraction}");
        }
        write!(f, "{sign}0.{}{digits}", "0".repeat(decimals - digits.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn equal_numbers_are_one_value_and_print_plainly() {
        for (text, shown) in [
            ("1.0", "1"),
            ("007", "7"),
            ("-0", "0"),
            ("1e3", "1000"),
            ("12.50", "12.5"),
            ("-1.5E-3", "-0.0015"),
            ("1e125", &format!("1{}", "0".repeat(125))),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ] {
            assert_eq!(number(text).to_string(), shown, "{text}");
        }
        assert_eq!(number("300"), number("3.00e2"));
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_is_refused() {
        for text in [
            "",
            "a",
            "1.2.3",
            "--1",
            "1e",
            ".",
            "1e126",
            "1e-131",
            "1e2147483647",
            "1e-2147483648",
            "1e99999999999",
            "123456789012345678901234567890123456789",
        ] {
            assert!(Number::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_sort_by_value() {
        let mut all: Vec<Number> = ["2", "10", "-3", "0", "1e20", "0.5", "-0.5", "1.5"].map(number).to_vec();
        all.sort();
        let shown: Vec<String> = all.iter().map(Number::to_string).collect();
        assert_eq!(shown, ["-3", "-0.5", "0", "0.5", "1.5", "2", "10", "100000000000000000000"]);
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(number("0.1").plus(number("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(number("5").plus(number("7").negated()).unwrap().to_string(), "-2");
        assert_eq!(number("5").plus(number("5").negated()).unwrap().to_string(), "0");
        assert!(number("1e100").plus(number("1")).is_err());
    }
}
