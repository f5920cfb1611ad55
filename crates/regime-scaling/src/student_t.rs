//! Quantiles of Student's t distribution.

/// The `t` with `P(T ≤ t) = p` for `degrees` (real, positive) degrees of
/// freedom and `½ ≤ p < 1`.
///
/// # Reference
/// `P(T > t) = ½ I_{ν/(ν+t²)}(ν/2, ½)` with the regularised incomplete beta
/// function `I`, inverted by bisection of `ln t`.
pub(crate) fn quantile(p: f64, degrees: f64) -> f64 {
    let tail = 1.0 - p;
    if tail >= 0.5 {
        return 0.0;
    }
    let (mut low, mut high) = (-40.0f64, 40.0f64);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle.exp(), degrees) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    (0.5 * (low + high)).exp()
}

fn upper_tail(t: f64, degrees: f64) -> f64 {
    let t2 = t * t;
    let below = incomplete_beta(0.5 * degrees, 0.5, degrees / (degrees + t2), t2 / (degrees + t2));
    0.5 * below
}

/// `I_x(a, b)`; `y = 1 − x` is given apart, for it may be tiny.
///
/// # Reference
/// The continued fraction of Abramowitz & Stegun 26.5.8, summed by Lentz's
/// method.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * y.ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, x) / a
    } else {
        1.0 - front * continued_fraction(b, a, y) / b
    }
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    let guard = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for i in 1..500 {
        let m = f64::from(i);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / guard(1.0 + term * d);
            c = guard(1.0 + term / c);
            step = c * d;
            h *= step;
        }
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    h
}

/// `ln Γ(x)` for `x > 0`, to about 15 digits.
///
/// # Reference
/// Lanczos' series with g = 7 and nine terms.
fn ln_gamma(x: f64) -> f64 {
    const SERIES: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    let z = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (i, coefficient) in SERIES.iter().enumerate() {
        sum += coefficient / (z + (i + 1) as f64);
    }
    let t = z + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (z + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn tabulated_values() {
        for (p, degrees, t) in [
            (0.975, 1.0, 12.706_204_74),
            (0.975, 2.0, 4.302_652_73),
            (0.975, 4.0, 2.776_445_11),
            (0.975, 9.0, 2.262_157_16),
            (0.975, 30.0, 2.042_272_46),
            (0.95, 5.0, 2.015_048_37),
            (0.995, 3.0, 5.840_909_31),
            (0.975, 1e7, 1.959_963_98),
        ] {
            let found = quantile(p, degrees);
            assert!((found / t - 1.0).abs() < 2e-7, "t({p}, {degrees}) = {found}, not {t}");
        }
    }

    /// One degree of freedom is Cauchy's law, two have an algebraic quantile.
    #[test]
    fn closed_forms() {
        for p in [0.500_001, 0.6, 0.9, 0.999, 1.0 - 1e-9] {
            let cauchy = (PI * (p - 0.5)).tan();
            assert!((quantile(p, 1.0) / cauchy - 1.0).abs() < 1e-6);
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            assert!((quantile(p, 2.0) / two - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn gamma_of_integers_and_one_half() {
        assert!((ln_gamma(5.0) - 24f64.ln()).abs() < 1e-13);
        assert!((ln_gamma(0.5) - PI.sqrt().ln()).abs() < 1e-13);
        assert!((ln_gamma(0.25) - 3.625_609_908_221_908_f64.ln()).abs() < 1e-13);
    }
}
