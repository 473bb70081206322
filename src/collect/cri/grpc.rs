//! Unary gRPC calls on a unix socket: HTTP/2, one length-prefixed message each way
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::Error;

/// gRPC's status codes that are told apart.
pub(super) const NOT_FOUND: i32 = 5;
pub(super) const UNIMPLEMENTED: i32 = 12;

/// The largest answer taken. kubelet's own limit is 16 MiB.
const LARGEST: usize = 64 << 20;
/// How much may be on its way at once; the 64 KiB that HTTP/2 begins with would stall long lists.
const WINDOW: u32 = 4 << 20;

/// A connection that several calls share.
#[derive(Clone)]
pub(super) struct Channel {
    sender: SendRequest<Bytes>,
    socket: Arc<Path>,
    api: &'static str,
}

impl Channel {
    /// Connects, and speaks `v1` until told otherwise.
    pub(super) async fn connect(socket: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Connect {
            socket: socket.to_owned(),
            source,
        };
        let stream = UnixStream::connect(socket).await.map_err(failed)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(stream)
            .await
            .map_err(|error| failed(std::io::Error::other(error)))?;
        // Its error reaches every call that is open.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            socket: socket.into(),
            api: "v1",
        })
    }

    /// The version that is spoken.
    pub(super) fn api(&self) -> &'static str {
        self.api
    }

    /// Speaks the older version from now on; `false` if it was spoken already.
    pub(super) fn speak_older(&mut self) -> bool {
        std::mem::replace(&mut self.api, "v1alpha2") != "v1alpha2"
    }

    /// Asks without waiting for the answer.
    pub(super) fn begin<A: Message + Default + 'static>(
        &self,
        method: &'static str,
        question: impl Message + 'static,
    ) -> Pending<A> {
        let mut channel = self.clone();
        Pending {
            socket: self.socket.clone(),
            method,
            task: tokio::spawn(async move { channel.call(method, &question).await }),
        }
    }

    /// Asks `question` of a method of the runtime service.
    pub(super) async fn call<A: Message + Default>(
        &mut self,
        method: &'static str,
        question: &impl Message,
    ) -> Result<A, Error> {
        let socket: PathBuf = self.socket.to_path_buf();
        let wrong = |reason: String| Error::Answer {
            socket: socket.clone(),
            method,
            reason,
        };
        let uri = format!(
            "http://localhost/runtime.{}.RuntimeService/{method}",
            self.api
        );
        let request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(|error| wrong(error.to_string()))?;
        let transport = |error: h2::Error| wrong(error.to_string());
        let mut sender = self.sender.clone().ready().await.map_err(transport)?;
        let (answer, mut stream) = sender.send_request(request, false).map_err(transport)?;
        stream.send_data(frame(question), true).map_err(transport)?;
        let mut answer = answer.await.map_err(transport)?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = answer.body_mut().data().await {
            let piece = piece.map_err(transport)?;
            if bytes.len() + piece.len() > LARGEST {
                return Err(wrong(format!("more than {LARGEST} octets")));
            }
            let length = piece.len();
            bytes.extend_from_slice(&piece);
            answer
                .body_mut()
                .flow_control()
                .release_capacity(length)
                .map_err(transport)?;
        }
        let trailers = answer.body_mut().trailers().await.map_err(transport)?;
        // An error without a body has its status in the headers.
        let headers = trailers.as_ref().unwrap_or(answer.headers());
        let code = status(headers).ok_or_else(|| wrong("no status".to_owned()))?;
        if code != 0 {
            return Err(Error::Refused {
                socket,
                method,
                message: text(headers, "grpc-message"),
                code,
            });
        }
        message(&bytes).map_err(wrong)
    }
}

/// An answer that is on its way.
pub(super) struct Pending<A> {
    socket: Arc<Path>,
    method: &'static str,
    task: JoinHandle<Result<A, Error>>,
}

impl<A> Pending<A> {
    /// Waits for it.
    pub(super) async fn finish(self) -> Result<A, Error> {
        self.task.await.unwrap_or_else(|_| {
            Err(Error::Answer {
                socket: self.socket.to_path_buf(),
                method: self.method,
                reason: "the question was not finished".to_owned(),
            })
        })
    }
}

/// One octet "not compressed", the length in network byte order, the message.
fn frame(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    let mut frame = BytesMut::with_capacity(5 + body.len());
    frame.put_u8(0);
    // A question of this program is never near four gigabytes.
    frame.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    frame.put_slice(&body);
    frame.freeze()
}

fn message<A: Message + Default>(bytes: &[u8]) -> Result<A, String> {
    let Some((&[compressed, a, b, c, d], body)) = bytes.split_first_chunk::<5>() else {
        return Err(format!(
            "{} octets where a frame has at least 5",
            bytes.len()
        ));
    };
    if compressed != 0 {
        return Err("it is compressed, which was not asked for".to_owned());
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let body = body
        .get(..length)
        .ok_or_else(|| format!("a message of {length} octets in {}", body.len()))?;
    A::decode(body).map_err(|error| error.to_string())
}

fn status(headers: &HeaderMap) -> Option<i32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// A header's text, percent-decoded.
fn text(headers: &HeaderMap, name: &str) -> String {
    let raw = headers
        .get(name)
        .map(http::HeaderValue::as_bytes)
        .unwrap_or_default();
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let hex = (byte == b'%')
            .then(|| {
                let digits = [ahead.next()?, ahead.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
            })
            .flatten();
        match hex {
            Some(decoded) => {
                text.push(decoded);
                rest = ahead;
            }
            None => text.push(byte),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::message::Version;
    use super::*;

    #[test]
    fn a_frame_and_back() {
        let question = Version {
            version: "v1".to_owned(),
        };
        let bytes = frame(&question);
        assert_eq!(&bytes[..5], [0, 0, 0, 0, 4]);
        assert_eq!(message::<Version>(&bytes), Ok(question));
        assert!(message::<Version>(&bytes[..4]).is_err());
        assert!(message::<Version>(&bytes[..7]).is_err());
        assert!(message::<Version>(&[1, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn messages_are_percent_decoded() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-message", "100%25 caf%C3%A9 %zz".parse().unwrap());
        assert_eq!(text(&headers, "grpc-message"), "100% café %zz");
    }
}
