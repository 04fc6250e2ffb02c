//! Which checkpoints of this process are replicas, and where their logs are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::cluster::{Access, Lease};
use crate::locked::lock;
use crate::store::place::Place;

/// What this process knows of a replica.
#[derive(Debug, Clone)]
struct Context {
    access: Access,
    /// Who held what when the log was read last.
    leases: Vec<Lease>,
}

static CONTEXTS: Mutex<BTreeMap<PathBuf, Context>> = Mutex::new(BTreeMap::new());

/// The checkpoint is a replica of this log.
pub(in crate::store) fn enter(path: &Path, access: Access, leases: Vec<Lease>) {
    let mut contexts = lock(&CONTEXTS);
    contexts.insert(Place::of(path).path, Context { access, leases });
}

/// Where the log of the checkpoint is, if the caller said so.
pub(in crate::store) fn access(path: &Path) -> Option<Access> {
    let contexts = lock(&CONTEXTS);
    Some(contexts.get(&Place::of(path).path)?.access.clone())
}

/// Who held what when the log was read last.
pub(in crate::store) fn lease(path: &Path, name: &str) -> Option<Lease> {
    let contexts = lock(&CONTEXTS);
    let context = contexts.get(&Place::of(path).path)?;
    context.leases.iter().find(|it| it.name == name).cloned()
}

/// The leases as they were read just now.
pub(in crate::store) fn note_leases(path: &Path, leases: Vec<Lease>) {
    let mut contexts = lock(&CONTEXTS);
    if let Some(context) = contexts.get_mut(&Place::of(path).path) {
        context.leases = leases;
    }
}
