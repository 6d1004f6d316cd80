//! Relay connections: reading the four arguments and showing pages.

use std::{collections::HashMap, fmt, sync::Arc};

use async_graphql::{Context, SimpleObject};
use futures_util::future::BoxFuture;
use sea_orm::{EntityTrait, prelude::Uuid};

use crate::{
    app::App,
    error::{Error, Result},
    graphql::{Asking, seen::Seen},
    policy::Caller,
    read::{self, Cursor, DEFAULT_PAGE, LARGEST_PAGE, Listing, Page, Window},
    scope::Scoped,
};

/// Where a page lies in its list.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct PageInfo {
    /// Whether the list goes on after this page: ask again with `after: endCursor`.
    has_next_page: bool,
    /// Whether there is something before this page: ask again with `before: startCursor`.
    has_previous_page: bool,
    /// The cursor of the first item; null on an empty page.
    start_cursor: Option<String>,
    /// The cursor of the last item; null on an empty page.
    end_cursor: Option<String>,
}

/// The arguments of a connection, as they came.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// How many items from the front.
    pub first: Option<i32>,
    /// Only items after this cursor.
    pub after: Option<String>,
    /// How many items from the back.
    pub last: Option<i32>,
    /// Only items before this cursor.
    pub before: Option<String>,
}

impl Paging {
    /// Reads the arguments.
    ///
    /// # Errors
    /// [`Error::Argument`] for a page of a wrong size, `first` together with `last`, or a text that is no cursor.
    pub fn window(&self, ctx: &Context<'_>) -> Result<Window> {
        if self.first.is_some() && self.last.is_some() {
            return Err(Error::argument("last", "Give either first or last, not both."));
        }
        let argument = if self.last.is_some() { "last" } else { "first" };
        let limit = match self.first.or(self.last) {
            None => DEFAULT_PAGE,
            Some(size) => u64::try_from(size)
                .ok()
                .filter(|size| *size <= LARGEST_PAGE)
                .ok_or_else(|| Error::argument(argument, format!("A page has 0 to {LARGEST_PAGE} items.")))?,
        };
        let cursor = |argument: &str, text: &Option<String>| -> Result<Option<Cursor>> {
            let Some(text) = text else { return Ok(None) };
            let cursor = Cursor::parse(text).ok_or_else(|| Error::argument(argument, "This is not a cursor."))?;
            Ok(Some(cursor))
        };
        Ok(Window {
            limit,
            after: cursor("after", &self.after)?,
            before: cursor("before", &self.before)?,
            backward: self.last.is_some(),
            asked: ctx.asked_of_rows(),
        })
    }
}

type Counting = dyn Fn(Arc<App>, Arc<Caller>) -> BoxFuture<'static, Result<u64>> + Send + Sync;

/// How to count a whole list, once somebody asks.
#[derive(Clone, Default)]
pub enum Total {
    /// Nothing to count.
    #[default]
    Nothing,
    /// Counts the list.
    Of(Arc<Counting>),
}

/// A page of a list, as the connection types show it.
#[derive(Clone)]
pub struct Connection<E: EntityTrait> {
    /// The rows with their cursors.
    pub rows: Vec<(Seen<E>, Cursor)>,
    /// How to count the list.
    pub total: Total,
    has_next: bool,
    has_previous: bool,
}

impl<E: EntityTrait> fmt::Debug for Connection<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows.iter().map(|(row, _)| row)).finish()
    }
}

impl<E: EntityTrait> Default for Connection<E> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            total: Total::Nothing,
            has_next: false,
            has_previous: false,
        }
    }
}

impl<E: Scoped> Connection<E> {
    /// A page of a list that stands at the root of a query.
    ///
    /// # Errors
    /// [`Error::Argument`] when the page is asked for wrongly.
    pub async fn root<L: Listing<Entity = E> + 'static>(ctx: &Context<'_>, paging: Paging, list: L) -> Result<Self> {
        let page = read::page(ctx.app().reader(), ctx.caller(), &list, &paging.window(ctx)?).await?;
        let list = Arc::new(list);
        let total = Total::Of(Arc::new(move |app: Arc<App>, caller: Arc<Caller>| {
            let list = Arc::clone(&list);
            Box::pin(async move { read::count(app.reader(), &caller, &*list).await })
        }));
        Ok(Self {
            total,
            ..Self::together(vec![page]).pop().unwrap_or_default()
        })
    }

    /// The pages of many parents: all their rows were read together.
    pub fn for_parents(pages: HashMap<Uuid, Page<E::Model>>) -> HashMap<Uuid, Self> {
        let (parents, pages): (Vec<_>, Vec<_>) = pages.into_iter().unzip();
        parents.into_iter().zip(Self::together(pages)).collect()
    }

    fn together(pages: Vec<Page<E::Model>>) -> Vec<Self> {
        let mut models = Vec::new();
        let mut shapes = Vec::new();
        for page in pages {
            let mut cursors = Vec::new();
            for (model, cursor) in page.rows {
                models.push(model);
                cursors.push(cursor);
            }
            shapes.push((cursors, page.has_next, page.has_previous));
        }
        let mut seen = Seen::all(models);
        let shapes = shapes.into_iter();
        let connections = shapes.map(|(cursors, has_next, has_previous)| {
            // Cursors first: a zip takes one from its left side before it sees that the right one is empty.
            let rows = cursors
                .into_iter()
                .zip(seen.by_ref())
                .map(|(cursor, row)| (row, cursor))
                .collect();
            Self {
                rows,
                total: Total::Nothing,
                has_next,
                has_previous,
            }
        });
        connections.collect()
    }

    /// Where the page lies.
    pub fn page_info(&self) -> PageInfo {
        let cursor = |row: Option<&(Seen<E>, Cursor)>| row.map(|(_, cursor)| cursor.to_string());
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: cursor(self.rows.first()),
            end_cursor: cursor(self.rows.last()),
        }
    }

    /// How many items the list has.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = match &self.total {
            Total::Nothing => 0,
            Total::Of(count) => {
                let app = Arc::clone(ctx.data_unchecked::<Arc<App>>());
                count(app, Arc::new(ctx.caller().clone())).await?
            }
        };
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// Declares the connection and edge types of one type of the API; where the connection has fields of its own, what they
/// show stands behind its name.
macro_rules! connection {
    ($(#[$doc:meta])* $connection:ident $(($state:ty))?, $edge:ident, $node:ident $(, { $($more:tt)* })?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $connection(
            pub $crate::graphql::page::Connection<<$node as $crate::graphql::seen::Shows>::Entity>,
            $(pub $state)?
        );

        $(#[$doc])*
        #[async_graphql::Object]
        impl $connection {
            /// The items of this page, in order.
            async fn nodes(&self) -> Vec<$node> {
                let rows = self.0.rows.iter();
                rows.map(|(row, _)| <$node as $crate::graphql::seen::Shows>::show(row.clone())).collect()
            }

            /// The items of this page with a cursor each.
            async fn edges(&self) -> Vec<$edge> {
                self.0.rows.iter().map(|(row, cursor)| $edge { row: row.clone(), cursor: cursor.to_string() }).collect()
            }

            /// Where this page lies in the list.
            async fn page_info(&self) -> $crate::graphql::page::PageInfo {
                self.0.page_info()
            }

            /// How many items the whole list has for you. Counted only when asked; leave it out of frequent queries.
            async fn total_count(&self, ctx: &async_graphql::Context<'_>) -> $crate::error::Result<i32> {
                self.0.count(ctx).await
            }

            $($($more)*)?
        }

        /// An item of the page with its place in the list.
        #[derive(Clone, Debug)]
        pub struct $edge {
            row: $crate::graphql::seen::Seen<<$node as $crate::graphql::seen::Shows>::Entity>,
            cursor: String,
        }

        /// An item of the page with its place in the list.
        #[async_graphql::Object]
        impl $edge {
            /// The item.
            async fn node(&self) -> $node {
                <$node as $crate::graphql::seen::Shows>::show(self.row.clone())
            }

            /// Its place in the list, for `after` and `before`.
            async fn cursor(&self) -> &str {
                &self.cursor
            }
        }
    };
}
pub(crate) use connection;
