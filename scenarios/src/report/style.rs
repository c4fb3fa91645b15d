//! The few colours that reports use. They are removed where output does not go to a terminal.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// All is well.
pub const GOOD: Style = colour(AnsiColor::Green).bold();
/// Something is violated.
pub const BAD: Style = colour(AnsiColor::Red).bold();
/// Something that needs attention.
pub const LOUD: Style = colour(AnsiColor::Yellow).bold();
/// A heading.
pub const HEAD: Style = Style::new().bold();
/// Less important text.
pub const FAINT: Style = Style::new().dimmed();

/// `text` in `style`.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// `count` and a noun: `1 fault`, `2 faults`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count)) }
}

/// The form of a verb that goes with `count` things: `1 run violates`, `2 runs violate`.
pub const fn verb<'a>(count: u64, of_one: &'a str, of_many: &'a str) -> &'a str {
    if count == 1 { of_one } else { of_many }
}

/// A number with its thousands apart: `10 000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(7, "7"), (999, "999"), (1_000, "1 000"), (1_234_567, "1 234 567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
