//! The five ways in which Azure DevOps continues a list.
//!
//! Each has its own sign for the end, and taking one for the other loses data without an error: an empty page with a
//! token is not the end, a short page is the end only where the page size is known, a last batch still has a token.

mod page;

use serde::{Deserialize, Serialize};

pub(crate) use self::page::parse_json;
pub use self::page::{Page, parse_page};
use crate::{Body, Error, Request};

/// How a list continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// One answer holds everything.
    None,
    /// A token in the header `x-ms-continuationtoken`, sent back as `continuationToken`. Only the header's absence is
    /// the end; a page may be empty and still not be the last:
    /// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>.
    HeaderToken,
    /// How many, and from which on:
    /// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests>.
    ///
    /// The service may serve fewer than asked without saying so, and then a short page is not the end. So an empty page
    /// is the end, and so is one that is shorter than a page is known to be: than an earlier page of this pass, or than
    /// `top` where `served` promises that much. Without the promise a list that fits into one page costs a second
    /// request, which is the price of losing nothing.
    SkipTop {
        /// Items asked for.
        top: u32,
        /// The parameter for `top`, such as `$top`.
        top_param: &'static str,
        /// The parameter for the items to skip, such as `$skip`.
        skip_param: &'static str,
        /// The largest page that Microsoft documents to be served in full: the maximum where one is documented, else the
        /// page that is served when none is asked for; `None` where no page says so.
        served: Option<u32>,
    },
    /// `continuationToken` and `isLastBatch` in the body. The token of the last batch is what the next pass begins with
    /// ([`Page::token`]):
    /// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-revisions/read-reporting-revisions-get>.
    BodyToken,
    /// `@odata.nextLink` in the body:
    /// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
    NextLink,
}

/// Where in a list a pass is. Stored in cursors, so its serialized form must stay readable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// At the beginning.
    #[default]
    Start,
    /// Behind the page that gave this token.
    Token(String),
    /// Behind this many items.
    Skip {
        /// Items seen.
        items: u32,
        /// The longest page seen.
        longest: u32,
    },
    /// At this address; only its query is used.
    Link(String),
}

/// The query parameter that carries a token back.
const TOKEN: &str = "continuationToken";

impl Paging {
    /// [`Paging::SkipTop`] under the usual names, `$top` and `$skip`, with nothing known about the pages served.
    pub const fn skip_top(top: u32) -> Self {
        Self::SkipTop {
            top,
            top_param: "$top",
            skip_param: "$skip",
            served: None,
        }
    }

    /// The same way to continue, once a page of this list held so many items: a shorter one is then the last.
    pub fn having_served(mut self, items: usize) -> Self {
        if let Self::SkipTop { served, .. } = &mut self {
            *served = (*served).max(u32::try_from(items).ok());
        }
        self
    }

    /// Makes a request ask for the page at a position. A position of another style leaves the request at the start.
    pub fn apply(&self, position: &Position, request: &mut Request) {
        match (self, position) {
            (Self::HeaderToken, Position::Token(token)) => request.set_query(TOKEN, token),
            (Self::BodyToken, Position::Token(token)) => {
                // The service refuses both together: the time is for the first request only.
                request.remove_query("startDateTime");
                request.set_query(TOKEN, token);
            }
            (
                Self::SkipTop {
                    top,
                    top_param,
                    skip_param,
                    ..
                },
                position,
            ) => {
                request.set_query(top_param, top.to_string());
                if let Position::Skip { items, .. } = position {
                    request.set_query(skip_param, items.to_string());
                }
            }
            (Self::NextLink, Position::Link(link)) => request.link = Some(link.clone()),
            (Self::None | Self::HeaderToken | Self::BodyToken | Self::NextLink, _) => {}
        }
    }

    /// Where the list continues behind this page; `None` at its end.
    ///
    /// # Errors
    /// [`Error::TokenRepeats`] if the service says to ask the same again, and [`Error::NotAPage`] if it says that there
    /// is more without saying where.
    pub fn next(
        &self,
        position: &Position,
        page: &Page<'_>,
        body: &Body,
    ) -> Result<Option<Position>, Error> {
        let next = match self {
            Self::None => None,
            Self::HeaderToken => body.continuation.clone().map(Position::Token),
            Self::SkipTop { top, served, .. } => after_page(position, page, *top, *served),
            Self::BodyToken => after_batch(page)?,
            Self::NextLink => page.next_link.clone().map(Position::Link),
        };
        match next {
            Some(next) if next == *position => Err(Error::TokenRepeats),
            next => Ok(next),
        }
    }
}

fn after_page(
    position: &Position,
    page: &Page<'_>,
    top: u32,
    served: Option<u32>,
) -> Option<Position> {
    let (seen, longest) = match position {
        Position::Skip { items, longest } => (*items, *longest),
        Position::Start | Position::Token(_) | Position::Link(_) => (0, 0),
    };
    let length = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    let known = longest.max(served.unwrap_or(0)).min(top);
    if length == 0 || length < known {
        return None;
    }
    Some(Position::Skip {
        items: seen.saturating_add(length),
        longest: longest.max(length),
    })
}

fn after_batch(page: &Page<'_>) -> Result<Option<Position>, Error> {
    match (page.is_last_batch, &page.token) {
        (Some(true), _) | (None, None) => Ok(None),
        (Some(false) | None, Some(token)) => Ok(Some(Position::Token(token.clone()))),
        (Some(false), None) => Err(Error::NotAPage {
            expected: TOKEN.to_owned(),
            problem: "it is absent although this is not the last batch".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn request() -> Request {
        Request::get(&"fabrikam".parse().unwrap(), "_apis/x").query("api-version", "7.1")
    }

    fn sent<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
        request
            .query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn body(bytes: impl Into<Bytes>, continuation: Option<&str>) -> Body {
        Body {
            bytes: bytes.into(),
            continuation: continuation.map(str::to_owned),
        }
    }

    fn next(paging: Paging, position: &Position, body: &Body) -> Result<Option<Position>, Error> {
        paging.next(position, &parse_page(&body.bytes, "value")?, body)
    }

    fn token(text: &str) -> Position {
        Position::Token(text.to_owned())
    }

    #[test]
    fn a_single_answer_has_no_next_page_whatever_it_says() {
        let body = body(
            r#"{"value":[1],"nextLink":"x","continuationToken":"y"}"#,
            Some("t"),
        );
        assert_eq!(next(Paging::None, &Position::Start, &body).unwrap(), None);
    }

    #[test]
    fn an_empty_page_with_a_token_is_not_the_end() {
        let empty = body(r#"{"value":[]}"#, Some("t"));
        assert_eq!(
            next(Paging::HeaderToken, &Position::Start, &empty).unwrap(),
            Some(token("t"))
        );
        let full = body(r#"{"value":[1,2,3]}"#, None);
        assert_eq!(next(Paging::HeaderToken, &token("t"), &full).unwrap(), None);
    }

    #[test]
    fn a_list_that_repeats_its_token_is_an_error_and_not_a_loop() {
        let page = body(
            r#"{"value":[1],"continuationToken":"t","@odata.nextLink":"t"}"#,
            Some("t"),
        );
        let link = Position::Link("t".to_owned());
        for (paging, position) in [
            (Paging::HeaderToken, token("t")),
            (Paging::BodyToken, token("t")),
            (Paging::NextLink, link),
        ] {
            assert!(
                matches!(next(paging, &position, &page), Err(Error::TokenRepeats)),
                "{paging:?}"
            );
        }
    }

    #[test]
    fn the_last_batch_ends_the_pass_and_keeps_its_token() {
        let bytes = r#"{"value":[],"continuationToken":"9;1;1","isLastBatch":true}"#;
        let page = parse_page(bytes.as_bytes(), "value").unwrap();
        assert_eq!(page.token.as_deref(), Some("9;1;1"));
        let last = body(bytes, None);
        assert_eq!(
            next(Paging::BodyToken, &token("9;1;1"), &last).unwrap(),
            None
        );
        assert_eq!(
            next(Paging::BodyToken, &Position::Start, &last).unwrap(),
            None
        );
    }

    #[test]
    fn an_empty_batch_that_is_not_the_last_goes_on() {
        let more = body(
            r#"{"value":[],"continuationToken":"8","isLastBatch":false}"#,
            None,
        );
        assert_eq!(
            next(Paging::BodyToken, &token("7"), &more).unwrap(),
            Some(token("8"))
        );
        let lost = body(r#"{"value":[1],"isLastBatch":false}"#, None);
        let error = next(Paging::BodyToken, &token("7"), &lost);
        assert!(matches!(error, Err(Error::NotAPage { .. })));
    }

    #[test]
    fn a_token_replaces_the_start_time_of_a_reporting_list() {
        let mut request = request().query("startDateTime", "2026-01-01T00:00:00Z");
        Paging::BodyToken.apply(&Position::Start, &mut request);
        assert!(sent(&request, "startDateTime").is_some());
        Paging::BodyToken.apply(&token("8"), &mut request);
        assert_eq!(sent(&request, "startDateTime"), None);
        assert_eq!(sent(&request, "continuationToken"), Some("8"));
        assert_eq!(sent(&request, "api-version"), Some("7.1"));
    }

    #[test]
    fn applying_twice_leaves_one_of_each_parameter() {
        let mut request = request();
        let paging = Paging::skip_top(10);
        paging.apply(&Position::Start, &mut request);
        assert_eq!(sent(&request, "$skip"), None);
        paging.apply(
            &Position::Skip {
                items: 10,
                longest: 10,
            },
            &mut request,
        );
        paging.apply(
            &Position::Skip {
                items: 20,
                longest: 10,
            },
            &mut request,
        );
        let names: Vec<_> = request
            .query
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["api-version", "$top", "$skip"]);
        assert_eq!(sent(&request, "$skip"), Some("20"));
    }

    #[test]
    fn a_link_is_handed_over_to_be_checked() {
        let page = body(
            r#"{"value":[],"@odata.nextLink":"https://x/?$skiptoken=1"}"#,
            None,
        );
        let position = next(Paging::NextLink, &Position::Start, &page)
            .unwrap()
            .unwrap();
        let mut request = request();
        Paging::NextLink.apply(&position, &mut request);
        assert_eq!(request.link.as_deref(), Some("https://x/?$skiptoken=1"));
    }

    #[test]
    fn a_promised_page_size_saves_the_second_request() {
        let page = body(r#"{"value":[1,2,3]}"#, None);
        let promised = Paging::SkipTop {
            top: 100,
            top_param: "top",
            skip_param: "skip",
            served: Some(50),
        };
        assert_eq!(next(promised, &Position::Start, &page).unwrap(), None);
        let unknown = next(Paging::skip_top(100), &Position::Start, &page).unwrap();
        assert_eq!(
            unknown,
            Some(Position::Skip {
                items: 3,
                longest: 3
            })
        );
    }

    #[test]
    fn positions_are_stored_as_they_always_were() {
        let stored = [
            (Position::Start, r#""start""#),
            (token("813;350;1"), r#"{"token":"813;350;1"}"#),
            (
                Position::Skip {
                    items: 7,
                    longest: 5,
                },
                r#"{"skip":{"items":7,"longest":5}}"#,
            ),
            (
                Position::Link("https://x".to_owned()),
                r#"{"link":"https://x"}"#,
            ),
        ];
        for (position, json) in stored {
            assert_eq!(serde_json::to_string(&position).unwrap(), json);
            assert_eq!(serde_json::from_str::<Position>(json).unwrap(), position);
        }
    }

    /// A list of `0..length` as the service would serve it, with the smaller of what is asked and what it allows.
    struct List {
        length: u32,
        cap: u32,
        /// Whether a page may be empty before the end, as it is where the service filters late.
        holes: bool,
    }

    impl List {
        fn serve(&self, request: &Request) -> Body {
            let number = |name| sent(request, name).and_then(|text| text.parse::<u32>().ok());
            let start = number("$skip")
                .or(number(TOKEN))
                .unwrap_or(0)
                .min(self.length);
            let end = (start + number("$top").unwrap_or(u32::MAX).min(self.cap)).min(self.length);
            let hole = self.holes && start % 3 == 2;
            let items: Vec<_> = (start..end)
                .filter(|_| !hole)
                .map(|i| i.to_string())
                .collect();
            let continuation = (end < self.length).then(|| end.to_string());
            body(
                format!(r#"{{"value":[{}]}}"#, items.join(",")),
                continuation.as_deref(),
            )
        }

        /// Every item that a client sees, and how many requests it took.
        fn read(&self, paging: Paging) -> (Vec<u32>, u32) {
            let (mut seen, mut position) = (Vec::new(), Some(Position::Start));
            let mut requests = 0;
            while let Some(here) = position {
                let mut request = request();
                paging.apply(&here, &mut request);
                let body = self.serve(&request);
                let page = parse_page(&body.bytes, "value").unwrap();
                seen.extend(
                    page.items
                        .iter()
                        .map(|item| item.get().parse::<u32>().unwrap()),
                );
                position = paging.next(&here, &page, &body).unwrap();
                requests += 1;
                assert!(requests <= self.length + 2, "the list does not end");
            }
            (seen, requests)
        }
    }

    proptest! {
        #[test]
        fn any_page_size_and_any_cap_give_every_item_once(
            length in 0u32..300, top in 1u32..120, cap in 1u32..120,
        ) {
            let (seen, requests) = List { length, cap, holes: false }.read(Paging::skip_top(top));
            prop_assert_eq!(seen, (0..length).collect::<Vec<_>>());
            let size = top.min(cap);
            prop_assert!(requests <= length.div_ceil(size) + 1);
        }

        #[test]
        fn a_kept_promise_gives_every_item_once_too(
            length in 0u32..300, top in 1u32..120, cap in 1u32..120,
        ) {
            let paging = Paging::SkipTop {
                top, top_param: "$top", skip_param: "$skip", served: Some(cap),
            };
            let (seen, requests) = List { length, cap, holes: false }.read(paging);
            prop_assert_eq!(seen, (0..length).collect::<Vec<_>>());
            prop_assert_eq!(requests, length / top.min(cap) + 1);
        }

        #[test]
        fn tokens_give_every_item_once_in_as_many_requests_as_pages(
            length in 0u32..300, cap in 1u32..120,
        ) {
            let (seen, requests) = List { length, cap, holes: false }.read(Paging::HeaderToken);
            prop_assert_eq!(seen, (0..length).collect::<Vec<_>>());
            prop_assert_eq!(requests, length.div_ceil(cap).max(1));
        }

        #[test]
        fn pages_that_are_empty_in_the_middle_end_nothing(length in 1u32..300, cap in 1u32..120) {
            let (seen, _) = List { length, cap, holes: true }.read(Paging::HeaderToken);
            let starts = (0..length).step_by(cap as usize).filter(|start| start % 3 != 2);
            let served: Vec<u32> =
                starts.flat_map(|start| start..(start + cap).min(length)).collect();
            prop_assert_eq!(seen, served);
        }
    }
}
