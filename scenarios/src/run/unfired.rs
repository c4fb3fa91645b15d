//! Why a row of a script never fired: what a writer of scripts wants to know before anything else.
//!
//! A row is explained from runs, not from its text: what was sent by whom, what was reported, and
//! how long the runs lasted. So the explanation is true of the seeds that were played, and says so.

use std::fmt;

use byzsim_adversaries::{Action, Change, Fault, Moment, Pattern, Range, Vocabulary};
use byzsim_core::NodeId;

use crate::file::format::SeedRange;
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;
use crate::run::witness::{Link, Links, Met, Witness};

/// How many seeds are played to see whether a row fires.
pub const SEEDS_MAX: u64 = 20;

/// How many events are played in all: a file may ask for long runs.
pub const EVENTS_MAX: u64 = 500_000;

/// A row that fired on none of the seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfired {
    /// The row's place in the file, from 0.
    pub row: usize,
    /// The action's name.
    pub action: &'static str,
    /// Why, as far as the runs tell.
    pub why: String,
    /// What was played.
    pub played: Played,
}

/// The runs that an explanation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// The seeds.
    pub seeds: SeedRange,
    /// How many of them panicked: nothing is known of these.
    pub panicked: u64,
    /// Whether [`EVENTS_MAX`] cut the last run off, or left seeds unplayed.
    pub cut_off: bool,
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seeds {}", self.seeds)?;
        if 0 < self.panicked {
            write!(f, " but {} that panicked", self.panicked)?;
        }
        if self.cut_off {
            write!(f, ", cut off after {EVENTS_MAX} events")?;
        }
        Ok(())
    }
}

/// The rows of the scenario's own script that fire on none of these seeds, of which at most
/// [`SEEDS_MAX`] are played.
pub fn unfired(scenario: &Scenario, seeds: SeedRange) -> Vec<Unfired> {
    let rows = &scenario.file.faults.faults;
    let end = seeds.end.min(seeds.start.saturating_add(SEEDS_MAX));
    let seeds = SeedRange { start: seeds.start, end };
    if rows.is_empty() || seeds.is_empty() {
        return Vec::new();
    }
    let mut fired = vec![0; rows.len()];
    let vocabulary = scenario.protocol.vocabulary;
    let patterns = rows.iter().map(|fault| messages_of(&fault.action, vocabulary)).collect();
    let mut witness = Witness::new(rows, patterns);
    let mut played = Played { seeds, panicked: 0, cut_off: false };
    for seed in seeds.start..seeds.end {
        let left = EVENTS_MAX - witness.events;
        let mut run = witness.clone();
        run.begin();
        let options = (&PlayOptions::default(), left);
        let report = scenario.play_bounded(seed, scenario.draw(seed), options, Some(&mut run));
        run.end();
        match &report.result {
            Ok(outcome) => {
                // What is drawn comes behind the file's own rows.
                for (sum, count) in fired.iter_mut().zip(&outcome.fired) {
                    *sum += count;
                }
                witness = run;
            }
            Err(_) => {
                witness.events = run.events;
                played.panicked += 1;
            }
        }
        if EVENTS_MAX <= witness.events {
            played.seeds.end = seed + 1;
            played.cut_off = true;
            break;
        }
    }
    if played.panicked == played.seeds.len() {
        return Vec::new();
    }
    let silent = rows.iter().enumerate().filter(|(row, _)| fired[*row] == 0);
    let explained = silent.map(|(row, fault)| Unfired {
        row,
        action: fault.action.name(),
        why: explain(row, fault, &witness, vocabulary),
        played,
    });
    explained.collect()
}

fn explain(row: usize, fault: &Fault, witness: &Witness<'_>, vocabulary: Vocabulary) -> String {
    if let Some(why) = fault.start.as_ref().and_then(|start| never_comes(row, start, witness)) {
        return format!("its start never comes: {why}");
    }
    if !witness.in_force[row] {
        return "its end comes before its start, so it is never in force".to_owned();
    }
    match &fault.action {
        Action::Hold(_)
        | Action::Drop(_)
        | Action::Delay { .. }
        | Action::Duplicate { .. }
        | Action::Omit { .. }
        | Action::Lag { .. }
        | Action::Mutate { .. }
        | Action::Lie { .. }
        | Action::Mute(_)
        | Action::Rush(_) => {
            let messages = messages_of(&fault.action, vocabulary).unwrap_or_default();
            unmatched(row, &messages, fault, witness)
        }
        Action::Twins { .. } => {
            "the copies never contradicted each other: they heard the same".to_owned()
        }
        Action::Replay { node, messages, heard, .. } => {
            unrepeated(*node, messages, *heard, &witness.before[row])
        }
        Action::Partition { groups, one_way, .. } => {
            let group = |node: NodeId| groups.iter().position(|group| group.contains(&node));
            let crosses = |(_, from, to): &Link| {
                group(*from) != group(*to) && (!one_way || group(*from) == Some(0))
            };
            match (witness.sent.iter().any(crosses), is_windowed(fault)) {
                (false, _) => "nothing is ever sent across it".to_owned(),
                (true, true) => "nothing is sent across it while it is in force".to_owned(),
                (true, false) => "earlier rows decide about all that is sent across it".to_owned(),
            }
        }
        Action::Crash(node) => format!("{node} never crashes while the row is in force"),
        Action::Drift { .. } => "no run got as far as setting the clocks".to_owned(),
    }
}

/// The messages that a row is about, with the sender and the kinds that go without saying; none if
/// it is about something else than messages of one pattern.
fn messages_of(action: &Action, vocabulary: Vocabulary) -> Option<Pattern> {
    let from = |node: NodeId, messages: Pattern| Pattern { from: vec![node], ..messages };
    match action {
        Action::Hold(messages)
        | Action::Drop(messages)
        | Action::Delay { messages, .. }
        | Action::Duplicate { messages, .. } => Some(messages.clone()),
        Action::Omit { node, messages } | Action::Lag { node, messages, .. } => {
            Some(from(*node, messages.clone()))
        }
        Action::Mutate { node, messages, field, .. } => {
            let having = vocabulary.fields.iter().filter(|known| known.name == field);
            Some(from(*node, of_kinds(messages, having.map(|known| known.kind))))
        }
        Action::Lie { node, messages, lie } => {
            let about = vocabulary.lies.iter().filter(|known| known.name == lie);
            Some(from(*node, of_kinds(messages, about.map(|known| known.kind))))
        }
        Action::Mute(node) => Some(from(*node, Pattern::default())),
        Action::Rush(node) => Some(Pattern { to: vec![*node], ..Pattern::default() }),
        Action::Partition { .. }
        | Action::Crash(_)
        | Action::Drift { .. }
        | Action::Replay { .. }
        | Action::Twins { .. } => None,
    }
}

/// The pattern, with the kinds that go without saying.
fn of_kinds(messages: &Pattern, kinds: impl Iterator<Item = &'static str>) -> Pattern {
    let mut messages = messages.clone();
    if messages.kinds.is_empty() {
        messages.kinds = kinds.map(str::to_owned).collect();
    }
    messages
}

/// Why the start of a row never comes; none if it does.
fn never_comes(row: usize, start: &Moment, witness: &Witness<'_>) -> Option<String> {
    let trigger = match start {
        Moment::At(at) if witness.end < *at => {
            return Some(format!("it is at {at}, and the runs are over by {}", witness.end));
        }
        Moment::At(_) => return None,
        Moment::When(trigger) => trigger,
    };
    let event = trigger.event.name();
    let reports = witness.reports[row];
    match trigger.node {
        Some(node) if !reports.any => Some(format!("{node} never reports `{event}`")),
        None if !reports.any => Some(format!("nobody reports `{event}`")),
        _ if !reports.met.all => {
            let who = trigger.node.map_or_else(String::new, |node| format!(" of {node}"));
            let about = if trigger.event.is_of_clients() { "operation" } else { "slot" };
            Some(elsewhere(
                &format!("`{event}`{who}"),
                about,
                [trigger.view, trigger.seq],
                &reports.met,
            ))
        }
        _ if reports.most < trigger.count => Some(format!(
            "`{event}` is reported like that {} in a run at most, and not {}",
            times(reports.most),
            times(trigger.count)
        )),
        _ => None,
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

const fn is_windowed(fault: &Fault) -> bool {
    fault.start.is_some() || fault.end.is_some()
}

/// Which demand of a pattern leaves nothing of what was sent.
fn unmatched(row: usize, messages: &Pattern, fault: &Fault, witness: &Witness<'_>) -> String {
    let (named, matches) = (named(&messages.kinds), &witness.matches[row]);
    let Pattern { from, to, view, seq, nth, .. } = messages;
    let is_from = |link: &Link| from.is_empty() || from.contains(&link.1);
    let is_to = |link: &Link| to.is_empty() || to.contains(&link.2);
    let is_sent = |fits: &dyn Fn(&Link) -> bool| {
        witness.sent.iter().any(|link| is_of_kind(messages, link) && fits(link))
    };
    if !is_sent(&is_from)
        && let Some(first) = withheld_by(row, from, witness)
    {
        return format!(
            "{} never sends {named}, or fault {first} withholds it first",
            listed(from)
        );
    }
    if !is_sent(&|_| true) {
        return format!("nobody ever sends {named}");
    }
    if !is_sent(&is_from) {
        return format!("{} never sends {named}", listed(from));
    }
    if !is_sent(&|link| is_from(link) && is_to(link)) {
        return match from[..] {
            [] => format!("nobody ever sends {named} to {}", listed(to)),
            [sender] if to[..] == [sender] => {
                format!("what {sender} sends to itself never goes over the network")
            }
            _ => format!("{} never sends {named} to {}", listed(from), listed(to)),
        };
    }
    if !matches.met.all {
        let kind = if messages.kinds.is_empty() { "message" } else { &named };
        let among = |preposition: &str, nodes: &[NodeId]| match nodes {
            [] => String::new(),
            nodes => format!(" {preposition} {}", listed(nodes)),
        };
        let named = format!("{kind}{}{}", among("from", from), among("to", to));
        return elsewhere(&named, "slot", [*view, *seq], &matches.met);
    }
    match nth {
        _ if matches.most == 0 => {
            let narrowed = narrowed(&Pattern { nth: None, ..messages.clone() });
            let narrowed = narrowed.map_or(String::new(), |narrowed| format!(" {narrowed}"));
            format!("{named}{narrowed} is sent, but not while the row is in force")
        }
        Some(nth) if matches.most < nth.min => {
            let most = matches.most;
            format!("in a run at most {most} messages match, and none is number {nth}")
        }
        _ if matches!(fault.action, Action::Lie { .. } | Action::Mutate { .. }) => {
            let claimed = claimed_by(row, fault, witness).map_or_else(String::new, |first| {
                format!(", or is in another's name already, by fault {first}")
            });
            format!("{named} says the same with it and without{claimed}")
        }
        _ => "earlier rows decide about all that match".to_owned(),
    }
}

/// The number of an earlier row that withholds what this sender says, from 1: what a corrupted node
/// withholds was never sent.
fn withheld_by(row: usize, from: &[NodeId], witness: &Witness<'_>) -> Option<usize> {
    let [sender] = from[..] else { return None };
    let withholds = |fault: &Fault| {
        let is_silence = matches!(fault.action, Action::Mute(_) | Action::Omit { .. });
        is_silence && fault.action.corrupts() == Some(sender)
    };
    witness.rows[..row].iter().position(withholds).map(|place| place + 1)
}

/// The number of an earlier row of the same node that claims another's name, from 1: what is not in
/// the node's own name it cannot change and sign again.
fn claimed_by(row: usize, fault: &Fault, witness: &Witness<'_>) -> Option<usize> {
    let claims = |earlier: &Fault| {
        let is_claim = matches!(&earlier.action, Action::Mutate { change: Change::Claim(_), .. });
        is_claim && earlier.action.corrupts() == fault.action.corrupts()
    };
    let is_mutation = matches!(fault.action, Action::Mutate { .. });
    let earlier = if is_mutation { &witness.rows[..row] } else { &[] };
    earlier.iter().position(claims).map(|place| place + 1)
}

/// Why nothing met demands on its view and its slot: what it is of instead.
fn elsewhere(named: &str, about: &str, demands: [Option<Range>; 2], met: &Met) -> String {
    let [view, seq] = demands.map(|demand| demand.map_or_else(String::new, span));
    match (met.of_view, met.views, met.slots) {
        (false, None, _) => format!("no {named} is of a view"),
        (false, Some(views), _) => {
            format!("each {named} is of view {}, and none of view {view}", span(views))
        }
        (true, _, None) => format!("no {named} is about a {about}"),
        (true, _, Some(slots)) => {
            let which = if view.is_empty() { view } else { format!(" of view {view}") };
            let slots = span(slots);
            format!("each {named}{which} is about {about} {slots}, and none about {about} {seq}")
        }
    }
}

/// What lies between the least and the greatest, for a reader.
fn span(range: Range) -> String {
    let Range { min, max } = range;
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}

/// Why a node had nothing to repeat: what counts is what it said or heard before the row began.
fn unrepeated(node: NodeId, messages: &Pattern, heard: bool, before: &Links) -> String {
    let named = named(&messages.kinds);
    let verb = if heard { "hears" } else { "says" };
    let of_kind = |link: &Link| is_of_kind(messages, link);
    let is_from =
        |link: &Link| !heard || messages.from.is_empty() || messages.from.contains(&link.1);
    if !before.iter().any(of_kind) {
        return format!("{node} never {verb} {named} before the row begins");
    }
    if !before.iter().any(|link| of_kind(link) && is_from(link)) {
        let from = listed(&messages.from);
        return format!("{node} never hears {named} from {from} before the row begins");
    }
    match narrowed(messages) {
        Some(narrowed) => {
            format!("{node} {verb} {named} before the row begins, but none {narrowed}")
        }
        None => format!("nothing happens at {node} while the row is in force"),
    }
}

fn is_of_kind(messages: &Pattern, link: &Link) -> bool {
    messages.kinds.is_empty() || messages.kinds.iter().any(|kind| kind == link.0)
}

fn named(kinds: &[String]) -> String {
    match kinds {
        [] => "anything".to_owned(),
        kinds => kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or "),
    }
}

fn listed(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" or ")
}

/// What else a pattern demands of a message.
fn narrowed(messages: &Pattern) -> Option<String> {
    let narrowed = [
        messages.view.map(|view| format!("of view {view}")),
        messages.seq.map(|seq| format!("about slot {seq}")),
        messages.nth.map(|nth| format!("that is number {nth}")),
    ];
    let narrowed: Vec<String> = narrowed.into_iter().flatten().collect();
    (!narrowed.is_empty()).then(|| narrowed.join(" "))
}
