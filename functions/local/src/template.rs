//! `template.yaml` as the local runner understands it.
//!
//! What the template does not declare does not exist locally. Only what the embedded services need is evaluated, but
//! every reference is checked, so that a misspelt name is found here and not by the first deployment.

mod check;
mod functions;
mod intrinsics;
mod parameters;
mod place;
mod resources;
mod roles;
mod syntax;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use self::intrinsics::Resolver;
pub use self::intrinsics::Surroundings;
use self::place::Place;

/// Why a template cannot be used; each message is one sentence that names the place.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read the template {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("{path} is not valid YAML: {source}")]
    Yaml {
        /// The file.
        path: String,
        /// What the parser said, with line and column.
        source: yaml_serde::Error,
    },
    /// A resource or property is wrong.
    #[error("template: {place}: {problem}")]
    Invalid {
        /// Resource and property.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl TemplateError {
    fn invalid(place: &str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            place: place.to_owned(),
            problem: problem.into(),
        }
    }
}

/// A parsed template whose references are not yet resolved.
#[derive(Clone, Debug)]
pub struct Document {
    root: Value,
}

/// Everything that a template declares and the embedded services provide.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// The SQS queues.
    pub queues: Vec<Queue>,
    /// The Lambda functions by logical id.
    pub functions: BTreeMap<String, Function>,
    /// The HTTP API's routes.
    pub routes: Vec<Route>,
    /// The HTTP API's JWT authorizers by name.
    pub authorizers: BTreeMap<String, Authorizer>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// Which function reads which queue.
    pub mappings: Vec<QueueMapping>,
}

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its id in the template.
    pub logical_id: String,
    /// Its name in DynamoDB.
    pub name: String,
    /// The `CreateTable` request.
    pub create: Value,
    /// The attribute that holds an item's expiry, if the table has one.
    pub ttl_attribute: Option<String>,
}

/// An SQS queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its id in the template.
    pub logical_id: String,
    /// Its name in SQS.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// How long a received message stays invisible.
    pub visibility_timeout: Duration,
    /// How long a new message stays invisible.
    pub delay: Duration,
    /// How long a message is kept at all.
    pub retention: Duration,
    /// How long a receive call waits when it does not say so itself.
    pub receive_wait: Duration,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// A queue's redrive policy.
#[derive(Clone, Debug)]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// How often a message may be received before it moves there.
    pub max_receive_count: u32,
}

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its id in the template, which is also its name.
    pub logical_id: String,
    /// Its ARN.
    pub arn: String,
    /// The binary that `Metadata.BuildProperties.Binary` names.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Its memory size, which locally is only told to the function.
    pub memory_mb: u64,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// What its role grants in the services that exist locally; `None` if its role is not the template's.
    pub grants: Option<Vec<Grant>>,
    /// Most environments at a time, if the template limits them.
    pub reserved_concurrency: Option<usize>,
}

/// What a policy allows: an action on what a pattern names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// For example `sqs:SendMessage`.
    pub action: String,
    /// An ARN in which `*` stands for anything.
    pub resource: String,
}

/// What Lambda does with a queue in the name of the function that reads it.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
pub(crate) const POLLING: [&str; 3] = [
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

/// A route of the HTTP API.
#[derive(Clone, Debug)]
pub struct Route {
    /// The function behind it.
    pub function: String,
    /// An HTTP method in capitals, or `ANY`.
    pub method: String,
    /// The path, with `{name}` and `{name+}` for parameters.
    pub path: String,
    /// The authorizer that guards it; `None` means open to everybody.
    pub authorizer: Option<String>,
}

/// A JWT authorizer of the HTTP API.
#[derive(Clone, Debug)]
pub struct Authorizer {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The accepted values of `aud` or `client_id`.
    pub audience: Vec<String>,
}

/// A schedule that invokes a function.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The function's id followed by the event's id, as SAM names it.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The function that it invokes.
    pub function: String,
    /// Time between two invocations.
    pub every: Duration,
    /// The payload; `None` means EventBridge Scheduler's own event.
    pub input: Option<String>,
}

/// An SQS event source of a function.
#[derive(Clone, Debug)]
pub struct QueueMapping {
    /// The function's id.
    pub function: String,
    /// The queue's name.
    pub queue: String,
    /// Most messages in one invocation.
    pub batch_size: usize,
    /// How long to wait for a batch to fill up.
    pub batching_window: Duration,
    /// Whether the function answers with the ids that failed.
    pub reports_failures: bool,
    /// Most invocations at a time.
    pub max_concurrency: Option<usize>,
}

impl Document {
    /// Reads and parses a template.
    ///
    /// # Errors
    /// The file cannot be read or is not a template.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: name.clone(),
            source,
        })?;
        Self::parse(&name, &text)
    }

    /// Parses a template's text; `name` is for messages.
    ///
    /// # Errors
    /// The text is not a template.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        let root = syntax::parse(name, text)?;
        if !root.is_object() {
            return Err(TemplateError::invalid(
                name,
                "it is not a CloudFormation template",
            ));
        }
        let document = Self { root };
        document.section("Resources")?;
        Ok(document)
    }

    /// Returns the names of the parameters that a JWT authorizer uses as its issuer.
    ///
    /// Locally there is an issuer of our own, whose address only the runner knows.
    #[must_use]
    pub fn issuer_parameters(&self) -> Vec<String> {
        self.jwt_parameters("/JwtConfiguration/issuer/Ref")
    }

    /// Returns whether there is a parameter of this name.
    #[must_use]
    pub fn declares(&self, parameter: &str) -> bool {
        let parameters = self.root.get("Parameters");
        parameters.is_some_and(|parameters| parameters.get(parameter).is_some())
    }

    /// Returns the names of the parameters that a JWT authorizer uses as its first audience.
    #[must_use]
    pub fn audience_parameters(&self) -> Vec<String> {
        self.jwt_parameters("/JwtConfiguration/audience/0/Ref")
    }

    fn jwt_parameters(&self, pointer: &str) -> Vec<String> {
        let apis = self
            .root
            .get("Resources")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::values);
        apis.filter_map(|api| api.pointer("/Properties/Auth/Authorizers")?.as_object())
            .flat_map(Map::values)
            .filter_map(|authorizer| authorizer.pointer(pointer)?.as_str())
            .map(str::to_owned)
            .collect()
    }

    /// Returns the properties of all resources of a type as they are written, by logical id: for what does not exist locally.
    #[must_use]
    pub fn properties(&self, kind: &str) -> BTreeMap<&str, &Value> {
        let resources = self.root.get("Resources").and_then(Value::as_object);
        let of_kind = resources
            .into_iter()
            .flatten()
            .filter(|(_, resource)| resource.get("Type").and_then(Value::as_str) == Some(kind));
        of_kind
            .filter_map(|(id, resource)| Some((id.as_str(), resource.get("Properties")?)))
            .collect()
    }

    /// Returns the names of the parameters that have no default.
    #[must_use]
    pub fn required_parameters(&self) -> Vec<String> {
        let parameters = self
            .root
            .get("Parameters")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        parameters
            .filter(|(_, declaration)| declaration.get("Default").is_none())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Resolves every reference and reads what the embedded services provide.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn resolve(&self, surroundings: &Surroundings) -> Result<Template, TemplateError> {
        let (parameters, conditions) = (self.section("Parameters")?, self.section("Conditions")?);
        let resources = self.existing_resources(surroundings, &parameters, &conditions)?;
        let resolver = Resolver::new(surroundings, &parameters, &conditions, &resources)?;
        for (id, resource) in &resources {
            resolver.check_references(&Place::root(id), resource)?;
        }
        let globals = self.section("Globals")?;
        resolver.check_references(&Place::root("Globals"), &Value::Object(globals.clone()))?;
        for (name, output) in self.section("Outputs")? {
            let place = Place::root("Outputs").at(&name);
            let condition = output.get("Condition").and_then(Value::as_str);
            if let Some(condition) = condition
                && !resolver.condition(&place, condition)?
            {
                continue;
            }
            resolver.check_references(&place, &output)?;
        }
        let template = resources::read(&resolver, &globals, &resources)?;
        check::all(&template)?;
        Ok(template)
    }

    fn section(&self, name: &str) -> Result<Map<String, Value>, TemplateError> {
        match self.root.get(name) {
            None if name == "Resources" => Err(TemplateError::invalid(
                name,
                "the template declares no resources",
            )),
            None => Ok(Map::new()),
            Some(Value::Object(section)) => Ok(section.clone()),
            Some(_) => Err(TemplateError::invalid(name, "it must be a mapping")),
        }
    }

    /// Returns the resources whose `Condition` holds.
    fn existing_resources(
        &self,
        surroundings: &Surroundings,
        parameters: &Map<String, Value>,
        conditions: &Map<String, Value>,
    ) -> Result<Map<String, Value>, TemplateError> {
        let mut resources = self.section("Resources")?;
        let none = Map::new();
        let resolver = Resolver::new(surroundings, parameters, conditions, &none)?;
        for (id, resource) in self.section("Resources")? {
            let place = Place::root(&id);
            if resource.get("Type").and_then(Value::as_str).is_none() {
                return Err(place.invalid("Type is missing"));
            }
            if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
                && !resolver.condition(&place, condition)?
            {
                resources.remove(&id);
            }
        }
        Ok(resources)
    }
}

#[cfg(test)]
mod tests;
