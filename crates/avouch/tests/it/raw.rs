//! HTTP by hand, for what no well-behaved client sends.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection on which every byte is the test's own.
pub struct Wire(TcpStream);

/// An answer, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    pub status: u16,
    /// Status line and headers, as they came.
    pub head: String,
    pub body: String,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> Self {
        Self(
            TcpStream::connect(address)
                .await
                .expect("the server listens"),
        )
    }

    /// Sends; a server that has closed already is no failure, since it may have its reasons.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.write_all(bytes.as_ref()).await;
        self
    }

    /// Says that nothing more will come, but goes on listening.
    pub async fn half_close(&mut self) -> &mut Self {
        let _ = self.0.shutdown().await;
        self
    }

    /// The next answer; `None` where the server closes without one.
    pub async fn answer(&mut self) -> Option<RawAnswer> {
        let read = tokio::time::timeout(Duration::from_secs(60), self.read_answer());
        read.await.expect("an answer or an end within a minute")
    }

    async fn read_answer(&mut self) -> Option<RawAnswer> {
        let mut received = Vec::new();
        let head_end = loop {
            if let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_some(&mut received).await?;
        };
        let head = String::from_utf8_lossy(&received[..head_end]).into_owned();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().expect("a number"));
        while received.len() < head_end + length {
            self.read_some(&mut received).await?;
        }
        let body = String::from_utf8_lossy(&received[head_end..head_end + length]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Some(RawAnswer {
            status: status.expect("a status line"),
            head,
            body,
        })
    }

    async fn read_some(&mut self, into: &mut Vec<u8>) -> Option<()> {
        match self.0.read_buf(into).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}

/// Sends one request and reads its answer.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Option<RawAnswer> {
    Wire::open(address).await.send(request).await.answer().await
}
