/**
 * The manifest of the agents that this site ships, `agents/manifest.json`. Its format is described in `play/src/agents.rs`.
 *
 * Nothing of it is trusted: a field out of its range drops the agent that has it, names are shown as text alone, and a file is only ever
 * fetched from the manifest's own folder.
 */

import { type Fields, fields, integer, list, number, oneOf, parsed, text } from "../state/decode";

/** Names of levels, from the weakest. */
export const LEVEL_NAMES = ["first_games", "gentle", "casual", "even", "sharp", "strong", "full"] as const;
export type LevelName = (typeof LEVEL_NAMES)[number];

export const STRENGTHS = ["first_games", "beginner", "casual", "club", "strong"] as const;
export type StrengthWord = (typeof STRENGTHS)[number];

export const DTYPES = ["f32", "f16", "int8"] as const;

/** A way to play: by the policy alone at a temperature, or by a search with visits. */
export interface ShippedLevel {
  name: LevelName;
  visits: number;
  temperature: number;
  milliseconds: number;
}

/** Strength of an agent for one way to play, as a tournament measured it. */
export interface ShippedRating {
  play: string;
  elo: number;
  low: number | undefined;
  high: number | undefined;
  anchor: string;
  games: number | undefined;
  conditions: string;
}

/** Where an agent comes from, as far as it is known. */
export interface Origin {
  channels: number;
  blocks: number;
  weights: number;
  dtype: (typeof DTYPES)[number] | undefined;
  run: string;
  iteration: number | undefined;
  plies: number | undefined;
  created: string;
  notes: string;
  seconds: number | undefined;
  settings: string;
  seed: number | undefined;
  revision: string;
  machine: string;
  command: string;
}

export interface ShippedAgent {
  id: string;
  /** Plain name of the file in the manifest's folder. */
  file: string;
  bytes: number;
  sha256: string;
  /** Names in English and in Japanese. */
  name: string;
  nameJa: string;
  strength: StrengthWord | undefined;
  origin: Origin;
  ratings: ShippedRating[];
  /** From the weakest; empty if the agent has no levels of its own. */
  levels: ShippedLevel[];
}

/** A reason why a manifest, or an agent of it, cannot be used. */
export type ManifestDefect =
  | { kind: "unreachable" | "json" | "format" | "too_long" | "default" }
  | { kind: "answered"; status: number }
  | { kind: "version"; found: string }
  | { kind: "count"; found: number }
  /** The agent at this place, from 1, with the field that does not fit. */
  | { kind: "agent"; place: number; field: string };

export interface Manifest {
  /** Id of the agent that is opened first; null leaves that to the site's own model. */
  default: string | null;
  agents: ShippedAgent[];
  defects: ManifestDefect[];
}

const [FORMAT, VERSION] = ["keisei-agents", 1];
/** Most bytes of a manifest, and most agents in it. */
export const LONGEST_MANIFEST = 1 << 20;
const MOST_AGENTS = 64;
/** Largest model file in bytes: the network takes several times as much memory. */
export const LARGEST_MODEL = 128 << 20;
export const ID = /^[a-z0-9-]{1,40}$/;
export const SHA256 = /^[0-9a-f]{64}$/;
/** A plain file name: no folder, nothing hidden, no other site. */
const FILE = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const LONGEST_TEXT = 2000;
/** Characters that are not seen but change what stands around them: controls, and marks of the direction of writing. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const MOST = Number.MAX_SAFE_INTEGER;
const MOST_ELO = 10_000;

/** A text for display; undefined if it is none, or too long. */
const shown = (value: unknown, longest: number): string | undefined => text(value, longest)?.replace(UNSEEN, "");

const none = (...defects: ManifestDefect[]): Manifest => ({ default: null, agents: [], defects });

/** The manifest of a site without one. */
export const noManifest = none;

export function readManifest(content: string): Manifest {
  if (content.length > LONGEST_MANIFEST) return none({ kind: "too_long" });
  const value = parsed(content);
  if (value === undefined) return none({ kind: "json" });
  const read = fields(value);
  if (!read || read["format"] !== FORMAT || !Array.isArray(read["agents"])) return none({ kind: "format" });
  if (read["version"] !== VERSION) return none({ kind: "version", found: String(JSON.stringify(read["version"])).slice(0, 20) });
  const entries = read["agents"] as unknown[];
  if (entries.length > MOST_AGENTS) return none({ kind: "count", found: entries.length });
  const manifest = none();
  entries.forEach((entry, index) => {
    const agent = readAgent(entry);
    const isTwin = typeof agent !== "string" && manifest.agents.some(({ id }) => id === agent.id);
    if (typeof agent !== "string" && !isTwin) manifest.agents.push(agent);
    else manifest.defects.push({ kind: "agent", place: index + 1, field: typeof agent === "string" ? agent : "id" });
  });
  const first = read["default"] ?? null;
  if (first === null || manifest.agents.some(({ id }) => id === first)) manifest.default = first as string | null;
  else manifest.defects.push({ kind: "default" });
  return manifest;
}

/** A name for display; undefined if nothing of it is seen, or too much. */
function nameOf(value: unknown): string | undefined {
  const name = shown(value, 200)?.trim();
  return name !== undefined && /^.{1,80}$/u.test(name) ? name : undefined;
}

/** The agent of an entry, or the name of the first field that does not fit. */
function readAgent(entry: unknown): ShippedAgent | string {
  const read = fields(entry);
  if (!read) return "{}";
  const matching = (name: string, form: RegExp): string | undefined => {
    const value = text(read[name], 200);
    return value !== undefined && form.test(value) ? value : undefined;
  };
  const id = matching("id", ID);
  if (id === undefined) return "id";
  const file = matching("file", FILE);
  if (file === undefined) return "file";
  const bytes = integer(read["bytes"], 1, LARGEST_MODEL);
  if (bytes === undefined) return "bytes";
  const sha256 = matching("sha256", SHA256);
  if (sha256 === undefined) return "sha256";
  const [name, nameJa] = [nameOf(read["name"]), nameOf(read["name_ja"])];
  if (name === undefined) return "name";
  const origin = readOrigin(read);
  if (origin === undefined) return "network";
  const ratings = list(read["ratings"] ?? [], 50, readRating);
  if (ratings === undefined) return "ratings";
  const levels = list(read["levels"] ?? [], LEVEL_NAMES.length, readLevel);
  const places = levels?.map((level) => LEVEL_NAMES.indexOf(level.name)) ?? [];
  if (levels === undefined || places.some((place, at) => at > 0 && place <= (places[at - 1] ?? 0))) return "levels";
  const strength = oneOf(read["strength"], STRENGTHS);
  return { id, file, bytes, sha256, name, nameJa: nameJa ?? name, strength, origin, ratings, levels };
}

/** What is known of the origin; undefined without a network. Any other field that does not fit is as good as missing. */
function readOrigin(read: Fields): Origin | undefined {
  const network = fields(read["network"]);
  const [channels, blocks] = [integer(network?.["channels"], 1, 0xffff), integer(network?.["blocks"], 0, 0xffff)];
  const weights = integer(network?.["weights"], 1, MOST);
  if (channels === undefined || blocks === undefined || weights === undefined) return undefined;
  const words = (name: string): string => shown(read[name], LONGEST_TEXT) ?? "";
  return {
    channels,
    blocks,
    weights,
    dtype: oneOf(network?.["dtype"], DTYPES),
    run: words("run"),
    iteration: integer(read["iteration"], 0, MOST),
    plies: integer(read["plies"], 0, MOST),
    created: words("created"),
    notes: words("notes"),
    seconds: number(read["seconds"], 0, MOST),
    settings: words("settings"),
    seed: integer(read["seed"], 0, MOST),
    revision: words("revision"),
    machine: words("machine"),
    command: words("command"),
  };
}

function readRating(entry: unknown): ShippedRating | undefined {
  const read = fields(entry);
  const [play, anchor] = [shown(read?.["play"], 200), shown(read?.["anchor"], 200)];
  const [elo, low, high] = ["elo", "low", "high"].map((name) => number(read?.[name], -MOST_ELO, MOST_ELO));
  if (play === undefined || anchor === undefined || elo === undefined) return undefined;
  // An interval that does not hold its rating is none.
  if ((low ?? elo) > elo || (high ?? elo) < elo) return undefined;
  const games = integer(read?.["games"], 0, MOST);
  return { play, elo, low, high, anchor, games, conditions: shown(read?.["conditions"], LONGEST_TEXT) ?? "" };
}

function readLevel(entry: unknown): ShippedLevel | undefined {
  const read = fields(entry);
  const name = oneOf(read?.["name"], LEVEL_NAMES);
  const visits = integer(read?.["visits"], 0, 100_000);
  const temperature = number(read?.["temperature"], 0, 100);
  const milliseconds = integer(read?.["milliseconds"], 0, 60_000);
  if (name === undefined || visits === undefined || temperature === undefined || milliseconds === undefined) return undefined;
  // A search without time would have no visit.
  return visits > 0 && milliseconds === 0 ? undefined : { name, visits, temperature, milliseconds };
}
