//! Gaussian points with a label from a rule.

use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::rule::Rule;
use crate::source::Source;

/// The distribution of a synthetic source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cloud {
    /// Number of coordinates, all of them drawn standard normal.
    dim: usize,
    /// Gives the class of a point, from its coordinates before stretching.
    rule: Rule,
    /// The number of coordinates that are not stretched: the first ones.
    unstretched: usize,
    /// Factor of the other coordinates.
    stretch: f64,
}

/// Drawn points with their classes.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// `n × dim`.
    pub(crate) x: Array2<f64>,
    /// `n` classes, 0 or 1.
    pub(crate) class: Vec<u8>,
}

impl Cloud {
    /// The distribution of `source`, which has passed its check; `None` if it is not
    /// synthetic.
    pub(crate) fn of(source: &Source) -> Option<Self> {
        let dim = source.synthetic_dim()?;
        let (mut unstretched, mut stretch) = (dim, 1.0);
        let rule = match *source {
            Source::MnistT10k
            | Source::Mnist
            | Source::FashionMnist
            | Source::IdxDirectory { .. }
            | Source::Safetensors { .. } => return None,
            Source::Stripe { .. } => Rule::Stripe,
            Source::Sphere { .. } => Rule::outside_median_sphere(dim),
            Source::Cylinder { round, stretch: factor, .. } => {
                (unstretched, stretch) = (round, factor);
                Rule::outside_median_sphere(round)
            }
            Source::Cube { .. } => Rule::outside_median_cube(dim),
            Source::Xnor { .. } => Rule::PositiveProduct { factors: 2 },
            Source::And { inputs, .. } => Rule::AllPositive { inputs },
            Source::SignOfProduct { factors, .. } => Rule::PositiveProduct { factors },
        };
        Some(Self { dim, rule, unstretched, stretch })
    }

    /// Draws `n` points.
    ///
    /// With `balance`, the classes alternate, 0 first. The points of a class are in the
    /// order in which they were drawn; once a class is complete, its further points are
    /// dropped. Without `balance`, the points are the first `n` drawn. In both cases, a
    /// smaller `n` gives the first points of a larger one.
    pub(crate) fn draw(self, n: usize, balance: bool, rng: &mut impl Rng) -> Drawn {
        let mut x = Array2::zeros((n, self.dim));
        let mut class = vec![0; n];
        let mut place = |at: usize, point: &[f64], of_class: u8| {
            let mut row = x.row_mut(at);
            row.iter_mut().zip(point).for_each(|(to, from)| *to = *from);
            row.iter_mut().skip(self.unstretched).for_each(|x| *x *= self.stretch);
            class[at] = of_class;
        };
        let mut next: [usize; 2] = [0, 1];
        let mut drawn = 0;
        let mut point = vec![0.0; self.dim];
        while if balance { next.iter().any(|&at| at < n) } else { drawn < n } {
            point.fill_with(|| StandardNormal.sample(rng));
            let of_class = self.rule.class(&point);
            if !balance {
                place(drawn, &point, of_class);
            } else {
                let at = &mut next[usize::from(of_class)];
                if *at < n {
                    place(*at, &point, of_class);
                    *at += 2;
                }
            }
            drawn += 1;
        }
        Drawn { x, class }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::data_rng;
    use ndarray::Axis;

    /// A source, whether a point of it is of class 1, how probable that is.
    type Case = (Source, fn(&[f64]) -> bool, f64);

    /// Every rule, written independently. The numbers are medians of χ² with 1, 2, 3 and
    /// 5 degrees of freedom, and half the sides of cubes.
    fn cases() -> Vec<Case> {
        fn norm(x: &[f64]) -> f64 {
            x.iter().fold(0.0, |norm, x| x.hypot(norm))
        }
        fn largest(x: &[f64]) -> f64 {
            x.iter().fold(0.0, |largest, x| x.abs().max(largest))
        }
        fn negative(x: &[f64]) -> usize {
            x.iter().filter(|x| x.is_sign_negative()).count()
        }
        vec![
            (Source::Stripe { dim: 1 }, |x| (x[0] - 0.442_745).abs() < 0.742_745, 0.5),
            (Source::Stripe { dim: 5 }, |x| (x[0] - 0.442_745).abs() < 0.742_745, 0.5),
            (Source::Sphere { dim: 1 }, |x| norm(x) > 0.454_936_423_119_572_8_f64.sqrt(), 0.5),
            (Source::Sphere { dim: 5 }, |x| norm(x) > 4.351_460_191_095_527_f64.sqrt(), 0.5),
            (
                Source::Cylinder { dim: 5, round: 2, stretch: 10.0 },
                |x| norm(&x[..2]) > (2.0 * 2.0_f64.ln()).sqrt(),
                0.5,
            ),
            (
                Source::Cylinder { dim: 5, round: 3, stretch: 0.1 },
                |x| norm(&x[..3]) > 2.365_973_884_375_338_f64.sqrt(),
                0.5,
            ),
            (
                Source::Cylinder { dim: 5, round: 5, stretch: 3.0 },
                |x| norm(x) > 4.351_460_191_095_527_f64.sqrt(),
                0.5,
            ),
            (Source::Cube { dim: 1 }, |x| largest(x) > 0.674_489_750_196_081_7, 0.5),
            (Source::Cube { dim: 2 }, |x| largest(x) > 1.051_795_860_165_225, 0.5),
            (Source::Cube { dim: 10 }, |x| largest(x) > 1.831_895_383_690_205, 0.5),
            (Source::Xnor { dim: 2 }, |x| (x[0] > 0.0) == (x[1] > 0.0), 0.5),
            (Source::Xnor { dim: 5 }, |x| (x[0] > 0.0) == (x[1] > 0.0), 0.5),
            (Source::And { dim: 1, inputs: 1 }, |x| x[0] > 0.0, 0.5),
            (Source::And { dim: 5, inputs: 2 }, |x| x[0] > 0.0 && x[1] > 0.0, 0.25),
            (Source::And { dim: 5, inputs: 5 }, |x| negative(x) == 0, 0.031_25),
            (Source::SignOfProduct { dim: 1, factors: 1 }, |x| x[0] > 0.0, 0.5),
            (Source::SignOfProduct { dim: 5, factors: 3 }, |x| x[0] * x[1] * x[2] > 0.0, 0.5),
            (Source::SignOfProduct { dim: 5, factors: 5 }, |x| negative(x).is_multiple_of(2), 0.5),
        ]
    }

    fn draw(source: &Source, n: usize, balance: bool, seed: u64) -> Drawn {
        Cloud::of(source).unwrap().draw(n, balance, &mut data_rng(seed))
    }

    #[test]
    fn classes_follow_their_definition_and_have_their_probability() {
        let n = 40_000;
        for (source, is_one, probability) in cases() {
            let points = draw(&source, n, false, 1);
            for (x, &class) in points.x.rows().into_iter().zip(&points.class) {
                assert_eq!(class == 1, is_one(&x.to_vec()), "{source:?}: {x}");
            }
            let ones = points.class.iter().filter(|&&class| class == 1).count() as f64;
            let (mean, n) = (probability * n as f64, n as f64);
            let deviations = (ones - mean) / (n * probability * (1.0 - probability)).sqrt();
            assert!(deviations.abs() < 4.0, "{source:?}: {deviations}");
        }
    }

    #[test]
    fn balanced_classes_alternate_and_follow_their_definition() {
        for (source, is_one, _) in cases() {
            let points = draw(&source, 101, true, 2);
            for (at, (x, &class)) in points.x.rows().into_iter().zip(&points.class).enumerate() {
                assert_eq!(usize::from(class), at % 2);
                assert_eq!(class == 1, is_one(&x.to_vec()), "{source:?}: {x}");
            }
        }
    }

    #[test]
    fn fewer_points_are_the_first_of_more_points() {
        for (source, ..) in cases() {
            for balance in [true, false] {
                let [fewer, more] = [7, 30].map(|n| draw(&source, n, balance, 3));
                assert_eq!(fewer.x, more.x.view().split_at(Axis(0), 7).0, "{source:?}");
                assert_eq!(fewer.class, more.class[..7], "{source:?}");
            }
        }
    }

    #[test]
    fn a_stretch_multiplies_the_coordinates_outside_the_rule() {
        for balance in [true, false] {
            let [plain, stretched] = [1.0, 2.5].map(|stretch| {
                draw(&Source::Cylinder { dim: 4, round: 3, stretch }, 50, balance, 4)
            });
            let mut expected = plain.x;
            expected.column_mut(3).mapv_inplace(|x| x * 2.5);
            assert_eq!(stretched.x, expected);
            assert_eq!(stretched.class, plain.class);
        }
    }
}
