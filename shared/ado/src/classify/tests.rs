use std::time::Duration;

use http::HeaderValue;
use model::Fault;

use super::*;

const JSON: &str = "application/json; charset=utf-8; api-version=7.1";
const HTML: &str = "text/html; charset=utf-8";
const SIGN_IN_PAGE: &str =
    "\r\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\"><html>Sign In</html>";
const NO_HEADERS: Headers = &[];

type Headers = &'static [(&'static str, &'static str)];
/// Status, content type, further headers and body; what a caller sees.
type Row<'a> = (u16, &'a str, Headers, &'a str, &'a str, Option<Fault>);

fn answer(status: u16, content_type: &str, more: Headers, body: &str) -> Result<Content, Error> {
    let mut headers: HeaderMap = more
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
    if !content_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
    }
    let pacing = Pacing::from_headers(&headers, jiff::Timestamp::UNIX_EPOCH);
    let head = Head {
        host: Host::Core,
        status,
        headers: &headers,
        pacing: &pacing,
    };
    classify(&head, body.as_bytes())
}

/// What a caller sees of an error: its sentence and its fault.
fn outcome(result: Result<Content, Error>) -> (String, Option<Fault>) {
    match result {
        Ok(content) => (format!("{content:?}"), None),
        Err(error) => (error.to_string(), Some(error.fault())),
    }
}

fn error_body(message: &str, type_key: &str) -> String {
    format!(
        r#"{{"$id":"1","innerException":null,"message":"{message}","typeName":"Microsoft.X, Microsoft.Y","typeKey":"{type_key}","errorCode":0,"eventId":3000}}"#
    )
}

fn retry(seconds: Option<u64>) -> Option<Fault> {
    Some(Fault::Retryable {
        after: seconds.map(Duration::from_secs),
    })
}

#[test]
fn every_status_has_one_meaning() {
    const REAUTHORIZE: Option<Fault> = Some(Fault::Reauthorize);
    const PERMANENT: Option<Fault> = Some(Fault::Permanent);
    let not_member = error_body(
        "TF400813: The user 'x' is not authorized to access this resource.",
        "UnauthorizedRequestException",
    );
    let scope = error_body("Access denied for x", "UnauthorizedRequestException");
    let denied = error_body(
        "TF401027: You need the Git 'GenericRead' permission",
        "GitNeedsPermissionException",
    );
    let policy = error_body(
        "VS403463: The conditional access policy",
        "UnauthorizedRequestException",
    );
    let project = error_body(
        "TF200016: The following project does not exist: x.",
        "ProjectDoesNotExistWithNameException",
    );
    let repository = error_body(
        "TF401019: The Git repository x does not exist",
        "GitRepositoryNotFoundException",
    );
    let hidden = error_body(
        "VS800075: The project with id 'x' does not exist, or you do not have permission",
        "ProjectDoesNotExistException",
    );
    let coded = error_body(
        "VS402337: The number of work items returned exceeds the size limit",
        "WorkItemTrackingQueryResultSizeLimitExceededException",
    );
    let uncoded = error_body(
        "The query parameter is bad",
        "VssPropertyValidationException",
    );
    let blocked = error_body(
        "TF400733: The request has been canceled: Request was blocked",
        "RequestBlockedException",
    );
    let stopped = error_body(
        "TF24668: The following team project collection is stopped: x.",
        "VssServiceException",
    );
    let after = &[("retry-after", "17")][..];
    let sign_in = |status| format!("dev.azure.com answered with its sign-in page ({status})");

    // One line is one status, for the eye.
    #[rustfmt::skip]
    let rows: &[Row<'_>] = &[
        (200, JSON, NO_HEADERS, r#"{"count":0,"value":[]}"#, "Json", None),
        (200, JSON, after, "[]", "Json", None),
        (200, "application/json", NO_HEADERS, "\u{feff}{}", "Json", None),
        (200, "application/hal+json", NO_HEADERS, "{}", "Json", None),
        (200, "", NO_HEADERS, " [1]", "Json", None),
        (201, JSON, NO_HEADERS, "{}", "Json", None),
        (200, JSON, NO_HEADERS, "", "the answer of dev.azure.com was cut off", retry(None)),
        (200, HTML, NO_HEADERS, SIGN_IN_PAGE, &sign_in(200), REAUTHORIZE),
        (200, JSON, NO_HEADERS, SIGN_IN_PAGE, &sign_in(200), REAUTHORIZE),
        (200, "", NO_HEADERS, SIGN_IN_PAGE, &sign_in(200), REAUTHORIZE),
        (200, "text/plain", NO_HEADERS, "{}", "dev.azure.com answered with text/plain instead of json", PERMANENT),
        (200, "application/zip", NO_HEADERS, "PK", "dev.azure.com answered with application/zip instead of json", PERMANENT),
        (200, "", NO_HEADERS, "PK", "dev.azure.com answered with no content type instead of json", PERMANENT),
        (203, HTML, NO_HEADERS, SIGN_IN_PAGE, &sign_in(203), REAUTHORIZE),
        (203, JSON, NO_HEADERS, r#"{"value":[]}"#, &sign_in(203), REAUTHORIZE),
        (204, "", NO_HEADERS, "", "Nothing", None),
        (206, JSON, NO_HEADERS, "{}", "dev.azure.com rejected the request (206)", PERMANENT),
        (301, HTML, NO_HEADERS, "", "dev.azure.com rejected the request (301)", PERMANENT),
        (302, HTML, NO_HEADERS, "", &sign_in(302), REAUTHORIZE),
        (400, JSON, NO_HEADERS, &coded, "dev.azure.com rejected the request (400, VS402337)", PERMANENT),
        (400, JSON, NO_HEADERS, &uncoded, "dev.azure.com rejected the request (400, VssPropertyValidationException)", PERMANENT),
        (401, "", NO_HEADERS, "", "dev.azure.com did not accept the credential (401)", REAUTHORIZE),
        (401, HTML, NO_HEADERS, SIGN_IN_PAGE, "dev.azure.com did not accept the credential (401)", REAUTHORIZE),
        (401, JSON, NO_HEADERS, &not_member, "dev.azure.com did not accept the credential (401, TF400813)", REAUTHORIZE),
        (401, HTML, NO_HEADERS, "<p>TF400813: The user", "dev.azure.com did not accept the credential (401, TF400813)", REAUTHORIZE),
        (401, JSON, NO_HEADERS, &scope, "dev.azure.com refused access", PERMANENT),
        (401, JSON, NO_HEADERS, &policy, "a conditional access policy of the organization refused the request (VS403463)", REAUTHORIZE),
        (403, HTML, NO_HEADERS, "VS403463: blocked", "a conditional access policy of the organization refused the request (VS403463)", REAUTHORIZE),
        (403, JSON, NO_HEADERS, &denied, "dev.azure.com refused access (TF401027)", PERMANENT),
        (403, HTML, NO_HEADERS, SIGN_IN_PAGE, "dev.azure.com refused access", PERMANENT),
        (404, JSON, NO_HEADERS, &project, "dev.azure.com does not show what was asked for (TF200016)", PERMANENT),
        (404, JSON, NO_HEADERS, &repository, "dev.azure.com does not show what was asked for (TF401019)", PERMANENT),
        (404, JSON, NO_HEADERS, &hidden, "dev.azure.com does not show what was asked for (VS800075)", PERMANENT),
        (404, "text/plain", NO_HEADERS, "The controller for path was not found", "dev.azure.com does not show what was asked for", PERMANENT),
        (405, JSON, NO_HEADERS, "", "dev.azure.com rejected the request (405)", PERMANENT),
        (408, "", NO_HEADERS, "", "dev.azure.com is unavailable (408)", retry(None)),
        (429, JSON, after, &blocked, "throttled by dev.azure.com for 17s", retry(Some(17))),
        (429, JSON, NO_HEADERS, &blocked, "throttled by dev.azure.com", retry(Some(300))),
        (500, JSON, NO_HEADERS, "", "dev.azure.com is unavailable (500)", retry(None)),
        (502, HTML, NO_HEADERS, SIGN_IN_PAGE, "dev.azure.com is unavailable (502)", retry(None)),
        (503, JSON, after, "", "dev.azure.com is unavailable (503) for 17s", retry(Some(17))),
        (503, JSON, NO_HEADERS, "", "dev.azure.com is unavailable (503)", retry(None)),
        (503, JSON, NO_HEADERS, &stopped, "the organization is stopped (TF24668)", PERMANENT),
        (503, JSON, after, &stopped, "dev.azure.com is unavailable (503, TF24668) for 17s", retry(Some(17))),
        (599, "", NO_HEADERS, "", "dev.azure.com is unavailable (599)", retry(None)),
    ];
    for &(status, content_type, headers, body, sentence, fault) in rows {
        let seen = outcome(answer(status, content_type, headers, body));
        assert_eq!(
            seen,
            (sentence.to_owned(), fault),
            "{status} {content_type} {body}"
        );
    }
}

#[test]
fn only_json_successes_and_empty_ones_ever_succeed() {
    for status in (100..200).chain([203]).chain(205..1000) {
        assert!(answer(status, JSON, NO_HEADERS, "{}").is_err(), "{status}");
    }
}

#[test]
fn microsofts_sentence_is_kept_apart_from_what_is_logged() {
    let body = error_body(
        "TF401027: You need a permission, jamal@fabrikam.example",
        "X",
    );
    let error = answer(403, JSON, NO_HEADERS, &body).unwrap_err();
    assert!(!error.to_string().contains("jamal"));
    assert!(error.message().unwrap().ends_with("jamal@fabrikam.example"));
    assert_eq!(error.code(), Some("TF401027"));
}

#[test]
fn recorded_failures_of_the_real_service_are_understood() {
    #[derive(serde::Deserialize)]
    struct Recording {
        response: Response,
    }
    #[derive(serde::Deserialize)]
    struct Response {
        status: u16,
        headers: std::collections::HashMap<String, Vec<String>>,
        body: Option<Box<serde_json::value::RawValue>>,
        body_text: Option<String>,
    }
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures/azure-devops/errors"
    );
    let expected = [
        (
            "azcli-1.json",
            "dev.azure.com did not accept the credential (401)",
        ),
        (
            "azcli-2.json",
            "dev.azure.com rejected the request (400, TF400497)",
        ),
        ("azcli-3.json", "the organization is stopped (TF24668)"),
        (
            "azcli-4.json",
            "dev.azure.com does not show what was asked for (TF200016)",
        ),
        (
            "azcli-5.json",
            "dev.azure.com does not show what was asked for",
        ),
    ];
    for (file, sentence) in expected {
        let Ok(text) = std::fs::read(format!("{folder}/{file}")) else {
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("skipped: no recordings beside this checkout");
            }
            return;
        };
        let Response {
            status,
            headers,
            body,
            body_text,
        } = serde_json::from_slice::<Recording>(&text).unwrap().response;
        let content_type = headers.get("content-type").map_or("", |values| &values[0]);
        let body = body_text
            .or(body.map(|body| body.get().to_owned()))
            .unwrap_or_default();
        let (seen, _) = outcome(answer(status, content_type, NO_HEADERS, &body));
        assert_eq!(seen, sentence, "{file}");
    }
}
