//! Writing: a tree in any format of game records.

use alloc::{format, string::String, vec::Vec};

use keisei_core::format::{Record, record};
use keisei_core::notation::Format;
use wasm_bindgen::prelude::*;

use crate::js_error;
use crate::tree::Tree;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Format of game records as text. */
export type RecordFormat = "kif" | "ki2" | "csa2" | "csa3" | "jkf" | "usi" | "usen";
/** Part of a game that a format cannot hold. */
export type LostPart =
  | "variations" | "comments" | "evaluations" | "bookmarks" | "times" | "fractions" | "headers" | "ends" | "illegal_moves";
"#;

/// Parts of one kind that a format cannot hold.
#[wasm_bindgen]
pub struct Lost {
    part: &'static str,
    /// Number of such parts of the game.
    pub count: usize,
}

#[wasm_bindgen]
impl Lost {
    /// Kind of the parts.
    #[wasm_bindgen(getter, unchecked_return_type = "LostPart")]
    pub fn part(&self) -> String {
        self.part.into()
    }
}

fn format(name: &str) -> Result<Format, JsError> {
    let known = Format::ALL.into_iter().find(|format| format.name() == name);
    known.ok_or_else(|| js_error(format!("{name:?} is no format of game records")))
}

#[wasm_bindgen]
impl Tree {
    /// Text of the whole tree in a format, as far as it can hold it.
    ///
    /// # Errors
    /// If there is no such format.
    pub fn write(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RecordFormat")] format: &str,
    ) -> Result<String, JsError> {
        Ok(self::format(format)?.write(&self.tree))
    }

    /// Parts of the tree that a format, or a record file, cannot hold.
    ///
    /// # Errors
    /// If there is no such format.
    pub fn left_out(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RecordFormat | \"record\"")] format: &str,
    ) -> Result<Vec<Lost>, JsError> {
        let lost = match format {
            "record" => Record::of_tree(&self.tree).1,
            format => self::format(format)?.left_out(&self.tree),
        };
        let parts = [
            (lost.variations, "variations"),
            (lost.comments, "comments"),
            (lost.evaluations, "evaluations"),
            (lost.bookmarks, "bookmarks"),
            (lost.times, "times"),
            (lost.fractions, "fractions"),
            (lost.headers, "headers"),
            (lost.ends, "ends"),
            (lost.illegal_moves, "illegal_moves"),
        ];
        Ok(parts.into_iter().filter(|&(count, _)| count > 0).map(|(count, part)| Lost { part, count }).collect())
    }

    /// Bytes of a record file with the main line.
    ///
    /// # Errors
    /// If the main line cannot be recorded.
    pub fn record(&self) -> Result<Vec<u8>, JsError> {
        record::to_bytes(&[Record::of_tree(&self.tree).0]).map_err(js_error)
    }
}
