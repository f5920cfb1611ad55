//! A zero of a function between two points.

/// The largest number of evaluations.
const MAX_EVALUATIONS: usize = 120;

/// The iteration ends where two estimates of the regula falsi agree to this fraction of the interval.
const AGREE: f64 = 1e-12;

/// A zero between `a` and `b`, pairs of a point and the value there, of opposite signs; the value at
/// `b` can be 0. `value` evaluates the function with something that belongs to
/// the point; `None` ends the search. Returns the last estimate.
///
/// # Reference
/// The Illinois variant of the regula falsi: M. Dowell, P. Jarratt, BIT 11 (1971), 168–174.
pub(crate) fn between<T>(
    mut a: (f64, f64),
    mut b: (f64, f64),
    mut value: impl FnMut(f64) -> Option<(f64, T)>,
) -> Option<(f64, T)> {
    if b.1 == 0.0 {
        return value(b.0).map(|(_, found)| (b.0, found));
    }
    let width = (b.0 - a.0).abs();
    let mut last = None;
    let mut estimate = f64::NAN;
    let mut side = 0;
    for evaluation in 1..=MAX_EVALUATIONS {
        let x = (a.0 * b.1 - b.0 * a.1) / (b.1 - a.1);
        // Every third estimate halves the bracket, because a jump or a zero of high order slows the
        // regula falsi. Rounding must not lead out of the bracket.
        let is_inside = x > a.0.min(b.0) && x < a.0.max(b.0);
        let halves = !is_inside || evaluation % 3 == 0;
        let x = if halves { 0.5 * (a.0 + b.0) } else { x };
        let (y, found) = value(x)?;
        let agrees = !halves && (x - estimate).abs() <= AGREE * width;
        if !halves {
            estimate = x;
        }
        last = Some((x, found));
        if y == 0.0 || agrees || !y.is_finite() {
            break;
        }
        if (y > 0.0) == (b.1 > 0.0) {
            b = (x, y);
            if side == 1 {
                a.1 *= 0.5;
            }
            side = 1;
        } else {
            a = (x, y);
            if side == -1 {
                b.1 *= 0.5;
            }
            side = -1;
        }
        if (b.0 - a.0).abs() <= AGREE * width {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::between;

    type Function = fn(f64) -> f64;

    #[test]
    fn zeros_of_smooth_and_kinked_functions() {
        let functions: [(Function, f64); 4] = [
            (|x| x * x - 2.0, f64::sqrt(2.0)),
            (|x| 2.0 - x.exp(), f64::ln(2.0)),
            (|x| (x - 1.9).powi(3), 1.9),
            (|x| if x < 0.3 { -1.0 } else { x - 0.3 }, 0.3),
        ];
        for (k, (f, zero)) in functions.into_iter().enumerate() {
            let mut evaluations = 0;
            let found = between((0.0, f(0.0)), (2.0, f(2.0)), |x| {
                evaluations += 1;
                Some((f(x), x))
            });
            let (x, same) = found.unwrap();
            assert_eq!(x, same);
            let allowed = [1e-11, 1e-11, 1e-3, 1e-6][k];
            assert!((x - zero).abs() < allowed, "{k}: {x} is not {zero}");
            assert!(k >= 2 || evaluations < 20, "{k}: {evaluations} evaluations");
        }
    }
}
