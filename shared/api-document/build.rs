//! Puts the files below `document/` together into one JSON text.

use std::{env, error::Error, fs, path::PathBuf};

use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("document");
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>()?;
    files.sort();
    let mut document = Map::new();
    for file in files {
        let name = file.display();
        let text = fs::read_to_string(&file)?;
        let part: Map<String, Value> =
            yaml_serde::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        // The document, its sections, and the sections of its components.
        join(&mut document, part, 3).map_err(|twice| format!("{name}: {twice} is there twice"))?;
    }
    let json = serde_json::to_string(&document)?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("openapi.json"),
        json,
    )?;
    Ok(())
}

/// Adds a part to a whole, down to so many levels; the error is what both have.
fn join(
    whole: &mut Map<String, Value>,
    part: Map<String, Value>,
    levels: u32,
) -> Result<(), String> {
    for (name, value) in part {
        match (whole.get_mut(&name), value) {
            (None, value) => {
                whole.insert(name, value);
            }
            (Some(Value::Object(own)), Value::Object(other)) if levels > 1 => {
                join(own, other, levels - 1)?;
            }
            (Some(_), _) => return Err(name),
        }
    }
    Ok(())
}
