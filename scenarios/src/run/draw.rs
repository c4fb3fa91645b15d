//! What a scenario leaves open, drawn from the seed and said in full.

use std::fmt::Write as _;

use byzsim_adversaries::{Plan, Timing, Vocabulary};
use byzsim_core::{
    Committee, Latency, NetworkModel, NodeId, Purpose, Resilience, SimRng, Span, Time,
};
use serde::{Deserialize, Serialize};

use crate::file::format::{NetworkWeather, ScenarioFile};
use crate::run::registry::AnyProtocol;
use crate::run::resilience;
use crate::run::strategy::Strategy;

/// The network and the plan of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Drawn {
    /// Under which of the scenario's conditions, from 1; 0 if it is as the file says.
    #[serde(default, skip_serializing_if = "is_none")]
    pub condition: usize,
    /// The network.
    pub network: NetworkModel,
    /// What goes wrong: the faults of the file, and behind them the drawn ones.
    pub plan: Plan,
}

/// A run before it is played: all that was decided for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Draft {
    /// The seed of its operations and single messages.
    pub seed: u64,
    /// Its network, and its plan of faults.
    pub drawn: Drawn,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_none(condition: &usize) -> bool {
    *condition == 0
}

// The chances of drawn networks, in parts per million. Every recorded seed depends on them.

/// That the network becomes synchronous as soon as its bounds allow.
const GST_FIRST_PPM: u32 = 250_000;
/// That as few messages are lost, or duplicated, as the bounds allow.
const LEAST_RATE_PPM: u32 = 500_000;
/// That links keep the order of sending, where the weather says that they may.
const FIFO_PPM: u32 = 250_000;
/// How much a log-normal latency varies.
const SIGMA_PERCENT: u16 = 50;

/// Under which of so many conditions the run of `seed` is played, from 1; 0 is as the file says.
pub(crate) fn condition(count: usize, seed: u64) -> usize {
    if count == 0 {
        return 0;
    }
    let drawn = SimRng::new(seed, Purpose::Scenario, 5).between(0, count as u64);
    usize::try_from(drawn).expect("at most the number of conditions")
}

impl Drawn {
    /// Draws what `file` leaves open.
    pub(crate) fn new(
        file: &ScenarioFile,
        (protocol, vocabulary): (&dyn AnyProtocol, Vocabulary),
        committee: Committee,
        (condition, strategy, seed): (usize, Strategy, u64),
    ) -> Self {
        let random = file.random.as_ref();
        let network = match random.and_then(|random| random.network.as_ref()) {
            Some(weather) => draw_network(&file.network, weather, seed),
            None => file.network.clone(),
        };
        let timing = timing(&network, protocol);
        let tolerated = protocol.resilience(committee);
        let faults = resilience::corrupt_max(file, &tolerated);
        let corruptible = Committee { faults, ..committee };
        let schedule = protocol.schedule(strategy, corruptible, &timing, seed);
        let weather = resilience::weather(file, &tolerated);
        let by_weather = || Some(protocol.draw(weather.as_ref()?, committee, &timing, seed));
        let drawn = schedule.or_else(by_weather).unwrap_or_default();
        let drawn = match file.beyond_f {
            true => drawn,
            false => resilience::spare(drawn, network.gst, committee, &tolerated),
        };
        let plan = beside_own(file, (committee, &tolerated), vocabulary, (drawn, network.gst));
        Self { condition, network, plan }
    }

    /// The run's conditions, for a reader: `latency 3ms..41ms  gst 1.2s  corrupt r0  faults 2`.
    pub fn summary(&self) -> String {
        let network = &self.network;
        let condition = match self.condition {
            0 => String::new(),
            number => format!("condition {number}  "),
        };
        let mut text =
            format!("{condition}latency {}  gst {}", latency(&network.latency), network.gst);
        for (name, ppm) in [("loss", network.loss_ppm), ("duplicate", network.duplicate_ppm)] {
            if 0 < ppm {
                let (whole, rest) = (ppm / 10_000, ppm % 10_000 / 100);
                write!(text, "  {name} {whole}.{rest:02}%").expect("a string takes all");
            }
        }
        if network.fifo {
            text.push_str("  fifo");
        }
        let corrupted: Vec<String> = self.plan.corrupted().iter().map(NodeId::to_string).collect();
        if !corrupted.is_empty() {
            write!(text, "  corrupt {}", corrupted.join(",")).expect("a string takes all");
        }
        let forgetful: Vec<String> = self.plan.forgetful().iter().map(NodeId::to_string).collect();
        if !forgetful.is_empty() {
            write!(text, "  forgetful {}", forgetful.join(",")).expect("a string takes all");
        }
        write!(text, "  faults {}", self.plan.faults.len()).expect("a string takes all");
        text
    }
}

/// The file's own faults, and behind them those of the `drawn` ones that go with them. Generators
/// do not know the file's: where it has any, a drawn fault is left out that would make more than f
/// replicas faulty, unless the file allows that, or that takes a corrupted node for a correct one.
pub(crate) fn beside_own(
    file: &ScenarioFile,
    (committee, tolerated): (Committee, &Resilience),
    vocabulary: Vocabulary,
    (drawn, gst): (Plan, Time),
) -> Plan {
    let mut plan = file.faults.clone();
    if plan.faults.is_empty() {
        return drawn;
    }
    for fault in drawn.faults {
        plan.faults.push(fault);
        let is_within_f = file.beyond_f || !resilience::is_beyond(&plan, gst, tolerated);
        if !is_within_f || plan.validate(committee, vocabulary).is_err() {
            plan.faults.pop();
        }
    }
    plan
}

/// The times of a run that generators of faults must know.
pub(crate) fn timing(network: &NetworkModel, protocol: &dyn AnyProtocol) -> Timing {
    Timing { gst: network.gst, timeout: protocol.base_timeout(), delta: network.delta }
}

fn latency(latency: &Latency) -> String {
    match latency {
        Latency::Constant(span) => span.to_string(),
        Latency::Uniform { min, max } => format!("{min}..{max}"),
        Latency::LogNormal { median, sigma_percent, max } => {
            format!("log-normal {median} sigma {sigma_percent}% max {max}")
        }
        Latency::Wan { matrix, jitter } => {
            format!("wan of {} regions, jitter {jitter}", matrix.len())
        }
    }
}

/// Each option draws from a stream of its own, so that bounds of one do not shift another.
fn draw_network(base: &NetworkModel, weather: &NetworkWeather, seed: u64) -> NetworkModel {
    let stream = |index| SimRng::new(seed, Purpose::Scenario, index);
    let mut network = base.clone();
    if let Some(bounds) = weather.latency {
        network.latency = draw_latency(bounds, &mut stream(0));
    }
    if let Some([min, max]) = weather.gst {
        let mut rng = stream(1);
        let drawn = between(&mut rng, [min.since(Time::ZERO), max.since(Time::ZERO)]);
        network.gst = if rng.chance(GST_FIRST_PPM) { min } else { Time::ZERO + drawn };
    }
    let ppm = |bounds: [u32; 2], mut rng: SimRng| {
        let drawn = rng.between(u64::from(bounds[0]), u64::from(bounds[1]));
        let drawn = u32::try_from(drawn).expect("within bounds of 32 bits");
        if rng.chance(LEAST_RATE_PPM) { bounds[0] } else { drawn }
    };
    if let Some(bounds) = weather.loss_ppm {
        network.loss_ppm = ppm(bounds, stream(2));
    }
    if let Some(bounds) = weather.duplicate_ppm {
        network.duplicate_ppm = ppm(bounds, stream(3));
    }
    if weather.fifo {
        network.fifo = stream(4).chance(FIFO_PPM);
    }
    // From GST on no message is lost: the file of this run must not promise losses.
    if network.gst == Time::ZERO {
        network.loss_ppm = 0;
    }
    network
}

fn draw_latency(bounds: [Span; 2], rng: &mut SimRng) -> Latency {
    let (one, other) = (between(rng, bounds), between(rng, bounds));
    match rng.between(0, 2) {
        0 => Latency::Constant(one),
        1 => Latency::Uniform { min: one.min(other), max: one.max(other) },
        _ => Latency::LogNormal { median: one, sigma_percent: SIGMA_PERCENT, max: bounds[1] },
    }
}

/// Drawn in steps of a tenth of a millisecond, which read better than nanoseconds.
fn between(rng: &mut SimRng, [min, max]: [Span; 2]) -> Span {
    const STEP: u64 = 100_000;
    let steps = (max - min).nanos() / STEP;
    min + Span::from_nanos(STEP) * rng.between(0, steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_networks_keep_their_bounds() {
        let ms = Span::from_millis;
        let weather = NetworkWeather {
            latency: Some([ms(1), ms(40)]),
            gst: Some([Time::ZERO, Time::ZERO + ms(900)]),
            loss_ppm: Some([0, 30_000]),
            duplicate_ppm: None,
            fifo: true,
        };
        let mut models = [0; 4];
        for seed in 0..1_000 {
            let drawn = draw_network(&NetworkModel::default(), &weather, seed);
            let place = match drawn.latency {
                Latency::Constant(span) => {
                    assert!((ms(1)..=ms(40)).contains(&span));
                    0
                }
                Latency::Uniform { min, max } => {
                    assert!(ms(1) <= min && min <= max && max <= ms(40));
                    1
                }
                Latency::LogNormal { max, .. } => {
                    assert_eq!(max, ms(40));
                    2
                }
                Latency::Wan { .. } => 3,
            };
            models[place] += 1;
            assert!(drawn.gst <= Time::ZERO + ms(900));
            assert!(drawn.loss_ppm <= 30_000);
            assert_eq!(drawn.duplicate_ppm, 0);
            assert!(drawn.gst != Time::ZERO || drawn.loss_ppm == 0, "nothing is lost after GST");
        }
        assert!(models[..3].iter().all(|count| 250 < *count), "{models:?}");
    }
}
