//! Short forms of what the store asks SQLite. Each statement is prepared once and kept.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::error::StoreError;

/// The columns of a row, as a tuple.
pub(super) trait Columns: for<'a> TryFrom<&'a Row<'a>, Error = rusqlite::Error> {}

impl<T: for<'a> TryFrom<&'a Row<'a>, Error = rusqlite::Error>> Columns for T {}

/// What a connection is asked.
pub(super) trait Query {
    /// Changes rows; returns how many.
    fn change(&self, sql: &str, params: impl Params) -> Result<usize, StoreError>;

    /// Whether there is a row.
    fn has(&self, sql: &str, params: impl Params) -> Result<bool, StoreError>;

    /// The first column of the one row.
    fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T, StoreError>;

    /// The first column of the first row, if there is one.
    fn find<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Option<T>, StoreError>;

    /// The first column of all rows.
    fn list<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, StoreError>;

    /// The columns of the one row.
    fn row<T: Columns>(&self, sql: &str, params: impl Params) -> Result<T, StoreError>;

    /// The columns of the first row, if there is one.
    fn find_row<T: Columns>(&self, sql: &str, params: impl Params)
    -> Result<Option<T>, StoreError>;

    /// The columns of all rows.
    fn rows<T: Columns>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, StoreError>;

    /// What `read` makes of each row.
    fn read<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError>;

    /// What `read` makes of the first row, if there is one.
    fn find_read<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError>;

    /// Passes what `read` makes of each row to `each`, one at a time.
    fn visit<T, E: From<StoreError>>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
        each: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E>;

    /// A count, which is the first column of the one row.
    fn count(&self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        let count: i64 = self.value(sql, params)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

impl Query for Connection {
    fn change(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.prepare_cached(sql)?.execute(params)?)
    }

    fn has(&self, sql: &str, params: impl Params) -> Result<bool, StoreError> {
        Ok(self.prepare_cached(sql)?.exists(params)?)
    }

    fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        Ok(select.query_row(params, |row| row.get(0))?)
    }

    fn find<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Option<T>, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        Ok(select.query_row(params, |row| row.get(0)).optional()?)
    }

    fn list<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        let rows = select.query_map(params, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn row<T: Columns>(&self, sql: &str, params: impl Params) -> Result<T, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        Ok(select.query_row(params, |row| T::try_from(row))?)
    }

    fn find_row<T: Columns>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        let row = select.query_row(params, |row| T::try_from(row));
        Ok(row.optional()?)
    }

    fn rows<T: Columns>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        let rows = select.query_map(params, |row| T::try_from(row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn read<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.visit(sql, params, read, |value| {
            found.push(value);
            Ok::<_, StoreError>(())
        })?;
        Ok(found)
    }

    fn find_read<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut select = self.prepare_cached(sql)?;
        let mut rows = select.query(params)?;
        rows.next()?.map(read).transpose()
    }

    fn visit<T, E: From<StoreError>>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
        mut each: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = select.query(params).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            each(read(row)?)?;
        }
        Ok(())
    }
}
