//! Messages on disk, so that a killed runner loses none.
//!
//! A receive is written down only when the next one shows that it failed. A receive that the runner's own death
//! interrupted therefore never counts, and killing the runner cannot push a message into its dead-letter queue.

use std::path::Path;

use rusqlite::{Connection, Row, params};

use super::message::Attributes;

/// A message as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) seq: u64,
    pub(super) queue: String,
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: Attributes,
    pub(super) sent_ms: i64,
    /// When its delay ends, in milliseconds since 1970.
    pub(super) visible_ms: i64,
    pub(super) receives: u32,
    pub(super) source_arn: Option<String>,
    pub(super) group: Option<String>,
}

/// The database file, or memory.
#[derive(Debug)]
pub(super) struct Journal(Connection);

impl Journal {
    pub(super) fn open(file: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        // Without fsync a commit still survives the death of the process, though not of the machine.
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "off")?;
        connection.execute_batch(
            "create table if not exists messages (
                seq integer primary key, queue text not null, id text not null, body text not null,
                attributes text not null, sent_ms integer not null, visible_ms integer not null,
                receives integer not null, source_arn text, message_group text
            )",
        )?;
        // Files from before messages had a group.
        if connection
            .prepare("select message_group from messages")
            .is_err()
        {
            connection.execute_batch("alter table messages add column message_group text")?;
        }
        Ok(Self(connection))
    }

    pub(super) fn load(&self) -> rusqlite::Result<Vec<Stored>> {
        let mut statement = self.0.prepare(
            "select seq, queue, id, body, attributes, sent_ms, visible_ms, receives, source_arn, message_group
             from messages order by seq",
        )?;
        statement.query_map([], read)?.collect()
    }

    pub(super) fn insert(&self, message: &Stored) -> rusqlite::Result<()> {
        let attributes = serde_json::to_string(&message.attributes)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let mut statement = self
            .0
            .prepare_cached("insert into messages values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        statement.execute(params![
            message.seq as i64,
            message.queue,
            message.id,
            message.body,
            attributes,
            message.sent_ms,
            message.visible_ms,
            message.receives,
            message.source_arn,
            message.group,
        ])?;
        Ok(())
    }

    pub(super) fn delete(&self, seq: u64) -> rusqlite::Result<()> {
        self.0
            .prepare_cached("delete from messages where seq = ?")?
            .execute([seq as i64])
            .map(drop)
    }

    /// Writes down how many receives have failed so far.
    pub(super) fn set_receives(&self, seq: u64, receives: u32) -> rusqlite::Result<()> {
        let mut statement = self
            .0
            .prepare_cached("update messages set receives = ? where seq = ?")?;
        statement.execute(params![receives, seq as i64]).map(drop)
    }

    pub(super) fn redrive(
        &self,
        seq: u64,
        queue: &str,
        receives: u32,
        source_arn: &str,
    ) -> rusqlite::Result<()> {
        let mut statement = self.0.prepare_cached(
            "update messages set queue = ?, receives = ?, source_arn = ? where seq = ?",
        )?;
        statement
            .execute(params![queue, receives, source_arn, seq as i64])
            .map(drop)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let attributes: String = row.get(4)?;
    let attributes = serde_json::from_str(&attributes).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(Stored {
        seq: row.get::<_, i64>(0)? as u64,
        queue: row.get(1)?,
        id: row.get(2)?,
        body: row.get(3)?,
        attributes,
        sent_ms: row.get(5)?,
        visible_ms: row.get(6)?,
        receives: row.get(7)?,
        source_arn: row.get(8)?,
        group: row.get(9)?,
    })
}
