//! The demo page and the requests that it makes.

use super::settings::Transform;
use super::source::{CLIENTS, Counts, types};
use crate::http::{
    BoxFuture, Incoming, Method, Reply, Request, StatusCode, html, is_cross_site, json,
    not_allowed, text,
};
use crate::pipeline::Swapper;
use crate::sse::Extra;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const PAGE: &str = include_str!("page.html");
const PIPELINE: &str = "notifications";

/// The pages and their state.
pub(super) struct Pages {
    swapper: Arc<Swapper>,
    transforms: [Transform; 2],
    config: String,
    counts: Arc<Counts>,
    /// Counts swaps as the pipeline does; nothing else swaps here.
    generation: AtomicU64,
    /// Duration of the last swap in microseconds.
    took: AtomicU64,
    /// Held during a swap.
    swapping: Mutex<()>,
}

impl Pages {
    /// The pages, for the listener.
    pub fn serve(
        swapper: Arc<Swapper>,
        transforms: [Transform; 2],
        config: String,
        counts: Arc<Counts>,
    ) -> Extra {
        let pages = Arc::new(Pages {
            swapper,
            transforms,
            config,
            counts,
            generation: AtomicU64::new(1),
            took: AtomicU64::new(0),
            swapping: Mutex::default(),
        });
        Box::new(move |request| pages.answer(request))
    }

    fn answer(self: &Arc<Pages>, request: &Request<Incoming>) -> Option<BoxFuture<Reply>> {
        let (path, method) = (request.uri().path(), request.method());
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        match path {
            "/" | "/demo/state" | "/demo/config" if !is_read => now(not_allowed("GET, HEAD")),
            "/demo/swap" if method != Method::POST => now(not_allowed("POST")),
            "/" => now(html(PAGE)),
            "/demo/state" => now(json(StatusCode::OK, &self.state())),
            "/demo/config" => now(text(StatusCode::OK, self.config.clone())),
            "/demo/swap" if is_cross_site(request) => now(text(
                StatusCode::FORBIDDEN,
                "only the demo page may swap the transform\n",
            )),
            "/demo/swap" => Some(Box::pin(swap(self.clone()))),
            _ => None,
        }
    }

    fn state(&self) -> Value {
        let counts = &self.counts;
        json!({
            "live": self.live(),
            "produced": counts.produced.load(Ordering::Relaxed),
            "malformed": counts.malformed.load(Ordering::Relaxed),
            "dead_letters": counts.dead_letters.load(Ordering::Relaxed),
            "transforms": self.transforms.each_ref().map(Transform::describe),
            "clients": CLIENTS,
            "types": types(),
        })
    }

    fn live(&self) -> Value {
        let generation = self.generation.load(Ordering::Relaxed);
        let mut live = self.transform(generation).describe();
        live["generation"] = generation.into();
        let took = self.took.load(Ordering::Relaxed);
        live["milliseconds"] = (generation > 1).then(|| rounded(took)).into();
        live
    }

    /// The transform that is live in that generation: the two alternate.
    fn transform(&self, generation: u64) -> &Transform {
        let [v1, v2] = &self.transforms;
        if generation % 2 == 1 { v1 } else { v2 }
    }

    fn swap(&self) -> Reply {
        let Ok(_alone) = self.swapping.try_lock() else {
            return text(StatusCode::CONFLICT, "a swap is already in progress\n");
        };
        let next = self.generation.load(Ordering::Relaxed) + 1;
        let plugins = self.transform(next).plugins.clone();
        let began = Instant::now();
        if let Err(error) = self.swapper.use_plugins(PIPELINE, plugins) {
            return text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"));
        }
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.took.store(took, Ordering::Relaxed);
        self.generation.store(next, Ordering::Relaxed);
        json(StatusCode::OK, &json!({ "live": self.live() }))
    }
}

/// Milliseconds, with one decimal below 10.
fn rounded(micros: u64) -> f64 {
    match micros {
        0..10_000 => (micros / 100) as f64 / 10.0,
        _ => (micros / 1000) as f64,
    }
}

/// Swaps on a thread that may block, since a plugin may be compiled.
async fn swap(pages: Arc<Pages>) -> Reply {
    let swapped = tokio::task::spawn_blocking(move || pages.swap()).await;
    swapped.unwrap_or_else(|error| text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")))
}

fn now(reply: Reply) -> Option<BoxFuture<Reply>> {
    Some(Box::pin(std::future::ready(reply)))
}
