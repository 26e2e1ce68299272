//! The sample events for this function are what Lambda would deliver, and what the function understands.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::{fs, path::Path, sync::Mutex, time::Duration};

use aws_lambda_events::event::sqs::SqsEvent;
use entrypoint::{Delivery, Pending};
use fan_out::Error;
use lambda_runtime::LambdaEvent;
use model::{FanOut, Reason};

fn read(path: &str) -> String {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    fs::read_to_string(root.join(path)).unwrap()
}

/// Keeps the bodies of what was buried.
#[derive(Default)]
struct Graves(Mutex<Vec<String>>);

impl Pending for Graves {
    async fn bury(&self, body: &str, _reason: &str) -> bool {
        self.0.lock().unwrap().push(body.to_owned());
        true
    }

    async fn delay(&self, _source: &str, _receipt: &str, _after: Duration) {
        panic!("nothing failed, so nothing is delayed");
    }
}

/// The messages that the batch loop hands to the function, and the bodies of what it buries.
async fn delivered(name: &str) -> (Vec<FanOut>, Vec<String>) {
    let event: SqsEvent = serde_json::from_str(&read(name)).unwrap();
    let (messages, graves) = (Mutex::new(Vec::new()), Graves::default());
    let handler = async |delivery: Delivery<FanOut>| {
        messages.lock().unwrap().push(delivery.message);
        Ok(())
    };
    let event = LambdaEvent::new(event, lambda_runtime::Context::default());
    let response = entrypoint::batch::handle(event, &graves, handler, Error::fault).await;
    assert!(response.batch_item_failures.is_empty());
    (
        messages.into_inner().unwrap(),
        graves.0.into_inner().unwrap(),
    )
}

#[test]
fn the_tick_is_what_the_template_has_the_schedule_send() {
    let template = read("template.yaml");
    let input = template
        .lines()
        .find_map(|line| line.trim().strip_prefix("Input: "))
        .unwrap();
    let input: serde_json::Value = serde_json::from_str(input.trim_matches('\'')).unwrap();
    let event: serde_json::Value = serde_json::from_str(&read("events/fan-out-tick.json")).unwrap();
    assert_eq!(event, input);
}

#[tokio::test]
async fn the_organizations_are_one_that_a_user_asks_for_and_one_that_the_schedule_does() {
    let (messages, buried) = delivered("events/fan-out-organizations.json").await;
    let reasons: Vec<Reason> = messages.iter().map(|message| message.reason).collect();
    assert_eq!(reasons, [Reason::Requested, Reason::Scheduled]);
    assert_eq!(buried, Vec::<String>::new());
}

#[tokio::test]
async fn the_malformed_message_is_buried() {
    let (messages, buried) = delivered("events/malformed-message.json").await;
    assert_eq!((messages.len(), buried.len()), (0, 1));
}
