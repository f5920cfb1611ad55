//! Every architecture, written as plain loops from its definition.

use regime_models::{Activation, NetworkSpec};

/// `f(w, x)` of one point.
pub(crate) fn output(spec: &NetworkSpec, w: &[f64], x: &[f64]) -> f64 {
    let mut w = Parameters { left: w };
    let f = match spec {
        NetworkSpec::Dense(spec) => {
            let mut a = x.to_vec();
            for _ in 0..spec.hidden_layers {
                a = phi(spec.activation, &w.affine(&a, spec.width, spec.bias));
            }
            w.affine(&a, 1, spec.bias)[0]
        }
        NetworkSpec::Convolutional(spec) => {
            let mut map = Map::new((spec.image.height, spec.image.width), x.to_vec());
            for _ in 0..spec.blocks {
                for i in 0..spec.convolutions {
                    let stride = if i == 0 { 2 } else { 1 };
                    let geometry = (spec.window, stride, spec.padding);
                    map = w.convolution(&map, geometry, spec.width, spec.bias);
                    map.values = phi(spec.activation, &map.values);
                }
            }
            w.affine(&map.mean(), 1, spec.bias)[0]
        }
        NetworkSpec::WideResNet(spec) => {
            let (sin, cos) = spec.mix_angle_deg.to_radians().sin_cos();
            let image = Map::new((spec.image.height, spec.image.width), x.to_vec());
            let mut map = w.convolution(&image, (3, 1, 1), spec.base, spec.bias);
            for (factor, first_stride) in [(1, 1), (2, 2), (4, 2)] {
                let channels = factor * spec.base * spec.width;
                for block in 0..(spec.depth - 4) / 6 {
                    let stride = if block == 0 { first_stride } else { 1 };
                    let mut a = map.clone();
                    a.values = phi(spec.activation, &a.values);
                    let mut a = w.convolution(&a, (3, 1, 1), channels, spec.bias);
                    a.values = phi(spec.activation, &a.values);
                    let branch = w.convolution(&a, (3, stride, 1), channels, spec.bias);
                    let shortcut = if stride != 1 || map.channels() != channels {
                        w.convolution(&map, (1, stride, 0), channels, spec.bias)
                    } else {
                        map
                    };
                    assert_eq!(shortcut.shape, branch.shape);
                    let sum = shortcut.values.iter().zip(&branch.values);
                    map = Map::new(branch.shape, sum.map(|(s, b)| cos * s + sin * b).collect());
                }
            }
            map.values = phi(spec.activation, &map.values);
            w.affine(&map.mean(), 1, spec.bias)[0]
        }
    };
    assert!(w.left.is_empty(), "every parameter is used exactly once");
    f
}

fn phi(activation: Activation, z: &[f64]) -> Vec<f64> {
    let gain = activation.gain();
    z.iter().map(|&z| gain * activation.bare(z).0).collect()
}

/// A map of a given height and width, channels last.
#[derive(Clone)]
struct Map {
    shape: (usize, usize),
    values: Vec<f64>,
}

impl Map {
    fn new(shape: (usize, usize), values: Vec<f64>) -> Self {
        Self { shape, values }
    }

    fn channels(&self) -> usize {
        self.values.len() / (self.shape.0 * self.shape.1)
    }

    fn at(&self, y: isize, x: isize, channel: usize) -> f64 {
        let (height, width) = (self.shape.0 as isize, self.shape.1 as isize);
        if (0..height).contains(&y) && (0..width).contains(&x) {
            self.values[(y * width + x) as usize * self.channels() + channel]
        } else {
            0.0
        }
    }

    fn mean(&self) -> Vec<f64> {
        let (n, pixels) = (self.channels(), self.shape.0 * self.shape.1);
        (0..n).map(|c| self.values.iter().skip(c).step_by(n).sum::<f64>() / pixels as f64).collect()
    }
}

/// The parameters that no layer has used yet.
struct Parameters<'a> {
    left: &'a [f64],
}

impl<'a> Parameters<'a> {
    fn take(&mut self, n: usize) -> &'a [f64] {
        let (taken, left) = self.left.split_at(n);
        self.left = left;
        taken
    }

    fn affine(&mut self, a: &[f64], outputs: usize, bias: bool) -> Vec<f64> {
        let pixel = Map::new((1, 1), a.to_vec());
        self.convolution(&pixel, (1, 1, 0), outputs, bias).values
    }

    fn convolution(
        &mut self,
        map: &Map,
        (size, stride, padding): (usize, usize, usize),
        outputs: usize,
        bias: bool,
    ) -> Map {
        let inputs = size * size * map.channels();
        let weights = self.take(inputs * outputs);
        let biases = self.take(if bias { outputs } else { 0 });
        let along = |pixels: usize| (pixels + 2 * padding - size) / stride + 1;
        let shape = (along(map.shape.0), along(map.shape.1));
        let mut values = Vec::new();
        for (p, q) in (0..shape.0).flat_map(|p| (0..shape.1).map(move |q| (p, q))) {
            for j in 0..outputs {
                let mut z = 0.0;
                for (tap, (dy, dx)) in
                    (0..size).flat_map(|dy| (0..size).map(move |dx| (dy, dx))).enumerate()
                {
                    for c in 0..map.channels() {
                        let y = (p * stride + dy) as isize - padding as isize;
                        let x = (q * stride + dx) as isize - padding as isize;
                        z += map.at(y, x, c) * weights[(tap * map.channels() + c) * outputs + j];
                    }
                }
                values.push(z / (inputs as f64).sqrt() + biases.get(j).copied().unwrap_or(0.0));
            }
        }
        Map::new(shape, values)
    }
}
