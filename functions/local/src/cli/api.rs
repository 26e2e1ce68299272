//! The product's own HTTP API, used as any script would.

use bytes::Bytes;
use model::TenantId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::stack::Stack;

/// A client with an administrator's token.
#[derive(Debug)]
pub(super) struct Api {
    client: reqwest::Client,
    connections_url: String,
    insights_url: String,
    token: SecretString,
}

#[derive(Deserialize)]
struct Connections {
    connections: Vec<Connection>,
}

#[derive(Deserialize)]
struct Connection {
    id: String,
    organizations: Vec<String>,
}

/// What it took to answer a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Insight {
    /// How many records were read.
    pub(super) records: u64,
    /// In the handler, in milliseconds.
    pub(super) handler_ms: f64,
    /// How much of that was waiting for DynamoDB.
    pub(super) reads_ms: f64,
}

#[derive(Deserialize)]
struct Numbers {
    records: u64,
}

impl Api {
    pub(super) fn new(stack: &Stack, tenant: &TenantId) -> Result<Self, Failure> {
        Ok(Self {
            client: reqwest::Client::builder().build()?,
            connections_url: format!("{}/api/v1/connections", stack.url()),
            insights_url: format!("{}/api/v1/insights", stack.url()),
            token: stack.token(tenant.as_str(), &["admin"])?.into(),
        })
    }

    /// Returns the organizations of all connections.
    pub(super) async fn connected_organizations(&self) -> Result<Vec<String>, Failure> {
        let connections = self.connections().await?.into_iter();
        Ok(connections
            .flat_map(|connection| connection.organizations)
            .collect())
    }

    /// Has the streams of all connections visited in which something may be new.
    pub(super) async fn look_for_news(&self) -> Result<(), Failure> {
        for connection in self.connections().await? {
            let url = format!("{}/{}/sync?only=news", self.connections_url, connection.id);
            self.send("synchronize", self.client.post(url)).await?;
        }
        Ok(())
    }

    /// Deletes every connection, and returns their ids; the removal goes on in the background.
    pub(super) async fn delete_all(&self) -> Result<Vec<String>, Failure> {
        let mut deleted = Vec::new();
        for connection in self.connections().await? {
            let url = format!("{}/{}", self.connections_url, connection.id);
            self.send("delete a connection", self.client.delete(url))
                .await?;
            deleted.push(connection.id);
        }
        Ok(deleted)
    }

    async fn connections(&self) -> Result<Vec<Connection>, Failure> {
        let request = self.client.get(&self.connections_url);
        let answer = self.send("list the connections", request).await?;
        let answer: Connections = serde_json::from_slice(&answer)?;
        Ok(answer.connections)
    }

    /// Connects an organization; the product starts its first sync by itself.
    pub(super) async fn connect(
        &self,
        organization: &str,
        pat: &SecretString,
    ) -> Result<(), Failure> {
        let body = json!({ "name": organization, "organizations": [organization], "pat": pat.expose_secret() });
        let request = self
            .client
            .post(&self.connections_url)
            .header("content-type", "application/json");
        let wish = format!("connect {organization}");
        self.send(&wish, request.body(body.to_string()))
            .await
            .map(drop)
    }

    /// Asks for numbers, and returns what it took to answer.
    pub(super) async fn insight(&self, question: &str) -> Result<Insight, Failure> {
        let request = self.client.get(format!("{}/{question}", self.insights_url));
        let wish = format!("ask for {question}");
        let response = self.respond(&wish, request).await?;
        let timing = response.headers().get("server-timing");
        let timing = timing
            .and_then(|timing| timing.to_str().ok())
            .unwrap_or_default();
        let (handler_ms, reads_ms) = (duration(timing, "handler"), duration(timing, "reads"));
        let answer: Numbers = serde_json::from_slice(&response.bytes().await?)?;
        Ok(Insight {
            records: answer.records,
            handler_ms,
            reads_ms,
        })
    }

    /// Sends a request and returns the answer's body, which may be empty.
    async fn send(&self, wish: &str, request: reqwest::RequestBuilder) -> Result<Bytes, Failure> {
        Ok(self.respond(wish, request).await?.bytes().await?)
    }

    async fn respond(
        &self,
        wish: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, Failure> {
        let response = request
            .bearer_auth(self.token.expose_secret())
            .send()
            .await?;
        let status = response.status();
        if !status.is_success() {
            let reason = reason(&response.bytes().await?);
            return Err(Failure::Refused {
                wish: wish.to_owned(),
                status: status.as_u16(),
                reason,
            });
        }
        Ok(response)
    }
}

/// A duration of a `Server-Timing` header in milliseconds; 0 if it is not told.
fn duration(timing: &str, name: &str) -> f64 {
    let mut entries = timing.split(',').filter_map(|entry| {
        let (own, duration) = entry.trim().split_once(";dur=")?;
        (own == name).then_some(duration)
    });
    let duration = entries.next().and_then(|duration| duration.parse().ok());
    duration.unwrap_or_default()
}

/// Returns what a problem document, or the gateway, says in words.
fn reason(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = ["detail", "title", "message"]
        .iter()
        .find_map(|key| body.get(key)?.as_str());
    words
        .unwrap_or("it gives no reason")
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_precise_words_of_a_refusal_are_shown() {
        assert_eq!(
            reason(br#"{"title":"Bad","detail":"the token is expired."}"#),
            "the token is expired"
        );
        assert_eq!(
            reason(br#"{"message":"Internal Server Error"}"#),
            "Internal Server Error"
        );
        assert_eq!(reason(b"<html>"), "it gives no reason");
    }

    #[test]
    fn durations_are_found_by_their_names() {
        let timing = "handler;dur=12.5, reads;dur=3";
        assert_eq!(duration(timing, "handler"), 12.5);
        assert_eq!(duration(timing, "reads"), 3.0);
        assert_eq!(duration(timing, "read"), 0.0);
    }
}
