use std::fmt;

use super::{Method, Sizes, cost::Cost};
use crate::outputs::Outputs;

/// Why a kernel cannot be computed as requested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The tape has no blocks.
    #[error("the structured kernel needs the layers' gradients as products, which this tape lacks")]
    NotOffered,
    /// The requested method, or every method, takes more memory than the limit.
    #[error(
        "the kernel on {points} points takes at least {needed:.3e} bytes by {method:?}, the limit is \
         {limit}: {fits} points fit. file::write_kernel writes a larger kernel tile by tile; \
         products with vectors (multiply, top_eigenpairs) need no matrix"
    )]
    Memory {
        /// The requested method, or the method with the smallest memory.
        method: Method,
        /// Number of points.
        points: usize,
        /// The most points that the method can treat within the limit; 0 if none.
        fits: usize,
        /// Bytes that the method needs.
        needed: f64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A kernel between two sets of points, or one that the tape knows, is larger than the limit.
    #[error(
        "a kernel of {rows} × {columns} takes {needed:.3e} bytes, the limit is {limit}: compute it \
         for fewer rows at a time"
    )]
    CrossMemory {
        /// Rows of the kernel.
        rows: usize,
        /// Columns of the kernel.
        columns: usize,
        /// Bytes that the kernel takes, with everything that is held at the same time.
        needed: f64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The tapes do not have the planned sizes.
    #[error("the plan is for {planned:?}, the tapes have {found:?}")]
    Sizes {
        /// The sizes in the plan.
        planned: Box<Sizes>,
        /// The sizes of the tapes.
        found: Box<Sizes>,
    },
}

/// The estimated cost of one method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The method.
    pub method: Method,
    /// Multiply-adds of its products.
    pub multiply_adds: f64,
    /// Bytes held at once in addition to the tapes, including the result. On Flex it is 0.99 to
    /// 1.3 times the allocated memory. Other backends may copy the operands of products, which
    /// is not included.
    pub peak_bytes: f64,
    /// Points whose rows of the Jacobian are formed in one batch, for a contraction; 0
    /// otherwise.
    pub points_at_once: usize,
}

/// A choice of method with its estimated cost, made before anything is computed.
///
/// It displays as one line with the chosen method, its cost, and the costs of the other
/// methods.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelPlan {
    /// The chosen method.
    pub chosen: Estimate,
    /// The other methods that the tape offers, within the limit or not.
    pub others: Vec<Estimate>,
    /// The sizes of the tapes.
    pub sizes: Sizes,
    /// How the kernel treats the outputs.
    pub outputs: Outputs,
    /// The limit on the bytes held at once.
    pub limit_bytes: u64,
    /// Whether the caller requested the method ([`plan`] chose it otherwise).
    pub requested: bool,
}

impl KernelPlan {
    /// Seconds that the products take at a rate of multiply-adds per second. The rate of a
    /// machine's product of two large matrices is the upper bound.
    pub fn seconds_at(&self, multiply_adds_per_s: f64) -> f64 {
        self.chosen.multiply_adds / multiply_adds_per_s
    }
}

impl fmt::Display for KernelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sizes { points, outputs, params, .. } = &self.sizes;
        let why = match (self.requested, self.others.is_empty()) {
            (true, _) => "requested",
            (false, true) => "the only one offered",
            (false, false) => "the cheapest within the limit",
        };
        write!(f, "{points} points, outputs: {outputs}, parameters: {params}: ")?;
        write!(f, "{}, {why}", self.chosen)?;
        for other in &self.others {
            write!(f, "; {other}")?;
            if other.peak_bytes > self.limit_bytes as f64 {
                f.write_str(", more than the limit")?;
            }
        }
        write!(f, " (limit {})", Bytes(self.limit_bytes as f64))
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.method {
            Method::Auto => "auto",
            Method::Structured => "structured",
            Method::Contraction => "contraction",
            Method::Products => "products",
        };
        write!(f, "{name} {:.2e} multiply-adds {}", self.multiply_adds, Bytes(self.peak_bytes))
    }
}

struct Bytes(f64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b if b < 1e3 => write!(f, "{b:.0} B"),
            b if b < 1e6 => write!(f, "{:.1} kB", b / 1e3),
            b if b < 1e9 => write!(f, "{:.1} MB", b / 1e6),
            b => write!(f, "{:.1} GB", b / 1e9),
        }
    }
}

/// Chooses a method and estimates its cost, without computing the kernel.
///
/// [`Method::Auto`] takes the method with the fewest multiply-adds among those that
/// stay within `limit_bytes`; of equal ones the first in the order of [`Method`].
///
/// # Errors
/// [`PlanError`] when the tape does not offer the requested method, or no method stays
/// within the limit.
pub fn plan(
    sizes: &Sizes,
    outputs: Outputs,
    method: Method,
    limit_bytes: u64,
) -> Result<KernelPlan, PlanError> {
    let limit = limit_bytes as f64;
    let numbers = limit / sizes.number_bytes as f64;
    let estimate_of = |sizes: &Sizes, method: Method| {
        let Cost { multiply_adds, numbers, points_at_once } =
            sizes.cost(method, outputs, numbers)?;
        let peak_bytes = numbers * sizes.number_bytes as f64;
        Some(Estimate { method, multiply_adds, peak_bytes, points_at_once })
    };
    let estimate = |method| estimate_of(sizes, method);
    let methods = [Method::Structured, Method::Contraction, Method::Products];
    let mut offered: Vec<Estimate> = methods.into_iter().filter_map(estimate).collect();
    let requested = method != Method::Auto;
    let candidates = || offered.iter().filter(|e| !requested || e.method == method);
    let fits = |e: &&Estimate| e.peak_bytes <= limit;
    let cheapest =
        candidates().filter(fits).min_by(|a, b| a.multiply_adds.total_cmp(&b.multiply_adds));
    let Some(&chosen) = cheapest else {
        let least = candidates().min_by(|a, b| a.peak_bytes.total_cmp(&b.peak_bytes));
        let least = least.ok_or(PlanError::NotOffered)?;
        let (method, needed) = (least.method, least.peak_bytes);
        let points = sizes.points;
        let fits = |points| {
            let fewer = Sizes { points, ..sizes.clone() };
            estimate_of(&fewer, method).is_some_and(|e| e.peak_bytes <= limit)
        };
        // The memory grows with the number of points.
        let (mut fit, mut too_many) = (0, points);
        while too_many - fit > 1 {
            let middle = fit.midpoint(too_many);
            if fits(middle) { fit = middle } else { too_many = middle }
        }
        return Err(PlanError::Memory { method, points, fits: fit, needed, limit: limit_bytes });
    };
    offered.retain(|e| e.method != chosen.method);
    let sizes = sizes.clone();
    Ok(KernelPlan { chosen, others: offered, sizes, outputs, limit_bytes, requested })
}
