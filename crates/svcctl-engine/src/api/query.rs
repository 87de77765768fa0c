//! The query of a request. One that is not understood is refused as every other request is, by a failure as JSON.

use super::Problem;
use crate::answer::failure;
use axum::extract::{self, FromRequestParts};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use svckit::control::types::FailureKind;

/// What stands behind the `?`.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asked = extract::Query::from_request_parts(parts, state).await;
        let extract::Query(asked) = asked.map_err(|rejection| {
            let why = rejection.body_text();
            failure(FailureKind::Usage, format!("the request's query cannot be read: {why}"))
        })?;
        Ok(Self(asked))
    }
}
