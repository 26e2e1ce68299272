//! The Lambda function behind every path that is not below `/api`, and behind the API's document.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    console::run().await
}
