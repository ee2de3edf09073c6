//! Metric samples and the statistics over them. Pure storage: it knows nothing of alarms or of the API.

use std::collections::BTreeMap;

use crate::effect::Datapoint;

/// Samples are kept for as long as AWS keeps one-minute data; a finer or coarser past is not modelled.
const KEPT_SECONDS: i64 = 15 * 86_400;

/// What a metric is called: one time series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub namespace: String,
    pub name: String,
    /// Sorted by name.
    pub dimensions: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub sum: f64,
    pub count: f64,
    pub min: f64,
    pub max: f64,
    pub unit: String,
}

/// A statistic that an alarm or a query asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// 0 to 100.
    Percentile(f64),
}

impl Statistic {
    /// `Average`, `p99`, `p99.9`; none where the local cloud has no such statistic.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            other => {
                let percent: f64 = other.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent))?
            }
        })
    }
}

/// The samples of one period.
#[derive(Clone, Debug, Default)]
pub struct Bucket<'m> {
    samples: Vec<&'m Sample>,
}

impl Bucket<'_> {
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    pub fn count(&self) -> f64 {
        self.samples.iter().map(|sample| sample.count).sum()
    }

    /// The first sample's unit: a period in which units are mixed is not modelled.
    pub fn unit(&self) -> &str {
        self.samples.first().map_or("None", |sample| &sample.unit)
    }

    /// The statistic over the period; none where there is no sample, or where a percentile is asked of a sample that
    /// stands for several different values (AWS has none there either).
    pub fn value(&self, statistic: Statistic) -> Option<f64> {
        if self.is_empty() {
            return None;
        }
        let sum = || self.samples.iter().map(|sample| sample.sum).sum::<f64>();
        Some(match statistic {
            Statistic::SampleCount => self.count(),
            Statistic::Sum => sum(),
            Statistic::Average => sum() / self.count(),
            Statistic::Minimum => self.samples.iter().map(|sample| sample.min).fold(f64::INFINITY, f64::min),
            Statistic::Maximum => self.samples.iter().map(|sample| sample.max).fold(f64::NEG_INFINITY, f64::max),
            Statistic::Percentile(percent) => return self.percentile(percent),
        })
    }

    /// The smallest value that at least `percent` of the samples do not exceed (nearest rank).
    fn percentile(&self, percent: f64) -> Option<f64> {
        if self.samples.iter().any(|sample| sample.min != sample.max) {
            return None;
        }
        let mut values: Vec<(f64, f64)> = self.samples.iter().map(|sample| (sample.min, sample.count)).collect();
        values.sort_by(|one, other| one.0.total_cmp(&other.0));
        let rank = (percent / 100.0) * self.count();
        let mut passed = 0.0;
        for (value, count) in &values {
            passed += count;
            if passed >= rank {
                return Some(*value);
            }
        }
        values.last().map(|(value, _)| *value)
    }
}

/// All series, each by the second of its samples.
#[derive(Debug, Default)]
pub struct Metrics {
    series: BTreeMap<Series, BTreeMap<i64, Vec<Sample>>>,
}

impl Metrics {
    /// Adds a datapoint; dimensions are sorted here, so that no caller can make a second series of the same name.
    pub fn record(&mut self, point: Datapoint) -> Series {
        let Datapoint { namespace, name, mut dimensions, at, sum, count, min, max, unit } = point;
        dimensions.sort();
        let series = Series { namespace, name, dimensions };
        let samples = self.series.entry(series.clone()).or_default();
        let second = at.as_second();
        samples.entry(second).or_default().push(Sample { sum, count, min, max, unit });
        if samples.first_key_value().is_some_and(|(first, _)| second - first > KEPT_SECONDS) {
            *samples = samples.split_off(&(second - KEPT_SECONDS));
        }
        series
    }

    pub fn names(&self) -> impl Iterator<Item = &Series> {
        self.series.keys()
    }

    /// The samples from second `start` (included) to `end` (excluded), of one unit where one is given.
    pub fn bucket(&self, series: &Series, start: i64, end: i64, unit: Option<&str>) -> Bucket<'_> {
        let Some(samples) = self.series.get(series).filter(|_| start < end) else { return Bucket::default() };
        let wanted = |sample: &&Sample| unit.is_none_or(|unit| sample.unit == unit);
        Bucket { samples: samples.range(start..end).flat_map(|(_, samples)| samples).filter(wanted).collect() }
    }

    /// The second of the newest sample.
    pub fn newest(&self, series: &Series) -> Option<i64> {
        self.series.get(series)?.last_key_value().map(|(second, _)| *second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(samples: &[Sample]) -> Bucket<'_> {
        Bucket { samples: samples.iter().collect() }
    }

    fn single(value: f64) -> Sample {
        Sample { sum: value, count: 1.0, min: value, max: value, unit: "Count".into() }
    }

    #[test]
    fn statistics_of_nothing_are_missing() {
        assert_eq!(bucket(&[]).value(Statistic::Sum), None);
    }

    #[test]
    fn each_statistic_is_taken_over_all_samples() {
        let samples =
            [single(1.0), single(5.0), Sample { sum: 12.0, count: 2.0, min: 4.0, max: 8.0, unit: "Count".into() }];
        let all = bucket(&samples);
        let cases = [("SampleCount", 4.0), ("Sum", 18.0), ("Average", 4.5), ("Minimum", 1.0), ("Maximum", 8.0)];
        for (name, expected) in cases {
            assert_eq!(all.value(Statistic::parse(name).unwrap()), Some(expected), "{name}");
        }
        assert_eq!(all.value(Statistic::Percentile(50.0)), None, "a statistic set has no percentile");
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let samples: Vec<Sample> = (1..=10).map(|n| single(f64::from(n))).collect();
        for (name, expected) in [("p0", 1.0), ("p50", 5.0), ("p90", 9.0), ("p99.9", 10.0), ("p100", 10.0)] {
            assert_eq!(bucket(&samples).value(Statistic::parse(name).unwrap()), Some(expected), "{name}");
        }
        assert_eq!(Statistic::parse("tm90"), None);
        assert_eq!(Statistic::parse("p101"), None);
    }
}
