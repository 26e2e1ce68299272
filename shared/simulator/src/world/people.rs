//! Who acts in the organization: people, groups and service accounts.

use uuid::Uuid;

use crate::world::random::Random;

/// An identity, by its position in [`People::all`].
pub(crate) type PersonId = u16;

/// One identity.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) display_name: String,
    /// Mail address of a person, `vstfs:///...` of a group, GUID of a service account.
    pub(crate) unique_name: String,
    pub(crate) kind: PersonKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PersonKind {
    Human,
    Group,
    Service,
}

/// All identities: humans first, then one reviewer group per project, then the service accounts.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pub(crate) all: Vec<Person>,
    humans: u16,
    projects: u16,
}

const FIRST: [&str; 20] = [
    "Jamal",
    "Normal",
    "Christie",
    "Johnnie",
    "Chuck",
    "Francis",
    "Raisa",
    "Dominique",
    "Helena",
    "Omar",
    "Małgorzata",
    "Søren",
    "Nguyễn",
    "Zoë",
    "Aiko",
    "Björn",
    "Carla",
    "Dimitri",
    "Esi",
    "Farid",
];
const LAST: [&str; 20] = [
    "Hartnett",
    "Paulk",
    "Church",
    "McLeod",
    "Reinhart",
    "Totten",
    "Pokrovskaya",
    "Dubois",
    "Petersen",
    "Haddad",
    "Nowak",
    "Ødegård",
    "Trần",
    "O'Brien",
    "Tanaka",
    "Åkesson",
    "Ruiz",
    "Ivanov",
    "Mensah",
    "Karimi",
];

impl People {
    pub(crate) fn new(namespace: Uuid, seed: u64, humans: u16, projects: &[String]) -> Self {
        let mut random = Random::stream(&[seed, 0x70]);
        let mut all: Vec<Person> = (0..humans)
            .map(|n| human(namespace, n, &mut random))
            .collect();
        all.extend(projects.iter().map(|project| group(namespace, project)));
        for name in [
            "Project Collection Build Service",
            "Microsoft.VisualStudio.Services.TFS",
        ] {
            all.push(service(namespace, name));
        }
        Self {
            all,
            humans,
            projects: projects.len() as u16,
        }
    }

    pub(crate) fn get(&self, person: PersonId) -> &Person {
        &self.all[usize::from(person)]
    }

    /// Any person.
    pub(crate) fn human(&self, random: &mut Random) -> PersonId {
        random.below(u64::from(self.humans)) as u16
    }

    /// A person out of the team of a project; teams overlap.
    pub(crate) fn member(&self, project: u16, random: &mut Random) -> PersonId {
        let team = self.humans.div_ceil(2).max(1);
        let first = project.wrapping_mul(5) % self.humans;
        (first + random.below(u64::from(team)) as u16) % self.humans
    }

    /// The reviewer group of a project.
    pub(crate) fn reviewers_of(&self, project: u16) -> PersonId {
        self.humans + project
    }

    /// The account that queues runs.
    pub(crate) fn build_service(&self) -> PersonId {
        self.humans + self.projects
    }

    /// The service's own account.
    pub(crate) fn system(&self) -> PersonId {
        self.build_service() + 1
    }
}

fn human(namespace: Uuid, n: u16, random: &mut Random) -> Person {
    let first = FIRST[usize::from(n) % FIRST.len()];
    let last = LAST[(usize::from(n) + random.index(2) + usize::from(n) / FIRST.len()) % LAST.len()];
    Person {
        id: Uuid::new_v5(&namespace, format!("person/{n}").as_bytes()),
        display_name: format!("{first} {last}"),
        unique_name: format!("person{n}@fabrikam.example"),
        kind: PersonKind::Human,
    }
}

fn group(namespace: Uuid, project: &str) -> Person {
    let id = Uuid::new_v5(&namespace, format!("group/{project}").as_bytes());
    Person {
        id,
        display_name: format!("[{project}]\\Reviewers"),
        unique_name: format!("vstfs:///Classification/TeamProject/{id}\\Reviewers"),
        kind: PersonKind::Group,
    }
}

fn service(namespace: Uuid, name: &str) -> Person {
    let id = Uuid::new_v5(&namespace, format!("service/{name}").as_bytes());
    Person {
        id,
        display_name: name.to_owned(),
        unique_name: id.to_string(),
        kind: PersonKind::Service,
    }
}
