//! When a schedule fires: `rate(...)`, `cron(...)` and `at(...)`, the latter two by the clocks of a time zone.
//!
//! Source: EventBridge Scheduler User Guide, "Schedule types" (there, "Daylight savings time": what falls on a time that the
//! clocks skip is left out, and what falls on one that they show twice happens once). What is not modelled (`L`, `W`, `#`) is
//! refused, never guessed at.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, date};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Years that cron looks ahead before it says "never".
const YEARS_MAX: i16 = 10;

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schedule expression `{expression}` is not valid: {reason}")]
pub struct ExpressionError {
    pub expression: String,
    pub reason: String,
}

/// A parsed schedule expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Rate(SignedDuration),
    /// By the clocks of this time zone.
    Cron(Box<Cron>, TimeZone),
    /// Once.
    At(Timestamp),
}

/// The six fields of a cron expression as the sets of values they allow.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    /// None is `?`.
    days: Option<BTreeSet<i16>>,
    months: BTreeSet<i16>,
    /// 1 is Sunday, as AWS counts. None is `?`.
    weekdays: Option<BTreeSet<i16>>,
    /// None is every year.
    years: Option<BTreeSet<i16>>,
}

impl Expression {
    /// Reads an expression; `zone` is an IANA name such as `Europe/Berlin`, or `UTC`. A rate has no use for it.
    ///
    /// # Errors
    /// Where Scheduler would refuse it, or where it uses what is not modelled.
    pub fn parse(text: &str, zone: &str) -> Result<Self, ExpressionError> {
        let wrong = |reason: String| ExpressionError { expression: text.to_owned(), reason };
        let inner = |name: &str| text.strip_prefix(name).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
        let zone = TimeZone::get(zone).map_err(|error| wrong(format!("its time zone `{zone}`: {error}")))?;
        if let Some(rate) = inner("rate") {
            return parse_rate(rate).map(Self::Rate).map_err(wrong);
        }
        if let Some(cron) = inner("cron") {
            return Cron::parse(cron).map(|cron| Self::Cron(Box::new(cron), zone)).map_err(wrong);
        }
        if let Some(at) = inner("at") {
            let moment = at.parse::<DateTime>().and_then(|at| at.to_zoned(zone));
            return moment.map(|at| Self::At(at.timestamp())).map_err(|error| wrong(error.to_string()));
        }
        Err(wrong(
            "it is rate(VALUE UNIT), cron(MINUTES HOURS DAY MONTH WEEKDAY YEAR) or at(YYYY-MM-DDTHH:MM:SS)".into(),
        ))
    }

    /// The first time after `last` at which it fires; a rate counts from `last`.
    pub fn after(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => last.checked_add(*every).ok(),
            Self::Cron(cron, zone) => cron.after(last, zone),
            Self::At(at) => Some(*at).filter(|at| *at > last),
        }
    }
}

fn parse_rate(text: &str) -> Result<SignedDuration, String> {
    let (value, unit) = text.split_once(' ').ok_or("a rate is VALUE UNIT, such as 5 minutes")?;
    let value: i64 = value.parse().ok().filter(|value| *value > 0).ok_or("the value is a positive whole number")?;
    let secs = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return Err(format!("`{unit}` is no unit: minute(s), hour(s) or day(s)")),
    };
    if (value == 1) == unit.ends_with('s') {
        return Err(format!("the unit is singular for 1 and plural for more, not `{text}`"));
    }
    value.checked_mul(secs).map(SignedDuration::from_secs).ok_or_else(|| "the value is too large".to_owned())
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields.as_slice() else {
            return Err(format!("a cron expression has six fields, not {}", fields.len()));
        };
        if (*days == "?") == (*weekdays == "?") {
            return Err("exactly one of day of month and day of week is `?`".to_owned());
        }
        let optional = |field: &str, name: &str, from: i16, to: i16, names: &[&str]| match field {
            "?" => Ok(None),
            _ => parse_field(field, name, from, to, names).map(Some),
        };
        Ok(Self {
            minutes: parse_field(minutes, "minutes", 0, 59, &[])?,
            hours: parse_field(hours, "hours", 0, 23, &[])?,
            days: optional(days, "day of month", 1, 31, &[])?,
            months: parse_field(months, "month", 1, 12, &MONTHS)?,
            weekdays: optional(weekdays, "day of week", 1, 7, &WEEKDAYS)?,
            years: if *years == "*" { None } else { Some(parse_field(years, "year", 1970, 2199, &[])?) },
        })
    }

    fn after(&self, last: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let shown = last.to_zoned(zone.clone()).date();
        let end = date(shown.year().saturating_add(YEARS_MAX), 12, 31);
        let mut day = shown;
        while day <= end {
            if self.allows(day) {
                let times = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)));
                let mut moments = times.filter_map(|(hour, minute)| once(day.at(hour as i8, minute as i8, 0, 0), zone));
                if let Some(found) = moments.find(|moment| *moment > last) {
                    return Some(found);
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    fn allows(&self, day: Date) -> bool {
        let weekday = i16::from(day.weekday().to_sunday_one_offset());
        self.months.contains(&i16::from(day.month()))
            && self.days.as_ref().is_none_or(|days| days.contains(&i16::from(day.day())))
            && self.weekdays.as_ref().is_none_or(|weekdays| weekdays.contains(&weekday))
            && self.years.as_ref().is_none_or(|years| years.contains(&day.year()))
    }
}

/// When the clocks of the zone show this time: not at all where they skip it, the first time where they show it twice.
fn once(shown: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(shown);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        _ => ambiguous.compatible().ok(),
    }
}

/// A field: `*`, values, ranges `a-b` and steps `a/n`, separated by commas.
fn parse_field(field: &str, name: &str, from: i16, to: i16, names: &[&str]) -> Result<BTreeSet<i16>, String> {
    let value = |text: &str| {
        let named = names.iter().position(|known| known.eq_ignore_ascii_case(text)).map(|index| index as i16 + from);
        let value = named.or_else(|| text.parse().ok()).filter(|value| (from..=to).contains(value));
        value.ok_or_else(|| format!("`{text}` is no {name} ({from} to {to}; L, W and # are not modelled)"))
    };
    let mut values = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = match step {
            None => 1,
            Some(step) => step.parse().ok().filter(|step| *step > 0).ok_or(format!("`{part}` has no positive step"))?,
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (from, to),
            Some((first, last)) => (value(first)?, value(last)?),
            None if part.contains('/') => (value(range)?, to),
            None => (value(range)?, value(range)?),
        };
        if first > last {
            return Err(format!("`{part}` ends before it begins"));
        }
        values.extend((first..=last).step_by(step));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, last: &str) -> Option<String> {
        next_in("UTC", expression, last)
    }

    fn next_in(zone: &str, expression: &str, last: &str) -> Option<String> {
        Expression::parse(expression, zone).unwrap().after(last.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn each_expression_knows_its_next_time() {
        let cases = [
            ("rate(5 minutes)", "2026-01-01T00:00:30Z", Some("2026-01-01T00:05:30Z")),
            ("rate(1 day)", "2026-02-28T01:00:00Z", Some("2026-03-01T01:00:00Z")),
            ("cron(0/15 * * * ? *)", "2026-01-01T00:15:00Z", Some("2026-01-01T00:30:00Z")),
            ("cron(30 6 ? * MON-FRI *)", "2026-01-02T06:30:00Z", Some("2026-01-05T06:30:00Z")),
            ("cron(0 0 29 FEB ? *)", "2026-01-01T00:00:00Z", Some("2028-02-29T00:00:00Z")),
            ("cron(5,10 8-9 1 * ? 2027)", "2026-01-01T00:00:00Z", Some("2027-01-01T08:05:00Z")),
            ("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00Z", None),
            ("cron(0 12 ? * 1 *)", "2026-01-01T00:00:00Z", Some("2026-01-04T12:00:00Z")),
            ("at(2026-05-01T10:00:00)", "2026-01-01T00:00:00Z", Some("2026-05-01T10:00:00Z")),
            ("at(2026-05-01T10:00:00)", "2026-05-01T10:00:00Z", None),
        ];
        for (expression, last, want) in cases {
            assert_eq!(next(expression, last).as_deref(), want, "{expression} after {last}");
        }
    }

    /// In Berlin the clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October 2026.
    #[test]
    fn a_time_zone_has_its_own_clocks() {
        let night = "cron(30 2 * * ? *)";
        let cases = [
            (night, "2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z"),
            (night, "2026-07-01T00:00:00Z", "2026-07-01T00:30:00Z"),
            (night, "2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"),
            (night, "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),
            (night, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            ("cron(0 * * * ? *)", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
            ("cron(0 * * * ? *)", "2026-10-25T01:10:00Z", "2026-10-25T02:00:00Z"),
            ("cron(0 0 ? * MON *)", "2026-01-04T22:59:00Z", "2026-01-04T23:00:00Z"),
            ("at(2026-05-01T10:00:00)", "2026-01-01T00:00:00Z", "2026-05-01T08:00:00Z"),
            ("rate(1 day)", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ];
        for (expression, last, want) in cases {
            let found = next_in("Europe/Berlin", expression, last);
            assert_eq!(found.as_deref(), Some(want), "{expression} after {last}");
        }
    }

    #[test]
    fn a_time_zone_that_nobody_knows_is_refused() {
        let error = Expression::parse("rate(5 minutes)", "Europe/Atlantis").unwrap_err().to_string();
        assert!(error.contains("its time zone `Europe/Atlantis`"), "{error}");
    }

    #[test]
    fn what_is_not_valid_or_not_modelled_is_refused_with_a_reason() {
        let cases = [
            ("rate(5 minuts)", "no unit"),
            ("rate(1 minutes)", "singular"),
            ("rate(5 minute)", "singular"),
            ("rate(0 minutes)", "positive"),
            ("cron(0 0 * * * *)", "exactly one"),
            ("cron(0 0 ? * ? *)", "exactly one"),
            ("cron(0 0 L * ? *)", "not modelled"),
            ("cron(60 0 * * ? *)", "no minutes"),
            ("cron(0 9-8 * * ? *)", "ends before"),
            ("cron(0/0 0 * * ? *)", "no positive step"),
            ("cron(0 0 * * ?)", "six fields"),
            ("at(tomorrow)", "tomorrow"),
            ("every day", "rate(VALUE UNIT)"),
        ];
        for (expression, reason) in cases {
            let error = Expression::parse(expression, "UTC").unwrap_err().to_string();
            assert!(error.contains(reason), "{expression}: {error}");
        }
    }
}
