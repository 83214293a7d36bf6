//! `/readyz`: whether the daemon, or one of its roles, does its work.

use crate::http::{Reply, StatusCode, decoded, json, parameter, problem};
use crate::log;
use serde_json::json;

/// A role that can be asked about alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// From Kafka to the store.
    Ingest,
    /// From the store to browsers.
    Edge,
}

impl Part {
    /// The value of the parameter `role`.
    pub fn name(self) -> &'static str {
        match self {
            Part::Ingest => "ingest",
            Part::Edge => "edge",
        }
    }
}

/// The daemon's readiness.
#[derive(Debug, Default)]
pub struct Condition {
    /// Why it is not ready; empty if it is.
    pub reasons: Vec<String>,
    /// Problems to look at although it is ready.
    pub warnings: Vec<String>,
}

/// Answers with the condition of all roles, or of the requested one.
pub(super) fn answer(query: &str, of: impl Fn(Option<Part>) -> Condition) -> Reply {
    let part = match asked(query) {
        Ok(part) => part,
        Err(why) => return problem(StatusCode::BAD_REQUEST, &why),
    };
    let Condition { reasons, warnings } = of(part);
    let status = match reasons[..] {
        [] => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let ready = reasons.is_empty();
    // They may contain foreign text.
    let [reasons, warnings] = [reasons, warnings].map(|all| {
        let all = all.iter().map(|one| log::cut(one).into_owned());
        all.collect::<Vec<_>>()
    });
    let body = json!({ "ready": ready, "reasons": reasons, "warnings": warnings });
    json(status, &body)
}

/// A misspelt parameter is refused; otherwise a probe would always get the
/// answer for all roles.
fn asked(query: &str) -> Result<Option<Part>, String> {
    let names = query.split('&').filter(|pair| !pair.is_empty());
    let names = names.map(|pair| pair.split('=').next().unwrap_or_default());
    if names.map(decoded).any(|name| *name != *b"role") {
        return Err("unknown parameter: only role is allowed (edge or ingest)".into());
    }
    match parameter(query, "role")?.map(decoded).as_deref() {
        None => Ok(None),
        Some(b"edge") => Ok(Some(Part::Edge)),
        Some(b"ingest") => Ok(Some(Part::Ingest)),
        Some(_) => Err("invalid role: use edge or ingest, or omit it for both".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_selected_by_name_and_anything_else_is_refused() {
        for (query, expected) in [
            ("", Ok(None)),
            ("role=edge", Ok(Some(Part::Edge))),
            ("role=ingest", Ok(Some(Part::Ingest))),
            ("role=%65dge", Ok(Some(Part::Edge))),
            ("role=all", Err(())),
            ("role=", Err(())),
            ("rol=edge", Err(())),
            ("role=edge&role=ingest", Err(())),
        ] {
            assert_eq!(asked(query).map_err(drop), expected, "{query}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_query_is_accepted_or_refused_with_a_reason(query: String) {
            if let Err(why) = asked(&query) {
                proptest::prop_assert!(!why.is_empty());
            }
        }
    }
}
