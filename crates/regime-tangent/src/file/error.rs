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
    /// The array, in a file of several and when it is only about that one.
    pub array: Option<String>,
    /// What is wrong.
    #[source]
    pub problem: FileProblem,
}

/// What is wrong with a file of arrays.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// The file system refuses: the file is missing, the disk is full.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a .npy file: it starts with {start:02x?}")]
    NotNpy {
        /// The bytes it starts with, at most six.
        start: Vec<u8>,
    },
    /// It starts like a `.npy` file, but does not say what is in it.
    #[error("its .npy header cannot be read: {why}")]
    Header {
        /// What is wrong there.
        why: String,
    },
    /// The container of several arrays cannot be read or written.
    #[error("not a {format} file that can be used: {cause}")]
    Container {
        /// `npz` or `safetensors`.
        format: &'static str,
        /// What its reader says.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The elements are of a type that is not supported.
    #[error("its elements are `{found}`, should be float64 or float32 in little endian")]
    Element {
        /// The type, in the file's words.
        found: String,
    },
    /// The array has another number of axes than was asked for.
    #[error("its shape is {found:?}, should have {wanted} axes")]
    Axes {
        /// Its shape.
        found: Vec<usize>,
        /// The number of axes that was asked for.
        wanted: usize,
    },
    /// The file is truncated, or something was appended to it.
    #[error("it has {found} bytes where its header announces {wanted}")]
    Length {
        /// Bytes that header and shape announce.
        wanted: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// More numbers than fit into memory.
    #[error("an array of shape {shape:?} does not fit into memory")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Rows were asked of a file that holds columns.
    #[error("it holds its numbers column by column (Fortran order), should hold rows")]
    ColumnOrder,
    /// An array cannot have this name.
    #[error("no name for an array: {why}")]
    Name {
        /// Why not.
        why: &'static str,
    },
    /// The file has no array of this name.
    #[error("there is no such array, only {present:?}")]
    NoSuchArray {
        /// The names of those that it has.
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
