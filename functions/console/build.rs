//! Puts the files below `web/` and the API's document into the program: compressed once, files under a path that names
//! their content.
//!
//! Nothing is translated. Style sheets are joined in the order of their names, so that a page asks for one; modules stay
//! as they are, except that the vendored ones are told where the packages lie that they import by name.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use xxhash_rust::xxh3::Xxh3;

/// One file as it is served.
struct Asset {
    /// Below the directory of the assets.
    path: String,
    content: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("web");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", web.display());

    let mut assets = vec![
        styles(&web)?,
        file(&web, "favicon.svg")?,
        file(&web, "vendor/LICENCES.txt")?,
    ];
    let mut modules = modules(&web, "app")?;
    modules.extend(vendored(&web)?);
    let page = fs::read_to_string(web.join("index.html"))?;

    let digest = digest(assets.iter().chain(&modules));
    let page = page
        .replace("{{assets}}", &format!("/assets/{digest}"))
        .replace("<!-- modules -->", &preloads(&modules, &digest));
    assets.extend(modules);

    let mut code = format!("pub(crate) const DIGEST: &str = {digest:?};\n");
    // The page names the files by their digest, but has words of its own.
    let revalidated = [
        ("PAGE", "index.html", page.as_str()),
        ("API_DOCUMENT", "openapi.json", api_document::JSON),
    ];
    for (constant, name, text) in revalidated {
        let own = Asset {
            path: name.into(),
            content: text.into(),
        };
        let etag = format!("\"{}\"", self::digest(std::iter::once(&own)));
        let content = put(&out, name, &own.content)?;
        writeln!(
            code,
            "pub(crate) static {constant}: (&str, Content) = ({etag:?}, {content});"
        )?;
    }
    code.push_str("pub(crate) static ASSETS: &[(&str, Content)] = &[\n");
    for asset in &assets {
        let name = asset.path.replace('/', "~");
        let content = put(&out, &name, &asset.content)?;
        writeln!(code, "    ({:?}, {content}),", asset.path)?;
    }
    code.push_str("];\n");
    fs::write(out.join("assets.rs"), code)?;
    Ok(())
}

/// All style sheets as one.
fn styles(web: &Path) -> Result<Asset, Box<dyn Error>> {
    let mut content = Vec::new();
    for path in listed(&web.join("styles"))? {
        content.extend(fs::read(path)?);
    }
    Ok(Asset {
        path: "console.css".into(),
        content,
    })
}

fn file(web: &Path, path: &str) -> Result<Asset, Box<dyn Error>> {
    Ok(Asset {
        path: path.into(),
        content: fs::read(web.join(path))?,
    })
}

/// The modules in a directory and below.
fn modules(web: &Path, directory: &str) -> Result<Vec<Asset>, Box<dyn Error>> {
    let mut found = Vec::new();
    for path in listed(&web.join(directory))? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let below = format!("{directory}/{name}");
        if path.is_dir() {
            found.extend(modules(web, &below)?);
        } else if name.ends_with(".js") {
            found.push(file(web, &below)?);
        }
    }
    Ok(found)
}

/// Browsers know packages by their address only, and an inline import map is what the policy forbids.
fn vendored(web: &Path) -> Result<Vec<Asset>, Box<dyn Error>> {
    let mut found = modules(web, "vendor")?;
    for asset in &mut found {
        let text = String::from_utf8(std::mem::take(&mut asset.content))?;
        let text = text
            .replace("from\"d3-", "from\"./d3-")
            .replace("from\"preact\"", "from\"./preact\"");
        asset.content = located(&text).into_bytes();
    }
    Ok(found)
}

/// Gives `from"./name"` its ending.
fn located(text: &str) -> String {
    let mut parts = text.split("from\"./");
    let mut located = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('"').unwrap_or((part, ""));
        located += &format!("from\"./{name}.js\"{rest}");
    }
    located
}

fn digest<'a>(assets: impl Iterator<Item = &'a Asset>) -> String {
    let mut hash = Xxh3::new();
    for asset in assets {
        hash.update(asset.path.as_bytes());
        hash.update(&asset.content.len().to_le_bytes());
        hash.update(&asset.content);
    }
    format!("{:032x}", hash.digest128())
}

/// A browser that learns of all modules at once need not find one behind the other.
fn preloads(modules: &[Asset], digest: &str) -> String {
    let links = modules.iter().map(|module| {
        format!(
            "<link rel=\"modulepreload\" href=\"/assets/{digest}/{}\">",
            module.path
        )
    });
    links.collect::<Vec<_>>().join("\n    ")
}

/// Writes a file in three codings and returns the expression that embeds them.
fn put(out: &Path, name: &str, content: &[u8]) -> Result<String, Box<dyn Error>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content)?;
    let mut brotli = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        lgwin: 19,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &content[..], &mut brotli, &parameters)?;
    let embed = |ending: &str, content: &[u8]| -> Result<String, Box<dyn Error>> {
        let file = format!("{name}{ending}");
        fs::write(out.join(&file), content)?;
        Ok(format!(
            "include_bytes!(concat!(env!(\"OUT_DIR\"), {:?}))",
            format!("/{file}")
        ))
    };
    let plain = embed("", content)?;
    let gzip = embed(".gz", &gzip.finish()?)?;
    let brotli = embed(".br", &brotli)?;
    Ok(format!(
        "Content {{ plain: {plain}, gzip: {gzip}, brotli: {brotli} }}"
    ))
}

/// The entries of a directory in the order of their names.
fn listed(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
