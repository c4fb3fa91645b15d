//! The event queue: one total order, by (time, insertion number).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

/// Events in the order of their times; events of one time in the order of their insertion.
///
/// ```
/// use byzsim_core::{EventQueue, Time};
/// let mut queue = EventQueue::default();
/// queue.push(Time::from_nanos(5), "late");
/// queue.push(Time::from_nanos(1), "early");
/// queue.push(Time::from_nanos(5), "later");
/// assert_eq!(queue.pop(), Some((Time::from_nanos(1), "early")));
/// assert_eq!(queue.pop(), Some((Time::from_nanos(5), "late")));
/// assert_eq!(queue.now(), Time::from_nanos(5));
/// ```
#[derive(Debug)]
pub struct EventQueue<E> {
    /// The order, apart from the events: what the heap moves stays small.
    heap: BinaryHeap<Reverse<Key>>,
    slots: Vec<Option<E>>,
    free: Vec<u64>,
    inserted: u64,
    now: Time,
}

/// When an event happens (64 bits), the number of its insertion (40), and its place among the slots
/// (24): one integer, as a heap does little but compare. No two numbers are the same, so the place
/// never decides.
type Key = u128;

const PLACE_BITS: u32 = 24;

/// The bits of a key from `low` on, as many as `bits`.
fn part(key: Key, low: u32, bits: u32) -> u64 {
    u64::try_from(key >> low & ((1 << bits) - 1)).expect("a part has 64 bits at most")
}

fn time_of(key: Key) -> Time {
    Time::from_nanos(part(key, u64::BITS, u64::BITS))
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            inserted: 0,
            now: Time::ZERO,
        }
    }
}

impl<E> EventQueue<E> {
    /// Inserts an event.
    ///
    /// # Panics
    /// If 2^24 events wait already, or 2^40 were inserted.
    pub fn push(&mut self, time: Time, event: E) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u64 - 1
        });
        assert!(place >> PLACE_BITS == 0, "fewer than 2^24 events wait at once");
        assert!(self.inserted >> (u64::BITS - PLACE_BITS) == 0, "fewer than 2^40 events");
        let key = Key::from(time.nanos()) << u64::BITS
            | Key::from(self.inserted) << PLACE_BITS
            | Key::from(place);
        *self.slot(place) = Some(event);
        self.heap.push(Reverse(key));
        self.inserted += 1;
    }

    fn slot(&mut self, place: u64) -> &mut Option<E> {
        &mut self.slots[usize::try_from(place).expect("below 2^24")]
    }

    /// The time of the event that was taken out last.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The time of the first event.
    pub fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(key)| time_of(*key))
    }

    /// Takes out the first event: it is now its time.
    ///
    /// # Panics
    /// If the event was inserted for a time that had passed.
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse(key) = self.heap.pop()?;
        let (time, place) = (time_of(key), part(key, 0, PLACE_BITS));
        assert!(self.now <= time, "time runs forward");
        self.now = time;
        self.free.push(place);
        let event = self.slot(place).take().expect("a queued slot holds its event");
        Some((time, event))
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
