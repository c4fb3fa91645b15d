//! Which statements convict, and which do not; and that a new view's history, computed twice, comes
//! out the same.

use byzsim_core::{Digest, Purpose, SimRng};

use super::super::message::{Certificate, Certified, Claim, GENESIS, Link, Ordered, Seq, chain};
use super::super::rules::Rules;
use super::super::selection::{Report, Start, Step};
use super::*;
use crate::judgement::court::{self, COMMITTEE};

const RULES: [ViewChangeRule; 6] = [
    ViewChangeRule::Original,
    ViewChangeRule::Fixed,
    ViewChangeRule::CcByView,
    ViewChangeRule::FPlus1First,
    ViewChangeRule::NotStrict,
    ViewChangeRule::LatestClientCertificateOnly,
];

type Court = court::Court<Exhibit>;

impl Court {
    fn under(view_change: ViewChangeRule) -> Self {
        Self::new(Params { view_change: Some(view_change), ..Params::default() })
    }

    /// What r2 reports to view 1: a history of view `origin`, and a certificate.
    fn report(&self, origin: View, history: &[Said], certificate: Option<Claim>) -> Exhibit {
        let ordered = |(seq, said): (Seq, &Said)| order(self, origin, seq, *said);
        let certificate = certificate.map(|claim| {
            let certificate = Certificate::Commit(Rc::new(vec![response(self, claim)]));
            Certified { certificate, path: Vec::new() }
        });
        let it = ViewChange {
            view: 4,
            stable: 0,
            proof: Vec::new(),
            certificate,
            origin,
            history: (1..).zip(history).map(ordered).collect(),
            hates: Vec::new(),
        };
        Exhibit::ViewChange(Rc::new(self.replica(2).sign(it)))
    }
}

/// The digest of a request, and of the history that it ends.
type Said = (Digest, Digest);

fn histories(requests: &[u8]) -> Vec<Said> {
    let mut head = GENESIS;
    let said = |request: &u8| {
        let digest = Digest([*request; 32]);
        head = chain(head, digest);
        (digest, head)
    };
    requests.iter().map(said).collect()
}

fn order(court: &Court, view: View, seq: Seq, (digest, history): Said) -> Ordered {
    let it = OrderReq { view, seq, history, digest };
    let primary = u16::try_from(view % 4).expect("below 4");
    Ordered { order: court.replica(primary).sign(it), request: None }
}

fn response(court: &Court, claim: Claim) -> Signed<SpecResponse> {
    let Claim { view, seq, history } = claim;
    let (answer, client, timestamp) = (Digest::default(), NodeId::Client(0), 1);
    court.replica(2).sign(SpecResponse { view, seq, history, answer, client, timestamp })
}

const INNOCENT: Result<&str, &str> = Err("a correct replica can say all this");

#[test]
fn two_words_of_one_view_convict_and_of_two_do_not() {
    let court = Court::under(ViewChangeRule::Fixed);
    let [a, b] = [1, 2].map(|request| histories(&[request])[0]);
    let order = |view, seq, said| Exhibit::OrderReq(order(&court, view, seq, said).order);
    assert_eq!(court.says(&[order(1, 1, a), order(1, 1, b)]), Ok("Z1"));
    assert_eq!(court.says(&[order(1, 1, a), order(1, 2, a)]), Ok("Z1"), "one request, two slots");
    assert_eq!(court.says(&[order(1, 1, a), order(1, 2, b)]), INNOCENT);
    assert_eq!(court.says(&[order(1, 1, a), order(5, 1, b)]), INNOCENT, "of two views");
    assert_eq!(court.says(&[order(1, 1, a), order(1, 1, a)]), INNOCENT);
    let null = (null_digest(), a.1);
    assert_eq!(court.says(&[order(1, 1, null), order(1, 2, null)]), INNOCENT, "null requests");
    let confirm = |view, history| {
        Exhibit::ViewConfirm(court.replica(2).sign(ViewConfirm { view, seq: 1, history }))
    };
    assert_eq!(court.says(&[confirm(1, a.1), confirm(1, b.1)]), Ok("Z6"));
    assert_eq!(court.says(&[confirm(1, a.1), confirm(2, b.1)]), INNOCENT);
    let forged = Signed::forged(ViewConfirm { view: 1, seq: 1, history: b.1 }, NodeId::Replica(2));
    let garbage = [confirm(1, a.1), Exhibit::ViewConfirm(forged)];
    assert_eq!(court.says(&garbage), Err("a signature does not verify"));
}

/// A planted flaw may be a rule of the view change: then that one is in force.
#[test]
fn a_planted_rule_is_the_law() {
    let history = histories(&[1])[0].1;
    let deposited = |court: &Court| {
        let (digest, client, timestamp) = (Digest::default(), NodeId::Client(0), 1);
        let commit = LocalCommit { view: 1, seq: 1, digest, history, client, timestamp };
        Exhibit::LocalCommit(court.replica(2).sign(commit))
    };
    for (flaw, verdict) in [(None, Ok("Z4")), (Some("Z01"), INNOCENT)] {
        let mut court = Court::under(ViewChangeRule::Fixed);
        court.params.view_change = None;
        flaw.map(|flaw| court.params.flaws.plant(flaw)).transpose().expect("a flaw");
        // Of a later view, which brought another history: the published rule gave it up.
        let report = court.report(2, &[], None);
        assert_eq!(court.says(&[deposited(&court), report]), verdict, "{flaw:?}");
    }
}

#[test]
fn who_answered_must_report_it() {
    let court = Court::under(ViewChangeRule::Original);
    let (ab, ba) = (histories(&[1, 2]), histories(&[2, 1]));
    let answered =
        |view, seq, history| Exhibit::SpecResponse(response(&court, Claim { view, seq, history }));
    let response = answered(1, 2, ab[1].1);
    let said = |report| court.says(&[response.clone(), report]);
    assert_eq!(said(court.report(1, &ab, None)), INNOCENT);
    assert_eq!(said(court.report(1, &ab[..1], None)), Ok("Z3"), "it is shorter");
    assert_eq!(said(court.report(1, &ba, None)), Ok("Z3"), "it is another");
    assert_eq!(said(court.report(0, &ab, None)), Ok("Z3"), "it is of an older view");
    assert_eq!(said(court.report(2, &ba, None)), INNOCENT, "a later view replaced it");
}

#[test]
fn who_holds_a_certificate_must_report_it_as_the_rule_says() {
    let ab = histories(&[1, 2]);
    let history = ab[1].1;
    let claim = |view, seq| Some(Claim { view, seq, history });
    for (rule, origin, certificate, expected) in [
        (ViewChangeRule::Fixed, 1, None, Ok("Z4")),
        (ViewChangeRule::Fixed, 1, claim(0, 9), Ok("Z4")),
        (ViewChangeRule::Fixed, 1, claim(1, 2), INNOCENT),
        (ViewChangeRule::Fixed, 2, claim(2, 1), INNOCENT),
        (ViewChangeRule::Original, 1, None, Ok("Z4")),
        (ViewChangeRule::Original, 1, claim(0, 9), INNOCENT),
        (ViewChangeRule::Original, 2, None, INNOCENT),
        (ViewChangeRule::LatestClientCertificateOnly, 1, None, Ok("Z4")),
        (ViewChangeRule::LatestClientCertificateOnly, 1, claim(0, 1), INNOCENT),
    ] {
        let court = Court::under(rule);
        let (view, seq, digest) = (1, 2, ab[1].0);
        let (client, timestamp) = (NodeId::Client(0), 1);
        let it = LocalCommit { view, seq, digest, history, client, timestamp };
        let committed = Exhibit::LocalCommit(court.replica(2).sign(it));
        let said = court.says(&[committed, court.report(origin, &ab, certificate)]);
        assert_eq!(said, expected, "{rule:?}: {certificate:?}, history of view {origin}");
    }
}

/// A report of `of`, as the message and as the replicas' rule reads it. The slot before may be
/// stable.
fn random_report(court: &Court, of: u16, rng: &mut SimRng) -> (Rc<Signed<ViewChange>>, Report) {
    let slots = |rng: &mut SimRng| {
        let mut requests = vec![7];
        let more = rng.between(0, 3);
        requests.extend((0..more).map(|_| u8::from(rng.chance(400_000))));
        histories(&requests)
    };
    let stable = rng.between(0, 1);
    let from = usize::try_from(stable).expect("0 or 1");
    let (history, path) = (slots(rng), slots(rng));
    let origin = rng.between(0, 2);
    let view = rng.between(0, 2);
    let length = path.len() as u64;
    let is_certified = rng.chance(600_000) && stable < length;
    let claim = Claim { view, seq: length, history: path[path.len() - 1].1 };
    let certified = is_certified.then(|| Certified {
        certificate: Certificate::Commit(Rc::new(vec![response(court, claim)])),
        path: path[from..].iter().map(|it| Link { digest: it.0, request: None }).collect(),
    });
    let base = histories(&[7])[0].1;
    let proof = Checkpoint { view: 0, seq: 1, history: base, state: Digest::default() };
    let ordered = |(seq, said): (Seq, &Said)| order(court, origin, seq, *said);
    let it = ViewChange {
        view: 4,
        stable,
        proof: (0..stable).map(|_| court.replica(0).sign(proof)).collect(),
        certificate: certified,
        origin,
        history: (stable + 1..).zip(&history[from..]).map(ordered).collect(),
        hates: Vec::new(),
    };
    let step = |it: &Said| Step { digest: it.0, history: it.1 };
    let report = Report {
        stable,
        certificate: is_certified.then(|| (claim, path[from..].iter().map(step).collect())),
        origin,
        history: history[from..].iter().map(step).collect(),
    };
    (Rc::new(court.replica(of).sign(it)), report)
}

#[test]
fn the_history_of_a_new_view_comes_out_the_same_twice() {
    let mut rng = SimRng::new(11, Purpose::Adversary, 0);
    let mut longest = 0;
    for (round, rule) in (0..3_000).flat_map(|round| RULES.map(|rule| (round, rule))) {
        let mut court = Court::under(rule);
        court.params.null_fill = round % 3 == 0;
        let (messages, reports): (Vec<_>, Vec<_>) =
            [0, 1, 3].iter().map(|of| random_report(&court, *of, &mut rng)).unzip();
        let stable = reports.iter().map(|it| it.stable).max().unwrap_or(0);
        let history = if stable == 0 { GENESIS } else { histories(&[7])[0].1 };
        let start = Start { stable, history };
        let rules = Rules::new(COMMITTEE, &court.params);
        let steps = rule.select(start, &reports, &rules, court.params.null_fill);
        longest = longest.max(steps.len());
        let signed = |(seq, it): (Seq, &Step)| order(&court, 4, seq, (it.digest, it.history)).order;
        let orders: Vec<_> = (stable + 1..).zip(&steps).map(signed).collect();
        let said = |view_changes, orders| {
            let it = NewView { view: 4, view_changes, orders };
            court.says(&[Exhibit::NewView(Rc::new(court.replica(0).sign(it)))])
        };
        assert_eq!(said(messages.clone(), orders.clone()), INNOCENT, "{rule:?} {reports:#?}");
        let mut more = orders;
        let head = more.last().map_or(history, |last| last.history);
        let digest = Digest([9; 32]);
        let another = (digest, chain(head, digest));
        let next = stable + more.len() as u64 + 1;
        more.push(order(&court, 4, next, another).order);
        assert_eq!(said(messages, more), Ok("Z5"), "{rule:?}: an order that nobody reported");
    }
    assert!(2 < longest, "some histories are long");
}
