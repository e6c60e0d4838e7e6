//! `trainer-native serve`: the built pages over HTTP, for a browser on this machine; with runs, also these as they go on, under
//! `/runs/` (see [`live`](crate::bundle::live)), where the page `run.html` looks for them.
//!
//! | header | value | why |
//! |---|---|---|
//! | `Content-Type` | by file name, `application/wasm` among them | browsers compile WebAssembly from a stream only with this type |
//! | `Content-Security-Policy` | own files and WebAssembly only | the pages need nothing else, so anything else is an attack or a mistake |
//! | `X-Content-Type-Options` | `nosniff` | a model file is data, whatever its first bytes look like |
//! | `Referrer-Policy` | `no-referrer` | other sites do not learn where a visitor came from |
//! | `Cache-Control` | a year under `assets/`, revalidate elsewhere; `no-store` for runs that go on | those names contain a hash of the content; a model's name does not; tomorrow the run has other files |
//! | `Content-Encoding` | `br` or `gzip` where the browser takes it and the build wrote `FILE.br` or `FILE.gz` | a third of the bytes, at no cost here |
//! | `Vary` | `Accept-Encoding` | a cache keeps the variants apart |
//! | `Access-Control-Allow-Origin` | `*` under `/embed/` | pages of other sites load the elements and their modules from there |
//! | `Cross-Origin-Resource-Policy` | `cross-origin` under `/embed/` | also those that isolate themselves |
//!
//! Only the page `/embed.html`, which is `/embed/` too, may stand in a frame of another site, and may load a game from one.
//!
//! An address without a file is answered with 404 and the folder's `404.html`, whose relative links are made to start at the root:
//! the address may be deeper than the page was written for.
//!
//! COOP and COEP are not sent: the pages need no shared memory, and both would prevent embedding.

use crate::bundle::live::Live;
use crate::history::is_run;
use crate::run::directory::behind_link;
use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt as _;
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Workers and wasm come from the page's own files; `data:` and `blob:` are for inlined glyphs and opened game files.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    connect-src 'self' blob:; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Addresses of the page that any site may frame.
const FRAMED: [&str; 3] = ["/embed.html", "/embed/", "/embed/index.html"];

/// Policy of that page: it stands in any frame and loads a game from any server that lets it, and has no workers.
const FRAMED_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' https: http: data:; \
    style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// Folder of what pages of other sites load.
const SHARED: &str = "/embed/";

/// Arguments of `serve`.
#[derive(clap::Args, Debug)]
pub struct ServeArgs {
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Address to listen at; another than that of this machine alone lets everybody on the network read the pages and the runs
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Folder of the built pages
    #[arg(long, value_name = "DIR", default_value = "www/dist")]
    pub pages: PathBuf,
    /// Directories of runs to show as they go on; the folder of the pages may stand here too
    #[arg(value_name = "RUN")]
    pub runs: Vec<PathBuf>,
}

/// Serves until Ctrl-C or SIGTERM. Open transfers are finished first; a second signal ends them.
///
/// The first line on standard output is `serving DIRECTORY at http://127.0.0.1:PORT/`, printed when connections are accepted; with
/// runs, the address of their page follows.
///
/// # Errors
/// The folder of the pages has no `index.html`, there is no run in a directory, or the port is not free.
pub fn run(args: &ServeArgs) -> Result<()> {
    let (folders, runs): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.runs.iter().partition(|path| path.join("index.html").is_file() && !is_run(path));
    let directory = match folders[..] {
        [] => &args.pages,
        [folder] => folder,
        _ => bail!("{} and {}: the pages of one folder are served", folders[0].display(), folders[1].display()),
    };
    if let Some(path) = runs.iter().find(|path| !is_run(path)) {
        bail!("{}: no index.html there, and no run", path.display());
    }
    if !directory.join("index.html").is_file() {
        bail!("{}: no index.html there; `cargo xtask web` builds the pages into www/dist", directory.display());
    }
    let runs: Vec<PathBuf> = runs.into_iter().map(|run| behind_link(run)).collect();
    let live = if runs.is_empty() { None } else { Some(Live::start(&runs)?) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((args.host, args.port))
            .await
            .with_context(|| format!("{}: cannot listen", SocketAddr::from((args.host, args.port))))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let mut stdout = std::io::stdout();
        // The reader of standard output may have closed it; the pages are served all the same.
        let mut told = format!("serving {} at {url}\n", directory.display());
        if live.is_some() {
            let _ = writeln!(told, "runs at {url}run.html");
        }
        let _ = stdout.write_all(told.as_bytes()).and_then(|()| stdout.flush());
        let router = router(directory, live.as_ref());
        // An event stream ends with the reader of its runs, and would otherwise keep the server waiting.
        let stop = async move {
            stop_signal().await;
            drop(live);
        };
        let server = axum::serve(listener, router).with_graceful_shutdown(stop);
        tokio::select! {
            served = server => served.context("serving stopped"),
            () = async { stop_signal().await; stop_signal().await } => Ok(()),
        }
    })
}

/// Router for every file below `directory` and for the runs that go on, with the headers of the table above.
pub fn router(directory: &Path, live: Option<&Live>) -> Router {
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    let missing = missing_page(directory);
    let missing = move || async move { (StatusCode::NOT_FOUND, Html(missing)) };
    let files = ServeDir::new(directory).precompressed_br().precompressed_gzip();
    live.map_or_else(Router::new, Live::router)
        .fallback_service(files.not_found_service(missing.into_service()))
        .layer(middleware::from_fn(set_headers_by_path))
        .layer(always(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(REFERRER_POLICY, "no-referrer"))
        .layer(always(VARY, "accept-encoding"))
}

/// Page for an address without a file: the folder's `404.html` with links from the root, or one sentence.
fn missing_page(directory: &Path) -> String {
    match fs::read_to_string(directory.join("404.html")) {
        Ok(page) => page.replace("=\"./", "=\"/"),
        Err(_) => {
            "<!doctype html><html lang=\"en\"><title>Not found</title><p>There is no such page. <a href=\"/\">Play</a>"
                .into()
        }
    }
}

/// Sets the headers that depend on the address.
async fn set_headers_by_path(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let hashed = path.starts_with("/assets/") || path.starts_with("/embed/assets/");
    let cached =
        if hashed && response.status().is_success() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let policy = if FRAMED.contains(&&*path) { FRAMED_POLICY } else { POLICY };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(cached));
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_SECURITY_POLICY, policy);
    if path.starts_with(SHARED) {
        set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    }
    response
}

/// Resolves at the next Ctrl-C or SIGTERM. Where no handler can be installed, the system's default stays: the process ends at
/// once.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpStream;

    /// Serves a small folder on a free port and returns its address; the server thread ends with the test process.
    fn start(name: &str) -> SocketAddr {
        let site = std::env::temp_dir().join(format!("keisei-serve-{name}-{}", std::process::id()));
        fs::create_dir_all(site.join("assets")).unwrap();
        fs::write(site.join("index.html"), "<p>board").unwrap();
        fs::write(site.join("assets/engine.wasm"), b"\0asm").unwrap();
        fs::create_dir_all(site.join("embed/assets")).unwrap();
        fs::write(site.join("embed.html"), "<p>game").unwrap();
        fs::write(site.join("embed/index.html"), "<p>game").unwrap();
        fs::write(site.join("embed/keisei.js"), "elements").unwrap();
        fs::write(site.join("embed/assets/kif.wasm"), b"\0asm").unwrap();
        fs::write(site.join("default.model"), b"weights").unwrap();
        fs::write(site.join("assets/page.js"), "plain text").unwrap();
        fs::write(site.join("assets/page.js.br"), "brotli").unwrap();
        fs::write(site.join("assets/page.js.gz"), "gzip").unwrap();
        fs::write(site.join("404.html"), "<a href=\"./index.html\">Play</a>").unwrap();
        fs::write(site.parent().unwrap().join(format!("keisei-outside-{}", std::process::id())), "secret").unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                send.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, router(&site, None)).await.unwrap();
            });
        });
        receive.recv().unwrap()
    }

    /// The whole answer to one request, header names in lower case.
    fn ask(server: SocketAddr, method: &str, path: &str) -> String {
        ask_with(server, method, path, "")
    }

    /// Answer to [`ask`] with further header lines, each with its end.
    fn ask_with(server: SocketAddr, method: &str, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(server).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn answers_carry_type_policy_and_cache_headers() {
        let server = start("headers");
        let check = |path: &str, lines: &[&str]| {
            let answer = ask(server, "GET", path);
            for line in lines {
                assert!(answer.lines().any(|found| found == *line), "{path}: no line {line:?} in\n{answer}");
            }
            assert!(answer.contains("'wasm-unsafe-eval'") && answer.contains("default-src 'self'"), "{path}\n{answer}");
            assert!(answer.contains("x-content-type-options: nosniff"), "{path}\n{answer}");
        };
        check("/", &["HTTP/1.1 200 OK", "content-type: text/html", "cache-control: no-cache", "<p>board"]);
        check(
            "/assets/engine.wasm",
            &["content-type: application/wasm", "cache-control: public, max-age=31536000, immutable"],
        );
        check("/default.model", &["HTTP/1.1 200 OK", "cache-control: no-cache", "weights"]);
        check("/assets/gone.js", &["HTTP/1.1 404 Not Found", "cache-control: no-cache"]);
    }

    #[test]
    fn other_sites_may_frame_one_page_and_load_one_folder() {
        let server = start("shared");
        let check = |path: &str, framed: bool, shared: bool| {
            let answer = ask(server, "GET", path);
            let found = |line: &str| answer.lines().any(|found| found == line);
            assert_eq!(answer.contains("frame-ancestors *"), framed, "{path}\n{answer}");
            assert_eq!(answer.contains("frame-ancestors 'self'"), !framed, "{path}\n{answer}");
            assert_eq!(found("access-control-allow-origin: *"), shared, "{path}\n{answer}");
            assert_eq!(found("cross-origin-resource-policy: cross-origin"), shared, "{path}\n{answer}");
        };
        check("/", false, false);
        check("/index.html", false, false);
        check("/embed.html", true, false);
        check("/embed/", true, true);
        check("/embed/keisei.js", false, true);
        check("/embed/assets/kif.wasm", false, true);
        check("/embed.html/..%2findex.html", false, false);
        check("/embedded.html", false, false);
        let cached =
            |path: &str| ask(server, "GET", path).contains("cache-control: public, max-age=31536000, immutable");
        assert_eq!([cached("/embed/keisei.js"), cached("/embed/assets/kif.wasm")], [false, true]);
    }

    #[test]
    fn a_browser_gets_the_smallest_variant_that_it_takes() {
        let server = start("variants");
        let check = |method: &str, path: &str, headers: &str, lines: &[&str], body: &str| {
            let answer = ask_with(server, method, path, headers);
            for line in lines {
                assert!(answer.lines().any(|found| found == *line), "{headers}: no line {line:?} in\n{answer}");
            }
            assert!(answer.contains("vary: accept-encoding"), "{headers}\n{answer}");
            assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, body, "{headers}\n{answer}");
        };
        let page = "/assets/page.js";
        let (br, gzip) = ("content-encoding: br", "content-encoding: gzip");
        let javascript = "content-type: text/javascript";
        check("GET", page, "Accept-Encoding: gzip, deflate, br\r\n", &[br, javascript, "content-length: 6"], "brotli");
        check("HEAD", page, "Accept-Encoding: gzip, deflate, br\r\n", &[br, javascript, "content-length: 6"], "");
        check("GET", page, "Accept-Encoding: gzip\r\n", &[gzip, javascript], "gzip");
        check("GET", page, "Accept-Encoding: br;q=0, gzip;q=0.5\r\n", &[gzip], "gzip");
        check("GET", page, "", &["content-length: 10", javascript], "plain text");
        check("GET", page, "Range: bytes=0-4\r\n", &["HTTP/1.1 206 Partial Content"], "plain");
        check("GET", "/default.model", "Accept-Encoding: br\r\n", &["content-length: 7"], "weights");
    }

    #[test]
    fn a_missing_page_has_links_from_the_root() {
        let server = start("missing");
        for path in ["/replay", "/a/b/c.html", "/models/"] {
            let answer = ask(server, "GET", path);
            assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}\n{answer}");
            assert!(answer.contains("content-type: text/html; charset=utf-8"), "{path}\n{answer}");
            assert!(answer.ends_with("<a href=\"/index.html\">Play</a>"), "{path}\n{answer}");
        }
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let server = start("outside");
        let outside = format!("keisei-outside-{}", std::process::id());
        let check = |path: &str| {
            let answer = ask(server, "GET", path);
            assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("secret"), "{path}\n{answer}");
        };
        check(&format!("/../{outside}"));
        check(&format!("/%2e%2e/{outside}"));
        check(&format!("/assets/..%2f..%2f{outside}"));
        check("//etc/passwd");
        assert!(ask(server, "POST", "/").starts_with("HTTP/1.1 405"));
    }

    #[test]
    fn a_folder_without_pages_is_refused() {
        let directory = std::env::temp_dir().join("keisei-serve-none");
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let args = ServeArgs { port: 0, host, pages: directory.clone(), runs: Vec::new() };
        let error = run(&args).unwrap_err().to_string();
        assert!(error.starts_with(&directory.display().to_string()), "{error}");
    }
}
