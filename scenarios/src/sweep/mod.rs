//! Sweeps: many seeds of one scenario, over all cores.
//!
//! Each run is built and played by one thread; what comes out does not depend on how many there
//! are, apart from the order of the rows.

pub mod cancel;
pub mod guided;
pub mod options;
pub(crate) mod pool;
pub mod row;
pub mod summary;

use std::ops::ControlFlow;

use self::guided::guided;
use self::options::{Shard, SweepOptions};
use self::row::Row;
use self::summary::{Head, Summary};
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;

/// Plays the seeds. `each` is shown every row as it is finished, and may end the sweep.
///
/// # Panics
/// If the scenario does not admit the strategy ([`Scenario::admits`]), or if a guided search is to
/// be played in shards: each of its runs rests on the ones before.
pub fn sweep(
    scenario: &Scenario,
    options: &SweepOptions,
    mut each: impl FnMut(&Row) -> ControlFlow<()>,
) -> Summary {
    if let Err(why) = scenario.admits(options.strategy) {
        panic!("{why}");
    }
    if options.strategy == Strategy::Guided {
        assert_eq!(options.shard, Shard::WHOLE, "a guided search has no shards");
        return guided(scenario, options, each);
    }
    let mut summary = Summary::new(Head::new(scenario, options));
    let runs = options.shard.len(options.seeds);
    let play = PlayOptions { crypto: options.crypto, with_marks: false };
    let row = |place| {
        let seed = options.shard.seed(options.seeds, place);
        let drawn = scenario.draw_by(options.strategy, seed);
        Row::new(&scenario.play_drawn(seed, drawn, &play, None))
    };
    pool::as_finished(options.jobs, runs, row, |_, row| {
        summary.add(&row);
        each(&row)
    });
    summary
}
