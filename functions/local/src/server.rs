//! Serving a router on this machine until the server is dropped.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Binds a port of this machine; 0 lets the system choose one.
pub(crate) async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Returns the address of a bound listener.
pub(crate) fn url_of(listener: &TcpListener) -> std::io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// A running server; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server(JoinHandle<()>);

impl Server {
    pub(crate) fn start(listener: TcpListener, router: Router) -> Self {
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot switch off delayed sending");
            }
        });
        Self(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a local server stopped");
            }
        }))
    }
}

impl Server {
    /// Takes over a task that serves.
    pub(crate) fn of(task: JoinHandle<()>) -> Self {
        Self(task)
    }

    /// Stops and waits until everything that the server held is let go.
    pub(crate) async fn stop(&mut self) {
        self.0.abort();
        // An aborted task ends with an error, which is what was wanted.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}
