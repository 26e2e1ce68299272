//! The Lambda function behind `/api/v1/insights`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    insights::run().await
}
