//! Reduction of a game tree to the parts that a notation must keep.

use keisei_core::notation::{Builder, End, Event, Format, GameTree};
use keisei_core::shogi::Color;

/// Whether CSA has no word for an end.
fn end_becomes_comment(end: &End, format: Format) -> bool {
    let of_the_other_version = if format == Format::Csa2 { End::MaxMoves } else { End::TakenBack };
    end.csa(Color::Black).is_none() || *end == of_the_other_version
}

/// The tree without the parts that `format` cannot hold.
///
/// # Panics
/// Never: the nodes of a tree are played again in their order.
pub fn reduced(record: &GameTree, format: Format) -> GameTree {
    let main_only = matches!(format, Format::Csa2 | Format::Csa3 | Format::Usi);
    let mut builder = Builder::new(record.start().clone());
    let lines = if main_only { vec![record.main_line()] } else { record.lines() };
    for line in lines {
        builder.rewind(usize::from(record.node(line[0]).ply()).saturating_sub(1)).expect("a line starts on the path");
        for id in line {
            let node = record.node(id);
            match (node.event(), format) {
                (Event::Start, _) => {}
                (Event::Illegal(_) | Event::End(_), Format::Usi) => continue,
                (Event::Move(mv) | Event::Illegal(mv), _) => drop(builder.play(*mv)),
                (Event::End(end), Format::Usen) => {
                    drop(builder.end(End::from_usen(end.usen()).expect("a letter")));
                }
                (Event::End(end), Format::Csa2 | Format::Csa3) if end_becomes_comment(end, format) => {
                    drop(builder.end(End::Interrupt));
                    builder.node_mut().comments.push(end.kakinoki().into());
                }
                (Event::End(end), _) => drop(builder.end(end.clone())),
            }
            let (clock, talk) = match format {
                Format::Ki2 => (0, true),
                Format::Kif | Format::Csa2 => (1000, true),
                Format::Csa3 | Format::Jkf => (1, true),
                Format::Usi | Format::Usen => (0, false),
            };
            let copy = builder.node_mut();
            copy.spent = node.spent.filter(|_| clock > 0).map(|spent| spent / clock * clock);
            if talk {
                copy.comments.extend(node.comments.iter().cloned());
                copy.bookmark.clone_from(&node.bookmark);
                for evaluation in node.evaluations() {
                    *copy.evaluation_mut(evaluation.source) = evaluation.clone();
                }
            }
        }
    }
    builder.finish()
}
