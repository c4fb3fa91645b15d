//! How long a replica waits for a view: timeouts that double with each view that fails.

use byzsim_core::Span;

/// The views that failed in a row, and the view that has yet to prove that it works.
///
/// Castro–Liskov §4.4 and §4.5.2, and Zyzzyva like it: the wait for a view begins when a quorum
/// asks for it, each view that fails doubles the timeout, and a view that works takes it back to
/// where it began. Views are then long enough at some point, and no longer than they must be.
///
/// ```
/// use byzsim_core::Span;
/// use byzsim_protocols::shared::patience::Patience;
///
/// let second = Span::from_secs(1);
/// let mut patience = Patience::default();
/// assert!(patience.await_view(1), "the timer for view 1 is to be started");
/// assert!(!patience.await_view(1), "once");
/// patience.view_failed();
/// assert_eq!(patience.timeout(second), Span::from_secs(2));
///
/// patience.enter(2);
/// patience.time_out(2);
/// assert_eq!(patience.timeout(second), Span::from_secs(4), "view 2 never made progress: it failed");
///
/// patience.enter(3);
/// patience.note_progress();
/// patience.time_out(3);
/// assert_eq!(patience.timeout(second), Span::from_secs(4), "a view that worked did not fail yet");
/// patience.recover();
/// assert_eq!(patience.timeout(second), second);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// How many views failed since one worked.
    failed_views: u32,
    /// The view that is awaited, or entered and without progress so far.
    on_trial: Option<u64>,
}

impl Patience {
    /// The timeout, doubled for each view that failed.
    pub fn timeout(&self, base: Span) -> Span {
        base.doubled(self.failed_views)
    }

    /// A quorum asks for `view`: whether the timer for it is to be started. It is started once.
    pub fn await_view(&mut self, view: u64) -> bool {
        self.on_trial.replace(view) != Some(view)
    }

    /// The replica left its view, or the way to one: it waits for none.
    pub const fn leave(&mut self) {
        self.on_trial = None;
    }

    /// The replica entered `view`, which has yet to prove that it works.
    pub const fn enter(&mut self, view: u64) {
        self.on_trial = Some(view);
    }

    /// The view that was entered made progress.
    pub const fn note_progress(&mut self) {
        self.on_trial = None;
    }

    /// A request was not served in time in `view`. If the view never made progress, it failed; one
    /// that worked did not fail yet.
    pub fn time_out(&mut self, view: u64) {
        if self.on_trial == Some(view) {
            self.on_trial = None;
            self.view_failed();
        }
    }

    /// A view failed.
    pub const fn view_failed(&mut self) {
        self.failed_views = self.failed_views.saturating_add(1);
    }

    /// A view works: the timeout falls back to where it began.
    pub const fn recover(&mut self) {
        self.failed_views = 0;
    }
}
