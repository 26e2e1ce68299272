//! The connections of all AWS clients of a process.

use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    connector_metadata::ConnectorMetadata,
    http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    runtime_components::RuntimeComponents,
};

/// One pool of connections, made ready with the first request.
///
/// Left to itself the SDK makes one ready for each client while that is built: it reads the system's certificates and parses
/// them all, which took longer than everything else that a function does before it asks for work.
#[derive(Debug)]
pub(crate) struct Connections(SharedHttpClient);

impl Connections {
    pub(crate) fn new() -> Self {
        let provider = Provider::Rustls(CryptoMode::AwsLc);
        Self(Builder::new().tls_provider(provider).build_https())
    }
}

/// All of the SDK's own client but its validation, which is what would read the certificates.
impl HttpClient for Connections {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}
