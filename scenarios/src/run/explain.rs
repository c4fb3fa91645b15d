//! Why a fault never fired, in a sentence: made of the logs that the interpreter kept in some runs.

use std::collections::BTreeSet;

use byzsim_adversaries::{
    Action, Change, Demand, Fault, FaultLog, Moment, Pattern, Range, Tally, Target, Trigger,
};
use byzsim_core::{NodeId, Time};

/// What the faults of a file went through in some runs.
pub(crate) struct Logs<'a> {
    faults: &'a [Fault],
    /// By fault, its log of each run.
    by_fault: Vec<Vec<FaultLog>>,
    /// When the longest run ended.
    end: Time,
}

/// What one fault went through in all runs.
#[derive(Default)]
struct Sum {
    messages: Tally,
    /// How many messages matched in one run at most, but for `nth`, while it was in force.
    matched_max: u64,
    /// How many messages met all demands but `nth` in one run at most.
    met_max: u64,
    preempted_by: BTreeSet<usize>,
    cut: u64,
    idle: u64,
    unchangeable: u64,
    unchangeable_after: BTreeSet<usize>,
}

impl Sum {
    fn new(logs: &[FaultLog]) -> Self {
        let mut sum = Self::default();
        for log in logs {
            sum.messages.add(&log.messages);
            sum.matched_max = sum.matched_max.max(log.matched);
            sum.met_max = sum.met_max.max(log.messages.met);
            sum.preempted_by.extend(&log.preempted_by);
            sum.cut += log.cut;
            sum.idle += log.idle;
            sum.unchangeable += log.unchangeable;
            sum.unchangeable_after.extend(&log.unchangeable_after);
        }
        sum
    }
}

impl<'a> Logs<'a> {
    /// Of no run yet.
    pub(crate) fn new(faults: &'a [Fault]) -> Self {
        Self { faults, by_fault: vec![Vec::new(); faults.len()], end: Time::ZERO }
    }

    /// Adds a run: the logs of its plan, which begins with the faults of the file, and its end.
    pub(crate) fn add(&mut self, run: Vec<FaultLog>, end: Time) {
        self.by_fault.iter_mut().zip(run).for_each(|(logs, log)| logs.push(log));
        self.end = self.end.max(end);
    }

    /// Why this fault fired in no run. There must be a run.
    pub(crate) fn explain(&self, fault: usize) -> String {
        let logs = &self.by_fault[fault];
        if logs.iter().all(|log| log.began.is_none()) {
            return self.never_began(self.faults[fault].start.as_ref(), logs);
        }
        let sum = Sum::new(logs);
        match &logs[0].target {
            Target::Fate(_) | Target::Cut | Target::Links(_) if 0 < sum.cut + sum.idle => {
                ineffective(&sum)
            }
            Target::Order(_) if 0 < sum.cut => {
                format!("nothing changes places: {}", ineffective(&sum))
            }
            Target::Fate(pattern) => self.untouched(pattern, &sum, logs),
            Target::Order(pattern) if 0 < sum.matched_max && sum.preempted_by.is_empty() => {
                let kinds = kinds(pattern);
                format!("{kinds} is sent, but no link carries two soon enough to change places")
            }
            Target::Order(pattern) => self.untouched(pattern, &sum, logs),
            Target::Content(pattern) if !sum.messages.has_met(Demand::Kind) => {
                // It is shown the messages of its node only.
                format!("{} never sends {}", listed(&pattern.from), kinds(pattern))
            }
            Target::Content(pattern) => self.untouched(pattern, &sum, logs),
            Target::Said(node, pattern) => unrepeated(*node, "sends", pattern, &sum),
            Target::Heard(node, pattern) => unrepeated(*node, "receives", pattern, &sum),
            Target::Cut if sum.messages.met == 0 => "nothing is ever sent across it".to_owned(),
            Target::Cut if sum.matched_max == 0 => {
                format!("nothing is sent across it while it is in force{}", closest(logs))
            }
            Target::Cut => format!("{} that is sent across it", self.first_decides(&sum)),
            Target::Links(node) if sum.matched_max == 0 => {
                let meanwhile = if sum.messages.met == 0 { "" } else { " while it is in force" };
                let closest = closest(logs);
                format!("{node} neither sends nor receives anything{meanwhile}{closest}")
            }
            Target::Links(node) => {
                format!("{} that {node} sends and receives", self.first_decides(&sum))
            }
            Target::Copies => {
                "the copies never contradicted each other: they received the same messages"
                    .to_owned()
            }
            Target::Sends(node, count) => {
                format!(
                    "{node} never sends more than {count} messages at once while it is in force"
                )
            }
            Target::Node => unreachable!("a plain crash and a drift fire as soon as they begin"),
        }
    }

    /// Why a fault was in force in no run.
    fn never_began(&self, start: Option<&Moment>, logs: &[FaultLog]) -> String {
        let both = logs.iter().filter_map(|log| Some((log.end.came?, log.start.came?)));
        match (both.min_by_key(|(end, start)| end == start), start) {
            (Some((end, start)), _) if end == start => {
                "it ends at the moment when it would begin, so it is never in force".to_owned()
            }
            (Some((end, start)), _) => format!(
                "its end comes before its start, so it is never in force: in one run it ends at \
                 {end}, and would begin at {start}"
            ),
            (None, Some(Moment::At(at))) => {
                format!("its start never comes: it is at {at}, but the runs end by {}", self.end)
            }
            (None, Some(Moment::When(trigger))) => {
                let mut reports = Tally::default();
                logs.iter().for_each(|log| reports.add(&log.start.reports));
                let most = logs.iter().map(|log| log.start.reports.met).max().unwrap_or_default();
                format!("its start never comes: {}", never_reported(trigger, &reports, most))
            }
            (None, None) => unreachable!("a fault without a start begins with the run"),
        }
    }

    /// Why no message met its fate, or was changed, by this fault.
    fn untouched(&self, pattern: &Pattern, sum: &Sum, logs: &[FaultLog]) -> String {
        let (messages, Pattern { from, to, .. }) = (&sum.messages, pattern);
        let kinds = kinds(pattern);
        if !messages.has_met(Demand::Kind) {
            return format!("no node ever sends {kinds}");
        }
        if !messages.has_met(Demand::Sender) {
            return format!("{} never sends {kinds}", listed(from));
        }
        if !messages.has_met(Demand::Receiver) {
            return match from[..] {
                [] => format!("no node ever sends {kinds} to {}", listed(to)),
                [sender] if to[..] == [sender] => {
                    format!("what {sender} sends to itself never goes over the network")
                }
                _ => format!("{} never sends {kinds} to {}", listed(from), listed(to)),
            };
        }
        let links = format!("{}{}", among(" from", from), among(" to", to));
        if messages.met == 0 {
            let named = if pattern.kinds.is_empty() { "message" } else { &kinds };
            let named = format!("{named}{links}");
            return elsewhere(&named, "slot", [pattern.view, pattern.seq], messages);
        }
        match pattern.nth {
            _ if sum.matched_max == 0 => {
                let kinds = if pattern.kinds.is_empty() { "a message" } else { &kinds };
                let (narrowed, closest) = (narrowed(pattern), closest(logs));
                format!(
                    "{kinds}{links}{narrowed} is sent, but not while the fault is in force{closest}"
                )
            }
            Some(nth) if sum.matched_max < nth.min => few(sum.matched_max, nth),
            _ if sum.preempted_by.is_empty() => self.unchangeable(pattern, sum),
            _ => format!("{} that match", self.first_decides(sum)),
        }
    }

    /// Why no message was changed that a lie or a mutation is about.
    fn unchangeable(&self, pattern: &Pattern, sum: &Sum) -> String {
        let kinds = kinds(pattern);
        let earlier = &sum.unchangeable_after;
        if 0 < sum.unchangeable || earlier.is_empty() {
            return format!("{kinds} is the same with this fault as without it");
        }
        let claims = |place: &usize| {
            let fault = self.faults.get(*place).map(|fault| &fault.action);
            matches!(fault, Some(Action::Mutate { change: Change::Claim(_), .. }))
        };
        let (by, node) = (self.named(earlier), listed(&pattern.from));
        if earlier.iter().any(claims) {
            format!("{kinds} is already in another node's name, by {by}, so {node} cannot sign it")
        } else {
            format!("{kinds} is the same with this fault as without it, after {by}")
        }
    }

    fn first_decides(&self, sum: &Sum) -> String {
        format!("{} decides first about all", self.named(&sum.preempted_by))
    }

    /// The faults of these places, for a reader.
    fn named(&self, places: &BTreeSet<usize>) -> String {
        let named = |place: &usize| match self.faults.get(*place) {
            Some(fault) => format!("fault {} (`{}`)", place + 1, fault.action.name()),
            None => "a fault that was drawn".to_owned(),
        };
        let mut named: Vec<String> = places.iter().map(named).collect();
        named.dedup();
        named.join(" or ")
    }
}

/// Why enough reports never met a trigger.
fn never_reported(trigger: &Trigger, reports: &Tally, most: u64) -> String {
    let event = trigger.event.name();
    if !reports.has_met(Demand::Kind) {
        return format!("no node reports `{event}`");
    }
    if !reports.has_met(Demand::Sender) {
        let node = trigger.node.as_slice();
        return format!("{} never reports `{event}`, but other nodes do", listed(node));
    }
    if reports.met == 0 {
        let who = among(" of", trigger.node.as_slice());
        let about = if trigger.event.is_of_clients() { "operation" } else { "slot" };
        let named = format!("`{event}`{who}");
        return elsewhere(&named, about, [trigger.view, trigger.seq], reports);
    }
    let times = |count| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let (most, count) = (times(most), times(u64::from(trigger.count)));
    format!("`{event}` is reported like that at most {most} in a run, and not {count}")
}

/// Why a node had nothing to repeat: what counts is what it said or heard before it repeats it.
fn unrepeated(node: NodeId, verb: &str, pattern: &Pattern, sum: &Sum) -> String {
    let (messages, kinds) = (&sum.messages, kinds(pattern));
    if !messages.has_met(Demand::Kind) {
        return format!("{node} never {verb} {kinds} before the fault begins");
    }
    if !messages.has_met(Demand::Sender) {
        let from = listed(&pattern.from);
        return format!("{node} never {verb} {kinds} from {from} before the fault begins");
    }
    if messages.met == 0 {
        let kind = if pattern.kinds.is_empty() { "message" } else { &kinds };
        let from = among(" from", &pattern.from);
        let named = format!("{kind}{from} that {node} {verb} before the fault begins");
        return elsewhere(&named, "slot", [pattern.view, pattern.seq], messages);
    }
    match pattern.nth {
        Some(nth) if sum.met_max < nth.min => few(sum.met_max, nth),
        _ => format!("nothing happens at {node} while the fault is in force"),
    }
}

/// Why nothing met demands on its view and its slot: what it is of instead.
fn elsewhere(named: &str, about: &str, demands: [Option<Range>; 2], tally: &Tally) -> String {
    let [view, slot] = demands.map(|demand| demand.map_or_else(String::new, span));
    match (tally.has_met(Demand::View), tally.views, tally.slots) {
        (false, None, _) => format!("no {named} belongs to a view"),
        (false, Some(views), _) => {
            format!("each {named} belongs to view {}, and none to view {view}", span(views))
        }
        (true, _, None) => format!("no {named} is about a {about}"),
        (true, _, Some(slots)) => {
            let which = if view.is_empty() { view } else { format!(" of view {view}") };
            let slots = span(slots);
            format!("each {named}{which} is about {about} {slots}, and none about {about} {slot}")
        }
    }
}

/// Why no message about which a fault decides fares otherwise than without it.
fn ineffective(sum: &Sum) -> String {
    let messages =
        |count: u64| if count == 1 { "1 message".into() } else { format!("{count} messages") };
    let cut = format!(
        "of what it asks for {}, the network model leaves nothing that has the effect: from GST on, no message between \
         correct nodes takes longer than Δ, and none is lost",
        messages(sum.cut)
    );
    match (sum.cut, sum.idle) {
        (_, 0) => cut,
        (0, idle) => {
            format!("it decides about {}, which fare as they would have without it", messages(idle))
        }
        (_, idle) => format!("{cut}; {} fare as they would have without it", messages(idle)),
    }
}

/// By how much the closest message missed the time when the fault was in force.
fn closest(logs: &[FaultLog]) -> String {
    let early = logs.iter().filter_map(FaultLog::too_early).map(|by| (by, "before it begins"));
    let late = logs.iter().filter_map(FaultLog::too_late).map(|by| (by, "after it ends"));
    match early.chain(late).min() {
        Some((by, when)) => format!(": the closest {by} {when}"),
        None => String::new(),
    }
}

fn few(most: u64, nth: Range) -> String {
    format!("at most {most} of the messages of a run match, and none has number {nth}")
}

/// What lies between the least and the greatest, for a reader.
fn span(range: Range) -> String {
    let Range { min, max } = range;
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}

fn kinds(pattern: &Pattern) -> String {
    match &pattern.kinds[..] {
        [] => "anything".to_owned(),
        kinds => kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or "),
    }
}

fn listed(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" or ")
}

/// The nodes behind a preposition; nothing if there are none.
fn among(preposition: &str, nodes: &[NodeId]) -> String {
    if nodes.is_empty() { String::new() } else { format!("{preposition} {}", listed(nodes)) }
}

/// What a pattern demands of view and slot.
fn narrowed(pattern: &Pattern) -> String {
    let narrowed = [
        pattern.view.map(|view| format!(" of view {}", span(view))),
        pattern.seq.map(|slot| format!(" about slot {}", span(slot))),
    ];
    narrowed.into_iter().flatten().collect()
}
