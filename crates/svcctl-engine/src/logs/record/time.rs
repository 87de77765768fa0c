//! Points in time as text: RFC 3339 in UTC, with 3, 6 or 9 digits of a second (the fewest that lose nothing).

use jiff::{Timestamp, tz::Offset};
use std::io::Write as _;

/// Seconds from here on are taken for milliseconds, and so on by thousands: the year 5138.
const SECONDS_END: u64 = 100_000_000_000;

/// Appends `at` as text.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, at: Timestamp) {
    let at = Offset::UTC.to_datetime(at);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let nanos = at.subsec_nanosecond();
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.");
    let _ = match nanos {
        n if n % 1_000_000 == 0 => write!(out, "{:03}Z", n / 1_000_000),
        n if n % 1_000 == 0 => write!(out, "{:06}Z", n / 1_000),
        n => write!(out, "{n:09}Z"),
    };
}

/// A program's own timestamp as text with an offset (RFC 3339); `None` if it is something else.
pub(crate) fn from_text(text: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A program's own timestamp as a number since 1970: seconds, milliseconds, microseconds or nanoseconds, told apart
/// by their size; with or without a fraction. `None` for anything else.
pub(crate) fn from_number(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut unit_nanos: u64 = 1_000_000_000;
    let mut end = SECONDS_END;
    while whole >= end && unit_nanos > 1 {
        unit_nanos /= 1_000;
        end = end.saturating_mul(1_000);
    }
    let nanos = u128::from(whole) * u128::from(unit_nanos) + u128::from(fraction_of(fraction, unit_nanos)?);
    Timestamp::from_nanosecond(i128::try_from(nanos).ok()?).ok()
}

/// The digits after the point, in nanoseconds; `None` if there is anything but digits (an exponent).
fn fraction_of(digits: &str, unit_nanos: u64) -> Option<u64> {
    let mut nanos = 0;
    let mut place = unit_nanos;
    for digit in digits.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        place /= 10;
        nanos += u64::from(digit - b'0') * place;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(at: Option<Timestamp>) -> String {
        let mut out = Vec::new();
        write_timestamp(&mut out, at.expect("a timestamp"));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn text_with_an_offset_becomes_utc() {
        assert_eq!(shown(from_text(b"2026-11-23T05:13:57.123Z")), "2026-11-23T05:13:57.123Z");
        assert_eq!(shown(from_text(b"2026-11-23T05:13:57Z")), "2026-11-23T05:13:57.000Z");
        assert_eq!(shown(from_text(b"2026-11-23T05:13:57.1234567+01:00")), "2026-11-23T04:13:57.123456700Z");
        assert_eq!(from_text(b"2026-11-23 05:13:57,123"), None);
        assert_eq!(from_text(b"yesterday"), None);
        assert_eq!(from_text(b"\xff"), None);
    }

    #[test]
    fn numbers_are_told_apart_by_size() {
        for number in ["1795410837.123", "1795410837123", "1795410837123000", "1795410837123000000"] {
            assert_eq!(shown(from_number(number.as_bytes())), "2026-11-23T05:13:57.123Z", "{number}");
        }
        assert_eq!(shown(from_number(b"1795410837.1234567891")), "2026-11-23T05:13:57.123456789Z");
        assert_eq!(shown(from_number(b"0")), "1970-01-01T00:00:00.000Z");
        for bad in ["-1", "1e9", "1.5e3", "99999999999999999999", ""] {
            assert_eq!(from_number(bad.as_bytes()), None, "{bad}");
        }
    }
}
