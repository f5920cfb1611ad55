//! scratch
use burn_tensor::Tensor;
use regime_benches::{Backend, DEVICE, network};
use regime_data::{DataSpec, Dataset, default_cache_dir, prepare};
use regime_models::{Alpha, FeedForward, Network, Precision, Trace};
use regime_train::*;
use std::time::Instant;

struct Problem {
    net: FeedForward,
    alpha: Alpha,
    data: Dataset,
    w0: Tensor<Backend, 1>,
}
struct Run {
    outcome: Outcome,
    time: f64,
    f: Vec<f64>,
    u: Vec<f64>,
    kc: f64,
}
impl Problem {
    fn new(n: usize, h: usize, l: usize, s: f64, seed: u64) -> Self {
        let spec = DataSpec { n_train: n, n_test: 1000, n_kernel: 0, ..DataSpec::default() };
        let data = prepare(&spec, &default_cache_dir()).unwrap();
        let net = network(10, h, l);
        let alpha = Alpha::paper(s / (h as f64).sqrt()).unwrap();
        let w0 = Precision::F64.vector(&net.initial_weights(seed), &DEVICE);
        Self { net, alpha, data, w0 }
    }
    fn run(&self, scheme: Scheme) -> Run {
        let points = |part: &regime_data::Part, n: usize| {
            let values: Vec<f64> = part.x.iter().copied().take(n * 10).collect();
            Precision::F64.matrix::<Backend>(&values, [n, 10], &DEVICE)
        };
        let inputs = points(&self.data.train, self.data.train.len());
        let f0 = Precision::to_host(self.net.forward(&self.w0, &inputs));
        let labels = self.data.train.y.to_vec();
        let objective =
            Objective::new(self.alpha, Loss::SoftHinge { beta: 20.0 }, labels, f0).unwrap();
        let system = System::new(&self.net, inputs.clone(), objective);
        let spec = FlowSpec { scheme, ..FlowSpec::default() };
        let start = Instant::now();
        let mut flow = Flow::start(&system, spec, self.w0.clone()).unwrap();
        let outcome = flow.run(&mut ());
        let time = start.elapsed().as_secs_f64();
        let w = flow.weights();
        let test = points(&self.data.test, 1000);
        let a = self.alpha.value();
        let f: Vec<f64> = Precision::to_host(
            (self.net.forward(&w, &test) - self.net.forward(&self.w0, &test)).mul_scalar(a),
        );
        let k = points(&self.data.test, 200);
        let kernel =
            |w: &Tensor<Backend, 1>| regime_tangent::kernel(&self.net.trace(w, &k).linearise());
        let kc = regime_tangent::relative_change(kernel(&w), kernel(&self.w0)).unwrap();
        let u = system.objective().margins(&Precision::to_host(self.net.forward(&w, &inputs)));
        Run { outcome, time, f, u, kc }
    }
}
fn main() {
    let args: Vec<f64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (n, h, l, seed) = (args[0] as usize, args[1] as usize, args[2] as usize, args[3] as u64);
    let reps = args[4] as usize;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| for &s in &args[5..] {
        let p = Problem::new(n, h, l, s, seed);
        let exact = p.run(Scheme::Reference { tolerance: 1e-3, active_above: 1e-3 });
        println!("s {s}: exact {} steps t1 {:.6} t2 {:.6} kc {:.4} {:.2} s", exact.outcome.steps, exact.outcome.half_loss_time.unwrap(), exact.outcome.margins_time.unwrap(), exact.kc, exact.time);
        let show = |name: &str, scheme: Scheme| {
            let mut runs: Vec<Run> = (0..reps).map(|_| p.run(scheme)).collect();
            let mut times: Vec<f64> = runs.iter().map(|r| r.time).collect();
            times.sort_by(f64::total_cmp);
            let r = runs.pop().unwrap();
            let o = &r.outcome;
            let rel = |a: Option<f64>, b: Option<f64>| (a.unwrap() / b.unwrap() - 1.0).abs();
            let big = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max);
            println!("  {name:14} {:4}+{:3} t1 {:.1e} t2 {:.1e} kc {:.1e} F {:.1e} U {:.1e}  {:.3} s | fw {:.0} bw {:.0} pr {:.0} m2 {:.1} m3 {:.2} sub {}", o.steps, o.rejected,
                rel(o.half_loss_time, exact.outcome.half_loss_time), rel(o.margins_time, exact.outcome.margins_time), (r.kc / exact.kc - 1.0).abs(), big(&r.f, &exact.f), big(&r.u, &exact.u), times[times.len() / 2],
                o.work.points_forward as f64 / n as f64, o.work.points_backward as f64 / n as f64, o.work.points_product as f64 / n as f64, o.work.kernel_numbers as f64 / (n * n) as f64, o.work.factor_cubes as f64 / (n * n * n) as f64, o.work.substeps);
            times[times.len() / 2]
        };
        if std::env::var("ONLY").is_ok() { show("adaptive 3e-2", Scheme::Adaptive { tolerance: std::env::var("TOL").map_or(3e-1, |v| v.parse().unwrap()) }); continue; }
        let a = show("reference 3e-2", Scheme::Reference { tolerance: 3e-2, active_above: 1e-3 });
        let b = show("adaptive 3e-2", Scheme::Adaptive { tolerance: 3e-1 });
        println!("    ratio {:.2}", a / b);
    });
}
