//! As much of the Container Runtime Interface as runs a sandbox: unary gRPC over a unix socket.

use std::path::Path;

use bytes::Bytes;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct Metadata {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub uid: String,
    #[prost(string, tag = "3")]
    pub namespace: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct SandboxConfig {
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Metadata>,
    #[prost(string, tag = "2")]
    pub hostname: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct RunRequest {
    #[prost(message, optional, tag = "1")]
    pub config: Option<SandboxConfig>,
}

/// Both the answer to RunPodSandbox and the question of those that name a sandbox.
#[derive(Clone, PartialEq, Message)]
pub struct Id {
    #[prost(string, tag = "1")]
    pub id: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Network {
    #[prost(string, tag = "1")]
    pub ip: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Status {
    #[prost(message, optional, tag = "5")]
    pub network: Option<Network>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StatusAnswer {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Nothing {}

/// Calls one method of `runtime.v1.RuntimeService` and waits for its answer.
pub fn call<A: Message + Default>(
    socket: &Path,
    method: &str,
    question: &impl Message,
) -> Result<A, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    runtime
        .block_on(exchange(socket, method, question.encode_to_vec()))
        .map(|answer| {
            // Five octets before the message: not compressed, and its length.
            A::decode(answer.get(5..).unwrap_or_default()).unwrap()
        })
}

async fn exchange(socket: &Path, method: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
    let failed = |error: h2::Error| error.to_string();
    let stream = tokio::net::UnixStream::connect(socket)
        .await
        .map_err(|error| error.to_string())?;
    let (mut client, connection) = h2::client::handshake(stream).await.map_err(failed)?;
    tokio::spawn(connection);
    let request = http::Request::post(format!(
        "http://localhost/runtime.v1.RuntimeService/{method}"
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .body(())
    .unwrap();
    let (answer, mut body) = client.send_request(request, false).map_err(failed)?;
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    body.send_data(Bytes::from(framed), true).map_err(failed)?;
    let answer = answer.await.map_err(failed)?;
    // An error without a message comes in the headers, any other in the trailers.
    let mut words = answer.headers().clone();
    let mut body = answer.into_body();
    let mut received = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(failed)?;
        let _ = body.flow_control().release_capacity(chunk.len());
        received.extend_from_slice(&chunk);
    }
    words.extend(body.trailers().await.map_err(failed)?.unwrap_or_default());
    let word = |name: &str| {
        words
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    match word("grpc-status") {
        "0" => Ok(received),
        status => Err(format!(
            "{method}: gRPC status {status}: {}",
            word("grpc-message")
        )),
    }
}
