//! The audit of a site as lines of JSON, on its way while it is read: no answer is as large as an audit may be.

use async_graphql::Executor;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::accept::Media;
use super::problem::{Code, Refused, problem};
use super::{Api, Host, live, transport};

/// Sends the audit of a site to whoever may read it. For all others there is nothing at this path.
pub(super) async fn get<H: Host, E: Executor>(
    State(api): State<Api<H, E>>,
    Path(site): Path<String>,
    request: Request,
) -> Response {
    let told = async {
        let (parts, _) = request.into_parts();
        let place = live::place(&api)?;
        let (caller, _) = transport::admit(&api, transport::peer(&parts.extensions), &parts.headers).await?;
        let lines = api.host.audit(&caller, &site).await.map_err(transport::unproved)?;
        let Some(lines) = lines else {
            let error = problem(Code::NotFound, "There is no such audit, or not for you.");
            return Err(Refused::by_http(StatusCode::NOT_FOUND, error));
        };
        let lines = stream::unfold((lines, place), |(mut lines, place)| async move {
            let next = lines.next().await?;
            Some((next, (lines, place)))
        });
        let headers = [
            (header::CONTENT_TYPE, "application/x-ndjson"),
            (header::CACHE_CONTROL, "no-store"),
            (header::VARY, "Authorization, Origin"),
        ];
        Ok((headers, Body::from_stream(lines)).into_response())
    };
    told.await
        .unwrap_or_else(|refused| transport::refuse(Media::Json, refused))
}
