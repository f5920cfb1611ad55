//! Numbers that may be missing.

use regime_plot::number;
use regime_scaling::BootstrapInterval;

use crate::report::KeyFigure;

/// A number with its interval, or the reason why it is missing.
pub(super) type Answer = Result<BootstrapInterval, String>;

/// The text of an answer in a table.
pub(super) fn written(answer: &Answer) -> String {
    answer.as_ref().map_or("none".into(), |i| number::with_interval(i.estimate, i.low, i.high))
}

/// A row among the key figures; `note` says what the number is to be compared with.
pub(super) fn key_figure(name: impl Into<String>, answer: &Answer, note: &str) -> KeyFigure {
    match answer {
        Ok(i) => KeyFigure::new(name, i.estimate, Some((i.low, i.high)), note),
        Err(why) => KeyFigure {
            name: name.into(),
            value: "none".into(),
            interval: String::new(),
            note: why.clone(),
        },
    }
}
