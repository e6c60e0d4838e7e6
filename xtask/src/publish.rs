//! A folder for a static host: the built pages, and the files that hosts read.
//!
//! | file | read by | for |
//! |---|---|---|
//! | `.nojekyll` | GitHub Pages | every file is served, also one whose name begins with `_` |
//! | `_headers` | Netlify, Cloudflare Pages | how long to cache, what may frame a page, what other sites may load |
//! | `.htaccess` | Apache | the same, types of files, and the page about a missing address |
//! | `404.html` | all of these | the page about a missing address; its links start at the site's path, because the address may be deep |
//!
//! The pages' content security policy stands in the pages themselves. `frame-ancestors` works only as a header.

use anyhow::{Context, Result, bail};
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

/// Whether a published folder has compressed files beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressed {
    /// For servers that send them, such as `trainer-native serve`, Caddy and nginx.
    Yes,
    /// For hosts that compress by themselves.
    No,
}

/// Page that any site may frame.
const FRAMED: &str = "embed.html";

/// Folder of what pages of other sites load.
const SHARED: &str = "embed/";

/// Service worker, which every build has: by it a folder is known to hold published pages.
const SERVICE_WORKER: &str = "sw.js";

/// Files and bytes that were published.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    files: usize,
    bytes: u64,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files, {:.1} MB", self.files, self.bytes as f64 / 1e6)
    }
}

/// Path of a site on its host, beginning and ending with a slash.
///
/// # Errors
/// It has characters that addresses write otherwise.
pub fn path(given: &str) -> Result<String, String> {
    let inner = given.trim_matches('/');
    let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
    if !inner
        .split('/')
        .all(|part| is_plain(part) && part != "." && part != ".." && (inner.is_empty() || !part.is_empty()))
    {
        return Err(format!("--path {given:?}: letters, digits, `-._~` and `/` only, such as /keisei/"));
    }
    Ok(if inner.is_empty() { "/".into() } else { format!("/{inner}/") })
}

/// Checks that `folder` may be written to: it is not there, or is empty, or holds pages that were published before.
///
/// # Errors
/// It holds something else, which is not to be mixed with pages.
pub fn check(folder: &Path) -> Result<()> {
    if !folder.exists() || folder.join(SERVICE_WORKER).is_file() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    // A new repository for GitHub Pages has nothing but its `.git`.
    if entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == ".git")) {
        return Ok(());
    }
    bail!("{}: holds something else than published pages; name a new folder", folder.display());
}

/// Copies the pages built in `dist` into `folder`, whose path on its host is `path`, and adds what hosts read. Scripts of an earlier
/// build leave; files that no build writes, such as `CNAME` or a run's bundle, stay.
///
/// # Errors
/// As [`check`]; a file cannot be read or written.
pub fn publish(dist: &Path, folder: &Path, path: &str, compressed: Compressed) -> Result<Published> {
    check(folder)?;
    if !dist.join(SERVICE_WORKER).is_file() {
        bail!("{}: no built pages there; `cargo xtask web` builds them", dist.display());
    }
    for hashed in ["assets", "embed/assets"] {
        let assets = folder.join(hashed);
        if assets.exists() {
            fs::remove_dir_all(&assets).with_context(|| format!("{}", assets.display()))?;
        }
    }
    let mut published = Published { files: 0, bytes: 0 };
    let mut pages = Vec::new();
    for file in files(dist)? {
        let is_compressed = file.extension().is_some_and(|extension| extension == "br" || extension == "gz");
        // The compressed twin of a page whose links are changed would be of another page.
        let is_changed = file.file_stem().is_some_and(|stem| stem == "404.html");
        if is_compressed && (compressed == Compressed::No || is_changed) {
            continue;
        }
        let mut bytes = fs::read(dist.join(&file)).with_context(|| format!("{}", file.display()))?;
        if file == Path::new("404.html") {
            let page = String::from_utf8(bytes).context("404.html")?;
            bytes = page.replace("=\"./", &format!("=\"{path}")).into_bytes();
        } else if file.extension().is_some_and(|extension| extension == "html") && file.components().count() == 1 {
            pages.push(file.display().to_string());
        }
        published.files += 1;
        published.bytes += bytes.len() as u64;
        write(&folder.join(&file), &bytes)?;
    }
    pages.sort();
    write(&folder.join(".nojekyll"), b"")?;
    write(&folder.join("_headers"), headers(path, &pages).as_bytes())?;
    write(&folder.join(".htaccess"), htaccess(path).as_bytes())?;
    Ok(published)
}

/// Paths of all files below `folder`, relative to it.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(folder.join(&at)).with_context(|| format!("{}", folder.join(&at).display()))? {
            let entry = entry?;
            let path = at.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(file.parent().expect("a file lies in a folder"))
        .and_then(|()| fs::write(file, bytes))
        .with_context(|| format!("{}", file.display()))
}

/// `_headers` of Netlify and Cloudflare Pages. Rules that match the same address add up, so each page has its own for framing.
fn headers(path: &str, pages: &[String]) -> String {
    let mut text = String::from("/*\n  X-Content-Type-Options: nosniff\n  Referrer-Policy: no-referrer\n");
    let mut rule = |address: &str, line: &str| {
        let _ = write!(text, "{path}{address}\n  {line}\n");
    };
    rule("assets/*", "Cache-Control: public, max-age=31536000, immutable");
    rule("embed/assets/*", "Cache-Control: public, max-age=31536000, immutable");
    rule(&format!("{SHARED}*"), "Access-Control-Allow-Origin: *");
    rule(&format!("{SHARED}*"), "Cross-Origin-Resource-Policy: cross-origin");
    rule(SERVICE_WORKER, "Cache-Control: no-cache");
    for page in pages {
        let who = if page == FRAMED { "*" } else { "'self'" };
        let name = page.trim_end_matches(".html");
        // Hosts also know a page without its extension, and the first one by the folder.
        for address in [page.as_str(), if name == "index" { "" } else { name }] {
            rule(address, "Cache-Control: no-cache");
            rule(address, &format!("Content-Security-Policy: frame-ancestors {who}"));
        }
    }
    text
}

/// `.htaccess` of Apache; without its module for headers the pages work, and a browser asks more often.
fn htaccess(path: &str) -> String {
    let framed = FRAMED.replace('.', "\\.");
    format!(
        "AddType text/javascript .js\n\
         AddType application/wasm .wasm\n\
         AddType application/manifest+json .webmanifest\n\
         ErrorDocument 404 {path}404.html\n\
         <IfModule mod_headers.c>\n\
         Header set X-Content-Type-Options nosniff\n\
         Header set Referrer-Policy no-referrer\n\
         Header set Cache-Control no-cache\n\
         <If \"%{{REQUEST_URI}} =~ m#^{path}(embed/)?assets/#\">\n\
         Header set Cache-Control \"public, max-age=31536000, immutable\"\n\
         </If>\n\
         <FilesMatch \"^(?!{framed}$).*\\.html$\">\n\
         Header set Content-Security-Policy \"frame-ancestors 'self'\"\n\
         </FilesMatch>\n\
         <If \"%{{REQUEST_URI}} =~ m#^{path}{SHARED}#\">\n\
         Header set Access-Control-Allow-Origin \"*\"\n\
         Header set Cross-Origin-Resource-Policy cross-origin\n\
         Header unset Content-Security-Policy\n\
         </If>\n\
         </IfModule>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small build in a new folder of this name.
    fn build(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("keisei-publish-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let dist = folder.join("dist");
        for (file, text) in [
            ("index.html", "<a href=\"./replay.html\">"),
            ("replay.html", "replay"),
            ("embed.html", "embed"),
            ("404.html", "<link href=\"./assets/base.css\"><a href=\"./index.html\">"),
            ("404.html.br", "compressed"),
            ("index.html.br", "compressed"),
            ("sw.js", "const BUILD"),
            ("assets/page-1.js", "script"),
            ("models/default.model", "weights"),
        ] {
            write(&dist.join(file), text.as_bytes()).unwrap();
        }
        folder
    }

    fn read(folder: &Path, file: &str) -> String {
        fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    #[test]
    fn a_published_folder_has_what_hosts_read() {
        let folder = build("hosts");
        let site = folder.join("site");
        let published = publish(&folder.join("dist"), &site, "/keisei/", Compressed::No).unwrap();
        assert_eq!(published.files, 7);
        assert_eq!(read(&site, "index.html"), "<a href=\"./replay.html\">");
        assert_eq!(read(&site, "models/default.model"), "weights");
        let missing = read(&site, "404.html");
        assert_eq!(missing, "<link href=\"/keisei/assets/base.css\"><a href=\"/keisei/index.html\">");
        assert_eq!(read(&site, ".nojekyll"), "");
        assert!(read(&site, ".htaccess").contains("ErrorDocument 404 /keisei/404.html"));
        assert!(!site.join("index.html.br").exists());
        let headers = read(&site, "_headers");
        for rule in [
            "/keisei/assets/*\n  Cache-Control: public, max-age=31536000, immutable\n",
            "/keisei/embed/assets/*\n  Cache-Control: public, max-age=31536000, immutable\n",
            "/keisei/embed/*\n  Access-Control-Allow-Origin: *\n",
            "/keisei/embed/*\n  Cross-Origin-Resource-Policy: cross-origin\n",
            "/keisei/sw.js\n  Cache-Control: no-cache\n",
            "/keisei/\n  Content-Security-Policy: frame-ancestors 'self'\n",
            "/keisei/replay\n  Content-Security-Policy: frame-ancestors 'self'\n",
            "/keisei/embed.html\n  Content-Security-Policy: frame-ancestors *\n",
        ] {
            assert!(headers.contains(rule), "no {rule:?} in\n{headers}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn compressed_files_come_on_request_but_for_the_changed_page() {
        let folder = build("compressed");
        let site = folder.join("site");
        publish(&folder.join("dist"), &site, "/", Compressed::Yes).unwrap();
        assert!(site.join("index.html.br").exists());
        assert!(!site.join("404.html.br").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn publishing_again_replaces_scripts_and_keeps_what_is_not_ours() {
        let folder = build("again");
        let (dist, site) = (folder.join("dist"), folder.join("site"));
        fs::create_dir_all(site.join(".git")).unwrap();
        publish(&dist, &site, "/", Compressed::No).unwrap();
        write(&site.join("CNAME"), b"keisei.example").unwrap();
        fs::rename(dist.join("assets/page-1.js"), dist.join("assets/page-2.js")).unwrap();
        publish(&dist, &site, "/", Compressed::No).unwrap();
        assert!(site.join("assets/page-2.js").exists() && !site.join("assets/page-1.js").exists());
        assert_eq!(read(&site, "CNAME"), "keisei.example");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let folder = build("refused");
        let other = folder.join("other");
        write(&other.join("thesis.txt"), b"years of work").unwrap();
        let error = publish(&folder.join("dist"), &other, "/", Compressed::No).unwrap_err().to_string();
        assert!(error.contains("something else"), "{error}");
        assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn paths_begin_and_end_with_a_slash() {
        for (given, expected) in [("/", "/"), ("", "/"), ("keisei", "/keisei/"), ("/a/b-c/", "/a/b-c/")] {
            assert_eq!(path(given).as_deref(), Ok(expected), "{given}");
        }
        for given in ["a b", "a//b", "../up", "a?b", "\"><script>", "将棋"] {
            assert!(path(given).is_err(), "{given}");
        }
    }
}
