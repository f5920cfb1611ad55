//! A mock device with its own memory, which counts transfers to and from the host.
//!
//! Its tensors are stored by the ndarray backend and are accessible only through a client. A
//! tensor that was created on another device, such as the default device, is not found there:
//! the test panics (or aborts, with tensors alive), as it would on a GPU.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering::Relaxed},
    },
};

use burn_ir::{BaseOperationIr, OperationIr, TensorId, TensorIr};
use burn_ndarray::{NdArray, NdArrayDevice};
use burn_router::{
    BackendRouter, MultiBackendBridge, RouterTensor, Runner, RunnerChannel, RunnerClient,
    get_client,
};
use burn_tensor::{
    DType, Shape, TensorData,
    backend::{DTypeUsageSet, Device, DeviceId, DeviceOps, ExecutionError},
};

/// The backend.
pub(crate) type Remote = BackendRouter<Wire>;

/// A device of the backend; the default device panics on use.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RemoteDevice(u16);

impl RemoteDevice {
    /// A new device.
    pub(crate) fn fresh() -> Self {
        static LAST: AtomicU16 = AtomicU16::new(0);
        Self(1 + LAST.fetch_add(1, Relaxed))
    }

    /// The transfers since the last call.
    pub(crate) fn traffic(&self) -> Traffic {
        get_client::<Wire>(self).meter.read()
    }
}

impl RemoteDevice {
    /// Number of operations since the last call.
    pub(crate) fn launches(&self) -> usize {
        get_client::<Wire>(self).meter.launches.swap(0, Relaxed)
    }
}

impl Device for RemoteDevice {
    fn from_id(id: DeviceId) -> Self {
        Self(id.index_id)
    }

    fn to_id(&self) -> DeviceId {
        DeviceId { type_id: 0, index_id: self.0 }
    }
}

impl DeviceOps for RemoteDevice {}

/// Transfers in one direction, and the values in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Transfers {
    pub(crate) count: usize,
    pub(crate) numbers: usize,
    pub(crate) largest: usize,
}

/// Transfers in both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) to_host: Transfers,
    pub(crate) to_device: Transfers,
}

#[derive(Debug, Default)]
struct Counter {
    count: AtomicUsize,
    numbers: AtomicUsize,
    largest: AtomicUsize,
}

impl Counter {
    fn add(&self, numbers: usize) {
        self.count.fetch_add(1, Relaxed);
        self.numbers.fetch_add(numbers, Relaxed);
        self.largest.fetch_max(numbers, Relaxed);
    }

    fn read(&self) -> Transfers {
        Transfers {
            count: self.count.swap(0, Relaxed),
            numbers: self.numbers.swap(0, Relaxed),
            largest: self.largest.swap(0, Relaxed),
        }
    }
}

#[derive(Debug, Default)]
struct Meter {
    to_host: Counter,
    to_device: Counter,
    launches: AtomicUsize,
}

impl Meter {
    fn read(&self) -> Traffic {
        Traffic { to_host: self.to_host.read(), to_device: self.to_device.read() }
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<TensorData, ExecutionError>> + Send>>;

/// The client of a device.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    device: RemoteDevice,
    far: Runner<NdArray>,
    meter: Arc<Meter>,
}

impl RunnerClient for Wire {
    type Device = RemoteDevice;

    fn register_op(&self, op: OperationIr) {
        // Freeing a tensor and creating a view of it do not launch an operation.
        let is_view = match &op {
            OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) => matches!(
                op,
                BaseOperationIr::Reshape(_)
                    | BaseOperationIr::SwapDims(_)
                    | BaseOperationIr::Slice(_)
                    | BaseOperationIr::Cast(_)
            ),
            _ => false,
        };
        if !is_view && !matches!(op, OperationIr::Drop(_)) {
            self.meter.launches.fetch_add(1, Relaxed);
        }
        self.far.register_op(op);
    }

    fn read_tensor_async(&self, tensor: TensorIr) -> Reading {
        self.meter.to_host.add(tensor.shape.num_elements());
        self.far.read_tensor_async(tensor)
    }

    fn sync(&self) -> Result<(), ExecutionError> {
        self.far.sync()
    }

    fn create_empty_handle(&self) -> TensorId {
        self.far.create_empty_handle()
    }

    fn register_tensor_data(&self, data: TensorData) -> RouterTensor<Self> {
        self.meter.to_device.add(data.num_elements());
        let TensorIr { id, shape, dtype, .. } = self.far.register_tensor_data_desc(data);
        RouterTensor::new(id, shape, dtype, self.clone())
    }

    fn device(&self) -> RemoteDevice {
        self.device.clone()
    }

    fn seed(&self, seed: u64) {
        self.far.seed(seed);
    }

    fn dtype_usage(&self, dtype: DType) -> DTypeUsageSet {
        self.far.dtype_usage(dtype)
    }
}

impl RunnerChannel for Wire {
    type Device = RemoteDevice;
    type Bridge = NoBridge;
    type Client = Self;
    type FloatElem = f64;
    type IntElem = i64;
    type BoolElem = bool;

    /// Contains the word by which `Memory::of` recognises a device with its own memory.
    fn name(_: &RemoteDevice) -> String {
        "mock cuda".to_owned()
    }

    fn init_client(device: &RemoteDevice) -> Self {
        assert_ne!(*device, RemoteDevice::default(), "a tensor was created on the default device");
        let far = Runner::new(NdArrayDevice::Cpu);
        Self { device: device.clone(), far, meter: Arc::default() }
    }

    fn get_tensor_handle(tensor: &TensorIr, _: &Self) {
        panic!("a tensor leaves its device: {tensor:?}");
    }

    fn register_tensor(_: &Self, (): (), shape: Shape, _: DType) -> RouterTensor<Self> {
        panic!("a tensor comes from another device: {shape:?}");
    }
}

/// Tensors cannot change their device.
pub(crate) struct NoBridge;

impl MultiBackendBridge for NoBridge {
    type TensorHandle = ();
    type Device = RemoteDevice;

    fn change_backend_float((): (), _: Shape, _: &RemoteDevice) {}

    fn change_backend_int((): (), _: Shape, _: &RemoteDevice) {}

    fn change_backend_bool((): (), _: Shape, _: &RemoteDevice) {}
}
