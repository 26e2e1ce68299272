//! The sample events of `events/`.

use std::{fs, path::Path};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Everything of a function's that is Rust, as one text.
fn sources(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

/// A test that names a sample reads it, and fails if it cannot. Whether it is a test of the right function shows in `.ci/deployed`,
/// where the function gets it by what the template connects.
#[test]
fn every_sample_event_is_read_by_a_test_of_a_function() {
    let functions = sources(&Path::new(ROOT).join("functions"));
    // The jobs are read as many as there are.
    let all_jobs = functions.contains(r#".filter(|name| name.starts_with("fetch-"))"#);
    let mut names: Vec<String> = fs::read_dir(Path::new(ROOT).join("events"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| {
        let is_named = [format!("\"{name}\""), format!("events/{name}\"")]
            .iter()
            .any(|quoted| functions.contains(quoted));
        !(is_named || all_jobs && name.starts_with("fetch-"))
    });
    assert_eq!(names, Vec::<String>::new(), "nobody reads these");
}
