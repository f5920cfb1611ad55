//! Pointwise functions in one pass over host memory, vectorised with the
//! instructions that the processor supports at run time.
//!
//! The scalar functions contain no branches, table look-ups or calls, so that the
//! compiler turns a loop over them into vector code. Scalar and vector code round
//! the same way.

/// Replaces every `z` by `gain · φ(z)` and returns `gain · φ'(z)`.
pub(crate) fn value_and_slope<T: Real>(
    values: &mut [T],
    gain: f64,
    phi: impl Fn(T) -> (T, T),
) -> Vec<T> {
    // Appending avoids the extra pass over memory that filling with zeros would need.
    let mut slopes = Vec::with_capacity(values.len());
    pulp::Arch::new().dispatch(ValuesAndSlopes { values, slopes: &mut slopes, gain, phi });
    slopes
}

/// Replaces every `z` by `gain · φ(z)`.
pub(crate) fn value<T: Real>(values: &mut [T], gain: f64, phi: impl Fn(T) -> (T, T)) {
    pulp::Arch::new().dispatch(Values { values, gain, phi });
}

/// Number of elements in a block. The loop over a block works on local arrays of fixed
/// length, to which no other pointer exists, so the compiler can vectorise it.
const BLOCK: usize = 32;

// Types and not closures, because `inline(always)` on their method inlines it into the
// function that pulp compiles for the processor's instructions.

struct ValuesAndSlopes<'a, T, F> {
    values: &'a mut [T],
    slopes: &'a mut Vec<T>,
    gain: f64,
    phi: F,
}

impl<T: Real, F: Fn(T) -> (T, T)> pulp::NullaryFnOnce for ValuesAndSlopes<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { values, slopes, gain, phi } = self;
        let (value_blocks, value_rest) = values.as_chunks_mut::<BLOCK>();
        for values in value_blocks {
            let (mut value, mut slope) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
            for i in 0..BLOCK {
                (value[i], slope[i]) = phi(values[i]);
            }
            for i in 0..BLOCK {
                values[i] = value[i].times(gain);
                slope[i] = slope[i].times(gain);
            }
            slopes.extend_from_slice(&slope);
        }
        for value in value_rest {
            let (phi, derivative) = phi(*value);
            *value = phi.times(gain);
            slopes.push(derivative.times(gain));
        }
    }
}

struct Values<'a, T, F> {
    values: &'a mut [T],
    gain: f64,
    phi: F,
}

impl<T: Real, F: Fn(T) -> (T, T)> pulp::NullaryFnOnce for Values<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { values, gain, phi } = self;
        let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
        for values in blocks {
            let mut value = [T::ZERO; BLOCK];
            for i in 0..BLOCK {
                value[i] = phi(values[i]).0;
            }
            for i in 0..BLOCK {
                values[i] = value[i].times(gain);
            }
        }
        for value in rest {
            *value = phi(*value).0.times(gain);
        }
    }
}

/// The element types of tensors.
pub(crate) trait Real: Copy {
    const ZERO: Self;

    fn wide(self) -> f64;
    fn narrow(value: f64) -> Self;

    /// `gain · self`, with the gain rounded to this type first.
    fn times(self, gain: f64) -> Self;

    /// `ln(1 + eᶻ)` and its derivative to a few units in the last place.
    fn softplus(self) -> (Self, Self);
}

impl Real for f64 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn narrow(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn times(self, gain: f64) -> Self {
        gain * self
    }
    #[inline(always)]
    fn softplus(self) -> (Self, Self) {
        softplus(self)
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn wide(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn narrow(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn times(self, gain: f64) -> Self {
        gain as f32 * self
    }
    #[inline(always)]
    fn softplus(self) -> (Self, Self) {
        softplus_f32(self)
    }
}

/// `c₀ + c₁x + c₂x² + …` by Estrin's scheme, unrolled: an inner loop over an array would
/// prevent the vectorisation of the outer loop.
///
/// `(c₀ + c₁x) + (c₂ + c₃x) x² + …` is a polynomial of half the degree in `x²`. Most terms
/// are independent of each other. In Horner's rule each term waits for the previous one, and
/// the processor is idle most of the time. Fused multiply-add halves the number of
/// instructions; `mul_add` rounds once on every processor, with or without hardware support.
macro_rules! polynomial {
    ($x:ident; $only:expr) => { $only };
    ($x:ident; $($coefficients:expr),+) => { in_pairs!($x; []; $($coefficients),+) };
}

/// Moves the remaining coefficients pair by pair into the brackets.
macro_rules! in_pairs {
    ($x:ident; [$($pair:expr,)*]; $a:expr, $b:expr, $($rest:expr),+) => {
        in_pairs!($x; [$($pair,)* $x.mul_add($b, $a),]; $($rest),+)
    };
    ($x:ident; []; $a:expr, $b:expr) => { $x.mul_add($b, $a) };
    ($x:ident; [$($pair:expr,)*]; $a:expr, $b:expr) => {{
        let square = $x * $x;
        polynomial!(square; $($pair,)* $x.mul_add($b, $a))
    }};
    ($x:ident; [$($pair:expr,)*]; $a:expr) => {{
        let square = $x * $x;
        polynomial!(square; $($pair,)* $a)
    }};
}

/// `ln(1 + eᶻ)` and its derivative from `e = e^{−|z|}`, for both element types, with the
/// coefficients of the series of `artanh(s)/s`.
///
/// `ln(1 + e) = 2 artanh(e/(2 + e))`. Above √2 − 1 the argument is halved,
/// `1 + e = 2 (1 + (e − 1)/2)`, so that `|s| ≤ 0.172` and a few terms suffice.
macro_rules! softplus_from {
    ($F:ident, $z:ident, $e:ident; $($coefficient:expr),+) => {{
        let large = $e > std::$F::consts::SQRT_2 - 1.0;
        let numerator = if large { $e - 1.0 } else { $e };
        let denominator = if large { $e + 3.0 } else { $e + 2.0 };
        // One division for both quotients: a division takes as long as ten multiplications.
        let one_plus = 1.0 + $e;
        let inverse = 1.0 / (one_plus * denominator);
        let s = numerator * (one_plus * inverse);
        let slope = (if $z >= 0.0 { 1.0 } else { $e }) * (denominator * inverse);
        let s2: $F = s * s;
        let p = polynomial!(s2; $($coefficient),+);
        let log = (2.0 * s).mul_add(p, if large { std::$F::consts::LN_2 } else { 0.0 });
        ($z.max(0.0) + log, slope)
    }};
}

/// `ln(1 + eᶻ)` and its derivative `1/(1 + e⁻ᶻ)`, both to a few units in the last
/// place wherever they are normal numbers.
#[inline(always)]
pub(crate) fn softplus(z: f64) -> (f64, f64) {
    let e = exp_of_negative(z.abs());
    softplus_from!(
        f64, z, e;
        1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0,
        1.0 / 17.0, 1.0 / 19.0, 1.0 / 21.0
    )
}

/// [`softplus`] entirely in float32, with twice as many values in a vector and about half
/// the terms.
#[inline(always)]
fn softplus_f32(z: f32) -> (f32, f32) {
    let e = exp_of_negative_f32(z.abs());
    softplus_from!(f32, z, e; 1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0)
}

/// `e⁻ˣ` for `x ≥ 0` in float32; zero where the result is not a normal number, NaN for NaN.
#[inline(always)]
fn exp_of_negative_f32(x: f32) -> f32 {
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    const LARGEST: f32 = 87.0;
    const ROUND: f32 = 12_582_912.0;
    let y = -(if x > LARGEST { LARGEST } else { x });
    let shifted = y.mul_add(std::f32::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = (-k).mul_add(LOW, (-k).mul_add(HIGH, y));
    let p = polynomial!(
        r;
        1.0f32, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5_040.0
    );
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    p * if x > LARGEST { 0.0 } else { power }
}

/// The logistic function `1/(1 + e⁻ᶻ)`.
#[inline(always)]
pub(crate) fn logistic(z: f64) -> f64 {
    let e = exp_of_negative(z.abs());
    let numerator = if z >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// `e⁻ˣ` for `x ≥ 0`; zero where the result is not a normal number, NaN for NaN.
#[inline(always)]
fn exp_of_negative(x: f64) -> f64 {
    // ln 2 in two parts: the first part has few bits, so that `k · HIGH` is exact.
    const HIGH: f64 = 6.931_471_803_691_238e-1;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    const LARGEST: f64 = 708.0;
    // Adding 1.5·2⁵² rounds to an integer and leaves the integer in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let y = -(if x > LARGEST { LARGEST } else { x });
    let shifted = y.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = (-k).mul_add(LOW, (-k).mul_add(HIGH, y));
    // |r| ≤ ln(2)/2: the first omitted term is below 2⁻⁵⁷.
    let p = polynomial!(
        r;
        1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5_040.0,
        1.0 / 40_320.0, 1.0 / 362_880.0, 1.0 / 3_628_800.0, 1.0 / 39_916_800.0,
        1.0 / 479_001_600.0, 1.0 / 6_227_020_800.0
    );
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    // A selection between two values. A branch here would prevent the vectorisation of the
    // loop.
    p * if x > LARGEST { 0.0 } else { power }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `ln(1 + eᶻ)` and its derivative with the standard library, accurate for both signs of z.
    fn reference(z: f64) -> (f64, f64) {
        let value = if z > 0.0 { z + (-z).exp().ln_1p() } else { z.exp().ln_1p() };
        let slope = if z > 0.0 { 1.0 / (1.0 + (-z).exp()) } else { z.exp() / (1.0 + z.exp()) };
        (value, slope)
    }

    fn check(z: f64) {
        let (value, slope) = softplus(z);
        let (expected, expected_slope) = reference(z);
        assert!((value - expected).abs() <= 5e-15 * expected, "{z}: {value} is not {expected}");
        assert!((slope - expected_slope).abs() <= 5e-15 * expected_slope, "{z}: {slope}");
        assert!((logistic(z) - expected_slope).abs() <= 5e-15 * expected_slope);
    }

    proptest! {
        #[test]
        fn softplus_is_accurate_everywhere(z in -700.0..700.0f64, tiny in -1.0..1.0f64) {
            check(z);
            check(tiny);
            check(tiny * 1e-12);
        }
    }

    proptest! {
        #[test]
        fn softplus_is_accurate_in_float32(z in -86.0..86.0f32, tiny in -1.0..1.0f32) {
            for z in [z, tiny, tiny * 1e-6] {
                let (value, slope) = softplus_f32(z);
                let (expected, expected_slope) = reference(z as f64);
                let near = |a: f32, b: f64| (a as f64 - b).abs() <= 5e-7 * b;
                prop_assert!(near(value, expected), "{z}: {value} is not {expected}");
                prop_assert!(near(slope, expected_slope), "{z}: {slope} is not {expected_slope}");
            }
        }
    }

    #[test]
    fn softplus_at_special_points_in_float32() {
        assert_eq!(softplus_f32(1e6).0, 1e6);
        assert_eq!(softplus_f32(-1e6), (0.0, 0.0));
        assert_eq!(softplus_f32(f32::INFINITY), (f32::INFINITY, 1.0));
        assert!(softplus_f32(f32::NAN).0.is_nan() && softplus_f32(f32::NAN).1.is_nan());
    }

    #[test]
    fn softplus_at_special_points() {
        for z in [0.0, -0.0, 700.0, -700.0, 1e-300, 0.881_373_587, -0.881_373_587] {
            check(z);
        }
        assert_eq!(softplus(1e6).0, 1e6);
        assert_eq!(softplus(-1e6), (0.0, 0.0));
        assert_eq!(softplus(f64::INFINITY), (f64::INFINITY, 1.0));
        assert!(softplus(f64::NAN).0.is_nan() && softplus(f64::NAN).1.is_nan());
    }

    #[test]
    fn vector_and_scalar_code_agree_to_the_bit() {
        let z: Vec<f64> = (0..1003).map(|i| (i as f64 - 500.0) * 0.0731).collect();
        let mut values = z.clone();
        let slopes = value_and_slope(&mut values, 1.0, softplus);
        for (i, &z) in z.iter().enumerate() {
            let (value, slope) = softplus(z);
            assert_eq!(
                (values[i].to_bits(), slopes[i].to_bits()),
                (value.to_bits(), slope.to_bits())
            );
        }
    }
}
