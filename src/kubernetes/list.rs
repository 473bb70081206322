//! All objects of one kind, page by page, each page within a time limit.

use std::time::Duration;

use kube::Client;
use kube::api::{ListParams, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::failure::{Failure, Reason};

/// Objects a page. kubectl asks for as many.
const PAGE: u32 = 500;
/// Pages at most: a server that always promises more must end too. Kubernetes is made for 150,000 pods,
/// which is 300.
const MAX_PAGES: usize = 4000;

/// The part that is read of a kind of object. What is not read (`managedFields` above all) is most of it.
pub(super) trait Listed: DeserializeOwned + Send + 'static {
    /// The kind.
    type Kind: kube::Resource<DynamicType = ()>;
}

/// What came.
#[derive(Debug)]
pub(super) struct Listing<T> {
    /// The objects.
    pub(super) items: Vec<T>,
    /// Whether the server told anything, be it that there are none.
    pub(super) answered: bool,
    /// Why there may be more.
    pub(super) failure: Option<Failure>,
}

/// A list as the API server sends it: `PodList` and so on.
#[derive(Debug, Deserialize)]
struct Page<T> {
    kind: Option<String>,
    #[serde(default)]
    metadata: PageMetadata,
    items: Option<Vec<T>>,
}

#[derive(Debug, Default, Deserialize)]
struct PageMetadata {
    /// Where the next page begins; empty or absent on the last.
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Lists all objects of a kind, in all namespaces; every page may take `limit`.
pub(super) async fn all<T: Listed>(client: Client, limit: Duration) -> Listing<T> {
    let mut listing = Listing {
        items: Vec::new(),
        answered: false,
        failure: None,
    };
    let reason = 'broken: {
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = match tokio::time::timeout(limit, page(&client, next)).await {
                Ok(Ok(page)) => page,
                Ok(Err(reason)) => break 'broken reason,
                Err(_) => break 'broken Reason::Silent(limit),
            };
            listing.answered = true;
            listing.items.extend(page.items.unwrap_or_default());
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() {
                return listing;
            }
        }
        Reason::Broken(format!("the list does not end after {MAX_PAGES} pages"))
    };
    listing.failure = Some(failure::<T>(listing.items.len(), reason));
    listing
}

/// Waits for [`all`] where it runs beside others.
pub(super) async fn finished<T: Listed>(task: JoinHandle<Listing<T>>) -> Listing<T> {
    task.await.unwrap_or_else(|error| Listing {
        items: Vec::new(),
        answered: false,
        failure: Some(failure::<T>(0, Reason::Broken(error.to_string()))),
    })
}

fn failure<T: Listed>(had: usize, reason: Reason) -> Failure {
    Failure {
        what: <T::Kind as kube::Resource>::plural(&()).into_owned(),
        had,
        reason,
    }
}

async fn page<T: Listed>(client: &Client, next: Option<String>) -> Result<Page<T>, Reason> {
    let path = <T::Kind as kube::Resource>::url_path(&(), None);
    let parameters = ListParams {
        limit: Some(PAGE),
        continue_token: next,
        ..ListParams::default()
    };
    let request = Request::new(path)
        .list(&parameters)
        .map_err(|error| Reason::Broken(error.to_string()))?;
    let page: Page<T> = client.request(request).await?;
    // Any JSON object could be taken for a list without items.
    let expected = format!("{}List", <T::Kind as kube::Resource>::kind(&()));
    match page.kind.as_deref() {
        Some(kind) if kind == expected => Ok(page),
        kind => Err(Reason::Broken(format!(
            "the answer is no {expected} but {}: is that a Kubernetes API server?",
            kind.unwrap_or("something else")
        ))),
    }
}
