/** Words of the board: names of pieces and squares' states, and what it announces. */

/** Indexed by the rules' piece kind: P L N S G B R K, then their promotions. */
const KINDS = [
  "pawn", "lance", "knight", "silver", "gold", "bishop", "rook", "king",
  "promoted pawn", "promoted lance", "promoted knight", "promoted silver", "horse", "dragon",
] as const;

const kind = (index: number): string => KINDS[index] ?? "piece";
const counted = (count: number, index: number): string => `${count} ${kind(index)}${count > 1 ? "s" : ""}`;

export const boardWords = {
  board: "Shogi board",
  /** Indexed by colour. */
  sides: ["Black", "White"],
  kind,
  piece: (side: string, index: number): string => `${side} ${kind(index)}`,
  inCheck: "in check",
  selected: "selected",
  canBeCaptured: "can be captured",
  legalMove: "legal move",
  canMove: "can move",
  canBeDropped: "can be dropped",
  hand: (side: string, empty: boolean): string => `${side}'s hand${empty ? ", empty" : ""}`,
  noneInHand: (index: number): string => `no ${kind(index)}`,
  inHand: (count: number, index: number): string => `${counted(count, index)} in hand`,
  share: (percent: string, of: "position" | "piece"): string =>
    of === "piece" ? `${percent} of this piece's moves` : `${percent} of the policy`,
  percent: (value: number): string => `${value} %`,
  legend: (of: "position" | "piece"): string => (of === "piece" ? "Share of this piece's moves" : "Share of the policy"),
  promote: "Promote?",
  promoteTo: (index: number): string => `promote to ${kind(index)}`,
  stay: (index: number): string => `do not promote, stay ${kind(index)}`,
  chosen: (piece: string, moves: number): string => `${piece} selected, ${moves} legal ${moves === 1 ? "move" : "moves"}`,
  letGo: "selection cleared",
  box: "Pieces to place",
  tools: "Change the position",
  boxSide: (side: string): string => `${side}'s pieces`,
  turnOver: "Turn",
  promoteTool: "Promote",
  remove: "Remove",
  oneMore: "+",
  oneLess: "−",
  oneMoreName: "one more in hand",
  oneLessName: "one less in hand",
  placed: (square: string, piece: string): string => `${square}: ${piece}`,
  emptied: (square: string): string => `${square}: empty`,
  brush: (piece: string): string => `${piece}: choose squares for it`,
  pickedUp: (square: string, piece: string): string => `${square} ${piece} picked: choose its new square`,
  handCount: (side: string, text: string): string => `${side}: ${text}`,
  nothingPicked: "choose a piece first",
  emptyHand: (side: string): string => `${side}'s hand is empty`,
  noDrop: (side: string): string => `no piece in ${side}'s hand can be dropped now`,
} as const;
