//! Cancellation: whoever waits for long work can ask it to end early.

use std::fmt;
use std::ops::ControlFlow;

/// A question that long work asks between two runs: whether to end early. What is finished by then
/// is kept, and says that it is not all.
#[derive(Clone, Copy)]
pub struct Cancel<'a>(Option<&'a (dyn Fn() -> bool + Sync)>);

impl<'a> Cancel<'a> {
    /// Nobody asks.
    pub const NEVER: Self = Self(None);

    /// Ends what is under way once `asked` says so.
    pub const fn when(asked: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self(Some(asked))
    }

    /// Whether to end early.
    pub fn is_asked(self) -> bool {
        self.0.is_some_and(|asked| asked())
    }

    /// The same, for work that shows its results one by one.
    pub fn flow(self) -> ControlFlow<()> {
        if self.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl fmt::Debug for Cancel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Cancel::when" } else { "Cancel::NEVER" })
    }
}
