//! The fetch function: one binary, deployed once per service.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    fetch::run().await
}
