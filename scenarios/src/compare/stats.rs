//! Means and intervals of measured figures, and whether they agree with the expected values.
//!
//! * A mean of amounts has the interval mean ± 1.96 s/√N, where s is the sample's standard
//!   deviation, cut off at 0.
//! * A share has Wilson's interval, which stays within 0 and 1 and is accurate near them.
//! * A ratio of two means has an interval by the delta method on its logarithm. Run i of both sides
//!   has the same seed, so the pairs' covariance counts: Var log(x̄/ȳ) ≈ (s²x/x̄² + s²y/ȳ² −
//!   2 sxy/(x̄ȳ))/N.
//!
//! All intervals have 95 % confidence. A random figure agrees with its formula if it is within 3
//! standard errors of it; a figure that does not vary must equal it.

#![expect(clippy::float_arithmetic, reason = "statistics of a report: no run depends on them")]

use serde::{Deserialize, Serialize};

/// The standard normal quantile of 95 % confidence.
const Z: f64 = 1.96;
/// How many standard errors a random figure may be off.
const SIGMAS: f64 = 3.0;
/// What rounding may add to sums of integers below 2⁵².
const ROUNDING: f64 = 1e-9;

/// What kind of number is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Counts, bytes, times.
    Amount,
    /// Of each run: 1 if it is so, 0 if not.
    Share,
}

/// A mean over runs with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The lower end of the interval; the mean itself if there is nothing random about it.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The standard deviation of the sample.
    pub deviation: f64,
    /// Over how many runs.
    pub runs: usize,
}

/// `count` as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]
pub const fn whole(count: u64) -> f64 {
    count as f64
}

/// `part` of `all`; nothing of nothing.
pub fn part(part: u64, all: u64) -> Option<f64> {
    (0 < all).then(|| whole(part) / whole(all))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / whole(values.len() as u64)
}

/// The covariance of a sample of pairs; the variance of one that is paired with itself.
fn covariance(xs: &[f64], ys: &[f64]) -> f64 {
    let (x, y) = (mean(xs), mean(ys));
    let products = xs.iter().zip(ys).map(|(xi, yi)| (xi - x) * (yi - y));
    match xs.len() {
        0 | 1 => 0.0,
        count => products.sum::<f64>() / whole(count as u64 - 1),
    }
}

impl Estimate {
    /// Of one value per run; none of no runs. `is_random` says whether another run could have given
    /// another value.
    pub fn of(values: &[f64], scale: Scale, is_random: bool) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let (mean, deviation) = (mean(values), covariance(values, values).sqrt());
        let runs = values.len();
        let (low, high) = match scale {
            _ if !is_random => (mean, mean),
            Scale::Share => wilson(mean, runs),
            Scale::Amount => {
                let reach = Z * deviation / whole(runs as u64).sqrt();
                // What is averaged is never negative.
                ((mean - reach).max(0.0), mean + reach)
            }
        };
        Some(Self { mean, low, high, deviation, runs })
    }

    /// How many standard errors the mean is off `expected`; none if it should not be off at all.
    pub fn sigmas(&self, expected: f64, scale: Scale) -> Option<f64> {
        let deviation = match scale {
            Scale::Share => (expected * (1.0 - expected)).max(0.0).sqrt(),
            Scale::Amount => self.deviation,
        };
        let error = deviation / whole(self.runs as u64).sqrt();
        (ROUNDING < error).then(|| (self.mean - expected) / error)
    }
}

/// Wilson's score interval.
fn wilson(share: f64, runs: usize) -> (f64, f64) {
    let runs = whole(runs as u64);
    let square = Z * Z / runs;
    let centre = (share + square / 2.0) / (1.0 + square);
    let reach = Z / (1.0 + square) * (share * (1.0 - share) / runs + square / (4.0 * runs)).sqrt();
    ((centre - reach).max(0.0), (centre + reach).min(1.0))
}

/// What a formula says of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// It is this.
    Equal,
    /// It is this or more.
    AtLeast,
    /// It grows like this; the number itself is not compared.
    Shape,
}

/// Whether measured and expected go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// They are equal, or the figure is not below its bound.
    Agrees,
    /// The figure is random, and within 3 standard errors.
    WithinThreeSigma,
    /// Not to be compared as numbers.
    ShapeOnly,
    /// They are not.
    Differs,
}

/// Whether the estimate agrees with what is expected of it.
pub fn agreement(
    estimate: &Estimate,
    expected: f64,
    relation: Relation,
    (scale, is_random): (Scale, bool),
) -> Agreement {
    let off = estimate.mean - expected;
    match relation {
        Relation::Shape => Agreement::ShapeOnly,
        Relation::Equal if off.abs() <= ROUNDING => Agreement::Agrees,
        Relation::AtLeast if -ROUNDING <= off => Agreement::Agrees,
        Relation::Equal | Relation::AtLeast if is_random => {
            let close = estimate.sigmas(expected, scale).is_some_and(|it| it.abs() <= SIGMAS);
            if close { Agreement::WithinThreeSigma } else { Agreement::Differs }
        }
        Relation::Equal | Relation::AtLeast => Agreement::Differs,
    }
}

/// The ratio of the means of paired values, with its interval: `xs[i]` and `ys[i]` are of one seed.
/// None if a mean is not positive.
pub fn ratio(xs: &[f64], ys: &[f64]) -> Option<(f64, f64, f64)> {
    let (x, y) = (mean(xs), mean(ys));
    if xs.is_empty() || !(0.0 < x && 0.0 < y) {
        return None;
    }
    let relative = covariance(xs, xs) / (x * x) + covariance(ys, ys) / (y * y)
        - 2.0 * covariance(xs, ys) / (x * y);
    let reach = Z * (relative.max(0.0) / whole(xs.len() as u64)).sqrt();
    let ratio = x / y;
    Some((ratio, ratio * (-reach).exp(), ratio * reach.exp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-4
    }

    #[test]
    fn wilson_is_as_in_the_books() {
        // 10 of 100 (Wilson 1927; any table of it).
        let (low, high) = wilson(0.1, 100);
        assert!(close(low, 0.0552) && close(high, 0.1744), "{low} {high}");
        let (low, high) = wilson(0.0, 10);
        assert!(close(low, 0.0) && close(high, 0.2775), "{low} {high}");
    }

    #[test]
    fn amounts_have_the_interval_of_their_mean() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0], Scale::Amount, true).expect("values");
        assert!(close(estimate.mean, 2.5) && close(estimate.deviation, 1.290_99));
        assert!(close(estimate.high, 2.5 + 1.96 * 0.645_497));
    }

    #[test]
    fn what_does_not_vary_must_be_equal() {
        let fixed = Estimate::of(&[29.0], Scale::Amount, false).expect("values");
        let say =
            |expected, relation| agreement(&fixed, expected, relation, (Scale::Amount, false));
        assert_eq!(say(29.0, Relation::Equal), Agreement::Agrees);
        assert_eq!(say(29.001, Relation::Equal), Agreement::Differs);
        assert_eq!(say(28.0, Relation::AtLeast), Agreement::Agrees);
        assert_eq!(say(30.0, Relation::AtLeast), Agreement::Differs);
        assert_eq!(say(1.0, Relation::Shape), Agreement::ShapeOnly);
    }

    #[test]
    fn what_varies_may_be_three_sigma_off() {
        let values: Vec<f64> = (0..100).map(|i| if i < 90 { 1.0 } else { 0.0 }).collect();
        let share = Estimate::of(&values, Scale::Share, true).expect("values");
        let say = |expected| agreement(&share, expected, Relation::Equal, (Scale::Share, true));
        assert_eq!(say(0.9), Agreement::Agrees);
        assert_eq!(say(0.95), Agreement::WithinThreeSigma);
        assert_eq!(say(0.99), Agreement::Differs);
        assert_eq!(say(1.0), Agreement::Differs, "a certainty that failed");
    }

    #[test]
    fn pairs_that_vary_together_have_a_certain_ratio() {
        let (xs, ys) = ([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]);
        let (value, low, high) = ratio(&xs, &ys).expect("positive");
        assert!(close(value, 2.0) && close(low, 2.0) && close(high, 2.0), "{low} {high}");
        let (_, low, high) = ratio(&xs, &[3.0, 2.0, 1.0]).expect("positive");
        assert!(low < 1.0 && 3.0 < high, "{low} {high}");
        assert_eq!(ratio(&xs, &[0.0; 3]), None);
    }
}
