//! Activations that the program adds.

use burn_autodiff::Autodiff;
use burn_tensor::{Tensor, backend::Backend};
use regime_models::{
    Activation, ActivationFunction, ConvolutionalSpec, DenseSpec, ImageShape, ModelError, Network,
    NetworkSpec, Precision, Tape, check_activation,
    kit::{Problem, close, distance},
};

/// `tanh z` again.
#[derive(PartialEq)]
struct AgainTanh;

impl ActivationFunction for AgainTanh {
    fn name(&self) -> &'static str {
        "again-tanh"
    }

    fn value_and_slope(&self, z: f64, _: &[f64]) -> (f64, f64) {
        let t = z.tanh();
        (t, 1.0 - t * t)
    }
}

/// `z + sin²(az)/a`, or with a slope that is wrong above z = 5.
#[derive(PartialEq)]
struct Snake {
    name: &'static str,
    error: f64,
}

impl ActivationFunction for Snake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn parameters(&self) -> &'static [&'static str] {
        &["a", "shift"]
    }

    fn value_and_slope(&self, z: f64, parameters: &[f64]) -> (f64, f64) {
        let [a, shift] = *parameters else { panic!("two parameters") };
        let error = if z > 5.0 { self.error } else { 0.0 };
        (z + shift + (a * z).sin().powi(2) / a, 1.0 + (2.0 * a * z).sin() + error)
    }

    fn check(&self, parameters: &[f64]) -> Result<(), String> {
        match parameters[0] > 0.0 {
            true => Ok(()),
            false => Err(format!("a is {}, and must be greater than 0", parameters[0])),
        }
    }
}

const SNAKE: Snake = Snake { name: "snake", error: 0.0 };

fn own_tanh() -> Activation {
    Activation::register(AgainTanh).unwrap();
    Activation::own("again-tanh", &[]).unwrap()
}

fn snake(a: f64) -> Activation {
    Activation::register(SNAKE).unwrap();
    Activation::own("snake", &[a, 0.1]).unwrap()
}

fn specs(activation: Activation) -> [NetworkSpec; 2] {
    let image = ImageShape { height: 5, width: 4, channels: 1 };
    let window = ConvolutionalSpec {
        image,
        width: 3,
        blocks: 1,
        convolutions: 1,
        window: 3,
        padding: 1,
        activation,
        bias: true,
    };
    [
        NetworkSpec::Dense(DenseSpec {
            inputs: 3,
            width: 33,
            hidden_layers: 2,
            activation,
            bias: true,
        }),
        NetworkSpec::Convolutional(window),
    ]
}

pub(crate) fn an_own_activation_agrees_with_a_built_in_one<B: Backend>(device: &B::Device) {
    for (own, built_in) in specs(own_tanh()).into_iter().zip(specs(Activation::Tanh)) {
        let [own, built_in] = [own, built_in].map(|spec| Problem::of(spec, 7, 3));
        assert_eq!(own.w, built_in.w);
        let v = own.direction::<B>(device);
        let g = || Precision::F64.vector::<B>(&own.cotangent(), device);
        let results = [&own, &built_in].map(|problem| {
            let (w, x) = problem.tensors::<B>(Precision::F64, device);
            let tape = problem.tape::<B>(device);
            let forward = Precision::to_host(problem.net.forward(&w, &x));
            [forward, Precision::to_host(tape.jvp(v.clone())), Precision::to_host(tape.vjp(g()))]
        });
        for (a, b) in results[0].iter().zip(&results[1]) {
            assert!(distance(a, b) < 1e-12, "{a:?} is not {b:?}");
        }
        let (w, x) = own.tensors::<B>(Precision::F32, device);
        let single = own.net.forward(&w, &x);
        assert_eq!(single.dtype(), Precision::F32.dtype());
        assert!(distance(&Precision::to_host(single), &results[0][0]) < 1e-5);
    }
}

pub(crate) fn gradients_through_an_own_activation_agree<B: Backend>(device: &B::Device) {
    for spec in specs(snake(1.5)) {
        let problem = Problem::of(spec, 5, 4);
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let v = problem.direction::<B>(device);
        let e = 1e-5;
        let up = problem.net.forward(&(w.clone() + v.clone().mul_scalar(e)), &x);
        let down = problem.net.forward(&(w - v.clone().mul_scalar(e)), &x);
        let expected = Precision::to_host((up - down).div_scalar(2.0 * e));
        let tape = problem.tape::<B>(device);
        assert!(distance(&Precision::to_host(tape.jvp(v)), &expected) < 1e-7);

        let g = problem.cotangent();
        let (w, x) = problem.tensors::<Autodiff<B>>(Precision::F64, device);
        let tracked = w.require_grad();
        let f: Tensor<Autodiff<B>, 1> = problem.net.forward(&tracked, &x);
        let gradients = (f * Precision::F64.vector(&g, device)).sum().backward();
        let expected = Precision::to_host(tracked.grad(&gradients).expect("w was tracked"));
        let found = Precision::to_host(tape.vjp(Precision::F64.vector(&g, device)));
        assert!(distance(&found, &expected) < 1e-12);
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    use burn_flex::{Flex, FlexDevice};
    let [_, spec] = specs(snake(2.0));
    let problem = Problem::of(spec, 3000, 2);
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let g = Precision::F64.vector(&problem.cotangent(), &FlexDevice);
            let pulled = problem.tape::<Flex>(&FlexDevice).vjp(g);
            Precision::to_host(pulled).iter().map(|v| v.to_bits()).collect::<Vec<u64>>()
        })
    };
    assert!(bits(1) == bits(3));
}

#[test]
fn an_own_activation_is_normalised() {
    assert!(close(own_tanh().gain(), Activation::Tanh.gain(), 1e-15));
    let shifted = snake(0.7);
    let gain = shifted.gain();
    let second = regime_models::gaussian_mean(|g| (gain * shifted.bare(g).0).powi(2));
    assert!((second - 1.0).abs() < 1e-13, "{second}");
}

#[test]
fn a_spec_holds_an_own_activation_by_its_name() {
    let spec = specs(snake(1.5))[0];
    let text = serde_json::to_string(&spec).unwrap();
    let activation = r#"{"kind":"own","name":"snake","parameters":{"a":1.5,"shift":0.1}}"#;
    assert!(text.contains(activation), "{text}");
    assert_eq!(serde_json::from_str::<NetworkSpec>(&text).unwrap(), spec);
    let text = serde_json::to_string(&own_tanh()).unwrap();
    assert_eq!(text, r#"{"kind":"own","name":"again-tanh"}"#);
    assert_eq!(serde_json::from_str::<Activation>(&text).unwrap(), own_tanh());
    assert_ne!(snake(1.5), snake(1.6));
    assert_eq!(format!("{:?}", snake(1.5)), "Own(snake { a: 1.5, shift: 0.1 })");
    assert_eq!(snake(1.5).name(), "snake");

    let refused = |text: &str| serde_json::from_str::<Activation>(text).unwrap_err().to_string();
    let unknown = refused(r#"{"kind":"own","name":"snakes"}"#);
    assert!(unknown.contains("no activation is registered under the name `snakes`"), "{unknown}");
    assert!(unknown.contains("again-tanh") && unknown.contains("snake"), "{unknown}");
    let missing = refused(r#"{"kind":"own","name":"snake","parameters":{"a":1.5}}"#);
    assert!(missing.contains(r#"are ["a", "shift"], but `shift` is missing"#), "{missing}");
    let other = refused(r#"{"kind":"own","name":"again-tanh","parameters":{"b":1}}"#);
    assert!(other.contains("`b` is given"), "{other}");
    assert!(refused(r#"{"kind":"own","name":"again-tanh","beta":1}"#).contains("unknown field"));
    let negative = refused(r#"{"kind":"own","name":"snake","parameters":{"a":-1.0,"shift":0.0}}"#);
    assert!(negative.contains("a is -1, and must be greater than 0"), "{negative}");
}

#[test]
fn names_and_parameters_are_checked() {
    Activation::register(SNAKE).unwrap();
    // Again, and with another function.
    Activation::register(SNAKE).unwrap();
    let taken = Activation::register(Snake { error: 1.0, ..SNAKE }).unwrap_err();
    assert_eq!(taken, ModelError::ActivationTaken { name: "snake" });
    let taken = Activation::register(Snake { name: "relu", ..SNAKE }).unwrap_err();
    assert_eq!(taken, ModelError::ActivationTaken { name: "relu" });
    for name in ["", "two words", "é"] {
        let refused = Activation::register(Snake { name, ..SNAKE }).unwrap_err();
        assert_eq!(refused, ModelError::ActivationName { name });
    }
    let message =
        |parameters: &[f64]| Activation::own("snake", parameters).unwrap_err().to_string();
    assert!(message(&[1.0]).ends_with("but 1 values are given"));
    assert!(message(&[1.0, f64::NAN]).ends_with("but shift is NaN, not finite"));
}

#[test]
fn a_wrong_slope_is_found() {
    assert_eq!(check_activation(&AgainTanh, &[]), Ok(()));
    assert_eq!(check_activation(&SNAKE, &[1.5, 0.1]), Ok(()));
    let wrong = Snake { name: "wrong", error: 1e-4 };
    match check_activation(&wrong, &[1.5, 0.0]).unwrap_err() {
        // The first point above 5.
        ModelError::ActivationSlope { name: "wrong", z, slope, expected, .. } => {
            assert!((5.0..5.07).contains(&z), "{z}");
            assert!((slope - expected - 1e-4).abs() < 1e-6);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_function_without_a_gain_is_refused() {
    #[derive(PartialEq)]
    struct Zero;
    impl ActivationFunction for Zero {
        fn name(&self) -> &'static str {
            "zero"
        }
        fn value_and_slope(&self, _: f64, _: &[f64]) -> (f64, f64) {
            (0.0, 0.0)
        }
    }
    Activation::register(Zero).unwrap();
    let error = specs(Activation::own("zero", &[]).unwrap())[0].build().unwrap_err();
    assert_eq!(error, ModelError::NotNormalisable { name: "zero", mean_square: 0.0 });
}
