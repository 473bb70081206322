//! A runtime of a few lines: it speaks one version of the interface, and remembers what it was asked.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use http::{HeaderMap, Response};
use prost::Message;
use tokio::net::UnixListener;

use super::message::{
    Container, ContainerMetadata, ListContainers, ListContainersAnswer, ListSandboxes,
    ListSandboxesAnswer, Metadata, Network, SandboxItem, SandboxStatus, Status, StatusAnswer,
    VersionAnswer,
};
use super::{Answer, Detail, Held, Wanted, ask, grpc, list, socket};
use crate::model::NetnsId;

/// Longer than any answer here takes.
const LIMIT: Duration = Duration::from_secs(20);

/// Who is asked. It ends with the value.
struct Server {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _directory: tempfile::TempDir,
}

impl Server {
    /// One that speaks `api` and has the pods `default/pod0`, `default/pod1` and so on.
    fn new(api: &'static str, pods: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("runtime.sock");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (heard, ended) = (Arc::clone(&asked), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = UnixListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    tokio::spawn(serve(stream, api, pods, Arc::clone(&heard)));
                }
            });
        });
        Self {
            socket,
            asked,
            ends,
            thread: Some(thread),
            _directory: directory,
        }
    }

    /// How often a method of `api` was called.
    fn count(&self, api: &str, method: &str) -> usize {
        let path = format!("/runtime.{api}.RuntimeService/{method}");
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|heard| **heard == path).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // It looks whether it is to end when somebody comes.
        if UnixStream::connect(&self.socket).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

async fn serve(
    stream: tokio::net::UnixStream,
    api: &'static str,
    pods: usize,
    heard: Arc<Mutex<Vec<String>>>,
) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let path = request.uri().path().to_owned();
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut body = request.into_body();
            let mut question = BytesMut::new();
            while let Some(Ok(piece)) = body.data().await {
                question.extend_from_slice(&piece);
            }
            let method = path
                .strip_prefix(&format!("/runtime.{api}.RuntimeService/"))
                .map(str::to_owned);
            heard.lock().unwrap().push(path);
            match method {
                Some(method) => say(respond, &reply(&method, question.freeze().slice(5..), pods)),
                None => refuse(respond, grpc::UNIMPLEMENTED),
            }
        });
    }
}

fn say(mut respond: SendResponse<Bytes>, body: &[u8]) {
    let head = Response::builder()
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    let mut frame = BytesMut::from(&[0][..]);
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(body);
    stream.send_data(frame.freeze(), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", 0.into());
    stream.send_trailers(trailers).unwrap();
}

/// An error has no body, and its status in the headers.
fn refuse(mut respond: SendResponse<Bytes>, code: i32) {
    let head = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", code)
        .header("grpc-message", "unknown service")
        .body(())
        .unwrap();
    respond.send_response(head, true).unwrap();
}

fn id(pod: usize) -> String {
    format!("{pod:064x}")
}

fn container_id(pod: usize) -> String {
    format!("c{pod:063x}")
}

/// Whether a filter by identifier lets one of `all` pass: a runtime completes what begins just one of them.
fn passes<'a>(filter: &str, id: &str, mut all: impl Iterator<Item = &'a String>) -> bool {
    filter.is_empty()
        || (id.starts_with(filter) && all.all(|other| other == id || !other.starts_with(filter)))
}

fn reply(method: &str, question: Bytes, pods: usize) -> Vec<u8> {
    match method {
        "Version" => VersionAnswer {
            runtime_name: "cri-o".to_owned(),
            runtime_version: "1.19.1".to_owned(),
        }
        .encode_to_vec(),
        "ListPodSandbox" => {
            let filter = ListSandboxes::decode(question).unwrap().filter;
            let filter = filter.unwrap_or_default();
            let all: Vec<String> = (0..pods).map(id).collect();
            let items = (0..pods)
                .map(item)
                .filter(|item| passes(&filter.id, &item.id, all.iter()))
                .filter(|item| {
                    let mut wanted = filter.label_selector.iter();
                    wanted.all(|(key, value)| item.labels.get(key) == Some(value))
                })
                .collect();
            ListSandboxesAnswer { items }.encode_to_vec()
        }
        "ListContainers" => {
            let filter = ListContainers::decode(question).unwrap().filter;
            let filter = filter.unwrap_or_default();
            let all: Vec<String> = (0..pods).map(container_id).collect();
            let containers = (0..pods)
                .map(|pod| Container {
                    id: container_id(pod),
                    pod_sandbox_id: id(pod),
                    metadata: Some(ContainerMetadata {
                        name: "main".to_owned(),
                        attempt: 0,
                    }),
                    state: 1,
                    ..Container::default()
                })
                .filter(|container| passes(&filter.id, &container.id, all.iter()))
                .filter(|container| container.pod_sandbox_id.starts_with(&filter.pod_sandbox_id))
                .collect();
            ListContainersAnswer { containers }.encode_to_vec()
        }
        "PodSandboxStatus" => {
            let question = Status::decode(question).unwrap();
            let pod = usize::from_str_radix(&question.pod_sandbox_id, 16).unwrap();
            let info = serde_json::json!({
                "image": "pause", "pid": 1000 + pod,
                "runtimeSpec": {"linux": {"namespaces": [
                    {"type": "network", "path": format!("/var/run/netns/{pod}")}]}}
            });
            StatusAnswer {
                status: Some(SandboxStatus {
                    network: Some(Network {
                        ip: format!("10.85.0.{pod}"),
                        additional_ips: Vec::new(),
                    }),
                    linux: None,
                }),
                info: match question.verbose {
                    true => HashMap::from([("info".to_owned(), info.to_string())]),
                    false => HashMap::new(),
                },
            }
            .encode_to_vec()
        }
        other => panic!("{other} was asked for"),
    }
}

fn item(pod: usize) -> SandboxItem {
    let name = format!("pod{pod}");
    SandboxItem {
        id: id(pod),
        metadata: Some(Metadata {
            name: name.clone(),
            uid: format!("u{pod}"),
            namespace: "default".to_owned(),
            attempt: 0,
        }),
        labels: HashMap::from([
            ("io.kubernetes.pod.name".to_owned(), name),
            (
                "io.kubernetes.pod.namespace".to_owned(),
                "default".to_owned(),
            ),
        ]),
        ..SandboxItem::default()
    }
}

fn named(socket: &Path, name: &str) -> Answer {
    let wanted = Wanted::Named {
        namespace: Some("default".to_owned()),
        name: name.to_owned(),
    };
    ask(socket, &wanted, LIMIT).unwrap()
}

#[test]
fn the_socket_may_be_a_url() {
    let path = socket(Some(Path::new("unix:///run/x.sock"))).unwrap();
    assert_eq!(path, Path::new("/run/x.sock"));
}

#[test]
fn whichever_version_the_runtime_speaks_is_spoken() {
    for api in ["v1", "v1alpha2"] {
        let server = Server::new(api, 3);
        let answer = named(&server.socket, "pod2");
        assert_eq!(answer.runtime.api, api);
        assert_eq!(answer.runtime.name, "cri-o");
        assert_eq!(answer.sandboxes.len(), 1);
        let pod = &answer.sandboxes[0];
        assert_eq!(
            (pod.full_name().as_str(), pod.pid),
            ("default/pod2", Some(1002))
        );
        assert_eq!(pod.netns_path.as_deref(), Some("/var/run/netns/2"));
        assert_eq!(
            pod.addresses,
            ["10.85.0.2".parse::<std::net::IpAddr>().unwrap()]
        );
        assert_eq!(pod.containers[0].id, container_id(2));
        assert_eq!(pod.doubt, None);
        // Nothing was asked about the others.
        assert_eq!(server.count(api, "PodSandboxStatus"), 1);
        let all = list(&server.socket, Detail::Whole, LIMIT, |_| HashMap::new()).unwrap();
        assert_eq!((all.runtime.api.as_str(), all.sandboxes.len()), (api, 3));
    }
}

#[test]
fn one_that_speaks_neither_is_said_to_refuse() {
    let server = Server::new("v2", 1);
    let error = list(&server.socket, Detail::Listed, LIMIT, |_| HashMap::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("refused Version: unknown service"),
        "{error}"
    );
    assert_eq!(server.count("v1", "Version"), 1);
    assert_eq!(server.count("v1alpha2", "Version"), 1);
}

#[test]
fn an_identifier_of_a_sandbox_or_of_a_container_its_start_and_one_of_nobody() {
    let server = Server::new("v1", 40);
    let found = |prefix: &str| -> Vec<String> {
        let answer = ask(&server.socket, &Wanted::Id(prefix.to_owned()), LIMIT).unwrap();
        answer.sandboxes.into_iter().map(|row| row.name).collect()
    };
    assert_eq!(found(&id(7)), ["pod7"]);
    assert_eq!(found(&container_id(9)), ["pod9"]);
    assert_eq!(server.count("v1", "PodSandboxStatus"), 2);
    // All but the last digit: sixteen of each.
    assert_eq!(found(&id(32)[..63]).len(), 8);
    assert_eq!(found(&container_id(0)[..63]).len(), 16);
    assert_eq!(found("c00").len(), 40);
    assert!(found(&"f".repeat(64)).is_empty());
}

#[test]
fn of_a_sandbox_that_is_held_the_list_suffices() {
    let server = Server::new("v1", 40);
    let held = |running: &[&str]| -> HashMap<String, Held> {
        assert_eq!(running.len(), 40);
        running
            .iter()
            .filter(|running| **running != id(5))
            .map(|running| {
                let held = Held {
                    pid: 77,
                    netns: NetnsId(4),
                    on_node: *running == id(6),
                };
                ((*running).to_owned(), held)
            })
            .collect()
    };
    let of = |answer: &Answer, name: &str| {
        let mut rows = answer.sandboxes.iter();
        rows.find(|row| row.name == name).unwrap().clone()
    };
    let listed = list(&server.socket, Detail::Listed, LIMIT, held).unwrap();
    assert_eq!(server.count("v1", "PodSandboxStatus"), 1);
    assert_eq!(server.count("v1", "ListContainers"), 0);
    assert_eq!(of(&listed, "pod5").pid, Some(1005));
    let pod = of(&listed, "pod4");
    assert_eq!(
        (pod.pid, pod.netns, pod.host_network),
        (Some(77), Some(NetnsId(4)), false)
    );
    let pod = of(&listed, "pod6");
    assert_eq!(
        (pod.pid, pod.netns, pod.host_network),
        (Some(77), None, true)
    );

    let whole = list(&server.socket, Detail::Whole, LIMIT, held).unwrap();
    let pod = of(&whole, "pod4");
    assert_eq!(
        (pod.pid, pod.addresses.len(), pod.containers.len()),
        (Some(77), 1, 1)
    );
    assert_eq!(pod.doubt, None);
}
