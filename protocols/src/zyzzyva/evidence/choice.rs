//! What a new view must order, computed a second time for the judge of NEW-VIEWs.
//!
//! The rules are those of [`ViewChangeRule`]; the computation shares nothing with the replicas'.

use std::collections::BTreeMap;

use byzsim_core::Digest;

use super::super::message::{GENESIS, Link, OrderReq, Seq, View, ViewChange, chain, null_digest};
use super::super::rules::rule_of;
use super::super::selection::ViewChangeRule;
use super::Law;

/// What a slot is said to hold: the request's digest, and that of the history that it ends.
type Said = (Digest, Digest);

/// A report, slot by slot.
struct Reported {
    origin: View,
    slots: BTreeMap<Seq, Said>,
    certificate: Option<Certified>,
}

/// A certificate, slot by slot.
struct Certified {
    view: View,
    length: Seq,
    slots: BTreeMap<Seq, Said>,
}

/// The orders of the NEW-VIEW of `view` that these reports, in the order of the replicas, lead to.
pub(super) fn orders(view: View, reports: &[&ViewChange], law: Law<'_>) -> Vec<OrderReq> {
    let stable = reports.iter().map(|it| it.stable).max().unwrap_or(0);
    let base = reports.iter().find(|it| it.stable == stable).map_or(GENESIS, |it| base_of(it));
    let last = reports.iter().map(|it| it.stable + it.history.len() as u64).max().unwrap_or(0);
    let reported: Vec<Reported> = reports.iter().map(|it| read(it)).collect();
    let rule = rule_of(law.params);
    let new_view = Choice {
        witnesses: usize::from(law.committee.faults) + 1,
        longest: whole_certificate(&reported, stable, rule),
        reported: &reported,
        rule,
    };
    let mut chosen: Vec<OrderReq> = Vec::new();
    let mut head = base;
    let mut seq = stable + 1;
    while let Some((digest, history)) = new_view.slot(seq, head) {
        if chain(head, digest) != history {
            break;
        }
        chosen.push(OrderReq { view, seq, history, digest });
        head = history;
        seq += 1;
    }
    while law.params.null_fill && seq <= last {
        let digest = null_digest();
        head = chain(head, digest);
        chosen.push(OrderReq { view, seq, history: head, digest });
        seq += 1;
    }
    chosen
}

/// The digest of the history at the checkpoint that a report starts from.
fn base_of(it: &ViewChange) -> Digest {
    it.proof.first().map_or(GENESIS, |checkpoint| checkpoint.history)
}

fn read(it: &ViewChange) -> Reported {
    let order = |ordered: &super::super::message::Ordered| {
        let OrderReq { digest, history, .. } = *ordered.order.body();
        (digest, history)
    };
    let certificate = it.certificate.as_ref().and_then(|certified| {
        let claim = certified.certificate.claim()?;
        let mut head = base_of(it);
        let link = |link: &Link| {
            head = chain(head, link.digest);
            (link.digest, head)
        };
        let slots = (it.stable + 1..).zip(certified.path.iter().map(link)).collect();
        Some(Certified { view: claim.view, length: claim.seq, slots })
    });
    let slots = (it.stable + 1..).zip(it.history.iter().map(order)).collect();
    Reported { origin: it.origin, slots, certificate }
}

/// Under the rules that take one certificate as a whole: which. The first of equal ones.
fn whole_certificate(
    reported: &[Reported],
    stable: Seq,
    rule: ViewChangeRule,
) -> Option<&Certified> {
    let rank = |it: &Certified| match rule {
        ViewChangeRule::CcByView => (it.view, it.length),
        ViewChangeRule::Original
        | ViewChangeRule::Fixed
        | ViewChangeRule::FPlus1First
        | ViewChangeRule::NotStrict
        | ViewChangeRule::LatestClientCertificateOnly => (it.length, 0),
    };
    let certificates = reported.iter().filter_map(|it| it.certificate.as_ref());
    certificates.filter(|it| stable < it.length).rev().max_by_key(|it| rank(it))
}

struct Choice<'a> {
    reported: &'a [Reported],
    /// f + 1.
    witnesses: usize,
    longest: Option<&'a Certified>,
    rule: ViewChangeRule,
}

impl Choice<'_> {
    /// What slot `seq` must hold, after a history of the digest `head`.
    fn slot(&self, seq: Seq, head: Digest) -> Option<Said> {
        match self.rule {
            ViewChangeRule::Original | ViewChangeRule::CcByView => match self.longest {
                Some(it) if seq <= it.length => it.slots.get(&seq).copied(),
                _ => {
                    let witnessed = self.witnessed(seq, |_| true);
                    witnessed.into_iter().find(|it| chain(head, it.0) == it.1)
                }
            },
            ViewChangeRule::FPlus1First => self.newest(seq, |_, _| true),
            ViewChangeRule::NotStrict => {
                self.newest(seq, |certified, reported| reported >= certified)
            }
            ViewChangeRule::Fixed | ViewChangeRule::LatestClientCertificateOnly => {
                self.newest(seq, |certified, reported| reported > certified)
            }
        }
    }

    /// What f + 1 reports say that count beside the certificate of the highest view, or else that.
    fn newest(&self, seq: Seq, counts: impl Fn(View, View) -> bool) -> Option<Said> {
        let mut certified: Option<(View, Seq, Said)> = None;
        for it in self.reported.iter().filter_map(|it| it.certificate.as_ref()) {
            if let Some(said) = it.slots.get(&seq) {
                certified = certified.max(Some((it.view, it.length, *said)));
            }
        }
        let Some((view, _, said)) = certified else {
            return self.witnessed(seq, |_| true).first().copied();
        };
        // With more than f faults there may be two: then what is certified wins.
        let fast = self.witnessed(seq, |origin| counts(view, origin));
        if fast.contains(&said) { Some(said) } else { fast.first().copied().or(Some(said)) }
    }

    /// What f + 1 reports of views that count say of a slot, the smallest digests first.
    fn witnessed(&self, seq: Seq, counts: impl Fn(View) -> bool) -> Vec<Said> {
        let mut votes: BTreeMap<Said, usize> = BTreeMap::new();
        for it in self.reported.iter().filter(|it| counts(it.origin)) {
            if let Some(said) = it.slots.get(&seq) {
                *votes.entry(*said).or_default() += 1;
            }
        }
        votes.retain(|_, count| self.witnesses <= *count);
        votes.into_keys().collect()
    }
}
