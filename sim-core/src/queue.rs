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
///
/// Events that are inserted one after the other for one time, as those of a broadcast often are,
/// share a *bucket*, and the heap orders buckets. Only the bucket that took in the last event takes
/// in the next one: so the events of a bucket were inserted one after the other, and the buckets of
/// one time are in the order of their insertion, too.
#[derive(Debug)]
pub struct EventQueue<E> {
    /// The buckets, apart from their events: what the heap moves stays small.
    heap: BinaryHeap<Reverse<Key>>,
    slots: Vec<Slot<E>>,
    /// The first slot that is free.
    free: Place,
    /// The bucket that takes in events for its time, by its last slot, if there is one.
    newest: (Time, Place),
    /// The next event of the bucket that is being emptied, if there is one.
    next: Place,
    /// How many buckets were made.
    buckets: u64,
    now: Time,
}

/// The place of an event, and which slot comes after it: the next one of its bucket, or the next
/// free one.
#[derive(Debug)]
struct Slot<E> {
    event: Option<E>,
    after: Place,
}

/// The place of a slot.
type Place = u32;

/// No slot.
const NONE: Place = Place::MAX;

/// When the events of a bucket happen (64 bits), the bucket's number (40), and the place of its
/// first event (24): one integer, as a heap does little but compare. No two numbers are the same,
/// so the place never decides.
type Key = u128;

const PLACE_BITS: u32 = 24;
const NUMBER_BITS: u32 = u64::BITS - PLACE_BITS;
#[inline]
fn time_of(key: Key) -> Time {
    Time::from_nanos(u64::try_from(key >> u64::BITS).expect("the upper half of 128 bits"))
}
#[inline]
fn place_of(key: Key) -> Place {
    Place::try_from(key & ((1 << PLACE_BITS) - 1)).expect("24 bits")
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: NONE,
            newest: (Time::ZERO, NONE),
            next: NONE,
            buckets: 0,
            now: Time::ZERO,
        }
    }
}

impl<E> EventQueue<E> {
    /// Inserts an event.
    ///
    /// # Panics
    /// If 2^24 events wait already, or 2^40 times were inserted.
    #[inline]
    pub fn push(&mut self, time: Time, event: E) {
        let place = self.store(event);
        match self.newest {
            (at, last) if at == time && last != NONE => self.slot(last).after = place,
            _ => self.begin(time, place),
        }
        self.newest = (time, place);
    }

    /// Begins a bucket.
    #[inline]
    fn begin(&mut self, time: Time, place: Place) {
        assert!(self.buckets >> NUMBER_BITS == 0, "fewer than 2^40 times");
        let key = Key::from(time.nanos()) << u64::BITS
            | Key::from(self.buckets << PLACE_BITS | u64::from(place));
        self.heap.push(Reverse(key));
        self.buckets += 1;
    }

    /// Puts an event into a free slot.
    #[inline]
    fn store(&mut self, event: E) -> Place {
        let place = self.free;
        if place == NONE {
            let place = self.slots.len();
            assert!(place >> PLACE_BITS == 0, "fewer than 2^24 events wait at once");
            self.slots.push(Slot { event: Some(event), after: NONE });
            return Place::try_from(place).expect("below 2^24");
        }
        let slot = self.slot(place);
        slot.event = Some(event);
        self.free = std::mem::replace(&mut slot.after, NONE);
        place
    }

    #[inline]
    fn slot(&mut self, place: Place) -> &mut Slot<E> {
        &mut self.slots[place as usize]
    }

    /// The time of the event that was taken out last.
    #[inline]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The time of the first event.
    #[inline]
    pub fn next_time(&self) -> Option<Time> {
        if self.next != NONE {
            return Some(self.now);
        }
        self.heap.peek().map(|Reverse(key)| time_of(*key))
    }

    /// Takes out the first event: it is now its time.
    ///
    /// # Panics
    /// If the event was inserted for a time that had passed.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        if self.next == NONE {
            let Reverse(key) = self.heap.pop()?;
            let time = time_of(key);
            assert!(self.now <= time, "time runs forward");
            (self.now, self.next) = (time, place_of(key));
        }
        let (place, free) = (self.next, self.free);
        let slot = self.slot(place);
        let event = slot.event.take().expect("a queued slot holds its event");
        self.next = std::mem::replace(&mut slot.after, free);
        self.free = place;
        if self.newest.1 == place {
            // The bucket is empty: its slot is free for another event.
            self.newest.1 = NONE;
        }
        Some((self.now, event))
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.next_time().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, SimRng};
    use crate::time::Span;

    /// Against a list that is searched for its first event. Few times are in use, so that many
    /// events share one, and events come for the time that it is, while its bucket is emptied.
    #[test]
    fn it_is_a_list_that_is_sorted_by_time_and_insertion() {
        for seed in 0..200 {
            let mut rng = SimRng::new(seed, Purpose::Search, 0);
            let (mut queue, mut list) = (EventQueue::default(), Vec::new());
            let (spread, burst) = (rng.between(0, 5), rng.between(1, 6));
            for number in 0..400_u64 {
                if rng.chance(450_000) {
                    let time = queue.now() + Span::from_nanos(rng.between(0, spread));
                    for event in 0..rng.between(1, burst) {
                        queue.push(time, (number, event));
                        list.push((time, (number, event)));
                    }
                } else {
                    // The first of the least, as `min_by_key` says.
                    let first = (0..list.len()).min_by_key(|place| list[*place].0);
                    let expected = first.map(|place| list.remove(place));
                    assert_eq!(queue.next_time(), expected.map(|(time, _)| time), "seed {seed}");
                    assert_eq!(queue.pop(), expected, "seed {seed}, step {number}");
                }
                assert_eq!(queue.is_empty(), list.is_empty(), "seed {seed}, step {number}");
            }
        }
    }

    #[test]
    fn a_slot_that_is_free_is_taken_again() {
        let mut queue = EventQueue::default();
        for round in 0..100 {
            for event in 0..5 {
                queue.push(Time::from_nanos(3 * round + event / 2), event);
            }
            let all: Vec<u64> = (0..5).filter_map(|_| queue.pop()).map(|(_, it)| it).collect();
            assert_eq!(all, [0, 1, 2, 3, 4], "round {round}");
            assert_eq!(queue.pop(), None);
        }
        assert_eq!(queue.slots.len(), 5);
    }

    #[test]
    #[should_panic(expected = "time runs forward")]
    fn an_event_for_a_time_that_has_passed_is_refused() {
        let mut queue = EventQueue::default();
        queue.push(Time::from_nanos(5), ());
        queue.pop();
        queue.push(Time::from_nanos(4), ());
        queue.pop();
    }
}
