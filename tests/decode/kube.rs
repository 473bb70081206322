//! `--names kube` against an API server that the test is: every answer that one can give, and none.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the server does when it is asked.
enum Reply {
    Json(Value),
    Status(u16, Value),
    /// Takes the question, and never answers.
    Silence,
    Text(&'static str),
}

/// One request that the server got.
#[derive(Debug, Clone)]
struct Asked {
    /// Path and query.
    target: String,
    /// All headers, names in lower case.
    headers: Vec<(String, String)>,
}

impl Asked {
    fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// `pods`, from `/api/v1/pods?limit=500`.
    fn kind(&self) -> &str {
        let path = self.target.split('?').next().unwrap();
        path.strip_prefix("/api/v1/").unwrap_or(path)
    }

    fn parameters(&self) -> HashMap<&str, &str> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect()
    }
}

/// An API server on 127.0.0.1, and a kubeconfig for it.
struct Server {
    asked: Arc<Mutex<Vec<Asked>>>,
    directory: tempfile::TempDir,
    url: String,
}

impl Server {
    fn new(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), &log, &*answer));
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let server = Self {
            asked,
            directory,
            url,
        };
        server.kubeconfig("config", &json!({"token": "of-the-test"}));
        server
    }

    /// Writes a kubeconfig with two contexts; `dead`'s server is a port that nobody listens on.
    fn kubeconfig(&self, name: &str, user: &Value) -> PathBuf {
        let path = self.directory.path().join(name);
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [
                {"name": "here", "cluster": {"server": self.url}},
                {"name": "dead", "cluster": {"server": format!("http://{free}")}},
            ],
            "users": [{"name": "me", "user": user}],
            "contexts": [
                {"name": "here", "context": {"cluster": "here", "user": "me"}},
                {"name": "dead", "context": {"cluster": "dead", "user": "me"}},
            ],
        });
        // JSON is YAML.
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Runs `ovl` with the kubeconfig in KUBECONFIG.
    fn ovl(&self, args: &[&str]) -> Ended {
        run(&self.directory.path().join("config"), args)
    }

    /// Decodes the capture with names, and whatever else is asked for.
    fn decode(&self, args: &[&str]) -> Ended {
        let file = capture();
        let mut all = vec!["decode", "-n", "--names", "kube", file.as_str()];
        all.extend(args);
        self.ovl(&all)
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Reply) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let target = line.split(' ').nth(1).unwrap().to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let asked = Asked { target, headers };
        let (code, kind, body) = match answer(&asked) {
            Reply::Json(value) => (200, "application/json", value.to_string()),
            Reply::Status(code, value) => (code, "application/json", value.to_string()),
            Reply::Text(text) => (200, "text/html", text.to_owned()),
            Reply::Silence => {
                log.lock().unwrap().push(asked);
                // Until the other end has gone.
                let _ = reader.read_line(&mut String::new());
                return;
            }
        };
        log.lock().unwrap().push(asked);
        let head = format!(
            "HTTP/1.1 {code} Whatever\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream
            .write_all(format!("{head}{body}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}

/// What a run of `ovl` left.
struct Ended {
    out: String,
    err: String,
    code: i32,
}

fn run(kubeconfig: &Path, args: &[&str]) -> Ended {
    run_program(env!("CARGO_BIN_EXE_ovl"), kubeconfig, args)
}

fn run_program(program: &str, kubeconfig: &Path, args: &[&str]) -> Ended {
    let output = Command::new(program)
        .args(args)
        .env("TZ", "UTC")
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", "/nonexistent")
        // A proxy that nobody runs: what is on this machine is not asked for through one.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap(),
    }
}

/// Pings from 10.46.0.8 to 10.40.0.21 between the nodes 192.168.61.11 and .12, on 2026-11-23 at 19:47 UTC.
fn capture() -> String {
    let path = "tests/data/pcaps/realistic/ovl_real_any_sll.pcap";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    path.to_str().unwrap().to_owned()
}

fn pod(name: &str, address: &str, phase: &str, started: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "default", "creationTimestamp": "2026-11-23T10:00:00Z",
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
        },
        "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "host01"},
        "status": {
            "phase": phase, "startTime": started, "podIP": address, "podIPs": [{"ip": address}],
        },
    })
}

const BEFORE: &str = "2026-11-23T10:00:01Z";
const AFTER: &str = "2026-11-24T08:00:00Z";

fn list(kind: &str, next: &str, items: &[Value]) -> Value {
    json!({
        "kind": kind, "apiVersion": "v1", "items": items,
        "metadata": {"resourceVersion": "1", "continue": next},
    })
}

fn nodes() -> Value {
    let node = |name: &str, address: &str| {
        json!({
            "metadata": {"name": name, "creationTimestamp": BEFORE},
            "status": {"addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": "10.46.0.8"},
            ]},
        })
    };
    let nodes = [
        node("host01", "192.168.61.11"),
        node("host02", "192.168.61.12"),
    ];
    list("NodeList", "", &nodes)
}

fn services() -> Value {
    let headless = json!({
        "metadata": {"name": "headless", "namespace": "default", "creationTimestamp": BEFORE},
        "spec": {"clusterIP": "None", "clusterIPs": ["None"]},
    });
    let dual = json!({
        "metadata": {"name": "dual", "namespace": "kube-system", "creationTimestamp": BEFORE},
        "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10", "fd10::8"]},
    });
    list("ServiceList", "", &[headless, dual])
}

/// A cluster whose pods come on three pages, one of them without any.
fn cluster(asked: &Asked) -> Reply {
    let page = asked.parameters().get("continue").copied();
    Reply::Json(match (asked.kind(), page) {
        ("pods", None) => {
            let mut on_the_node = pod("kube-proxy-x", "192.168.61.11", "Running", BEFORE);
            on_the_node["spec"]["hostNetwork"] = json!(true);
            let done = pod("job-x", "10.46.0.8", "Succeeded", BEFORE);
            list("PodList", "second", &[on_the_node, done])
        }
        ("pods", Some("second")) => {
            let mut page = list("PodList", "third%2B", &[]);
            page["items"] = Value::Null;
            page
        }
        ("pods", Some(_)) => list(
            "PodList",
            "",
            &[
                pod("client", "10.46.0.8", "Running", BEFORE),
                pod("server", "10.40.0.21", "Running", BEFORE),
            ],
        ),
        ("nodes", _) => nodes(),
        ("services", _) => services(),
        _ => return Reply::Status(404, json!({"kind": "Status", "code": 404})),
    })
}

fn status(code: u16, message: &str) -> Reply {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "Forbidden", "code": code,
    });
    Reply::Status(code, body)
}

fn forbidden(kind: &str) -> Reply {
    status(
        403,
        &format!("{kind} is forbidden: User \"joe\" cannot list resource \"{kind}\""),
    )
}

#[test]
fn a_cluster_names_pods_nodes_and_services_in_every_form() {
    let server = Server::new(cluster);
    let plain = server.decode(&[]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    for expected in [
        "192.168.61.12.58249[host02] > 192.168.61.11.6784[host01]: VXLAN",
        "10.46.0.8[default/client] > 10.40.0.21[default/server]: ICMP echo request",
        "fd10::8[svc/kube-system/dual]",
    ] {
        assert!(plain.out.contains(expected), "{expected}: {}", plain.out);
    }
    for wrong in ["job-x", "kube-proxy-x", "headless"] {
        assert!(!plain.out.contains(wrong), "{wrong}");
    }
    for (args, expected) in [
        (vec!["-o", "table"], "10.46.0.8 (default/client)"),
        (vec!["-o", "json"], r#""destination_name":"default/server""#),
        (
            vec!["--pings"],
            "10.46.0.8 (default/client) > 10.40.0.21 (default/server), id",
        ),
        (
            vec!["--pings", "-o", "json"],
            r#""source_name":"default/client""#,
        ),
        (vec!["--flows"], "192.168.61.11 (host01)"),
        (
            vec!["--flows", "-o", "json"],
            r#""source_name":"default/client""#,
        ),
    ] {
        let ended = server.decode(&args);
        assert!(ended.out.contains(expected), "{args:?}: {}", ended.out);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn lists_are_taken_page_by_page_with_the_callers_credentials() {
    let server = Server::new(cluster);
    let args = ["--as", "joe", "--as-group", "ops", "--as-group", "dev"];
    assert_eq!(server.decode(&args).code, 0);
    let asked = server.asked();
    let pages: Vec<_> = asked
        .iter()
        .filter(|asked| asked.kind() == "pods")
        .map(|asked| asked.parameters().get("continue").copied().unwrap_or("-"))
        .collect();
    assert_eq!(pages, ["-", "second", "third%252B"]);
    assert_eq!(asked.len(), 5);
    for asked in &asked {
        assert_eq!(asked.parameters()["limit"], "500", "{asked:?}");
        assert_eq!(asked.header("authorization"), ["Bearer of-the-test"]);
        assert_eq!(asked.header("impersonate-user"), ["joe"]);
        assert_eq!(asked.header("impersonate-group"), ["ops", "dev"]);
    }
}

#[test]
fn what_may_not_be_listed_is_said_and_the_rest_is_named() {
    let server = Server::new(|asked| match asked.kind() {
        "pods" => forbidden("pods"),
        _ => cluster(asked),
    });
    let ended = server.decode(&[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("192.168.61.11.6784[host01]"));
    assert!(!ended.out.contains("client"));
    let wrong = format!("the pods are not named: cannot list them on {}", server.url);
    assert!(ended.err.contains(&wrong), "{}", ended.err);
    for expected in ["User \"joe\" cannot list", "kubectl create clusterrole"] {
        assert!(ended.err.contains(expected), "{}", ended.err);
    }
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
}

#[test]
fn who_may_list_nothing_is_told_what_to_ask_for() {
    let server = Server::new(|asked| forbidden(asked.kind()));
    let ended = server.decode(&[]);
    assert_eq!((ended.code, ended.out.as_str()), (3, ""));
    let expected = format!(
        "cannot list pods, nodes and services on {}: pods is forbidden",
        server.url
    );
    assert!(ended.err.contains(&expected), "{}", ended.err);
    assert!(ended.err.contains("try: let an admin grant it"));

    let server = Server::new(|_| status(401, "Unauthorized"));
    let ended = server.decode(&[]);
    assert_eq!(ended.code, 3);
    assert!(
        ended.err.contains("does not know who asks"),
        "{}",
        ended.err
    );
}

#[test]
fn a_silent_server_is_an_error_and_not_a_wait() {
    let server = Server::new(|_| Reply::Silence);
    let begun = Instant::now();
    let ended = server.decode(&["--request-timeout", "400ms"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{begun:?}");
    assert_eq!(ended.code, 3);
    let expected = "cannot list pods, nodes and services on";
    assert!(ended.err.contains(expected), "{}", ended.err);
    assert!(
        ended.err.contains("no answer within 400ms"),
        "{}",
        ended.err
    );

    // One that stops in the midst of it leaves what came before.
    let server = Server::new(|asked| match asked.parameters().get("continue") {
        Some(_) => Reply::Silence,
        None if asked.kind() == "pods" => {
            let first = pod("client", "10.46.0.8", "Running", BEFORE);
            Reply::Json(list("PodList", "more", &[first]))
        }
        None => cluster(asked),
    });
    let ended = server.decode(&["--request-timeout", "400ms"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended
            .out
            .contains("10.46.0.8[default/client] > 10.40.0.21:")
    );
    let expected = "some pods are not named";
    assert!(ended.err.contains(expected), "{}", ended.err);
}

#[test]
fn what_is_no_api_server_is_not_taken_for_an_empty_cluster() {
    for (reply, expected) in [
        (
            Reply::Json(json!({})),
            "the answer is no PodList but something else",
        ),
        (
            Reply::Json(json!({"kind": "PodList", "items": [{"metadata": 7}]})),
            "the answer makes no sense: invalid type",
        ),
        (Reply::Text("<html>hello"), "the answer makes no sense"),
        (Reply::Status(502, json!("bad gateway")), "HTTP 502"),
        // A list that never ends, though every page comes at once.
        (
            Reply::Json(list("PodList", "again", &[])),
            "the list does not end after 4000 pages",
        ),
    ] {
        let reply = Mutex::new(Some(reply));
        let server = Server::new(move |asked| {
            let reply = reply.lock().unwrap();
            match (asked.kind(), reply.as_ref().unwrap()) {
                ("pods", Reply::Json(value)) => Reply::Json(value.clone()),
                ("pods", Reply::Status(code, value)) => Reply::Status(*code, value.clone()),
                ("pods", Reply::Text(text)) => Reply::Text(text),
                _ => cluster(asked),
            }
        });
        let ended = server.decode(&["-c", "1"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(ended.err.contains(expected), "{expected}: {}", ended.err);
        assert!(ended.out.contains("[host01]"), "{}", ended.out);
    }
}

#[test]
fn a_packet_is_not_named_after_a_pod_that_came_later() {
    let server = Server::new(|asked| match asked.kind() {
        "pods" => Reply::Json(list(
            "PodList",
            "",
            &[
                pod("client", "10.46.0.8", "Running", BEFORE),
                pod("newcomer", "fd10::21", "Running", AFTER),
                // Its address was used from 19:47:49 to 19:47:54.
                pod("half-way", "10.40.0.21", "Running", "2026-11-23T19:47:50Z"),
            ],
        )),
        _ => cluster(asked),
    });
    for args in [
        vec![],
        vec!["-o", "json"],
        vec!["-o", "table"],
        vec!["--pings"],
        vec!["--flows"],
    ] {
        let ended = server.decode(&args);
        assert!(ended.out.contains("default/client"), "{args:?}");
        assert!(!ended.out.contains("newcomer"), "{args:?}: {}", ended.out);
        let expected = "2 addresses are not named in packets that are older";
        assert!(ended.err.contains(expected), "{args:?}: {}", ended.err);
        assert_eq!(ended.code, 0);
    }
    let ended = server.decode(&["-tttt", "--", "icmp and host 10.40.0.21"]);
    for line in ended.out.lines() {
        let named = line.contains("10.40.0.21[default/half-way]");
        assert_eq!(named, !line.contains(" 19:47:49."), "{line}");
    }
    assert!(ended.out.contains(" 19:47:49.") && ended.out.contains(" 19:47:50."));
}

#[test]
fn the_cluster_is_the_one_that_kubectl_would_ask() {
    let server = Server::new(cluster);
    let config = server.directory.path().join("config");
    let file = capture();
    let decode = |kubeconfig: &Path, more: &[&str]| {
        let mut args = vec!["decode", "-c1", "--names", "kube", file.as_str()];
        args.extend(more);
        run(kubeconfig, &args)
    };
    // A list of files; those that are not there do not count, and the first one's context does.
    let second = server.directory.path().join("second");
    std::fs::write(&second, r#"{"current-context": ""}"#).unwrap();
    let several = std::env::join_paths([&second, &config]).unwrap();
    assert_eq!(decode(Path::new(&several), &[]).code, 0);
    std::fs::write(&second, r#"{"current-context": "dead"}"#).unwrap();
    let several = std::env::join_paths([Path::new("/nonexistent/a"), &config, &second]).unwrap();
    let ended = decode(Path::new(&several), &[]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let several = std::env::join_paths([&second, &config]).unwrap();
    let ended = decode(Path::new(&several), &[]);
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("Connection refused"), "{}", ended.err);
    assert!(decode(Path::new(&several), &["--context", "here"]).code == 0);
    // A proxy that the kubeconfig itself names is used.
    let proxied = server.directory.path().join("proxied");
    let direct = std::fs::read_to_string(&config).unwrap();
    let url = format!("\"server\":\"{}\"", server.url);
    let through = format!("{url},\"proxy-url\":\"http://127.0.0.1:1\"");
    std::fs::write(&proxied, direct.replace(&url, &through)).unwrap();
    let ended = decode(&proxied, &[]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains("Connection refused"), "{}", ended.err);
    // --kubeconfig goes before the environment.
    let path = config.to_str().unwrap();
    assert_eq!(
        decode(Path::new("/nonexistent"), &["--kubeconfig", path]).code,
        0
    );

    let unknown = decode(&config, &["--context", "prod"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no context prod"), "{}", unknown.err);
    assert!(
        unknown.err.contains("one of: dead, here"),
        "{}",
        unknown.err
    );
    let none = decode(Path::new("/nonexistent/config"), &[]);
    assert_eq!(none.code, 3);
    assert!(none.err.contains("there is no kubeconfig"), "{}", none.err);
    let none = decode(Path::new("/nonexistent/config"), &["--context", "here"]);
    assert_eq!(none.code, 2, "{}", none.err);
    let missing = decode(&config, &["--kubeconfig", "/nonexistent/config"]);
    assert_eq!(missing.code, 3);
    let expected = "cannot read the kubeconfig /nonexistent/config: No such file";
    assert!(missing.err.contains(expected), "{}", missing.err);
    std::fs::write(&second, "clusters: [").unwrap();
    let broken = decode(&second, &[]);
    assert_eq!(broken.code, 3);
    assert!(
        broken.err.contains("cannot read the kubeconfig"),
        "{}",
        broken.err
    );
}

#[test]
fn a_credential_plugin_is_asked_and_its_output_stays_secret() {
    let server = Server::new(cluster);
    let plugin = server.directory.path().join("plugin");
    let exec = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": [plugin], "interactiveMode": "Never",
    }});
    let config = server.kubeconfig("plugin-config", &exec);
    let args = ["--kubeconfig", config.to_str().unwrap()];
    let good = r#"echo '{"kind": "ExecCredential", "status": {"token": "fresh"}}'"#;
    std::fs::write(&plugin, good).unwrap();
    assert_eq!(server.decode(&args).code, 0);
    assert_eq!(server.asked()[0].header("authorization"), ["Bearer fresh"]);
    std::fs::write(&plugin, "echo s3cret; exit 7").unwrap();
    let ended = server.decode(&args);
    assert_eq!(ended.code, 3);
    let expected = "(plugin sh): the credential plugin failed (exit status: 7)";
    assert!(ended.err.contains(expected), "{}", ended.err);
    assert!(!ended.err.contains("s3cret"), "{}", ended.err);
}

#[test]
fn words_about_a_cluster_need_one() {
    let server = Server::new(cluster);
    let file = capture();
    for words in [
        vec!["--context", "here"],
        vec!["--names", "lab", "--as", "joe"],
        vec!["--request-timeout", "3s"],
    ] {
        let mut args = vec!["decode", file.as_str()];
        args.extend(&words);
        let ended = server.ovl(&args);
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.err);
        assert!(ended.err.contains("try: add --names kube"), "{}", ended.err);
    }
    for words in [["--request-timeout", "0"], ["--as-group", "ops"]] {
        assert_eq!(server.decode(&words).code, 2, "{words:?}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn kubectls_plugin_and_live_captures_take_names_too() {
    let server = Server::new(cluster);
    let config = server.directory.path().join("config");
    let file = capture();
    let args = ["decode", "--names", "kube", "--context", "here", &file];
    let ended = run_program(env!("CARGO_BIN_EXE_kubectl-ovl"), &config, &args);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(ended.out.contains("[default/client]"));
    // Names come before any socket is opened.
    let ended = server.ovl(&["capture", "--names", "kube", "--context", "dead"]);
    assert_eq!(ended.code, 3);
    let expected = "cannot list pods, nodes and services on http://127.0.0.1";
    assert!(ended.err.contains(expected), "{}", ended.err);
}
