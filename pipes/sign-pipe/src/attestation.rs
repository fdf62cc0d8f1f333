//! What is attested about an image. A kind is a file below and one line here.

mod custom;
mod document;
mod predicate;
mod provenance;
mod sbom;
mod scan;

use std::sync::Arc;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;

use document::Documents;

pub(crate) use predicate::{About, Attestation, NotAttested, Predicate};

pub(crate) const VARS: &[&Var] = &[
    &sbom::ATTEST_SBOM,
    &sbom::SBOM_FILE,
    &provenance::ATTEST_PROVENANCE,
    &scan::ATTEST_SCAN,
    &scan::SCAN_FILE,
    &scan::SCAN_TARGET,
    &custom::PREDICATE_FILE,
    &custom::PREDICATE_TYPE,
];

type FromVars = fn(&mut Vars, &Context, &Documents) -> Vec<Arc<dyn Attestation>>;

const KINDS: &[FromVars] = &[sbom::from_vars, provenance::from_vars, scan::from_vars, custom::from_vars];

/// The attestations that the variables ask for. If the run `signs`, their documents are checked before anything is done.
/// A run that does not sign has none.
pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context, signs: bool) -> Vec<Arc<dyn Attestation>> {
    let documents = Documents::new(signs);
    KINDS.iter().flat_map(|from_vars| from_vars(vars, ctx, &documents)).collect()
}
