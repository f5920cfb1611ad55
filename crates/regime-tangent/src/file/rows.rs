use std::{
    fs::File,
    io::{BufReader, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use ndarray::{Array1, Array2, ArrayRef1};
use regime_models::Precision;

use super::{
    error::{FileError, FileProblem, refused},
    header::Header,
    numbers,
};

/// Numbers that a product holds at once: 8 MiB of float64, or one row.
const NUMBERS: usize = 1 << 20;

/// A matrix in a `.npy` file. Only the requested rows are read into memory.
#[derive(Debug)]
pub struct NpyRows {
    path: PathBuf,
    file: File,
    header: Header,
}

impl NpyRows {
    /// Opens a `.npy` file of two axes, row-major, float64 or float32.
    ///
    /// # Errors
    /// [`FileError`] when the file does not exist or is not exactly of this kind.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref().to_owned();
        let file = File::open(&path).map_err(refused(&path))?;
        let length = file.metadata().map_err(refused(&path))?.len();
        let header = Header::read(&mut BufReader::new(&file))
            .and_then(|header| check(header, length))
            .map_err(|problem| problem.at(&path))?;
        Ok(Self { path, file, header })
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.header.shape[0], self.header.shape[1]]
    }

    /// The element type in the file.
    pub fn element(&self) -> Precision {
        self.header.element
    }

    /// Reads some rows.
    ///
    /// # Shapes
    /// `[rows.len(), columns]`
    ///
    /// # Errors
    /// [`FileError`] for an error of the file system.
    ///
    /// # Panics
    /// When the file does not have these rows.
    pub fn read(&mut self, rows: Range<usize>) -> Result<Array2<f64>, FileError> {
        let [n, columns] = self.shape();
        assert!(rows.start <= rows.end && rows.end <= n, "rows {rows:?} of {n}");
        let row = (columns * numbers::size_of(self.header.element)) as u64;
        let start = self.header.start + rows.start as u64 * row;
        let shape = [rows.len(), columns];
        let values = (|| {
            self.file.seek(SeekFrom::Start(start))?;
            numbers::read(&mut self.file, &shape, self.header.element)
        })();
        let values = values.map_err(|problem| problem.at(&self.path))?;
        Ok(Array2::from_shape_vec(shape, values).expect("as many numbers were read"))
    }

    /// The product with a vector, `Θ v` for a kernel: one pass over the file, with 8 MiB
    /// (or one row) in memory at once.
    ///
    /// # Shapes
    /// `[columns]` → `[rows]`
    ///
    /// # Errors
    /// [`FileError`] for an error of the file system.
    ///
    /// # Panics
    /// When the number of entries of `v` is not the number of columns.
    pub fn multiply(&mut self, v: &ArrayRef1<f64>) -> Result<Array1<f64>, FileError> {
        let [n, columns] = self.shape();
        assert_eq!(v.len(), columns, "the vector and the rows differ in length");
        let step = (NUMBERS / columns.max(1)).max(1);
        let mut product = Vec::with_capacity(n);
        for start in (0..n).step_by(step) {
            let rows = self.read(start..(start + step).min(n))?;
            product.extend(rows.rows().into_iter().map(|row| row.dot(v)));
        }
        Ok(Array1::from_vec(product))
    }
}

fn check(header: Header, length: u64) -> Result<Header, FileProblem> {
    if header.shape.len() != 2 {
        return Err(FileProblem::Axes { found: header.shape, wanted: 2 });
    }
    // With a single row or column both orders are the same.
    if header.columns_first && header.shape.iter().all(|&axis| axis > 1) {
        return Err(FileProblem::ColumnOrder);
    }
    header.check_length(length)?;
    // No byte of the file stands for the rows of a matrix without columns: there may be 2⁶⁰.
    if header.shape[1] == 0 && header.shape[0] as u64 > length {
        return Err(FileProblem::TooLarge { shape: header.shape });
    }
    Ok(header)
}
