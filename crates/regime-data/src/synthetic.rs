//! Gaussian points with a label from a rule.

use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::chi_square;

/// The borders of the stripe. They hold half of the probability:
/// `Φ(1.18549) − Φ(−0.3) = 0.5000`.
const STRIPE: (f64, f64) = (-0.3, 1.18549);

/// A rule that tells the class of a point, 0 or 1, each with probability 1/2.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Class 1 where `−0.3 < x₀ < 1.18549`.
    Stripe,
    /// Class 1 where `‖x‖²` is above this.
    OutsideSphere { squared_radius: f64 },
}

/// Points with their classes.
#[derive(Debug)]
pub(crate) struct Points {
    /// `n × dim`.
    pub(crate) x: Array2<f64>,
    /// `n` classes, 0 or 1.
    pub(crate) class: Vec<u8>,
}

impl Rule {
    /// The sphere that holds half of the points with `dim` coordinates.
    pub(crate) fn outside_median_sphere(dim: usize) -> Self {
        Self::OutsideSphere { squared_radius: chi_square::median(dim) }
    }

    fn class(self, x: &[f64]) -> u8 {
        match self {
            Self::Stripe => u8::from(x.first().is_some_and(|&x0| STRIPE.0 < x0 && x0 < STRIPE.1)),
            Self::OutsideSphere { squared_radius } => {
                u8::from(x.iter().map(|x| x * x).sum::<f64>() > squared_radius)
            }
        }
    }

    /// Draws `n` points with `dim` coordinates.
    ///
    /// Balanced, the classes alternate, 0 first, each with its points in the
    /// order in which they were drawn; points of a class that is complete are
    /// dropped. Otherwise the points are simply the first `n` drawn. Either way
    /// fewer points are the first of more points.
    pub(crate) fn draw(self, n: usize, dim: usize, balance: bool, rng: &mut impl Rng) -> Points {
        let mut x = Array2::zeros((n, dim));
        let mut class = vec![0; n];
        let mut place = |at: usize, point: &[f64]| {
            x.row_mut(at).iter_mut().zip(point).for_each(|(to, from)| *to = *from);
            class[at] = self.class(point);
        };
        let mut next: [usize; 2] = [0, 1];
        let mut drawn = 0;
        let mut point = vec![0.0; dim];
        while if balance { next.iter().any(|&at| at < n) } else { drawn < n } {
            point.fill_with(|| StandardNormal.sample(rng));
            if !balance {
                place(drawn, &point);
            } else {
                let at = &mut next[usize::from(self.class(&point))];
                if *at < n {
                    place(*at, &point);
                    *at += 2;
                }
            }
            drawn += 1;
        }
        Points { x, class }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::data_rng;
    use ndarray::Axis;

    fn rules(dim: usize) -> [Rule; 2] {
        [Rule::Stripe, Rule::outside_median_sphere(dim)]
    }

    #[test]
    fn classes_are_equally_likely() {
        let n = 40_000;
        for dim in [1, 2, 10] {
            for rule in rules(dim) {
                let points = rule.draw(n, dim, false, &mut data_rng(1));
                let ones = points.class.iter().filter(|&&class| class == 1).count();
                let deviations = (ones as f64 - 0.5 * n as f64) / (0.25 * n as f64).sqrt();
                assert!(deviations.abs() < 4.0, "{rule:?}, {dim}: {deviations}");
            }
        }
    }

    #[test]
    fn balanced_classes_alternate_and_match_the_rule() {
        for rule in rules(3) {
            let points = rule.draw(101, 3, true, &mut data_rng(2));
            for (at, (x, &class)) in points.x.rows().into_iter().zip(&points.class).enumerate() {
                assert_eq!(usize::from(class), at % 2);
                assert_eq!(rule.class(&x.to_vec()), class);
            }
        }
    }

    #[test]
    fn fewer_points_are_the_first_of_more() {
        for balance in [true, false] {
            let draw = |n| Rule::Stripe.draw(n, 4, balance, &mut data_rng(3)).x;
            assert_eq!(draw(7), draw(30).view().split_at(Axis(0), 7).0);
        }
    }
}
