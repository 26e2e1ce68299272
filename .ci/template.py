"""Holds the expanded template to what linters do not look at, and each rule to a mutation that it must notice.

Run with the virtual environment of .ci/run. Exits with 1 and says which resource breaks which rule, or which mutation nobody
noticed. A rule takes the template's resources and yields complaints.
"""

import copy
import json
import re
import sys

from expand import TEMPLATE, expand, source

FUNCTION, QUEUE, TABLE, ROLE = "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::IAM::Role"
MAPPING, SCHEDULE, LOGS, STAGE = (
    "AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule", "AWS::Logs::LogGroup", "AWS::ApiGatewayV2::Stage",
)

# AWS has no resource form for these: they are asked for before there is a resource.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
WITHOUT_RESOURCE = {
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
}
# What cannot be brought back by deploying again; the records can, by a synchronization.
KEPT = {"ControlTable", "Key"}
# What anybody may ask for: the console's pages, the API's description, and the way back from a sign-in, which brings its own proof.
OPEN = {"/", "/{path+}", "/api/v1/openapi.json", "/oauth/callback"}
# Everything in an access log that says who asked.
PERSONAL = ["identity", "sourceIp", "userAgent", "authorizer.claims", "authorizer.principalId", "path", "queryString", "domainName"]


def of_type(resources, kind):
    found = {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}
    assert found, f"there is no {kind}"
    return found


def target(value):
    """The logical id that a reference leads to; `None` for no reference."""
    return value.get("Ref") or value.get("Fn::GetAtt", [None])[0]


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(resources):
    """Every statement that gives a principal of the stack something, with where it stands."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])] if resource["Type"] == ROLE else []
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            documents = [properties["PolicyDocument"]]
        for document in documents:
            yield from ((name, statement) for statement in listed(document["Statement"]))


def functions_are_alike(resources):
    for name, function in of_type(resources, FUNCTION).items():
        if function["Runtime"] != "provided.al2023" or function["Handler"] != "bootstrap":
            yield name, "is not a bootstrap on provided.al2023"
        if function["Architectures"] != [{"Ref": "Architecture"}]:
            yield name, "does not have the architecture of the stack"
        if function["Environment"]["Variables"].get("STACK_NAME") != {"Ref": "AWS::StackName"}:
            yield name, "does not know in whose name it measures"
        logging = function["LoggingConfig"]
        if logging["LogFormat"] != "JSON" or logging["LogGroup"] != {"Ref": "Logs"}:
            yield name, "does not log JSON into the stack's group"
        if not 128 <= function["MemorySize"] <= 1769:
            yield name, "has more memory than one processor needs, or none"
        if "ReservedConcurrentExecutions" in function:
            yield name, "takes concurrency from the account's other functions"


def http_functions_answer_in_time(resources):
    body = str(of_type(resources, "AWS::ApiGatewayV2::Api"))
    for name, function in of_type(resources, FUNCTION).items():
        if f"{name}.Arn" in body and function["Timeout"] >= 30:
            yield name, "answers after the API has given up"


def messages_outlive_failures(resources):
    queues, functions = of_type(resources, QUEUE), of_type(resources, FUNCTION)
    dead = {target(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in queues.values() if "RedrivePolicy" in queue}
    for name, queue in queues.items():
        if not queue.get("SqsManagedSseEnabled"):
            yield name, "is not encrypted"
        if name in dead:
            if queue["MessageRetentionPeriod"] != 1209600:
                yield name, "does not keep dead letters for 14 days"
            continue
        policy = queue.get("RedrivePolicy", {})
        if policy.get("maxReceiveCount") != 5:
            yield name, "has no dead-letter queue, or not after five receives"
        longest = max(queues[letter]["MessageRetentionPeriod"] for letter in dead)
        if queue["MessageRetentionPeriod"] >= longest:
            yield name, "keeps messages as long as its dead-letter queue"
    for name, mapping in of_type(resources, MAPPING).items():
        queue, function = target(mapping["EventSourceArn"]), target(mapping["FunctionName"])
        least = 6 * functions[function]["Timeout"] + mapping.get("MaximumBatchingWindowInSeconds", 0)
        if queues[queue]["VisibilityTimeout"] < least:
            yield name, f"{queue} shows messages again before six timeouts of {function}"
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield name, "does not report which messages failed"
        if not 2 <= mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0) <= 10:
            yield name, "has no limit of concurrency"


def schedules_can_be_read(resources):
    for name, schedule in of_type(resources, SCHEDULE).items():
        expression = schedule["ScheduleExpression"]
        found = re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression)
        # One minute, two minutes: EventBridge refuses the other way round.
        if not found or int(found[1]) == 0 or (int(found[1]) == 1) == bool(found[3]):
            yield name, f"has the schedule {expression}"
        if "Name" in schedule:
            yield name, "has a name that a second stack would collide with"
        if schedule["FlexibleTimeWindow"].get("Mode") != "FLEXIBLE":
            yield name, "has no flexible window"
        work = schedule["Target"]
        if not work.get("DeadLetterConfig") or not 1 <= work.get("RetryPolicy", {}).get("MaximumRetryAttempts", 0) <= 5:
            yield name, "is not tried again, or has no dead-letter queue"


def data_is_kept_and_expires(resources):
    for name, table in of_type(resources, TABLE).items():
        if table.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
            yield name, "does not expire"
        if table["BillingMode"] != "PAY_PER_REQUEST":
            yield name, "is not on demand"
        encryption = table["SSESpecification"]
        if encryption.get("SSEType") != "KMS" or target(encryption.get("KMSMasterKeyId", {})) != "Key":
            yield name, "is not encrypted with the stack's key"
    control = of_type(resources, TABLE)["ControlTable"]
    if not control.get("DeletionProtectionEnabled"):
        yield "ControlTable", "can be deleted"
    if not control.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        yield "ControlTable", "cannot be brought back"
    for name, resource in resources.items():
        policies = {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")}
        if resource["Type"] in (TABLE, QUEUE, LOGS, "AWS::KMS::Key") and policies != {"Retain" if name in KEPT else "Delete"}:
            yield name, f"does not say what becomes of it: {policies}"
    if not of_type(resources, "AWS::KMS::Key")["Key"].get("EnableKeyRotation"):
        yield "Key", "does not rotate"


def roles_reach_what_they_name(resources):
    used = {}
    for name, function in of_type(resources, FUNCTION).items():
        used.setdefault(target(function["Role"]), []).append(name)
    keyed = {name: role.get("ManagedPolicyArns", []) for name, role in of_type(resources, ROLE).items()}
    for name, policies in keyed.items():
        for policy in policies:
            if "Ref" not in policy and "Fn::If" not in policy:
                yield name, f"has a policy that is not the template's: {policy}"
        if name in used and {"Ref": "WriteLogs"} not in policies:
            yield name, "cannot write logs"
    for name, statement in statements(resources):
        text = str(statement)
        if statement["Effect"] != "Allow":
            continue
        # A customer's key has to be allowed beside what it encrypts; no emulator notices when it is not.
        needs_key = "dynamodb:" in text or "secretsmanager:" in text
        if needs_key and {"Ref": "UseKey"} not in keyed[name]:
            yield name, "reaches what is encrypted and not the key"
        for action in listed(statement["Action"]):
            if "*" in action:
                yield name, f"may do {action}"
        for resource in listed(statement["Resource"]):
            if resource == "*" and not set(listed(statement["Action"])) <= WITHOUT_RESOURCE:
                yield name, f"may do {statement['Action']} to everything"
            # What a Sub ends in may be open behind the stack's own prefix only.
            written = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
            if "*" in written.replace("${AWS::StackName}/*", "").removesuffix("-*") and resource != "*":
                yield name, f"reaches {written}"


def the_api_is_closed(resources):
    api = of_type(resources, "AWS::ApiGatewayV2::Api")["Api"]
    if "CorsConfiguration" in api or "x-amazon-apigateway-cors" in api["Body"]:
        yield "Api", "can be asked by pages of other origins"
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            is_open = operation.get("security") != [{"Token": []}]
            if is_open != (path in OPEN):
                yield "Api", f"{method} {path} is {'open' if is_open else 'closed'}"
    for name, stage in of_type(resources, STAGE).items():
        throttled = stage.get("DefaultRouteSettings", {})
        if not (throttled.get("ThrottlingRateLimit") and throttled.get("ThrottlingBurstLimit")):
            yield name, "has no limit of requests"
        routes = {f"{method.upper()} {path}" for path, methods in api["Body"]["paths"].items() for method in methods}
        for route in set(stage.get("RouteSettings", {})) - routes:
            yield name, f"limits {route}, which there is not"
        log = stage["AccessLogSettings"]["Format"]
        for personal in PERSONAL:
            if f"$context.{personal}" in log:
                yield name, f"logs {personal}"


def everything_has_a_sample(resources):
    events = [json.loads(path.read_text()) for path in (TEMPLATE.parent / "events").glob("*.json")]
    asked = {event.get("routeKey") for event in events}
    for path, methods in of_type(resources, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["paths"].items():
        for method in methods:
            if f"{method.upper()} {path}" not in asked:
                yield "Api", f"has no sample of {method.upper()} {path} in events/"
    sent = str([record["eventSourceARN"] for event in events for record in event.get("Records", [])])
    for name, mapping in of_type(resources, MAPPING).items():
        if f"-{target(mapping['EventSourceArn'])}-" not in sent:
            yield name, "has no sample of its messages in events/"
    for name, schedule in of_type(resources, SCHEDULE).items():
        if json.loads(schedule["Target"]["Input"]) not in events:
            yield name, "has no sample of what it sends in events/"


def logs_end(resources):
    for name, group in of_type(resources, LOGS).items():
        if group.get("RetentionInDays") != {"Ref": "LogDays"}:
            yield name, "is kept forever"
        if target(group.get("KmsKeyId", {})) != "Key":
            yield name, "is not encrypted with the stack's key"


def alarms_lead_to_a_runbook(resources):
    runbook = (TEMPLATE.parent / "docs" / "operations.md").read_text()
    for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items():
        section = re.match(r"docs/operations\.md#([a-z-]+): ", alarm["AlarmDescription"])
        if not section or f"\n### {section[1].replace('-', ' ')}\n" not in runbook.lower():
            yield name, "has no section in docs/operations.md"
        if "TreatMissingData" not in alarm or "AlarmActions" not in alarm:
            yield name, "does not say what no data means, or tells nobody"
        periods = alarm["EvaluationPeriods"]
        if not 1 <= alarm.get("DatapointsToAlarm", periods) <= periods:
            yield name, "waits for more than it looks at"
        # Over more CloudWatch takes no alarm, unless its periods are of an hour; one over several metrics has them there.
        if periods * alarm.get("Period", 0) > 86400:
            yield name, "looks back over more than a day"
        stats = [metric["MetricStat"]["Metric"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
        for metric in stats or [alarm]:
            for dimension in metric["Dimensions"]:
                # The functions' own metrics are the stack's; `STACK_NAME` says which that is.
                if metric["Namespace"] == "ado-lens" and dimension == {"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}:
                    continue
                if not isinstance(dimension["Value"], dict) or target(dimension["Value"]) not in resources:
                    yield name, f"looks at {dimension['Value']}, which the template does not have"


RULES = [
    functions_are_alike, http_functions_answer_in_time, messages_outlive_failures, schedules_can_be_read,
    data_is_kept_and_expires, roles_reach_what_they_name, the_api_is_closed, everything_has_a_sample, logs_end,
    alarms_lead_to_a_runbook,
]


def complaints(template):
    return [f"{name} {problem}" for rule in RULES for name, problem in rule(template["Resources"])]


def put(place, value):
    """A change of one property; the value `None` takes it away."""

    def change(resources):
        *parents, last = place.split(".")
        found = resources
        for parent in parents:
            found = found[int(parent) if isinstance(found, list) else parent]
        last = int(last) if isinstance(found, list) else last
        assert value is not None or last in found, f"{place} is not there"
        if value is None:
            del found[last]
        else:
            found[last] = value

    return place, change


def grant(role, statement):
    return f"{role} {statement}", lambda resources: resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow"} | statement
    )


def other_queue(mapping, queue):
    def change(resources):
        resources["OtherQueue"] = resources[queue]
        resources[mapping]["Properties"]["EventSourceArn"] = {"Fn::GetAtt": ["OtherQueue", "Arn"]}

    return f"{mapping} reads another queue", change


MUTATIONS = [
    put("FetchRepos.Properties.Runtime", "provided.al2"),
    put("FetchRepos.Properties.Handler", "main"),
    put("Console.Properties.Architectures", ["arm64"]),
    put("Console.Properties.LoggingConfig.LogFormat", "Text"),
    put("Console.Properties.LoggingConfig.LogGroup", "/other"),
    put("Insights.Properties.MemorySize", 10240),
    put("Insights.Properties.ReservedConcurrentExecutions", 5),
    put("Insights.Properties.Timeout", 30),
    put("BoardsQueue.Properties.VisibilityTimeout", 1799),
    put("FetchTfvc.Properties.Timeout", 301),
    put("ReposQueue.Properties.SqsManagedSseEnabled", None),
    put("ReposQueue.Properties.RedrivePolicy", None),
    put("TfvcQueue.Properties.RedrivePolicy.maxReceiveCount", 1),
    put("TfvcQueue.Properties.MessageRetentionPeriod", 1209600),
    put("DeadLetterQueue.Properties.MessageRetentionPeriod", 345600),
    put("FetchBoardsJobs.Properties.FunctionResponseTypes", None),
    put("FetchBoardsJobs.Properties.ScalingConfig", None),
    put("FanOutTick.Properties.ScheduleExpression", "rate(1 minutes)"),
    put("FanOutTick.Properties.ScheduleExpression", "rate(5 minute)"),
    put("FanOutTick.Properties.ScheduleExpression", "cron(5 minutes)"),
    put("FanOutTick.Properties.Name", "tick"),
    put("FanOutTick.Properties.FlexibleTimeWindow", {"Mode": "OFF"}),
    put("FanOutTick.Properties.Target.RetryPolicy", None),
    put("FanOutTick.Properties.Target.DeadLetterConfig", None),
    put("RecordsTable.Properties.TimeToLiveSpecification", None),
    put("RecordsTable.Properties.TimeToLiveSpecification.AttributeName", "expires"),
    put("RecordsTable.Properties.SSESpecification.KMSMasterKeyId", None),
    put("RecordsTable.Properties.BillingMode", "PROVISIONED"),
    put("RecordsTable.DeletionPolicy", None),
    put("ControlTable.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", False),
    put("ControlTable.Properties.DeletionProtectionEnabled", None),
    put("ControlTable.DeletionPolicy", "Delete"),
    put("Key.UpdateReplacePolicy", None),
    put("Key.Properties.EnableKeyRotation", False),
    put("Logs.Properties.RetentionInDays", None),
    put("ApiLogs.Properties.KmsKeyId", None),
    put("ApiLogs.DeletionPolicy", None),
    put("ConsoleRole.Properties.ManagedPolicyArns", [{"Fn::Sub": "arn:aws:iam::aws:policy/AdministratorAccess"}]),
    put("InsightsRole.Properties.ManagedPolicyArns", [{"Ref": "WriteLogs"}]),
    put("InsightsRole.Properties.ManagedPolicyArns", [{"Ref": "UseKey"}]),
    grant("InsightsRole", {"Action": "dynamodb:*", "Resource": {"Fn::GetAtt": ["ControlTable", "Arn"]}}),
    grant("InsightsRole", {"Action": ["sqs:SendMessage"], "Resource": "*"}),
    grant("InsightsRole", {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:other"}),
    grant("InsightsRole", {"Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/${AWS::StackName}/*"}}),
    put("ApiAlarm.Properties.AlarmDescription", "docs/operations.md#nothing: it fails"),
    put("ApiAlarm.Properties.TreatMissingData", None),
    put("SilenceAlarm.Properties.AlarmActions", None),
    put("RefreshFailuresAlarm.Properties.DatapointsToAlarm", 5),
    put("LagAlarm.Properties.EvaluationPeriods", 300),
    put("TickAlarm.Properties.Dimensions.0.Value", {"Ref": "FanIn"}),
    put("LagAlarm.Properties.Dimensions.0.Value", "ado-lens"),
    put("QuarantinedAlarm.Properties.Dimensions.0.Name", "Tenant"),
    put("FanOut.Properties.Environment.Variables.STACK_NAME", None),
    put("BacklogAlarm.Properties.Metrics.1.MetricStat.Metric.Dimensions.0.Value", "queue"),
    put("Api.Properties.CorsConfiguration", {"AllowOrigins": ["*"]}),
    put("Api.Properties.Body.paths./api/v1/connections.get.security", None),
    put("Api.Properties.Body.paths./.get.security", [{"Token": []}]),
    put("Api.Properties.Body.paths./api/v1/connections.put", {"security": [{"Token": []}]}),
    other_queue("FetchBoardsJobs", "BoardsQueue"),
    put("FanOutTick.Properties.Target.Input", '{"tick":"everything"}'),
    put("ApiApiGatewayDefaultStage.Properties.DefaultRouteSettings", None),
    put("ApiApiGatewayDefaultStage.Properties.RouteSettings.GET /nothing", {"ThrottlingRateLimit": 1}),
    put("ApiApiGatewayDefaultStage.Properties.AccessLogSettings.Format", '{"from":"$context.identity.sourceIp"}'),
]


def main():
    template = expand(source())
    found = complaints(template)
    kept = list(found)
    for name, mutate in MUTATIONS:
        changed = copy.deepcopy(template)
        mutate(changed["Resources"])
        if complaints(changed) == kept:
            found.append(f"nobody noticed the mutation {name}")
    print("\n".join(found) or f"{len(template['Resources'])} resources, {len(MUTATIONS)} mutations noticed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
