//! Crashes of a plan: whom they strike, when they come, and what is lost.

use byzsim_core::{Crash, CrashPoint, Loss, NodeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Class};
use crate::describe::point;
use crate::plan::Moment;

/// What a replica loses that forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lost {
    /// What it wrote upon the input in which it crashes, although it sent messages that rest on it.
    LastWrite,
    /// All that it ever wrote: it starts again from its initial state.
    Everything,
}

impl Action {
    /// The node that it makes crash, which restarts when the fault ends.
    pub const fn crashes(&self) -> Option<NodeId> {
        match self.class() {
            Class::Crash | Class::CrashMidway | Class::Forget => self.owner(),
            Class::Hold
            | Class::Delay
            | Class::Drop
            | Class::Duplicate
            | Class::Partition
            | Class::Drift
            | Class::Mute
            | Class::Omit
            | Class::Lag
            | Class::Lie
            | Class::Twins
            | Class::Mutate
            | Class::Replay
            | Class::Relay
            | Class::Rush
            | Class::Reorder => None,
        }
    }

    /// The node that it makes crash in the middle of something, or forget.
    pub(crate) fn crashes_midway(&self) -> Option<NodeId> {
        self.crashes().filter(|_| self.class() != Class::Crash)
    }
}

/// A node that crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Downfall {
    pub(crate) node: NodeId,
    pub(crate) crash: Crash,
    /// Whether it came to that. A crash in the middle of something may never come.
    pub(crate) has_come: bool,
}

impl Downfall {
    pub(crate) fn new(
        node: NodeId,
        after: Option<u32>,
        loses: Option<Lost>,
        end: Option<&Moment>,
    ) -> Self {
        let point = match (after, loses) {
            (Some(count), _) => CrashPoint::AfterSending(count),
            (None, Some(Lost::LastWrite)) => CrashPoint::AfterInput,
            (None, Some(Lost::Everything) | None) => CrashPoint::Now,
        };
        let loses = match loses {
            None => Loss::Nothing,
            Some(Lost::LastWrite) => Loss::LastWrite,
            Some(Lost::Everything) => Loss::Everything,
        };
        let crash = Crash { point, loses, is_final: end.is_none() };
        Self { node, crash, has_come: false }
    }
}

/// A crash of a plan, in words.
pub(crate) fn in_words(action: &Action, end: Option<&Moment>) -> String {
    match (action, action.owner()) {
        (Action::CrashMidway { node, after }, _) => {
            format!("{node} crashes {}", restarts(&midway(*after), end, ""))
        }
        (Action::Forget { node, loses, after }, _) => forgets(*node, *loses, *after, end),
        (_, owner) => {
            let node = owner.expect("a node crashes");
            match end {
                None => format!("{node} crashes for good"),
                Some(end) => format!("{node} is down and restarts {}", point(end)),
            }
        }
    }
}

/// When a node crashes that sends only some of its messages.
fn midway(after: u32) -> String {
    match after {
        0 => "before it sends what it has to say".to_owned(),
        1 => "after 1 of the messages that it has to send".to_owned(),
        _ => format!("after {after} of the messages that it has to send"),
    }
}

/// A replica that crashes and loses what it wrote.
fn forgets(node: NodeId, loses: Lost, after: Option<u32>, end: Option<&Moment>) -> String {
    let when = match (after, loses) {
        (Some(after), _) => format!(" {}", midway(after)),
        (None, Lost::LastWrite) => " when it sent something".to_owned(),
        (None, Lost::Everything) => String::new(),
    };
    let lost = match loses {
        Lost::LastWrite => " without what it wrote for that",
        Lost::Everything => " without all that it ever wrote",
    };
    format!("{node} crashes{}", restarts(&when, end, lost))
}

/// Whether a node restarts that crashes then, and without what.
fn restarts(when: &str, end: Option<&Moment>, without: &str) -> String {
    match end {
        None => format!("{when} for good"),
        Some(end) => format!("{when}, and restarts {}{without}", point(end)),
    }
}
