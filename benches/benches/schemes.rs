//! Work against precision: the adaptive and the reference scheme on the named problems.
//!
//! `cargo bench --bench schemes` prints the table of docs/dynamics.md, and `-- --write` writes it
//! to that file. The benchmark takes some minutes, mostly for the reference runs at a tight
//! tolerance. All runs use one thread, one after the other.

use std::{fmt::Write, path::Path};

use regime_benches::{Backend, DEVICE, Named, Prepared, Reached, named};
use regime_train::Scheme;

const BEGIN: &str = "<!-- schemes: written by `cargo bench --bench schemes -- --write` -->";
const END: &str = "<!-- schemes: end -->";

/// The scheme of the reference runs, against which errors are measured.
const EXACT: Scheme = Scheme::Reference { tolerance: 1e-4, active_above: 1e-3 };

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    let table = pool.install(table);
    if std::env::args().any(|argument| argument == "--write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dynamics.md");
        let text = std::fs::read_to_string(&path).expect("docs/dynamics.md can be read");
        let (before, rest) = text.split_once(BEGIN).expect("docs/dynamics.md has the start marker");
        let (_, after) = rest.split_once(END).expect("docs/dynamics.md has the end marker");
        let text = format!("{before}{BEGIN}\n{table}{END}{after}");
        std::fs::write(&path, text).expect("docs/dynamics.md can be written");
    }
}

/// Returns the table in Markdown, and prints each line as soon as it is known.
fn table() -> String {
    let mut table = String::new();
    let mut add = |line: String| {
        println!("{line}");
        writeln!(table, "{line}").expect("writing to a string does not fail");
    };
    add("| problem | scheme, tolerance | steps + rejected | passes | Σm²/n² | Σm³/n³ | F at t₁ | F at the end | t₁ | t₂ | kernel change | test error |".into());
    add("|---|---|---|---|---|---|---|---|---|---|---|---|".into());
    for problem in named() {
        let exact = Exact::of(&problem);
        for tolerance in [0.3, 0.1, 0.03] {
            add(exact.line(&problem, "adaptive", tolerance, Scheme::Adaptive { tolerance }));
        }
        for tolerance in [0.03, 0.01] {
            let scheme = Scheme::Reference { tolerance, active_above: 1e-3 };
            add(exact.line(&problem, "reference", tolerance, scheme));
        }
    }
    table
}

/// A problem and its results at a tight tolerance.
struct Exact {
    prepared: Prepared<Backend>,
    half: Reached,
    end: Reached,
}

impl Exact {
    fn of(problem: &Named) -> Self {
        let prepared = problem.prepare(0, &DEVICE).expect("the digits are embedded");
        let end = prepared.run(EXACT, None);
        let half = prepared.run(EXACT, end.outcome.t1);
        Self { prepared, half, end }
    }

    fn line(&self, problem: &Named, name: &str, tolerance: f64, scheme: Scheme) -> String {
        let found = self.prepared.run(scheme, None);
        let half = self.prepared.run(scheme, self.end.outcome.t1);
        let n = self.prepared.n_points() as f64;
        let (outcome, work) = (&found.outcome, found.outcome.work);
        let relative = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => format!("{:.0e}", (a / b - 1.0).abs()),
            _ => "–".into(),
        };
        let change = (found.kernel_change / self.end.kernel_change - 1.0).abs();
        format!(
            "| {} | {name}, {tolerance} | {} + {} | {:.0} | {:.1} | {:.2} | {:.0e} | {:.0e} | {} | {} | {change:.0e} | {:.3} |",
            problem.name,
            outcome.steps,
            outcome.rejected,
            work.points_forward as f64 / n,
            work.kernel_numbers as f64 / n.powi(2),
            work.factor_cubes as f64 / n.powi(3),
            error(&half, &self.half),
            error(&found, &self.end),
            relative(outcome.t1, self.end.outcome.t1),
            relative(outcome.t2, self.end.outcome.t2),
            (found.test_error - self.end.test_error).abs(),
        )
    }
}

/// The largest error of the margins: relative where the exact margin exceeds 1, else absolute.
fn error(found: &Reached, exact: &Reached) -> f64 {
    let pairs = found.margins.iter().zip(&exact.margins);
    pairs.fold(0.0, |largest, (a, b)| f64::max(largest, (a - b).abs() / b.abs().max(1.0)))
}
