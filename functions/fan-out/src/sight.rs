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
    let prefix = format!("{}#", after.organization.id);
    let control = &context.control;
    let (mut started, mut ended) = (0, 0);
    for integration in control
        .integrations(&message.tenant, message.connection)
        .await?
    {
        for stream in control.streams(integration.id).await? {
            let (resource, scope) = stream.parts();
            let (Some(resource), Some(scope)) = (resources::find(resource), scope.parse().ok())
            else {
                continue;
            };
            if !stream.name.starts_with(&prefix) {
                continue;
            }
            match sight.change_of(resource, &scope) {
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
