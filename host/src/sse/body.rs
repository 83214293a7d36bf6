//! An open stream as hyper's body.

use super::connection::Connection;
use super::hub::Hub;
use bytes::Bytes;
use http_body::{Body, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The frames of one connection. Dropped, the connection is closed.
pub(super) struct EventBody {
    pub hub: Arc<Hub>,
    pub connection: Arc<Connection>,
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (taken, more) = self.connection.take(cx.waker());
        if more {
            self.hub.ring(&self.connection.client);
        }
        taken.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        self.hub.close(&self.connection);
    }
}
