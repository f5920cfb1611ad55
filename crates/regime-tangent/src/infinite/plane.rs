//! Expectations over two correlated normal variables, by quadrature over the plane: for functions
//! without a closed form.

use std::f64::consts::PI;

use regime_models::gauss_legendre;

use super::panels::panels;

/// Beyond this radius the weight is below 1e-19.
const RADIUS: f64 = 9.5;

/// `E φ(u) φ(v)` and `E φ'(u) φ'(v)` for normal `u`, `v` of the given standard deviations
/// and correlation; `phi` returns φ and φ'.
///
/// In units of deviations, `u = g` and `v = ρ g + s g'`. Panels are refined towards the
/// lines `u = 0` and `v = 0`, down to the `transition` of φ: the distance from 0 of the
/// nearest singularity, or the resolution of a kink. Accurate to about 1e-14 of
/// `√(E φ(u)² E φ(v)²)`, with about 10⁵ evaluations.
pub(super) fn plane_mean(
    phi: impl Fn(f64) -> (f64, f64),
    transition: f64,
    deviations: [f64; 2],
    rho: f64,
) -> (f64, f64) {
    let rule = gauss_legendre(16);
    let [r_u, r_v] = deviations;
    let s = ((1.0 - rho) * (1.0 + rho)).sqrt();
    let mut sum = (0.0, 0.0);
    for side in [1.0, -1.0] {
        for (g, g_weight) in nodes(&rule, RADIUS, transition / r_u.max(r_v)) {
            let u = phi(side * r_u * g);
            let weight_of = |x: f64| (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
            let mut line = (0.0, 0.0);
            if s == 0.0 {
                line = phi(r_v * rho * side * g);
            } else {
                // Along this line of constant u, v changes its sign at the centre.
                let range = ((RADIUS - g) * (RADIUS + g)).sqrt();
                let centre = (-rho * side * g / s).clamp(-range, range);
                for direction in [1.0, -1.0] {
                    let reach = range - direction * centre;
                    for (step, step_weight) in nodes(&rule, reach, transition / (r_v * s)) {
                        let other = centre + direction * step;
                        let v = phi(r_v * (rho * side * g + s * other));
                        let weight = step_weight * weight_of(other);
                        line = (line.0 + weight * v.0, line.1 + weight * v.1);
                    }
                }
            }
            let weight = g_weight * weight_of(g);
            sum = (sum.0 + weight * u.0 * line.0, sum.1 + weight * u.1 * line.1);
        }
    }
    sum
}

/// Nodes and weights on the panels of `[0, range]`.
fn nodes(rule: &[(f64, f64)], range: f64, first: f64) -> impl Iterator<Item = (f64, f64)> {
    panels(range, first, 1.0).flat_map(move |(start, end)| {
        let (middle, half) = (0.5 * (start + end), 0.5 * (end - start));
        rule.iter().map(move |(t, weight)| (middle + half * t, half * weight))
    })
}

#[cfg(test)]
mod tests {
    use regime_models::{Activation, gaussian_mean};

    use super::*;

    const CORRELATIONS: [f64; 9] = [-1.0, -0.999_999, -0.7, -0.1, 0.0, 0.3, 0.95, 0.999_999_9, 1.0];

    #[test]
    fn polynomials_have_the_moments_of_wick() {
        for rho in CORRELATIONS {
            let found = plane_mean(|z| (z, z * z), 1.0, [2.0, 0.5], rho);
            assert!((found.0 - rho).abs() < 1e-14, "{rho}: {found:?}");
            assert!((found.1 - (1.0 + 2.0 * rho * rho)).abs() < 1e-13, "{rho}: {found:?}");
        }
    }

    #[test]
    fn relu_has_the_arc_cosine_kernels() {
        for rho in CORRELATIONS {
            let (found, slopes) = plane_mean(|z| Activation::Relu.bare(z), 1e-5, [1.0, 3.0], rho);
            let angle = rho.acos();
            let expected = 3.0 * (angle.sin() + (PI - angle) * rho) / (2.0 * PI);
            assert!((found - expected).abs() < 1e-13, "{rho}: {found} and {expected}");
            let expected = (PI - angle) / (2.0 * PI);
            assert!((slopes - expected).abs() < 1e-12, "{rho}: {slopes} and {expected}");
        }
    }

    #[test]
    fn sharp_functions_at_correlations_of_one() {
        let phi = |z: f64| (1.0 / (1.0 + (20.0 * z).powi(2)), 1.0);
        let expected = gaussian_mean(|g| phi(3.0 * g).0 * phi(g).0);
        for rho in [-1.0, 1.0, 1.0 - 1e-15] {
            let found = plane_mean(phi, 1.0 / 20.0, [3.0, 1.0], rho);
            assert!((found.0 - expected).abs() < 1e-13, "{rho}: {found:?} and {expected}");
            assert!((found.1 - 1.0).abs() < 1e-14);
        }
    }
}
