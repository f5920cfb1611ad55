//! A set of points, one bit each.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A subset of numbered points. It is serialised as the number of points, a colon, and one
/// hexadecimal digit for every four points; the first of the four is the highest bit.
///
/// ```
/// use regime_study::PointSet;
///
/// let set: PointSet = [true, false, false, true, true].into_iter().collect();
/// assert_eq!(set.iter().filter(|&is_in| is_in).count(), 3);
/// assert_eq!(serde_json::to_string(&set)?, "\"5:98\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PointSet {
    members: Vec<bool>,
}

impl PointSet {
    /// Number of points, those outside the set included.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// For every point, in order, whether it is in the set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = bool> + '_ {
        self.members.iter().copied()
    }
}

impl FromIterator<bool> for PointSet {
    fn from_iter<I: IntoIterator<Item = bool>>(members: I) -> Self {
        Self { members: members.into_iter().collect() }
    }
}

impl Serialize for PointSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |four: &[bool]| {
            let value =
                (0..4).fold(0, |value, k| 2 * value + u32::from(four.get(k) == Some(&true)));
            char::from_digit(value, 16).unwrap_or('0')
        };
        let digits: String = self.members.chunks(4).map(digit).collect();
        serializer.serialize_str(&format!("{}:{digits}", self.len()))
    }
}

impl<'de> Deserialize<'de> for PointSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || D::Error::custom(format!("{text:?} is not a set of points, such as \"5:98\""));
        let (length, digits) = text.split_once(':').ok_or_else(wrong)?;
        let length: usize = length.parse().map_err(|_| wrong())?;
        if digits.chars().count() != length.div_ceil(4) {
            return Err(wrong());
        }
        let mut members = Vec::with_capacity(length);
        for digit in digits.chars() {
            let value = digit.to_digit(16).ok_or_else(wrong)?;
            members.extend((0..4).rev().map(|bit| value >> bit & 1 == 1));
        }
        if members.drain(length..).any(|beyond| beyond) {
            return Err(wrong());
        }
        Ok(Self { members })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_survives_serialisation() {
        for n in [0, 1, 3, 4, 5, 127] {
            let set: PointSet = (0..n).map(|i| i * i % 3 == 1).collect();
            let text = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<PointSet>(&text).unwrap(), set, "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["\"\"", "\"5\"", "\"5:9\"", "\"5:988\"", "\"5:9g\"", "\"5:99\"", "\"-1:\""] {
            assert!(serde_json::from_str::<PointSet>(text).is_err(), "{text}");
        }
    }
}
