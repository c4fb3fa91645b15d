//! Requests that wait for their execution, and the timer of one of them.

use byzsim_core::{NodeId, Time};

use byzsim_core::Sorted;

/// A request by its client and timestamp.
pub type RequestId = (NodeId, u64);

/// When a request arrived; and its number, as several may arrive at one time.
pub type Arrival = (Time, u64);

/// A request that waits.
#[derive(Clone, Debug)]
pub struct Waiter<R> {
    /// When it arrived.
    pub arrival: Arrival,
    /// When its client began to wait: with this request, or with one that this one replaced.
    pub since: Arrival,
    /// t.
    pub timestamp: u64,
    /// The request.
    pub request: R,
}

/// Requests that a replica received and has not executed: of each client the last.
///
/// Castro–Liskov §4.4: a backup runs a timer while a request waits, and suspects the primary when
/// it expires. The paper leaves open which execution stops the timer. Here it runs for *one*
/// request, and stops when that one is done: a primary that served one client for ever, and starved
/// another, would otherwise never be deposed.
///
/// A client that sends a later request waits for the one before no more: it was answered, or it is
/// faulty and gave that one up. The later one is timed after all that arrived before it: otherwise
/// a faulty client, always one request ahead, would be the one that waits longest for ever, and
/// nobody else's request would be timed. If the timer runs for the one before, it stops, since the
/// primary need not order that one any more. So a client can put off the timer of its own requests
/// only. As a primary's turns go, a client keeps its place:
/// it is served once at most before the others, and who has an older request of it waits no longer
/// than for any other.
///
/// ```
/// use byzsim_core::{NodeId, Span, Time};
/// use byzsim_protocols::shared::waiting::Waiting;
///
/// let (c0, c1) = (NodeId::Client(0), NodeId::Client(1));
/// let now = Time::ZERO;
/// let mut waiting = Waiting::default();
/// assert!(waiting.add(now, (c1, 1), "earlier"));
/// assert!(waiting.add(now, (c0, 1), "of another client"));
/// waiting.start_timer((c1, 1));
/// assert!(waiting.add(now + Span::from_millis(1), (c1, 2), "later"));
/// assert!(waiting.is_timed_replaced(), "the timer is to stop");
/// assert!(waiting.stop_timer());
/// assert_eq!(waiting.oldest(), Some((c0, 1)), "the later request came after it");
/// assert_eq!(waiting.in_turn(), ["later", "of another client"]);
/// assert!(!waiting.add(now + Span::from_millis(2), (c0, 1), "of another client"), "known");
///
/// waiting.start_timer((c0, 1));
/// assert!(!waiting.retain(|client, _| client != c1), "the timer runs for another one");
/// assert!(waiting.retain(|client, _| client != c0), "the timer's request is done");
/// assert!(waiting.stop_timer());
/// assert!(waiting.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Waiting<R> {
    waiters: Sorted<NodeId, Waiter<R>>,
    /// How many requests arrived.
    arrivals: u64,
    /// The request that the timer runs for.
    timed: Option<RequestId>,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self { waiters: Sorted::default(), arrivals: 0, timed: None }
    }
}

impl<R> Waiting<R> {
    /// Adds a request, in place of an older one of its client; says whether it is new.
    pub fn add(&mut self, now: Time, (client, timestamp): RequestId, request: R) -> bool {
        let known = self.waiters.get(client);
        if known.is_some_and(|known| timestamp <= known.timestamp) {
            return false;
        }
        self.arrivals += 1;
        let arrival = (now, self.arrivals);
        let since = known.map_or(arrival, |known| known.since);
        self.waiters.insert(client, Waiter { arrival, since, timestamp, request });
        true
    }

    /// Whether the client of the request that the timer runs for has sent a later one.
    pub fn is_timed_replaced(&self) -> bool {
        let last = |client| self.waiters.get(client).map(|it| it.timestamp);
        self.timed.is_some_and(|(client, timestamp)| Some(timestamp) < last(client))
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// All that waits, by client.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Waiter<R>)> {
        self.waiters.iter()
    }

    /// The request that waits longest.
    pub fn oldest(&self) -> Option<RequestId> {
        let oldest = self.iter().min_by_key(|(_, it)| it.arrival);
        oldest.map(|(client, it)| (client, it.timestamp))
    }

    /// The requests, in the order in which their clients have their turn.
    pub fn in_turn(&self) -> Vec<R>
    where
        R: Clone,
    {
        let mut waiters: Vec<_> = self.waiters.values().collect();
        waiters.sort_unstable_by_key(|it| it.since);
        waiters.into_iter().map(|it| it.request.clone()).collect()
    }

    /// Takes the requests out, oldest first.
    pub fn take(&mut self) -> Vec<R> {
        let mut waiters: Vec<_> = std::mem::take(&mut self.waiters).into_values().collect();
        waiters.sort_unstable_by_key(|it| it.arrival);
        waiters.into_iter().map(|it| it.request).collect()
    }

    /// Keeps the requests that still wait; says whether the timer runs for one that does not.
    pub fn retain(&mut self, waits: impl Fn(NodeId, u64) -> bool) -> bool {
        self.waiters.retain(|client, it| waits(client, it.timestamp));
        self.timed.is_some_and(|(client, timestamp)| !waits(client, timestamp))
    }

    /// Whether the timer runs.
    pub const fn is_timed(&self) -> bool {
        self.timed.is_some()
    }

    /// The timer starts, for this request.
    pub const fn start_timer(&mut self, request: RequestId) {
        self.timed = Some(request);
    }

    /// The timer stops, or has expired; says whether it ran.
    pub const fn stop_timer(&mut self) -> bool {
        self.timed.take().is_some()
    }
}
