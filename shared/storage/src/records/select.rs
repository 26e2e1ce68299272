//! Reading a part of records: what metrics need, and no more.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use model::{Facet, IntegrationId, Kind, Record};

use super::{Records, read::PAGE, read::is_live, write};
use crate::{
    Error,
    attributes::{Item, get_text, name_of, text},
};

/// A record with the details that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected {
    /// The record.
    pub record: Record,
    /// Those of the facets asked for that were fetched, as JSON.
    pub details: BTreeMap<Facet, String>,
}

/// A record as it is stored, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Its sort key.
    pub sort: String,
    /// The record as JSON.
    pub body: String,
    /// Its facets as JSON, where they were fetched.
    pub details: BTreeMap<Facet, String>,
}

impl Records {
    /// Some records of one kind and bucket with all their facets, in the order of their sort keys, beginning after a sort key;
    /// and whether there are more. Expired ones are left out, so that there may be none although there are more.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn page(
        &self,
        integration: IntegrationId,
        (kind, bucket): (Kind, &str),
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<(Vec<Raw>, Option<String>), Error> {
        let pk = text(format!("{integration}#{kind}#{bucket}"));
        let start = after.map(|sort| {
            let key = [("pk", pk.clone()), ("sk", text(sort))];
            HashMap::from(key.map(|(name, value)| (name.to_owned(), value)))
        });
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .limit(PAGE)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", pk)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| Error::dynamodb("Query", &error))?;
        let mut found = Vec::new();
        for item in page.items.iter().flatten() {
            if is_live(item, now) {
                found.push(self.raw(item).await?);
            }
        }
        let last = page.last_evaluated_key.as_ref();
        let last = last.and_then(|key| get_text(key, "sk"));
        Ok((found, last.map(str::to_owned)))
    }

    async fn raw(&self, item: &Item) -> Result<Raw, Error> {
        let body = self.whole(item, "body", "digest").await?;
        let mut details = BTreeMap::new();
        for facet in write::markers(item).into_keys() {
            let name = write::attribute(facet);
            let text = self.whole(item, &name, &format!("{name}_digest")).await?;
            details.extend(text.map(|text| (facet, text)));
        }
        Ok(Raw {
            sort: get_text(item, "sk").unwrap_or_default().to_owned(),
            body: body.unwrap_or_default(),
            details,
        })
    }

    /// The records of one kind and bucket with only these of their facets, expired ones left out. What is not asked for is
    /// not sent by DynamoDB, and the parts of long texts are fetched for what is asked for alone. Reads what was true a moment
    /// ago (eventually consistent), for half the price.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn select(
        &self,
        integration: IntegrationId,
        (kind, bucket): (Kind, &str),
        facets: &[Facet],
        now: Timestamp,
    ) -> Result<Vec<Selected>, Error> {
        let names = attributes(facets);
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .limit(PAGE)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(format!("{integration}#{kind}#{bucket}")));
        let mut projection = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let placeholder = format!("#a{index}");
            query = query.expression_attribute_names(&placeholder, name);
            projection.push(placeholder);
        }
        let query = query.projection_expression(projection.join(", "));
        let mut pages = query.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = self.meter.time(pages.next()).await {
            let item = item.map_err(|error| Error::dynamodb("Query", &error))?;
            if is_live(&item, now) {
                found.push(self.selected(kind, &item, facets).await?);
            }
        }
        Ok(found)
    }

    async fn selected(&self, kind: Kind, item: &Item, facets: &[Facet]) -> Result<Selected, Error> {
        let body = self.whole(item, "body", "digest").await?;
        let body = body.unwrap_or_default();
        let record = Record::from_body(kind, &body).map_err(|error| Error::Corrupt {
            item: name_of(item),
            reason: error.to_string(),
        })?;
        let mut details = BTreeMap::new();
        for facet in facets {
            let name = write::attribute(*facet);
            let text = self.whole(item, &name, &format!("{name}_digest")).await?;
            details.extend(text.map(|text| (*facet, text)));
        }
        Ok(Selected { record, details })
    }
}

/// The attributes of a record and these facets.
fn attributes(facets: &[Facet]) -> Vec<String> {
    let mut names: Vec<String> = ["pk", "sk", "expires_at"].map(str::to_owned).to_vec();
    let texts = facets.iter().map(|facet| {
        let name = write::attribute(*facet);
        let digest = format!("{name}_digest");
        (name, digest)
    });
    for (name, digest) in texts.chain([("body".to_owned(), "digest".to_owned())]) {
        names.push(format!("{name}_parts"));
        names.extend([name, digest]);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_read() {
        let names = attributes(&[Facet::Timeline]);
        assert!(names.iter().any(|name| name == "facet_timeline_parts"));
        assert!(names.iter().any(|name| name == "body"));
        assert!(!names.iter().any(|name| name.contains("threads")));
        assert!(!attributes(&[]).iter().any(|name| name.contains("facet")));
    }
}
