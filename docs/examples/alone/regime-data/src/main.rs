//! The example of the front page of `regime-data`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use regime_data::{DataSpec, default_cache_dir, prepare};

fn main() -> Result<(), regime_data::DataError> {
    let spec = DataSpec { n_train: 200, n_test: 100, n_kernel: 20, ..DataSpec::default() };
    let data = prepare(&spec, &default_cache_dir())?;
    println!("{} training points; the first ones with their labels:", data.train.y.len());
    for (x, y) in data.train.x.rows().into_iter().zip(&data.train.y).take(5) {
        println!("{x:6.2}  {y:+}");
    }

    assert_eq!(data.train.x.dim(), (200, 10));
    assert_eq!(data.test.y.len(), 100);
    assert!(data.kernel.y.iter().all(|&y| y == 1.0 || y == -1.0));
    Ok(())
}
