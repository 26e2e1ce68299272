//! An answer before it goes out, and how it goes out: chunked, compressed when asked, cut or slow when scripted.

use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Frame;
use serde::Serialize;
use tokio::time::Sleep;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Items of a list, for the log.
    pub(crate) items: usize,
    pub(crate) transport: Transport,
}

/// What happens to the body on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Whole,
    CutInTheMiddle,
    Slow(Duration),
}

const JSON: &str = "application/json; charset=utf-8; api-version=7.1";
const CHUNK_BYTES: usize = 16 * 1024;

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: None,
            body: Vec::new(),
            items: 0,
            transport: Transport::Whole,
        }
    }

    pub(crate) fn json(value: &impl Serialize) -> Self {
        // Serializing plain values into memory cannot fail.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self {
            content_type: Some(JSON),
            body,
            ..Self::empty(StatusCode::OK)
        }
    }

    pub(crate) fn html(status: StatusCode, page: &str) -> Self {
        Self {
            content_type: Some("text/html; charset=utf-8"),
            body: page.as_bytes().to_vec(),
            ..Self::empty(status)
        }
    }

    /// A list in the usual envelope, `{"count":..,"value":[..]}`.
    pub(crate) fn list<T: Serialize>(items: impl IntoIterator<Item = T>) -> Self {
        let mut body = b"{\"value\":[".to_vec();
        let items = write_items(&mut body, items);
        body.extend_from_slice(format!("],\"count\":{items}}}").as_bytes());
        Self {
            content_type: Some(JSON),
            body,
            items,
            ..Self::empty(StatusCode::OK)
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| *own == name)
    }

    /// Turns the answer into what goes over the wire.
    pub(crate) fn into_response(self, accept_gzip: bool) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        write_headers(response.headers_mut(), &self);
        if self.body.is_empty() {
            return response;
        }
        let bytes = if accept_gzip {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip(&self.body)
        } else {
            self.body
        };
        *response.body_mut() = Body::new(Chunks::new(bytes, self.transport));
        response
    }
}

/// Appends the items as JSON, separated by commas, and counts them.
pub(crate) fn write_items<T: Serialize>(
    body: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
) -> usize {
    let mut count = 0;
    for item in items {
        if count > 0 {
            body.push(b',');
        }
        // Serializing plain values into memory cannot fail; a failure would leave a visibly broken document.
        let _written = serde_json::to_writer(&mut *body, &item);
        count += 1;
    }
    count
}

fn write_headers(headers: &mut HeaderMap, reply: &Reply) {
    if let Some(content_type) = reply.content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &reply.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into memory cannot fail.
    let _written = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// A body of unknown length, so that HTTP/1.1 sends it chunked as the service does.
struct Chunks {
    waiting: VecDeque<Bytes>,
    breaks: bool,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Chunks {
    fn new(body: Vec<u8>, transport: Transport) -> Self {
        let whole = Bytes::from(body);
        let length = if transport == Transport::CutInTheMiddle {
            whole.len() / 2
        } else {
            whole.len()
        };
        let pieces = if matches!(transport, Transport::Slow(_)) {
            length.div_ceil(4)
        } else {
            CHUNK_BYTES
        };
        let starts = (0..length).step_by(pieces.max(1));
        Self {
            waiting: starts
                .map(|start| whole.slice(start..length.min(start + pieces)))
                .collect(),
            breaks: transport == Transport::CutInTheMiddle,
            pause: if let Transport::Slow(pause) = transport {
                pause
            } else {
                Duration::ZERO
            },
            sleep: None,
        }
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let pause = self.pause;
        if !pause.is_zero() && !self.waiting.is_empty() {
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            std::task::ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        match self.waiting.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None if self.breaks => {
                self.breaks = false;
                Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
            }
            None => Poll::Ready(None),
        }
    }
}
