//! Describes plans: one plain sentence for each fault, and the class of a plan.

use byzsim_core::NodeId;

use crate::action::{Action, Parts};
use crate::crash;
use crate::plan::{Change, Fault, Moment, Pattern, Plan, Reported, Split, Trigger};
use crate::range::Range;

impl Plan {
    /// What kinds of faults the plan is made of, such as `lie deny-history + hold view-change`:
    /// each once, in alphabetical order. Plans of one class mostly show one bug.
    pub fn class(&self) -> String {
        let mut kinds: Vec<String> = self.faults.iter().map(|fault| fault.action.label()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() { "no fault".to_owned() } else { kinds.join(" + ") }
    }
}

impl Action {
    /// The name of the action, with its lie or with the kinds of message that it is about.
    pub fn label(&self) -> String {
        let mut action = self.clone();
        let Parts { messages, lie, field, .. } = action.parts();
        let kinds = messages.map_or_else(String::new, |messages| messages.kinds.join("/"));
        let what = match (lie, field) {
            (Some(lie), _) => lie.clone(),
            (None, Some((field, _))) => format!("{kinds} {field}").trim_start().to_owned(),
            (None, None) => kinds,
        };
        if what.is_empty() { self.name().to_owned() } else { format!("{} {what}", self.name()) }
    }
}

impl Fault {
    /// The fault as a plain English sentence, without its note.
    ///
    /// ```
    /// use byzsim_adversaries::{Action, Fault, Pattern};
    /// use byzsim_core::NodeId;
    /// let messages = Pattern {
    ///     kinds: vec!["commit".into()],
    ///     to: vec![NodeId::Replica(2)],
    ///     ..Pattern::default()
    /// };
    /// let fault = Fault { note: None, start: None, end: None, action: Action::Hold(messages) };
    /// let words = "commit messages to r2 are held for as long as the network allows";
    /// assert_eq!(fault.in_words(), words);
    /// ```
    pub fn in_words(&self) -> String {
        let until = self.end.as_ref().map(|end| format!(" until {}", moment(end)));
        // What waits without an end waits for the network, which delivers by GST + Δ.
        let waits = |what: String| {
            let end = until.as_deref().unwrap_or(" for as long as the network allows");
            format!("{what} are held{end}")
        };
        let meanwhile = |what: String| format!("{what}{}", until.as_deref().unwrap_or_default());
        let said = match &self.action {
            Action::Hold(of) => waits(messages(of)),
            Action::Delay { messages: of, by } => {
                meanwhile(format!("{} take {by} longer", messages(of)))
            }
            Action::Drop(of) => meanwhile(format!("{} are lost", messages(of))),
            Action::Duplicate { messages: of, after } => {
                meanwhile(format!("{} arrive a second time, {after} later", messages(of)))
            }
            Action::Partition { groups, one_way, lose } => {
                let crossing = crossing(groups, *one_way);
                if *lose { meanwhile(format!("{crossing} are lost")) } else { waits(crossing) }
            }
            Action::Crash(_) | Action::CrashMidway { .. } | Action::Forget { .. } => {
                crash::in_words(&self.action, self.end.as_ref())
            }
            Action::Drift { node, ppm } => drift(*node, *ppm),
            Action::Mute(node) => meanwhile(format!("{node} sends nothing")),
            Action::Omit { node, messages: of } => {
                meanwhile(format!("{node} does not send its {}", own_messages(of)))
            }
            Action::Lag { node, messages: of, by } => {
                meanwhile(format!("{node} sends its {} {by} late", own_messages(of)))
            }
            Action::Lie { node, lie, messages: of } => {
                meanwhile(format!("{node} tells the lie `{lie}`{}", lie_scope(of)))
            }
            Action::Mutate { node, messages: of, field, change } => {
                let made = changed(field, change);
                meanwhile(format!("{node} sends its {} {made}", own_messages(of)))
            }
            Action::Replay { node, messages: of, to, heard } => {
                let to = if to.is_empty() { "all replicas".to_owned() } else { listed(to) };
                meanwhile(if *heard {
                    format!("{node} repeats to {to} what it received: {}", messages(of))
                } else {
                    format!("{node} repeats to {to} what it sent: its {}", own_messages(of))
                })
            }
            Action::Relay { node, messages: of, to, heard } => {
                let to = if to.is_empty() { "all replicas".to_owned() } else { listed(to) };
                meanwhile(if *heard {
                    format!("{node} passes on to {to} what it receives: {}", messages(of))
                } else {
                    format!("{node} passes on to {to} what it sends: its {}", own_messages(of))
                })
            }
            Action::Rush(node) => {
                meanwhile(format!("{node} receives and sends every message without delay"))
            }
            Action::Twins { node, left, right, splits } => twins(*node, left, right, splits),
            Action::Reorder { messages: of, within, by } => meanwhile(format!(
                "{} that a link carries within {by} arrive in reverse order, up to {within} at a \
                 time",
                messages(of)
            )),
        };
        match &self.start {
            None => said,
            Some(start) => format!("{}, {said}", onwards(start)),
        }
    }
}

fn onwards(start: &Moment) -> String {
    match start {
        Moment::At(time) => format!("from {time} on"),
        Moment::When(trigger) => format!("once {}", report(trigger)),
    }
}

fn moment(end: &Moment) -> String {
    match end {
        Moment::At(time) => time.to_string(),
        Moment::When(trigger) => report(trigger),
    }
}

pub(crate) fn point(end: &Moment) -> String {
    match end {
        Moment::At(time) => format!("at {time}"),
        Moment::When(trigger) => format!("when {}", report(trigger)),
    }
}

/// A trigger: `r2 enters view 1`.
fn report(trigger: &Trigger) -> String {
    let Trigger { node, event, view, seq, count } = trigger;
    let who = match (node, event.is_of_clients()) {
        (Some(node), _) => node.to_string(),
        (None, true) => "a client".to_owned(),
        (None, false) => "a replica".to_owned(),
    };
    let slot = |default: &str| seq.map_or_else(|| default.to_owned(), |seq| numbered("slot", seq));
    let operation = || seq.map_or_else(|| "an operation".to_owned(), operations);
    let of_view = || view.map_or_else(|| "a view".to_owned(), |view| numbered("view", view));
    let (what, says_view) = match event {
        Reported::Invoked => (format!("requests {}", operation()), true),
        Reported::Completed => (format!("completes {}", operation()), true),
        Reported::Accepted => (format!("accepts a proposal for {}", slot("a slot")), false),
        Reported::Committed => (format!("commits {}", slot("a slot")), false),
        Reported::Executed => (format!("executes {}", slot("a slot")), false),
        Reported::StableCheckpoint => {
            let at = seq.map_or_else(String::new, |seq| format!(" at {}", numbered("slot", seq)));
            (format!("has a stable checkpoint{at}"), true)
        }
        Reported::Restored => {
            let at = seq.map_or_else(String::new, |seq| format!(" of {}", numbered("slot", seq)));
            (format!("installs a fetched state{at}"), true)
        }
        Reported::ViewChangeStarted => (format!("asks for {}", of_view()), true),
        Reported::EnteredView => (format!("enters {}", of_view()), true),
    };
    let view = match view {
        Some(view) if !says_view => format!(" in {}", numbered("view", *view)),
        _ => String::new(),
    };
    let again = if *count == 1 { String::new() } else { format!(" ({} time)", ordinal(*count)) };
    format!("{who} {what}{view}{again}")
}

fn operations(seq: Range) -> String {
    let Range { min, max } = seq;
    if min == max {
        format!("its operation #{min}")
    } else {
        format!("its operations #{min} to #{max}")
    }
}

fn ordinal(number: impl Into<u64>) -> String {
    let number = number.into();
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `slot 3`, `slots 3 to 5`.
fn numbered(noun: &str, Range { min, max }: Range) -> String {
    if min == max { format!("{noun} {min}") } else { format!("{noun}s {min} to {max}") }
}

/// `r1`, `r1 and r2`, `r1, r2 and c0`.
fn listed<T: ToString>(things: &[T]) -> String {
    let words: Vec<String> = things.iter().map(T::to_string).collect();
    match words.split_last() {
        None => "no node".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn messages(of: &Pattern) -> String {
    let kinds = if of.kinds.is_empty() { "all".to_owned() } else { listed(&of.kinds) };
    let from =
        if of.from.is_empty() { String::new() } else { format!(" from {}", listed(&of.from)) };
    format!("{kinds} messages{from}{}{}", receivers(of), numbers(of))
}

/// The messages of a corrupted node: their sender goes without saying.
fn own_messages(of: &Pattern) -> String {
    let kinds = if of.kinds.is_empty() { String::new() } else { format!("{} ", listed(&of.kinds)) };
    format!("{kinds}messages{}{}", receivers(of), numbers(of))
}

/// The messages that a lie is about, without their kind, which the lie itself implies.
fn lie_scope(of: &Pattern) -> String {
    let to = if of.to.is_empty() { " to everyone".to_owned() } else { receivers(of) };
    format!("{to}{}", numbers(of))
}

fn receivers(of: &Pattern) -> String {
    if of.to.is_empty() { String::new() } else { format!(" to {}", listed(&of.to)) }
}

/// Which of them: ` in view 1, about slots 2 to 4, the 3rd of them only`.
fn numbers(of: &Pattern) -> String {
    let mut text = String::new();
    if let Some(view) = of.view {
        text.push_str(&format!(" in {}", numbered("view", view)));
    }
    if let Some(seq) = of.seq {
        text.push_str(&format!(" about {}", numbered("slot", seq)));
    }
    if let Some(Range { min, max }) = of.nth {
        let which =
            if min == max { ordinal(min) } else { format!("{} to {}", ordinal(min), ordinal(max)) };
        text.push_str(&format!(" (the {which} only)"));
    }
    text
}

/// The messages that a partition stops.
fn crossing(groups: &[Vec<NodeId>], one_way: bool) -> String {
    let named: Vec<String> = groups.iter().map(|group| listed(group)).collect();
    match &named[..] {
        [first, ..] if one_way => format!("messages from {first} to other nodes"),
        [group] => format!("messages between {group} and other nodes"),
        _ => format!("messages between the groups {} | all other nodes", named.join(" | ")),
    }
}

fn drift(node: NodeId, ppm: i32) -> String {
    let how = if ppm < 0 { "fast" } else { "slow" };
    let (whole, rest) = (ppm.unsigned_abs() / 10_000, ppm.unsigned_abs() % 10_000);
    let rest = format!("{rest:04}");
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("the timers of {node} run {whole}{point}{rest} % {how}")
}

fn twins(node: NodeId, left: &[NodeId], right: &[NodeId], splits: &[Split]) -> String {
    let mut text = format!("{node} runs as two copies under one key: {}", sides(left, right));
    for Split { view, left, right } in splits {
        text.push_str(&format!("; in {} {}", numbered("view", *view), sides(left, right)));
    }
    text
}

fn sides(left: &[NodeId], right: &[NodeId]) -> String {
    match (left, right) {
        ([], []) => "both communicate with all nodes".to_owned(),
        (side, []) | ([], side) => {
            format!("only one communicates with {}, both with all other nodes", listed(side))
        }
        (left, right) => {
            format!("one communicates with {}, the other with {}", listed(left), listed(right))
        }
    }
}

/// What was made of a field: `with `seq` raised by 1`.
fn changed(field: &str, change: &Change) -> String {
    let how = match change {
        Change::Add(by) => format!("raised by {by}"),
        Change::Subtract(by) => format!("lowered by {by}"),
        Change::Set(to) => format!("set to {to}"),
        Change::Invent => "invented".to_owned(),
        Change::Recall => "as in its first such message".to_owned(),
        Change::Claim(other) => {
            return match field {
                "signer" => format!("in the name of {other}"),
                _ => format!("with `{field}` {other}"),
            };
        }
        Change::Graft => "invented, under a signature for something else".to_owned(),
        Change::Empty => "empty".to_owned(),
        Change::DropFirst => "without its first entry".to_owned(),
        Change::DropLast => "without its last entry".to_owned(),
        Change::Repeat => "containing its first entry twice".to_owned(),
        Change::AllAlike => "containing only copies of its first entry".to_owned(),
        Change::Join => "with its last entry in the sender's own name".to_owned(),
        Change::Forge => "containing garbage signatures".to_owned(),
    };
    format!("with `{field}` {how}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::Lost;
    use byzsim_core::{Span, Time};

    fn at(ms: u64) -> Option<Moment> {
        Some(Moment::At(Time::ZERO + Span::from_millis(ms)))
    }

    fn when(event: Reported, seq: Option<u64>, view: Option<u64>) -> Option<Moment> {
        let (seq, view) = (seq.map(Range::only), view.map(Range::only));
        Some(Moment::When(Trigger { node: Some(NodeId::Replica(2)), event, view, seq, count: 1 }))
    }

    fn of_kind(kind: &str) -> Pattern {
        Pattern { kinds: vec![kind.to_owned()], ..Pattern::default() }
    }

    fn says(start: Option<Moment>, end: Option<Moment>, action: Action, words: &str) {
        assert_eq!(Fault { note: None, start, end, action }.in_words(), words);
    }

    const R0: NodeId = NodeId::Replica(0);
    const R1: NodeId = NodeId::Replica(1);
    const R3: NodeId = NodeId::Replica(3);
    const C0: NodeId = NodeId::Client(0);

    #[test]
    fn what_strikes_the_network_is_said_in_sentences() {
        let first = Some(Range::only(1));
        let from_r0 = Pattern { from: vec![R0], view: first, ..of_kind("view-change") };
        let hold = Action::Hold(from_r0);
        let words = "view-change messages from r0 in view 1 are held for as long as the network \
                     allows";
        says(None, None, hold, words);
        let drop = Action::Drop(Pattern { to: vec![R1, R3, C0], nth: first, ..of_kind("prepare") });
        let words =
            "from 5ms on, prepare messages to r1, r3 and c0 (the 1st only) are lost until 90ms";
        says(at(5), at(90), drop, words);
        let part = |one_way, lose| Action::Partition { groups: vec![vec![R0]], one_way, lose };
        let words = "messages from r0 to other nodes are held until 9ms";
        says(None, at(9), part(true, false), words);
        let words = "messages between r0 and other nodes are lost";
        says(None, None, part(false, true), words);
        let words = "from 1ms on, r1 is down and restarts at 2ms";
        says(at(1), at(2), Action::Crash(R1), words);
        let words = "from 1ms on, r1 crashes after 2 of the messages that it has to send, and \
                     restarts at 2ms";
        says(at(1), at(2), Action::CrashMidway { node: R1, after: 2 }, words);
        let words = "r1 crashes when it sent something, and restarts at 2ms without what it wrote \
                     for that";
        says(None, at(2), Action::Forget { node: R1, loses: Lost::LastWrite, after: None }, words);
        let (messages, by) = (of_kind("prepare"), Span::from_millis(5));
        let reorder = Action::Reorder { messages, within: 3, by };
        let words = "prepare messages that a link carries within 5ms arrive in reverse order, up \
                     to 3 at a time";
        says(None, None, reorder, words);
        let drift = Action::Drift { node: R1, ppm: -45_000 };
        says(None, None, drift, "the timers of r1 run 4.5 % fast");
    }

    #[test]
    fn what_corrupted_nodes_do_is_said_in_sentences() {
        let (start, end) = (
            when(Reported::Committed, Some(3), Some(0)),
            when(Reported::EnteredView, None, Some(1)),
        );
        let words = "once r2 commits slot 3 in view 0, r0 sends nothing until r2 enters view 1";
        says(start, end, Action::Mute(R0), words);
        let messages = Pattern { view: Some(Range::only(1)), ..Pattern::default() };
        let lie = Action::Lie { node: R3, lie: "deny-history".into(), messages };
        says(None, None, lie, "r3 tells the lie `deny-history` to everyone in view 1");
        let by = Span::from_millis(20);
        let lag = Action::Lag { node: R0, messages: of_kind("commit"), by };
        says(None, None, lag, "r0 sends its commit messages 20ms late");
        let (messages, field) = (of_kind("view-change"), "prepared".to_owned());
        let mutate = Action::Mutate { node: R3, messages, field, change: Change::DropLast };
        let words = "r3 sends its view-change messages with `prepared` without its last entry";
        says(None, None, mutate, words);
        let (messages, to) = (of_kind("prepare"), vec![R1]);
        let replay = Action::Replay { node: R3, messages, to, heard: true };
        let words = "from 7ms on, r3 repeats to r1 what it received: prepare messages";
        says(at(7), None, replay, words);
        let (left, right) = (vec![R1], vec![R3, C0]);
        let twins = Action::Twins { node: R0, left, right, splits: Vec::new() };
        let words = "r0 runs as two copies under one key: one communicates with r1, the other with \
                     r3 and c0";
        says(None, None, twins, words);
    }

    #[test]
    fn a_class_names_each_kind_of_fault_once() {
        let fault = |action| Fault { note: None, start: None, end: None, action };
        let node = NodeId::Replica(3);
        let lie = Action::Lie { node, lie: "deny-history".into(), messages: Pattern::default() };
        let hold = Action::Hold(of_kind("view-change"));
        let faults = vec![fault(lie), fault(hold.clone()), fault(hold), fault(Action::Mute(node))];
        let plan = Plan { faults };
        assert_eq!(plan.class(), "hold view-change + lie deny-history + mute");
        assert_eq!(Plan::default().class(), "no fault");
    }
}
