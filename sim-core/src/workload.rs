//! The operations that clients ask for.

use crate::history::{Operation, Text};
use crate::id::NodeId;
use crate::rng::{Purpose, SimRng};
use crate::time::{Span, Time};

/// The operations of each client, which it issues one at a time: the next one when the last one is
/// answered (a closed loop), or when it arrives (an open one).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// The operations of each client, in order.
    pub operations: Vec<Vec<Operation>>,
    /// How long a client waits between an answer and its next operation.
    pub think: Span,
    /// When the operations of each client arrive, in order; empty if they do not arrive on their
    /// own. A protocol's client has one request at a time, so an operation that arrives while
    /// another one is open waits at its client.
    pub arrivals: Vec<Vec<Time>>,
    /// Whether a correct client reads every key of these operations when the correct clients are
    /// done, the network is synchronous, and the faults that end are over: without these reads
    /// nobody might ever see what was written last.
    pub audit: bool,
}

/// Draws when operations arrive: of each client so many as `counts` says, with a gap between
/// `least` and `most` before each, the first one included.
pub fn arrivals(seed: u64, counts: &[usize], [least, most]: [Span; 2]) -> Vec<Vec<Time>> {
    let of_client = |(client, count): (u32, &usize)| {
        let mut rng = SimRng::new(seed, Purpose::Arrivals, client);
        let mut now = Time::ZERO;
        let next = |_| {
            now += Span::from_nanos(rng.between(least.nanos(), most.nanos()));
            now
        };
        (0..*count).map(next).collect()
    };
    (0..).zip(counts).map(of_client).collect()
}

/// Draws `count` operations for each of `clients` clients on `keys` keys.
///
/// Every value is written only once, so that a read identifies the write that it saw.
pub fn draw(seed: u64, clients: u16, count: u32, keys: u16) -> Vec<Vec<Operation>> {
    assert!(0 < keys, "operations need a key");
    let mut last_written: Vec<Option<Text>> = vec![None; usize::from(keys)];
    let mut operations: Vec<Vec<Operation>> = vec![Vec::new(); usize::from(clients)];
    // Clients take turns, so that the values that a compare-and-swap expects are of its time.
    let mut rngs: Vec<SimRng> =
        (0..clients).map(|i| SimRng::new(seed, Purpose::Workload, u32::from(i))).collect();
    for number in 0..count {
        for client in 0..clients {
            let rng = &mut rngs[usize::from(client)];
            let place = rng.between(0, u64::from(keys) - 1);
            let key = Text::from(format!("k{place}"));
            let value = Text::from(format!("{}.{number};", NodeId::Client(client)));
            let last = &mut last_written[usize::try_from(place).expect("a small number")];
            let operation = match rng.between(0, 9) {
                0..=3 => Operation::Get { key },
                4..=5 => Operation::Put { key, value: value.clone() },
                6..=7 => Operation::Append { key, value: value.clone() },
                _ => Operation::Cas { key, expected: last.clone(), new: value.clone() },
            };
            if !matches!(operation, Operation::Get { .. }) {
                *last = Some(value);
            }
            operations[usize::from(client)].push(operation);
        }
    }
    operations
}
