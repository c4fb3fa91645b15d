//! How fast the spine is: a bare event queue, and what is left of its speed with everything on.
//!
//! Names last, so that their history can be compared. All times are those of one element: an
//! operation of the queue, a delivered message, an event, a call. `figures` has the same subjects as
//! a table of rates.

#![expect(
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "a benchmark reads the clock, and computes rates"
)]

#[expect(dead_code, reason = "the table counts more than this")]
mod subjects;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

use subjects::Work;

fn spine(criterion: &mut Criterion) {
    for mut subject in subjects::all() {
        let mut group = criterion.benchmark_group(subject.name.replace('/', "-"));
        group.sample_size(10).measurement_time(Duration::from_secs(4));
        let mut seed = 0;
        group.bench_function(format!("per-{}", subject.unit.trim_end_matches('s')), |bencher| {
            bencher.iter_custom(|elements| {
                let (started, mut done) = (Instant::now(), Work::default());
                while done.count < elements {
                    seed += 1;
                    done.count += (subject.work)(seed).count;
                }
                // A run is not stopped in the middle: the time is that of all that was done.
                let share = elements as f64 / done.count as f64;
                started.elapsed().mul_f64(share)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, spine);
criterion_main!(benches);
