//! Profiles in all of their formats, and what has changed since one was recorded.

#![expect(clippy::float_arithmetic, reason = "means are for reading only")]

use std::fmt::Write as _;

use super::format::{Format, Offer, Written, json};
use super::style::{BAD, GOOD, counted, grouped, paint};
use crate::profile::{BLOCKS, Profile, Shift, usual};

/// A profile, and what has changed since another was recorded, if it was compared with one.
#[derive(Clone, Copy, Debug)]
pub struct ProfileOutput<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// What has changed.
    pub shifts: Option<&'a [Shift]>,
    /// Whether only the verdict is written.
    pub is_quiet: bool,
}

impl Written for ProfileOutput<'_> {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer { format: Format::Human, about: "For people", write: |it| Ok(it.human()) },
            Offer {
                format: Format::Json,
                about: "For programs: the profile, or what has changed if there is `--against`",
                write: |it| it.shifts.map_or_else(|| json(it.profile), |shifts| json(&shifts)),
            },
        ]
    }
}

impl ProfileOutput<'_> {
    fn human(&self) -> String {
        let Profile { scenario, seeds, measures } = self.profile;
        let mut text = String::new();
        let runs = counted(seeds.len(), "run");
        let Some(shifts) = self.shifts else {
            for (measure, sums) in measures.iter().filter(|_| !self.is_quiet) {
                let runs = (seeds.len() / BLOCKS) as f64;
                let of = |sum: Option<&u64>| {
                    thousandths(usual(sum.copied().unwrap_or_default() as f64 / runs))
                };
                let all = sums.iter().sum::<u64>() as f64 / seeds.len() as f64;
                let (all, low, high) =
                    (thousandths(usual(all)), of(sums.iter().min()), of(sums.iter().max()));
                writeln!(text, "{measure:<40} {all:>14}   {low} to {high}")
                    .expect("a string takes all");
            }
            writeln!(text, "profile of {scenario} {seeds}: {runs} in {BLOCKS} blocks")
                .expect("a string takes all");
            return text;
        };
        for Shift { measure, was, low, high, is } in shifts {
            let [was, low, high, is] = [was, low, high, is].map(|it| thousandths(*it));
            let changed = paint(BAD, "CHANGED");
            writeln!(
                text,
                "{changed}  {measure}: usually {is} per run, was {was}, {low} to {high}"
            )
            .expect("a string takes all");
        }
        let all = grouped(measures.len() as u64);
        let word = if shifts.is_empty() { paint(GOOD, "PASS") } else { paint(BAD, "FAIL") };
        let changed = shifts.len();
        writeln!(
            text,
            "{word}  {changed} of {all} measures of {scenario} {seeds} changed ({runs})"
        )
        .expect("a string takes all");
        text
    }
}

fn thousandths(number: f64) -> String {
    format!("{number:.3}")
}
