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

impl Api {
    pub(super) fn new(stack: &Stack, tenant: &TenantId) -> Result<Self, Failure> {
        Ok(Self {
            client: reqwest::Client::builder().build()?,
            connections_url: format!("{}/api/v1/connections", stack.url()),
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

    /// Sends a request and returns the answer's body, which may be empty.
    async fn send(&self, wish: &str, request: reqwest::RequestBuilder) -> Result<Bytes, Failure> {
        let response = request
            .bearer_auth(self.token.expose_secret())
            .send()
            .await?;
        let status = response.status();
        let body = response.bytes().await?;
        if !status.is_success() {
            let reason = reason(&body);
            return Err(Failure::Refused {
                wish: wish.to_owned(),
                status: status.as_u16(),
                reason,
            });
        }
        Ok(body)
    }
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
}
