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
    heap: BinaryHeap<Reverse<(Time, u64, u32)>>,
    slots: Vec<Option<E>>,
    free: Vec<u32>,
    inserted: u64,
    now: Time,
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
    pub fn push(&mut self, time: Time, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 events wait at once")
            }
        };
        self.slots[slot as usize] = Some(event);
        self.heap.push(Reverse((time, self.inserted, slot)));
        self.inserted += 1;
    }

    /// The time of the event that was taken out last.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The time of the first event.
    pub fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((time, ..))| *time)
    }

    /// Takes out the first event: it is now its time.
    ///
    /// # Panics
    /// If the event was inserted for a time that had passed.
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse((time, _, slot)) = self.heap.pop()?;
        assert!(self.now <= time, "time runs forward");
        self.now = time;
        self.free.push(slot);
        let event = self.slots[slot as usize].take().expect("a queued slot holds its event");
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
