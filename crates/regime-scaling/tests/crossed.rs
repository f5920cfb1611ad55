//! Coverage of nominal 95 % intervals for a crossed table.
//!
//! This command prints the table in the documentation of `bootstrap_crossed`:
//! `cargo test -p regime-scaling --release --test crossed -- --ignored --nocapture`.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use regime_scaling::{BootstrapConfig, bootstrap_crossed};

const COLUMNS: usize = 47;

/// Standard deviations of the effects of rows, of columns, and of the interaction.
const DESIGNS: [[f64; 3]; 5] =
    [[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.0, 0.0, 1.0], [0.2, 1.0, 1.0], [0.05, 0.2, 1.0]];

fn table(n_rows: usize, [rows, columns, both]: [f64; 3], rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let mut gauss = |sd: f64| -> f64 {
        sd * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, rng)
    };
    let of_columns: Vec<f64> = (0..COLUMNS).map(|_| gauss(columns)).collect();
    (0..n_rows)
        .map(|_| {
            let of_row = gauss(rows);
            of_columns.iter().map(|of_column| of_row + of_column + gauss(both)).collect()
        })
        .collect()
}

/// Fraction of trials whose interval contains 0, and the mean of the estimated variance relative
/// to the true one.
fn coverage(n_rows: usize, design: [f64; 3], trials: u64, resamples: usize) -> (f64, f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(190_608_034);
    let (mut hits, mut variance) = (0, 0.0);
    for rng_seed in 0..trials {
        let table = table(n_rows, design, &mut rng);
        let config = BootstrapConfig { resamples, rng_seed, ..Default::default() };
        let interval = bootstrap_crossed(n_rows, COLUMNS, &config, |rows, columns| {
            let of_row = |&r: &usize| columns.iter().map(|&c| table[r][c]).sum::<f64>();
            Some(rows.iter().map(of_row).sum::<f64>() / (n_rows * COLUMNS) as f64)
        })
        .unwrap();
        hits += u32::from(interval.contains(0.0));
        variance += interval.std_error.powi(2);
    }
    let (r, c) = (n_rows as f64, COLUMNS as f64);
    let [rows, columns, both] = design.map(|sd| sd * sd);
    let truth = rows / r + columns / c + both / (r * c);
    (f64::from(hits) / trials as f64, variance / trials as f64 / truth)
}

#[test]
fn intervals_have_their_nominal_coverage() {
    for design in DESIGNS {
        for n_rows in [4, 8] {
            let (found, variance) = coverage(n_rows, design, 400, 200);
            assert!((0.92..=0.995).contains(&found), "{design:?}, {n_rows} rows: {found}");
            assert!((0.85..=1.5).contains(&variance), "{design:?}, {n_rows} rows: {variance}");
        }
    }
}

#[test]
#[ignore = "prints the table of the documentation, which takes a minute"]
fn print_the_table() {
    for design in DESIGNS {
        let cells: Vec<String> = [4, 8]
            .map(|n_rows| {
                let (found, variance) = coverage(n_rows, design, 4000, 500);
                format!("{:.1} ({variance:.2})", 100.0 * found)
            })
            .to_vec();
        println!("{design:?}: {}", cells.join(" | "));
    }
}
