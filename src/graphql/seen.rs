//! Rows that were read together load what hangs on them together: the first row that is asked for a field loads it for
//! all of them, in one statement. So a query costs one statement for each field that reads, however many rows there are.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::Context;
use sea_orm::{EntityTrait, prelude::Uuid};
use tokio::sync::OnceCell;

use crate::{
    error::{Error, Result},
    graphql::{
        Asking,
        page::{Connection, Paging, Total},
    },
    read::{self, Listing, Parent},
    scope::Scoped,
};

/// A row, among those that were read with it.
pub struct Seen<E: EntityTrait> {
    rows: Arc<Rows<E>>,
    at: usize,
}

type Loaded = Result<Arc<dyn Any + Send + Sync>>;

struct Rows<E: EntityTrait> {
    rows: Vec<E::Model>,
    loads: Mutex<HashMap<String, Arc<OnceCell<Loaded>>>>,
}

impl<E: EntityTrait> Clone for Seen<E> {
    fn clone(&self) -> Self {
        Self {
            rows: Arc::clone(&self.rows),
            at: self.at,
        }
    }
}

impl<E: EntityTrait> fmt::Debug for Seen<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<E: EntityTrait> Deref for Seen<E> {
    type Target = E::Model;

    fn deref(&self) -> &E::Model {
        &self.rows.rows[self.at]
    }
}

/// A type of the API that shows the rows of one table.
pub trait Shows: Sized + Send + Sync + 'static {
    /// The table.
    type Entity: Scoped;

    /// Shows a row.
    fn show(row: Seen<Self::Entity>) -> Self;
}

impl<E: Scoped> Seen<E> {
    /// Rows that were read together.
    pub fn all(rows: Vec<E::Model>) -> impl Iterator<Item = Self> {
        let count = rows.len();
        let rows = Arc::new(Rows {
            rows,
            loads: Mutex::default(),
        });
        (0..count).map(move |at| Self {
            rows: Arc::clone(&rows),
            at,
        })
    }

    /// A row that was read alone.
    pub fn alone(row: E::Model) -> Self {
        Self {
            rows: Arc::new(Rows {
                rows: vec![row],
                loads: Mutex::default(),
            }),
            at: 0,
        }
    }

    /// Loads something for all rows that were read together, once for each `key`.
    ///
    /// # Errors
    /// That of the loading, the same for all rows.
    pub async fn together<T: Send + Sync + 'static>(
        &self,
        key: String,
        load: impl AsyncFnOnce(&[E::Model]) -> Result<T>,
    ) -> Result<Arc<T>> {
        let cell = {
            let mut loads = self.rows.loads.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(loads.entry(key).or_default())
        };
        let fill = async || -> Loaded {
            let loaded: Arc<dyn Any + Send + Sync> = Arc::new(load(&self.rows.rows).await?);
            Ok(loaded)
        };
        let loaded = cell.get_or_init(fill).await.clone()?;
        loaded
            .downcast()
            .map_err(|_| Error::internal("two loads of different types share a key"))
    }

    /// The row of another table that each row names, where the caller may read it.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn one<T: Shows>(
        &self,
        ctx: &Context<'_>,
        named: impl Fn(&E::Model) -> Option<<T::Entity as Scoped>::Id>,
    ) -> Result<Option<T>> {
        self.one_as(ctx, &ctx.place(), named).await
    }

    /// The same under a name of its own, so that several fields that need it load it once.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn one_as<T: Shows>(
        &self,
        ctx: &Context<'_>,
        name: &str,
        named: impl Fn(&E::Model) -> Option<<T::Entity as Scoped>::Id>,
    ) -> Result<Option<T>> {
        let loaded = self
            .together(format!("one {name}"), async |rows| {
                let mut ids: Vec<_> = rows.iter().filter_map(&named).collect();
                ids.sort_by_key(|id| Into::<Uuid>::into(*id));
                ids.dedup();
                let found = read::by_ids::<T::Entity>(ctx.app().reader(), ctx.caller(), &ids).await?;
                Ok(Seen::all(found)
                    .map(|row| (T::Entity::id(&row).into(), row))
                    .collect::<HashMap<Uuid, _>>())
            })
            .await?;
        Ok(named(self).and_then(|id| loaded.get(&id.into()).cloned()).map(T::show))
    }

    /// The page of a list that belongs to each row.
    ///
    /// # Errors
    /// [`Error::Argument`] when the page is asked for wrongly.
    pub async fn page<L: Listing + Clone + 'static>(
        &self,
        ctx: &Context<'_>,
        paging: Paging,
        list: L,
        parent: Parent<L::Entity>,
    ) -> Result<Connection<L::Entity>>
    where
        Parent<L::Entity>: Clone + Send + Sync,
    {
        let place = ctx.place();
        let window = paging.window(ctx)?;
        let loaded = self
            .together(format!("page {place}"), async |rows| {
                let parents = parent_ids::<E>(rows);
                let pages = read::pages(ctx.app().reader(), ctx.caller(), &list, &window, &parent, &parents).await?;
                Ok(Connection::for_parents(pages))
            })
            .await?;
        let id: Uuid = E::id(self).into();
        let mut connection = loaded.get(&id).cloned().unwrap_or_default();
        connection.total = Total::Of(Arc::new({
            let (row, list, parent) = (self.clone(), list.clone(), parent.clone());
            move |app, caller| {
                let (row, list, parent, place) = (row.clone(), list.clone(), parent.clone(), place.clone());
                Box::pin(async move {
                    let counts = row
                        .together(format!("count {place}"), async |rows| {
                            let parents = parent_ids::<E>(rows);
                            read::counts(app.reader(), &caller, &list, &parent, &parents).await
                        })
                        .await?;
                    Ok(counts.get(&id).copied().unwrap_or_default())
                })
            }
        }));
        Ok(connection)
    }
}

fn parent_ids<E: Scoped>(rows: &[E::Model]) -> Vec<Uuid> {
    rows.iter().map(|row| E::id(row).into()).collect()
}
