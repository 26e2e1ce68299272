"""Changes the expanded template where the emulator needs it, and deploys it with the functions' programs.

What is changed, and nothing else: programs come from the emulated S3; the API's routes, which SAM writes as OpenAPI and the emulator
does not read, become resources of their own; roles may also do what the emulator asks for and AWS does not; alarms that it does not
know are left out; and the schedule fires each minute, so that a test can wait for it. The emulator ignores that tables expire: that is
switched on afterwards.
"""

import contextlib
import copy
import io
import json
import os
import pathlib
import subprocess
import tempfile
import time
import zipfile

import boto3

from emulated.processes import free_port, listens, request, running, until

STACK, BUCKET, REGION = "lens", "programs", "eu-west-1"
ACCOUNT = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
OPERATIONS = {
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "dynamodb:PartiQLInsert": "dynamodb:BatchExecuteStatement",
    "dynamodb:PartiQLUpdate": "dynamodb:BatchExecuteStatement",
}
# Names its table within its statements only, so the emulator asks for it on "*".
ON_ANYTHING = {"dynamodb:BatchExecuteStatement"}
WORK = ["FanOutQueue", "BoardsQueue", "PipelinesQueue", "ReposQueue", "TfvcQueue"]


@contextlib.contextmanager
def emulator(program, home, log):
    """The emulator on this machine, for the time of a `with`; what it writes comes into `home`. Gives its address."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    # This machine only, and the roles of functions are held to what they grant.
    settings = os.environ | {
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, "AUTH": "true", "TMPDIR": str(home),
    }
    with running([program], env=settings, stdout=log, stderr=log, cwd=home):
        until("the emulator", lambda: listens(port), 60)
        try:
            yield endpoint
        finally:
            # It leaves the functions' processes behind otherwise.
            request(f"{endpoint}/_ministack/reset", method="POST")


def emulable(template):
    """The expanded template as the emulator can deploy it."""
    resources = template["Resources"]
    for name, found in list(resources.items()):
        properties = found.get("Properties", {})
        # The emulator knows no alarms over several metrics.
        if found["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
            del resources[name]
        if found["Type"] == "AWS::Lambda::Function":
            properties["Code"] = {"S3Bucket": BUCKET, "S3Key": f"{binary_of(found)}.zip"}
        if found["Type"] == "AWS::Scheduler::Schedule":
            properties["ScheduleExpression"] = "rate(1 minute)"
        if found["Type"] == "AWS::ApiGatewayV2::Api":
            resources.update(routes(name, properties))
        for policy in properties.get("Policies", []):
            statements = policy["PolicyDocument"]["Statement"]
            statements += [added for statement in statements for added in operations(statement)]
    return template


def operations(statement):
    """AWS asks for the action that an operation on several things is made of, the emulator for the operation."""
    granted = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    for asked in {OPERATIONS[action] for action in granted if action in OPERATIONS}:
        yield statement | {"Action": asked, "Resource": "*" if asked in ON_ANYTHING else statement["Resource"]}


def binary_of(function):
    return function["Metadata"]["BuildProperties"]["Binary"]


def functions(template):
    return {name: found for name, found in template["Resources"].items() if found["Type"] == "AWS::Lambda::Function"}


def routes(api, properties):
    """The routes, integrations and authorizers that an API's OpenAPI document describes."""
    body = properties.pop("Body")
    properties.update(Name=api, ProtocolType="HTTP")
    properties.pop("FailOnWarnings", None)
    made = {}
    schemes = body["components"]["securitySchemes"]
    for scheme, description in schemes.items():
        authorizer = description["x-amazon-apigateway-authorizer"]
        jwt = authorizer["jwtConfiguration"]
        made[f"{api}Auth{scheme}"] = resource(
            "Authorizer", ApiId={"Ref": api}, AuthorizerType="JWT", Name=scheme, IdentitySource=[authorizer["identitySource"]],
            JwtConfiguration={"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
        )
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            name = api + method + "".join(letter for letter in path if letter.isalnum())
            integration = operation["x-amazon-apigateway-integration"]
            made[f"{name}Integration"] = resource(
                "Integration", ApiId={"Ref": api}, IntegrationType="AWS_PROXY", IntegrationUri=integration["uri"],
                PayloadFormatVersion=integration["payloadFormatVersion"],
            )
            target = {"Fn::Sub": f"integrations/${{{name}Integration}}"}
            route = resource("Route", ApiId={"Ref": api}, RouteKey=f"{method.upper()} {path}", Target=target)
            for requirement in operation.get("security", []):
                for scheme in set(requirement) & set(schemes):
                    route["Properties"].update(AuthorizationType="JWT", AuthorizerId={"Ref": f"{api}Auth{scheme}"})
            made[name] = route
    return made


def resource(kind, **properties):
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}


def packed(program):
    """A program as Lambda wants it, without what only a debugger reads."""
    with tempfile.TemporaryDirectory() as directory:
        stripped = pathlib.Path(directory) / "bootstrap"
        subprocess.run(["strip", "-o", stripped, program], check=True)
        packet = io.BytesIO()
        with zipfile.ZipFile(packet, "w", zipfile.ZIP_STORED) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, stripped.read_bytes())
        return packet.getvalue()


class Stack:
    """The deployed stack."""

    def __init__(self, endpoint, template, programs, parameters):
        self.endpoint = endpoint
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for binary in {binary_of(function) for function in functions(template).values()}:
            s3.put_object(Bucket=BUCKET, Key=f"{binary}.zip", Body=packed(pathlib.Path(programs) / binary))
        s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(emulable(copy.deepcopy(template))))
        formation = self.client("cloudformation")
        formation.create_stack(
            StackName=STACK, TemplateURL=f"{endpoint}/{BUCKET}/template.json", Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        formation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        found = formation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
        for table in ("ControlTable", "RecordsTable"):
            expiry = {"Enabled": True, "AttributeName": "expires_at"}
            self.client("dynamodb").update_time_to_live(TableName=self.names[table], TimeToLiveSpecification=expiry)
        self.url = f"{endpoint}/_aws/execute-api/{self.names['Api']}/$default"

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, **ACCOUNT)

    def send(self, queue, message):
        self.client("sqs").send_message(QueueUrl=self.names[queue], MessageBody=message)

    def show_again_after(self, queue, seconds):
        """Has a queue show a message that failed again after this time."""
        self.client("sqs").set_queue_attributes(QueueUrl=self.names[queue], Attributes={"VisibilityTimeout": str(seconds)})

    def dead(self, message):
        """The dead letter with this text, if there is one."""
        received = self.client("sqs").receive_message(
            QueueUrl=self.names["DeadLetterQueue"], AttributeNames=["All"], MessageAttributeNames=["All"], MaxNumberOfMessages=10,
            VisibilityTimeout=0,
        )
        return next((letter for letter in received.get("Messages", []) if letter["Body"] == message), None)

    def waiting(self):
        """How many messages the work queues hold, those under way included."""
        sqs, total = self.client("sqs"), 0
        for name in WORK:
            counts = sqs.get_queue_attributes(QueueUrl=self.names[name], AttributeNames=["All"])["Attributes"]
            total += sum(int(value) for key, value in counts.items() if key.startswith("ApproximateNumberOfMessages"))
        return total

    @contextlib.contextmanager
    def without(self, role, policy):
        """Takes a policy from a role for the time of a `with`."""
        iam, name = self.client("iam"), self.names[role]
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
        try:
            yield
        finally:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))

    def environment(self, function):
        configuration = self.client("lambda").get_function_configuration(FunctionName=self.names[function])
        return configuration["Environment"]["Variables"]

    def items(self, table):
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.names[table])
        return [item for page in pages for item in page["Items"]]

    def logs(self, pattern="", seconds=3600):
        """What the functions wrote in the last seconds, line by line."""
        since = int((time.time() - seconds) * 1000)
        written = self.client("logs").filter_log_events(logGroupName=f"/{STACK}/functions", filterPattern=pattern, startTime=since)
        return [event["message"].rstrip() for event in written["events"]]
