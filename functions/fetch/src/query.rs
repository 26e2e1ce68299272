//! Ids of work items by a query, as many as one answer may give.

use ado::{Page, Request, parse_page};
use resources::{
    Resource,
    open_work_items::{IDS, id},
};
use storage::Counts;

use crate::{
    Error,
    pass::Held,
    people::Upstream,
    store::{self, Aside},
};

/// The ids of one answer.
pub(crate) struct Answer {
    /// In ascending order.
    pub(crate) ids: Vec<u64>,
    /// Whether there are no more behind them.
    pub(crate) is_last: bool,
}

/// Asks for the ids behind `last`. What is no id is noted and counted, so that its pass is not called complete.
pub(crate) async fn ids(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    (request, last): (&Request, u64),
) -> Result<Answer, Error> {
    let reply = upstream.send(request).await?;
    let page = parse_page(&reply.body.bytes, LIST)?;
    let (answer, aside) = read(held.resource, &page, last)?;
    if !aside.is_empty() {
        let quarantined = store::note(held.context, &held.delivery.message, aside).await?;
        held.count(Counts {
            quarantined,
            ..Counts::default()
        })
        .await?;
    }
    Ok(answer)
}

/// What the answer calls its list.
const LIST: &str = "workItems";

/// The ids of an answer, and what is none. An answer is full by what it holds, not by what could be read of it.
///
/// # Errors
/// There are more ids, but the answer does not lead to them: to ask again would bring the same answer for ever.
fn read<'a>(
    resource: &Resource,
    page: &Page<'a>,
    last: u64,
) -> Result<(Answer, Aside<'a>), ado::Error> {
    let (mut ids, mut aside) = (Vec::with_capacity(page.items.len()), Vec::new());
    for (index, item) in page.items.iter().enumerate() {
        match id(item) {
            Ok(id) => ids.push(id),
            Err(error) => aside.push(store::set_aside(resource, index, item, &error)),
        }
    }
    ids.sort_unstable();
    let is_last = page.items.len() < IDS;
    if !is_last && ids.last().is_none_or(|highest| *highest <= last) {
        return Err(ado::Error::NotAPage {
            expected: LIST.to_owned(),
            problem: "no id is above the last one".to_owned(),
        });
    }
    Ok((Answer { ids, is_last }, aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with these ids, and as many unreadable ones.
    fn answer(ids: impl Iterator<Item = u64>, unreadable: usize) -> String {
        let ids = ids.map(|id| format!(r#"{{"id":{id}}}"#));
        let others = (0..unreadable).map(|n| format!(r#"{{"id":"{n}?"}}"#));
        let items: Vec<String> = others.chain(ids).collect();
        format!(r#"{{"workItems":[{}]}}"#, items.join(","))
    }

    /// The ids that are read behind `last`, whether they are the last, and how many are set aside.
    fn read_from(body: &str, last: u64) -> Result<(Vec<u64>, bool, usize), ado::Error> {
        let page = parse_page(body.as_bytes(), LIST).unwrap();
        let resource = resources::find("linked_work_items").unwrap();
        let (answer, aside) = read(resource, &page, last)?;
        Ok((answer.ids, answer.is_last, aside.len()))
    }

    #[test]
    fn what_is_no_id_is_set_aside_and_the_others_are_read() {
        let read = read_from(&answer([7, 5].into_iter(), 2), 0);
        assert_eq!(read.unwrap(), (vec![5, 7], true, 2));
    }

    #[test]
    fn a_full_answer_with_an_unreadable_id_is_not_the_last() {
        let full = IDS as u64;
        let (ids, is_last, aside) = read_from(&answer(1..full, 1), 0).unwrap();
        assert_eq!((ids.len(), is_last, aside), (IDS - 1, false, 1));
    }

    #[test]
    fn a_full_answer_that_leads_nowhere_is_refused() {
        let full = IDS as u64;
        assert!(read_from(&answer(1..=full, 0), full - 1).is_ok());
        assert!(read_from(&answer(1..=full, 0), full).is_err());
        assert!(read_from(&answer(1..1, IDS), 0).is_err());
    }
}
