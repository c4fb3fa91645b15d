//! Simpler faults: the same fault with a shorter description or with less effect.

use byzsim_adversaries::{
    Action, Change, Fault, Groups, Lost, Moment, Parts, Pattern, Range, Trigger,
};
use byzsim_core::Time;

use super::candidate::{Candidate, Run};
use super::shorter::{earlier, shorter};

/// A change of one fault, in words and as a value.
type Simpler = (String, Fault);

/// Makes single faults simpler, each in all ways.
pub(super) fn simpler(run: Run<'_>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (place, fault) in run.file.faults.faults.iter().enumerate() {
        let mut changes = Changes { fault, list: Vec::new() };
        changes.window();
        changes.messages();
        changes.extent();
        changes.plainer_crash();
        let name = fault.action.label();
        candidates.extend(changes.list.into_iter().map(|(what, fault)| {
            let what = format!("fault `{name}`: {what}");
            run.after(what, |file| file.faults.faults[place] = fault)
        }));
    }
    candidates
}

struct Changes<'a> {
    fault: &'a Fault,
    list: Vec<Simpler>,
}

impl Changes<'_> {
    fn push(&mut self, what: impl Into<String>, change: impl FnOnce(&mut Fault)) {
        let mut fault = self.fault.clone();
        change(&mut fault);
        self.list.push((what.into(), fault));
    }

    fn push_messages(&mut self, what: impl Into<String>, change: impl FnOnce(&mut Pattern)) {
        self.push(what, |fault| {
            change(fault.action.parts().messages.expect("a fault that is about messages"));
        });
    }

    fn push_parts(&mut self, what: impl Into<String>, change: impl FnOnce(Parts<'_>)) {
        self.push(what, |fault| change(fault.action.parts()));
    }

    /// Without start or end; with plainer triggers; with an earlier end.
    fn window(&mut self) {
        if self.fault.start.is_some() {
            self.push("its start", |fault| fault.start = None);
        }
        if self.fault.end.is_some() {
            self.push("its end", |fault| fault.end = None);
        }
        if let Some(Moment::When(trigger)) = &self.fault.start {
            for (what, plainer) in plainer(trigger) {
                self.push(format!("{what} of its start"), |fault| {
                    fault.start = Some(Moment::When(plainer));
                });
            }
        }
        if let Some(Moment::When(trigger)) = &self.fault.end {
            for (what, plainer) in plainer(trigger) {
                self.push(format!("{what} of its end"), |fault| {
                    fault.end = Some(Moment::When(plainer));
                });
            }
        }
        if let Some(Moment::At(start)) = self.fault.start {
            for sooner in earlier(Time::ZERO, start).into_iter().filter(|it| *it != Time::ZERO) {
                let what = format!("part of the time before its start (now {sooner})");
                self.push(what, |fault| fault.start = Some(Moment::At(sooner)));
            }
        }
        let Some(Moment::At(end)) = self.fault.end else { return };
        let start = match self.fault.start {
            Some(Moment::At(start)) => start,
            Some(Moment::When(_)) | None => Time::ZERO,
        };
        for sooner in earlier(start, end).into_iter().filter(|sooner| *sooner != start) {
            let what = format!("part of the time before its end (now {sooner})");
            self.push(what, |fault| fault.end = Some(Moment::At(sooner)));
        }
    }

    /// About fewer messages, or about messages that are named in fewer words.
    fn messages(&mut self) {
        let mut action = self.fault.action.clone();
        let node = action.corrupts();
        let Parts { messages, lie, .. } = action.parts();
        let Some(messages) = messages else { return };
        // A lie names its kind of message, and a corrupted node is the only sender.
        if lie.is_some() && !messages.kinds.is_empty() {
            self.push_messages("its kinds", |messages| messages.kinds.clear());
        }
        if !messages.from.is_empty() && node.is_some_and(|node| messages.from == [node]) {
            self.push_messages("its sender", |messages| messages.from.clear());
        }
        self.fewer("kind", messages.kinds.len(), |messages| &mut messages.kinds);
        self.fewer("sender", messages.from.len(), |messages| &mut messages.from);
        self.fewer("receiver", messages.to.len(), |messages| &mut messages.to);
        self.narrower("view", messages.view, |messages| &mut messages.view);
        self.narrower("slots", messages.seq, |messages| &mut messages.seq);
        self.narrower("count", messages.nth, |messages| &mut messages.nth);
    }

    /// One fewer in a list; or no list, where it has several: that means all. The last one stays:
    /// a fault that names it says more than one that hits everything.
    fn fewer<T>(&mut self, noun: &str, count: usize, list: fn(&mut Pattern) -> &mut Vec<T>) {
        if count < 2 {
            return;
        }
        for place in 0..count {
            self.push_messages(format!("one {noun}"), |messages| {
                list(messages).remove(place);
            });
        }
        self.push_messages(format!("its {noun}s (now all)"), |messages| list(messages).clear());
    }

    /// Without a range of numbers, or with a shorter one.
    fn narrower(
        &mut self,
        noun: &str,
        range: Option<Range>,
        of: fn(&mut Pattern) -> &mut Option<Range>,
    ) {
        let Some(Range { min, max }) = range else { return };
        self.push_messages(format!("its {noun}"), |messages| *of(messages) = None);
        if min == max {
            return;
        }
        let middle = min + (max - min) / 2;
        for (min, max) in [(min, min), (max, max), (min, middle), (middle + 1, max)] {
            let shorter = Range { min, max };
            let what = format!("part of its {noun} (now {shorter})");
            self.push_messages(what, |messages| *of(messages) = Some(shorter));
        }
    }

    /// Less of each part that a fault may have: shorter delays, smaller groups, less drift.
    fn extent(&mut self) {
        let mut action = self.fault.action.clone();
        // No part is left out by `..`: one that is new must be given a way to shrink, or a reason.
        let Parts {
            field,
            delay,
            within,
            copy_after,
            to,
            drift,
            groups,
            extras,
            // These say what the fault is, or `messages` and `plainer_crash` look at them.
            after: _,
            owner: _,
            messages: _,
            lie: _,
            heard: _,
        } = action.parts();
        for shorter in delay.or(copy_after).map_or_else(Vec::new, |span| shorter(*span)) {
            self.push_parts(format!("part of its delay (now {shorter})"), |parts| {
                *parts.delay.or(parts.copy_after).expect("it has one") = shorter;
            });
        }
        let within = within.map_or(0, |within| *within);
        for smaller in [2, within / 2].into_iter().filter(|it| (2..within).contains(it)) {
            self.push_parts(format!("some of its bound, now {smaller}"), |parts| {
                *parts.within.expect("it has a bound") = smaller;
            });
        }
        let splits = if let Groups::Twins(_, _, splits) = &groups { splits.len() } else { 0 };
        for (number, group) in groups.lists().into_iter().enumerate() {
            for (place, node) in group.iter().enumerate() {
                self.push_parts(format!("{node} in a group"), |parts| {
                    parts.groups.take_out(number, place);
                });
            }
        }
        for (number, (what, _)) in extras.iter().enumerate().filter(|(_, (_, extra))| **extra) {
            self.push_parts(*what, |mut parts| *parts.extras[number].1 = false);
        }
        if let Some(ppm) = drift.filter(|ppm| 1 < ppm.unsigned_abs()) {
            self.push_parts("half of its drift", |parts| {
                *parts.drift.expect("it drifts") = *ppm / 2;
            });
        }
        if let Some((_, change)) = field
            && let Some(simpler) = simpler_change(change)
        {
            self.push_parts("part of its change (now 1)", |parts| {
                *parts.field.expect("it changes a field").1 = simpler;
            });
        }
        for place in 0..to.map_or(0, |to| if 1 < to.len() { to.len() } else { 0 }) {
            self.push_parts("one receiver", |parts| {
                parts.to.expect("it has addressees").remove(place);
            });
        }
        for place in 0..splits {
            self.push_parts("one split", |parts| {
                if let Groups::Twins(_, _, splits) = parts.groups {
                    splits.remove(place);
                }
            });
        }
        // A node that withholds everything is silent.
        if let Action::Omit { node, messages } = &self.fault.action
            && *messages == Pattern::default()
        {
            let mute = Action::Mute(*node);
            self.push("its empty pattern (now `mute`)", |fault| fault.action = mute);
        }
    }
}

impl Changes<'_> {
    /// A plainer crash: one that loses less, that comes between two inputs, or sooner.
    fn plainer_crash(&mut self) {
        let count = self.fault.clone().action.parts().after.map_or(0, |after| *after);
        let mut counts = [0, count / 2, count.saturating_sub(1)].to_vec();
        counts.retain(|fewer| *fewer < count);
        counts.dedup();
        for fewer in counts {
            self.push_parts(format!("some of the messages before its crash (now {fewer})"), |it| {
                *it.after.expect("it counts messages") = fewer;
            });
        }
        let plainer = match self.fault.action {
            Action::CrashMidway { node, .. } => vec![Action::Crash(node)],
            Action::Forget { node, loses: Lost::Everything, after } => {
                let midway = after.map(|after| Action::CrashMidway { node, after });
                let at_once =
                    after.map(|_| Action::Forget { node, loses: Lost::Everything, after: None });
                let less = Action::Forget { node, loses: Lost::LastWrite, after };
                [Some(Action::Crash(node)), midway, at_once, Some(less)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Action::Forget { node, loses: Lost::LastWrite, after } => {
                let midway = Action::CrashMidway { node, after: after.unwrap_or(0) };
                vec![Action::Crash(node), midway]
            }
            Action::Hold(_)
            | Action::Delay { .. }
            | Action::Drop(_)
            | Action::Duplicate { .. }
            | Action::Partition { .. }
            | Action::Crash(_)
            | Action::Drift { .. }
            | Action::Mute(_)
            | Action::Omit { .. }
            | Action::Lag { .. }
            | Action::Lie { .. }
            | Action::Twins { .. }
            | Action::Mutate { .. }
            | Action::Replay { .. }
            | Action::Relay { .. }
            | Action::Rush(_)
            | Action::Reorder { .. } => Vec::new(),
        };
        for action in plainer {
            let what = format!("part of its crash (now `{}`)", action.name());
            self.push(what, |fault| fault.action = action);
        }
    }
}

/// A change of a number by 1, in place of one by more.
const fn simpler_change(change: &Change) -> Option<Change> {
    match change {
        Change::Add(2..) => Some(Change::Add(1)),
        Change::Subtract(2..) => Some(Change::Subtract(1)),
        Change::Add(_)
        | Change::Subtract(_)
        | Change::Set(_)
        | Change::Invent
        | Change::Recall
        | Change::Claim(_)
        | Change::Empty
        | Change::DropFirst
        | Change::DropLast
        | Change::Repeat
        | Change::AllAlike
        | Change::Graft
        | Change::Forge
        | Change::Join => None,
    }
}

/// Plainer triggers: each lacks one of the conditions of this one.
fn plainer(trigger: &Trigger) -> Vec<(&'static str, Trigger)> {
    let mut plainer = Vec::new();
    if trigger.count != 1 {
        plainer.push(("the count", Trigger { count: 1, ..trigger.clone() }));
    }
    if trigger.node.is_some() {
        plainer.push(("the node", Trigger { node: None, ..trigger.clone() }));
    }
    if trigger.view.is_some() {
        plainer.push(("the view", Trigger { view: None, ..trigger.clone() }));
    }
    if trigger.seq.is_some() {
        plainer.push(("the number", Trigger { seq: None, ..trigger.clone() }));
    }
    plainer
}
