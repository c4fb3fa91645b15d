//! Shorter spans and earlier times: few, and round.

use byzsim_core::{Span, Time};

/// Times from `first` on that come before `last`, the earliest first: at `first`, then half
/// the way, and so on ([`shorter`]).
pub(super) fn earlier(first: Time, last: Time) -> Vec<Time> {
    if last <= first {
        return Vec::new();
    }
    // An endless wait has no half: a second is long for all protocols.
    let last = if last == Time::NEVER { first + Span::from_secs(4) } else { last };
    let shorter = shorter(last.since(first)).into_iter().map(|span| first + span);
    std::iter::once(first).chain(shorter).filter(|time| *time < last).collect()
}

/// Spans shorter than `span`, the shortest first: half of it, three quarters, seven eighths, and
/// the next rounder numbers of milliseconds. Finer steps would take long and show nothing new.
pub(super) fn shorter(span: Span) -> Vec<Span> {
    let (half, eighth) = (halved(span), halved(halved(halved(span))));
    let mut spans = [half, half + eighth + eighth, span - eighth].map(rounded).to_vec();
    let millis = span.nanos() / 1_000_000;
    let round = |grain: &u64| Span::from_millis(millis / grain * grain);
    spans.extend([1, 10, 100, 1_000].iter().map(round));
    spans.retain(|shorter| Span::from_millis(1) <= *shorter && *shorter < span);
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// Half of it.
pub(super) const fn halved(span: Span) -> Span {
    Span::from_nanos(span.nanos() / 2)
}

/// In whole milliseconds, if there is one.
pub(super) const fn rounded(span: Span) -> Span {
    let millis = span.nanos() / 1_000_000;
    if millis == 0 { span } else { Span::from_millis(millis) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_earlier_in_halves() {
        let ms = Span::from_millis;
        assert_eq!(shorter(ms(10)), [5, 7, 8].map(ms));
        assert_eq!(shorter(ms(1_234)), [617, 925, 1_000, 1_079, 1_200, 1_230].map(ms));
        assert_eq!(shorter(ms(1)), []);
        let at = |millis| Time::ZERO + ms(millis);
        assert_eq!(earlier(at(2), at(6)), [2, 4, 5].map(at));
        assert_eq!(earlier(at(3), at(3)), []);
        assert_eq!(earlier(at(0), Time::NEVER).first(), Some(&at(0)));
    }
}
