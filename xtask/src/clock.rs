//! Times of the clock as text.

use std::time::{SystemTime, UNIX_EPOCH};

/// The first second of the year 10000, counted from 1970.
const YEAR_10000: u64 = 253_402_300_800;

/// A time in RFC 3339, to the second. A clock that is not set may have any time: one before 1970 or after
/// 9999, for which humantime panics, is text in words.
pub(crate) fn written(time: SystemTime) -> String {
    match time.duration_since(UNIX_EPOCH) {
        Err(_) => "before 1970 (clock not set)".into(),
        Ok(since) if since.as_secs() >= YEAR_10000 => "after 9999 (clock not set)".into(),
        Ok(_) => humantime::format_rfc3339_seconds(time).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn any_time_has_a_text() {
        let seconds = Duration::from_secs;
        assert_eq!(written(UNIX_EPOCH), "1970-01-01T00:00:00Z");
        assert_eq!(written(UNIX_EPOCH + seconds(1_764_288_000)), "2025-11-28T00:00:00Z");
        let last = UNIX_EPOCH + seconds(YEAR_10000 - 1);
        assert_eq!(written(last), "9999-12-31T23:59:59Z");
        // Not every system has these times.
        let early = UNIX_EPOCH.checked_sub(Duration::from_millis(1));
        let late = UNIX_EPOCH.checked_add(seconds(YEAR_10000));
        for (time, text) in [(early, "before 1970"), (late, "after 9999")] {
            if let Some(time) = time {
                assert!(written(time).starts_with(text), "{}", written(time));
            }
        }
    }
}
