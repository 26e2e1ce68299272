//! The Lambda function behind `POST /api/v1/connections/validate`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    validate_pat::run().await
}
