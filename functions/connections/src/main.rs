//! The Lambda function behind `/api/v1/connections`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    connections::run().await
}
