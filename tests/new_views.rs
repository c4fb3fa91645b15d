//! What the view changes of a Zyzzyva run rest on, in a few words: what each report says, which
//! history follows, and what had completed before.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim::{PlayOptions, Report, Scenario};
use byzsim_core::{CryptoBackend, Digest, NodeId, Observation, Recorder, Signed, Time, TraceEvent};
use byzsim_protocols::zyzzyva::Msg;
use byzsim_protocols::zyzzyva::message::{
    Certificate, Link, NewView, Request, ViewChange, null_digest,
};

/// A completion with its place, and whether its view had ended at no correct replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) client: NodeId,
    pub(crate) timestamp: u64,
    pub(crate) view: u64,
    pub(crate) seq: u64,
}

/// What a run went through.
#[derive(Debug, Default)]
pub(crate) struct Views {
    /// The first NEW-VIEW of each view.
    new_views: BTreeMap<u64, Rc<Signed<NewView>>>,
    /// What completed, and the highest NEW-VIEW that was sent before.
    pub(crate) completions: Vec<(Completion, u64)>,
}

impl Recorder for Views {
    fn record(&mut self, _: u64, _: Time, event: &TraceEvent<'_>) {
        if let TraceEvent::Sent { what, .. } = event
            && let Some(Msg::NewView(it)) = what.downcast::<Msg>()
        {
            self.new_views.entry(it.view).or_insert_with(|| Rc::clone(it));
        }
        if let TraceEvent::Observed(client, Observation::Anchored { timestamp, view, seq, .. }) =
            event
        {
            let (client, timestamp, view, seq) = (*client, *timestamp, *view, *seq);
            let last = self.new_views.keys().next_back().copied().unwrap_or(0);
            self.completions.push((Completion { client, timestamp, view, seq }, last));
        }
    }
}

impl Views {
    /// What the reports of a NEW-VIEW say, by replica: `r3: a@0, cc a@0` reports the history `a`
    /// of view 0, and a client's certificate of view 0 for it.
    pub(crate) fn reports(&self, view: u64) -> Vec<String> {
        let Some(new_view) = self.new_views.get(&view) else { return Vec::new() };
        let words = |it: &Rc<Signed<ViewChange>>| format!("{}: {}", it.signer(), in_words(it));
        let mut reports: Vec<String> = new_view.view_changes.iter().map(words).collect();
        reports.sort_unstable();
        reports
    }

    /// Whose reports a NEW-VIEW rests on.
    pub(crate) fn reporters(&self, view: u64) -> String {
        let reports = self.reports(view);
        let names = reports.iter().filter_map(|report| report.split(':').next());
        names.collect::<Vec<_>>().join(" ")
    }

    /// What each slot of a NEW-VIEW holds.
    pub(crate) fn chosen(&self, view: u64) -> String {
        let Some(new_view) = self.new_views.get(&view) else { return String::new() };
        let mut names: BTreeMap<Digest, String> = BTreeMap::new();
        for report in &new_view.view_changes {
            let own = report.history.iter().map(|ordered| ordered.link());
            let certified = report.certificate.iter().flat_map(|it| it.path.iter().cloned());
            names.extend(own.chain(certified).map(|link| (link.digest, name(&link))));
        }
        names.insert(null_digest(), "null".to_owned());
        list(new_view.orders.iter().map(|order| names[&order.digest].clone()))
    }
}

/// Plays a run, and what it went through.
pub(crate) fn play_views(scenario: &Scenario, seed: u64) -> (Report, Views) {
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let mut views = Views::default();
    let report = scenario.play_recorded(seed, &options, Some(&mut views));
    (report, views)
}

fn in_words(it: &ViewChange) -> String {
    let history = list(it.history.iter().map(|ordered| name(&ordered.link())));
    let mut words = format!("{history}@{}", it.origin);
    if let Some(certified) = &it.certificate {
        let claim = certified.certificate.claim().expect("a certificate of a report has votes");
        let kind = match certified.certificate {
            Certificate::Commit(_) => "cc",
            Certificate::Confirm(_) => "confirmed",
        };
        let path = list(certified.path.iter().map(name));
        words.push_str(&format!(", {kind} {path}@{}", claim.view));
    }
    words
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

/// The last word of what a slot's request asks: `b` of `append x b`.
fn name(link: &Link) -> String {
    let word = |request: &Rc<Signed<Request>>| {
        let operation = request.operation.to_string();
        operation.rsplit(' ').next().unwrap_or_default().to_owned()
    };
    link.request.as_ref().map_or_else(|| "null".to_owned(), word)
}
