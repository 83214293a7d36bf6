//! An open stream on the wire: on a socket of its own, or as a body.

use super::connection::Connection;
use super::hub::Hub;
use crate::http::{BoxFuture, Endless};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// An open stream. Dropping it closes the connection.
pub(super) struct OpenStream {
    pub hub: Arc<Hub>,
    pub connection: Arc<Connection>,
}

impl OpenStream {
    /// To be called whenever the connection may have room again.
    fn look_for_more(&self) {
        if self.connection.catches_up() {
            self.hub.ring_all_of(&self.connection);
        }
    }
}

impl Endless for OpenStream {
    fn onto(self: Box<Self>, socket: TcpStream, head: Bytes) -> BoxFuture<()> {
        self.connection.attach(socket, head);
        Box::pin(poll_fn(move |cx| {
            let polled = self.connection.out(|out| out.poll_socket(cx));
            self.look_for_more();
            polled
        }))
    }

    fn given_up(&self) -> BoxFuture<()> {
        // The connection lives as long as the body.
        let connection = Arc::downgrade(&self.connection);
        Box::pin(poll_fn(move |cx| match connection.upgrade() {
            Some(connection) => connection.out(|out| out.poll_cut(cx.waker())),
            None => Poll::Pending,
        }))
    }

    fn body(self: Box<Self>) -> Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>> {
        Box::into_pin(self)
    }
}

impl Body for OpenStream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let taken = self.connection.out(|out| out.take(cx.waker()));
        self.look_for_more();
        taken.map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.hub.close(&self.connection);
    }
}
