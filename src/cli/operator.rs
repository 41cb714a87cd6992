//! Asks a gateway at its admin address, as an operator does.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a gateway has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer of a gateway, in bytes: all that it may hold, several times over.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is answered at `path`, or why nothing is, with the address that was asked.
pub(super) fn ask(admin: SocketAddr, path: &str) -> Result<(StatusCode, Bytes), String> {
    let url = format!("http://{admin}{path}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    match runtime.block_on(async { timeout(PATIENCE, get(admin, path)).await }) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            Err(format!("{url}: {error}; name the admin address of a gateway by --admin"))
        }
        Err(_) => Err(format!("{url}: nothing was answered for {PATIENCE:?}")),
    }
}

async fn get(
    admin: SocketAddr,
    path: &str,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer or with this runtime.
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, admin.to_string());
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await?;
    Ok((status, body.to_bytes()))
}
