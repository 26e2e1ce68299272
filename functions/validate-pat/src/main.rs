//! The Lambda function behind `POST /api/v1/connections/validate`.

use validate_pat::{Context, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    entrypoint::init();
    let context = Context::from_env()?;
    lambda_http::run(router(context)).await
}
