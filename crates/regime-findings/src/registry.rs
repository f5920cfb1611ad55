//! All findings.

use crate::{
    finding::Finding, finding_1::Finding1, finding_2::Finding2, finding_3::Finding3,
    finding_4::Finding4, finding_5::Finding5,
};

/// All findings, in their order.
pub static FINDINGS: &[&dyn Finding] = &[&Finding1, &Finding2, &Finding3, &Finding4, &Finding5];
