//! Simpler faults: the same fault in fewer words, or with less effect.

use byzsim_adversaries::{Action, Change, Fault, Moment, Pattern, Range, Trigger};
use byzsim_core::{NodeId, Time};

use super::steps::{Candidate, Run, earlier, shorter};

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
        let name = fault.action.class();
        candidates.extend(changes.list.into_iter().map(|(what, fault)| {
            let what = format!("of fault `{name}`: {what}");
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
            change(fault.action.messages_mut().expect("a fault that is about messages"));
        });
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
                let what = format!("time before its start, now {sooner}");
                self.push(what, |fault| fault.start = Some(Moment::At(sooner)));
            }
        }
        let Some(Moment::At(end)) = self.fault.end else { return };
        let start = match self.fault.start {
            Some(Moment::At(start)) => start,
            Some(Moment::When(_)) | None => Time::ZERO,
        };
        for sooner in earlier(start, end).into_iter().filter(|sooner| *sooner != start) {
            let what = format!("time before its end, now {sooner}");
            self.push(what, |fault| fault.end = Some(Moment::At(sooner)));
        }
    }

    /// About fewer messages, or about messages that are named in fewer words.
    fn messages(&mut self) {
        let mut action = self.fault.action.clone();
        let is_lie = matches!(action, Action::Lie { .. });
        let node = action.corrupts();
        let Some(messages) = action.messages_mut() else { return };
        // A lie names its kind of message, and a corrupted node is the only sender.
        if is_lie && !messages.kinds.is_empty() {
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
        self.push_messages(format!("its {noun}s, now all"), |messages| list(messages).clear());
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
            let what = format!("some of its {noun}, now {shorter}");
            self.push_messages(what, |messages| *of(messages) = Some(shorter));
        }
    }

    /// Shorter delays, smaller groups, less drift.
    fn extent(&mut self) {
        let mut action = self.fault.action.clone();
        if let Some(span) = action.span_mut().copied() {
            for shorter in shorter(span) {
                self.push(format!("some of its delay, now {shorter}"), |fault| {
                    *fault.action.span_mut().expect("it has one") = shorter;
                });
            }
        }
        for (number, group) in action.groups_mut().into_iter().enumerate() {
            for place in 0..group.len() {
                let node: NodeId = group[place];
                self.push(format!("{node} in a group"), |fault| {
                    fault.action.groups_mut()[number].remove(place);
                    if let Action::Partition { groups, .. } = &mut fault.action {
                        groups.retain(|group| !group.is_empty());
                    }
                });
            }
        }
        self.plainer_action();
    }

    fn push_change(&mut self, simpler: Change) {
        self.push("some of its change, now 1", |fault| {
            if let Action::Mutate { change, .. } = &mut fault.action {
                *change = simpler;
            }
        });
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only these have something of their own")]
    fn plainer_action(&mut self) {
        match &self.fault.action {
            Action::Partition { groups, one_way, lose } => {
                let part =
                    |one_way, lose| Action::Partition { groups: groups.clone(), one_way, lose };
                if *lose {
                    let kept = part(*one_way, false);
                    self.push("its loss", |fault| fault.action = kept);
                }
                if *one_way {
                    let both = part(false, *lose);
                    self.push("its direction", |fault| fault.action = both);
                }
            }
            Action::Drift { node, ppm } if 1 < ppm.unsigned_abs() => {
                let half = Action::Drift { node: *node, ppm: ppm / 2 };
                self.push("half of its drift", |fault| fault.action = half);
            }
            Action::Mutate { change: Change::Add(2..), .. } => {
                self.push_change(Change::Add(1));
            }
            Action::Mutate { change: Change::Subtract(2..), .. } => {
                self.push_change(Change::Subtract(1));
            }
            Action::Replay { to, .. } if 1 < to.len() => {
                for place in 0..to.len() {
                    self.push("one addressee", |fault| {
                        if let Action::Replay { to, .. } = &mut fault.action {
                            to.remove(place);
                        }
                    });
                }
            }
            Action::Twins { splits, .. } => {
                for place in 0..splits.len() {
                    self.push("one split", |fault| {
                        if let Action::Twins { splits, .. } = &mut fault.action {
                            splits.remove(place);
                        }
                    });
                }
            }
            // Who withholds everything is silent.
            Action::Omit { node, messages } if *messages == Pattern::default() => {
                let mute = Action::Mute(*node);
                self.push("words, now `mute`", |fault| fault.action = mute);
            }
            _ => {}
        }
    }
}

/// Milestones that say less.
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
