//! Keeps the data around a field that failed.
//!
//! The specification puts null where a nullable field failed and keeps its neighbours. The executor does so for
//! errors below the field's value, but an error of the resolver itself takes the whole parent with it. With this
//! extension a nullable field ends there; the error of a non-null one still travels to the nearest nullable field.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::async_trait::async_trait;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo};
use async_graphql::{Response, ServerError, ServerResult, Value};

/// Add it to a schema with `.extension(PartialData)`, after the extensions that look at the errors of a response.
pub struct PartialData;

impl ExtensionFactory for PartialData {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Caught::default())
    }
}

/// The errors of one request that ended at a nullable field.
#[derive(Default)]
struct Caught(Mutex<Vec<ServerError>>);

#[async_trait]
impl Extension for Caught {
    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        let mut response = next.run(ctx, operation).await;
        response
            .errors
            .append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        response
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let is_nullable = !info.return_type.ends_with('!');
        match next.run(ctx, info).await {
            Err(error) if is_nullable => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                Ok(Some(Value::Null))
            }
            resolved => resolved,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Error, Object, Schema};
    use serde_json::json;

    use super::PartialData;

    struct Query;

    #[Object]
    impl Query {
        async fn fine(&self) -> i32 {
            1
        }

        async fn failing(&self, _number: Option<i32>) -> Result<Option<i32>, Error> {
            Err(Error::new("failed"))
        }

        async fn required(&self) -> Result<i32, Error> {
            Err(Error::new("required failed"))
        }

        async fn inner(&self) -> Option<Query> {
            Some(Query)
        }

        async fn list(&self) -> Vec<Option<Query>> {
            vec![Some(Query), Some(Query)]
        }
    }

    async fn run(query: &str) -> serde_json::Value {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(PartialData)
            .finish();
        serde_json::to_value(schema.execute(query).await).unwrap()
    }

    #[tokio::test]
    async fn a_nullable_field_that_fails_is_null_and_its_neighbours_stay() {
        let reply = run("{ fine failing }").await;
        assert_eq!(reply["data"], json!({ "fine": 1, "failing": null }));
        assert_eq!(reply["errors"][0]["path"], json!(["failing"]));
        assert_eq!(reply["errors"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_required_field_that_fails_takes_its_nearest_nullable_parent_with_it() {
        let reply = run("{ fine inner { fine required } list { fine inner { required } } }").await;
        let expected = json!({
            "fine": 1, "inner": null, "list": [{ "fine": 1, "inner": null }, { "fine": 1, "inner": null }],
        });
        assert_eq!(reply["data"], expected);
        let mut paths = reply["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["path"].to_string())
            .collect::<Vec<_>>();
        paths.sort();
        assert_eq!(
            paths,
            [
                r#"["inner","required"]"#,
                r#"["list",0,"inner","required"]"#,
                r#"["list",1,"inner","required"]"#
            ]
        );
    }

    #[tokio::test]
    async fn a_required_field_of_the_root_that_fails_leaves_no_data() {
        let reply = run("{ fine required }").await;
        assert_eq!(reply["data"], json!(null));
        assert_eq!(reply["errors"][0]["path"], json!(["required"]));
    }
}
