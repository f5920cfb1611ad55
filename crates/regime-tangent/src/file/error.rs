use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

/// Why an array could not be written to a file or read from it.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", path.display(), within(array))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The array, if the problem is with one of several arrays in the file.
    pub array: Option<String>,
    /// The problem.
    #[source]
    pub problem: FileProblem,
}

/// A problem with a file of arrays.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// An error of the file system: the file is missing, the disk is full.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not a `.npy` file.
    #[error("not a .npy file: it starts with {start:02x?}")]
    NotNpy {
        /// The first bytes, at most six.
        start: Vec<u8>,
    },
    /// The file starts like a `.npy` file, but its header cannot be read.
    #[error("its .npy header cannot be read: {why}")]
    Header {
        /// The problem with the header.
        why: String,
    },
    /// The container of several arrays cannot be read or written.
    #[error("not a {format} file that can be used: {cause}")]
    Container {
        /// `npz` or `safetensors`.
        format: &'static str,
        /// The error of the format's library.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The elements are of a type that is not supported.
    #[error("its elements are `{found}`, should be float64 or float32 in little endian")]
    Element {
        /// The type, as written in the file.
        found: String,
    },
    /// The array does not have the requested number of axes.
    #[error("its shape is {found:?}, should have {wanted} axes")]
    Axes {
        /// Shape of the array.
        found: Vec<usize>,
        /// The requested number of axes.
        wanted: usize,
    },
    /// The file is truncated, or something was appended to it.
    #[error("it has {found} bytes, but its header announces {wanted}")]
    Length {
        /// Bytes that the header announces.
        wanted: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// The array does not fit into memory.
    #[error("an array of shape {shape:?} does not fit into memory")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Rows cannot be read from a file in column-major order.
    #[error("its numbers are in column-major (Fortran) order, should be row-major")]
    ColumnOrder,
    /// An array cannot have this name.
    #[error("not a valid name of an array: {why}")]
    Name {
        /// The problem with the name.
        why: &'static str,
    },
    /// The file has no array of this name.
    #[error("there is no such array, only {present:?}")]
    NoSuchArray {
        /// The names of the arrays in the file.
        present: Vec<String>,
    },
}

impl FileProblem {
    pub(super) fn at(self, path: &Path) -> FileError {
        FileError { path: path.into(), array: None, problem: self }
    }

    pub(super) fn at_array(self, path: &Path, array: &str) -> FileError {
        FileError { path: path.into(), array: Some(array.into()), problem: self }
    }

    pub(super) fn header(why: impl Into<String>) -> Self {
        Self::Header { why: why.into() }
    }

    pub(super) fn container(
        format: &'static str,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Container { format, cause: cause.into() }
    }
}

/// The error of the file system at a path.
pub(super) fn refused(path: &Path) -> impl Fn(io::Error) -> FileError + '_ {
    |cause| FileProblem::Io(cause).at(path)
}

fn within(array: &Option<String>) -> String {
    array.as_ref().map_or_else(String::new, |name| format!(", array `{name}`"))
}
