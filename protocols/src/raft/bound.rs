//! Within which time an operation of a correct client completes.
//!
//! Drawn timeouts give no certain bound: votes may be split again and again, and only grow less
//! likely to be (§5.2). The bound is chosen such that it is exceeded by chance less than once in
//! 10^12 operations.

use byzsim_core::{Committee, Span};

use super::Params;

/// e^-28 < 10^-12.
const EXPONENT: u128 = 28;

/// *Electing.* In each *round*, the time of the longest timeout and what an election takes, some
/// server stands whose log is as far as that of any server that is up: nobody that is up has a
/// reason to refuse it. It is elected unless another one stands within 2Δ before or after it: while
/// its request and the votes are under way. The others draw their timeouts independently, each from
/// a range as long as T; so one of them stands within these 4Δ with a chance of at most 4Δ/T, and
/// the round succeeds with p >= (1 - 4Δ/T)^(n-1). After 28/p rounds all have failed with a chance
/// below (1 - p)^(28/p) < e^-28 < 10^-12. If T <= 4Δ the paper promises nothing, and neither does
/// this.
///
/// *Repairing.* The leader goes back in a follower's log by one term in a round trip, and there are
/// no more terms than elections since the start; then it sends what is missing, batch by batch.
///
/// *Asking.* The client tries one server after the other, and finds the leader when it asks it, or
/// one that knows it.
pub(super) fn liveness(
    committee: Committee,
    params: &Params,
    delta: Span,
    asynchrony: Span,
) -> Span {
    let timeout = params.election_timeout;
    let longest = params.election_timeout_max();
    let others = u32::from(committee.replicas.saturating_sub(1));
    let rounds = rounds(timeout.nanos(), (delta * 4).nanos(), others);
    // Asking beforehand takes a round trip more, and who heard of a leader minds for T.
    let round = longest + timeout + delta * 8;
    let terms = asynchrony.nanos() / timeout.nanos() + 4;
    let batches = 64;
    let repairing = (params.heartbeat + delta * 2) * (terms + batches);
    let gathering = params.batch_delay.unwrap_or_default();
    let asking =
        params.client_timeout * (u64::from(committee.replicas) + 2) + delta * 6 + gathering;
    round * rounds + repairing + asking
}

/// 28/p for p = ((timeout - window)/timeout)^others, rounded up; as many as there are if p is 0.
fn rounds(timeout: u64, window: u64, others: u32) -> u64 {
    /// The unit in which chances are counted.
    const ONE: u128 = 1 << 40;
    let free = u128::from(timeout.saturating_sub(window));
    let step = |chance: u128, _| chance * free / u128::from(timeout.max(1));
    let chance = (0..others).fold(ONE, step);
    let rounds = (EXPONENT * ONE).checked_div(chance).unwrap_or(u128::from(u64::MAX));
    u64::try_from(rounds).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_the_network_and_the_more_servers_the_more_rounds() {
        assert_eq!(rounds(500, 0, 4), 29, "votes are never split");
        assert_eq!(rounds(500, 250, 2), 4 * 28 + 1, "p = 1/4");
        assert_eq!(rounds(500, 500, 2), u64::MAX, "nothing is promised");
        assert!(rounds(500, 100, 2) < rounds(500, 100, 4));
    }
}
