//! The network model: partial synchrony, and the limits that it puts on the adversary.
//!
//! Before GST, the adversary may delay a message for as long as it likes, and lose it if the model
//! says `loss-allowed`. A message in transit at GST arrives by GST + Δ, and a message sent later
//! arrives within Δ (Dwork, Lynch, Stockmeyer, JACM 1988). Links are authenticated. Messages to and
//! from a corrupted node have no such bounds: to lose one is the node's own silence or deafness.
//!
//! With `losses-last` faults may lose messages from GST on as well: links that never work again.
//! What is not lost arrives within Δ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adversary::{Fate, Granted};
use crate::metrics::Moved;
use crate::rng::MessageChoices;
use crate::time::{Span, Time};

/// How long a message takes when nobody interferes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Latency {
    /// Always the same.
    Constant(Span),
    /// Each value of the closed range equally likely.
    #[serde(rename_all = "kebab-case")]
    Uniform {
        /// The least.
        min: Span,
        /// The greatest.
        max: Span,
    },
    /// Log-normal, from a table of 16 quantiles of the standard normal distribution: `median`
    /// times e^(`sigma-percent`/100 · z), never above `max`.
    #[serde(rename_all = "kebab-case")]
    LogNormal {
        /// The median.
        median: Span,
        /// The standard deviation of the logarithm, in hundredths.
        sigma_percent: u16,
        /// The greatest.
        max: Span,
    },
    /// By the regions of the two ends, with up to `jitter` added. Replica `i` is in region
    /// `i mod m`, client `j` in region `j mod m`, for m rows.
    #[serde(rename_all = "kebab-case")]
    Wan {
        /// One-way delays from region (row) to region (column).
        matrix: Vec<Vec<Span>>,
        /// The greatest addition, each value equally likely.
        jitter: Span,
    },
}

/// The model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NetworkModel {
    /// How long a message takes when nobody interferes.
    pub latency: Latency,
    /// Whether each link delivers in the order of sending. Other messages overtake those that the
    /// adversary holds.
    pub fifo: bool,
    /// Before GST: the probability that a message is lost, in parts per million.
    #[schemars(range(max = 1_000_000))]
    pub loss_ppm: u32,
    /// The probability that a message arrives twice, in parts per million.
    #[schemars(range(max = 1_000_000))]
    pub duplicate_ppm: u32,
    /// Whether the adversary may lose messages between correct nodes before GST. If not, what it
    /// drops arrives after GST.
    pub loss_allowed: bool,
    /// Whether the adversary may lose messages between correct nodes from GST on as well. No
    /// protocol promises anything of a network in which it does.
    #[serde(skip_serializing_if = "is_false")]
    pub losses_last: bool,
    /// The global stabilisation time; `never` for a network that stays asynchronous.
    pub gst: Time,
    /// Δ: the bound on delays from GST on.
    pub delta: Span,
    /// Whether latencies may exceed Δ, and are cut to it from GST on. If not, they must not.
    #[serde(skip_serializing_if = "is_false")]
    pub clamp: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_false(setting: &bool) -> bool {
    !*setting
}

impl Default for NetworkModel {
    /// Synchronous from the start; every message takes 10 ms, and never more than 50 ms.
    fn default() -> Self {
        Self {
            latency: Latency::Constant(Span::from_millis(10)),
            fifo: false,
            loss_ppm: 0,
            duplicate_ppm: 0,
            loss_allowed: false,
            losses_last: false,
            gst: Time::ZERO,
            delta: Span::from_millis(50),
            clamp: false,
        }
    }
}

impl Latency {
    /// The greatest latency that can be drawn.
    pub fn max(&self) -> Span {
        match self {
            Self::Constant(span) => *span,
            Self::Uniform { max, .. } | Self::LogNormal { max, .. } => *max,
            Self::Wan { matrix, jitter } => {
                matrix.iter().flatten().max().copied().unwrap_or_default() + *jitter
            }
        }
    }

    /// Draws the latency of one message from the `from`-th node of its class to the `to`-th.
    #[inline]
    fn draw(&self, from: usize, to: usize, choices: &mut MessageChoices) -> Span {
        match self {
            Self::Constant(span) => *span,
            Self::Uniform { min, max } => {
                Span::from_nanos(choices.between(min.nanos(), max.nanos()))
            }
            Self::LogNormal { median, sigma_percent, max } => {
                log_normal(*median, *sigma_percent, choices).min(*max)
            }
            Self::Wan { matrix, jitter } => {
                let row = &matrix[from % matrix.len()];
                row[to % row.len()] + Span::from_nanos(choices.between(0, jitter.nanos()))
            }
        }
    }
}

/// e^(sigma z) for a z of one of 16 equally likely strata, in integers: e^(k/1000) is a product of
/// tabulated powers, so that no platform's `exp` can change a trace.
fn log_normal(median: Span, sigma_percent: u16, choices: &mut MessageChoices) -> Span {
    /// The standard normal quantiles at (2i + 1)/32, times 1000; the lower half mirrors the upper.
    const QUANTILES: [u64; 8] = [78, 237, 402, 579, 776, 1010, 1318, 1863];
    /// e^(2^i / 1000), times 2^32.
    const POWERS: [u64; 13] = [
        4_299_264_411,
        4_303_565_826,
        4_312_181_571,
        4_329_464_841,
        4_364_239_472,
        4_434_628_918,
        4_578_831_987,
        4_881_457_977,
        5_548_035_721,
        7_166_690_277,
        11_958_519_353,
        33_296_222_129,
        258_124_994_129,
    ];
    let stratum = choices.between(0, 7);
    let upper = choices.chance(500_000);
    let quantile = QUANTILES[usize::try_from(stratum).expect("below 8")];
    let exponent = (quantile * u64::from(sigma_percent) / 100).min((1 << POWERS.len()) - 1);
    let mut factor: u128 = 1 << 32;
    for (bit, power) in POWERS.iter().enumerate() {
        if exponent >> bit & 1 == 1 {
            factor = (factor * u128::from(*power)) >> 32;
        }
    }
    let median = u128::from(median.nanos());
    let nanos = if upper { (median * factor) >> 32 } else { (median << 32) / factor };
    Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transit {
    /// It arrives then, and once more if there is a second time.
    Arrives(Time, Option<Time>),
    /// It waits for a release, and arrives then at the latest (`NEVER`: it may wait for ever).
    Held(u32, Time),
    /// It is lost.
    Lost,
}

impl NetworkModel {
    /// By when a message sent at `now` between correct nodes arrives at the latest.
    #[inline]
    pub fn deadline(&self, now: Time) -> Time {
        if self.gst == Time::NEVER { Time::NEVER } else { now.max(self.gst) + self.delta }
    }

    /// Whether the model loses messages that are sent at `now`.
    #[inline]
    pub fn may_lose(&self, now: Time) -> bool {
        now < self.gst
    }

    /// The latency that the network draws for one message.
    #[inline]
    pub fn natural(&self, from: u16, to: u16, choices: &mut MessageChoices) -> Span {
        self.latency.draw(usize::from(from), usize::from(to), choices)
    }

    /// What chance does to a message that is sent at `now`: whether it is lost, and how much later
    /// than the message a copy arrives, if one is made. A choice is drawn even if it is certain, as
    /// long as another one comes after it.
    #[inline]
    fn chances(&self, now: Time, choices: &mut MessageChoices) -> (bool, Option<Span>) {
        if self.loss_ppm == 0 && self.duplicate_ppm == 0 {
            return (false, None);
        }
        let lost = self.may_lose(now) && choices.chance(self.loss_ppm);
        let is_copied = 0 < self.duplicate_ppm && choices.chance(self.duplicate_ppm);
        let later = is_copied.then(|| choices.between(0, self.latency.max().nanos()));
        (lost, later.map(Span::from_nanos))
    }

    /// Grants the adversary's `wish` for a message sent at `now`, as far as the model goes.
    /// `corrupted` says that the sender or the receiver is corrupted: then every wish is granted.
    /// What the model does to the message is counted in `moved`.
    pub fn grant(
        &self,
        wish: Fate,
        now: Time,
        ((from, to), corrupted): ((u16, u16), bool),
        choices: &mut MessageChoices,
        moved: &mut Moved,
    ) -> (Transit, Granted) {
        let deadline = if corrupted { Time::NEVER } else { self.deadline(now) };
        let latency = self.natural(from, to, choices);
        let (lost, again) = self.chances(now, choices);
        if lost {
            moved.lost_by_chance += 1;
            return (Transit::Lost, Granted { arrives: None, is_changed: false, is_cut: false });
        }
        // A copy is made on the way: it never arrives before the message itself.
        let arrives = |first: Time, again: Option<Span>| {
            let first = first.min(deadline);
            Transit::Arrives(first, again.map(|later| (first + later).min(deadline)))
        };
        let natural = arrives(now + latency, again);
        let is_late = |wished: Time| deadline < wished;
        let may_fault_lose = if self.may_lose(now) { self.loss_allowed } else { self.losses_last };
        let refused = !(corrupted || may_fault_lose);
        let (transit, is_cut) = match wish {
            Fate::Natural => {
                moved.latencies_cut += u64::from(is_late(now + latency));
                moved.copies_by_chance += u64::from(again.is_some());
                let arrives = Some((now + latency).min(deadline));
                return (natural, Granted { arrives, is_changed: false, is_cut: false });
            }
            Fate::Delay(more) => {
                (arrives(now + latency + more, again), is_late(now + latency + more))
            }
            Fate::Exactly(span) => (arrives(now + span, again), is_late(now + span)),
            Fate::Duplicate(later) => {
                moved.copies_by_faults += 1;
                (arrives(now + latency, Some(later)), is_late(now + latency + later))
            }
            Fate::Hold(key) => (Transit::Held(key, deadline), false),
            Fate::Drop if !refused => {
                moved.lost_by_faults += 1;
                (Transit::Lost, false)
            }
            // Not the adversary's to lose: the longest delay that the model allows.
            Fate::Drop if deadline == Time::NEVER => (Transit::Held(u32::MAX, deadline), true),
            Fate::Drop => (arrives(deadline, again), true),
        };
        match wish {
            Fate::Drop => moved.losses_refused += u64::from(refused),
            Fate::Natural
            | Fate::Delay(_)
            | Fate::Exactly(_)
            | Fate::Duplicate(_)
            | Fate::Hold(_) => moved.delays_cut += u64::from(is_cut),
        }
        let mut granted = Granted { arrives: None, is_changed: transit != natural, is_cut };
        match transit {
            Transit::Arrives(first, second) => {
                granted.arrives = Some(first);
                let is_chance = !matches!(wish, Fate::Duplicate(_));
                moved.copies_by_chance += u64::from(is_chance && second.is_some());
            }
            // At the latest it arrives when it would have arrived anyway: nobody holds it.
            Transit::Held(_, deadline) if natural == Transit::Arrives(deadline, None) => {
                granted = Granted { is_changed: false, is_cut: true, ..granted };
            }
            Transit::Held(..) | Transit::Lost => {}
        }
        (transit, granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(count: u32) -> MessageChoices {
        MessageChoices::new(1, 0, 1, 0, count)
    }

    #[test]
    fn wishes_are_clamped_to_the_model() {
        let model = NetworkModel {
            gst: Time::ZERO + Span::from_millis(100),
            loss_allowed: true,
            ..NetworkModel::default()
        };
        let at = |ms| Time::ZERO + Span::from_millis(ms);
        let mut moved = Moved::default();
        let mut grant = |wish, ms, corrupted| {
            let ends = ((0, 1), corrupted);
            model.grant(wish, at(ms), ends, &mut choices(0), &mut moved).0
        };
        let late = Fate::Delay(Span::from_secs(9));
        // Before GST anything, as long as it arrives by GST + Δ.
        assert_eq!(grant(Fate::Natural, 0, false), Transit::Arrives(at(10), None));
        let copying = NetworkModel { duplicate_ppm: 1_000_000, ..model.clone() };
        let delay = Fate::Delay(Span::from_millis(70));
        let mut copied = Moved::default();
        let ends = ((0, 1), false);
        let (granted, _) = copying.grant(delay, at(0), ends, &mut choices(0), &mut copied);
        assert_eq!(copied, Moved { copies_by_chance: 1, ..Moved::default() });
        let Transit::Arrives(first, Some(second)) = granted else { panic!("{granted:?}") };
        assert!(first == at(80) && first <= second, "no copy outruns its message: {granted:?}");
        assert_eq!(grant(late, 0, false), Transit::Arrives(at(150), None));
        assert_eq!(grant(Fate::Hold(3), 0, false), Transit::Held(3, at(150)));
        assert_eq!(grant(Fate::Drop, 99, false), Transit::Lost);
        // After GST at most Δ, and no loss.
        assert_eq!(grant(late, 200, false), Transit::Arrives(at(250), None));
        assert_eq!(grant(Fate::Hold(3), 200, false), Transit::Held(3, at(250)));
        assert_eq!(grant(Fate::Drop, 100, false), Transit::Arrives(at(150), None));
        // A corrupted end binds the adversary to nothing.
        assert_eq!(grant(Fate::Drop, 200, true), Transit::Lost);
        assert_eq!(grant(Fate::Hold(3), 200, true), Transit::Held(3, Time::NEVER));
        let counted =
            Moved { delays_cut: 2, losses_refused: 1, lost_by_faults: 2, ..Moved::default() };
        assert_eq!(moved, counted);
    }

    #[test]
    fn losses_last_where_the_scenario_says_so() {
        let at = |ms| Time::ZERO + Span::from_millis(ms);
        for (losses_last, loss_allowed, before, after) in [
            (false, false, false, false),
            (false, true, true, false),
            (true, false, false, true),
            (true, true, true, true),
        ] {
            let gst = at(100);
            let model = NetworkModel { gst, losses_last, loss_allowed, ..NetworkModel::default() };
            let is_lost = |ms| {
                let (ends, mut moved) = (((0, 1), false), Moved::default());
                let granted = model.grant(Fate::Drop, at(ms), ends, &mut choices(0), &mut moved);
                granted.0 == Transit::Lost
            };
            assert_eq!((is_lost(99), is_lost(100)), (before, after), "{model:?}");
            // What is not lost is as fast as before.
            let (ends, mut moved) = (((0, 1), false), Moved::default());
            let late = Fate::Delay(Span::from_secs(9));
            let granted = model.grant(late, at(200), ends, &mut choices(0), &mut moved);
            assert_eq!(granted.0, Transit::Arrives(at(250), None));
        }
    }

    #[test]
    fn a_wish_changes_something_or_is_cut() {
        let ms = Span::from_millis;
        let latency = Latency::Constant(ms(50));
        let [longest, shorter] = [latency, Latency::Constant(ms(20))]
            .map(|latency| NetworkModel { latency, ..NetworkModel::default() });
        for (model, wish, is_changed, is_cut) in [
            (&shorter, Fate::Natural, false, false),
            (&shorter, Fate::Delay(ms(0)), false, false),
            (&shorter, Fate::Delay(ms(5)), true, false),
            (&shorter, Fate::Delay(ms(90)), true, true),
            (&longest, Fate::Delay(ms(5)), false, true),
            (&longest, Fate::Exactly(ms(50)), false, false),
            (&longest, Fate::Exactly(ms(60)), false, true),
            (&longest, Fate::Exactly(ms(40)), true, false),
            (&shorter, Fate::Drop, true, true),
            (&longest, Fate::Drop, false, true),
            (&shorter, Fate::Hold(0), true, false),
            (&longest, Fate::Hold(0), false, true),
            (&longest, Fate::Duplicate(ms(5)), true, true),
        ] {
            let (now, ends) = (Time::ZERO + ms(7), ((0, 1), false));
            let (_, granted) = model.grant(wish, now, ends, &mut choices(0), &mut Moved::default());
            assert_eq!((granted.is_changed, granted.is_cut), (is_changed, is_cut), "{wish:?}");
        }
    }

    #[test]
    fn latencies_that_are_cut_are_counted() {
        let model = NetworkModel {
            latency: Latency::Constant(Span::from_millis(200)),
            clamp: true,
            ..NetworkModel::default()
        };
        let mut moved = Moved::default();
        let ends = ((0, 1), false);
        let (transit, granted) =
            model.grant(Fate::Natural, Time::ZERO, ends, &mut choices(0), &mut moved);
        assert_eq!(transit, Transit::Arrives(Time::ZERO + model.delta, None));
        assert!(!granted.is_changed && moved.latencies_cut == 1, "{moved:?}");
    }

    #[test]
    fn the_log_normal_median_and_spread_are_right() {
        let latency = Latency::LogNormal {
            median: Span::from_millis(20),
            sigma_percent: 50,
            max: Span::from_secs(1),
        };
        let mut drawn: Vec<u64> =
            (0..10_000).map(|i| latency.draw(0, 1, &mut choices(i)).nanos() / 1_000).collect();
        drawn.sort_unstable();
        // Strata around the median: e^(±0.5 · 0.078) · 20 ms; the 16th: e^(0.5 · 1.863) · 20 ms.
        assert!((19_200..20_800).contains(&drawn[5_000]), "{}", drawn[5_000]);
        assert!((50_700..50_800).contains(&drawn[9_900]), "{}", drawn[9_900]);
        assert!((7_870..7_890).contains(&drawn[100]), "{}", drawn[100]);
    }
}
