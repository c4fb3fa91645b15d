//! A pool of threads: work after work, and no result that depends on how many there are.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

/// How many results may wait for whoever takes them: a slow taker must not fill the memory.
const WAITING_MAX: usize = 1_024;

/// Does `work` for 0, 1, … below `count`, on `jobs` threads. `each` is shown every result as it is
/// finished, on the thread that called.
///
/// When `each` breaks, nothing more is begun. What is under way by then is finished, and shown as
/// well: it is whole, and an interruption loses no work that is done.
pub(crate) fn as_finished<T: Send>(
    jobs: usize,
    count: u64,
    work: impl Fn(u64) -> T + Sync,
    mut each: impl FnMut(u64, T) -> ControlFlow<()>,
) {
    let threads = u64::try_from(jobs).unwrap_or(u64::MAX).max(1).min(count);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(WAITING_MAX);
        for _ in 0..threads {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if count <= place || sender.send((place, work(place))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (place, result) in receiver {
            if each(place, result).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
}

/// Does `work` for 0, 1, … below `count`, on `jobs` threads; the results in this order.
pub(crate) fn counted<T: Send>(jobs: usize, count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    // The count may be a stranger's word, so no memory is taken for it ahead.
    let mut results = Vec::new();
    as_finished(jobs, count, work, |place, result| {
        results.push((place, result));
        ControlFlow::Continue(())
    });
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Does `work` for each of `items`, on `jobs` threads; the results in the order of the items.
pub(crate) fn in_order<I: Sync, T: Send>(
    jobs: usize,
    items: &[I],
    work: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    counted(jobs, items.len() as u64, |place| {
        let place = usize::try_from(place).expect("it is below the number of items");
        work(&items[place])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_whatever_the_threads() {
        let items: Vec<u64> = (0..500).collect();
        let squares: Vec<u64> = items.iter().map(|it| it * it).collect();
        for jobs in [0, 1, 3, 900] {
            assert_eq!(in_order(jobs, &items, |it| it * it), squares);
        }
        assert!(in_order(4, &[], |it: &u64| *it).is_empty());
    }

    #[test]
    fn nothing_is_begun_after_a_break_and_nothing_that_was_begun_is_lost() {
        let begun = AtomicU64::new(0);
        let mut shown = Vec::new();
        as_finished(
            3,
            1_000_000,
            |place| {
                begun.fetch_add(1, Ordering::Relaxed);
                place
            },
            |place, result| {
                assert_eq!(place, result);
                shown.push(place);
                if shown.len() < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        );
        assert_eq!(shown.len() as u64, begun.into_inner());
        assert!((10..1_000_000).contains(&shown.len()), "{} were begun", shown.len());
        shown.sort_unstable();
        let places: Vec<u64> = (0..shown.len() as u64).collect();
        assert_eq!(shown, places, "they are begun in order");
    }
}
