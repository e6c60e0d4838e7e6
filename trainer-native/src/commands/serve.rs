//! `trainer-native serve`: the built pages over HTTP, for a browser on this machine.
//!
//! | header | value | why |
//! |---|---|---|
//! | `Content-Type` | by file name, `application/wasm` among them | browsers compile WebAssembly from a stream only with this type |
//! | `Content-Security-Policy` | own files and WebAssembly only | the pages need nothing else, so anything else is an attack or a mistake |
//! | `X-Content-Type-Options` | `nosniff` | a model file is data, whatever its first bytes look like |
//! | `Referrer-Policy` | `no-referrer` | other sites do not learn where a visitor came from |
//! | `Cache-Control` | a year under `/assets/`, revalidate elsewhere | those names contain a hash of the content; a model's name does not |
//! | `Content-Encoding` | `br` or `gzip` where the browser takes it and the build wrote `FILE.br` or `FILE.gz` | a third of the bytes, at no cost here |
//! | `Vary` | `Accept-Encoding` | a cache keeps the variants apart |
//!
//! An address without a file is answered with 404 and the folder's `404.html`, whose relative links are made to start at the root:
//! the address may be deeper than the page was written for.
//!
//! COOP and COEP are not sent: the pages need no shared memory, and both would prevent embedding.

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt as _;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Workers and wasm come from the page's own files; `data:` and `blob:` are for inlined glyphs and opened game files.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    connect-src 'self' blob:; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Arguments of `serve`.
#[derive(clap::Args, Debug)]
pub struct ServeArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Folder of the built pages
    #[arg(default_value = "www/dist")]
    pub directory: PathBuf,
}

/// Serves until Ctrl-C or SIGTERM. Open transfers are finished first; a second signal ends them.
///
/// The first line on standard output is `serving DIRECTORY at http://127.0.0.1:PORT/`, printed when connections are accepted.
///
/// # Errors
/// The directory has no `index.html`, or the port is not free.
pub fn run(args: &ServeArgs) -> Result<()> {
    let directory = &args.directory;
    if !directory.join("index.html").is_file() {
        bail!("{}: no index.html there; `cargo xtask web` builds the pages into www/dist", directory.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
            .await
            .with_context(|| format!("127.0.0.1:{}: cannot listen", args.port))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let mut stdout = std::io::stdout();
        // The reader of standard output may have closed it; the pages are served all the same.
        let _ = writeln!(stdout, "serving {} at {url}", directory.display()).and_then(|()| stdout.flush());
        let server = axum::serve(listener, router(directory)).with_graceful_shutdown(stop_signal());
        tokio::select! {
            served = server => served.context("serving stopped"),
            () = async { stop_signal().await; stop_signal().await } => Ok(()),
        }
    })
}

/// Router for every file below `directory`, with the headers of the table above.
pub fn router(directory: &Path) -> Router {
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    let missing = missing_page(directory);
    let missing = move || async move { (StatusCode::NOT_FOUND, Html(missing)) };
    let files = ServeDir::new(directory).precompressed_br().precompressed_gzip();
    Router::new()
        .fallback_service(files.not_found_service(missing.into_service()))
        .layer(middleware::from_fn(set_cache_control))
        .layer(always(CONTENT_SECURITY_POLICY, POLICY))
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

async fn set_cache_control(request: Request, next: Next) -> Response {
    let hashed = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let value =
        if hashed && response.status().is_success() { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(value));
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
    use std::net::{SocketAddr, TcpStream};

    /// Serves a small folder on a free port and returns its address; the server thread ends with the test process.
    fn start(name: &str) -> SocketAddr {
        let site = std::env::temp_dir().join(format!("keisei-serve-{name}-{}", std::process::id()));
        fs::create_dir_all(site.join("assets")).unwrap();
        fs::write(site.join("index.html"), "<p>board").unwrap();
        fs::write(site.join("assets/engine.wasm"), b"\0asm").unwrap();
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
                axum::serve(listener, router(&site)).await.unwrap();
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
        let error = run(&ServeArgs { port: 0, directory: directory.clone() }).unwrap_err().to_string();
        assert!(error.starts_with(&directory.display().to_string()), "{error}");
    }
}
