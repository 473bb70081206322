//! What a cluster's API server knows, asked once with the caller's own kubeconfig and rights. Nothing is ever
//! written there.
//!
//! Every request has a time limit: a server that is silent is an error, never a wait.

pub mod access;
mod failure;
mod list;
mod names;

use crate::capture::names::AddressNames;
use crate::error::{Error, Result};

pub use self::access::Access;

/// Who has which address in a cluster.
#[derive(Debug)]
pub struct Named {
    /// The names.
    pub names: AddressNames,
    /// Which names are missing, why, and what would help; a sentence each.
    pub missing: Vec<String>,
}

/// Asks for pods, nodes and services. One of them is enough: what is refused or breaks off is said.
///
/// # Errors
/// When there is no cluster to ask, or it tells nothing at all.
pub fn address_names(access: &Access) -> Result<Named> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::failed("cannot wait for the API server").caused_by(error))?;
    let answer = runtime.block_on(ask(access));
    match &answer {
        // Threads that looked host names up have to end: `ovl capture` gives up the rights of one alone.
        Ok(_) => runtime.shutdown_timeout(access.limit),
        // One of them may be what took too long.
        Err(_) => runtime.shutdown_background(),
    }
    answer
}

async fn ask(access: &Access) -> Result<Named> {
    let config = access.config().await?;
    let server = access::server(&config);
    let client = access::connect(config).await?;
    // All at once: three round trips take the time of one.
    let pods = tokio::spawn(list::all(client.clone(), access.limit));
    let nodes = tokio::spawn(list::all(client.clone(), access.limit));
    let services = tokio::spawn(list::all(client, access.limit));
    let (pods, nodes, services) = (
        list::finished(pods).await,
        list::finished(nodes).await,
        list::finished(services).await,
    );
    let nothing = !(pods.answered || nodes.answered || services.answered);
    let names = names::of(pods.items, nodes.items, services.items);
    let failures = [pods.failure, nodes.failure, services.failure];
    let failures: Vec<_> = failures.into_iter().flatten().collect();
    if nothing {
        return Err(failure::nothing_from(&server, &failures));
    }
    Ok(Named {
        names,
        missing: failure::in_words(&server, &failures),
    })
}
