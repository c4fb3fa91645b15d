//! Whether a plan makes sense for a committee and a protocol; if not, which fault, why, and what
//! would have been right.

use std::fmt;

use byzsim_core::{Committee, Field, Lie, Message, NodeId, Span};

use crate::action::{Action, Parts};
use crate::descriptor::{Descriptor, Strikes, Window};
use crate::names;
use crate::plan::{Change, Fault, Moment, Pattern, Plan, Split, Trigger};
use crate::range::Range;

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The place of the fault in [`Plan::faults`], from 0.
    pub fault: usize,
    /// What is wrong.
    pub problem: String,
    /// What would have been right.
    pub help: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faults[{}]: {}; {}", self.fault, self.problem, self.help)
    }
}

impl std::error::Error for PlanError {}

/// The greatest drift of a clock in either direction, in parts per million.
pub const DRIFT_PPM_MAX: i32 = 900_000;

/// How many messages of a link at most change places.
pub const REORDERED_MAX: u32 = 100;

/// The shortest time in which messages change places: far more than keeps them apart.
pub const REORDERED_BY_MIN: Span = Span::from_micros(1);

/// What a protocol has names for, as far as plans use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// Its [kinds](byzsim_core::Message::KINDS) of messages.
    pub kinds: &'static [&'static str],
    /// The [lies](byzsim_core::Message::LIES) that it lists.
    pub lies: &'static [Lie],
    /// The [fields](byzsim_core::Message::FIELDS) that can be changed.
    pub fields: &'static [Field],
}

impl Vocabulary {
    /// Of these messages.
    pub const fn of<M: Message>() -> Self {
        Self { kinds: M::KINDS, lies: M::LIES, fields: M::FIELDS }
    }
}

impl Plan {
    /// Checks the plan against a committee and the vocabulary of a protocol.
    ///
    /// # Errors
    /// The first fault that makes no sense.
    ///
    /// ```
    /// use byzsim_adversaries::{Action, Fault, Plan, Vocabulary};
    /// use byzsim_core::{Committee, NodeId};
    /// let committee = Committee { replicas: 4, faults: 1, clients: 1 };
    /// let action = Action::Crash(NodeId::Replica(7));
    /// let plan = Plan { faults: vec![Fault { note: None, start: None, end: None, action }] };
    /// let vocabulary = Vocabulary { kinds: &["prepare"], lies: &[], fields: &[] };
    /// let error = plan.validate(committee, vocabulary).expect_err("there is no r7");
    /// assert_eq!(error.to_string(), "faults[0]: there is no r7; there are r0 to r3 and c0");
    /// ```
    pub fn validate(&self, committee: Committee, vocabulary: Vocabulary) -> Result<(), PlanError> {
        let judge = Judge { plan: self, committee, vocabulary };
        for place in 0..self.faults.len() {
            judge.fault(place).map_err(|Complaint { problem, help }| PlanError {
                fault: place,
                problem,
                help,
            })?;
        }
        Ok(())
    }
}

struct Complaint {
    problem: String,
    help: String,
}

type Judgement = Result<(), Complaint>;

fn refuse(problem: impl Into<String>, help: impl Into<String>) -> Judgement {
    Err(Complaint { problem: problem.into(), help: help.into() })
}

struct Judge<'a> {
    plan: &'a Plan,
    committee: Committee,
    vocabulary: Vocabulary,
}

impl Judge<'_> {
    fn fault(&self, place: usize) -> Judgement {
        let fault = &self.plan.faults[place];
        self.window(fault)?;
        let mut action = fault.action.clone();
        let Parts { owner, messages, to, heard, .. } = action.parts();
        let Descriptor { name, strikes, window, .. } = fault.action.class().descriptor();
        if let Some(node) = owner {
            self.node(*node)?;
            if let Strikes::CorrectNode { instead } = strikes {
                self.correct(*node, name, instead)?;
            }
            if window == Window::WholeRun {
                self.alone(place, *node)?;
            }
            self.crashes_midway_once(place, *node)?;
        }
        if let Some(to) = to {
            self.nodes(to)?;
        }
        match (messages, fault.action.corrupts()) {
            (None, _) => {}
            // What a corrupted node repeats may come from others; all else comes from itself.
            (Some(messages), Some(node)) if heard != Some(&mut true) => {
                self.sent_by(node, messages)?;
            }
            (Some(messages), _) => self.pattern(messages)?,
        }
        self.rules_of_its_own(fault)
    }

    /// What holds for faults of one kind only.
    fn rules_of_its_own(&self, fault: &Fault) -> Judgement {
        match &fault.action {
            Action::Hold(_)
            | Action::Delay { .. }
            | Action::Drop(_)
            | Action::Duplicate { .. }
            | Action::Mute(_)
            | Action::Omit { .. }
            | Action::Lag { .. }
            | Action::Rush(_) => Ok(()),
            Action::Reorder { within, by, .. } => reorder(*within, *by),
            Action::Partition { groups, .. } => self.partition(groups),
            Action::Crash(_) | Action::CrashMidway { .. } => Ok(()),
            Action::Forget { node, .. } if node.is_client() => {
                let help = "use `crash`, or corrupt it, such as with `twins`";
                refuse(format!("{node} is a client: only replicas can forget"), help)
            }
            Action::Forget { .. } => Ok(()),
            Action::Drift { node, ppm } => drift(*node, *ppm),
            Action::Lie { lie, messages, .. } => self.lie(lie, messages),
            Action::Mutate { messages, field, change, .. } => {
                self.mutation(field, change, messages)
            }
            Action::Replay { node, messages, to, .. } => {
                if fault.start.is_none() {
                    let help = "add a start, such as `start.at = \"500ms\"`";
                    return refuse("at the start of the run there is nothing to replay", help);
                }
                audience(*node, "replay", messages, to)
            }
            Action::Relay { node, messages, to, .. } => audience(*node, "relay", messages, to),
            Action::Twins { node, left, right, splits } => {
                self.twins(*node, (left, right), splits)?;
                let sides = |Split { left, right, .. }: &Split| self.sides(*node, left, right);
                splits.iter().try_for_each(sides)
            }
        }
    }

    fn window(&self, Fault { start, end, action, .. }: &Fault) -> Judgement {
        let lasts = action.class().descriptor().window == Window::WholeRun;
        if lasts && (start.is_some() || end.is_some()) {
            let problem = format!("`{}` lasts the whole run", action.name());
            return refuse(problem, "remove `start` and `end`");
        }
        if let (Some(Moment::At(start)), Some(Moment::At(end))) = (start, end)
            && end <= start
        {
            let problem = format!("the fault starts at {start} but ends at {end}");
            return refuse(problem, "set `end` to a time after `start`");
        }
        for moment in [start, end].into_iter().flatten() {
            if let Moment::When(trigger) = moment {
                self.trigger(trigger)?;
            }
        }
        Ok(())
    }

    fn trigger(&self, trigger: &Trigger) -> Judgement {
        let Trigger { node, event, view, seq, count } = trigger;
        if let Some(node) = node {
            self.node(*node)?;
            if node.is_client() != event.is_of_clients() {
                let who = if event.is_of_clients() { "clients" } else { "replicas" };
                let problem = format!("{node} never reports `{}`", event.name());
                return refuse(problem, format!("only {who} do"));
            }
        }
        if view.is_some() && !event.has_view() {
            return refuse(format!("a report `{}` has no view", event.name()), "remove `view`");
        }
        if seq.is_some() && !event.has_seq() {
            return refuse(format!("a report `{}` has no slot", event.name()), "remove `seq`");
        }
        if *count == 0 {
            return refuse("there is no 0th report", "count from 1");
        }
        Ok(())
    }

    fn node(&self, node: NodeId) -> Judgement {
        if self.committee.contains(node) {
            return Ok(());
        }
        let there = self.committee.in_words();
        refuse(format!("there is no {node}"), format!("there are {there}"))
    }

    fn nodes(&self, nodes: &[NodeId]) -> Judgement {
        nodes.iter().try_for_each(|node| self.node(*node))
    }

    fn pattern(&self, pattern: &Pattern) -> Judgement {
        self.nodes(&pattern.from)?;
        self.nodes(&pattern.to)?;
        for kind in &pattern.kinds {
            if !self.vocabulary.kinds.contains(&kind.as_str()) {
                return refuse(
                    format!("there is no kind `{kind}`"),
                    suggest(kind, self.vocabulary.kinds),
                );
            }
        }
        match pattern.nth {
            Some(Range { min: 0, .. }) => refuse("there is no 0th message", "count from 1"),
            _ => Ok(()),
        }
    }

    fn sent_by(&self, node: NodeId, pattern: &Pattern) -> Judgement {
        self.pattern(pattern)?;
        match pattern.from[..] {
            [] => Ok(()),
            [sender] if sender == node => Ok(()),
            _ => refuse(format!("the only sender is {node}"), "remove `from`"),
        }
    }

    fn lie(&self, name: &str, pattern: &Pattern) -> Judgement {
        let Some(lie) = self.vocabulary.lies.iter().find(|lie| lie.name == name) else {
            let names: Vec<&str> = self.vocabulary.lies.iter().map(|lie| lie.name).collect();
            return refuse(format!("there is no lie `{name}`"), suggest(name, &names));
        };
        if pattern.kinds.is_empty() || pattern.kinds.iter().any(|kind| kind == lie.kind) {
            return Ok(());
        }
        let problem = format!("the lie `{name}` does not apply to messages of these kinds");
        refuse(problem, format!("it changes `{}` messages; remove `kinds`", lie.kind))
    }

    fn mutation(&self, name: &str, change: &Change, pattern: &Pattern) -> Judgement {
        let fields = self.vocabulary.fields;
        let namesakes: Vec<&Field> = fields.iter().filter(|field| field.name == name).collect();
        if namesakes.is_empty() {
            let mut names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            names.sort_unstable();
            names.dedup();
            return refuse(format!("no message has a field `{name}`"), suggest(name, &names));
        }
        let of_kind = |kind: &str| namesakes.iter().find(|field| field.kind == kind);
        if let Some(kind) = pattern.kinds.iter().find(|kind| of_kind(kind).is_none()) {
            let has = |field: &&&Field| field.kind == kind;
            let names: Vec<&str> =
                fields.iter().filter(|field| has(&field)).map(|field| field.name).collect();
            let problem = format!("a `{kind}` message has no field `{name}` to change");
            return refuse(problem, suggest(name, &names));
        }
        if let Change::Claim(node) = change {
            self.node(*node)?;
        }
        let meant = namesakes.iter().filter(|field| {
            pattern.kinds.is_empty() || pattern.kinds.iter().any(|kind| kind == field.kind)
        });
        for Field { kind, sort, .. } in meant {
            if !change.suits(*sort) {
                let problem = format!("`{}` cannot change {}", change.name(), sort.with_article());
                return refuse(
                    problem,
                    format!("`{name}` of a `{kind}` is {}", sort.with_article()),
                );
            }
        }
        Ok(())
    }

    fn partition(&self, groups: &[Vec<NodeId>]) -> Judgement {
        groups.iter().try_for_each(|group| self.nodes(group))?;
        let mut members: Vec<NodeId> = groups.iter().flatten().copied().collect();
        members.sort_unstable();
        if let Some(pair) = members.windows(2).find(|pair| pair[0] == pair[1]) {
            return refuse(format!("{} is named twice", pair[0]), "put each node in one group");
        }
        let inhabited = groups.iter().filter(|group| !group.is_empty()).count();
        let rest = usize::from(members.len() < self.committee.len());
        if inhabited + rest < 2 || groups.first().is_none_or(Vec::is_empty) {
            let help = "leave some node out of the first group, such as in `groups = [[\"r0\"]]`";
            return refuse("the partition separates no nodes", help);
        }
        Ok(())
    }

    /// Refuses what is about correct nodes where another fault corrupts the node.
    fn correct(&self, node: NodeId, what: &str, help: &str) -> Judgement {
        let corrupts = |fault: &Fault| fault.action.corrupts() == Some(node);
        match self.plan.faults.iter().position(corrupts) {
            None => Ok(()),
            Some(place) => {
                let by = self.plan.faults[place].action.name();
                let problem = format!("{node} is corrupted by the `{by}` of faults[{place}]");
                refuse(format!("{problem}, but `{what}` is for correct nodes"), help)
            }
        }
    }

    /// Refuses a second fault of this action for the node.
    fn alone(&self, place: usize, node: NodeId) -> Judgement {
        let class = self.plan.faults[place].action.class();
        let same =
            |fault: &Fault| fault.action.owner() == Some(node) && fault.action.class() == class;
        match self.plan.faults[..place].iter().position(same) {
            None => Ok(()),
            Some(first) => {
                let problem = format!("{node} already has a `{}` fault", class.name());
                refuse(problem, format!("keep faults[{first}] or this fault"))
            }
        }
    }

    /// Refuses a second fault that lets the node crash in the middle of something, or forget: what
    /// the first awaits would be lost.
    fn crashes_midway_once(&self, place: usize, node: NodeId) -> Judgement {
        let is_one = |fault: &Fault| fault.action.crashes_midway() == Some(node);
        let faults = &self.plan.faults;
        match faults[..place].iter().position(is_one) {
            Some(first) if is_one(&faults[place]) => {
                let names = "`crash-midway` or `forget`";
                let problem = format!("{node} already has a fault {names}");
                refuse(problem, format!("keep faults[{first}] or this fault"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn twins(
        &self,
        node: NodeId,
        (left, right): (&[NodeId], &[NodeId]),
        splits: &[Split],
    ) -> Judgement {
        self.sides(node, left, right)?;
        // A client's copies differ by what they ask.
        let hear_the_same = left.is_empty() && right.is_empty() && splits.is_empty();
        if hear_the_same && !node.is_client() {
            let problem = "both copies receive the same messages, so they send the same";
            return refuse(problem, "put some nodes on `left` or `right`");
        }
        Ok(())
    }

    fn sides(&self, node: NodeId, left: &[NodeId], right: &[NodeId]) -> Judgement {
        self.nodes(left)?;
        self.nodes(right)?;
        if let Some(both) = left.iter().find(|other| right.contains(other)) {
            let help = "leave out a node that communicates with both copies";
            return refuse(format!("{both} is on both sides"), help);
        }
        if left.contains(&node) || right.contains(&node) {
            return refuse(format!("{node} is on a side of its own twins"), "remove it");
        }
        Ok(())
    }
}

/// Whom a node sends what others said, or what it said before.
fn audience(node: NodeId, what: &str, messages: &Pattern, to: &[NodeId]) -> Judgement {
    if !messages.to.is_empty() {
        let help = "to choose the receivers, write `to` beside `messages`";
        return refuse(format!("the `messages` of a {what} cannot have `to`"), help);
    }
    if !to.is_empty() && to.iter().all(|to| *to == node) {
        let help = "name other nodes in `to`, or remove it to send to all replicas";
        return refuse(format!("{node} would send only to itself"), help);
    }
    Ok(())
}

fn reorder(within: u32, by: Span) -> Judgement {
    if within < 2 {
        let help = "let at least 2 change places";
        return refuse("fewer than 2 messages cannot change places", help);
    }
    if REORDERED_MAX < within {
        let help = format!("let at most {REORDERED_MAX} change places");
        return refuse(format!("{within} messages are too many to reorder"), help);
    }
    if by < REORDERED_BY_MIN {
        let help = format!("use at least {REORDERED_BY_MIN}");
        return refuse(format!("no message overtakes another within {by}"), help);
    }
    Ok(())
}

fn drift(node: NodeId, ppm: i32) -> Judgement {
    if ppm == 0 {
        let help = "remove the fault, or use a value above 0 (slow) or below 0 (fast)";
        return refuse(format!("a drift of 0 has no effect on {node}"), help);
    }
    if !(-DRIFT_PPM_MAX..=DRIFT_PPM_MAX).contains(&ppm) {
        let help = format!("use a value from -{DRIFT_PPM_MAX} to {DRIFT_PPM_MAX}");
        return refuse(format!("a drift of {ppm} ppm is out of range"), help);
    }
    Ok(())
}

/// The names that would have been right, the nearest first if it is near.
fn suggest(wrong: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "the protocol defines none".into();
    }
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names::near(wrong, known.iter().copied()).first() {
        Some(near) => format!("did you mean `{near}`? There are {list}"),
        None => format!("there are {list}"),
    }
}
