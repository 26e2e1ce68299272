//! The Lambda function behind `GET /api/v1/connections/{connection}/spot-check`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    spot_check::run().await
}
