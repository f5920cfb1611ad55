//! Mutations of bytes.

use rand::{RngExt, rngs::ChaCha8Rng};

/// The longest file that a mutation makes.
const LONGEST: usize = 1 << 16;

/// Integers at which readers fail.
const INTERESTING: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    1 << 53,
    1 << 60,
    i64::MAX as u64,
    u64::MAX,
];

/// Text at which readers of text fail.
const WORDS: [&str; 24] = [
    "0",
    "-1",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "1e999",
    "-1e-999",
    "1e308",
    "NaN",
    "inf",
    "null",
    "none",
    "true",
    "\"\"",
    "[]",
    "{}",
    "\u{fffd}",
    "\\u0000",
    "\n",
    "\"\\ud800\"",
    "1152921504606846976",
    "4294967296",
    "1000000",
];

/// A copy of `bytes` with one to four mutations, mostly one; some take bytes of `other`.
pub(crate) fn mutated(bytes: &[u8], other: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let times = if rng.random_range(0..3) == 0 { rng.random_range(2..=4) } else { 1 };
    for _ in 0..times {
        bytes = once(bytes, other, rng);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn once(mut bytes: Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let kind = rng.random_range(0..12);
    match kind {
        0 => each_of_some(&mut bytes, rng, |byte, rng| *byte ^= 1 << rng.random_range(0..8)),
        1 => each_of_some(&mut bytes, rng, |byte, rng| *byte = rng.random()),
        2 => bytes.truncate(place(bytes.len(), rng)),
        // Bytes at the end.
        3 => {
            let more = rng.random_range(1..=64);
            bytes.extend((0..more).map(|_| rng.random::<u8>()));
        }
        // A range is removed, repeated, or moved.
        4 => drop(bytes.drain(range(bytes.len(), rng))),
        5 => {
            let (range, times) = (range(bytes.len(), rng), rng.random_range(1..=8));
            let part = bytes[range.clone()].repeat(times);
            insert(&mut bytes, range.end, &part);
        }
        6 => {
            let part: Vec<u8> = bytes.drain(range(bytes.len(), rng)).collect();
            let place = place(bytes.len(), rng);
            insert(&mut bytes, place, &part);
        }
        7 => integer(&mut bytes, rng),
        // The start of this file and the end of another.
        8 => {
            bytes.truncate(place(bytes.len(), rng));
            bytes.extend(&other[place(other.len(), rng)..]);
        }
        9 => digits(&mut bytes, rng),
        10 => {
            let word = WORDS[rng.random_range(0..WORDS.len())];
            value(&mut bytes, word.as_bytes(), rng);
        }
        _ => nesting(&mut bytes, rng),
    }
    bytes
}

fn each_of_some(bytes: &mut [u8], rng: &mut ChaCha8Rng, change: impl Fn(&mut u8, &mut ChaCha8Rng)) {
    if bytes.is_empty() {
        return;
    }
    for _ in 0..rng.random_range(1..=4) {
        let place = rng.random_range(0..bytes.len());
        change(&mut bytes[place], rng);
    }
}

/// A place in a file, the end included; every second one in the first 64 bytes, where headers are.
fn place(length: usize, rng: &mut ChaCha8Rng) -> usize {
    let end = if rng.random() { length } else { length.min(64) };
    rng.random_range(0..=end)
}

/// A range, mostly a short one.
fn range(length: usize, rng: &mut ChaCha8Rng) -> std::ops::Range<usize> {
    let start = place(length, rng);
    let longest = if rng.random_range(0..4) == 0 { 4096 } else { 32 };
    start..(start + rng.random_range(0..=longest)).min(length)
}

fn insert(bytes: &mut Vec<u8>, place: usize, part: &[u8]) {
    bytes.splice(place..place, part.iter().copied());
}

/// Overwrites 1, 2, 4 or 8 bytes by an integer, in either order of bytes.
fn integer(bytes: &mut [u8], rng: &mut ChaCha8Rng) {
    let size = 1_usize << rng.random_range(0..4);
    let value = INTERESTING[rng.random_range(0..INTERESTING.len())];
    let mut encoded = value.to_le_bytes()[..size].to_vec();
    if rng.random() {
        encoded.reverse();
    }
    if let Some(last) = bytes.len().checked_sub(size) {
        let start = place(last, rng);
        bytes[start..start + size].copy_from_slice(&encoded);
    }
}

/// The places of all runs of digits.
fn numbers(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut all: Vec<std::ops::Range<usize>> = Vec::new();
    for (place, byte) in bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        debug_assert!(byte.is_ascii_digit());
        match all.last_mut() {
            Some(last) if last.end == place => last.end = place + 1,
            _ => all.push(place..place + 1),
        }
    }
    all
}

/// Changes the digits of a number, or their number.
fn digits(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let all = numbers(bytes);
    if all.is_empty() {
        return;
    }
    let place = all[rng.random_range(0..all.len())].clone();
    let length = if rng.random() { place.len() } else { rng.random_range(1..=20) };
    let new: Vec<u8> = (0..length).map(|_| rng.random_range(b'0'..=b'9')).collect();
    bytes.splice(place, new);
}

/// Replaces a number by a word, or writes the word anywhere.
fn value(bytes: &mut Vec<u8>, word: &[u8], rng: &mut ChaCha8Rng) {
    let all = numbers(bytes);
    let place = match all.is_empty() || rng.random_range(0..4) == 0 {
        true => range(bytes.len(), rng),
        false => all[rng.random_range(0..all.len())].clone(),
    };
    bytes.splice(place, word.iter().copied());
}

/// Repeats an opening bracket, with or without the closing one, or a step of a path.
fn nesting(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let depth = 1 << rng.random_range(1..14);
    let (open, close) =
        [("[", "]"), ("{\"a\":", "}"), ("a.", ""), ("{a=", "}"), ("(", ")"), ("\"", "\"")]
            [rng.random_range(0..6)];
    let place = range(bytes.len(), rng);
    let mut part = open.repeat(depth).into_bytes();
    part.extend(&bytes[place.clone()]);
    if rng.random() {
        part.extend(close.repeat(depth).bytes());
    }
    bytes.splice(place, part);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_mutation_follows_from_its_seed_and_changes_the_file() {
        let bytes: Vec<u8> = (0..200).collect();
        let of = |seed| mutated(&bytes, b"another file", &mut ChaCha8Rng::seed_from_u64(seed));
        let changed = (0..200).filter(|&seed| of(seed) != bytes).count();
        assert!(changed > 180, "{changed} of 200");
        for seed in 0..200 {
            assert_eq!(of(seed), of(seed));
        }
    }

    #[test]
    fn an_empty_file_can_be_mutated() {
        for seed in 0..200 {
            mutated(b"", b"", &mut ChaCha8Rng::seed_from_u64(seed));
        }
    }
}
