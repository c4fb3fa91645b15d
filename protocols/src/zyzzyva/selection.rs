//! How a new view chooses its history G from what 2f + 1 replicas report: the rules side by side.
//!
//! A request completes on two tracks. *Fast*: 3f + 1 replicas answered, so every correct one holds
//! it, and f + 1 of any 2f + 1 reports show it. *Slow*: 2f + 1 replicas stored a commit
//! certificate, so one report among any 2f + 1 carries one. A new view sees reports, and must keep
//! both kinds without knowing which request completed, and how.
//!
//! All that the rules disagree about is *which evidence beats which*:
//!
//! | rule | a certificate against other certificates | a certificate against f + 1 reports |
//! |---|---|---|
//! | `original` | the longest wins | the certificate wins |
//! | `cc-by-view` | the one of the highest view wins | the certificate wins |
//! | `f-plus-1-first` | slot by slot, the highest view wins | the reports win |
//! | `not-strict` | slot by slot, the highest view wins | they win if none is of a *lower* view |
//! | `fixed` | slot by slot, the highest view wins | they win if all are of a *higher* view |
//!
//! Only the last two compare the views of both kinds of evidence, and the comparison must be strict
//! (Abraham, Gueta, Malkhi, Martin, "Thelma, Velma, and Zelma", arXiv 1801.10022): a proposal is
//! safe only if it is compatible with a possible decision of the *highest* view below. It is half
//! of the repair; the other half is what replicas report ([`super::reading`]). The original forgets
//! that a certificate grows old: one that a view change passed over, and that a faulty replica
//! kept, beats a request that completed later at all replicas (Abraham et al., arXiv 1712.01367).
//!
//! The sixth rule, `latest-client-certificate-only`, chooses like `fixed`. It differs in what
//! replicas report: see [`super::reading`].

use byzsim_core::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::{Claim, Seq, View, chain, null_digest};
use super::rules::Rules;

/// How a new view chooses its history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ViewChangeRule {
    /// The published rule, which loses completed requests.
    Original,
    /// The repair, in its first form: VIEW-CONFIRMs count as a certificate, and the evidence of the
    /// higher view wins.
    #[default]
    Fixed,
    /// A repair that fails: the certificate of the highest view, then f + 1 equal reports.
    CcByView,
    /// A repair that fails: f + 1 equal reports of any views first, then certificates.
    #[serde(rename = "f-plus-1-first")]
    FPlus1First,
    /// A repair that fails: `fixed`, but reports of the certificate's own view beat it as well.
    NotStrict,
    /// A repair that fails: `fixed`, but a replica keeps the client's certificate of the highest
    /// view only, and takes no VIEW-CONFIRMs for one.
    LatestClientCertificateOnly,
}

/// What a slot is said to hold: the request's digest, and that of the history that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) digest: Digest,
    pub(super) history: Digest,
}

/// What one replica reports. Reports are in the order of the replicas' numbers.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// Its stable checkpoint.
    pub(super) stable: Seq,
    /// Its certificate, with the steps from its stable checkpoint to it.
    pub(super) certificate: Option<(Claim, Vec<Step>)>,
    /// The view in which it last adopted or extended its history.
    pub(super) origin: View,
    /// Its history: the steps after its stable checkpoint.
    pub(super) history: Vec<Step>,
}

/// Where G begins: the latest stable checkpoint that is reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// min-s.
    pub(super) stable: Seq,
    /// `h_n` there.
    pub(super) history: Digest,
}

impl ViewChangeRule {
    /// G: the steps of the slots from `start` on.
    pub(super) fn select(
        self,
        start: Start,
        reports: &[Report],
        rules: &Rules,
        null_fill: bool,
    ) -> Vec<Step> {
        let evidence = Evidence { start, reports, rules };
        let mut chosen = match self {
            Self::Original => evidence.certificate_then_support(|it| (it.seq, 0)),
            Self::CcByView => evidence.certificate_then_support(|it| (it.view, it.seq)),
            Self::FPlus1First => evidence.slot_by_slot(|_, _| true),
            Self::NotStrict => evidence.slot_by_slot(|certified, origin| certified <= origin),
            // Strictly higher: f + 1 reports of the certificate's own view may be f lies and one
            // replica to which the primary lied.
            Self::Fixed | Self::LatestClientCertificateOnly => {
                evidence.slot_by_slot(|certified, origin| certified < origin)
            }
        };
        if null_fill {
            let last = reports.iter().map(Report::last).max().unwrap_or(0);
            fill_with_null(start, &mut chosen, last);
        }
        chosen
    }

    /// The name in scenario files.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Fixed => "fixed",
            Self::CcByView => "cc-by-view",
            Self::FPlus1First => "f-plus-1-first",
            Self::NotStrict => "not-strict",
            Self::LatestClientCertificateOnly => "latest-client-certificate-only",
        }
    }
}

impl Report {
    /// The last slot of its history.
    fn last(&self) -> Seq {
        self.stable + self.history.len() as u64
    }

    fn step(&self, seq: Seq) -> Option<Step> {
        step_of(&self.history, self.stable, seq)
    }

    /// Its certificate's view, and what it says about a slot.
    fn certified(&self, seq: Seq) -> Option<(Claim, Step)> {
        let (claim, path) = self.certificate.as_ref()?;
        Some((*claim, step_of(path, self.stable, seq)?))
    }
}

fn step_of(steps: &[Step], before: Seq, seq: Seq) -> Option<Step> {
    let place = seq.checked_sub(before + 1)?;
    steps.get(usize::try_from(place).ok()?).copied()
}

/// What a new view has to choose from.
#[derive(Clone, Copy)]
struct Evidence<'a> {
    start: Start,
    reports: &'a [Report],
    rules: &'a Rules,
}

impl Evidence<'_> {
    /// The published rule, with the order of the certificates left open: the greatest certificate
    /// from its beginning to its end, and then what f + 1 reports agree on, as far as it continues
    /// it.
    ///
    /// What completed on the fast track is found by f + 1 reports only, and these come second.
    fn certificate_then_support<K: Ord>(self, rank: impl Fn(&Claim) -> K) -> Vec<Step> {
        let mut best: Option<(&Claim, &Report)> = None;
        for report in self.reports {
            let Some((claim, _)) = &report.certificate else { continue };
            // Ties go to the replica of the lowest number.
            let wins = best.is_none_or(|(held, _)| rank(held) < rank(claim));
            if self.start.stable < claim.seq && wins {
                best = Some((claim, report));
            }
        }
        let covered = best.map_or(0, |(claim, _)| claim.seq);
        let certified = |seq| best.and_then(|(_, report)| report.certified(seq)).map(|it| it.1);
        grow(self.start, |seq, last| match certified(seq) {
            Some(step) => Some(step),
            None if seq <= covered => None,
            None => self.supported(seq, |_| true).into_iter().find(|s| continues(last, *s)),
        })
    }

    /// For each slot the certificate of the highest view that reaches it, unless f + 1 reports say
    /// otherwise that `beat` it, by its view and theirs; on to the next slot as long as the choice
    /// continues the one before. From a slot on that has no choice, or one that contradicts what
    /// comes before, nothing can have completed.
    fn slot_by_slot(self, beat: impl Fn(View, View) -> bool) -> Vec<Step> {
        grow(self.start, |seq, _| {
            let certified = self.reports.iter().filter_map(|report| report.certified(seq));
            let highest = certified.max_by_key(|(claim, step)| (claim.view, claim.seq, *step));
            let slow = highest.map(|(claim, step)| (claim.view, step));
            let counts = |origin| slow.is_none_or(|(view, _)| beat(view, origin));
            let fast = self.supported(seq, counts);
            pick(&fast, slow).or(slow.map(|(_, step)| step))
        })
    }

    /// What f + 1 reports of views that count agree on about a slot.
    fn supported(self, seq: Seq, counts: impl Fn(View) -> bool) -> Vec<Step> {
        let said =
            || self.reports.iter().filter(|it| counts(it.origin)).filter_map(|it| it.step(seq));
        let mut distinct: Vec<Step> = Vec::new();
        for step in said() {
            if !distinct.iter().any(|known| self.rules.agree(*known, step)) {
                distinct.push(step);
            }
        }
        let count = |step: &Step| said().filter(|it| self.rules.agree(*it, *step)).count();
        distinct.retain(|step| self.rules.weak() <= count(step));
        distinct.sort_unstable();
        distinct
    }
}

/// Of what f + 1 reports agree on, the one that counts: at most one, where 2f + 1 replicas report,
/// as 2(f + 1) > 2f + 1. With more faults than that there may be two; then what is certified wins.
fn pick(fast: &[Step], slow: Option<(View, Step)>) -> Option<Step> {
    fast.iter().find(|step| slow.is_some_and(|(_, it)| it == **step)).or(fast.first()).copied()
}

fn continues(last: Digest, step: Step) -> bool {
    chain(last, step.digest) == step.history
}

/// Takes steps for as long as there is one that continues the last.
fn grow(start: Start, next: impl Fn(Seq, Digest) -> Option<Step>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut last = start.history;
    let mut seq = start.stable + 1;
    while let Some(step) = next(seq, last).filter(|step| continues(last, *step)) {
        last = step.history;
        steps.push(step);
        seq += 1;
    }
    steps
}

/// Null requests in all slots up to the last one that anyone reports (technical report of Zyzzyva).
fn fill_with_null(start: Start, steps: &mut Vec<Step>, last: Seq) {
    let digest = null_digest();
    let mut history = steps.last().map_or(start.history, |step| step.history);
    for _ in start.stable + steps.len() as u64..last {
        history = chain(history, digest);
        steps.push(Step { digest, history });
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::GENESIS;
    use super::*;

    /// The steps of the requests of these names, in this order.
    fn steps(requests: &str) -> Vec<Step> {
        let mut history = GENESIS;
        let step = |name: &str| {
            let digest = Digest([name.as_bytes()[0]; 32]);
            history = chain(history, digest);
            Step { digest, history }
        };
        requests.split_whitespace().map(step).collect()
    }

    /// A report: the view and the requests of the history, and of the certificate.
    fn report(history: (View, &str), certificate: Option<(View, &str)>) -> Report {
        let certificate = certificate.map(|(view, requests)| {
            let steps = steps(requests);
            let (seq, history) = (steps.len() as u64, steps.last().expect("some").history);
            (Claim { view, seq, history }, steps)
        });
        Report { stable: 0, certificate, origin: history.0, history: steps(history.1) }
    }

    fn rules() -> Rules {
        let committee = byzsim_core::Committee { replicas: 4, faults: 1, clients: 1 };
        Rules::new(committee, &super::super::Params::default())
    }

    const RULES: [ViewChangeRule; 6] = [
        ViewChangeRule::Original,
        ViewChangeRule::CcByView,
        ViewChangeRule::FPlus1First,
        ViewChangeRule::NotStrict,
        ViewChangeRule::LatestClientCertificateOnly,
        ViewChangeRule::Fixed,
    ];

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn the_rules_differ_where_the_schedules_say() {
        let start = Start { stable: 0, history: GENESIS };
        let none = None;
        // Name, the three reports of the last view change, and what each rule makes of them, in the
        // order of `RULES`.
        let table = [
            (
                "A, E: an old certificate against f + 1 newer reports",
                [report((0, "a"), Some((0, "a"))), report((1, "b"), none), report((1, "b"), none)],
                ["a", "a", "b", "b", "b", "b"],
            ),
            (
                "B, with VIEW-CONFIRMs: a tie of length, which goes to the lowest number",
                [
                    report((0, "a"), Some((0, "a"))),
                    report((1, "b"), Some((1, "b"))),
                    report((1, "b"), Some((1, "b"))),
                ],
                ["a", "b", "b", "b", "b", "b"],
            ),
            (
                "C: a newer, shorter certificate",
                [
                    report((0, "a c"), Some((0, "a c"))),
                    report((1, "b"), Some((1, "b"))),
                    report((0, ""), none),
                ],
                ["a c", "b", "b", "b", "b", "b"],
            ),
            (
                "D: f + 1 reports older than the certificate",
                [report((0, "a"), none), report((1, "b"), Some((1, "b"))), report((0, "a"), none)],
                ["b", "b", "a", "b", "b", "b"],
            ),
            (
                "F: f + 1 reports of the certificate's view",
                [report((0, "b"), none), report((0, "a"), Some((0, "a"))), report((0, "b"), none)],
                ["a", "a", "b", "b", "a", "a"],
            ),
            (
                "a fast completion, seen by f + 1",
                [report((0, "a b"), none), report((0, "a b"), none), report((0, ""), none)],
                ["a b", "a b", "a b", "a b", "a b", "a b"],
            ),
            (
                "less than f + 1",
                [report((0, "a"), none), report((0, ""), none), report((0, "b"), none)],
                ["", "", "", "", "", ""],
            ),
            (
                "equal requests after different histories do not support each other",
                [report((0, "a c"), none), report((0, "b c"), none), report((0, "a"), none)],
                ["a", "a", "a", "a", "a", "a"],
            ),
            (
                "support continues a certificate",
                [
                    report((1, "a b"), Some((1, "a"))),
                    report((1, "a b"), none),
                    report((0, "c d"), none),
                ],
                ["a b", "a b", "a b", "a b", "a b", "a b"],
            ),
            (
                "support that contradicts a newer certificate",
                [
                    report((0, "c"), none),
                    report((0, "c"), none),
                    report((1, "a b"), Some((1, "a b"))),
                ],
                ["a b", "a b", "c", "a b", "a b", "a b"],
            ),
        ];
        for (name, reports, expected) in table {
            for (rule, expected) in RULES.into_iter().zip(expected) {
                let chosen = rule.select(start, &reports, &rules(), false);
                assert_eq!(chosen, steps(expected), "{name}, under {rule:?}");
            }
        }
    }

    #[test]
    fn null_requests_fill_what_is_reported_and_not_chosen() {
        let start = Start { stable: 0, history: GENESIS };
        let reports = [report((0, "a b"), None), report((0, "a"), None), report((0, ""), None)];
        let chosen = ViewChangeRule::Original.select(start, &reports, &rules(), true);
        assert_eq!(chosen.len(), 2);
        assert_eq!(chosen[0], steps("a")[0]);
        let history = chain(chosen[0].history, null_digest());
        assert_eq!(chosen[1], Step { digest: null_digest(), history });
    }

    #[test]
    fn the_choice_starts_at_the_latest_checkpoint() {
        let all = steps("a b c d");
        let start = Start { stable: 2, history: all[1].history };
        let behind = report((0, "a b c"), None);
        let ahead = |history: &[Step]| Report {
            stable: 2,
            certificate: None,
            origin: 0,
            history: history.to_vec(),
        };
        let reports = [behind, ahead(&all[2..]), ahead(&[])];
        for rule in RULES {
            assert_eq!(rule.select(start, &reports, &rules(), false), all[2..3], "{rule:?}");
        }
    }
}
