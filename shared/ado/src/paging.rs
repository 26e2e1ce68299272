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
        /// The largest page that Microsoft documents to be served in full; `None` where no page says so.
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
