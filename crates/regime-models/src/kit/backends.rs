/// LibTorch, for [`on_every_backend`](crate::on_every_backend).
#[cfg(feature = "tch")]
#[doc(hidden)]
pub use burn_tch::LibTorch;

/// The LibTorch device on which the tests run. The environment variable `REGIME_TEST_DEVICE`
/// names a GPU, such as `cuda:0`; the default is the CPU.
///
/// On the CPU, LibTorch is set to one thread for the whole process, as in a run of the program.
/// Tests run in parallel, and additional threads for each test would mostly wait for each other.
///
/// # Panics
/// When the variable is neither `cpu` nor `cuda:` and a number. A misspelt name must not move the
/// tests to the CPU unnoticed.
#[cfg(feature = "tch")]
#[doc(hidden)]
pub fn libtorch_device() -> burn_tch::LibTorchDevice {
    let name = std::env::var("REGIME_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    if name == "cpu" {
        tch::set_num_threads(1);
        return burn_tch::LibTorchDevice::Cpu;
    }
    let index = name.strip_prefix("cuda:").and_then(|index| index.parse().ok());
    let index =
        index.unwrap_or_else(|| panic!("REGIME_TEST_DEVICE is {name}, but must be cpu or cuda:0"));
    burn_tch::LibTorchDevice::Cuda(index)
}

/// Defines one test per function and backend. Each function is generic over the backend and
/// takes a device of the backend.
///
/// The invoking crate needs the dependencies `burn-flex` and `burn-ndarray`, because the macro
/// expands to their names. With this crate's feature `tch` there are also tests on LibTorch, on
/// the CPU or on the GPU that the environment variable `REGIME_TEST_DEVICE` names. If a module is
/// given first, the functions are taken from that module at the root of the invoking crate, and
/// the tests lie in a module of the same name.
///
/// ```
/// use burn::tensor::{Tensor, backend::Backend};
///
/// fn one_is_one<B: Backend>(device: &B::Device) {
///     assert_eq!(Tensor::<B, 1>::ones([3], device).sum().into_data().iter::<f64>().next(), Some(3.0));
/// }
///
/// regime_models::on_every_backend!(one_is_one);
/// # fn main() {}
/// ```
#[macro_export]
#[allow(clippy::crate_in_macro_def, reason = "the functions are those of the invoking crate")]
macro_rules! on_every_backend {
    ($module:ident: $($name:ident),* $(,)?) => {
        mod $module {
            mod flex {
                $(#[test] fn $name() {
                    crate::$module::$name::<burn_flex::Flex>(&burn_flex::FlexDevice)
                })*
            }
            mod ndarray {
                $(#[test] fn $name() {
                    let device = burn_ndarray::NdArrayDevice::Cpu;
                    crate::$module::$name::<burn_ndarray::NdArray>(&device)
                })*
            }
            $crate::on_libtorch!($(crate::$module, $name;)*);
        }
    };
    ($($name:ident),* $(,)?) => {
        mod flex {
            $(#[test] fn $name() { super::$name::<burn_flex::Flex>(&burn_flex::FlexDevice) })*
        }
        mod ndarray {
            $(#[test] fn $name() {
                super::$name::<burn_ndarray::NdArray>(&burn_ndarray::NdArrayDevice::Cpu)
            })*
        }
        $crate::on_libtorch!($(super, $name;)*);
    };
}

/// The part of [`on_every_backend`](crate::on_every_backend) that depends on a feature of this
/// crate and not on a feature of the invoking crate.
#[cfg(feature = "tch")]
#[doc(hidden)]
#[macro_export]
macro_rules! on_libtorch {
    ($($($path:tt)::+, $name:ident;)*) => {
        mod libtorch {
            $(#[test] fn $name() {
                $($path)::+::$name::<$crate::kit::LibTorch>(&$crate::kit::libtorch_device())
            })*
        }
    };
}

/// The part of [`on_every_backend`](crate::on_every_backend) that depends on a feature of this
/// crate and not on a feature of the invoking crate.
#[cfg(not(feature = "tch"))]
#[doc(hidden)]
#[macro_export]
macro_rules! on_libtorch {
    ($($anything:tt)*) => {};
}
