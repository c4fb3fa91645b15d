//! The probability that a request completes although messages are lost and nothing is
//! retransmitted.
//!
//! Every message is lost with probability q, independently. The probabilities are exact sums over
//! which node receives which message, instead of a Monte Carlo estimate; a test compares them with
//! a published estimate.

#![expect(clippy::float_arithmetic, reason = "probabilities of a report: no run depends on them")]

/// C(n, k).
fn choose(n: u64, k: u64) -> f64 {
    (0..k).map(|i| whole(n - i) / whole(i + 1)).product()
}

/// The probability of k successes in n trials of probability p each.
fn exactly(k: u64, n: u64, p: f64) -> f64 {
    let power = |base: f64, exponent: u64| base.powf(whole(exponent));
    choose(n, k) * power(p, k) * power(1.0 - p, n - k)
}

/// The probability of k or more.
fn at_least(k: u64, n: u64, p: f64) -> f64 {
    (k..=n).map(|k| exactly(k, n, p)).sum()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of messages and replicas are far below 2^52"
)]
const fn whole(count: u64) -> f64 {
    count as f64
}

/// (1 − q)^(2n): Zyzzyva's fast path needs each of its 2n messages.
pub fn zyzzyva_fast(n: u64, q: f64) -> f64 {
    (1.0 - q).powf(whole(2 * n))
}

/// Zyzzyva completes on its fast path, or by a certificate of 2f + 1 responses that 2f + 1 holders
/// of the history confirm. A replica that lacks the order confirms nothing in time.
pub fn zyzzyva(n: u64, q: f64) -> f64 {
    let (p, quorum) = (1.0 - q, n - (n - 1) / 3);
    let with_holders = |holders: u64| {
        let fast = if holders == n { exactly(n, n, p) } else { 0.0 };
        // COMMIT to the holder, LOCAL-COMMIT from it.
        let slow = (at_least(quorum, holders, p) - fast) * at_least(quorum, holders, p * p);
        fast + slow
    };
    let backups = n - 1;
    p * (0..=backups).map(|k| exactly(k, backups, p) * with_holders(k + 1)).sum::<f64>()
}

/// PBFT completes if f + 1 replies arrive from replicas that prepared and have 2f + 1 COMMITs.
pub fn pbft(n: u64, q: f64) -> f64 {
    let (p, f) = (1.0 - q, (n - 1) / 3);
    // A replica that prepared counts its own COMMIT, and answers; the answer must arrive.
    let with_prepared = |prepared: u64| match prepared.checked_sub(1) {
        Some(others) => at_least(f + 1, prepared, at_least(2 * f, others, p) * p),
        None => 0.0,
    };
    // The PRE-PREPARE reached `backups` backups, each of which sends a PREPARE to all others.
    let with_backups = |backups: u64| -> f64 {
        let primary = at_least(2 * f, backups, p);
        // A backup counts its own PREPARE.
        let others = backups.saturating_sub(1);
        let backup = at_least((2 * f).saturating_sub(1), others, p);
        let voters = 0..=backups;
        voters
            .map(|prepared| {
                let with = primary * with_prepared(prepared + 1);
                let without = (1.0 - primary) * with_prepared(prepared);
                exactly(prepared, backups, backup) * (with + without)
            })
            .sum()
    };
    p * (0..n).map(|k| exactly(k, n - 1, p) * with_backups(k)).sum::<f64>()
}

/// Linear PBFT completes if f + 1 replies arrive from replicas that have both certificates, which
/// the collector makes of 2f PREPAREs and of 2f COMMITs of others.
pub fn linear_pbft(n: u64, q: f64) -> f64 {
    let (p, f) = (1.0 - q, (n - 1) / 3);
    // The PREPARE-CERT reached so many. A COMMIT-CERT and an answer must arrive from each of them;
    // from the collector the answer.
    let with_prepared = |prepared: u64| {
        let with = p * at_least(f, prepared, p * p);
        let without = (1.0 - p) * at_least(f + 1, prepared, p * p);
        at_least(2 * f, prepared, p) * (with + without)
    };
    let with_backups = |backups: u64| {
        let prepared = 0..=backups;
        let shown = prepared.map(|k| exactly(k, backups, p) * with_prepared(k)).sum::<f64>();
        at_least(2 * f, backups, p) * shown
    };
    p * (0..n).map(|k| exactly(k, n - 1, p) * with_backups(k)).sum::<f64>()
}

/// Raft completes if a majority, the leader among it, has the entry, and the leader knows so.
pub fn raft(n: u64, q: f64) -> f64 {
    let p = 1.0 - q;
    p * p * at_least(n / 2, n - 1, p * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An estimate from 200 000 runs, rounded as given; 3 sigma of 0.5 is 0.0034.
    #[test]
    fn the_sums_are_what_others_estimated() {
        let table = [
            (4, 0.001, 0.9989, 0.992, 0.9988),
            (4, 0.01, 0.988, 0.923, 0.987),
            (4, 0.02, 0.974, 0.851, 0.966),
            (4, 0.05, 0.912, 0.663, 0.878),
            (4, 0.10, 0.761, 0.430, 0.673),
            (7, 0.001, 0.9992, 0.986, 0.999),
            (7, 0.01, 0.990, 0.869, 0.989),
            (7, 0.02, 0.979, 0.754, 0.975),
            (7, 0.05, 0.930, 0.488, 0.893),
            (7, 0.10, 0.765, 0.229, 0.642),
        ];
        for (n, q, expected_pbft, expected_fast, expected_zyzzyva) in table {
            for (what, sum, expected) in [
                ("pbft", pbft(n, q), expected_pbft),
                ("fast", zyzzyva_fast(n, q), expected_fast),
                ("zyzzyva", zyzzyva(n, q), expected_zyzzyva),
            ] {
                let sigma = (expected * (1.0_f64 - expected) / 200_000.0).sqrt();
                let error = (sum - expected).abs();
                assert!(error <= 3.0 * sigma + 0.0006, "{what} n={n} q={q}: {sum} {expected}");
            }
        }
    }

    #[test]
    fn nothing_lost_and_all_lost() {
        for n in [4, 7, 31] {
            for chance in [pbft, linear_pbft, zyzzyva, zyzzyva_fast, raft] {
                assert!((chance(n, 0.0) - 1.0).abs() < 1e-9 && chance(n, 1.0) < 1e-9, "n = {n}");
            }
        }
    }
}
