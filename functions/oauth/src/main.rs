//! The Lambda function behind `/oauth/`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    oauth::run().await
}
