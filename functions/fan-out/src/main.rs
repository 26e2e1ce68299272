//! The fan-out function: woken by the schedule, and by its own queue.

// What waits for each other nests deeper here than the compiler lays out by itself.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    fan_out::run().await
}
