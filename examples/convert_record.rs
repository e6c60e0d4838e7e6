//! Reads a game record in one format and writes it in another; reports a file in an unknown format.
//!
//! `cargo run -p keisei-examples --bin convert_record < game.kif > game.csa`

use std::io::Read;

use anyhow::{Context, Result};
use keisei_core::notation::Format;

fn main() -> Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input is not UTF-8")?;
    print!("{}", convert(&text)?);
    Ok(())
}

fn convert(text: &str) -> Result<String> {
    let format = Format::detect(text).context("no known format")?;
    let read = format.read(text);
    // A reader keeps everything that it can read, and lists the defects with their places.
    for defect in &read.defects {
        eprintln!("{defect}");
    }
    let tree = read.tree.context("the start position is not understood")?;
    let left_out = Format::Csa2.left_out(&tree);
    if !left_out.is_empty() {
        eprintln!("{left_out}");
    }
    Ok(Format::Csa2.write(&tree))
}

#[test]
fn it_runs() {
    let written = convert("手合割：平手\n   1 ７六歩(77)\n   2 ３四歩(33)\n").expect("this is KIF");
    assert!(written.contains("+7776FU\n-3334FU"), "{written}");
}
