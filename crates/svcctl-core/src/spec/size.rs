//! Sizes as people write them: `64MiB`, `1GB`, `512B`.
//!
//! A whole number with one unit; the binary units (KiB, MiB, GiB, TiB) are powers of 1024, the decimal ones (KB, MB, GB,
//! TB) of 1000 (IEC 80000-13). `64M` is refused, because programs do not agree on which of the two it is.

/// The units with their lengths in bytes, those that a size is written in first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// The largest size: more than any file system or address space has.
pub const LARGEST: u64 = i64::MAX.unsigned_abs();

/// Why a text is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Nothing that begins with a number.
    #[error("is not a size; write a whole number with a unit, as in \"64MiB\" or \"1GB\"")]
    NotANumber,
    /// A number without a unit.
    #[error("has no unit; write \"{0}B\" for bytes, \"{0}KiB\" or \"{0}MiB\" for more")]
    NoUnit(u64),
    /// A letter that is 1000 to some and 1024 to others.
    #[error(
        "has the unit {unit:?}, which is 1024 to some and 1000 to others; write \"{number}{unit}iB\" or \"{number}{unit}B\""
    )]
    Ambiguous {
        /// How many.
        number: u64,
        /// The letter, as a capital.
        unit: char,
    },
    /// A unit that does not exist.
    #[error("has the unknown unit {0:?}; the units are B, KiB, MiB, GiB, TiB and KB, MB, GB, TB")]
    UnknownUnit(String),
    /// More than [`LARGEST`].
    #[error("is larger than any size can be; for no limit write \"unlimited\"")]
    TooLarge,
}

/// Reads a size, in bytes.
///
/// # Errors
/// [`SizeError`] says what is wrong and how it is written.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.contains(|c: char| !c.is_alphabetic()) {
        return Err(SizeError::NotANumber);
    }
    let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
    if unit.is_empty() {
        return Err(SizeError::NoUnit(number));
    }
    if let Some((_, length)) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        return number.checked_mul(*length).filter(|size| *size <= LARGEST).ok_or(SizeError::TooLarge);
    }
    match unit.to_ascii_uppercase().chars().next() {
        Some(letter @ ('K' | 'M' | 'G' | 'T')) if unit.len() == 1 => {
            Err(SizeError::Ambiguous { number, unit: letter })
        }
        Some(_) | None => Err(SizeError::UnknownUnit(unit.to_owned())),
    }
}

/// Writes a size so that [`parse`] reads the same again, with the largest unit that leaves a whole number.
pub fn format(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, length)| bytes > 0 && bytes.is_multiple_of(*length));
    unit.map_or_else(|| format!("{bytes}B"), |(name, length)| format!("{}{name}", bytes / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_what_is_unclear_is_not() {
        assert_eq!(parse("64MiB"), Ok(64 << 20));
        assert_eq!(parse("1gb"), Ok(1_000_000_000));
        assert_eq!(parse(" 0B "), Ok(0));
        assert_eq!(parse("64m"), Err(SizeError::Ambiguous { number: 64, unit: 'M' }));
        assert_eq!(parse("64"), Err(SizeError::NoUnit(64)));
        assert_eq!(parse("1.5GiB"), Err(SizeError::NotANumber));
        assert_eq!(parse("-1GiB"), Err(SizeError::NotANumber));
        assert_eq!(parse("5XB"), Err(SizeError::UnknownUnit("XB".into())));
        assert_eq!(parse("99999999TiB"), Err(SizeError::TooLarge));
        assert_eq!(parse(""), Err(SizeError::NotANumber));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut rng = crate::rng::Rng::new(7);
        for _ in 0..1_000 {
            let bits = rng.below(60);
            let size = rng.below(1 << bits);
            assert_eq!(parse(&format(size)), Ok(size));
        }
        assert_eq!((format(64 << 20), format(3_000), format(0)), ("64MiB".into(), "3KB".into(), "0B".into()));
    }
}
