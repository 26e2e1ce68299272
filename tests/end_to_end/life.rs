//! The life of one company with the product, one thing after the other on one deployment: a synchronization is what costs.

use simulator::Config;

use crate::{deployment::Deployment, faults, first_sync, later_passes, second_looks, tokens};

#[tokio::test(flavor = "multi_thread")]
async fn a_company_lives_with_the_product() {
    let deployment = &Deployment::synchronized(Config::default()).await;
    first_sync::everything_is_there(deployment).await;
    first_sync::every_request_is_described(deployment);
    tokens::a_token_is_in_secrets_manager_and_nowhere_else(deployment).await;
    tokens::another_tenant_sees_nothing_and_cannot_tell(deployment).await;
    tokens::roles_decide_what_a_caller_may_do(deployment).await;
    deployment.settle().await;
    later_passes::a_pass_with_nothing_new_asks_for_no_single_thing(deployment).await;
    later_passes::no_news_costs_one_request_for_each_stream(deployment).await;
    faults::what_is_no_list_is_never_an_empty_list(deployment).await;
    later_passes::days_later_exactly_what_has_changed_is_stored(deployment).await;
    first_sync::every_request_is_described(deployment);
    second_looks::a_comment_alone_is_noticed_within_a_day(deployment).await;
    second_looks::a_destroyed_work_item_is_marked_after_two_looks(deployment).await;
    faults::a_dead_token_loses_nothing_and_asks_for_a_person(deployment).await;
}
