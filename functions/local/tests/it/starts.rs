//! What functions do before they ask for work, and how long that takes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use local::lambda::Programs;
use local::stack::{Options, Stack};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
const LOCAL: &str = env!("CARGO_BIN_EXE_local");

/// The first line of what the first caller says.
async fn first_line(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut said = Vec::new();
    while !said.contains(&b'\n') && stream.read_buf(&mut said).await.unwrap() > 0 {}
    let said = String::from_utf8(said).unwrap();
    said.lines().next().unwrap_or_default().to_owned()
}

/// Reading them takes longer than all else. Here there are none, without which no connection can be made ready.
#[tokio::test(flavor = "multi_thread")]
async fn functions_ask_for_work_before_they_read_certificates() {
    let stack = Stack::start(Options::new(TEMPLATE, Programs::ReExec(LOCAL.into()))).await;
    let stack = stack.unwrap();
    for (name, function) in &stack.template().functions {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut child = Command::new(LOCAL)
            .env_clear()
            .envs(stack.aws_environment())
            .envs(&function.environment)
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                listener.local_addr().unwrap().to_string(),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "test")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
            .env("_HANDLER", &function.binary)
            .env("SSL_CERT_FILE", "/dev/null")
            .env("SSL_CERT_DIR", "/dev/null")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let line = tokio::select! {
            line = first_line(&listener) => line,
            status = child.wait() => panic!("{name} ended with {}", status.unwrap()),
            () = tokio::time::sleep(Duration::from_secs(60)) => panic!("{name} asks for nothing"),
        };
        assert_eq!(
            line, "GET /2018-06-01/runtime/invocation/next HTTP/1.1",
            "{name}"
        );
    }
    stack.shutdown().await;
}

/// Asks for work as a function does, and is small.
const ASKING: &str = "#!/bin/bash
api=${AWS_LAMBDA_RUNTIME_API#http://}
host=${api%%/*}
exec 3<>/dev/tcp/${host/:/\\/}
printf 'GET /%s/2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nhost: %s\\r\\n\\r\\n' ${api#*/} $host >&3
read -r -u 3
";

/// Measures a directory in which every function is this script, and says whether that worked, and what was printed.
async fn measure(script: &str, missing: Option<&str>) -> (bool, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let functions = [
        "connections",
        "console",
        "empty",
        "fan-out",
        "fetch",
        "insights",
        "oauth",
        "spot-check",
        "validate-pat",
    ];
    for function in functions {
        if Some(function) != missing {
            let path = directory.path().join(function);
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
    }
    let mut command = Command::new(LOCAL);
    command
        .args(["--template", TEMPLATE, "--json", "--cold-starts"])
        .arg(directory.path());
    let output = command.output().await.unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[tokio::test]
async fn every_function_is_started_and_compared_with_the_one_that_does_nothing() {
    let (worked, measured, said) = measure(ASKING, None).await;
    assert!(worked, "{said}");
    let measured: Value = serde_json::from_str(&measured).unwrap();
    let measured = measured.as_object().unwrap();
    assert_eq!(measured.len(), 9);
    for (name, own) in measured {
        let is_http = !["empty", "fan-out", "fetch"].contains(&name.as_str());
        assert_eq!(own["http"], is_http, "{name}");
        assert_eq!(own["program_bytes"], ASKING.len(), "{name}");
        let zipped = own["zip_bytes"].as_u64().unwrap();
        assert!((1..ASKING.len() as u64).contains(&zipped), "{name}");
        // It is the same program under each name.
        let ratio = own["times_empty"].as_f64().unwrap();
        assert!((0.1..10.0).contains(&ratio), "{name} {ratio}");
        assert!(own["start_ms"].as_f64().unwrap() > 0.1, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_named() {
    let other = ASKING.replace("GET", "POST");
    for (script, missing, reason) in [
        (
            "#!/bin/bash\nexit 7\n",
            None,
            "connections starts: it ended with exit status: 7",
        ),
        (&other, None, "connections starts: it asked for `POST "),
        (ASKING, Some("oauth"), "oauth starts: No such file"),
    ] {
        let (worked, measured, said) = measure(script, missing).await;
        assert!(!worked && measured.is_empty(), "{said}");
        assert!(
            said.contains(&format!("cannot measure how {reason}")),
            "{said}"
        );
    }
}
