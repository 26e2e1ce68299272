//! The fan-out function: woken by the schedule, and by its own queue.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    fan_out::run().await
}
