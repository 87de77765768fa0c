//! `GET /v1/openapi.json`: the API as an `OpenAPI` 3.1 document, from the types that it is made of.

use axum::Json;

/// The document.
pub(super) async fn show() -> Json<serde_json::Value> {
    Json(svckit::control::openapi::document())
}
