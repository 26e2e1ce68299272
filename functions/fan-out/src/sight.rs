//! Brings streams in line with what may be seen and what is wanted; [`resources::sight`] says why.

use model::{Discovery, FanOut};
use resources::sight::{Change, Sight};

use crate::{Context, Error};

/// Has streams started over or ended, where `after` is read and `before` was.
pub(crate) async fn adjust(
    context: &Context,
    message: &FanOut,
    (before, after): (&Discovery, &Discovery),
) -> Result<(), Error> {
    if is_same(before, after) {
        return Ok(());
    }
    let sight = Sight::new(before, after);
    let control = &context.control;
    let (mut started, mut ended) = (0, 0);
    for integration in control
        .integrations(&message.tenant, message.connection)
        .await?
    {
        for stream in control.streams(integration.id).await? {
            let change = stream.place().map(|place| sight.change_at(place));
            match change.unwrap_or(Change::None) {
                Change::None => {}
                Change::StartsOver => {
                    control.start_over(integration.id, &stream.name).await?;
                    started += 1;
                }
                Change::Ends => {
                    control.forget_stream(integration.id, &stream.name).await?;
                    ended += 1;
                }
            }
        }
    }
    tracing::info!(started, ended, "another part is read");
    Ok(())
}

fn is_same(before: &Discovery, after: &Discovery) -> bool {
    before.projects == after.projects
        && before.repositories == after.repositories
        && before.selection == after.selection
}
