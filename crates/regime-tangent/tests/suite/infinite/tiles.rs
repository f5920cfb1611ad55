//! Kernels in tiles, and what is known before they are computed.

use std::ops::ControlFlow;

use burn_flex::Flex;
use ndarray::{Array2, ArrayView2, Axis};
use regime_models::{Activation, ConvolutionalSpec};
use regime_tangent::{
    InfiniteError, InfiniteKernel, InfiniteWidth, Readout,
    file::{NpyRows, TileError, Tiling, verify},
    infinite::{DEFAULT_MEMORY, InfiniteFileError},
};

use super::{infinite, points, spec};

/// The first points.
fn first(x: &Array2<f64>, n: usize) -> ArrayView2<'_, f64> {
    x.slice_axis(Axis(0), (..n).into())
}

/// 50,000 points, whose two kernels of 20 GB each do not fit into the default limit.
#[test]
fn too_many_points_are_refused_with_the_bytes() {
    let net = infinite(spec(1, 1, Activation::Relu, true));
    let x = Array2::zeros([50_000, 1]);
    let error = net.kernels(x.view()).unwrap_err();
    let InfiniteError::Memory { points, needed, limit } = error else { panic!("{error}") };
    assert_eq!((points, limit), ([50_000, 50_000], DEFAULT_MEMORY));
    assert!((40_000_000_000..41_000_000_000).contains(&needed), "{needed}");
    let message = error.to_string();
    assert!(message.contains(&needed.to_string()) && message.contains("in tiles"), "{message}");
    assert!(net.cross_kernels(x.view(), x.view()).is_err());
    assert!(net.layer_kernels(x.view()).is_err());
    assert!(net.lazy_limit(first(&x, 2), x.view()).is_ok());

    let plan = net.plan(x.view(), None).unwrap();
    assert_eq!((plan.bytes, plan.limit, plan.tile), (needed, DEFAULT_MEMORY, 2048));
    assert_eq!((plan.tiles, plan.file_bytes), (25 * 26 / 2, 20_000_000_000));
    assert!(!plan.in_memory() && plan.tile_bytes < 200_000_000, "{plan}");
    assert!(plan.to_string().contains("in 325 tiles of 2048 points"), "{plan}");
}

#[test]
fn a_plan_follows_the_memory_and_the_work() {
    let x = points(300, 2, 4);
    let net = infinite(spec(2, 2, Activation::Tanh, true));
    let plan = net.plan(x.view(), None).unwrap();
    assert!(plan.in_memory());
    assert_eq!((plan.points, plan.pairs), ([300, 300], 45_150.0));
    let cross = net.plan(x.view(), Some(first(&x, 100))).unwrap();
    assert_eq!((cross.points, cross.pairs), ([300, 100], 30_000.0));
    // Tiles of a smaller memory are smaller, and stay within it.
    let small = net.with_memory(plan.bytes / 3).plan(x.view(), None).unwrap();
    assert!(small.tile < 300 && small.tile_bytes <= small.limit && !small.in_memory());
    // The work grows with the layers, and where the series do not converge.
    let deep = infinite(spec(2, 4, Activation::Tanh, true)).plan(x.view(), None).unwrap();
    assert!(deep.multiply_adds > 1.5 * plan.multiply_adds);
    let large = net.plan((20.0 * &x).view(), None).unwrap();
    assert!(large.multiply_adds > 2.0 * plan.multiply_adds, "{large} and {plan}");
    assert!((plan.seconds_at(1e9) - plan.multiply_adds / 1e9).abs() < 1e-15);
    let pooled = |readout| {
        let spec = ConvolutionalSpec::setup_b(1);
        let x = points(3, spec.image.n_inputs(), 6);
        InfiniteWidth::convolutional(&spec, readout).unwrap().plan(x.view(), None).unwrap()
    };
    let (mean, flatten) = (pooled(Readout::Mean), pooled(Readout::Flatten));
    assert!(mean.multiply_adds > 50.0 * flatten.multiply_adds, "{mean} and {flatten}");
}

#[test]
fn tiles_are_blocks_of_the_kernels() {
    let (a, b) = (points(11, 3, 1), points(4, 3, 2));
    for activation in [Activation::Relu, Activation::Tanh] {
        let net = infinite(spec(3, 2, activation, true));
        for b in [None, Some(b.view())] {
            let whole = match b {
                None => net.kernels(a.view()),
                Some(b) => net.cross_kernels(a.view(), b),
            };
            let whole = whole.unwrap();
            let mut covered = Array2::from_elem(whole.nngp.dim(), 0);
            net.fill_tiles(a.view(), b, 4, |tile| {
                let (rows, columns) = (tile.rows.clone(), tile.columns.clone());
                let place = |i: usize, j: usize| [rows.start + i, columns.start + j];

                let tolerance = 1e-12 * whole.tangent[[0, 0]];
                assert_eq!(tile.kernels.tangent.dim(), (rows.len(), columns.len()));
                for ((i, j), tangent) in tile.kernels.tangent.indexed_iter() {
                    let at = place(i, j);
                    covered[at] += 1;
                    assert!((tangent - whole.tangent[at]).abs() < tolerance, "{at:?}");
                    let error = tile.kernels.nngp[[i, j]] - whole.nngp[at];
                    assert!(error.abs() < tolerance, "{at:?}");
                }
                ControlFlow::Continue(())
            })
            .unwrap();
            for ((i, j), count) in covered.indexed_iter() {
                assert_eq!(*count, usize::from(b.is_some() || j / 4 >= i / 4), "{i} {j}");
            }
        }
        let mut seen = 0;
        let stop = |_| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        net.fill_tiles(a.view(), None, 4, stop).unwrap();
        assert_eq!(seen, 2);
        let none = net.fill_tiles(a.view(), None, 0, |_| ControlFlow::Continue(()));
        assert!(matches!(none, Err(InfiniteError::Parameter { field: "tile", .. })));
    }
}

#[test]
fn a_kernel_in_a_file_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (x, y) = (points(10, 3, 5), points(4, 3, 6));
    let net = infinite(spec(3, 2, Activation::Tanh, true));
    let tiling = Tiling { tile: 4, ..Tiling::new("") };
    for kernel in [InfiniteKernel::Nngp, InfiniteKernel::Tangent] {
        let path = folder.path().join(format!("{kernel:?}.npy"));
        let write = |net: &InfiniteWidth, x: &Array2<f64>, most: usize| {
            let progress = |p: regime_tangent::file::Progress| {
                if p.done < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            net.write_kernel::<Flex>(&path, x.view(), kernel, &tiling, progress)
        };
        assert_eq!(write(&net, &x, 2).unwrap().computed, 2);
        let report = write(&net, &x, 9).unwrap();
        assert_eq!((report.tiles, report.kept, report.computed), (6, 2, 4));
        verify(&path).unwrap();
        let found = NpyRows::open(&path).unwrap().read(0..10).unwrap();
        let whole = net.kernels(x.view()).unwrap();
        let whole = if kernel == InfiniteKernel::Nngp { whole.nngp } else { whole.tangent };
        assert!((&found - &whole).iter().all(|e| e.abs() < 1e-12 * whole[[0, 0]]));
        assert_eq!(found, found.t());

        // Other points and another network are other kernels; another limit is not.
        let is_other = |result: Result<_, InfiniteFileError>| {
            matches!(result, Err(InfiniteFileError::File(TileError::OtherKernel { .. })))
        };
        assert!(is_other(write(&net, &(2.0 * &x), 9)));
        assert!(is_other(write(&infinite(spec(3, 3, Activation::Tanh, true)), &x, 9)));
        assert_eq!(write(&net.with_memory(1 << 30), &x, 9).unwrap().kept, 6);

        let path = folder.path().join(format!("{kernel:?} cross.npy"));
        let go_on = |_| ControlFlow::Continue(());
        net.write_cross_kernel::<Flex>(&path, x.view(), y.view(), kernel, &tiling, go_on).unwrap();
        let found = NpyRows::open(&path).unwrap().read(0..10).unwrap();
        let cross = net.cross_kernels(x.view(), y.view()).unwrap();
        let cross = if kernel == InfiniteKernel::Nngp { cross.nngp } else { cross.tangent };
        assert!((&found - &cross).iter().all(|e| e.abs() < 1e-12 * whole[[0, 0]]));
    }
    // A tile of no points is an error, too.
    let path = folder.path().join("no points.npy");
    let (kernel, go_on) = (InfiniteKernel::Tangent, |_| ControlFlow::Continue(()));
    let empty = Tiling { tile: 0, ..tiling };
    let result = net.write_kernel::<Flex>(&path, x.view(), kernel, &empty, go_on);
    let Err(InfiniteFileError::Kernel(error)) = result else { panic!("a tile has points") };
    assert!(matches!(error, InfiniteError::Parameter { field: "tile", .. }), "{error}");
    assert!(!path.exists());
    // Errors of the points come before the file.
    let path = folder.path().join("none.npy");
    let bad = Array2::from_elem([2, 3], f64::NAN);
    let go_on = |_| ControlFlow::Continue(());
    let kernel = InfiniteKernel::Tangent;
    let result = net.write_kernel::<Flex>(&path, bad.view(), kernel, &tiling, go_on);
    assert!(matches!(result, Err(InfiniteFileError::Kernel(InfiniteError::Point { row: 0, .. }))));
    assert!(!path.exists());
}
