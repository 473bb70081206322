//! What kubelet asks a runtime to do, as far as tests need it: run sandboxes, ask for their address, remove
//! them.

use std::collections::HashMap;
use std::path::Path;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::cgroups::Cgroups;

#[derive(Clone, PartialEq, Message)]
struct Run {
    #[prost(message, optional, tag = "1")]
    config: Option<Config>,
}

#[derive(Clone, PartialEq, Message)]
struct Config {
    #[prost(message, optional, tag = "1")]
    metadata: Option<Metadata>,
    #[prost(string, tag = "2")]
    hostname: String,
    #[prost(string, tag = "3")]
    log_directory: String,
    #[prost(map = "string, string", tag = "6")]
    labels: HashMap<String, String>,
    #[prost(message, optional, tag = "8")]
    linux: Option<Linux>,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    uid: String,
    #[prost(string, tag = "3")]
    namespace: String,
}

#[derive(Clone, PartialEq, Message)]
struct Linux {
    #[prost(string, tag = "1")]
    cgroup_parent: String,
    #[prost(message, optional, tag = "2")]
    security: Option<Security>,
}

#[derive(Clone, PartialEq, Message)]
struct Security {
    #[prost(message, optional, tag = "1")]
    namespaces: Option<Namespaces>,
}

#[derive(Clone, PartialEq, Message)]
struct Namespaces {
    #[prost(int32, tag = "1")]
    network: i32,
}

/// Both the answer to a run and the question of a stop or removal.
#[derive(Clone, PartialEq, Message)]
struct Id {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct StatusAnswer {
    #[prost(message, optional, tag = "1")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(message, optional, tag = "5")]
    network: Option<Network>,
}

#[derive(Clone, PartialEq, Message)]
struct Network {
    #[prost(string, tag = "1")]
    ip: String,
}

#[derive(Clone, PartialEq, Message)]
struct Nothing {}

/// Whether the runtime answers, and why not.
pub fn answers(socket: &Path) -> Result<(), String> {
    let _: Vec<Nothing> = call_all(socket, "Version", vec![Nothing {}])?;
    Ok(())
}

/// The address that the runtime says a sandbox has.
pub fn address(socket: &Path, id: &str) -> Result<String, String> {
    let questions = vec![Id { id: id.to_owned() }];
    let answers: Vec<StatusAnswer> = call_all(socket, "PodSandboxStatus", questions)?;
    let status = answers.into_iter().next().and_then(|answer| answer.status);
    Ok(status
        .and_then(|status| status.network)
        .unwrap_or_default()
        .ip)
}

/// Runs sandboxes named `default/NAME`, several at once, and returns their identifiers.
pub fn run_all(
    socket: &Path,
    names: &[String],
    host_network: bool,
    cgroups: &Cgroups,
) -> Result<Vec<String>, String> {
    let questions = names
        .iter()
        .map(|name| Run {
            config: Some(Config {
                metadata: Some(Metadata {
                    name: name.clone(),
                    uid: format!("uid-{name}"),
                    namespace: "default".to_owned(),
                }),
                hostname: if host_network {
                    String::new()
                } else {
                    name.clone()
                },
                log_directory: String::new(),
                labels: HashMap::from([
                    ("io.kubernetes.pod.name".to_owned(), name.clone()),
                    (
                        "io.kubernetes.pod.namespace".to_owned(),
                        "default".to_owned(),
                    ),
                ]),
                linux: Some(Linux {
                    cgroup_parent: cgroups.parent(),
                    security: host_network.then_some(Security {
                        namespaces: Some(Namespaces { network: 2 }),
                    }),
                }),
            }),
        })
        .collect();
    let answers: Vec<Id> = call_all(socket, "RunPodSandbox", questions)?;
    Ok(answers.into_iter().map(|answer| answer.id).collect())
}

/// Stops and removes sandboxes.
pub fn remove_all(socket: &Path, ids: &[String]) -> Result<(), String> {
    let ids = || ids.iter().map(|id| Id { id: id.clone() }).collect();
    let _: Vec<Nothing> = call_all(socket, "StopPodSandbox", ids())?;
    let _: Vec<Nothing> = call_all(socket, "RemovePodSandbox", ids())?;
    Ok(())
}

fn call_all<A: Message + Default + Send + 'static>(
    socket: &Path,
    method: &'static str,
    questions: Vec<impl Message + 'static>,
) -> Result<Vec<A>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::UnixStream::connect(socket)
            .await
            .map_err(|e| e.to_string())?;
        let (sender, connection) = h2::client::handshake(stream)
            .await
            .map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for some in questions.chunks(8) {
            let mut open = Vec::new();
            for question in some {
                open.push(tokio::spawn(call(
                    sender.clone(),
                    method,
                    question.encode_to_vec(),
                )));
            }
            for answer in open {
                let bytes = answer.await.map_err(|e| e.to_string())??;
                answers.push(A::decode(bytes).map_err(|e| e.to_string())?);
            }
        }
        Ok(answers)
    })
}

async fn call(
    sender: h2::client::SendRequest<Bytes>,
    method: &'static str,
    body: Vec<u8>,
) -> Result<Bytes, String> {
    let request = http::Request::post(format!(
        "http://localhost/runtime.v1.RuntimeService/{method}"
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .body(())
    .unwrap();
    let text = |error: h2::Error| error.to_string();
    let (answer, mut stream) = sender
        .ready()
        .await
        .map_err(text)?
        .send_request(request, false)
        .map_err(text)?;
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(body.len() as u32);
    frame.put_slice(&body);
    stream.send_data(frame.freeze(), true).map_err(text)?;
    let mut answer = answer.await.map_err(text)?;
    let mut bytes = BytesMut::new();
    while let Some(piece) = answer.body_mut().data().await {
        let piece = piece.map_err(text)?;
        answer
            .body_mut()
            .flow_control()
            .release_capacity(piece.len())
            .map_err(text)?;
        bytes.extend_from_slice(&piece);
    }
    let trailers = answer.body_mut().trailers().await.map_err(text)?;
    let headers = trailers.as_ref().unwrap_or(answer.headers());
    if headers
        .get("grpc-status")
        .is_none_or(|status| status != "0")
    {
        return Err(format!("{method}: {:?}", headers.get("grpc-message")));
    }
    Ok(bytes.freeze().slice(5..))
}
