//! From a definition to a flag: operators looked up, references put in place, every problem found.

pub(crate) mod evaluators;
pub(crate) mod flag;
pub(crate) mod flagd_state;
pub(crate) mod fractional;
pub(crate) mod interned;
pub(crate) mod lookup;
pub(crate) mod operation;
pub(crate) mod references;
pub(crate) mod results;
pub(crate) mod rule;
pub(crate) mod scope;
pub(crate) mod set;
pub(crate) mod variants;
